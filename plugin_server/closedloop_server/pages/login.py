"""Signing in with a token, and out."""

from __future__ import annotations

from flask import g, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from closedloop_server.access import check_token, form_is_ours, services, sign_in, sign_out
from closedloop_server.pages.site import blueprint
from closedloop_server.store.engine import reading


@blueprint.get("/login")
def login() -> Response | str | tuple[str, int]:
    """The form; with `?token=…`, as in the link that the demo prints, it signs in at once."""
    if "token" in request.args:
        return _entered(request.args["token"], request.args.get("next", ""))
    if g.viewer is not None:
        return redirect(_destination(request.args.get("next", "")), code=303)
    return render_template("login.html", next=request.args.get("next", ""))


@blueprint.post("/login")
def submit() -> Response | tuple[str, int]:
    """Signs in with the token in the form."""
    destination = request.form.get("next", "")
    if not form_is_ours(request.form.get("form")):
        return _form("The form was open for too long, or cookies are blocked. Try again.", destination, 400)
    return _entered(request.form.get("token", "").strip(), destination)


def _entered(token: str, destination: str) -> Response | tuple[str, int]:
    with reading(services().engine) as connection:
        found = check_token(connection, token)
    if found is None:
        return _form("This token is not known, or it was revoked.", destination, 401)
    sign_in(found)
    # Somewhere else at once: the address with the token in it must not stay in the address bar.
    return redirect(_destination(destination), code=303)


def _form(problem: str, destination: str, status: int) -> tuple[str, int]:
    return render_template("login.html", problem=problem, next=destination), status


def _destination(wanted: str) -> str:
    """Where to go after signing in: a page of ours, never another site."""
    # Browsers read "//host" and "/\\host" as another site, and drop tabs and line ends before they look.
    ours = wanted.startswith("/") and wanted[1:2] not in ("/", "\\") and wanted.isprintable()
    return wanted if ours and not wanted.startswith(url_for("pages.login")) else url_for("pages.campaigns")


@blueprint.post("/logout")
def logout() -> Response | tuple[str, int]:
    """Ends the session."""
    if not form_is_ours(request.form.get("form")):
        message = "This form did not come from your session. Reload the page and try again."
        return render_template("problem.html", message=message), 400
    sign_out()
    return redirect(url_for("pages.login"), code=303)
