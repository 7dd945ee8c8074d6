"""Single values that are remembered: what the derived tables were made with, when what is old was removed."""

from __future__ import annotations

from enum import StrEnum

from sqlalchemy import Connection, select

from closedloop_server.store.rows import upsert
from closedloop_server.store.tables import marks


class Mark(StrEnum):
    """Something that what is stored depends on."""

    MAPPINGS = "mappings"
    ATTRIBUTION = "attribution"
    CLEARED = "cleared"  # when what is old was last removed


def value(connection: Connection, mark: Mark) -> str | None:
    """What a mark says; None while nothing was noted."""
    return connection.scalar(select(marks.c.value).where(marks.c.name == mark.value))


def put(connection: Connection, mark: Mark, value: str) -> None:
    """Sets the mark."""
    upsert(connection, marks, [{"name": mark.value, "value": value}])


def differs(connection: Connection, mark: Mark, new: str) -> bool:
    """Sets the mark; returns whether another value stood there. The first time nothing did."""
    before = value(connection, mark)
    upsert(connection, marks, [{"name": mark.value, "value": new}])
    return before is not None and before != new
