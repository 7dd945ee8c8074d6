"""Signing in with a token or a link that works once, and out."""

from __future__ import annotations

from flask import g, redirect, render_template, request, url_for
from sqlalchemy import Connection
from werkzeug.wrappers import Response

from closedloop_server.access import (
    Token,
    check_token,
    count_failure,
    refuse_too_many,
    services,
    sign_in,
    sign_out,
    sign_out_everywhere,
    use_link,
    viewer,
)
from closedloop_server.pages.site import blueprint
from closedloop_server.store import audit
from closedloop_server.store.engine import writing


@blueprint.get("/login")
def login() -> Response | str | tuple[str, int]:
    """The form; with `?link=…`, as `closedloop token link` prints it, the link's own."""
    destination, link = request.args.get("next", ""), request.args.get("link")
    if g.viewer is not None:
        return redirect(_destination(destination), code=303)
    if link and _a_person_opened_it():
        return _entered("", link, destination)
    return render_template("login.html", next=destination, link=link)


@blueprint.post("/login")
def submit() -> Response | tuple[str, int]:
    """Signs in with the token, or the link, in the form."""
    form = request.form
    return _entered(form.get("token", "").strip(), form.get("link", ""), form.get("next", ""))


def _entered(token: str, link: str, destination: str) -> Response | tuple[str, int]:
    refuse_too_many()
    with writing(services().engine) as connection:
        found = _found(connection, token, link)
        if found is not None:
            now = services().clock()
            sign_in(connection, found, now=now)
            audit.note(connection, who=found.name, action="session.begin", now=now)
    if found is None:
        count_failure()
        problem = "This link was used before, or it is too old." if link else _UNKNOWN
        return render_template("login.html", problem=problem, next=destination), 401
    return redirect(_destination(destination), code=303)


_UNKNOWN = "This token is not known, it has ended, or it was revoked."


def _found(connection: Connection, token: str, link: str) -> Token | None:
    now = services().clock()
    return use_link(connection, link, now=now) if link else check_token(connection, token, now=now)


def _a_person_opened_it() -> bool:
    """Whether the browser says that the link was typed in or opened from outside of any page.

    Everything else (a chat that looks what is behind a link, another site that wants somebody signed in as
    somebody else) finds a button, which uses nothing up. https://www.w3.org/TR/fetch-metadata/
    """
    told = request.headers
    return (
        told.get("Sec-Fetch-Site") == "none"
        and told.get("Sec-Fetch-Mode") == "navigate"
        and "Sec-Purpose" not in told
    )


def _destination(wanted: str) -> str:
    """Where to go after signing in: a page of ours, never another site."""
    # Browsers read "//host" and "/\\host" as another site, and drop tabs and line ends before they look.
    ours = wanted.startswith("/") and wanted[1:2] not in ("/", "\\") and wanted.isprintable()
    return wanted if ours and not wanted.startswith(url_for("pages.login")) else url_for("pages.campaigns")


@blueprint.post("/logout")
def logout() -> Response:
    """Ends the session."""
    with writing(services().engine) as connection:
        sign_out(connection)
    return redirect(url_for("pages.login"), code=303)


@blueprint.post("/logout/everywhere")
def logout_everywhere() -> Response:
    """Ends this session and all others that the same token opened."""
    found, now = viewer(), services().clock()
    with writing(services().engine) as connection:
        ended = sign_out_everywhere(connection, found)
        audit.note(connection, who=found.name, action="session.end_all", details={"sessions": ended}, now=now)
    return redirect(url_for("pages.login"), code=303)
