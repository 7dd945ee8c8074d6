"""The first page of operations: is everything well, and if not, where to look."""

from __future__ import annotations

from flask import render_template

from closedloop_server.access import Scope, require, services
from closedloop_server.operating import connections as connected
from closedloop_server.operating.system import system as state_of_the_system
from closedloop_server.pages.site import blueprint


@blueprint.get("/operations/")
@require(Scope.OPERATE)
def system() -> str:
    """Workers, what waits where, the database."""
    return render_template(
        "operations/system.html",
        system=state_of_the_system(services()),
        connections=connected.every(services()),
    )
