"""The tables on their way from version to version and back, on both databases, with somebody at work."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Engine, MetaData, inspect, text

from closedloop_server.store import jobs_schema, schema
from closedloop_server.store.engine import open_engine, reading, writing
from closedloop_server.store.schema import SchemaError, downgrade, upgrade, version
from closedloop_server.store.tables import metadata

ON_POSTGRESQL = pytest.mark.parametrize("database", ["postgresql"], indirect=True)
ON_SQLITE = pytest.mark.parametrize("database", ["sqlite"], indirect=True)

NOW = datetime(2026, 11, 2, 9, tzinfo=UTC)

OLD: dict[str, list[dict[str, Any]]] = {
    "records": [
        {
            "connection": "sales",
            "object": "lead",
            "crm_id": "L1",
            "read_at": NOW,
            "deleted": False,
            "erased": False,
            "data": {"object": "lead", "id": "L1"},
        }
    ],
    "inbox": [
        {
            "connection": "sales",
            "digest": "d" * 64,
            "received_at": NOW,
            "content_type": "text/xml",
            "body": b"<a/>",
        }
    ],
    "hints": [
        {
            "connection": "sales",
            "object": "lead",
            "crm_id": "L1",
            "noted": 1,
            "noted_at": NOW,
            "attempts": 0,
        }
    ],
    "cursors": [{"connection": "sales", "cursor": "here", "polled_at": NOW}],
    "stale": [{"work": "changed", "connection": "sales", "object": "lead", "crm_id": "L1", "noted": 3}],
    "ledger": [
        {
            "id": 1,
            "connection": "sales",
            "object": "lead",
            "crm_id": "L1",
            "entry": 1,
            "outcome": "disqualified",
            "reason": "no_budget",
            "contributing": [],
            "rule": "reasons.yaml:1",
            "learned_at": NOW,
        }
    ],
    "standings": [
        {
            "connection": "sales",
            "object": "lead",
            "crm_id": "L1",
            "ledger_id": 1,
            "outcome": "disqualified",
            "reason": "no_budget",
        }
    ],
    "credits": [
        {
            "ledger_id": 1,
            "model": "primary",
            "campaign_connection": "sales",
            "campaign_id": "C1",
            "share": "1",
        }
    ],
    "desired": [
        {
            "connection": "sales",
            "key": "campaign|C1",
            "kind": "campaign",
            "campaign_id": "C1",
            "state": {"a": 1},
            "digest": "e" * 64,
            "changed_at": NOW,
        }
    ],
    "delivered": [
        {
            "connection": "sales",
            "key": "campaign|C1",
            "digest": "e" * 64,
            "delivery": "delivered",
            "attempts": 0,
            "at": NOW,
        }
    ],
    "marks": [{"name": "mappings", "value": "1"}],
    "tokens": [{"digest": "f" * 64, "name": "Mia", "role": "viewer", "created_at": NOW}],
}
"""What stood in the tables of version 0002, in the order in which it may be written."""


@pytest.fixture
def empty(new_database: Callable[[], str]) -> Iterator[Engine]:
    """A database from which every table was removed again."""
    engine = open_engine(new_database())
    downgrade(engine, "base")
    yield engine
    engine.dispose()


def tables(engine: Engine) -> set[str]:
    return set(inspect(engine).get_table_names()) - {"alembic_version"}


def write_old(engine: Engine) -> MetaData:
    """Fills the tables of version 0002; returns them as they were then."""
    old = MetaData()
    old.reflect(engine)
    with writing(engine) as connection:
        for name, rows in OLD.items():
            connection.execute(sa.insert(old.tables[name]), rows)
    return old


def read(engine: Engine, old: MetaData) -> dict[str, list[tuple[Any, ...]]]:
    """Every row, in the columns of then."""
    with reading(engine) as connection:
        return {
            table.name: sorted((tuple(row) for row in connection.execute(sa.select(table))), key=repr)
            for table in old.sorted_tables
            if table.name != "alembic_version"
        }


def differences(engine: Engine) -> list[Any]:
    with reading(engine) as connection:
        return list(compare_metadata(MigrationContext.configure(connection), metadata))


def test_from_nothing_to_everything_and_back_leaves_nothing(empty: Engine) -> None:
    assert tables(empty) == set()
    upgrade(empty)
    assert differences(empty) == []
    downgrade(empty, "base")
    assert tables(empty) == set()
    assert "closedloop_jobs" not in inspect(empty).get_schema_names()


def test_every_version_is_reached_from_the_one_before_and_left_again(empty: Engine) -> None:
    known = sorted(version(empty).known)
    for each in known:
        upgrade(empty, each)
        assert version(empty).present == each
    for each in reversed(["base", *known[:-1]]):
        downgrade(empty, each)
        assert version(empty).present == ("" if each == "base" else each)
    upgrade(empty)
    assert differences(empty) == []


def test_what_stood_in_the_tables_is_there_after_the_way_up_and_the_way_back(empty: Engine) -> None:
    upgrade(empty, "0002")
    old = write_old(empty)
    before = read(empty, old)
    upgrade(empty)
    assert differences(empty) == []
    assert read(empty, old) == before
    downgrade(empty, "0002")
    assert read(empty, old) == before


def test_the_version_before_goes_on_reading_and_writing_beside_the_new_tables(empty: Engine) -> None:
    upgrade(empty, "0002")
    old = MetaData()
    old.reflect(empty)
    upgrade(empty)
    with writing(empty) as connection:
        for name, rows in OLD.items():
            connection.execute(sa.insert(old.tables[name]), rows)
        connection.execute(sa.update(old.tables["hints"]).values(noted=old.tables["hints"].c.noted + 1))
        connection.execute(sa.delete(old.tables["stale"]).where(old.tables["stale"].c.noted == 3))
    found = read(empty, old)
    assert {name: len(rows) for name, rows in found.items()} == {
        **{name: len(rows) for name, rows in OLD.items()},
        "stale": 0,
        "people": 0,
        "touches": 0,
        "edges": 0,
        "refusals": 0,
    }


def test_processes_that_start_at_once_migrate_once(empty: Engine) -> None:
    engines = [open_engine(empty.url.render_as_string(hide_password=False)) for _ in range(4)]
    together = threading.Barrier(len(engines))

    def start(engine: Engine) -> None:
        together.wait(60)
        upgrade(engine)

    with ThreadPoolExecutor(len(engines)) as pool:
        list(pool.map(start, engines))
    for engine in engines:
        engine.dispose()
    assert differences(empty) == []


def test_a_program_of_the_version_before_starts_on_newer_tables(empty: Engine) -> None:
    upgrade(empty)
    with writing(empty) as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    upgrade(empty)
    assert version(empty).is_newer
    with pytest.raises(SchemaError, match="9999") as caught:
        downgrade(empty, "0002")
    assert caught.value.reason == "unknown_version"


@pytest.mark.parametrize("wanted", ["", "head", "0815"])
def test_a_version_that_nobody_knows_is_refused(empty: Engine, wanted: str) -> None:
    with pytest.raises(SchemaError, match="this program knows base, 0001"):
        downgrade(empty, wanted)


@ON_POSTGRESQL
def test_a_migration_never_holds_up_the_others_while_it_waits_for_somebody(
    empty: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A long transaction has read a table that is to get a column: the migration steps back, then goes on."""
    monkeypatch.setattr(schema, "PATIENCE", 1)
    monkeypatch.setattr(schema, "PAUSE", 0.01)
    upgrade(empty, "0002")
    ended: list[bool] = []
    with reading(empty) as long:
        long.execute(text("SELECT * FROM cursors"))
        monkeypatch.setattr(schema, "TRIES", 2)
        with pytest.raises(SchemaError, match="pg_stat_activity") as caught:
            upgrade(empty)
        assert caught.value.reason == "tables_in_use"
        assert version(empty).present == "0002"
        with writing(empty) as connection:
            connection.execute(text("INSERT INTO cursors (connection) VALUES ('sales')"))
            ended.append(True)
    upgrade(empty)
    assert ended == [True]
    assert differences(empty) == []


@ON_POSTGRESQL
def test_the_job_runners_own_migrations_run_when_it_was_older(empty: Engine) -> None:
    """From the very first to the last: the tables come out as its newest description has them."""
    upgrade(empty)
    expected = _jobs(empty)
    with writing(empty) as connection:
        jobs_schema.remove(connection)
        connection.execute(text("CREATE SCHEMA closedloop_jobs"))
    assert not jobs_schema.is_ready(empty)
    upgrade(empty)
    assert jobs_schema.is_ready(empty)
    assert _jobs(empty) == expected


def _jobs(engine: Engine) -> dict[str, list[str]]:
    found = inspect(engine)
    return {
        table: sorted(f"{c['name']} {c['type']}" for c in found.get_columns(table, schema="closedloop_jobs"))
        for table in found.get_table_names(schema="closedloop_jobs")
    }
