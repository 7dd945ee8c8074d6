"""Opens the database and hands out its transactions.

with reading(engine) as connection: …
with writing(engine) as connection: …

SQLite has any number of readers and one writer at a time; on PostgreSQL writers meet only where they write
the same rows.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from threading import Lock
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from closedloop_server.store.fair_lock import FairLock
from closedloop_server.store.postgresql import open_postgresql

_WRITES = "closedloop_writes"
SINGLE = "closedloop_single"
"""The option of a connection whose one statement is a transaction by itself, on SQLite."""

_writers: WeakKeyDictionary[Engine, FairLock] = WeakKeyDictionary()
_writers_lock = Lock()


def open_engine(url: str) -> Engine:
    """An engine on the database at `url`, set up so that a committed transaction survives a power cut."""
    if not url.startswith("sqlite"):
        return open_postgresql(url)
    # hide_parameters: an error message must not carry a customer's data into the log.
    engine = create_engine(url, hide_parameters=True, pool_size=16, max_overflow=16)
    event.listen(engine, "connect", _prepare)
    event.listen(engine, "begin", _begin)
    return engine


def is_away(error: BaseException) -> bool:
    """Whether this says that the database cannot be reached or is too busy now, and nothing about the
    statement: what failed may be tried again."""
    if isinstance(error, OperationalError | InterfaceError | PoolTimeoutError):
        return True
    return isinstance(error, DBAPIError) and error.connection_invalidated


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """A transaction that sees one consistent state and writes nothing."""
    with engine.connect() as connection:
        if engine.dialect.name == "postgresql":
            # Options of the connection, which end with the block: see `writing`.
            connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        yield connection


@contextmanager
def writing(engine: Engine, *, urgent: bool = False, single: bool = False) -> Iterator[Connection]:
    """A transaction that commits when the block ends, and leaves nothing when it fails.

    An urgent one goes before those that wait already: for what somebody outside waits for, and short.
    A single one is for a block that writes with one statement and reads at most after it. SQLite commits that
    by itself, which saves two of three waits for the interpreter; what failed after it has not undone it.
    """
    with (
        _turn(engine, urgent=urgent),
        engine.connect() as connection,
        # An option of the connection: an engine with the option costs as much as a small transaction.
        connection.execution_options(**{_WRITES: True, SINGLE: single}).begin(),
    ):
        yield connection


@contextmanager
def rebuilding(engine: Engine) -> Iterator[Connection]:
    """A transaction that may take tables apart: SQLite looks at the references between them in the end, and
    not on the way, where a table that is made anew is missing for a moment."""
    if engine.dialect.name != "sqlite":
        with writing(engine) as connection:
            yield connection
        return
    with _turn(engine, urgent=False), engine.connect() as connection:
        driver: Any = connection.connection.driver_connection
        # Without effect within a transaction. https://www.sqlite.org/lang_altertable.html#otheralter
        driver.execute("PRAGMA foreign_keys=OFF")
        try:
            with connection.execution_options(**{_WRITES: True}).begin():
                yield connection
                if driver.execute("PRAGMA foreign_key_check").fetchone():
                    raise RuntimeError("a migration has left rows that refer to nothing")
        finally:
            driver.execute("PRAGMA foreign_keys=ON")


def _turn(engine: Engine, *, urgent: bool) -> AbstractContextManager[None]:
    """The turn of the one writer within this process.

    SQLite's own waiting is a back-off without order, under which the unlucky thread waits longest.
    """
    if engine.dialect.name != "sqlite":
        return nullcontext()
    with _writers_lock:
        lock = _writers.setdefault(engine, FairLock())
    return lock.held(urgent=urgent)


def _prepare(connection: Any, _: Any) -> None:
    # The driver must not open transactions by itself: `_begin` does, with the right kind of lock.
    connection.isolation_level = None
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=30000", "foreign_keys=ON", _ERASING):
        connection.execute(f"PRAGMA {pragma}")


_ERASING = "secure_delete=ON"
"""What is deleted or written over is overwritten in the file too: a person who was erased is not in it."""


def forget_log(engine: Engine) -> bool:
    """Empties SQLite's write-ahead log, which holds older versions of what was written over; whether it could
    be done now. On PostgreSQL, where VACUUM does the like, there is nothing to do."""
    if engine.dialect.name != "sqlite":
        return True
    connection = engine.raw_connection()
    try:
        cursor = connection.cursor()
        cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        (busy, _, _) = cursor.fetchone() or (1, 0, 0)
        return not busy
    finally:
        connection.close()


def _begin(connection: Connection) -> None:
    # A transaction that reads first and writes later fails at once, not after the busy timeout, when
    # somebody else wrote in between. Taking the write lock at the start rules that out.
    # https://www.sqlite.org/lang_transaction.html#deferred_immediate_and_exclusive_transactions
    options = connection.get_execution_options()
    if not options.get(SINGLE, False):
        connection.exec_driver_sql("BEGIN IMMEDIATE" if options.get(_WRITES, False) else "BEGIN")
