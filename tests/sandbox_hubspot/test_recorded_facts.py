"""Keys, words and codes of answers that others recorded of real portals, each with where it was seen."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import requests

from closedloop.sandbox.hubspot import Portal

Call = Callable[..., requests.Response]


def test_only_the_last_lifecycle_stage_is_closed(call: Call) -> None:
    """`metadata-contacts-external-pipelines.json` of amp-labs/connectors."""
    (pipeline,) = call("GET", "/crm/pipelines/2026-03/contacts").json()["results"]
    *others, last = [stage["metadata"] for stage in pipeline["stages"]]
    assert (pipeline["id"], pipeline["label"]) == ("contacts-lifecycle-pipeline", "Lifecycle Stage Pipeline")
    assert last == {"isClosed": "true", "state": "CLOSED"}
    assert others == [{"isClosed": "false", "state": "OPEN"}] * 7


def test_a_property_of_ones_own_names_who_made_it(call: Call) -> None:
    """`custom/update/5-response-update-property-age.json` of amp-labs/connectors."""
    body = {"name": "age__c", "label": "Age", "groupName": "contactinformation"}
    body |= {"type": "number", "fieldType": "number"}
    made = call("POST", "/crm/v3/properties/contacts", json=body).json()
    changed = call("PATCH", "/crm/v3/properties/contacts/age__c", json={"description": "Years"}).json()
    assert made["createdUserId"] == changed["createdUserId"] == changed["updatedUserId"]
    assert made["createdUserId"].isdigit()
    assert "createdUserId" not in call("GET", "/crm/v3/properties/contacts/email").json()


def test_a_yes_or_no_property_says_so_in_its_options(call: Call) -> None:
    """`metadata-contacts-properties-sampled.json` of amp-labs/connectors."""
    found = call("GET", "/crm/v3/properties/contacts/hs_contact_enrichment_opt_out").json()
    assert (found["type"], found["fieldType"]) == ("bool", "booleancheckbox")
    assert [(o["label"], o["value"], o["displayOrder"]) for o in found["options"]] == [
        ("Yes", "true", 0),
        ("No", "false", 1),
    ]


@pytest.mark.parametrize(
    ("object_type", "values"),
    [
        ("contacts", {"address": "1 Road", "zip": "10115", "fax": "1", "salutation": "Dr", "degree": "MA"}),
        ("contacts", {"message": "Hello", "hs_buying_role": "CHAMPION", "numemployees": "5"}),
        ("companies", {"address": "1 Road", "address2": "c/o", "state": "CA", "zip": "1", "timezone": "UTC"}),
        ("companies", {"description": "Engines", "founded_year": "1815", "is_public": "true"}),
        ("deals", {"hs_next_step": "Call", "hs_priority": "high", "hs_forecast_amount": "5", "hs_acv": "1"}),
    ],
)
def test_what_every_portal_has_is_written_and_read(
    call: Call, object_type: str, values: dict[str, str]
) -> None:
    """The definitions in the cassettes of HubspotCommunity/hubspot-ruby."""
    made = call("POST", f"/crm/v3/objects/{object_type}", json={"properties": values})
    assert made.status_code == 201, made.text
    path = f"/crm/v3/objects/{object_type}/{made.json()['id']}?properties={','.join(values)}"
    assert call("GET", path).json()["properties"].items() >= values.items()


def test_what_hubspot_counts_itself_is_not_written(call: Call) -> None:
    body = {"properties": {"num_notes": "5"}}
    answer = call("POST", "/crm/v3/objects/contacts", json=body)
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["code"] == "READ_ONLY_VALUE"


def test_a_record_is_not_associated_with_itself_nor_with_what_is_no_id(
    call: Call, portal: Portal, contact: str
) -> None:
    """`err-contact-to-contact.json` of amp-labs/connectors."""
    types = [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 449}]
    ends: list[dict[str, Any]] = [{"id": "unknown_id_1"}, {"id": contact}]
    inputs = [{"from": {"id": contact}, "to": end, "types": types} for end in ends]
    answer = call("POST", "/crm/associations/2026-03/0-1/0-1/batch/create", json={"inputs": inputs})
    assert (answer.status_code, answer.json()["numErrors"], answer.json()["results"]) == (207, 2, [])
    assert answer.json()["errors"] == [
        {
            "status": "error",
            "category": "VALIDATION_ERROR",
            "subCategory": "crm.associations.INVALID_IDENTIFIER",
            "message": "unknown_id_1 is not a valid ID",
            "context": {"id": ["unknown_id_1"]},
        },
        {
            "status": "error",
            "category": "VALIDATION_ERROR",
            "message": f"Object {contact} cannot be associated to itself ({contact})",
        },
    ]


def test_a_meeting_is_called_an_event_by_the_names_of_version_3(call: Call, contact: str) -> None:
    """`meeting_associate` of sensadrome/hubspot-api-ruby, with the type's name as it was sent."""
    body = {"properties": {"hs_meeting_title": "M", "hs_timestamp": "1659970341857"}}
    meeting = call("POST", "/crm/v3/objects/meetings", json=body).json()["id"]
    path = f"/crm/v3/objects/meetings/{meeting}/associations/Contact/{contact}/meeting_event_to_contact"
    answer = call("PUT", path)
    assert answer.status_code == 200
    assert set(answer.json()["properties"]) == {"hs_createdate", "hs_lastmodifieddate", "hs_object_id"}
    expected = {"results": [{"id": contact, "type": "meeting_event_to_contact"}]}
    assert answer.json()["associations"]["contacts"] == expected


