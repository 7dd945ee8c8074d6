"""Queries that walk through an object in the order of its stamps or ids find what a sorted list finds."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from closedloop.sandbox.salesforce import Org

FIRST = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)


@pytest.fixture
def leads(org: Org) -> list[tuple[str, str]]:
    """Stamps and ids of twelve leads, several with one stamp, in the order of stamps and ids."""
    made = []
    for number in range(12):
        at = FIRST + timedelta(days=(number * 5) % 4)
        record_id = org.insert("Lead", {"LastName": f"{number}", "Company": "Acme"}, at=at)
        made.append((at.strftime("%Y-%m-%dT%H:%M:%SZ"), record_id))
    return sorted(made)


ORDERS = ["SystemModstamp", "SystemModstamp, Id", "Lead.SystemModstamp ASC, Id ASC"]


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("limit", [1, 5, 100])
def test_a_walk_by_stamp_and_id_sees_every_record_once(
    http: Any, leads: list[tuple[str, str]], order: str, limit: int
) -> None:
    seen: list[str] = []
    stamp, last = "2026-01-01T00:00:00Z", "00Q000000000000AAA"
    while len(seen) < len(leads):
        where = f"(SystemModstamp = {stamp} AND Id > '{last}') OR SystemModstamp > {stamp}"
        rows = http.records(
            f"SELECT Id, SystemModstamp FROM Lead WHERE {where} ORDER BY {order} LIMIT {limit}"  # noqa: S608
        )
        assert rows
        seen += [row["Id"] for row in rows]
        last = rows[-1]["Id"]
        stamp = rows[-1]["SystemModstamp"].replace("+0000", "Z")
    assert seen == [record_id for _, record_id in leads]


@pytest.mark.parametrize(
    ("where", "first", "end"),
    [
        ("SystemModstamp >= 2026-11-02T12:00:00Z AND SystemModstamp < 2026-11-04T12:00:00Z", 3, 9),
        ("SystemModstamp = 2026-11-03T12:00:00Z", 6, 9),
        ("SystemModstamp > 2026-11-02T12:00:00Z AND LastName != null", 6, 12),
        ("SystemModstamp <= 2026-11-02T12:00:00Z", 0, 6),
        ("NOT SystemModstamp > 2026-11-02T12:00:00Z", 0, 6),
        ("SystemModstamp < 2026-11-02T12:00:00Z OR SystemModstamp < 2026-11-03T12:00:00Z", 0, 6),
        ("SystemModstamp < 2026-11-02T12:00:00Z OR LastName != null", 0, 12),
        ("SystemModstamp != 2027-01-01T00:00:00Z", 0, 12),
    ],
)
def test_bounds_are_those_of_the_condition(
    http: Any, leads: list[tuple[str, str]], where: str, first: int, end: int
) -> None:
    rows = http.records(f"SELECT Id FROM Lead WHERE {where} ORDER BY SystemModstamp, Id")  # noqa: S608
    assert [row["Id"] for row in rows] == [record_id for _, record_id in leads[first:end]]


def test_a_walk_by_id_has_an_offset_and_follows_changes(
    http: Any, org: Org, leads: list[tuple[str, str]]
) -> None:
    ids = sorted(record_id for _, record_id in leads)
    soql = "SELECT Id FROM Lead WHERE Id > '{}' ORDER BY Id LIMIT 3 OFFSET 2"
    assert [r["Id"] for r in http.records(soql.format(ids[2][:15]))] == ids[5:8]
    org.delete("Lead", ids[6])
    assert [r["Id"] for r in http.records(soql.format(ids[2]))] == [ids[5], ids[7], ids[8]]
    everything = "SELECT Id FROM Lead ORDER BY SystemModstamp, Id"
    org.update("Lead", ids[0], {"Title": "CFO"})
    assert http.records(everything)[-1] == {"Id": ids[0]}
    deleted = http("GET", "/queryAll", params={"q": everything}).json()["records"]
    assert {row["Id"] for row in deleted} == set(ids)


def test_other_orders_are_sorted_as_before(http: Any, leads: list[tuple[str, str]]) -> None:
    down = http.records("SELECT Id FROM Lead ORDER BY SystemModstamp DESC, Id")
    assert {row["Id"] for row in down[:3]} == {record_id for _, record_id in leads[-3:]}
    mixed = http.records("SELECT LastName FROM Lead ORDER BY Id, LastName LIMIT 2")
    assert [row["LastName"] for row in mixed] == ["0", "1"]


def test_a_cursor_keeps_the_rows_it_found(http: Any, org: Org) -> None:
    made = [org.insert("Account", {"Name": f"{n}"}) for n in range(201)]
    first = http.query("SELECT Id FROM Account", headers={"Sforce-Query-Options": "batchSize=200"})
    org.delete("Account", made[-1])
    rest = http("GET", first["nextRecordsUrl"].removeprefix("/services/data/v62.0")).json()
    assert [row["Id"] for row in rest["records"]] == made[-1:]
