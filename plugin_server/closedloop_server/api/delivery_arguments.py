"""Which values for the CRMs: the same in the API and on the pages; and cursors within them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from marshmallow import Schema, fields

from closedloop.schema.records import utc
from closedloop_server.api.arguments import LimitArguments, text
from closedloop_server.api.cursors import BROKEN, pack, refused, unpack
from closedloop_server.operating.deliveries import State, Value


class DeliveryPageArguments(Schema):
    """What the list of deliveries takes in the pages."""

    connection = text(64, "The connection whose CRM is told.")
    state = fields.Enum(
        State,
        by_value=True,
        load_default=State.WAITING,
        metadata={"description": "What is listed: what waits, was refused, or was changed by hand."},
    )
    code = text(100, "Only what the CRM gave this code for.")
    cursor = text(2000, "`next_cursor` of the page before, unchanged.", format="cursor")


class DeliveryArguments(DeliveryPageArguments, LimitArguments):
    """Which values, and how many."""

    connection = text(64, "The connection whose CRM is told.", required=True)


class TryAgainBody(Schema):
    """What is to be tried again; with `key` one value, with `code` all that was refused with it."""

    connection = text(64, "The connection whose CRM is told.", required=True)
    code = text(100, "The CRM's code.")
    key = text(250, "The value's key.")


def from_value(value: Value) -> str:
    """The cursor of a value's place."""
    return pack([part.isoformat() if isinstance(part, datetime) else part for part in value.place])


def to_place(cursor: str, state: State) -> list[Any]:
    """The place that a cursor names."""
    waiting = state is State.WAITING
    try:
        parts = unpack(cursor, (int, str, str) if waiting else (str, str))
        when = 1 if waiting else 0
        parts[when] = utc(datetime.fromisoformat(parts[when]))
        if waiting and not 0 <= parts[0] < 2**31:
            raise ValueError("no value has such a priority")
    except BROKEN as exc:
        raise refused() from exc
    return parts
