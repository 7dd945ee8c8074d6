"""Executes an INSERT for many rows.

SQLite's driver lets other threads go on at every execution of a statement, and waits for its turn after it: a
transaction that executes one for each of 500 rows waits 500 times, and all who want to write wait with it. So
on SQLite many rows go into one statement. PostgreSQL's driver sends them together as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import Connection, Insert, Table
from sqlalchemy.dialects import sqlite

_ROWS = 100
"""Rows in one statement: some thousand parameters, where SQLite takes 32,766."""

_DIALECT = sqlite.dialect()

_Binder = Callable[[Any], Any] | None


@dataclass(frozen=True, slots=True)
class _Form:
    """A statement with the place of its rows, and what makes of a row's values those of the driver."""

    head: str
    row: str
    tail: str
    binders: tuple[tuple[str, _Binder], ...]
    defaults: Mapping[str, Any]

    def text(self, rows: int) -> str:
        return self.head + ", ".join([self.row] * rows) + self.tail

    def bound(self, row: Mapping[str, Any]) -> list[Any]:
        given = {**self.defaults, **row} if self.defaults else row
        return [bind(given[name]) if bind else given[name] for name, bind in self.binders]


def insert_rows(connection: Connection, statement: Insert, rows: Sequence[Mapping[str, Any]]) -> int:
    """Executes the statement, which must be the same object each time, for all rows; they have the same
    columns. Returns how many were written."""
    if connection.dialect.name != "sqlite":
        return connection.execute(statement, list(rows)).rowcount
    if not rows:
        return 0
    form = _form(statement, tuple(rows[0]))
    bound = [form.bound(row) for row in rows]
    written = 0
    for start in range(0, len(bound), _ROWS):
        portion = bound[start : start + _ROWS]
        values = tuple(value for row in portion for value in row)
        written += connection.exec_driver_sql(form.text(len(portion)), values).rowcount
    return written


@cache
def _form(statement: Insert, names: tuple[str, ...]) -> _Form:
    table = statement.table
    assert isinstance(table, Table)  # noqa: S101 - for the type checker
    defaults = {
        column.name: column.default.arg
        for column in table.columns
        if column.name not in names and column.default is not None and column.default.is_scalar
    }
    compiled = statement.compile(dialect=_DIALECT, column_keys=[*names, *defaults])
    order = compiled.positiontup or []
    row = "(" + ", ".join("?" for _ in order) + ")"
    head, tail = str(compiled).split(f"VALUES {row}")
    binders = tuple((name, _binder(table, name)) for name in order)
    return _Form(f"{head}VALUES ", row, tail, binders, defaults)


def _binder(table: Table, name: str) -> _Binder:
    return table.columns[name].type.dialect_impl(_DIALECT).bind_processor(_DIALECT)
