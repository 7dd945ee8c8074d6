"""Which objects may have changed: one row each, however often a webhook said so."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, bindparam, func, or_, select, update

from closedloop.schema.records import Ref
from closedloop_server.store.rows import (
    Key,
    bound_key,
    delete_noted,
    insert_new,
    is_bound_key,
    key_of,
    key_values,
    upsert,
)
from closedloop_server.store.tables import hints


@dataclass(frozen=True, slots=True, kw_only=True)
class Hint:
    """An object that may have changed; `noted` counts how often that was said."""

    key: Key
    noted: int
    attempts: int


def note(connection: Connection, name: str, refs: Iterable[Ref], *, now: datetime) -> int:
    """Remembers that these objects of the connection `name` may have changed; returns how many they are."""
    rows = [{**_row(name, ref, now), "again_at": None} for ref in set(refs)]
    # A hint that waits already keeps its times: a stream of webhooks must neither put off an object that is
    # edited all day nor hurry one that the CRM does not answer for.
    upsert(connection, hints, rows, keep=("attempts", "noted_at"), grow="noted")
    return len(rows)


def look_again(connection: Connection, name: str, times: Mapping[Ref, datetime], *, now: datetime) -> None:
    """Has these objects read again, each from its time on, or sooner if somebody notes it."""
    rows = [{**_row(name, ref, now), "again_at": at} for ref, at in sorted(times.items())]
    insert_new(connection, hints, rows)


def due(connection: Connection, name: str, *, now: datetime, settle: timedelta, limit: int) -> list[Hint]:
    """The hints that may be followed now, those that failed least first and all with as many failures.

    A hint waits `settle` after its first webhook, because HubSpot sends one event per changed field. The
    more often a group failed the smaller it gets, so that one object nobody can read ends up alone.
    """
    values = {"of_name": name, "at": now, "before": now - settle, "most": limit}
    found = [
        Hint(key=key_of(row), noted=row.noted, attempts=row.attempts)
        for row in connection.execute(_DUE, values)
    ]
    fewest = found[0].attempts if found else 0
    group = [hint for hint in found if hint.attempts == fewest]
    return group[: max(1, limit // 4**fewest)]


def next_due(connection: Connection, name: str, *, settle: timedelta) -> datetime | None:
    """When the next hint of a connection may be followed, or None while there is none."""
    mine = {"of_name": name}
    first, retry, again = (connection.scalar(query, mine) for query in (_FIRST, _RETRY, _AGAIN))
    times = [first + settle if first else None, retry, again]
    return min((time for time in times if time is not None), default=None)


_MINE = hints.c.connection == bindparam("of_name")
_FIRST = select(func.min(hints.c.noted_at)).where(
    _MINE, hints.c.not_before.is_(None), hints.c.again_at.is_(None)
)
_RETRY = select(func.min(hints.c.not_before)).where(_MINE)
_AGAIN = select(func.min(hints.c.again_at)).where(_MINE, hints.c.not_before.is_(None))

_DUE = (
    select(hints)
    .where(
        _MINE,
        hints.c.noted_at <= bindparam("before"),
        or_(hints.c.not_before.is_(None), hints.c.not_before <= bindparam("at")),
        or_(hints.c.again_at.is_(None), hints.c.again_at <= bindparam("at")),
    )
    .order_by(hints.c.attempts, hints.c.noted_at, hints.c.object, hints.c.crm_id)
    .limit(bindparam("most"))
)


def strike(connection: Connection, followed: Sequence[Hint]) -> None:
    """Removes hints that were followed, except those that were noted again meanwhile."""
    delete_noted(connection, hints, [(hint.key, hint.noted) for hint in followed])


def postpone(connection: Connection, failed: Sequence[Hint], *, until: datetime, error: str) -> None:
    """Has hints wait that could not be followed; `error` says why."""
    if failed:
        counts = [{**bound_key(hint.key), "tries": hint.attempts + 1} for hint in failed]
        values = {"attempts": bindparam("tries"), "not_before": until, "error": error}
        connection.execute(update(hints).where(is_bound_key(hints)).values(values), counts)


def _row(name: str, ref: Ref, now: datetime) -> dict[str, object]:
    return {**key_values(Key(name, ref.object, ref.id)), "noted": 1, "noted_at": now, "attempts": 0}
