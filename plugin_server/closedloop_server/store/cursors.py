"""How far each connection was read, and when it is polled next.

The first reading is a poll from the beginning, the back-fill. It may take days, be interrupted and be begun
anew: `round` tells the readings apart, so that one that was given up keeps its place no more.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, func, or_, select, update

from closedloop.errors import ClosedLoopError
from closedloop.schema.vocabulary import ObjectType
from closedloop_server.store.rows import insert_new, upsert
from closedloop_server.store.tables import cursors


class GivenUpError(ClosedLoopError):
    """The reading was begun anew since: what the old one brings is not kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a poll goes on; `since` is when the reading from the beginning started, while it is under way."""

    cursor: str | None
    round: int
    asked: int
    since: datetime | None


def begin(connection: Connection, name: str, *, now: datetime) -> Place:
    """Where a poll of a connection goes on. The first one starts the reading from the beginning."""
    insert_new(connection, cursors, [{"connection": name}])
    mine = cursors.c.connection == name
    connection.execute(update(cursors).where(mine, cursors.c.started_at.is_(None)).values(started_at=now))
    row = connection.execute(select(cursors).where(mine)).one()
    since = row.started_at if row.complete_at is None else None
    return Place(cursor=row.cursor, round=row.round, asked=row.asked, since=since)


def expect(connection: Connection, name: str, sizes: Mapping[ObjectType, int]) -> None:
    """Keeps how many objects the reading from the beginning will bring, as the CRM counted them."""
    upsert(connection, cursors, [{"connection": name, "expected": _named(sizes)}])


def advance(
    connection: Connection,
    name: str,
    cursor: str,
    *,
    round: int,  # noqa: A002 - the word of this module
    brought: Mapping[ObjectType, int],
    now: datetime,
) -> bool:
    """Keeps the place that a poll has reached; returns whether it may go on, which it may not when somebody
    has paused it. GivenUpError when the reading was begun anew meanwhile: nothing of this page is kept."""
    mine = (cursors.c.connection == name, cursors.c.round == round)
    row = connection.execute(select(cursors).where(*mine).with_for_update()).first()
    if row is None:
        raise GivenUpError("this reading was begun anew", reason="given_up")
    values: dict[str, Any] = {"cursor": cursor, "page_at": now, "error": None}
    if row.complete_at is None:
        values["done"] = dict(Counter(row.done or {}) + Counter(_named(brought)))
    connection.execute(update(cursors).where(*mine).values(values))
    return row.paused_at is None


def finish(connection: Connection, name: str, place: Place, *, now: datetime, next_at: datetime) -> bool:
    """Notes that a poll reached its end; whether that is the end of the reading from the beginning.

    A poll that was asked for since it began is still due.
    """
    mine = (cursors.c.connection == name, cursors.c.round == place.round)
    done = {"polled_at": now, "error": None, "complete_at": func.coalesce(cursors.c.complete_at, now)}
    finished = connection.execute(update(cursors).where(*mine).values(done)).rowcount == 1
    asked = cursors.c.asked == place.asked
    connection.execute(update(cursors).where(*mine, asked).values(next_at=next_at))
    return finished and place.since is not None


def put_off(connection: Connection, name: str, place: Place, *, until: datetime) -> None:
    """Has a poll go on then, unless one was asked for since it began."""
    mine = (cursors.c.connection == name, cursors.c.round == place.round, cursors.c.asked == place.asked)
    connection.execute(update(cursors).where(*mine).values(next_at=until))


def fail(connection: Connection, name: str, error: str) -> None:
    """Notes why a poll broke off."""
    upsert(connection, cursors, [{"connection": name, "error": error}])


def forget(connection: Connection, name: str) -> None:
    """Has the next poll of a connection begin at the beginning, at once."""
    nothing = {"cursor": None, "next_at": None, "started_at": None, "complete_at": None}
    unknown = {"done": None, "expected": None, "error": None}
    upsert(connection, cursors, [{"connection": name, **nothing, **unknown, "round": 0}], grow="round")


def organisation(connection: Connection, name: str) -> str | None:
    """Whose records a connection's are, by the CRM's own id; None: nothing was read yet."""
    return connection.scalar(_ORGANISATION, {"of_name": name})


def belong(connection: Connection, name: str, organisation: str) -> None:
    """Notes whose records a connection's are."""
    upsert(connection, cursors, [{"connection": name, "organisation": organisation}])


def polled_at(connection: Connection, name: str) -> datetime | None:
    """When a poll of a connection last reached its end."""
    return connection.scalar(select(cursors.c.polled_at).where(cursors.c.connection == name))


def due(connection: Connection, name: str, *, now: datetime) -> bool:
    """Whether a connection is to be polled now."""
    return connection.scalar(_WAITS, {"of_name": name, "at": now}) == 0


def next_poll(connection: Connection, name: str) -> datetime | None:
    """When the next poll of a connection is due; None: at once, or not before it is resumed."""
    return connection.scalar(_NEXT, {"of_name": name})


_MINE = cursors.c.connection == bindparam("of_name")
_ORGANISATION = select(cursors.c.organisation).where(_MINE)
_WAITS = select(func.count()).where(
    _MINE, or_(cursors.c.paused_at.is_not(None), cursors.c.next_at > bindparam("at"))
)
_NEXT = select(cursors.c.next_at).where(_MINE, cursors.c.paused_at.is_(None))


def ask(connection: Connection, names: Sequence[str]) -> None:
    """Has these connections polled at once."""
    upsert(connection, cursors, [{"connection": name, "next_at": None} for name in names], grow="asked")


def all_polled(connection: Connection, names: Sequence[str]) -> bool:
    """Whether every poll of these connections that was asked for is done; a paused one has none to do."""
    idle = or_(cursors.c.next_at.is_not(None), cursors.c.paused_at.is_not(None))
    done = select(func.count()).where(cursors.c.connection.in_(names), idle)
    return connection.scalar(done) == len(names)


def _named(counts: Mapping[ObjectType, int]) -> dict[str, int]:
    return {object_.value: count for object_, count in counts.items()}
