"""Calls, e-mails, meetings, tasks and notes, through HubSpot's own client."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import requests
from hubspot.crm.objects import (
    BatchInputSimplePublicObjectBatchInputForCreate,
    PublicObjectSearchRequest,
    SimplePublicObjectInput,
    SimplePublicObjectInputForCreate,
)

from closedloop.sandbox.hubspot import Portal

Call = Callable[..., requests.Response]
# Name, type id, a text of its own, and the kinds of association to contacts, companies, deals and leads.
ACTIVITIES = [
    ("calls", "0-48", "hs_call_title", (194, 182, 206, 597)),
    ("emails", "0-49", "hs_email_subject", (198, 186, 210, 599)),
    ("meetings", "0-47", "hs_meeting_title", (200, 188, 212, 601)),
    ("tasks", "0-27", "hs_task_subject", (204, 192, 216, 647)),
    ("notes", "0-46", "hs_note_body", (202, 190, 214, 855)),
]
BY_NAME = pytest.mark.parametrize("activity", ACTIVITIES, ids=lambda a: a[0])
Activity = tuple[str, str, str, tuple[int, ...]]
AT = "2026-11-20T09:30:00.000Z"


def made(hub: Any, name: str, text: str, associations: list[Any], **more: str) -> Any:
    values = {"hs_timestamp": AT, text: "About engines", **more}
    body = SimplePublicObjectInputForCreate(properties=values, associations=associations)
    return getattr(hub.crm.objects, name).basic_api.create(body)


def link(to: str, kind: int) -> dict[str, Any]:
    types = [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": kind}]
    return {"to": {"id": to}, "types": types}


@BY_NAME
def test_an_activity_is_made_read_changed_found_and_archived(
    hub: Any, contact: str, activity: Activity
) -> None:
    name, type_id, text, kinds = activity
    api = getattr(hub.crm.objects, name)
    new = made(hub, name, text, [link(contact, kinds[0])])
    read = api.basic_api.get_by_id(new.id, properties=[text, "hs_timestamp"], associations=["contacts"])
    assert (read.properties[text], read.properties["hs_timestamp"]) == ("About engines", AT)
    (row,) = read.associations["contacts"].results
    # Recorded by sensadrome/hubspot-api-ruby, `meeting_associate`: a meeting is an event here.
    word = "meeting_event" if name == "meetings" else name.removesuffix("s")
    assert (row.id, row.type) == (contact, f"{word}_to_contact")
    api.basic_api.update(new.id, SimplePublicObjectInput(properties={text: "About wings"}))
    query = PublicObjectSearchRequest(
        filter_groups=[{"filters": [{"propertyName": text, "operator": "EQ", "value": "About wings"}]}],
        properties=[text],
    )
    assert [r.id for r in api.search_api.do_search(query).results] == [new.id]
    assert [r.id for r in hub.crm.objects.basic_api.get_page(type_id).results] == [new.id]
    api.basic_api.archive(new.id)
    assert api.basic_api.get_page().results == []


@BY_NAME
def test_an_activity_may_be_about_anything_that_is_sold_to(
    call: Call, portal: Portal, contact: str, activity: Activity
) -> None:
    name, type_id, text, kinds = activity
    company = portal.create("companies", {"name": "Engines"})
    deal = portal.create("deals", {"dealname": "Engines"})
    lead = portal.create("leads", {"hs_lead_name": "Ada"}, associations=[("contacts", contact)])
    others = [("contacts", contact), ("companies", company), ("deals", deal), ("leads", lead)]
    links = [link(other, kind) for (_, other), kind in zip(others, kinds, strict=True)]
    body = {"properties": {"hs_timestamp": AT, text: "x"}, "associations": links}
    new = call("POST", f"/crm/objects/2026-09/{type_id}", json=body).json()["id"]
    for (other_type, other), kind in zip(others, kinds, strict=True):
        (row,) = call("GET", f"/crm/v4/objects/{name}/{new}/associations/{other_type}").json()["results"]
        assert (row["toObjectId"], row["associationTypes"][0]["typeId"]) == (int(other), kind)


@BY_NAME
def test_an_activity_needs_a_time(call: Call, activity: Activity) -> None:
    name, _, text, _ = activity
    answer = call("POST", f"/crm/v3/objects/{name}", json={"properties": {text: "x"}})
    assert answer.status_code == 400
    word = name.removesuffix("s").upper()
    assert answer.json()["message"] == f"Error creating {word}. Some required properties were not set."
    assert answer.json()["context"] == {"properties": ["hs_timestamp"]}


@BY_NAME
def test_its_properties_are_described(hub: Any, activity: Activity) -> None:
    name, _, text, _ = activity
    defined = {p.name: p for p in hub.crm.properties.core_api.get_all(name).results}
    assert defined["hs_timestamp"].type == "datetime"
    assert defined[text].group_name == "engagement"
    assert defined["hs_lastmodifieddate"].modification_metadata.read_only_value


def test_a_call_has_an_outcome_by_its_guid(call: Call) -> None:
    properties = call("GET", "/crm/v3/properties/calls/hs_call_disposition").json()
    guid = next(option["value"] for option in properties["options"] if option["label"] == "Connected")
    body = {"properties": {"hs_timestamp": AT, "hs_call_disposition": guid}}
    assert call("POST", "/crm/v3/objects/calls", json=body).status_code == 201
    body["properties"]["hs_call_disposition"] = "Connected"
    assert call("POST", "/crm/v3/objects/calls", json=body).json()["errors"][0]["code"] == "INVALID_OPTION"


def test_a_batch_of_tasks_is_associated_as_it_is_made(hub: Any, call: Call, contact: str) -> None:
    rows = [
        {
            "properties": {"hs_timestamp": AT, "hs_task_subject": f"T{n}"},
            "associations": [link(contact, 204)],
        }
        for n in range(3)
    ]
    body = BatchInputSimplePublicObjectBatchInputForCreate(inputs=rows)
    tasks = hub.crm.objects.tasks.batch_api.create(body).results
    inputs = {"inputs": [{"id": contact}]}
    (read,) = call("POST", "/crm/v4/associations/contacts/tasks/batch/read", json=inputs).json()["results"]
    assert [str(to["toObjectId"]) for to in read["to"]] == [task.id for task in tasks]
