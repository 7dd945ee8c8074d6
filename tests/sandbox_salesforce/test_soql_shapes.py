"""How the less usual answers look: polymorphic parents, functions, subtotals, distances, scopes, plans."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import unquote_plus

import pytest
from tests.sandbox_salesforce.reading import World, filled

from closedloop.sandbox.salesforce import SalesforceSandbox


@pytest.fixture(scope="module")
def world() -> World:
    return filled()


def attributes(sobject: str, record_id: str, shown: str = "") -> dict[str, str]:
    return {"type": shown or sobject, "url": f"/services/data/v62.0/sobjects/{sobject}/{record_id}"}


def test_typeof_selects_by_the_parents_object(world: World) -> None:
    soql = (
        "SELECT Subject, TYPEOF Who WHEN Contact THEN FirstName, Account.Name WHEN Lead THEN Company END, "
        "TYPEOF What WHEN Account THEN Phone ELSE Name, Type END FROM Event ORDER BY Subject"
    )
    ids = world.ids
    account = {"attributes": attributes("Account", ids["acme"])}
    assert world.records(soql) == [
        {
            "Subject": "A",
            "Who": {
                "attributes": attributes("Contact", ids["jane"]),
                "FirstName": "Jane",
                "Account": {**account, "Name": "Acme"},
            },
            "What": {**account, "Phone": "1"},
        },
        {
            "Subject": "B",
            "Who": {"attributes": attributes("Lead", ids["lead"]), "Company": "Acme Corp"},
            "What": None,
        },
        {
            "Subject": "C",
            "Who": None,
            "What": {
                "attributes": attributes("Opportunity", ids["deal"], "Name"),
                "Name": "Deal",
                "Type": "Opportunity",
            },
        },
    ]


def test_without_else_other_objects_are_null(world: World) -> None:
    rows = world.records("SELECT TYPEOF What WHEN Account THEN Phone END FROM Event ORDER BY Subject")
    assert [row["What"] and row["What"]["Phone"] for row in rows] == ["1", None, None]


def test_a_polymorphic_parent_tells_its_object(world: World) -> None:
    soql = "SELECT Subject FROM Event WHERE What.Type = '{}'"
    assert world.records(soql.format("Account")) == [{"Subject": "A"}]
    assert world.records(soql.format("Opportunity")) == [{"Subject": "C"}]


def test_a_queue_says_that_it_is_one() -> None:
    sandbox = SalesforceSandbox()
    queue = sandbox.org.insert("Group", {"Name": "Inbound", "Type": "Queue"})
    sandbox.org.insert("Lead", {"LastName": "L", "Company": "C", "OwnerId": queue})
    rows = World(sandbox).records("SELECT Owner.Type FROM Lead WHERE Owner.Type = 'Queue'")
    assert [row["Owner"]["Type"] for row in rows] == ["Queue"]


def test_other_objects_in_from_are_ways_over_parents(world: World) -> None:
    where = "FROM Contact c, c.Account a WHERE a.Name = 'acme'"
    assert world.query(f"SELECT COUNT() {where}")["totalSize"] == 1
    assert world.records(f"SELECT c.FirstName, a.Phone {where}") == [
        {
            "FirstName": "Jane",
            "Account": {"attributes": attributes("Account", world.ids["acme"]), "Phone": "1"},
        }
    ]


FUNCTIONS = [
    ("CALENDAR_YEAR(CreatedDate)", 2026),
    ("CALENDAR_QUARTER(CreatedDate)", 1),
    ("CALENDAR_MONTH(CloseDate)", 12),
    ("FISCAL_YEAR(CloseDate)", 2026),
    ("FISCAL_QUARTER(CloseDate)", 4),
    ("FISCAL_MONTH(CloseDate)", 12),
    ("DAY_IN_MONTH(CreatedDate)", 9),
    ("DAY_IN_WEEK(CreatedDate)", 2),
    ("DAY_IN_YEAR(CreatedDate)", 40),
    ("WEEK_IN_MONTH(CreatedDate)", 2),
    ("WEEK_IN_YEAR(CreatedDate)", 6),
    ("HOUR_IN_DAY(convertTimezone(CreatedDate))", 17),
    ("DAY_ONLY(CreatedDate)", "2026-02-09"),
]


@pytest.mark.parametrize(("function", "value"), FUNCTIONS, ids=[name for name, _ in FUNCTIONS])
def test_a_part_of_a_day_is_grouped_and_filtered_by(world: World, function: str, value: Any) -> None:
    select = f"SELECT {function}, COUNT(Id) n FROM Opportunity"  # noqa: S608  the sandbox's own
    assert world.records(f"{select} GROUP BY {function}") == [{"expr0": value, "n": 1}]
    count = f"SELECT COUNT() FROM Opportunity WHERE {function} = {value}"  # noqa: S608  the same
    assert world.query(count)["totalSize"] == 1


def test_functions_stand_where_their_field_would_or_under_their_alias(world: World) -> None:
    soql = (
        "SELECT FORMAT(Amount) shown, Amount, FORMAT(CloseDate), toLabel(StageName), toLabel(Account.Type) "
        "FROM Opportunity"
    )
    (row,) = world.records(soql)
    account = row.pop("Account")
    assert account["Type"] == "Prospect"
    assert row == {
        "shown": "12,500.50",
        "Amount": 12500.5,
        "CloseDate": "12/31/2026",
        "StageName": "Prospecting",
    }
    assert world.records("SELECT FORMAT(MAX(CreatedDate)) d FROM Opportunity") == [{"d": "2/9/2026, 5:30 PM"}]


def test_rollup_adds_subtotals(world: World) -> None:
    soql = (
        "SELECT Type, BillingCity, GROUPING(Type) t, GROUPING(BillingCity) c, COUNT(Id) n FROM Account "
        "GROUP BY {}(Type, BillingCity) ORDER BY GROUPING(Type), GROUPING(BillingCity), BillingCity"
    )
    detail = [(None, "Paris", 0, 0, 1), ("Prospect", "Berlin", 0, 0, 1)]
    cities = [(None, "Berlin", 1, 0, 1), (None, "Paris", 1, 0, 1)]
    types = [(None, None, 0, 1, 1), ("Prospect", None, 0, 1, 1)]
    total = (None, None, 1, 1, 2)

    def by(name: str) -> list[tuple[Any, ...]]:
        return [tuple(row.values()) for row in world.records(soql.format(name))]

    assert sorted(by("ROLLUP"), key=str) == sorted([*detail, *types, total], key=str)
    assert sorted(by("CUBE"), key=str) == sorted([*detail, *types, *cities, total], key=str)
    assert by("CUBE")[-1] == total


def test_distances_are_selected_compared_and_sorted_by(world: World) -> None:
    there = "DISTANCE(BillingAddress, GEOLOCATION(48.1372, 11.5756), '{}')"
    (row,) = world.records(
        f"SELECT Name, {there.format('km')}, {there.format('mi')} miles FROM Account "  # noqa: S608
        f"WHERE {there.format('km')} < 600 ORDER BY {there.format('km')} DESC"
    )
    assert row["Name"] == "Acme"
    assert 503 < row["expr0"] < 505  # Munich to Berlin
    assert row["expr0"] / row["miles"] == pytest.approx(1.609344, rel=1e-4)


def test_a_compound_field_has_all_its_parts(world: World) -> None:
    rows = world.records("SELECT BillingAddress FROM Account ORDER BY Name")
    parts = {"city", "country", "geocodeAccuracy", "latitude", "longitude", "postalCode", "state", "street"}
    assert set(rows[0]["BillingAddress"]) == parts
    assert rows[0]["BillingAddress"]["city"] == "Berlin"


def test_children_of_children_come_along(world: World) -> None:
    soql = "SELECT (SELECT Id, (SELECT Subject FROM Events) FROM Contacts) FROM Account WHERE Name = 'Acme'"
    (row,) = world.records(soql)
    (contact,) = row["Contacts"]["records"]
    assert [event["Subject"] for event in contact["Events"]["records"]] == ["A"]


def test_stretches_of_days_can_stand_in_a_list(world: World) -> None:
    soql = "SELECT COUNT() FROM Opportunity WHERE CreatedDate {} (TODAY, LAST_N_MONTHS:3, {})"
    found = [
        world.query(soql.format(sign, other))["totalSize"]
        for sign in ("IN", "NOT IN")
        for other in ("N_MONTHS_AGO:9", "2026-02-09T17:30:00Z", "YESTERDAY")
    ]
    assert found == [1, 1, 0, 0, 0, 1]


@pytest.mark.parametrize(
    ("scope", "count"), [("everything", 2), ("mine", 0), ("mine_and_my_groups", 0), ("scopingRule", 2)]
)
def test_a_scope_leaves_its_records(world: World, scope: str, count: int) -> None:
    assert world.query(f"SELECT COUNT() FROM Account USING SCOPE {scope}")["totalSize"] == count  # noqa: S608


@pytest.mark.parametrize(
    "condition",
    [
        "AccountId = '{acme}'",
        "AccountId IN ('{acme}', '001000000000000AAA') AND LastName != 'x'",
        "Id = '{jane}' OR AccountId = '{acme}'",
        "AccountId IN (SELECT Id FROM Account WHERE Name = 'Acme')",
        "Id IN (SELECT WhoId FROM Event)",
        "CreatedDate = TODAY AND FirstName = 'Jane' AND CreatedDate >= 2026-11-20T14:03:07Z",
    ],
)
def test_an_index_finds_what_a_scan_finds(world: World, condition: str) -> None:
    where = condition.format(**world.ids)
    plain = f"SELECT FirstName FROM Contact WHERE {where}"  # noqa: S608  the sandbox's own
    scan = f"SELECT FirstName FROM Contact WHERE NOT (NOT ({where}))"  # noqa: S608  the same
    if "SELECT" not in where:
        assert world.records(scan) == world.records(plain)
    assert world.records(plain) == [{"FirstName": "Jane"}]


@pytest.mark.parametrize("order", ["DESC", "DESC LIMIT 3", "ASC LIMIT 2", "DESC LIMIT 2 OFFSET 1"])
@pytest.mark.parametrize("stamp", ["CreatedDate", "LastModifiedDate", "SystemModstamp"])
def test_stamps_are_walked_in_both_directions(world: World, stamp: str, order: str) -> None:
    soql = f"SELECT {stamp} FROM Event WHERE {stamp} > LAST_YEAR ORDER BY {stamp} {order}"  # noqa: S608
    stamps = [row[stamp] for row in world.records(soql)]
    assert stamps == sorted(stamps, reverse="DESC" in order)
    assert len(stamps) == (3 if order in ("DESC", "DESC LIMIT 3") else 2)


def test_a_query_is_explained(world: World) -> None:
    def explained(soql: str) -> Any:
        answer = world.get("/query", query_string={"explain": soql})
        assert answer.status_code == 200
        return answer.get_json()

    indexed = explained(f"SELECT Id FROM Contact WHERE AccountId = '{world.ids['acme']}'")  # noqa: S608
    assert [plan["leadingOperationType"] for plan in indexed["plans"]] == ["Index", "TableScan"]
    assert set(indexed) == {"plans", "sourceQuery"}
    keys = "cardinality fields leadingOperationType notes relativeCost sobjectCardinality sobjectType"
    for plan in indexed["plans"]:
        assert list(plan) == keys.split()
    assert indexed["plans"][0]["fields"] == ["AccountId"]
    assert indexed["plans"][0]["cardinality"] == 1
    (scan,) = explained("SELECT Id FROM Account WHERE Name = 'Acme'")["plans"]
    assert (scan["leadingOperationType"], scan["sobjectType"]) == ("TableScan", "Account")
    assert (
        world.get("/query", query_string={"explain": "SELECT"}).get_json()[0]["errorCode"]
        == "MALFORMED_QUERY"
    )


def test_a_recorded_typeof_answer_has_the_same_shape(world: World, corpus: Path) -> None:
    name = "TestSelect.test_select_similarity_select_and_insert_strategy_bulk.json"
    calls = json.loads((corpus / "salesforce/cumulusci" / name).read_text())["interactions"]
    (call,) = [c for c in calls if "TYPEOF" in unquote_plus(c["request"]["url"])]
    soql = unquote_plus(call["request"]["url"]).partition("?q=")[2]
    theirs, ours = call["response"]["body"], world.query(soql)
    assert list(ours) == list(theirs)
    row, recorded = ours["records"][0], theirs["records"][1]
    assert list(row) == list(recorded)
    for parent in ("Who", "What"):
        assert list(row[parent]) == list(recorded[parent])
        assert row[parent]["attributes"].keys() == recorded[parent]["attributes"].keys()
        assert row[parent]["attributes"]["type"] == recorded[parent]["attributes"]["type"]
