"""The events API: deals that close and pages that are visited."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import unquote

import pytest
import requests

from closedloop.sandbox.hubspot import Portal

Call = Callable[..., requests.Response]
EVENTS = "/events/v3/events"
START = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.fixture
def deals(portal: Portal) -> list[str]:
    """Four deals: won on the first day, lost on the second, open, and one in the partners' pipeline."""
    made = [portal.create("deals", {"dealname": f"D{n}", "amount": "5"}, at=START) for n in range(4)]
    portal.update("deals", made[0], {"dealstage": "closedwon"}, at=START)
    lost = {"dealstage": "closedlost", "closed_lost_reason": "Price"}
    portal.update("deals", made[1], lost, at=START + timedelta(days=1))
    portal.update("deals", made[2], {"dealstage": "contractsent"}, at=START)
    portal.update("deals", made[3], {"dealstage": "1098400004"}, at=START + timedelta(days=2))
    return made


def found(call: Call, **arguments: Any) -> list[dict[str, Any]]:
    answer = call("GET", EVENTS, params=arguments)
    assert answer.status_code == 200, answer.text
    rows: list[dict[str, Any]] = answer.json()["results"]
    return rows


def test_a_deal_that_closes_tells_how_and_why(call: Call, deals: list[str]) -> None:
    rows = found(call, eventType="e_deal_closed", sort="occurredAt")
    assert [row["objectId"] for row in rows] == [deals[0], deals[1], deals[3]]
    told = [
        (row["properties"]["hs_closed_state"], row["properties"]["hs_closed_state_reason"]) for row in rows
    ]
    assert told == [("CLOSED_WON", ""), ("CLOSED_LOST", "Price"), ("CLOSED_LOST", "")]
    assert rows[1]["properties"]["hs_amount"] == "5.0"
    assert rows[1]["occurredAt"] == "2026-03-02T00:00:00.000Z"


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({}, [3, 1, 0]),
        ({"objectType": "deal"}, [3, 1, 0]),
        ({"objectType": "0-1"}, []),
        ({"eventType": "e_visited_page"}, []),
        ({"occurredAfter": "2026-03-02T00:00:00Z"}, [3, 1]),
        ({"occurredBefore": "2026-03-02T00:00:00Z"}, [0]),
        ({"eventType": "nonsense"}, []),
    ],
)
def test_events_are_chosen(
    call: Call, deals: list[str], arguments: dict[str, str], expected: list[int]
) -> None:
    assert [row["objectId"] for row in found(call, **arguments)] == [deals[n] for n in expected]


def test_one_record_is_asked_for(hub: Any, deals: list[str]) -> None:
    page = hub.events.events_api.get_page(object_type="deals", object_id=int(deals[1]))
    assert [row.object_id for row in page.results] == [deals[1]]


def test_pages_follow_each_other(call: Call, deals: list[str]) -> None:
    seen, arguments = [], {"limit": "2"}
    for _ in range(2):
        answer = call("GET", EVENTS, params=arguments).json()
        seen += [row["objectId"] for row in answer["results"]]
        following = answer.get("paging", {}).get("next")
        arguments["after"] = unquote(following["after"]) if following else ""
    assert seen == [deals[3], deals[1], deals[0]]
    assert not following


def test_a_deal_that_is_reopened_and_closed_again_tells_twice(
    call: Call, portal: Portal, deals: list[str]
) -> None:
    for day, stage in ((3, "contractsent"), (4, "closedwon")):
        portal.update("deals", deals[1], {"dealstage": stage}, at=START + timedelta(days=day))
    rows = found(call, objectId=deals[1], objectType="deals")
    assert [row["properties"]["hs_closed_state"] for row in rows] == ["CLOSED_WON", "CLOSED_LOST"]


def test_a_visit_tells_what_is_known_of_it(call: Call, portal: Portal, contact: str) -> None:
    portal.marketing.visit(contact, at=START, hs_page_title="Pricing", hs_url="https://example.com/pricing")
    (row,) = found(call, eventType="e_visited_page")
    assert (row["objectType"], row["objectId"]) == ("CONTACT", contact)
    assert (row["properties"]["hs_page_title"], row["properties"]["hs_browser"]) == ("Pricing", "")


def test_the_kinds_of_events_are_listed(call: Call) -> None:
    assert call("GET", f"{EVENTS}/event-types").json() == {"eventTypes": ["e_deal_closed", "e_visited_page"]}


@pytest.mark.parametrize(
    "arguments",
    [{"occurredAfter": "soon"}, {"limit": "0"}, {"after": "%%"}, {"sort": "id"}, {"objectType": "x"}],
)
def test_what_makes_no_sense_is_refused(call: Call, arguments: dict[str, str]) -> None:
    assert call("GET", EVENTS, params=arguments).status_code == 400
