"""Whose each piece of work is: a number that grows with every worker that takes it; and how it fares.

A worker that was thought dead may wake up in the middle of its turn. Whatever it then wants to write was
worked out from what has changed since: it finds that its number is not the newest, and writes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, bindparam, select, update

from closedloop.errors import ClosedLoopError
from closedloop_server.store.rows import upsert
from closedloop_server.store.tables import leases
from closedloop_server.work.kinds import Kind, Work


class SupersededError(ClosedLoopError):
    """Another worker has taken this work since: what was worked out for it is out of date."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """Who has a piece of work, and how it fares: `error` says why the last turn failed."""

    work: Work
    number: int
    holder: str
    taken_at: datetime
    failures: int = 0
    error: str | None = None
    held_until: datetime | None = None


def take(connection: Connection, work: Work, *, holder: str, now: datetime) -> int:
    """Makes the work this holder's from now on; returns the number to show with every write."""
    row = {"kind": work.kind.value, "connection": work.connection, "number": 1, "holder": holder}
    upsert(connection, leases, [{**row, "taken_at": now}], grow="number")
    return int(connection.scalar(_NUMBER, _values(work)) or 0)


def check(connection: Connection, work: Work, number: int) -> None:
    """Keeps the work this worker's until the transaction ends; SupersededError if it is not any more."""
    if connection.scalar(_SHARED, _values(work)) != number:
        raise SupersededError(f"another worker has taken “{work}”", reason="superseded")


def pause(connection: Connection, works: Iterable[Work]) -> None:
    """Has the workers of these write nothing until the transaction ends; what they were writing is done.

    On SQLite every transaction that writes does so.
    """
    for work in sorted(works):
        connection.scalar(_ALONE, _values(work))


def fetch(connection: Connection, work: Work) -> Lease | None:
    """Who has the work; None before the first worker."""
    row = connection.execute(select(leases).where(_mine(work))).first()
    return None if row is None else _lease(row)


def every(connection: Connection) -> list[Lease]:
    """All that is somebody's, in the order of the work."""
    return sorted((_lease(row) for row in connection.execute(select(leases))), key=lambda each: each.work)


def fail(connection: Connection, work: Work, *, failures: int, error: str, until: datetime) -> None:
    """Notes that turns failed, and that the next one is taken then."""
    values = {"failures": failures, "error": error, "held_until": until}
    connection.execute(update(leases).where(_mine(work)).values(values))


def release(connection: Connection, works: Iterable[Work]) -> None:
    """Forgets what failed: the next turn of these is taken as soon as somebody looks."""
    values = {"failures": 0, "error": None, "held_until": None}
    for work in sorted(works):
        connection.execute(update(leases).where(_mine(work), leases.c.failures > 0).values(values))


_NUMBER = select(leases.c.number).where(
    leases.c.kind == bindparam("of_kind"), leases.c.connection == bindparam("of_name")
)
_SHARED = _NUMBER.with_for_update(read=True)
_ALONE = _NUMBER.with_for_update()


def _values(work: Work) -> dict[str, str]:
    return {"of_kind": work.kind.value, "of_name": work.connection}


def _mine(work: Work) -> ColumnElement[bool]:
    return and_(leases.c.kind == work.kind.value, leases.c.connection == work.connection)


def _lease(row: Any) -> Lease:
    return Lease(
        work=Work(Kind(row.kind), row.connection),
        number=row.number,
        holder=row.holder,
        taken_at=row.taken_at,
        failures=row.failures,
        error=row.error,
        held_until=row.held_until,
    )
