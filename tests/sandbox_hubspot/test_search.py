"""The search API: operators, order, pages and limits."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests

from closedloop.sandbox.hubspot import Portal

Call = Callable[..., requests.Response]
START = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.fixture
def deals(portal: Portal) -> dict[str, str]:
    """Three deals by name, each made a day after the other."""
    rows = [
        {"dealname": "Alpha Engine", "amount": "9", "dealstage": "closedlost", "closed_lost_reason": "Price"},
        {"dealname": "Beta", "amount": "100", "dealstage": "closedwon"},
        {"dealname": "Gamma engine", "dealstage": "appointmentscheduled"},
    ]
    days = [START + timedelta(days=n) for n in range(3)]
    return {portal.create("deals", row, at=day): row["dealname"] for row, day in zip(rows, days, strict=True)}


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ([{"propertyName": "dealname", "operator": "EQ", "value": "beta"}], ["Beta"]),
        (
            [{"propertyName": "dealname", "operator": "NEQ", "value": "Beta"}],
            ["Alpha Engine", "Gamma engine"],
        ),
        ([{"propertyName": "amount", "operator": "LT", "value": "100"}], ["Alpha Engine"]),
        ([{"propertyName": "amount", "operator": "LTE", "value": 100}], ["Alpha Engine", "Beta"]),
        ([{"propertyName": "amount", "operator": "GT", "value": "9"}], ["Beta"]),
        (
            [{"propertyName": "createdate", "operator": "GTE", "value": "2026-03-02"}],
            ["Beta", "Gamma engine"],
        ),
        (
            [{"propertyName": "hs_lastmodifieddate", "operator": "GT", "value": "1772409600000"}],
            ["Gamma engine"],
        ),
        (
            [
                {
                    "propertyName": "createdate",
                    "operator": "BETWEEN",
                    "value": "2026-03-01T12:00:00Z",
                    "highValue": "2026-03-02T12:00:00+00:00",
                }
            ],
            ["Beta"],
        ),
        (
            [{"propertyName": "dealname", "operator": "IN", "values": ["beta", "alpha engine"]}],
            ["Alpha Engine", "Beta"],
        ),
        ([{"propertyName": "dealname", "operator": "IN", "values": ["Beta"]}], []),
        (
            [{"propertyName": "dealstage", "operator": "NOT_IN", "values": ["closedwon"]}],
            ["Alpha Engine", "Gamma engine"],
        ),
        ([{"propertyName": "amount", "operator": "HAS_PROPERTY"}], ["Alpha Engine", "Beta"]),
        ([{"propertyName": "amount", "operator": "NOT_HAS_PROPERTY"}], ["Gamma engine"]),
        (
            [{"propertyName": "dealname", "operator": "CONTAINS_TOKEN", "value": "engine"}],
            ["Alpha Engine", "Gamma engine"],
        ),
        ([{"propertyName": "dealname", "operator": "CONTAINS_TOKEN", "value": "gin"}], []),
        (
            [{"propertyName": "dealname", "operator": "CONTAINS_TOKEN", "value": "eng*"}],
            ["Alpha Engine", "Gamma engine"],
        ),
        ([{"propertyName": "dealname", "operator": "NOT_CONTAINS_TOKEN", "value": "engine"}], ["Beta"]),
        (
            [
                {"propertyName": "hs_is_closed", "operator": "EQ", "value": "true"},
                {"propertyName": "hs_is_closed_won", "operator": "EQ", "value": "false"},
            ],
            ["Alpha Engine"],
        ),
    ],
)
def test_filters_choose_the_records(
    hub: Any, deals: dict[str, str], filters: list[dict[str, Any]], expected: list[str]
) -> None:
    found = hub.crm.deals.search_api.do_search(
        {"filterGroups": [{"filters": filters}], "properties": ["dealname"]}
    )
    assert [deals[r.id] for r in found.results] == expected
    assert found.total == len(expected)


def test_any_one_group_is_enough(hub: Any, deals: dict[str, str]) -> None:
    groups = [
        {"filters": [{"propertyName": "dealname", "operator": "EQ", "value": name}]}
        for name in ("beta", "none")
    ]
    assert hub.crm.deals.search_api.do_search({"filterGroups": groups}).total == 1


@pytest.mark.parametrize(
    ("sort", "expected"),
    [
        ({"propertyName": "amount", "direction": "DESCENDING"}, ["Beta", "Alpha Engine", "Gamma engine"]),
        ({"propertyName": "amount", "direction": "ASCENDING"}, ["Alpha Engine", "Beta", "Gamma engine"]),
        ("-createdate", ["Gamma engine", "Beta", "Alpha Engine"]),
        ({"propertyName": "hs_object_id"}, ["Alpha Engine", "Beta", "Gamma engine"]),
    ],
)
def test_a_search_is_sorted(call: Call, deals: dict[str, str], sort: Any, expected: list[str]) -> None:
    found = call("POST", "/crm/v3/objects/deals/search", json={"sorts": [sort]}).json()
    assert [deals[r["id"]] for r in found["results"]] == expected


def test_the_free_text_looks_into_the_name(call: Call, deals: dict[str, str]) -> None:
    found = call("POST", "/crm/v3/objects/deals/search", json={"query": "GAMM"}).json()
    assert [deals[r["id"]] for r in found["results"]] == ["Gamma engine"]


def test_pages_follow_each_other_until_the_last(call: Call, deals: dict[str, str]) -> None:
    first = call("POST", "/crm/v3/objects/deals/search", json={"limit": 2}).json()
    assert first["paging"]["next"]["after"] == "2"
    last = call("POST", "/crm/v3/objects/deals/search", json={"limit": "2", "after": "2"}).json()
    assert "paging" not in last
    assert [r["id"] for r in first["results"] + last["results"]] == list(deals)


def test_archived_records_are_not_found(call: Call, portal: Portal, deals: dict[str, str]) -> None:
    portal.delete("deals", next(iter(deals)))
    assert call("POST", "/crm/v3/objects/deals/search", json={}).json()["total"] == 2


def _groups(count: int, size: int) -> dict[str, Any]:
    row = {"propertyName": "dealname", "operator": "EQ", "value": "x"}
    return {"filterGroups": [{"filters": [row] * size}] * count}


@pytest.mark.parametrize(
    "body",
    [
        {"after": "9901", "limit": 100},
        {"after": "10000", "limit": 1},
        {"limit": 201},
        _groups(6, 1),
        _groups(1, 7),
        _groups(5, 4),
        {"query": "x" * 3001},
        {"sorts": ["dealname", "amount"]},
        {"filterGroups": [{"filters": [{"propertyName": "nonsense", "operator": "EQ", "value": "1"}]}]},
        {
            "filterGroups": [
                {"filters": [{"propertyName": "amount", "operator": "SOUNDS_LIKE", "value": "1"}]}
            ]
        },
        {"filterGroups": [{"filters": [{"propertyName": "amount", "operator": "GT", "value": "much"}]}]},
        {"filterGroups": [{"filters": [{"propertyName": "dealname", "operator": "IN"}]}]},
    ],
)
def test_a_search_beyond_its_limits_is_refused(
    call: Call, deals: dict[str, str], body: dict[str, Any]
) -> None:
    answer = call("POST", "/crm/v3/objects/deals/search", json=body)
    assert answer.status_code == 400
    assert answer.json()["status"] == "error"


def test_the_last_reachable_page_is_answered(call: Call, deals: dict[str, str]) -> None:
    body = {"after": "9900", "limit": 100}
    assert call("POST", "/crm/v3/objects/deals/search", json=body).json()["results"] == []


def test_a_search_answers_without_rate_limit_headers(call: Call) -> None:
    searched = call("POST", "/crm/v3/objects/deals/search", json={})
    listed = call("GET", "/crm/v3/objects/deals")
    assert not [h for h in searched.headers if h.startswith("X-HubSpot-RateLimit")]
    assert int(listed.headers["X-HubSpot-RateLimit-Daily-Remaining"]) < 650_000
    assert listed.headers["X-HubSpot-RateLimit-Interval-Milliseconds"] == "10000"


_NAMES = (
    "[IN, NOT_HAS_PROPERTY, LT, EQ, GT, NOT_IN, GTE, CONTAINS_TOKEN, HAS_PROPERTY, LTE, "
    "NOT_CONTAINS_TOKEN, BETWEEN, NEQ]"
)


@pytest.mark.parametrize(
    ("body", "place"),
    [
        (
            '{"filterGroups":[{"filters":[{"propertyName":"dealname","operator":"neq","value":"x"}]}]}',
            (1, 68),
        ),
        ('{"filterGroups": [{"filters":\n [{"propertyName": "dealname", "operator": "BOGUS"}]}]}', (2, 44)),
    ],
)
def test_an_unknown_operator_is_refused_where_it_stands(
    call: Call, body: str, place: tuple[int, int]
) -> None:
    answer = call("POST", "/crm/v3/objects/deals/search", data=body)
    line, column = place
    where = f"Invalid input JSON on line {line}, column {column}"
    assert (answer.status_code, answer.json()["category"]) == (400, "VALIDATION_ERROR")
    assert answer.json()["message"] == f"{where}: Enum type must be one of: {_NAMES}"


def test_an_empty_operator_is_refused_by_its_path(call: Call) -> None:
    row = {"propertyName": "dealname", "operator": "EQ", "value": "x"}
    body = {"filterGroups": [{"filters": [row]}, {"filters": [row, {**row, "operator": " "}]}]}
    answer = call("POST", "/crm/v3/objects/deals/search", json=body)
    message = answer.json()["message"]
    assert message.endswith('deserialize field "filterGroups[1].filters[1].operator". Invalid value: ')


@pytest.mark.parametrize(
    ("operator", "more", "expected"),
    [
        ("EQ", {"value": "{}"}, ["Beta"]),
        ("IN", {"values": ["{}", "99"]}, ["Beta"]),
        ("NEQ", {"value": "{}"}, ["Alpha Engine", "Gamma engine"]),
        ("HAS_PROPERTY", {}, ["Beta"]),
        ("NOT_HAS_PROPERTY", {}, ["Alpha Engine", "Gamma engine"]),
    ],
)
def test_records_are_found_by_what_they_are_associated_with(
    call: Call,
    portal: Portal,
    deals: dict[str, str],
    *,
    operator: str,
    more: dict[str, Any],
    expected: list[str],
) -> None:
    contact = portal.create("contacts", {"email": "a@example.com"})
    beta = next(deal for deal, name in deals.items() if name == "Beta")
    portal.associate(("deals", beta), ("contacts", contact))
    row: dict[str, Any] = {"propertyName": "associations.contact", "operator": operator}
    row |= {key: contact if value == "{}" else [contact, "99"] for key, value in more.items()}
    answer = call("POST", "/crm/v3/objects/deals/search", json={"filterGroups": [{"filters": [row]}]})
    assert [deals[found["id"]] for found in answer.json()["results"]] == expected
