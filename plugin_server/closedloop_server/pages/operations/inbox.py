"""What the CRMs sent: a list to filter, one delivery in full, and having some read once more."""

from __future__ import annotations

from flask import render_template, request, url_for
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response

from closedloop_server.access import Scope, require, services, viewer
from closedloop_server.api.arguments import load_arguments
from closedloop_server.api.inbox_arguments import InboxPageArguments, SelectionArguments, selection_of
from closedloop_server.operating import inbox as operating
from closedloop_server.pages.bodies import readable
from closedloop_server.pages.operations.forms import done, is_sure, question
from closedloop_server.pages.site import blueprint
from closedloop_server.pages.words import count
from closedloop_server.store import deliveries
from closedloop_server.store.deliveries import Selection
from closedloop_server.store.engine import reading

A_PAGE = 50


@blueprint.get("/operations/inbox")
@require(Scope.OPERATE)
def inbox() -> str:
    """The deliveries, the newest first."""
    arguments = load_arguments(InboxPageArguments, request.args, strict=False)
    selection = selection_of(arguments)
    with reading(services().engine) as connection:
        found = deliveries.listed(connection, selection, limit=A_PAGE + 1, before=arguments.get("before"))
    return render_template(
        "operations/inbox.html",
        selection=selection,
        found=found[:A_PAGE],
        older=found[A_PAGE - 1].id if len(found) > A_PAGE else None,
        later_page="before" in arguments,
        connections=[each.name for each in services().settings.connections],
        states=deliveries.State,
    )


@blueprint.get("/operations/inbox/<int:number>")
@require(Scope.OPERATE)
def delivery(number: int) -> str:
    """One delivery, its body as it was sent."""
    with reading(services().engine) as connection:
        found = deliveries.one(connection, number)
    if found is None:
        raise NotFound(f"There is no delivery {number}.")
    kept, body = found
    return render_template("operations/delivery.html", each=kept, body=readable(body))


@blueprint.post("/operations/inbox/<int:number>/replay")
@require(Scope.OPERATE)
def replay_delivery(number: int) -> Response:
    """Has one delivery read once more."""
    selection = Selection(first=number, last=number)
    replayed = operating.replay(services(), selection, who=viewer().name)
    said = "is read once more" if replayed else "cannot be read again: it waits anyway, or its body is gone"
    return done(f"Delivery {number} {said}.", "pages.delivery", number=number)


@blueprint.post("/operations/inbox/replay")
@require(Scope.OPERATE)
def replay_deliveries() -> Response | str:
    """Has all deliveries of a selection read once more, after a question."""
    selection = selection_of(load_arguments(SelectionArguments, request.form, strict=False))
    back = url_for("pages.inbox")
    if not is_sure():
        return question(
            "Read these deliveries once more?",
            f"{_described(selection)} Each says again which objects may have changed, and those are read"
            " anew from the CRM. Nothing is told twice, but it uses calls of the CRM’s daily allowance.",
            button="Read them once more",
            back=back,
        )
    replayed = operating.replay(services(), selection, who=viewer().name)
    return done(f"{count(replayed, 'delivery is', 'deliveries are')} read once more.", "pages.inbox")


def _described(selection: Selection) -> str:
    """The selection in words."""
    parts = [
        f"to {selection.connection}" if selection.connection else "",
        "that could not be read" if selection.state is deliveries.State.UNREADABLE else "",
        f"since {selection.since:%Y-%m-%d %H:%M}" if selection.since else "",
        f"before {selection.until:%Y-%m-%d %H:%M}" if selection.until else "",
    ]
    said = " ".join(part for part in parts if part)
    return f"All deliveries {said}." if said else "All deliveries that are kept."
