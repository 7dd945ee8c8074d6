"""How far each connection was polled, and when it is polled next."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, func, select, update

from closedloop_server.store.rows import upsert
from closedloop_server.store.tables import cursors


def fetch(connection: Connection, name: str) -> str | None:
    """Where the next poll of a connection goes on; None: at the beginning."""
    return connection.scalar(select(cursors.c.cursor).where(cursors.c.connection == name))


def polled_at(connection: Connection, name: str) -> datetime | None:
    """When a poll of a connection last reached its end."""
    return connection.scalar(select(cursors.c.polled_at).where(cursors.c.connection == name))


def advance(connection: Connection, name: str, cursor: str) -> None:
    """Keeps the place that a poll has reached."""
    upsert(connection, cursors, [{"connection": name, "cursor": cursor, "error": None}])


def finish(connection: Connection, name: str, *, asked: int, now: datetime, next_at: datetime) -> None:
    """Notes that a poll reached its end; one that was asked for since it began is still due."""
    upsert(connection, cursors, [{"connection": name, "polled_at": now, "error": None}])
    mine = (cursors.c.connection == name, cursors.c.asked == asked)
    connection.execute(update(cursors).where(*mine).values(next_at=next_at))


def fail(connection: Connection, name: str, error: str) -> None:
    """Notes why a poll broke off."""
    upsert(connection, cursors, [{"connection": name, "error": error}])


def forget(connection: Connection, name: str) -> None:
    """Has the next poll of a connection begin at the beginning, at once."""
    upsert(connection, cursors, [{"connection": name, "cursor": None, "next_at": None}])


def next_poll(connection: Connection, name: str) -> datetime | None:
    """When the next poll of a connection is due; None: at once."""
    return connection.scalar(select(cursors.c.next_at).where(cursors.c.connection == name))


def asked(connection: Connection, name: str) -> int:
    """How often a poll of a connection was asked for."""
    return connection.scalar(select(cursors.c.asked).where(cursors.c.connection == name)) or 0


def ask(connection: Connection, names: Sequence[str]) -> None:
    """Has these connections polled at once."""
    upsert(connection, cursors, [{"connection": name, "next_at": None} for name in names], grow="asked")


def all_polled(connection: Connection, names: Sequence[str]) -> bool:
    """Whether every poll of these connections that was asked for is done."""
    done = select(func.count()).where(cursors.c.connection.in_(names), cursors.c.next_at.is_not(None))
    return connection.scalar(done) == len(names)
