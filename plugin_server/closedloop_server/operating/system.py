"""The state of the whole installation: workers, what waits, the database."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection, Engine, func, select

import closedloop
from closedloop_server.operating.backlog import Waiting, backlog
from closedloop_server.services import Services
from closedloop_server.store.engine import reading
from closedloop_server.store.tables import leases


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """Who took a piece of work last, and when; `number` counts how often it was taken: by threads
    when they start, by jobs with every turn."""

    kind: str
    connection: str
    holder: str
    number: int
    taken_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class System:
    """The installation at one moment. `size` is the database's, in bytes, None where it is not known."""

    version: str
    now: datetime
    database: str
    size: int | None
    leases: tuple[Lease, ...]
    backlog: tuple[Waiting, ...]


def system(services: Services) -> System:
    """How the installation is."""
    with reading(services.engine) as connection:
        return System(
            version=closedloop.__version__,
            now=services.clock(),
            database=_NAMES.get(services.engine.dialect.name, services.engine.dialect.name),
            size=_size(services.engine, connection),
            leases=_leases(connection),
            backlog=tuple(backlog(connection)),
        )


_NAMES = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}


def _leases(connection: Connection) -> tuple[Lease, ...]:
    columns = (leases.c.kind, leases.c.connection, leases.c.holder, leases.c.number, leases.c.taken_at)
    query = select(*columns).order_by(leases.c.kind, leases.c.connection)
    return tuple(Lease(**row) for row in connection.execute(query).mappings())


def _size(engine: Engine, connection: Connection) -> int | None:
    if engine.dialect.name == "postgresql":
        found: int | None = connection.scalar(select(func.pg_database_size(func.current_database())))
        return found
    file = engine.url.database
    if not file or file == ":memory:":
        return None
    return sum(part.stat().st_size for part in (Path(file), Path(f"{file}-wal")) if part.exists())
