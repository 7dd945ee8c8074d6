"""`closedloop move --to postgresql://…`: from one machine with SQLite to PostgreSQL and several."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
from sqlalchemy import Connection, create_engine, event, text
from sqlalchemy.exc import DBAPIError, OperationalError

from closedloop.errors import ClosedLoopError
from closedloop_server.commands.serve import settings_option
from closedloop_server.settings import load_settings
from closedloop_server.store import copying, schema
from closedloop_server.store.copying import CopyError
from closedloop_server.store.engine import open_engine, writing


@click.command()
@click.option(
    "--to",
    "target",
    required=True,
    envvar="CLOSEDLOOP_MOVE_TO",
    show_envvar=True,
    help="The URL of an empty PostgreSQL database. The variable hides a password from the list of processes.",
)
@settings_option
def move(path: Path, target: str) -> None:
    """Copies the SQLite database of the settings to an empty PostgreSQL database: everything or nothing.

    The server has to be stopped. The SQLite file stays as it is.
    """
    source = load_settings(path).database_url
    if not source.startswith("sqlite"):
        raise click.ClickException(f"{path}: the database is no SQLite file: there is nothing to move")
    try:
        move_to(source, target, copied=lambda name, rows: click.echo(f"{rows:>9} {name}"))
    except ClosedLoopError as error:
        raise click.ClickException(error.message) from error
    except DBAPIError as error:
        raise click.ClickException(f"nothing was moved: {error.orig}") from error
    click.echo(
        "Everything is there and was compared. Name the new database in the settings, and a secret_key: the"
        f" one so far stands in {Path(source.removeprefix('sqlite:///')).with_suffix('.secret-key').name}"
        " unless the settings named one. Then start `closedloop serve` and `closedloop worker`."
    )


def move_to(source: str, target: str, *, copied: Callable[[str, int], object] = lambda *_: None) -> None:
    """Copies one database to the other, or raises and leaves the other with empty tables."""
    if not target.startswith(("postgresql:", "postgres:", "postgresql+psycopg:")):
        raise CopyError(
            "the target is no PostgreSQL: expected postgresql://user@host/name", reason="no_target"
        )
    engine = open_engine(target)
    try:
        with _alone(source) as reading:
            schema.upgrade(engine)
            with writing(engine) as connection:
                _check_empty(connection)
                # Nobody's request is waited for here: large tables take their time.
                connection.execute(text("SET LOCAL statement_timeout = 0"))
                connection.execute(text("SET LOCAL idle_in_transaction_session_timeout = 0"))
                copying.copy_all(reading, connection, copied=copied)
    finally:
        engine.dispose()


@contextmanager
def _alone(source: str) -> Iterator[Connection]:
    """The SQLite file, which nobody else has open, and nobody else opens meanwhile."""
    engine = create_engine(source, hide_parameters=True)
    event.listen(engine, "connect", _exclusively)
    try:
        with engine.connect() as connection:
            _check_version(connection)
            yield connection
    except OperationalError as error:
        if "locked" not in str(error.orig):
            raise
        raise CopyError(
            "a process has the SQLite file open: stop the server, and whatever else reads it", reason="in_use"
        ) from error
    finally:
        engine.dispose()


def _exclusively(connection: Any, _: Any) -> None:
    # In this mode even a reader needs that no other connection is there.
    # https://www.sqlite.org/pragma.html#pragma_locking_mode
    connection.execute("PRAGMA busy_timeout=1000")
    connection.execute("PRAGMA locking_mode=EXCLUSIVE")


def _check_version(connection: Connection) -> None:
    found = schema.version_of(connection)
    if found.present != found.newest:
        raise CopyError(
            f"the SQLite tables have the version {found.present or 'base'}, and {found.newest} is needed:"
            " closedloop database upgrade",
            reason="other_version",
        )


def _check_empty(connection: Connection) -> None:
    occupied = copying.occupied(connection)
    if occupied:
        raise CopyError(
            f"the target holds data already ({', '.join(occupied)}): give an empty database",
            reason="not_empty",
        )
