"""Checks what an admin gives for a subscription."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection

from closedloop.mapping.document import nearest
from closedloop_server.services import Services
from closedloop_server.subscriptions import subscription
from closedloop_server.subscriptions.event_types import CHOOSABLE, EventType
from closedloop_server.subscriptions.problems import SubscriptionError


def given_name(connection: Connection, name: str, *, of: str | None = None) -> str:
    """The name, which says to people who is told; no two subscriptions share one."""
    name = name.strip()
    if not name or len(name) > 100 or not name.isprintable():
        raise SubscriptionError(
            "a subscription needs a name of 1 to 100 characters that says who is told", reason="bad_name"
        )
    if any(each.name == name and each.id != of for each in subscription.every(connection)):
        raise SubscriptionError("there is a subscription of that name already", reason="bad_name")
    return name


def given_description(description: str) -> str:
    """The description, which is for people alone."""
    description = description.strip()
    plain = all(each.isprintable() or each in "\r\n\t" for each in description)
    if len(description) > 2000 or not plain:
        raise SubscriptionError(
            "a description has at most 2000 characters, all of which can be printed", reason="bad_name"
        )
    return description


def given_types(types: Sequence[str]) -> tuple[EventType, ...]:
    """The types of events, each once; none stand for all."""
    known = {each.value: each for each in CHOOSABLE}
    for type_ in types:
        if type_ not in known:
            raise SubscriptionError(
                f"{type_!r} is no type of event{nearest(type_, known)}", reason="bad_event_type"
            )
    return tuple(dict.fromkeys(known[type_] for type_ in types))


def given_connections(services: Services, names: Sequence[str]) -> tuple[str, ...]:
    """The names of connections, each once; none stand for all."""
    known = [each.name for each in services.settings.connections]
    for name in names:
        if name not in known:
            raise SubscriptionError(
                f"{name!r} is no connection{nearest(name, known)}", reason="bad_connection"
            )
    return tuple(dict.fromkeys(names))