NESTED = '{{"status":"error","message":"{}","correlationId":"{}"}}'
FIRST = "/contacts/v1"


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "told"),
    [
        (
            *("PUT", "/companies/v2/companies/0", {"properties": []}, 404),
            {
                "message": "Couldn't find a company with the ID '0' in portal '44237313'",
                "errors": [{"message": "This company 0 does not exist."}],
                "category": "OBJECT_NOT_FOUND",
                "subCategory": "COMPANY_NOT_FOUND",
            },
        ),
        (
            *("PUT", "/deals/v1/deal/0", {"properties": []}, 404),
            {
                "message": "No deal found for dealId=0 portalId=44237313",
                "errors": [{"message": "This deal 0 does not exist."}],
                "category": "OBJECT_NOT_FOUND",
            },
        ),
        ("GET", "/companies/v2/companies/0", None, 404, {"message": "resource not found"}),
        (
            *("GET", f"{FIRST}/lists/-1", None, 404),
            {
                "message": "Couldn't find a List with the given id '-1'.",
                "errors": [{"message": "This list -1 does not exist."}],
                "category": "OBJECT_NOT_FOUND",
            },
        ),
        (
            *("GET", f"{FIRST}/contact/vid/0/profile", None, 404),
            {
                "message": "contact does not exist",
                "errors": [{"message": "The contact 0 does not exist."}],
                "category": "OBJECT_NOT_FOUND",
            },
        ),
        (
            *("DELETE", "/properties/v1/companies/properties/named/nothing", None, 404),
            {
                "message": "Couldn't find a Property with the given name 'nothing'",
                "propertiesErrorCode": "PROPERTY_NOT_FOUND",
            },
        ),
        (
            *("GET", "/properties/v1/deals/groups/named/nothing", None, 404),
            {
                "message": "Couldn't find a Group with the given name 'nothing'.",
                "groupsErrorCode": "GROUP_NOT_FOUND",
            },
        ),
    ],
)
def test_the_first_apis_refuse_in_their_recorded_words(
    call: Call, *, method: str, path: str, body: Any, status: int, told: dict[str, Any]
) -> None:
    """The cassettes of sensadrome/hubspot-api-ruby."""
    answer = call(method, path, json=body)
    known = {"status": "error", "correlationId": answer.json()["correlationId"]}
    assert (answer.status_code, answer.json()) == (status, told | known)


