"""Many rows in one statement: kept as each alone would be, on both databases."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import Engine, Table, delete, func, insert, select

from closedloop.schema.vocabulary import ObjectType
from closedloop_server.store import stale
from closedloop_server.store.engine import reading, writing
from closedloop_server.store.rows import Key, insert_all, insert_new, upsert
from closedloop_server.store.stale import Work
from closedloop_server.store.tables import credits_, delivered, hints, ledger

NOW = datetime(2026, 11, 2, 12, tzinfo=timezone(timedelta(hours=5, minutes=30)))
MANY = 250
"""More than one statement takes."""


def told(number: int) -> dict[str, Any]:
    """A row with texts that no database keeps as they are, JSON and what a column keeps by itself."""
    return {
        "connection": "sales",
        "key": f"campaign|{number:04}",
        "digest": "d" * 64,
        "delivery": "delivered",
        "message": "half a pair \ud83d, a NUL \0 and “quotes”" if number % 2 else None,
        "at": NOW,
        "shown": {"text": "ü", "none": None} if number % 3 else None,
    }


def decided(number: int) -> dict[str, Any]:
    """An entry of the ledger with exact money."""
    return {
        "connection": "sales",
        "object": "lead",
        "crm_id": f"L{number:04}",
        "entry": 1,
        "outcome": "lost",
        "rule": "reasons.yaml:1",
        "contributing": ["no_budget"] if number % 2 else [],
        "amount": Decimal("1E+3") if number % 2 else None,
        "learned_at": NOW,
        "mappings": "m",
    }


def hint(number: int) -> dict[str, Any]:
    """An object that may have changed."""
    key = {"connection": "sales", "object": "lead", "crm_id": f"L{number:04}"}
    return {**key, "noted": 1, "noted_at": NOW, "attempts": 0}


def kept(engine: Engine, table: Table) -> list[dict[str, Any]]:
    """All rows without the numbers that the database gave them, in one order."""
    query = select(*(column for column in table.columns if column.name != "id"))
    with reading(engine) as connection:
        rows = [dict(row) for row in connection.execute(query).mappings()]
    return sorted(rows, key=lambda row: str(row.get("key") or row.get("crm_id")))


@pytest.mark.parametrize(("table", "row"), [(delivered, told), (ledger, decided), (hints, hint)])
def test_many_rows_are_kept_as_each_alone_would_be(engine: Engine, table: Table, row: Any) -> None:
    rows = [row(number) for number in range(MANY)]
    with writing(engine) as connection:
        for each in rows:
            connection.execute(insert(table).values(each))
    alone = kept(engine, table)
    with writing(engine) as connection:
        connection.execute(delete(table))
        insert_all(connection, table, rows)
    assert kept(engine, table) == alone
    assert len(alone) == MANY


def test_of_many_rows_only_the_new_are_inserted_and_counted(engine: Engine) -> None:
    with writing(engine) as connection:
        assert insert_new(connection, hints, [hint(number) for number in range(0, MANY, 2)]) == MANY // 2
        assert insert_new(connection, hints, [hint(number) for number in range(MANY)]) == MANY // 2
        assert insert_new(connection, hints, []) == 0


def test_of_many_rows_each_that_is_there_is_written_over(engine: Engine) -> None:
    later = NOW + timedelta(days=1)
    with writing(engine) as connection:
        upsert(connection, hints, [hint(number) for number in range(0, MANY, 2)])
        news = [{**hint(number), "noted_at": later, "attempts": 7} for number in range(MANY)]
        upsert(connection, hints, news, keep=("attempts",), grow="noted")
    found = kept(engine, hints)
    assert [row["noted"] for row in found] == [2, 1] * (MANY // 2)
    assert [row["attempts"] for row in found] == [0, 7] * (MANY // 2)
    assert {row["noted_at"] for row in found} == {later.astimezone(UTC)}


def test_a_naive_time_is_refused_among_many_rows(engine: Engine) -> None:
    rows = [{**hint(number), "noted_at": NOW.replace(tzinfo=None)} for number in range(MANY)]
    with pytest.raises(Exception, match="naive datetime"), writing(engine) as connection:
        insert_all(connection, hints, rows)
    assert kept(engine, hints) == []


def test_nothing_is_written_for_no_rows(engine: Engine) -> None:
    with writing(engine) as connection:
        insert_all(connection, credits_, [])
        upsert(connection, credits_, [])
        assert connection.scalar(select(func.count()).select_from(credits_)) == 0


def test_what_was_noted_again_and_what_waits_for_other_work_is_not_struck(engine: Engine) -> None:
    leads = [Key("sales", ObjectType.LEAD, f"L{number:04}") for number in range(MANY)]
    with writing(engine) as connection:
        stale.note(connection, Work.SUBJECT, leads)
        stale.note(connection, Work.SUBJECT, leads[:3])  # seen as noted twice
        stale.note(connection, Work.PUBLISH, leads[:2])
        seen = stale.waiting(connection, Work.SUBJECT, limit=MANY)
        stale.note(connection, Work.SUBJECT, [leads[0], leads[9]])  # noted again meanwhile
        stale.strike(connection, Work.SUBJECT, seen)
        left = stale.waiting(connection, Work.SUBJECT, limit=MANY)
        assert [each.key for each in left] == [leads[0], leads[9]]
        assert [each.key for each in stale.waiting(connection, Work.PUBLISH, limit=MANY)] == leads[:2]
