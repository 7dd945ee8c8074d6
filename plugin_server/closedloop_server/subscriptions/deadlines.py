"""By when leads have to be attended to under each service level, and how they fared.

Written by the loop alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, and_, bindparam, case, delete, func, select

from closedloop.loop.service_levels import Deadline
from closedloop_server.store.rows import (
    Key,
    among_keys,
    bound_key,
    is_among_keys,
    is_bound_key,
    key_of,
    key_values,
    upsert,
)
from closedloop_server.store.tables import deadlines


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A deadline of a lead as it stands in the table; `breached_at` is when the breach was noticed."""

    subject: Key
    deadline: Deadline
    breached_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelCount:
    """How leads fared under a level: how many wait still, were attended to in time, or were not."""

    level: str
    running: int
    met: int
    breached: int


def any_kept(connection: Connection) -> bool:
    """Whether there is any deadline at all."""
    return connection.execute(select(deadlines.c.level).limit(1)).first() is not None


def of_leads(connection: Connection, leads: Iterable[Key]) -> dict[Key, list[Kept]]:
    """The deadlines of each of these leads, those that ended included."""
    found: dict[Key, list[Kept]] = {}
    for values in among_keys(leads):
        for row in connection.execute(_OF_LEADS, values):
            found.setdefault(key_of(row), []).append(_kept(row))
    return found


_OF_LEADS = select(deadlines).where(is_among_keys(deadlines))


def passed(connection: Connection, levels: Sequence[str], *, now: datetime, limit: int) -> list[Kept]:
    """Deadlines of these levels that are due and not met, and of which nobody knows yet."""
    query = (
        select(deadlines)
        .where(deadlines.c.ended_at.is_(None), deadlines.c.breached_at.is_(None), deadlines.c.due_at <= now)
        .where(deadlines.c.level.in_(levels))
        .order_by(deadlines.c.due_at)
        .limit(limit)
    )
    return [_kept(row) for row in connection.execute(query)]


def keep(connection: Connection, rows: Iterable[Kept]) -> None:
    """Writes these deadlines over what is there."""
    upsert(connection, deadlines, [_row(each) for each in rows])


def drop(connection: Connection, rows: Sequence[Kept]) -> None:
    """Removes these deadlines."""
    if rows:
        mine = and_(
            is_bound_key(deadlines),
            deadlines.c.level == bindparam("of_level"),
            deadlines.c.started_at == bindparam("of_start"),
        )
        values = [
            {
                **bound_key(each.subject),
                "of_level": each.deadline.level,
                "of_start": each.deadline.started_at,
            }
            for each in rows
        ]
        connection.execute(delete(deadlines).where(mine), values)


def breached(
    connection: Connection, *, level: str | None = None, before: datetime | None = None, limit: int = 100
) -> list[Kept]:
    """The deadlines that were missed, those due last first; `before` is when the last one shown was due."""
    query = select(deadlines).where(deadlines.c.breached_at.is_not(None))
    if level is not None:
        query = query.where(deadlines.c.level == level)
    if before is not None:
        query = query.where(deadlines.c.due_at < before)
    return [_kept(row) for row in connection.execute(query.order_by(deadlines.c.due_at.desc()).limit(limit))]


def counts(connection: Connection) -> list[LevelCount]:
    """How leads fared under each level, by its name."""
    missed, ended = deadlines.c.breached_at.is_not(None), deadlines.c.ended_at.is_not(None)
    query = select(
        deadlines.c.level,
        func.sum(case((missed, 0), (ended, 0), else_=1)).label("running"),
        func.sum(case((missed, 0), (ended, 1), else_=0)).label("met"),
        func.sum(case((missed, 1), else_=0)).label("breached"),
    ).group_by(deadlines.c.level)
    return [
        LevelCount(level=row.level, running=int(row.running), met=int(row.met), breached=int(row.breached))
        for row in connection.execute(query.order_by(deadlines.c.level))
    ]


def _row(kept: Kept) -> dict[str, Any]:
    return {
        **key_values(kept.subject),
        "level": kept.deadline.level,
        "started_at": kept.deadline.started_at,
        "due_at": kept.deadline.due_at,
        "ended_at": kept.deadline.ended_at,
        "breached_at": kept.breached_at,
    }


def _kept(row: Any) -> Kept:
    return Kept(
        subject=key_of(row),
        deadline=Deadline(
            level=row.level, started_at=row.started_at, due_at=row.due_at, ended_at=row.ended_at
        ),
        breached_at=row.breached_at,
    )
