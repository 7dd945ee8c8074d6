"""Who changed what about this installation."""

from __future__ import annotations

from flask import render_template, request

from closedloop_server.access import Scope, require, services
from closedloop_server.api.arguments import BeforeArguments, load_arguments
from closedloop_server.pages.site import blueprint
from closedloop_server.store.audit import entries
from closedloop_server.store.engine import reading

A_PAGE = 50


@blueprint.get("/operations/audit")
@require(Scope.ADMIN)
def audit() -> str:
    """What was done, the newest first."""
    before = load_arguments(BeforeArguments, request.args, strict=False).get("before")
    with reading(services().engine) as connection:
        found = entries(connection, limit=A_PAGE + 1, before=before)
    return render_template(
        "operations/audit.html",
        found=found[:A_PAGE],
        older=found[A_PAGE - 1].id if len(found) > A_PAGE else None,
        later_page=before is not None,
    )
