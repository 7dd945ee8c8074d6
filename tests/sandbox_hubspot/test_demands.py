"""What admins demand of records, and from which version of the API on apps are held to it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import requests

from closedloop.sandbox.hubspot import Portal

Call = Callable[..., requests.Response]
OLD, NEW = "/crm/v3/objects/deals", "/crm/objects/2026-09/deals"


@pytest.fixture
def deal(portal: Portal) -> str:
    portal.demand("deals", "closed_lost_reason", when={"dealstage": "closedlost"})
    return portal.create("deals", {"dealname": "D", "dealstage": "contractsent"})


@pytest.mark.parametrize(
    ("area", "properties", "status"),
    [
        (OLD, {"dealstage": "closedlost"}, 200),
        (NEW, {"dealstage": "closedlost"}, 400),
        (NEW, {"dealstage": "closedlost", "closed_lost_reason": "Price"}, 200),
        (NEW, {"dealstage": "closedwon"}, 200),
        (NEW, {"amount": "5"}, 200),
        ("/crm/objects/2026-03/deals", {"dealstage": "closedlost"}, 200),
    ],
)
def test_a_deal_is_lost_with_a_reason(
    call: Call, deal: str, area: str, properties: dict[str, str], status: int
) -> None:
    assert call("PATCH", f"{area}/{deal}", json={"properties": properties}).status_code == status
    body: dict[str, Any] = {"inputs": [{"id": deal, "properties": properties}]}
    assert call("POST", f"{area}/batch/update", json=body).status_code == status


def test_a_refusal_names_what_is_missing(call: Call, portal: Portal, deal: str) -> None:
    answer = call("PATCH", f"{NEW}/{deal}", json={"properties": {"dealstage": "closedlost"}}).json()
    assert (answer["category"], answer["context"]) == (
        "VALIDATION_ERROR",
        {"properties": ["closed_lost_reason"]},
    )
    assert portal.get("deals", deal)["properties"]["dealstage"] == "contractsent"


def test_a_reason_that_is_demanded_is_not_cleared(call: Call, portal: Portal, deal: str) -> None:
    portal.update("deals", deal, {"dealstage": "closedlost", "closed_lost_reason": "Price"})
    body = {"properties": {"closed_lost_reason": ""}}
    assert call("PATCH", f"{NEW}/{deal}", json=body).status_code == 400
    assert call("PATCH", f"{NEW}/{deal}", json={"properties": {"amount": "5"}}).status_code == 200


def test_new_records_are_held_to_it_too(call: Call, portal: Portal) -> None:
    portal.demand("companies", "domain")
    body = {"properties": {"name": "C"}}
    answer = call("POST", "/crm/objects/2026-09/companies", json=body)
    assert (answer.status_code, answer.json()["context"]) == (400, {"properties": ["domain"]})
    assert call("POST", "/crm/v3/objects/companies", json=body).status_code == 201
