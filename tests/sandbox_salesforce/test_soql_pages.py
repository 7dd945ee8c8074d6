"""Results page by page: locators, page sizes, cursors, and what an index leaves out of them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from tests.sandbox_salesforce.reading import NOW, World, filled

from closedloop.sandbox.salesforce import SalesforceSandbox


@pytest.fixture(scope="module")
def world() -> World:
    return filled()


def test_more_children_than_a_page_come_in_pages_of_their_own(world: World) -> None:
    soql = "SELECT Name, (SELECT LastName FROM Contacts ORDER BY LastName) FROM Account ORDER BY Name"
    header = {"headers": {"Sforce-Query-Options": "batchSize=200"}}
    body = world.get("/query", query_string={"q": soql}, **header).get_json()
    assert body["done"] is True
    few, page = (row["Contacts"] for row in body["records"])
    assert (few["done"], few["totalSize"]) == (True, 1)
    names = []
    while True:
        assert page["totalSize"] == 450
        names += [row["LastName"] for row in page["records"]]
        if page["done"]:
            break
        page = world.get(page["nextRecordsUrl"].removeprefix("/services/data/v62.0"), **header).get_json()
    assert names == [f"C{number:03}" for number in range(450)]
    assert "nextRecordsUrl" not in page


LOCATORS = ["01gQy0000000000AAA-2000", "foo", "01g", "-200", "01gQy0000000000AAA", "2000"]


@pytest.mark.parametrize("locator", LOCATORS)
@pytest.mark.parametrize("resource", ["query", "queryAll"])
def test_a_locator_that_is_none_is_refused(world: World, resource: str, locator: str) -> None:
    answer = world.get(f"/{resource}/{locator}")
    assert answer.status_code == 400
    assert answer.get_json() == [{"message": "invalid query locator", "errorCode": "INVALID_QUERY_LOCATOR"}]


@pytest.mark.parametrize(
    ("header", "size"),
    [("batchSize=1", 200), ("batchSize=250", 250), ("batchSize = 300", 300), ("", 450), ("batchSize=x", 450)],
)
def test_a_page_is_as_large_as_asked_between_200_and_2000(world: World, header: str, size: int) -> None:
    soql = f"SELECT Id FROM Contact WHERE AccountId = '{world.ids['beta']}'"  # noqa: S608
    body = world.get("/query", query_string={"q": soql}, headers={"Sforce-Query-Options": header}).get_json()
    assert (len(body["records"]), body["totalSize"]) == (size, 450)
    assert body["done"] is (size == 450)


@pytest.fixture(scope="module")
def crowd() -> World:
    """More accounts than a page has, made over some days."""
    world = World(SalesforceSandbox(clock=lambda: NOW))
    for number in range(2001):
        at = NOW - timedelta(hours=(number * 37) % 400)
        world.sandbox.org.insert("Account", {"Name": f"A{number:04}", "Site": str(number % 7)}, at=at)
    return world


def asked(world: World, soql: str) -> Any:
    return world.get("/query", query_string={"q": soql})


def test_more_groups_than_a_page_are_refused(crowd: World) -> None:
    answer = asked(crowd, "SELECT Name, COUNT(Id) FROM Account GROUP BY Name")
    assert answer.status_code == 400
    (error,) = answer.get_json()
    assert error["errorCode"] == "EXCEEDED_ID_LIMIT"
    assert error["message"].startswith("Aggregate query does not support queryMore()")
    few = asked(crowd, "SELECT Name FROM Account GROUP BY Name LIMIT 2000").get_json()
    assert (few["totalSize"], few["done"], len(few["records"])) == (2000, True, 2000)


def test_the_eleventh_cursor_closes_the_first(crowd: World) -> None:
    pages = [asked(crowd, "SELECT Id FROM Account").get_json()["nextRecordsUrl"] for _ in range(11)]
    answers = [crowd.get(page.removeprefix("/services/data/v62.0")) for page in pages]
    assert [answer.status_code for answer in answers] == [400] + [200] * 10
    last = answers[-1].get_json()
    assert (last["done"], len(last["records"]), "nextRecordsUrl" in last) == (True, 1, False)
    beyond = pages[-1].removeprefix("/services/data/v62.0").replace("-2000", "-2001")
    assert crowd.get(beyond).get_json()[0]["errorCode"] == "INVALID_QUERY_LOCATOR"


def test_what_is_open_does_not_change(crowd: World) -> None:
    page = asked(crowd, "SELECT Name FROM Account ORDER BY Name").get_json()["nextRecordsUrl"]
    record_id = crowd.sandbox.org.insert("Account", {"Name": "A0000 and more"})
    rest = crowd.get(page.removeprefix("/services/data/v62.0")).get_json()
    assert [row["Name"] for row in rest["records"]] == ["A2000"]
    crowd.sandbox.org.delete("Account", record_id)


@pytest.mark.parametrize(
    "condition",
    [
        "CreatedDate = TODAY",
        "CreatedDate = LAST_N_DAYS:2",
        "CreatedDate > YESTERDAY",
        "CreatedDate >= 2026-11-19T00:00:00Z AND CreatedDate < 2026-11-19T12:00:00Z",
        "LastModifiedDate <= 2026-11-05T00:00:00Z AND Site != '3'",
        "SystemModstamp = 2026-11-20T14:03:07Z OR SystemModstamp < 2026-11-04T12:00:00Z",
        "CreatedDate < LAST_N_YEARS:2",
        "Site = '3' AND CreatedDate > 2026-11-20T00:00:00Z",
    ],
)
def test_a_stretch_of_stamps_finds_what_a_scan_finds(crowd: World, condition: str) -> None:
    plain = crowd.records(f"SELECT Id FROM Account WHERE {condition}")  # noqa: S608  the sandbox's own
    scan = crowd.records(f"SELECT Id FROM Account WHERE NOT (NOT ({condition}))")  # noqa: S608  the same
    assert plain == scan
    assert len(plain) == crowd.query(f"SELECT COUNT() FROM Account WHERE {condition}")["totalSize"]  # noqa: S608


def test_a_walk_by_offset_sees_every_record_once(crowd: World) -> None:
    soql = "SELECT Name FROM Account ORDER BY Site, Name DESC LIMIT 700 OFFSET {}"
    seen = [row["Name"] for start in (0, 700, 1400) for row in crowd.records(soql.format(start))]
    assert len(set(seen)) == 2001


def test_deleted_records_are_in_query_all_alone() -> None:
    world = World(SalesforceSandbox())
    org = world.sandbox.org
    kept, gone = (org.insert("Account", {"Name": name}) for name in ("kept", "gone"))
    org.delete("Account", gone)
    soql = {"q": "SELECT Id, IsDeleted FROM Account ORDER BY Name"}
    every = world.get("/queryAll", query_string=soql).get_json()["records"]
    assert [(row["Id"], row["IsDeleted"]) for row in every] == [(gone, True), (kept, False)]
    assert [row["Id"] for row in world.records(soql["q"])] == [kept]
    one = {"q": f"SELECT COUNT() FROM Account WHERE Id = '{gone}'"}  # noqa: S608  the sandbox's own
    assert [world.get(f"/{r}", query_string=one).get_json()["totalSize"] for r in ("query", "queryAll")] == [
        0,
        1,
    ]
