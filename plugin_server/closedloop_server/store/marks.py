"""What the derived tables were made with."""

from __future__ import annotations

from enum import StrEnum

from sqlalchemy import Connection, select

from closedloop_server.store.rows import upsert
from closedloop_server.store.tables import marks


class Mark(StrEnum):
    """Something that what is stored depends on."""

    MAPPINGS = "mappings"
    ATTRIBUTION = "attribution"


def differs(connection: Connection, mark: Mark, value: str) -> bool:
    """Sets the mark; returns whether another value stood there. The first time nothing did."""
    before = connection.scalar(select(marks.c.value).where(marks.c.name == mark.value))
    upsert(connection, marks, [{"name": mark.value, "value": value}])
    return before is not None and before != value
