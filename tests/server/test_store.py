"""The database: made by its migrations, written by many threads, never half."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Engine, insert, inspect, select, text
from sqlalchemy.exc import IntegrityError

from closedloop.schema.vocabulary import ObjectType
from closedloop_server.store import inbox, stale
from closedloop_server.store.engine import open_engine, reading, writing
from closedloop_server.store.rows import Key
from closedloop_server.store.schema import upgrade
from closedloop_server.store.tables import cursors, hints, metadata

NOW = datetime(2026, 11, 2, tzinfo=UTC)

ON_SQLITE = pytest.mark.parametrize("database", ["sqlite"], indirect=True)
ON_POSTGRESQL = pytest.mark.parametrize("database", ["postgresql"], indirect=True)


def schema_of(engine: Engine) -> dict[str, list[str]]:
    """Every table with its columns, indexes, keys and constraints, as the database itself tells them."""
    found = inspect(engine)
    return {
        table: sorted(
            [
                *(f"{c['name']} {c['type']} {c['nullable']}" for c in found.get_columns(table)),
                *(repr(sorted(i.items(), key=str)) for i in found.get_indexes(table)),
                *(repr(sorted(u.items(), key=str)) for u in found.get_unique_constraints(table)),
                *(repr(sorted(f.items(), key=str)) for f in found.get_foreign_keys(table)),
                repr(found.get_pk_constraint(table)),
            ]
        )
        for table in found.get_table_names()
        if table in metadata.tables
    }


def test_the_migrations_make_exactly_the_tables_that_the_code_uses(
    engine: Engine, new_database: Callable[[], str]
) -> None:
    straight = open_engine(new_database())
    with writing(straight) as connection:
        metadata.drop_all(connection)
        metadata.create_all(connection)
    assert schema_of(engine) == schema_of(straight)
    straight.dispose()
    with reading(engine) as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []


def test_upgrading_twice_is_harmless(engine: Engine) -> None:
    upgrade(engine)
    with reading(engine) as connection:
        assert connection.scalar(text("SELECT version_num FROM alembic_version")) == "0009"


@ON_SQLITE
@pytest.mark.parametrize(
    ("pragma", "value"),
    [("journal_mode", "wal"), ("synchronous", 2), ("foreign_keys", 1), ("busy_timeout", 30_000)],
)
def test_a_commit_survives_a_power_cut_and_keys_are_checked(
    engine: Engine, pragma: str, value: object
) -> None:
    with reading(engine) as connection:
        assert connection.scalar(text(f"PRAGMA {pragma}")) == value


def test_a_transaction_that_fails_leaves_nothing(engine: Engine) -> None:
    with suppress(ZeroDivisionError), writing(engine) as failing:
        failing.execute(insert(cursors).values(connection="sales", cursor="1"))
        _ = 1 / 0
    with reading(engine) as looking:
        assert looking.execute(select(cursors)).all() == []


@ON_POSTGRESQL
@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("synchronous_commit", "on"),
        ("transaction_isolation", "read committed"),
        ("idle_in_transaction_session_timeout", "20s"),
        ("statement_timeout", "1min"),
    ],
)
def test_a_commit_waits_for_the_disk_and_no_lock_is_kept_for_ever(
    engine: Engine, setting: str, value: str
) -> None:
    with writing(engine) as connection:
        assert connection.scalar(text(f"SHOW {setting}")) == value


@ON_SQLITE
def test_threads_that_read_and_then_write_wait_for_each_other(engine: Engine) -> None:
    """Each adds one to what it read: a lost update or a locked database would show."""

    def count_up(_: int) -> None:
        with writing(engine) as connection:
            seen = connection.scalar(select(cursors.c.cursor))
            connection.execute(cursors.update().values(cursor=str(int(seen or 0) + 1)))

    with writing(engine) as connection:
        connection.execute(insert(cursors).values(connection="sales", cursor="0"))
    with ThreadPoolExecutor(12) as pool:
        list(pool.map(count_up, range(120)))
    with reading(engine) as connection:
        assert connection.scalar(select(cursors.c.cursor)) == "120"


def test_a_reader_sees_one_state_while_somebody_writes(engine: Engine) -> None:
    with reading(engine) as connection:
        assert connection.execute(select(cursors)).all() == []
        with writing(engine) as other:
            other.execute(insert(cursors).values(connection="sales"))
        assert connection.execute(select(cursors)).all() == []


def test_two_processes_may_have_the_database_open(engine: Engine, settings: object) -> None:
    second = open_engine(str(engine.url))
    with writing(engine) as connection:
        connection.execute(insert(cursors).values(connection="sales"))
    with writing(second) as connection:
        connection.execute(insert(cursors).values(connection="marketing"))
    second.dispose()
    with reading(engine) as connection:
        assert len(connection.execute(select(cursors)).all()) == 2


def test_the_same_bytes_are_stored_once_per_connection(engine: Engine) -> None:
    with writing(engine) as connection:
        stored = [
            inbox.keep(connection, name, content_type="application/json", body=b"[]", now=NOW)
            for name in ("sales", "sales", "marketing")
        ]
    assert stored == [True, False, True]


def test_what_became_stale_again_is_not_struck_off(engine: Engine) -> None:
    key = Key("sales", ObjectType.LEAD, "L1")
    with writing(engine) as connection:
        stale.note(connection, stale.Work.SUBJECT, [key])
        seen = stale.waiting(connection, stale.Work.SUBJECT, limit=10)
        stale.note(connection, stale.Work.SUBJECT, [key])
        stale.strike(connection, stale.Work.SUBJECT, seen)
        assert [each.key for each in stale.waiting(connection, stale.Work.SUBJECT, limit=10)] == [key]


def test_an_error_of_the_database_tells_no_values(engine: Engine) -> None:
    with pytest.raises(IntegrityError, match="noted") as caught, writing(engine) as connection:
        connection.execute(insert(hints).values(connection="sales", object="lead", crm_id="ann@example.com"))
    told = f"{caught.value} {caught.value.orig} {caught.value.__cause__!r}"
    assert "ann@example.com" not in told


def test_a_text_with_a_nul_in_it_holds_nothing_up(engine: Engine) -> None:
    with writing(engine) as connection:
        connection.execute(insert(cursors).values(connection="sales", cursor="1\0"))
    with reading(engine) as connection:
        assert str(connection.scalar(select(cursors.c.cursor))).startswith("1")
