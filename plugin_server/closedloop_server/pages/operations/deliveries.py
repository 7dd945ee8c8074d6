"""What the CRMs are told: what waits, what was refused and why, what people changed by hand."""

from __future__ import annotations

from flask import render_template, request, url_for
from werkzeug.wrappers import Response

from closedloop_server.access import Scope, require, services, viewer
from closedloop_server.api.arguments import load_arguments
from closedloop_server.api.delivery_arguments import DeliveryPageArguments, from_value, to_place
from closedloop_server.operating import connections as connected
from closedloop_server.operating import deliveries as operating
from closedloop_server.operating.backlog import Step
from closedloop_server.operating.deliveries import State
from closedloop_server.pages.operations.forms import done, is_sure, question
from closedloop_server.pages.site import blueprint
from closedloop_server.pages.words import count
from closedloop_server.store.engine import reading

A_PAGE = 50


@blueprint.get("/operations/deliveries")
@require(Scope.OPERATE)
def deliveries() -> str:
    """One connection's values in one state."""
    arguments = load_arguments(DeliveryPageArguments, request.args, strict=False)
    names = [each.name for each in services().settings.connections]
    if not names:
        return render_template("operations/deliveries.html", connected=None, connections=[])
    found = connected.one(services(), arguments.get("connection") or names[0])
    state = arguments["state"]
    after = to_place(arguments["cursor"], state) if "cursor" in arguments else None
    with reading(services().engine) as connection:
        values = operating.listed(
            connection, found.name, state, code=arguments.get("code"), after=after, limit=A_PAGE + 1
        )
    return render_template(
        "operations/deliveries.html",
        connected=found,
        connections=names,
        state=state,
        code=arguments.get("code"),
        values=values[:A_PAGE],
        refusals=operating.refusals(services(), found.name) if state is State.REFUSED else (),
        numbers={
            State.WAITING: found.count(Step.TELL),
            State.REFUSED: found.count(Step.REFUSED),
            State.CHANGED: operating.changed_by_hand(services(), found.name),
        },
        older=from_value(values[A_PAGE - 1]) if len(values) > A_PAGE else None,
        later_page=after is not None,
    )


@blueprint.post("/operations/deliveries/try-again")
@require(Scope.OPERATE)
def try_again() -> Response | str:
    """Has a CRM told again what it refused: one value at once, many after a question."""
    name, key = request.form.get("connection", ""), request.form.get("key") or None
    code = request.form.get("code") or None
    found = connected.one(services(), name)
    back = url_for("pages.deliveries", connection=found.name, state=State.REFUSED.value)
    if key is None and not is_sure():
        which = f"everything that it refused with “{code}”" if code else "everything that it refused"
        return question(
            f"Tell {found.name} again?",
            f"The CRM is told again {which}. What it still does not take is refused again; nothing is told"
            " twice that it took. This uses calls of its daily allowance.",
            button="Try again",
            back=back,
        )
    tried = operating.try_again(services(), found.name, code=code, key=key, who=viewer().name)
    said = (
        f"{count(tried, 'value is', 'values are')} tried again." if tried else "It is not refused any more."
    )
    return done(said, "pages.deliveries", connection=found.name, state=State.REFUSED.value)
