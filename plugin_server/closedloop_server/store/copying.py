"""Copies every table into another database, in one transaction, and compares what came out."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, Integer, Table, func, insert, select, text

from closedloop.errors import ClosedLoopError
from closedloop_server.store.tables import metadata

PORTION = 1000
"""Rows that are held in memory at once."""


class CopyError(ClosedLoopError):
    """The copy would not be what was copied; nothing of it is kept."""


@dataclass(frozen=True, slots=True)
class Sum:
    """How many rows a table has, and a digest of them in whatever order."""

    rows: int
    digest: int

    def __add__(self, other: Sum) -> Sum:
        return Sum(self.rows + other.rows, (self.digest + other.digest) % (1 << 256))


def occupied(connection: Connection) -> list[str]:
    """The tables that hold anything."""
    return [
        table.name
        for table in metadata.sorted_tables
        if connection.execute(select(*table.primary_key.columns).limit(1)).first() is not None
    ]


def copy_all(
    source: Connection, target: Connection, *, copied: Callable[[str, int], object] = lambda *_: None
) -> None:
    """Copies all tables; calls `copied` with each one's name and number of rows. CopyError unless every
    table came out the same: the caller keeps nothing then."""
    for table in metadata.sorted_tables:
        read = _copy(source, target, table)
        written = _sum(_rows(target, table))
        if read != written:
            raise CopyError(
                f"the table {table.name} had {read.rows} rows and has {written.rows} now, or other ones",
                reason="copy_differs",
            )
        _count_on(target, table)
        copied(table.name, read.rows)


def _copy(source: Connection, target: Connection, table: Table) -> Sum:
    done = Sum(0, 0)
    for portion in _rows(source, table):
        target.execute(insert(table), [dict(zip(table.columns.keys(), row, strict=True)) for row in portion])
        done += _sum([portion])
    return done


def _rows(connection: Connection, table: Table) -> Iterator[Sequence[Sequence[Any]]]:
    query = select(table).order_by(*table.primary_key.columns).execution_options(yield_per=PORTION)
    with connection.execute(query) as result:
        yield from result.partitions(PORTION)


def _sum(portions: Iterable[Sequence[Sequence[Any]]]) -> Sum:
    found = Sum(0, 0)
    for portion in portions:
        for row in portion:
            told = json.dumps(list(row), sort_keys=True, default=_plain).replace("\\u0000", "\\ufffd")
            found += Sum(1, int.from_bytes(hashlib.sha256(told.encode()).digest()))
    return found


def _plain(value: Any) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Decimal):
        return format(value, "f")
    return bytes(value).hex()


def _count_on(target: Connection, table: Table) -> None:
    """Has the next new row numbered after those that were copied."""
    keys = list(table.primary_key.columns)
    if target.dialect.name != "postgresql" or len(keys) != 1 or not isinstance(keys[0].type, Integer):
        return
    newest = target.scalar(select(func.max(keys[0])))
    if newest is not None:
        sequence = text("SELECT setval(pg_get_serial_sequence(:table, :column), :newest)")
        target.execute(sequence, {"table": table.name, "column": keys[0].name, "newest": newest})
