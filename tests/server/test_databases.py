"""The PostgreSQL databases that tests hand on to each other are as good as new."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Engine, text

from closedloop_server.store.engine import open_engine, writing

INTO_INBOX = text(
    "INSERT INTO inbox (connection, digest, received_at, content_type, body)"
    " SELECT 'sales', number, now(), 'text/xml', '' FROM generate_series(1, :count) AS number RETURNING id"
)


@pytest.fixture
def one(postgresql_databases: Any) -> Iterator[Engine]:
    """A database that was taken, and is not given back."""
    url = postgresql_databases.take()
    engine = open_engine(url)
    yield engine
    engine.dispose()
    postgresql_databases.give_back(url)


def given_back(databases: Any, engine: Engine) -> str:
    """Gives a database back and returns the URL of the next that is taken."""
    url = engine.url.render_as_string(hide_password=False)
    databases.give_back(url)
    taken: str = databases.take()
    return taken


@pytest.mark.parametrize("count", [1, 5_000])
def test_rows_are_gone_and_numbers_begin_again(postgresql_databases: Any, one: Engine, count: int) -> None:
    for _ in range(2):
        with writing(one) as connection:
            numbers = connection.scalars(INTO_INBOX, {"count": count}).all()
        assert sorted(numbers) == list(range(1, count + 1))
        assert given_back(postgresql_databases, one) == one.url.render_as_string(hide_password=False)


@pytest.mark.parametrize(
    "change",
    [
        "ALTER TABLE marks ADD COLUMN more text",
        "DROP TABLE marks CASCADE",
        "CREATE INDEX another ON marks (value)",
        "CREATE TABLE another (id int)",
        "CREATE SCHEMA another",
        "UPDATE alembic_version SET version_num = '0000'",
    ],
)
def test_a_database_whose_tables_were_changed_is_handed_to_nobody(
    postgresql_databases: Any, change: str
) -> None:
    url = postgresql_databases.take()
    engine = open_engine(url)
    with writing(engine) as connection:
        connection.execute(text(change))
    engine.dispose()
    taken = given_back(postgresql_databases, engine)
    assert taken != url
    postgresql_databases.give_back(taken)
