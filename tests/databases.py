"""PostgreSQL databases with all tables and nothing in them, which one test after the other has.

Emptying a database takes a third of the time of making one and removing it. What a test has changed about the
tables themselves cannot be emptied away: such a database is removed, and the next test has a new one.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, NullPool, create_engine, text
from sqlalchemy.exc import DBAPIError

_OURS = """
    WITH ours AS (
        SELECT oid, nspname FROM pg_namespace WHERE nspname <> 'information_schema' AND nspname !~ '^pg_'
    )
"""

_FORM = f"""
    {_OURS}
    SELECT md5(string_agg(part, '|' ORDER BY part)) FROM (
        SELECT version_num AS part FROM alembic_version
        UNION ALL SELECT concat_ws(' ', oid, nspname) FROM ours
        UNION ALL SELECT concat_ws(' ', oid, relname) FROM pg_class
            WHERE relnamespace IN (SELECT oid FROM ours)
        UNION ALL SELECT concat_ws(' ', attrelid, attnum, attname, atttypid, attnotnull, atthasdef)
            FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
            WHERE relnamespace IN (SELECT oid FROM ours)
        UNION ALL SELECT concat_ws(' ', oid, conname) FROM pg_constraint
            WHERE connamespace IN (SELECT oid FROM ours)
        UNION ALL SELECT concat_ws(' ', oid, tgname, tgenabled) FROM pg_trigger WHERE NOT tgisinternal
        UNION ALL SELECT concat_ws(' ', oid, proname, md5(prosrc)) FROM pg_proc
            WHERE pronamespace IN (SELECT oid FROM ours)
    ) AS parts
"""  # noqa: S608 - nothing in it is anybody's
"""Everything that the migrations make, as one text: the same until something is taken apart or added."""

_WITH_ROWS = f"""
    {_OURS}
    SELECT format('%I.%I', nspname, relname)
    FROM pg_class JOIN ours ON ours.oid = relnamespace
    WHERE relkind = 'r' AND relname <> 'alembic_version' AND pg_relation_size(pg_class.oid) > 0
"""  # noqa: S608

_COUNTED = "SELECT format('%I.%I', schemaname, sequencename) FROM pg_sequences WHERE last_value IS NOT NULL"

_OTHERS = """
    SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()
"""


class Databases:
    """Databases on a PostgreSQL (see postgresql.py), copies of `template`."""

    def __init__(self, server: Any, template: str) -> None:
        self._server = server
        self._template = template
        self._free: list[str] = []
        self._kept: dict[str, Connection] = {}
        connection = _connected(template)
        self._form = _form(connection)
        connection.close()  # nobody may use a template while it is copied

    def take(self) -> str:
        """The URL of a database that nobody else has, with all tables and nothing in them."""
        return self._free.pop() if self._free else str(self._server.create(self._template))

    def give_back(self, url: str) -> None:
        """Empties a database for the next; removes one that cannot be as it was."""
        try:
            connection = self._kept.get(url) or _connected(url)
            self._kept[url] = connection
            connection.execute(text(_OTHERS))
            as_made = _form(connection) == self._form
            if as_made:
                _empty(connection)
        except DBAPIError:
            as_made = False
        if as_made:
            self._free.append(url)
        else:
            self._remove(url)

    def close(self) -> None:
        """Removes those that nobody has."""
        for url in self._free:
            self._remove(url)

    def _remove(self, url: str) -> None:
        if connection := self._kept.pop(url, None):
            connection.close()
        self._server.drop(url)


def _connected(url: str) -> Connection:
    return create_engine(url, isolation_level="AUTOCOMMIT", poolclass=NullPool).connect()


def _form(connection: Connection) -> str:
    return str(connection.scalar(text(_FORM)))


def _empty(connection: Connection) -> None:
    """Removes every row with the place that it had, and has every sequence begin again."""
    full = connection.scalars(text(_WITH_ROWS)).all()
    counted = connection.scalars(text(_COUNTED)).all()
    statements = [f"TRUNCATE {', '.join(full)} CASCADE"] if full else []
    statements += [f"ALTER SEQUENCE {name} RESTART" for name in counted]
    if statements:
        connection.exec_driver_sql(";".join(["BEGIN", *statements, "COMMIT"]))