@pytest.mark.parametrize(
    ("path", "body", "message"),
    [
        ("lists", {"name": None, "dynamic": False}, "Every list must have a name."),
        ("contact/merge-vids/5/", {"vidToMerge": 5}, "Cannot merge a contact with itself"),
    ],
)
def test_some_refusals_stand_within_another(
    call: Call, *, path: str, body: dict[str, Any], message: str
) -> None:
    """The cassettes of sensadrome/hubspot-api-ruby."""
    answer = call("POST", f"{FIRST}/{path}", json=body)
    told = answer.json()
    assert (answer.status_code, set(told)) == (400, {"status", "message", "correlationId"})
    assert told["message"] == NESTED.format(message, told["correlationId"])


def test_the_first_api_names_the_contact_that_has_the_address(call: Call, contact: str) -> None:
    """`Hubspot_Contact/create/with_an_existing_email_address` of sensadrome/hubspot-api-ruby."""
    body = {"properties": [{"property": "email", "value": "ada@example.com"}]}
    answer = call("POST", f"{FIRST}/contact", json=body)
    told = answer.json()
    assert (answer.status_code, told["error"]) == (409, "CONTACT_EXISTS")
    assert (told["category"], told["identityProfile"]["vid"]) == ("OBJECT_ALREADY_EXISTS", int(contact))
    assert told["errors"] == [
        {"message": "A contact with email ada@example.com already exists.", "in": "email"}
    ]
    assert {"isContact", "linkedVid", "savedAtTimestamp"} < set(told["identityProfile"])
    assert told["identityProfile"]["identity"][0]["isPrimary"] is True


def test_the_id_of_a_contacts_company_makes_it_the_primary_one(call: Call, portal: Portal) -> None:
    """`Hubspot_Contact/find/with_a_valid_ID` of sensadrome/hubspot-api-ruby."""
    one, other = (portal.create("companies", {"name": name}) for name in ("One", "Other"))
    body = {"properties": {"lastname": "B", "associatedcompanyid": one}}
    contact = call("POST", "/crm/v3/objects/contacts", json=body).json()["id"]
    path = f"/crm/v3/objects/contacts/{contact}?properties=associatedcompanyid&associations=companies"
    assert call("GET", path).json()["associations"]["companies"]["results"][0]["id"] == one
    call("PATCH", path, json={"properties": {"associatedcompanyid": other}})
    told = call("GET", path).json()
    assert told["properties"]["associatedcompanyid"] == other
    assert ("contact_to_company", other) in {
        (row["type"], row["id"]) for row in told["associations"]["companies"]["results"]
    }


def test_the_first_api_shows_what_a_note_begins_with(call: Call, contact: str) -> None:
    """`engagement_find_by_country` of sensadrome/hubspot-api-ruby."""
    body: dict[str, Any] = {"engagement": {"type": "NOTE"}, "metadata": {"body": "<p>foo</p>"}}
    body["associations"] = {"contactIds": [int(contact)]}
    told = call("POST", "/engagements/v1/engagements", json=body).json()
    assert told["associationCreateFailures"] == []
    shown = {key: told["engagement"][key] for key in ("bodyPreview", "bodyPreviewIsTruncated")}
    assert shown == {"bodyPreview": "foo", "bodyPreviewIsTruncated": False}
    assert told["engagement"]["bodyPreviewHtml"].startswith("<html>\n <head></head>\n <body>\n <p>foo")
    assert told["engagement"]["allAccessibleTeamIds"] == told["engagement"]["queueMembershipIds"] == []


def test_the_first_api_tells_which_request_wrote_a_value(call: Call, portal: Portal) -> None:
    """`company_create` and others of sensadrome/hubspot-api-ruby."""
    body = {"properties": [{"name": "name", "value": "A"}, {"name": "domain", "value": "a.example.com"}]}
    values = call("POST", "/companies/v2/companies/", json=body).json()["properties"]
    assert set(values["name"]) == {"value", "timestamp", "source", "sourceId", "updatedByUserId", "versions"}
    (one,), (other,) = values["name"]["versions"], values["domain"]["versions"]
    assert set(one) == {"name", "value", "timestamp", "source", "sourceId", "sourceVid", "requestId"}
    assert (one["sourceVid"], one["requestId"]) == ([], other["requestId"])
