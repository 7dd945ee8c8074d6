"""The connected CRMs: how far each was read, how telling it fares; holding it, reading it again."""

from __future__ import annotations

from flask import render_template, url_for
from werkzeug.wrappers import Response

from closedloop_server.access import Scope, require, services, viewer
from closedloop_server.operating import connections as connected
from closedloop_server.pages.operations.forms import done, is_sure, question
from closedloop_server.pages.site import blueprint


@blueprint.get("/operations/connections")
@require(Scope.OPERATE)
def connections() -> str:
    """Every connection."""
    return render_template("operations/connections.html", connections=connected.every(services()))


@blueprint.post("/operations/connections/<name>/pause")
@require(Scope.OPERATE)
def pause_connection(name: str) -> Response:
    """Holds the polls of a connection."""
    connected.pause(services(), name, who=viewer().name)
    return done(f"Reading {name} is paused. Webhooks are still followed.", "pages.connections")


@blueprint.post("/operations/connections/<name>/resume")
@require(Scope.OPERATE)
def resume_connection(name: str) -> Response:
    """Lets the polls of a connection go on."""
    connected.resume(services(), name, who=viewer().name)
    return done(f"Reading {name} goes on where it was.", "pages.connections")


@blueprint.post("/operations/connections/<name>/read-again")
@require(Scope.OPERATE)
def read_connection_again(name: str) -> Response | str:
    """Begins a connection anew, once that is confirmed."""
    found = connected.one(services(), name)
    if not is_sure():
        return question(
            f"Read everything of {name} again?",
            "Every record is read from the beginning. This may take hours and uses calls of the CRM’s daily"
            " allowance; it cannot be called back, only paused. Figures and decisions stay as they are"
            " meanwhile.",
            button="Read everything again",
            back=url_for("pages.connections"),
        )
    connected.read_again(services(), found.name, who=viewer().name)
    return done(f"Everything of {name} is read again from the beginning.", "pages.connections")
