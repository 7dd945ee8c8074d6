"""Makes the rows of a table those that are wanted, by writing only the difference."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Table, and_, bindparam, delete, insert

from closedloop_server.store.rows import chunks

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
    kept = {_content(table, row) for row in wanted}
    known = {_content(table, row) for row in stored}
    gone = _in_order(table, (row for row in stored if _content(table, row) not in kept))
    new = _in_order(table, (row for row in wanted if _content(table, row) not in known))
    if past is not None and at is not None:
        _insert(connection, past, [{**row, "superseded_at": at(row)} for row in gone])
        new = [{**row, "learned_at": at(row)} for row in new]
    _delete(connection, table, gone)
    _insert(connection, table, new)


def _content(table: Table, row: Row) -> tuple[Any, ...]:
    return tuple(row[column.name] for column in table.columns if column.name not in _WHEN)


def _in_order(table: Table, rows: Any) -> list[Row]:
    return sorted(rows, key=lambda row: [str(row[column.name]) for column in table.primary_key])


def _insert(connection: Connection, table: Table, rows: Sequence[Row]) -> None:
    for chunk in chunks(rows):
        connection.execute(insert(table), chunk)


def _delete(connection: Connection, table: Table, rows: Sequence[Row]) -> None:
    mine = and_(*(column == bindparam(f"of_{column.name}") for column in table.primary_key))
    values = [{f"of_{column.name}": row[column.name] for column in table.primary_key} for row in rows]
    if values:
        connection.execute(delete(table).where(mine), values)
