"""Makes the rows of a table those that are wanted, by writing only the difference."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import cache
from operator import itemgetter
from typing import Any

from sqlalchemy import Connection, Table, and_, bindparam, delete

from closedloop_server.store.rows import insert_all

Row = dict[str, Any]

_WHEN = ("learned_at", "superseded_at")


def replace_rows(
    connection: Connection,
    table: Table,
    stored: Sequence[Row],
    wanted: Sequence[Row],
    *,
    past: Table | None = None,
    at: Callable[[Row], datetime] | None = None,
) -> None:
    """Removes of the `stored` rows those that are not wanted, and adds those that are missing.

    `past` takes in what is removed, and `at` says from when on: no row holds before it was learned.
    """
    content = _content(table)
    kept, known = set(map(content, wanted)), set(map(content, stored))
    gone = _in_order(table, [row for row in stored if content(row) not in kept])
    new = _in_order(table, [row for row in wanted if content(row) not in known])
    if past is not None and at is not None:
        insert_all(connection, past, [{**row, "superseded_at": at(row)} for row in gone])
        new = [{**row, "learned_at": at(row)} for row in new]
    _delete(connection, table, gone)
    insert_all(connection, table, new)


@cache
def _content(table: Table) -> Callable[[Row], Any]:
    """Finds in a row what it says, without when."""
    return itemgetter(*(column.name for column in table.columns if column.name not in _WHEN))


def _in_order(table: Table, rows: Sequence[Row]) -> list[Row]:
    names = [column.name for column in table.primary_key]
    return sorted(rows, key=lambda row: [str(row[name]) for name in names])


def _delete(connection: Connection, table: Table, rows: Sequence[Row]) -> None:
    mine = and_(*(column == bindparam(f"of_{column.name}") for column in table.primary_key))
    values = [{f"of_{column.name}": row[column.name] for column in table.primary_key} for row in rows]
    if values:
        connection.execute(delete(table).where(mine), values)
