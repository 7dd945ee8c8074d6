"""New databases for the server to die over, each a copy of one that has the tables."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.postgresql import postgresql
from tests.torture.run import Database

from closedloop_server.store.engine import open_engine
from closedloop_server.store.schema import upgrade


@contextmanager
def sqlite_files() -> Iterator[Database]:
    """Makes SQLite files in a folder that goes in the end."""
    with tempfile.TemporaryDirectory(prefix="closedloop-torture-") as folder:
        template = Path(folder) / "template.db"
        engine = open_engine(f"sqlite:///{template}")
        upgrade(engine)
        engine.dispose()

        @contextmanager
        def copy() -> Iterator[str]:
            with tempfile.TemporaryDirectory(dir=folder) as place:
                shutil.copy(template, Path(place) / "loop.db")
                yield f"sqlite:///{place}/loop.db"

        yield copy


@contextmanager
def postgresql_databases() -> Iterator[Database]:
    """Makes databases on a PostgreSQL that goes in the end."""
    with postgresql() as server:
        template = server.create()
        engine = open_engine(template)
        upgrade(engine)
        engine.dispose()

        @contextmanager
        def copy() -> Iterator[str]:
            url = server.create(template)
            try:
                yield url
            finally:
                server.drop(url)

        yield copy
