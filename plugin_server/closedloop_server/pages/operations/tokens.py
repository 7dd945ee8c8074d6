"""Tokens: who has one, making one, ending one."""

from __future__ import annotations

from datetime import timedelta

from flask import render_template, request, url_for
from werkzeug.wrappers import Response

from closedloop.errors import SettingsError
from closedloop_server.access import Role, Scope, require, services, viewer
from closedloop_server.api.problems import RequestError
from closedloop_server.operating import tokens as operating
from closedloop_server.pages.operations.forms import done, is_sure, question
from closedloop_server.pages.site import blueprint

LIFETIMES = {"30": "30 days", "90": "90 days", "365": "a year", "": "until it is revoked"}


@blueprint.get("/operations/tokens")
@require(Scope.ADMIN)
def tokens() -> str:
    """Every token that was made."""
    return _page()


@blueprint.post("/operations/tokens")
@require(Scope.ADMIN)
def create_token() -> str | tuple[str, int]:
    """Makes a token, and shows it: not after a redirect, because it must not lie in a cookie meanwhile."""
    name, role = request.form.get("name", ""), request.form.get("role", "")
    days = request.form.get("days", "")
    if role not in set(Role) or days not in LIFETIMES:
        raise RequestError("the form was not filled in: choose a role and how long the token holds")
    ends = services().clock() + timedelta(days=int(days)) if days else None
    try:
        made = operating.create(services(), name=name, role=Role(role), expires_at=ends, who=viewer().name)
    except SettingsError as exc:
        return _page(problem=exc.message), 400
    return _page(made=made, name=name.strip())


@blueprint.post("/operations/tokens/revoke")
@require(Scope.ADMIN)
def revoke_token() -> Response | str:
    """Ends every token of a name, once that is confirmed."""
    name = request.form.get("name", "")
    if not is_sure():
        return question(
            f"Revoke the token “{name}”?",
            "Programs that use it are refused from now on, and whoever signed in with it is signed out."
            " It cannot be made valid again; a new one can be made.",
            button="Revoke",
            back=url_for("pages.tokens"),
        )
    ended = operating.revoke(services(), name=name, who=viewer().name)
    return done(f"“{name}” is revoked." if ended else f"There was no valid token “{name}”.", "pages.tokens")


def _page(**told: str) -> str:
    return render_template(
        "operations/tokens.html",
        tokens=operating.every(services()),
        now=services().clock(),
        roles=Role,
        lifetimes=LIFETIMES,
        **told,
    )
