"""Many records: loaded at once, and found through lookups exactly as by looking at each."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from closedloop.sandbox.hubspot import HubSpotSandbox, Past, Portal
from closedloop.sandbox.hubspot.records import lookups
from closedloop.sandbox.hubspot.records.search import Search

START = datetime(2025, 1, 1, tzinfo=UTC)
COUNT = 700


def row(n: int) -> Past:
    values = {"email": f"p{n}@x{n % 7}.example.com", "firstname": f"Name {n % 50}", "annualrevenue": None}
    if n % 3:
        values["hs_lead_status"] = ("NEW", "OPEN")[n % 2]
    return Past(
        properties={k: v for k, v in values.items() if v},
        at=START + timedelta(hours=n % 100),
        by=7 if n % 2 else None,
        changes=[(START + timedelta(hours=200), None, {"lastname": f"L{n % 9}"})] if n % 5 == 0 else (),
    )


@pytest.fixture
def portal() -> Iterator[Portal]:
    sandbox = HubSpotSandbox()
    yield sandbox.portal
    sandbox.stop()


@pytest.fixture
def full(portal: Portal) -> Portal:
    portal.load("contacts", map(row, range(COUNT)))
    return portal


def found(portal: Portal, body: dict[str, Any]) -> list[str]:
    kind = portal.kinds.get("contacts")
    search = Search(
        kind=kind,
        kinds=portal.kinds,
        index=portal.index,
        catalogue=portal.catalogue,
        associations=portal.associations,
        text="",
    )
    return [record.id for record in search.found(body)]


def one(name: str, operator: str, value: Any = None, **more: Any) -> dict[str, Any]:
    return {"filters": [{"propertyName": name, "operator": operator, "value": value, **more}]}


QUESTIONS: dict[str, dict[str, Any]] = {
    "one": {"filterGroups": [one("email", "EQ", "P5@x5.example.com")]},
    "none": {"filterGroups": [one("email", "EQ", "nobody@example.com")]},
    "words": {"filterGroups": [one("firstname", "IN", values=["name 3", "name 4"])]},
    "options": {"filterGroups": [one("hs_lead_status", "IN", values=["NEW"])]},
    "after": {"filterGroups": [one("createdate", "GT", "2025-01-03T00:00:00Z")]},
    "from": {"filterGroups": [one("createdate", "GTE", "2025-01-03")]},
    "before": {"filterGroups": [one("createdate", "LT", 1735776000000)]},
    "between": {"filterGroups": [one("createdate", "BETWEEN", "2025-01-02", highValue="2025-01-03")]},
    "backwards": {"filterGroups": [one("createdate", "BETWEEN", "2025-01-03", highValue="2025-01-02")]},
    "ids": {"filterGroups": [one("hs_object_id", "LTE", "20000000050")], "sorts": ["-hs_object_id"]},
    "both": {
        "filterGroups": [
            {
                "filters": [
                    *one("hs_lead_status", "EQ", "NEW")["filters"],
                    *one("lastname", "EQ", "L1")["filters"],
                ]
            }
        ]
    },
    "either": {"filterGroups": [one("lastname", "EQ", "L1"), one("firstname", "EQ", "Name 7")]},
    "either or all": {"filterGroups": [one("lastname", "EQ", "L1"), one("firstname", "NEQ", "Name 7")]},
    "token": {"filterGroups": [one("email", "CONTAINS_TOKEN", "*@x3.example.com")]},
    "text": {"query": "name 12", "sorts": [{"propertyName": "email", "direction": "DESCENDING"}]},
    "all": {},
}


@pytest.mark.parametrize("name", sorted(QUESTIONS))
def test_a_lookup_finds_what_looking_at_each_finds(
    full: Portal, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    def with_and_without() -> list[list[str]]:
        answers = []
        for worth_it in (500, 10**9):
            monkeypatch.setattr(lookups, "_WORTH_IT", worth_it)
            full.index._found.clear()
            answers.append(found(full, QUESTIONS[name]))
        return answers

    looked_up, scanned = with_and_without()
    assert looked_up == scanned
    assert bool(scanned) is (name not in {"none", "backwards"})
    ids = full.ids("contacts")
    full.delete("contacts", ids[5])
    full.update("contacts", ids[6], {"email": "p5@x5.example.com", "lastname": "L1", "firstname": "Name 12"})
    full.create("contacts", {"firstname": "Name 7", "hs_lead_status": "NEW"}, at=START)
    full.merge("contacts", ids[7], ids[8])
    looked_up, scanned = with_and_without()
    assert looked_up == scanned


def test_a_search_is_remembered_until_something_changes(full: Portal) -> None:
    question = QUESTIONS["options"]
    before = found(full, question)
    assert found(full, question) == before
    full.update("contacts", before[0], {"hs_lead_status": "OPEN"})
    assert found(full, question) == before[1:]


def test_searches_of_a_lagging_index_are_not_remembered(full: Portal) -> None:
    full.index_lag = 3600
    before = found(full, QUESTIONS["options"])
    full.update("contacts", before[0], {"hs_lead_status": "OPEN"})
    assert found(full, QUESTIONS["options"]) == before
    full.index_lag = 0
    full.update("contacts", before[1], {"hs_lead_status": "OPEN"})
    assert found(full, QUESTIONS["options"]) == [before[0], *before[2:]]


def test_many_stars_do_not_make_a_search_slow(portal: Portal) -> None:
    portal.create("contacts", {"firstname": "a" * 20_000})
    portal.create("contacts", {"firstname": "a" * 20_000 + "b"})
    group = one("firstname", "CONTAINS_TOKEN", "a*a*a*a*a*a*a*a*b")
    assert len(found(portal, {"filterGroups": [group]})) == 1


@pytest.mark.parametrize(
    ("token", "expected"),
    [
        ("Clin*", True),
        ("*lini*", True),
        ("*nics", True),
        ("Cl*cs", True),
        ("* Clinics", True),
        ("borealis clinics", True),
        ("*", True),
        ("**", True),
        ("Clin", False),
        ("Clin*x", False),
        ("?linics", False),
        ("lin*", False),
    ],
)
def test_a_star_stands_for_a_part_of_a_word(portal: Portal, token: str, expected: bool) -> None:
    portal.create("contacts", {"company": "Borealis Clinics"})
    empty = portal.create("contacts", {"firstname": "A"})
    groups = [one("company", operator, token) for operator in ("CONTAINS_TOKEN", "NOT_CONTAINS_TOKEN")]
    holding, lacking = (found(portal, {"filterGroups": [group]}) for group in groups)
    assert (len(holding) == 1, empty in lacking, empty in holding) == (expected, True, False)


def test_loaded_records_are_those_that_creating_and_changing_makes(full: Portal) -> None:
    other = HubSpotSandbox()
    try:
        for n in range(COUNT):
            each = row(n)
            made = other.portal.create("contacts", each.properties, at=each.at, by=each.by)
            for at, by, values in each.changes:
                other.portal.update("contacts", made, values, at=at, by=by)
        ids = full.ids("contacts")
        assert other.portal.ids("contacts") == ids
        for record_id in ids:
            one, two = full.get("contacts", record_id), other.portal.get("contacts", record_id)
            assert one == two
        histories = [p.record("contacts", ids[5]).versions("lastname") for p in (full, other.portal)]
        assert histories[0] == histories[1]
    finally:
        other.stop()


def test_loading_is_told_to_nobody_and_seen_at_once(portal: Portal) -> None:
    portal.subscribe("contact.creation")
    portal.subscribe("contact.propertyChange", property_name="lastname")
    portal.index_lag = 3600
    company = portal.load("companies", [Past(properties={"name": "C"}, at=START)])[0]
    rows = [Past(properties={"lastname": "L"}, at=START, associations=[("companies", company)])]
    (made,) = portal.load("contacts", rows)
    assert portal.settle(timeout=1)
    assert found(portal, {"filterGroups": [one("lastname", "EQ", "l")]}) == [made]
    assert portal.get("contacts", made)["properties"]["associatedcompanyid"] == company


def test_a_load_that_is_refused_stops_there_and_the_next_change_is_told(portal: Portal) -> None:
    rows = [Past(properties={"email": email}, at=START) for email in ("a@example.com", "nonsense")]
    with pytest.raises(Exception, match="INVALID_EMAIL"):
        portal.load("contacts", rows)
    assert len(portal.ids("contacts")) == 1
    assert not portal.writer._quiet
