"""Cursors: a place in a list as text that a client hands back unread."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from closedloop.loop.attribution import CampaignKey
from closedloop.schema.records import utc
from closedloop_server.api.problems import RequestError
from closedloop_server.store.reports import Position, Rank

_LONGEST = 2000
_GREATEST_ID = 2**31


def pack(parts: Sequence[Any]) -> str:
    """The parts of a place as a cursor."""
    text = json.dumps(parts, ensure_ascii=False, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def unpack(cursor: str, types: tuple[type, ...]) -> list[Any]:
    """The parts of a place, which have these types; any of BROKEN when it is no cursor of such a list."""
    if len(cursor) > _LONGEST:
        raise ValueError("longer than any cursor is")
    parts = json.loads(base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True))
    if not isinstance(parts, list) or tuple(type(part) for part in parts) != types:
        raise ValueError("not the parts of a cursor")
    if any("\0" in part for part in parts if isinstance(part, str)):
        raise ValueError("a NUL is in no name")
    return parts


BROKEN = (ValueError, OverflowError, InvalidOperation, RecursionError)
"""What text that is no cursor can end in while it is taken apart."""


def refused() -> RequestError:
    """The refusal of a cursor that no list gave out."""
    return RequestError(
        "the cursor is not one that this list gave out: pass `next_cursor` of the page before unchanged,"
        " with the same other arguments",
        reason="bad_cursor",
    )


def from_rank(rank: Rank) -> str:
    """The cursor of a campaign's place."""
    return pack([str(rank.number), rank.name, rank.connection, rank.id])


def to_rank(cursor: str) -> Rank:
    """The place that a cursor names."""
    try:
        number, name, connection, crm_id = unpack(cursor, (str, str, str, str))
        return Rank(_finite(number), name, connection, crm_id)
    except BROKEN as exc:
        raise refused() from exc


def _finite(text: str) -> Decimal:
    number = Decimal(text)
    if not number.is_finite():
        raise ValueError("no place is at infinity")
    return number


def from_position(position: Position) -> str:
    """The cursor of a decision's place."""
    campaign = position.campaign
    return pack([position.at.isoformat(), position.ledger_id, campaign.connection, campaign.id])


def to_position(cursor: str) -> Position:
    """The place that a cursor names."""
    try:
        at, ledger_id, connection, crm_id = unpack(cursor, (str, int, str, str))
        if not 0 <= ledger_id < _GREATEST_ID:
            raise ValueError("no entry has such an id")
        when = utc(datetime.fromisoformat(at))
        return Position(at=when, ledger_id=ledger_id, campaign=CampaignKey(connection, crm_id))
    except BROKEN as exc:
        raise refused() from exc
