"""Opens the database and hands out its transactions: any number of readers, one writer at a time.

with reading(engine) as connection: …
with writing(engine) as connection: …
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import Connection, Engine, create_engine, event

_WRITES = "closedloop_writes"

_writers: WeakKeyDictionary[Engine, Lock] = WeakKeyDictionary()
_writers_lock = Lock()


def open_engine(url: str) -> Engine:
    """An engine on the database at `url`, set up so that a committed transaction survives a power cut."""
    # hide_parameters: an error message must not carry a customer's data into the log.
    engine = create_engine(url, hide_parameters=True, pool_size=16, max_overflow=16)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _prepare)
        event.listen(engine, "begin", _begin)
    return engine


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """A transaction that sees one consistent state and writes nothing."""
    with engine.connect() as connection:
        yield connection


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """A transaction that commits when the block ends, and leaves nothing when it fails."""
    with _writer(engine), engine.execution_options(**{_WRITES: True}).begin() as connection:
        yield connection


def _writer(engine: Engine) -> Lock:
    """The turn of the one writer within this process.

    SQLite's own waiting is a back-off without order, under which the unlucky thread waits longest.
    """
    if engine.dialect.name != "sqlite":
        return Lock()
    with _writers_lock:
        return _writers.setdefault(engine, Lock())


def _prepare(connection: Any, _: Any) -> None:
    # The driver must not open transactions by itself: `_begin` does, with the right kind of lock.
    connection.isolation_level = None
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=30000", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _begin(connection: Connection) -> None:
    # A transaction that reads first and writes later fails at once, not after the busy timeout, when
    # somebody else wrote in between. Taking the write lock at the start rules that out.
    # https://www.sqlite.org/lang_transaction.html#deferred_immediate_and_exclusive_transactions
    writes = connection.get_execution_options().get(_WRITES, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
