"""Brings the database's tables to the version that this code needs, or back to an older one.

Several processes may start at once: one migrates, the others wait for it. A process of the version before
goes on meanwhile: migrations only add.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import OperationalError

from closedloop.errors import ClosedLoopError
from closedloop_server.store import jobs_schema
from closedloop_server.store.engine import reading, rebuilding

log = logging.getLogger(__name__)

_MIGRATIONS = Path(__file__).parent / "migrations"

_LOCK = 0x436C6F4C6F6F70
"""The number of PostgreSQL's advisory lock under which one process at a time migrates."""

_LOCK_NOT_AVAILABLE = "55P03"
"""https://www.postgresql.org/docs/current/errcodes-appendix.html"""

PATIENCE = 5
"""Seconds that a change of a table waits for whoever uses it. All others queue up behind it so long."""

TRIES = 12

PAUSE = 1.0
"""Seconds between two tries, in which those who queued up have their turn."""


class SchemaError(ClosedLoopError):
    """The tables could not be brought to the wanted version; nothing was changed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """The version of the tables that are there, "" for none, and the newest that this code knows."""

    present: str
    newest: str
    known: frozenset[str]

    @property
    def is_newer(self) -> bool:
        """Whether a later version of this program has made the tables. It only added: they can be used."""
        return self.present not in {"", *self.known}


def version(engine: Engine) -> Version:
    """Which version the tables have."""
    with reading(engine) as connection:
        return version_of(connection)


def upgrade(engine: Engine, to: str = "head") -> None:
    """Runs the migrations that the database lacks, all or none; harmless when there are none."""
    found = version(engine)
    if found.is_newer:
        log.warning("the tables are of the later version %s; this program knows %s", *_told(found))
    elif found.present != found.newest or not jobs_schema.is_ready(engine):
        _migrate(engine, lambda config: command.upgrade(config, to), jobs_schema.make)


def downgrade(engine: Engine, to: str) -> None:
    """Takes back every migration after that version ("base": all of them), all or none. What only the newer
    versions keep is lost; the jobs are gone, and made anew from the tables."""
    found = version(engine)
    if found.is_newer or to not in {"base", *found.known}:
        raise SchemaError(
            f"cannot go from version {found.present or 'base'} to {to}: this program knows base,"
            f" {', '.join(sorted(found.known))}",
            reason="unknown_version",
        )
    _migrate(engine, lambda config: command.downgrade(config, to), jobs_schema.remove)


def _told(found: Version) -> tuple[str, str]:
    return found.present, found.newest


def _migrate(engine: Engine, run: Callable[[Config], None], jobs: Callable[[Connection], None]) -> None:
    for left in reversed(range(TRIES)):
        if _migrated(engine, run, jobs):
            return
        if left:
            log.warning("the migration waits: its tables are in use")
            time.sleep(PAUSE)
    raise SchemaError(
        f"somebody has used a table without end while {TRIES} times {PATIENCE} s passed: look for a long"
        " transaction (a backup?) in pg_stat_activity, and try again when it is over",
        reason="tables_in_use",
    )


def _migrated(engine: Engine, run: Callable[[Config], None], jobs: Callable[[Connection], None]) -> bool:
    """Whether it was done; False when somebody used a table for too long."""
    try:
        with rebuilding(engine) as connection:
            _wait_for_others(connection)
            run(_config(connection))
            jobs(connection)
    except OperationalError as error:
        if getattr(error.orig, "sqlstate", None) != _LOCK_NOT_AVAILABLE:
            raise
        return False
    return True


def _wait_for_others(connection: Connection) -> None:
    """One process at a time goes on. SQLite's write lock, which we have, does the same."""
    if connection.dialect.name != "postgresql":
        return
    for setting in ("lock_timeout", "statement_timeout", "idle_in_transaction_session_timeout"):
        connection.execute(text(f"SET LOCAL {setting} = 0"))
    connection.execute(text(f"SELECT pg_advisory_xact_lock({_LOCK})"))
    # A statement that waits for a lock holds up all that come after it: rather give up and try again.
    connection.execute(text(f"SET LOCAL lock_timeout = '{PATIENCE}s'"))


def version_of(connection: Connection) -> Version:
    """Which version the tables have that this connection sees."""
    script = ScriptDirectory.from_config(_config(connection))
    return Version(
        present=MigrationContext.configure(connection).get_current_revision() or "",
        newest=script.get_current_head() or "",
        known=frozenset(each.revision for each in script.walk_revisions()),
    )


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config
