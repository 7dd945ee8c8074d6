"""Properties, groups, pipelines, owners and the account."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

import pytest
import requests
from hubspot.crm.properties import PropertyCreate, PropertyUpdate

from closedloop.sandbox.hubspot import HubSpotError, HubSpotSandbox, Portal

Call = Callable[..., requests.Response]
OUTCOME = {
    "name": "closed_loop_outcome",
    "label": "Closed Loop outcome",
    "groupName": "closed_loop",
    "type": "enumeration",
    "fieldType": "select",
    "options": [
        {"label": "Won", "value": "Won", "displayOrder": 0, "hidden": False},
        {"label": "Lost", "value": "Lost", "displayOrder": 1, "hidden": False},
    ],
}


@pytest.fixture
def outcome(portal: Portal) -> str:
    portal.create_property("contacts", OUTCOME)
    return "closed_loop_outcome"


def test_the_disqualification_reasons_have_their_default_labels(hub: Any) -> None:
    definition = hub.crm.properties.core_api.get_by_name("leads", "hs_lead_disqualification_reason")
    assert [option.label for option in definition.options] == [
        "Bad Timing",
        "Budget Constraints",
        "No Decision-making Power",
        "Competitor Preference",
        "Not a Good Fit",
        "No Commercial Interest",
        "Prior Negative Experience",
        "Technical Limitations",
        "Wrong Data",
        "No Response",
    ]
    assert "NOT_A_GOOD_FIT" in [option.value for option in definition.options]


def test_a_property_is_made_in_a_group_of_its_own(hub: Any, call: Call, contact: str) -> None:
    group = call("GET", "/crm/v3/properties/contacts/groups/closed_loop")
    assert (group.status_code, group.content) == (404, b"")
    api = hub.crm.properties
    api.groups_api.create("contacts", {"name": "closed_loop", "label": "Closed Loop"})
    made = api.core_api.create(
        "contacts",
        PropertyCreate(
            name="closed_loop_outcome",
            label="Outcome",
            group_name="closed_loop",
            type="enumeration",
            field_type="select",
            options=[{"label": "Won", "value": "Won", "displayOrder": 0, "hidden": False}],
        ),
    )
    assert made.options[0].value == "Won"
    changed = call("PATCH", f"/crm/v3/objects/contacts/{contact}", json={"properties": {made.name: "Won"}})
    assert changed.json()["properties"]["closed_loop_outcome"] == "Won"


def test_a_name_is_taken_only_once(call: Call, outcome: str) -> None:
    single = call("POST", "/crm/v3/properties/contacts", json=OUTCOME)
    assert single.status_code == 409
    several = {"inputs": [OUTCOME, {**OUTCOME, "name": "other"}]}
    batch = call("POST", "/crm/v3/properties/contacts/batch/create", json=several)
    assert batch.status_code == 207
    assert [made["name"] for made in batch.json()["results"]] == ["other"]
    (error,) = batch.json()["errors"]
    assert (error["category"], error["subCategory"], error["context"]) == (
        "OBJECT_ALREADY_EXISTS",
        "Properties.PROPERTY_WITH_NAME_EXISTS",
        {"name": [outcome]},
    )


def test_an_option_can_be_added_later(hub: Any, call: Call, contact: str, outcome: str) -> None:
    options = [
        *OUTCOME["options"],
        {"label": "Recycled", "value": "Recycled", "displayOrder": 2, "hidden": False},
    ]
    path = f"/crm/v3/objects/contacts/{contact}"
    body = {"properties": {outcome: "Recycled"}}
    assert call("PATCH", path, json=body).json()["errors"][0]["code"] == "INVALID_OPTION"
    hub.crm.properties.core_api.update("contacts", outcome, PropertyUpdate(options=options))
    assert call("PATCH", path, json=body).status_code == 200


def test_properties_are_read_by_name(call: Call) -> None:
    inputs = [{"name": "email"}, {"name": "nonsense"}]
    body = {"archived": False, "inputs": inputs}
    found = call("POST", "/crm/v3/properties/contacts/batch/read", json=body).json()["results"]
    assert [p["name"] for p in found] == ["email"]
    assert call("GET", "/crm/v3/properties/contacts/nonsense").status_code == 404


def test_a_removed_property_is_neither_listed_nor_written(call: Call, contact: str, outcome: str) -> None:
    assert call("DELETE", f"/crm/v3/properties/contacts/{outcome}").status_code == 204
    listed = call("GET", "/crm/v3/properties/contacts").json()["results"]
    assert outcome not in [p["name"] for p in listed]
    body = {"properties": {outcome: "Won"}}
    assert call("PATCH", f"/crm/v3/objects/contacts/{contact}", json=body).status_code == 400
    assert call("DELETE", "/crm/v3/properties/contacts/email").status_code == 400


def test_every_object_type_describes_its_own_dates(call: Call) -> None:
    for object_type in ("companies", "deals", "leads", "0-35"):
        names = {p["name"] for p in call("GET", f"/crm/v3/properties/{object_type}").json()["results"]}
        assert "hs_lastmodifieddate" in names
        assert "lastmodifieddate" not in names
    contacts = {p["name"] for p in call("GET", "/crm/v3/properties/contacts").json()["results"]}
    assert "lastmodifieddate" in contacts
    assert "hs_lastmodifieddate" not in contacts


def test_stages_say_in_text_whether_a_deal_is_closed(hub: Any) -> None:
    stages = hub.crm.pipelines.pipeline_stages_api.get_all("deals", "755338291").results
    assert [(s.id, s.metadata) for s in stages][2:] == [
        ("1098400003", {"isClosed": "true", "probability": "1"}),
        ("1098400004", {"isClosed": "true", "probability": "0"}),
    ]


@pytest.mark.parametrize("name", ["leads", "0-136"])
def test_the_lead_pipeline_is_named_by_its_fixed_ids(call: Call, name: str) -> None:
    (pipeline,) = call("GET", f"/crm/v3/pipelines/{name}").json()["results"]
    assert pipeline["id"] == "lead-pipeline-id"
    assert [(s["id"], s["label"]) for s in pipeline["stages"]][-1] == ("unqualified-stage-id", "Disqualified")
    assert call("GET", f"/crm/v3/pipelines/{name}/lead-pipeline-id").json() == pipeline


@pytest.mark.parametrize("path", ["/crm/v3/pipelines/leads/default", "/crm/v3/pipelines/deals/none"])
def test_a_pipeline_that_does_not_exist_is_not_found(call: Call, path: str) -> None:
    assert call("GET", path).status_code == 404


@pytest.mark.parametrize(
    ("properties", "name"),
    [({"dealstage": "1.0"}, "dealstage"), ({"pipeline": "appointmentscheduled"}, "pipeline")],
)
def test_a_deal_takes_only_stages_and_pipelines_that_exist(
    call: Call, portal: Portal, properties: dict[str, str], name: str
) -> None:
    answer = call("POST", "/crm/v3/objects/deals", json={"properties": properties})
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["context"]["propertyName"] == [name]


def test_owners_have_two_ids(hub: Any, portal: Portal) -> None:
    made = [portal.create_owner(f"o{n}@example.com", "Owner", str(n)) for n in range(3)]
    page = hub.crm.owners.owners_api.get_page(limit=2)
    assert [o.id for o in page.results] == made[:2]
    last = hub.crm.owners.owners_api.get_page(limit=2, after=page.paging.next.after)
    assert [o.id for o in last.results] == made[2:]
    user_id = portal.user_id(made[1])
    assert str(user_id) != made[1]
    assert hub.crm.owners.owners_api.get_by_id(user_id, id_property="userId").id == made[1]
    assert [o.id for o in hub.crm.owners.owners_api.get_page(email="O2@example.com").results] == made[2:]


def test_the_account_names_the_portal_and_its_currency(call: Call, sandbox: HubSpotSandbox) -> None:
    for path in ("/account-info/v3/details", "/account-info/2026-09/details"):
        details = call("GET", path).json()
        assert (details["portalId"], details["companyCurrency"]) == (sandbox.portal_id, "USD")


def test_a_group_is_made_once_and_has_to_exist(call: Call) -> None:
    group = {"name": "closed_loop", "label": "Closed Loop"}
    homeless = {**OUTCOME, "groupName": "nowhere"}
    assert call("POST", "/crm/v3/properties/contacts", json=homeless).status_code == 400
    statuses = [call("POST", "/crm/v3/properties/contacts/groups", json=group).status_code for _ in range(2)]
    assert statuses == [201, 409]
    listed = call("GET", "/crm/v3/properties/contacts/groups").json()["results"]
    assert [g["name"] for g in listed] == ["contactinformation", "closed_loop"]


def test_a_list_of_check_boxes_takes_several_options(call: Call, portal: Portal, contact: str) -> None:
    portal.create_property("contacts", {**OUTCOME, "name": "outcomes", "fieldType": "checkbox"})
    path = f"/crm/v3/objects/contacts/{contact}"
    assert call("PATCH", path, json={"properties": {"outcomes": "Won;Lost"}}).status_code == 200
    refused = call("PATCH", path, json={"properties": {"outcomes": "Won;Tied"}}).json()
    assert refused["errors"][0]["message"] == "Tied was not one of the allowed options: [Won, Lost]"


def test_a_yes_or_no_is_kept_in_lower_case(call: Call, portal: Portal, contact: str) -> None:
    definition = {
        **OUTCOME,
        "name": "is_partner",
        "type": "bool",
        "fieldType": "booleancheckbox",
        "options": [],
    }
    portal.create_property("contacts", definition)
    path = f"/crm/v3/objects/contacts/{contact}"
    for sent in (True, "TRUE"):
        body = call("PATCH", path, json={"properties": {"is_partner": sent}}).json()
        assert body["properties"]["is_partner"] == "true"
    assert call("PATCH", path, json={"properties": {"is_partner": "maybe"}}).status_code == 400


def test_a_deactivated_owner_is_archived_and_has_no_user(call: Call, portal: Portal) -> None:
    live, gone = (portal.create_owner(f"{n}@example.com", n, "Owner") for n in "ab")
    portal.archive_owner(gone)
    owners = "/crm/v3/owners"
    assert [o["id"] for o in call("GET", owners).json()["results"]] == [live]
    (archived,) = call("GET", f"{owners}?archived=true").json()["results"]
    assert (archived["id"], archived["archived"]) == (gone, True)
    assert "userId" not in archived
    assert archived["userIdIncludingInactive"] == portal.owners.all(archived=True)[0].user_id
    assert call("GET", f"{owners}/{gone}").status_code == 404
    assert call("GET", f"{owners}/{gone}?archived=true").json()["email"] == "b@example.com"
    with pytest.raises(HubSpotError):
        portal.archive_owner(gone)


def test_owners_come_in_pages(call: Call, portal: Portal) -> None:
    made = [portal.create_owner(f"{n}@example.com", "A", "B") for n in range(5)]
    pages = [call("GET", "/crm/v3/owners/?limit=2").json()]
    while "paging" in pages[-1]:
        following = pages[-1]["paging"]["next"]
        # Recorded by JupiterOne/graph-hubspot, `fetchOwners`: the next owner's id in base 64.
        assert base64.b64decode(following["after"]).decode() == made[2 * len(pages)]
        pages.append(call("GET", f"/crm/v3/owners/?limit=2&after={following['after']}").json())
    assert [owner["id"] for page in pages for owner in page["results"]] == made
    assert call("GET", "/crm/v3/owners?limit=501").status_code == 400


def test_owners_belong_to_teams(hub: Any, portal: Portal) -> None:
    first, second = (portal.create_owner(f"{n}@example.com", "A", "B") for n in range(2))
    for owner, team in ((first, "East"), (first, "West"), (second, "West")):
        portal.join_team(owner, team)
    one, other = hub.crm.owners.owners_api.get_page().results
    assert [(t.name, t.primary) for t in one.teams] == [("East", True), ("West", False)]
    assert (other.teams[0].id, other.teams[0].primary) == (one.teams[1].id, True)
    with pytest.raises(HubSpotError):
        portal.join_team("7", "East")
