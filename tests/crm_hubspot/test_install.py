"""What a portal needs, what may be made, and what an admin must make by hand."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from closedloop.crm.hubspot import HubSpotCredentials, HubSpotCrm, install
from closedloop.crm.hubspot.install import Done
from closedloop.errors import AuthenticationError
from closedloop.mapping import Mappings
from closedloop.sandbox.hubspot import HubSpotSandbox


def test_a_plan_shows_everything_and_changes_nothing(portal: Any, connected: HubSpotCrm) -> None:
    changes = install.plan(connected)
    assert Counter((change.object, change.type == "group") for change in changes) == {
        ("contacts", True): 1,
        ("contacts", False): 7,
        ("0-35", False): 11,
    }
    assert not any(change.exists for change in changes)
    assert {method for method, _ in portal.requests} == {"GET"}


def test_what_is_missing_is_made_once(connected: HubSpotCrm) -> None:
    assert {applied.done for applied in install.apply(connected)} == {Done.CREATED}
    assert all(change.exists for change in install.plan(connected))
    assert {applied.done for applied in install.apply(connected)} == {Done.EXISTED}


def test_the_properties_are_made_as_planned(connected: HubSpotCrm) -> None:
    install.apply(connected)
    contacts = {each["name"]: each for each in connected.client.definitions("contacts")}
    decided = contacts["closed_loop_decided_at"]
    assert (decided["type"], decided["fieldType"], decided["groupName"]) == (
        "datetime",
        "date",
        "closed_loop",
    )
    assert decided["label"] == "Closed Loop: Decided at"
    campaigns = {each["name"]: each for each in connected.client.definitions("0-35")}
    assert campaigns["closed_loop_won"]["type"] == "number"


def test_what_the_api_may_not_make_is_reported_with_its_definition(mappings: Mappings) -> None:
    with HubSpotSandbox(campaign_properties=False) as sandbox:
        credentials = HubSpotCredentials(access_token=sandbox.access_token, base_url=sandbox.url)
        crm = HubSpotCrm(credentials, mappings)
        applied = install.apply(crm)
        by_hand = [each for each in applied if each.done is Done.BY_HAND]
        assert {each.change.object for each in by_hand} == {"0-35"}
        assert len(by_hand) == 11
        assert all("marketing.campaigns.write" in each.message for each in by_hand)
        assert by_hand[0].change.to_hubspot() == {
            "name": "closed_loop_accepted",
            "label": "Closed Loop: Accepted",
            "type": "number",
            "fieldType": "number",
            "groupName": "campaign_information",
            "description": "This campaign's share of the leads that sales accepted.",
        }
        assert not any(each.change.needed for each in by_hand)
        # Once it is known that the token may not, it is not asked again and again.
        assert sandbox.portal.requests["POST", "/crm/v3/properties/0-35"] == 1


def test_properties_that_an_admin_made_by_hand_are_found(portal: Any, connected: HubSpotCrm) -> None:
    for change in install.plan(connected):
        if change.object == "0-35":
            portal.create_property("0-35", change.to_hubspot())
    done = {each.change.name: each.done for each in install.apply(connected)}
    assert done["closed_loop_won"] is Done.EXISTED
    assert done["closed_loop_outcome"] is Done.CREATED


def test_a_property_made_by_a_try_whose_answer_was_lost_exists(
    portal: Any, connected: HubSpotCrm, waits: list[float]
) -> None:
    conflict = {"category": "OBJECT_ALREADY_EXISTS"}
    portal.faults.add(409, method="POST", path="/crm/v3/properties/contacts/groups", body=conflict)
    group = install.apply(connected)[0]
    assert (group.change.type, group.done) == ("group", Done.EXISTED)


def test_a_token_that_is_not_accepted_is_not_an_admins_work(
    sandbox: HubSpotSandbox, connected: HubSpotCrm
) -> None:
    sandbox.renew_token()
    with pytest.raises(AuthenticationError):
        install.apply(connected)


def test_the_webhooks_file_asks_for_what_decides_and_for_privacy() -> None:
    told = install.webhooks_file("https://loop.example.com/webhooks/hubspot/main")
    assert (told["uid"], told["type"]) == ("closed-loop-webhooks", "webhooks")
    assert told["config"]["settings"] == {
        "targetUrl": "https://loop.example.com/webhooks/hubspot/main",
        "maxConcurrentRequests": 10,
    }
    subscriptions = told["config"]["subscriptions"]
    assert subscriptions["legacyCrmObjects"] == []
    assert subscriptions["hubEvents"] == [{"subscriptionType": "contact.privacyDeletion", "active": True}]
    events = subscriptions["crmObjects"]
    assert {
        "subscriptionType": "object.propertyChange",
        "objectType": "lead",
        "propertyName": "hs_lead_disqualification_reason",
        "active": True,
    } in events
    asked = {(e["objectType"], e.get("propertyName")) for e in events}
    assert {("deal", "dealstage"), ("deal", "closed_lost_reason"), ("lead", "hs_pipeline_stage")} <= asked
    assert ("lead", "hs_lastmodifieddate") not in asked
    assert {e["objectType"] for e in events} == {"contact", "lead", "deal"}  # campaigns have no events
    assert len(events) == len({tuple(sorted(e.items())) for e in events})


def test_every_event_of_the_webhooks_file_can_be_subscribed_to(portal: Any) -> None:
    for event in install.webhooks_file("https://x.example.com")["config"]["subscriptions"]["crmObjects"]:
        if event["subscriptionType"] != "object.restore":  # known from HubSpot's API description only
            portal.subscribe(
                event["subscriptionType"],
                object_type=event["objectType"],
                property_name=event.get("propertyName"),
            )
