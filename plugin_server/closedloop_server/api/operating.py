"""The resources of operations: what runs, what waits, what was refused, and doing something about it."""

from __future__ import annotations

import base64
from http import HTTPStatus
from typing import Any

from closedloop_server.access import Scope, services, viewer
from closedloop_server.api.delivery_arguments import (
    DeliveryArguments,
    TryAgainBody,
    from_value,
    to_place,
)
from closedloop_server.api.inbox_arguments import InboxArguments, SelectionArguments, selection_of
from closedloop_server.api.operating_answers import (
    ConnectionAnswer,
    ConnectionsAnswer,
    DoneAnswer,
    InboxAnswer,
    OneReceivedAnswer,
    SystemAnswer,
    ValuesAnswer,
)
from closedloop_server.api.problems import RequestError
from closedloop_server.api.site import blueprint
from closedloop_server.operating import connections as connected
from closedloop_server.operating import deliveries as values
from closedloop_server.operating import inbox
from closedloop_server.operating.system import System
from closedloop_server.operating.system import system as state_of_the_system
from closedloop_server.store import deliveries
from closedloop_server.store.deliveries import Selection
from closedloop_server.store.engine import reading

_OPERATIONS: dict[str, Any] = {"scope": Scope.OPERATE, "tag": "Operations"}
_NOT_FOUND = (HTTPStatus.NOT_FOUND,)


@blueprint.resource("/system", SystemAnswer, **_OPERATIONS)
def system(_: dict[str, Any]) -> System:
    """Workers, what waits where, the database."""
    return state_of_the_system(services())


@blueprint.resource("/connections", ConnectionsAnswer, **_OPERATIONS)
def connections(_: dict[str, Any]) -> dict[str, Any]:
    """Every connection: how far it was read, and how telling it fares."""
    return {"connections": connected.every(services())}


@blueprint.resource(
    "/connections/<name>/pause", ConnectionAnswer, method="POST", refusals=_NOT_FOUND, **_OPERATIONS
)
def pause_connection(_: dict[str, Any], name: str) -> connected.Connected:
    """Holds the polls of a connection; webhooks are still followed."""
    connected.pause(services(), name, who=viewer().name)
    return connected.one(services(), name)


@blueprint.resource(
    "/connections/<name>/resume", ConnectionAnswer, method="POST", refusals=_NOT_FOUND, **_OPERATIONS
)
def resume_connection(_: dict[str, Any], name: str) -> connected.Connected:
    """Lets the polls of a connection go on where they were."""
    connected.resume(services(), name, who=viewer().name)
    return connected.one(services(), name)


@blueprint.resource(
    "/connections/<name>/read-again", ConnectionAnswer, method="POST", refusals=_NOT_FOUND, **_OPERATIONS
)
def read_connection_again(_: dict[str, Any], name: str) -> connected.Connected:
    """Has everything of a connection read again from the beginning."""
    connected.read_again(services(), name, who=viewer().name)
    return connected.one(services(), name)


@blueprint.resource("/inbox", InboxAnswer, arguments=InboxArguments, **_OPERATIONS)
def received(arguments: dict[str, Any]) -> dict[str, Any]:
    """What the CRMs sent, the newest first."""
    limit = arguments["limit"]
    with reading(services().engine) as connection:
        found = deliveries.listed(
            connection, selection_of(arguments), limit=limit + 1, before=arguments.get("before")
        )
    return {
        "deliveries": found[:limit],
        "next_before": found[limit - 1].id if len(found) > limit else None,
    }


@blueprint.resource("/inbox/<int:number>", OneReceivedAnswer, refusals=_NOT_FOUND, **_OPERATIONS)
def one_received(_: dict[str, Any], number: int) -> dict[str, Any]:
    """One delivery, with its body."""
    with reading(services().engine) as connection:
        found = deliveries.one(connection, number) if number < 2**31 else None
    if found is None:
        raise RequestError("there is no such delivery", status=404, reason="unknown_delivery")
    kept, body = found
    return {"delivery": kept, "body": base64.b64encode(body).decode()}


@blueprint.resource("/inbox/replay", DoneAnswer, method="POST", body=SelectionArguments, **_OPERATIONS)
def replay_received(arguments: dict[str, Any]) -> dict[str, Any]:
    """Has the deliveries that fit all that is given read once more; `{}` means all that are kept."""
    return {"count": inbox.replay(services(), selection_of(arguments), who=viewer().name)}


@blueprint.resource("/inbox/<int:number>/replay", DoneAnswer, method="POST", **_OPERATIONS)
def replay_one_received(_: dict[str, Any], number: int) -> dict[str, Any]:
    """Has one delivery read once more; `count` is 0 when it waits anyway, is unknown, or its body is gone."""
    chosen = Selection(first=number, last=number)
    return {"count": inbox.replay(services(), chosen, who=viewer().name) if number < 2**31 else 0}


@blueprint.resource(
    "/deliveries", ValuesAnswer, arguments=DeliveryArguments, refusals=_NOT_FOUND, **_OPERATIONS
)
def told_values(arguments: dict[str, Any]) -> dict[str, Any]:
    """What a CRM is still to be told, has refused, or shows otherwise because somebody changed it."""
    name = connected.one(services(), arguments["connection"]).name
    state, limit = arguments["state"], arguments["limit"]
    after = to_place(arguments["cursor"], state) if "cursor" in arguments else None
    with reading(services().engine) as connection:
        found = values.listed(
            connection, name, state, code=arguments.get("code"), after=after, limit=limit + 1
        )
    return {
        "state": state,
        "values": found[:limit],
        "next_cursor": from_value(found[limit - 1]) if len(found) > limit else None,
    }


@blueprint.resource(
    "/deliveries/try-again",
    DoneAnswer,
    method="POST",
    body=TryAgainBody,
    refusals=_NOT_FOUND,
    **_OPERATIONS,
)
def try_values_again(arguments: dict[str, Any]) -> dict[str, Any]:
    """Has a CRM told again what it refused: everything, what it refused with a code, or one value."""
    name = connected.one(services(), arguments.pop("connection")).name
    return {"count": values.try_again(services(), name, **arguments, who=viewer().name)}
