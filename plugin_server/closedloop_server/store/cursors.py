"""How far each connection was polled."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, select

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


def finish(connection: Connection, name: str, *, now: datetime) -> None:
    """Notes that a poll reached its end."""
    upsert(connection, cursors, [{"connection": name, "polled_at": now, "error": None}])


def fail(connection: Connection, name: str, error: str) -> None:
    """Notes why a poll broke off."""
    upsert(connection, cursors, [{"connection": name, "error": error}])


def forget(connection: Connection, name: str) -> None:
    """Has the next poll of a connection begin at the beginning."""
    upsert(connection, cursors, [{"connection": name, "cursor": None}])
