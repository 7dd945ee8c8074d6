"""What other people's connectors call: the first APIs, and the paths of singer-io/tap-hubspot and dlt."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import requests

from closedloop.sandbox.hubspot import Portal

Call = Callable[..., requests.Response]


@pytest.mark.parametrize(
    "path",
    [
        "/crm/v3/properties/contacts",
        "/crm/v3/objects/contacts?limit=50&properties=email&propertiesWithHistory=email",
        "/companies/v2/properties",
        "/companies/v2/companies/paged",
        "/companies/v2/companies/recent/modified",
        "/properties/v1/deals/properties",
        "/properties/v2/contact/properties",
        "/deals/v1/deal/paged",
        "/deals/v1/deal/recent/modified",
        "/deals/v1/pipelines",
        "/crm-pipelines/v1/pipelines/deals",
        "/properties/v2/deal_split/properties",
        "/properties/v2/goal_targets/properties",
        "/properties/v2/form/properties",
        "/crm/v3/objects/deal_split?archived=false",
        "/crm/v3/objects/goal_targets?archived=false",
        "/crm/v3/objects/contacts?associations=deals,conversations",
        "/engagements/v1/engagements/paged",
        "/engagements/v1/engagements/recent/modified?count=250&since=0",
        "/engagements/v1/engagements/modified/after?limit=190&after=1700000000000",
        "/email/public/v1/events?startTimestamp=1&endTimestamp=2&limit=1000",
        "/email/public/v1/subscriptions",
        "/email/public/v1/subscriptions/timeline?startTimestamp=1&endTimestamp=2&limit=1000",
        "/automation/v3/workflows",
        "/marketing-emails/v1/emails/with-statistics?limit=250",
        "/crm/v3/owners/",
        "/crm/v4/objects/tickets?limit=100&archived=false",
        "/crm/v3/schemas",
        "/crm/v3/objects/companies?associations=contacts,deals,products,tickets,quotes",
        "/crm/v3/objects/contacts?associations=deals,products,tickets,quotes",
        "/crm/v3/objects/products",
        "/crm/v3/objects/quotes",
        "/crm/v3/objects/line_items",
        "/crm/v3/pipelines/tickets",
        "/crm/v3/properties/deals/dealstage",
        "/events/v3/events?objectType=contact&objectId=5&sort=-occurredAt&occurredAfter=2020-01-01T00:00:00Z",
    ],
)
def test_a_connectors_path_is_answered(call: Call, path: str) -> None:
    answer = call("GET", path)
    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize(
    ("object_type", "path", "rows", "more", "key"),
    [
        ("companies", "/companies/v2/companies", "companies", "has-more", "companyId"),
        ("deals", "/deals/v1/deal", "deals", "hasMore", "dealId"),
    ],
)
def test_the_first_apis_page_through_all(
    call: Call, portal: Portal, *, object_type: str, path: str, rows: str, more: str, key: str
) -> None:
    name = {"companies": "name", "deals": "dealname"}[object_type]
    ids = [portal.create(object_type, {name: f"N{n}"}, by=7) for n in range(3)]
    portal.update(object_type, ids[0], {name: "New"})
    first = call("GET", f"{path}/paged?limit=2&properties={name}").json()
    last = call("GET", f"{path}/paged?limit=2&properties={name}&offset={first['offset']}").json()
    assert [row[key] for row in first[rows] + last[rows]] == [int(i) for i in ids]
    assert (first[more], last[more]) == (True, False)
    value = first[rows][0]["properties"][name]
    assert (value["value"], [v["value"] for v in value["versions"]]) == ("New", ["New", "N0"])
    assert value["versions"][1]["sourceId"] == "userId:7"
    recent = call("GET", f"{path}/recent/modified?count=1").json()
    assert (recent["results"][0][key], recent["total"]) == (int(ids[0]), 3)
    assert call("GET", f"{path}/{ids[1]}").json()["properties"][name]["value"] == "N1"
    assert call("GET", f"{path}/99").status_code == 404


def test_a_deal_of_the_first_api_knows_its_people(call: Call, portal: Portal, contact: str) -> None:
    deal = portal.create("deals", {"dealname": "D"}, associations=[("contacts", contact)])
    read: dict[str, Any] = call("GET", f"/deals/v1/deal/{deal}").json()
    assert read["associations"]["associatedVids"] == [int(contact)]


def test_the_first_pipelines_tell_which_stage_wins(call: Call) -> None:
    stages = call("GET", "/deals/v1/pipelines").json()[0]["stages"]
    assert [stage["stageId"] for stage in stages if stage["closedWon"]] == ["closedwon"]
