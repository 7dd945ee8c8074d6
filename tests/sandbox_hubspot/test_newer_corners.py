"""Corners of the API that HubSpot's own clients have a method for: splits, forms, lists' ids, attendance."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import requests
from hubspot.crm.objects.deal_splits import PublicDealSplitsBatchCreateRequest

from closedloop.sandbox.hubspot import Portal

Call = Callable[..., requests.Response]
SPLITS = "/crm/v3/objects/deals/splits/batch"
EVENTS = "/marketing/v3/marketing-events"


def test_a_deal_is_split_among_owners_and_split_anew(hub: Any, call: Call, portal: Portal) -> None:
    owners = [portal.create_owner(f"rep{n}@example.com", "R", str(n)) for n in range(2)]
    deal = portal.create("deals", {"dealname": "Engine"})
    for shares in ((100,), (40, 60)):
        splits = [{"ownerId": int(o), "percentage": s} for o, s in zip(owners, shares, strict=False)]
        request = PublicDealSplitsBatchCreateRequest(inputs=[{"id": int(deal), "splits": splits}])
        (row,) = hub.crm.objects.deal_splits.batch_api.upsert(request).results
        assert (row.id, [split.properties["hs_deal_split_percentage"] for split in row.splits]) == (
            deal,
            [str(share) for share in shares],
        )
    (again,) = call("POST", f"{SPLITS}/read", json={"inputs": [{"id": deal}]}).json()["results"]
    assert [split["properties"]["hubspot_owner_id"] for split in again["splits"]] == owners


@pytest.mark.parametrize("splits", [[], [{"percentage": 50}], [{"percentage": "x"}], "none"])
def test_a_split_that_does_not_add_up_leaves_the_old_one(call: Call, portal: Portal, splits: Any) -> None:
    deal = portal.create("deals", {"dealname": "Engine"})
    call("POST", f"{SPLITS}/upsert", json={"inputs": [{"id": deal, "splits": [{"percentage": 100}]}]})
    body = {"inputs": [{"id": deal, "splits": splits}, {"id": "9", "splits": []}]}
    answer = call("POST", f"{SPLITS}/upsert", json=body)
    assert (answer.status_code, answer.json()["numErrors"]) == (207, 2)
    (row,) = call("POST", f"{SPLITS}/read", json={"inputs": [{"id": deal}]}).json()["results"]
    assert len(row["splits"]) == 1


def test_a_form_is_changed_in_part_and_taken_anew(call: Call) -> None:
    body = {"name": "Sign up", "displayOptions": {"submitButtonText": "Go"}}
    made = call("POST", "/marketing/v3/forms", json=body).json()
    where = f"/marketing/v3/forms/{made['id']}"
    part = call("PATCH", where, json={"configuration": {"language": "fr"}}).json()
    assert (part["name"], part["configuration"]["language"]) == ("Sign up", "fr")
    assert part["displayOptions"]["submitButtonText"] == "Go"
    anew = call("PUT", where, json={"name": "Join", "formType": "hubspot"}).json()
    assert (anew["name"], anew["configuration"]["language"]) == ("Join", "en")
    assert anew["displayOptions"]["submitButtonText"] == "Submit"
    assert call("PUT", where, json={}).status_code == 400
    assert call("PATCH", "/marketing/v3/forms/none", json={}).status_code == 404


def test_the_ids_of_lists_are_mapped_at_once(call: Call, portal: Portal) -> None:
    made = portal.marketing.create_list("contacts", "Friends")
    assert call("POST", "/crm/v3/lists/idmapping", json=[made, "77"]).json() == {
        "legacyListIdsToIdsMapping": [{"listId": made, "legacyListId": made}],
        "missingLegacyListIds": ["77"],
    }
    assert call("POST", "/crm/v3/lists/idmapping", json={}).status_code == 400


def test_attendance_is_told_by_event_and_by_contact(call: Call, contact: str) -> None:
    body = {"eventName": "W", "eventOrganizer": "O", "externalAccountId": "a", "externalEventId": "e"}
    call("POST", f"{EVENTS}/events", json=body)
    path = f"{EVENTS}/attendance/e/attend/create?externalAccountId=a"
    assert call("POST", path, json={"inputs": [{"vid": int(contact)}]}).status_code == 200
    for where in ("a/e", f"contacts/{contact}", "contacts/ada@example.com"):
        (row,) = call("GET", f"{EVENTS}/participations/{where}/breakdown").json()["results"]
        assert row["associations"]["contact"]["contactId"] == contact
        assert row["properties"]["attendanceState"] == "ATTENDED"
    assert call("GET", f"{EVENTS}/participations/contacts/9/breakdown").status_code == 404
    assert call("GET", f"{EVENTS}/participations/a/none/breakdown").status_code == 404


@pytest.mark.parametrize("by", ["record", "external"])
def test_lists_go_with_a_marketing_event(call: Call, portal: Portal, by: str) -> None:
    body = {"eventName": "W", "eventOrganizer": "O", "externalAccountId": "a", "externalEventId": "e"}
    event = call("POST", f"{EVENTS}/events", json=body).json()["objectId"]
    friends = portal.marketing.create_list("contacts", "Friends")
    where = f"{EVENTS}/associations/{event if by == 'record' else 'a/e'}/lists"
    for method, left in (("PUT", ["Friends"]), ("PUT", ["Friends"]), ("DELETE", [])):
        assert call(method, f"{where}/{friends}").status_code == 204
        assert [row["name"] for row in call("GET", where).json()["results"]] == left
    assert call("PUT", f"{where}/77").status_code == 404
    assert call("GET", f"{EVENTS}/associations/9/lists").status_code == 404
    assert call("GET", f"{EVENTS}/associations/a/none/lists").status_code == 404


def test_an_app_tells_where_its_events_are_shown(call: Call) -> None:
    where = f"{EVENTS}/1160452/settings"
    assert call("GET", where).json() == {"appId": 1160452, "eventDetailsUrl": ""}
    told = {"eventDetailsUrl": "https://example.com/events/%s"}
    assert call("POST", where, json=told).json() == {"appId": 1160452} | told
    assert call("POST", where, json={}).status_code == 400
    assert call("GET", f"{EVENTS}/none/settings").status_code == 400
