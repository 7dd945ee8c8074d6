"""The tables of the job runner on PostgreSQL, in a schema of their own; nothing durable lies in them.

The schema's comment names the last of the runner's migrations that it has.
"""

from __future__ import annotations

from importlib import resources
from typing import Any

from sqlalchemy import Connection, Engine, text

from closedloop_server.store.engine import reading

SCHEMA = "closedloop_jobs"


def is_ready(engine: Engine) -> bool:
    """Whether the runner's tables are as this version of it needs them; SQLite needs none."""
    if engine.dialect.name != "postgresql":
        return True
    with reading(engine) as connection:
        return _present(connection) == _migrations()[-1]


def make(connection: Connection) -> None:
    """Makes the runner's tables, or runs those of its migrations that they lack."""
    if connection.dialect.name != "postgresql":
        return
    present, migrations = _present(connection), _migrations()
    if present is None:
        connection.execute(text(f"CREATE SCHEMA {SCHEMA}"))
        _run(connection, _text("schema.sql"))
    else:
        for name in migrations:
            if name > present:
                _run(connection, _text("migrations", name))
    # A later version of the runner may have made them: its mark stays.
    if present is None or present < migrations[-1]:
        connection.execute(text(f"COMMENT ON SCHEMA {SCHEMA} IS '{migrations[-1]}'"))


def remove(connection: Connection) -> None:
    """Removes the runner's tables with all jobs: every worker finds its work in our tables."""
    if connection.dialect.name == "postgresql":
        connection.execute(text(f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE"))


def _present(connection: Connection) -> str | None:
    """The last migration that the schema has; None without a schema."""
    query = text("SELECT obj_description(oid, 'pg_namespace') FROM pg_namespace WHERE nspname = :name")
    row = connection.execute(query, {"name": SCHEMA}).first()
    return None if row is None else str(row[0] or "")


def _migrations() -> list[str]:
    files = resources.files("procrastinate.sql") / "migrations"
    return sorted(each.name for each in files.iterdir() if each.name.endswith(".sql"))


def _text(*path: str) -> str:
    return resources.files("procrastinate.sql").joinpath(*path).read_text(encoding="utf-8")


def _run(connection: Connection, statements: str) -> None:
    """Many statements at once, which only the driver itself takes."""
    driver: Any = connection.connection.driver_connection
    before = connection.scalar(text("SHOW search_path"))
    driver.execute(f"SET LOCAL search_path TO {SCHEMA}")
    driver.execute(statements)
    connection.execute(text("SELECT set_config('search_path', :path, true)"), {"path": before})
