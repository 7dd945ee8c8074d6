"""What reading each connection has come to, and how an operator holds it and begins it anew."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, select, update

from closedloop.schema.vocabulary import ObjectType
from closedloop_server.store import cursors
from closedloop_server.store.rows import insert_new
from closedloop_server.store.tables import cursors as table


class State(StrEnum):
    """How a connection is being read."""

    NEVER = "never"  # nothing was read yet
    BACK_FILLING = "back_filling"  # the reading from the beginning is under way
    FOLLOWING = "following"  # everything was read once; now what changes is
    PAUSED = "paused"  # somebody holds it: webhooks are still followed, nothing is polled


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a connection was read.

    `done` and `expected` are of the reading from the beginning, by object; `expected` lacks what the CRM
    cannot count, and `done` may go beyond it where records were made or changed meanwhile.
    """

    name: str
    state: State = State.NEVER
    organisation: str | None = None
    started_at: datetime | None = None
    complete_at: datetime | None = None
    page_at: datetime | None = None
    polled_at: datetime | None = None
    next_at: datetime | None = None
    paused_at: datetime | None = None
    paused_by: str | None = None
    error: str | None = None
    done: Mapping[ObjectType, int] = field(default_factory=dict)
    expected: Mapping[ObjectType, int] = field(default_factory=dict)

    @property
    def share(self) -> float | None:
        """How much of what was expected is done, from 0 to 1; None where nothing was expected."""
        total = sum(self.expected.values())
        if self.complete_at is not None:
            return 1.0
        known = sum(min(self.done.get(each, 0), count) for each, count in self.expected.items())
        return known / total if total else None


def progress(connection: Connection, name: str) -> Progress:
    """How far a connection was read."""
    row = connection.execute(select(table).where(table.c.connection == name)).first()
    return Progress(name=name) if row is None else _progress(row)


def all_progress(connection: Connection, names: Iterable[str]) -> list[Progress]:
    """How far each of these connections was read, in their order."""
    return [progress(connection, name) for name in names]


def pause(connection: Connection, name: str, *, by: str, now: datetime) -> bool:
    """Holds the polls of a connection, and with them its back-fill, from the next page on; whether it was not
    held already. Webhooks are still stored and followed: decisions must not wait for bulk work."""
    insert_new(connection, table, [{"connection": name}])
    mine = (table.c.connection == name, table.c.paused_at.is_(None))
    return connection.execute(update(table).where(*mine).values(paused_at=now, paused_by=by)).rowcount == 1


def resume(connection: Connection, name: str) -> bool:
    """Lets the polls of a connection go on where they were, at once; whether it was held."""
    mine = (table.c.connection == name, table.c.paused_at.is_not(None))
    free = {"paused_at": None, "paused_by": None, "next_at": None}
    return connection.execute(update(table).where(*mine).values(free)).rowcount == 1


def start_over(connection: Connection, name: str) -> None:
    """Has everything of a connection read again from the beginning. What is stored stays until then; what the
    CRM no longer has is found at the end. A paused connection stays paused."""
    cursors.forget(connection, name)


def _progress(row: Any) -> Progress:
    return Progress(
        name=row.connection,
        state=_state(row),
        organisation=row.organisation,
        started_at=row.started_at,
        complete_at=row.complete_at,
        page_at=row.page_at,
        polled_at=row.polled_at,
        next_at=row.next_at,
        paused_at=row.paused_at,
        paused_by=row.paused_by,
        error=row.error,
        done=_counts(row.done),
        expected=_counts(row.expected),
    )


def _state(row: Any) -> State:
    if row.paused_at is not None:
        return State.PAUSED
    if row.started_at is None:
        return State.NEVER
    return State.BACK_FILLING if row.complete_at is None else State.FOLLOWING


def _counts(told: Mapping[str, int] | None) -> dict[ObjectType, int]:
    return {ObjectType(name): count for name, count in (told or {}).items()}
