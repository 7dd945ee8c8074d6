"""A batch that is refused as a whole has changed nothing, whatever refuses it and wherever that stands."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from closedloop.sandbox.hubspot import HubSpotSandbox, Portal

LINKED_TO_NOBODY = {
    "to": {"id": "999"},
    "types": [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 1}],
}
NOT_THE_PORTALS_OWN = [{"associationCategory": "USER_DEFINED", "associationTypeId": 3}]


@pytest.fixture
def companies(call: Any, portal: Portal) -> list[str]:
    """Two companies, each with a value of its own in a unique property."""
    definition: dict[str, Any] = {"name": "code", "label": "Code", "type": "string", "fieldType": "text"}
    definition |= {"groupName": "companyinformation", "hasUniqueValue": True}
    assert call("POST", "/crm/v3/properties/companies", json=definition).status_code == 201
    return [portal.create("companies", {"name": code, "code": code}) for code in ("one", "two")]


def everything(portal: Portal, object_type: str) -> list[dict[str, Any]]:
    return [portal.get(object_type, key) for key in portal.ids(object_type)]


@pytest.mark.parametrize(
    ("object_type", "good", "bad"),
    [
        ("companies", {"properties": {"name": "new"}}, {"properties": {"code": "one"}}),
        ("companies", {"properties": {"code": "new"}}, {"properties": {"code": "new"}}),
        ("companies", {"properties": {"name": "new"}}, {"associations": [LINKED_TO_NOBODY]}),
        ("contacts", {"properties": {"email": "b@example.com"}}, {"associations": [LINKED_TO_NOBODY]}),
        ("contacts", {"properties": {"email": "b@example.com"}}, {"properties": {"email": "B@example.com"}}),
        ("notes", {"properties": {"hs_timestamp": "2026-01-01T00:00:00Z"}}, {"properties": {}}),
        ("leads", None, {"properties": {"hs_lead_name": "alone"}}),
        ("deals", {"properties": {"dealname": "new"}}, {"associations": "none"}),
    ],
)
def test_a_batch_makes_all_records_or_none(  # noqa: PLR0917  a table of cases
    call: Any,
    portal: Portal,
    contact: str,
    companies: list[str],
    object_type: str,
    good: dict[str, Any] | None,
    bad: dict[str, Any],
) -> None:
    types = [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 578}]
    lead = {"properties": {"hs_lead_name": "good"}, "associations": [{"to": {"id": contact}, "types": types}]}
    before = everything(portal, object_type)
    path = f"/crm/v3/objects/{object_type}/batch/create"
    for inputs in ([good or lead, bad], [bad, good or lead]):
        answer = call("POST", path, json={"inputs": inputs})
        assert answer.status_code in {400, 409}, answer.text
        assert everything(portal, object_type) == before
    assert call("POST", path, json={"inputs": [good or lead]}).status_code == 201


def test_a_batch_changes_all_records_or_none(call: Any, portal: Portal, companies: list[str]) -> None:
    before = everything(portal, "companies")
    first = {"id": companies[0], "properties": {"name": "changed"}}
    for wrong in ({"code": "one"}, {"name": "new", "code": "one"}):
        body = {"inputs": [first, {"id": companies[1], "properties": wrong}]}
        answer = call("POST", "/crm/v3/objects/companies/batch/update", json=body)
        assert (answer.status_code, "already has that value" in answer.text) == (400, True)
        assert everything(portal, "companies") == before


@pytest.mark.parametrize(
    "bad",
    [
        {"id": "four", "idProperty": "code", "properties": {"code": "one"}},
        {"id": "four", "idProperty": "no_such", "properties": {}},
        {"id": "999", "properties": {"name": "nobody"}},
        {"id": "two", "idProperty": "code", "properties": {"code": "one"}},
    ],
)
def test_a_batch_upserts_all_records_or_none(
    call: Any, portal: Portal, companies: list[str], bad: dict[str, Any]
) -> None:
    assert len(companies) == 2
    before = everything(portal, "companies")
    good = [
        {"id": "one", "idProperty": "code", "properties": {"name": "changed"}},
        {"id": "three", "idProperty": "code", "properties": {"name": "new"}},
    ]
    answer = call("POST", "/crm/v3/objects/companies/batch/upsert", json={"inputs": [*good, bad]})
    assert answer.status_code in {400, 404}, answer.text
    assert everything(portal, "companies") == before
    answer = call("POST", "/crm/v3/objects/companies/batch/upsert", json={"inputs": good})
    assert [row["new"] for row in answer.json()["results"]] == [False, True]


@pytest.mark.parametrize("action", ["archive", "labels/archive"])
def test_a_batch_takes_all_associations_back_or_none(
    call: Any, portal: Portal, contact: str, action: str
) -> None:
    deal = portal.create("deals", {"dealname": "Deal"}, associations=[("contacts", contact)])
    types = [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 3}]
    there: Any = {"id": contact} if "labels" in action else [{"id": contact}]
    good = {"from": {"id": deal}, "to": there, "types": types}
    bad = {"from": {}, "to": there, "types": types}
    path = f"/crm/v4/associations/deals/contacts/batch/{action}"
    assert call("POST", path, json={"inputs": [good, bad]}).status_code == 400
    links = f"/crm/v4/objects/deals/{deal}/associations/contacts"
    assert len(call("GET", links).json()["results"]) == 1
    assert call("POST", path, json={"inputs": [good]}).status_code == 204
    assert not call("GET", links).json()["results"]


def test_a_new_record_is_not_associated_by_a_kind_of_another_category(
    call: Any, portal: Portal, contact: str
) -> None:
    body = {"properties": {}, "associations": [{"to": {"id": contact}, "types": NOT_THE_PORTALS_OWN}]}
    answer = call("POST", "/crm/v3/objects/deals", json=body)
    assert answer.status_code == 400
    assert "is not a valid association type" in answer.json()["message"]
    assert not portal.ids("deals")


@pytest.mark.parametrize("stage", ["closedwon", "closedlost"])
def test_a_deal_without_a_stage_is_not_a_closed_one(portal: Portal, stage: str) -> None:
    deal = portal.create("deals", {"dealname": "Deal", "dealstage": stage, "amount": "5"})
    portal.update("deals", deal, {"dealstage": ""})
    values = portal.get("deals", deal)["properties"]
    flags = [values[f"hs_is_closed{which}"] for which in ("", "_won", "_lost")]
    assert flags == ["false", "false", "false"]


def test_a_list_of_ids_that_is_nested_without_end_is_refused(sandbox: HubSpotSandbox) -> None:
    headers = {"Authorization": f"Bearer {sandbox.access_token}", "Content-Type": "application/json"}
    address = f"{sandbox.url}/crm/v3/lists/1/memberships/add"
    answer = requests.put(address, data="[" * 100_000, headers=headers, timeout=10)
    assert answer.status_code in {400, 404}


def test_deals_follow_their_stage_when_it_is_changed(call: Any, portal: Portal) -> None:
    deal = portal.create("deals", {"dealname": "Deal", "dealstage": "closedwon", "amount": "5"})
    other = portal.create("deals", {"dealname": "Other", "dealstage": "closedlost"})
    before = portal.get("deals", other)
    body = {"metadata": {"probability": "0.0", "isClosed": "true"}}
    assert call("PATCH", "/crm/v3/pipelines/deals/default/stages/closedwon", json=body).status_code == 200
    values = portal.get("deals", deal)["properties"]
    assert (values["hs_is_closed_won"], values["hs_is_closed_lost"]) == ("false", "true")
    assert values["hs_deal_stage_probability"] == "0.0"
    assert portal.get("deals", other) == before
