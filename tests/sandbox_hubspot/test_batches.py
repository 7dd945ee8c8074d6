"""Batches of the objects API: limits, partial failures, and what names a failed input."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import requests
from hubspot.crm.contacts import (
    BatchInputSimplePublicObjectBatchInput,
    BatchInputSimplePublicObjectBatchInputUpsert,
    BatchReadInputSimplePublicObjectId,
)

from closedloop.sandbox.hubspot import Portal

Call = Callable[..., requests.Response]
BATCH = "/crm/v3/objects/contacts/batch"


@pytest.fixture
def people(portal: Portal) -> list[str]:
    return [portal.create("contacts", {"email": f"p{n}@example.com"}) for n in range(3)]


def test_a_batch_read_names_all_unknown_ids_at_once(hub: Any, people: list[str]) -> None:
    inputs = [{"id": i} for i in (*people, "99", "98", people[0])]
    body = BatchReadInputSimplePublicObjectId(
        inputs=inputs, properties=["email"], properties_with_history=["email"]
    )
    read = hub.crm.contacts.batch_api.read(body)
    assert [r.id for r in read.results] == people
    assert read.num_errors == 1
    assert read.errors[0].context == {"ids": ["99", "98"]}
    assert read.results[0].properties_with_history["email"][0].value == "p0@example.com"


def test_a_batch_read_goes_by_a_unique_property(hub: Any, people: list[str]) -> None:
    body = BatchReadInputSimplePublicObjectId(
        inputs=[{"id": "p1@example.com"}],
        properties=["email"],
        properties_with_history=[],
        id_property="email",
    )
    assert [r.id for r in hub.crm.contacts.batch_api.read(body).results] == [people[1]]


def test_an_update_spares_what_it_can(hub: Any, people: list[str]) -> None:
    inputs = [{"id": i, "properties": {"firstname": "New"}} for i in (people[0], "99", people[2])]
    answer = hub.crm.contacts.batch_api.update(BatchInputSimplePublicObjectBatchInput(inputs=inputs))
    assert [r.id for r in answer.results] == [people[0], people[2]]
    assert answer.errors[0].context == {"ids": ["99"]}


@pytest.mark.parametrize(
    ("operation", "most", "body"),
    [
        ("read", 100, {"properties": ["email"]}),
        ("read", 50, {"propertiesWithHistory": ["email"]}),
        ("update", 100, {}),
        ("create", 100, {}),
        ("upsert", 100, {}),
        ("archive", 100, {}),
    ],
)
def test_a_batch_has_a_limit(call: Call, operation: str, most: int, body: dict[str, Any]) -> None:
    def answer(size: int) -> int:
        inputs = [
            {"id": f"x{n}@example.com", "idProperty": "email", "properties": {"email": f"x{n}@example.com"}}
            for n in range(size)
        ]
        return call("POST", f"{BATCH}/{operation}", json={**body, "inputs": inputs}).status_code

    assert answer(most + 1) == 400
    assert answer(most) < 300


def test_wrong_values_refuse_the_whole_batch(call: Call, portal: Portal, people: list[str]) -> None:
    inputs = [
        {"id": people[0], "properties": {"firstname": "Right"}},
        {"id": people[1], "properties": {"first000name": "Wrong", "lifecyclestage": "president"}},
    ]
    answer = call("POST", f"{BATCH}/update", json={"inputs": inputs})
    assert answer.status_code == 400
    assert [e["code"] for e in answer.json()["errors"]] == ["PROPERTY_DOESNT_EXIST", "INVALID_OPTION"]
    assert "firstname" not in portal.get("contacts", people[0])["properties"]


def test_a_traced_create_fails_input_by_input(call: Call, people: list[str]) -> None:
    emails = ["p1@example.com", "new@example.com"]
    inputs = [{"objectWriteTraceId": f"t{n}", "properties": {"email": e}} for n, e in enumerate(emails)]
    answer = call("POST", f"{BATCH}/create", json={"inputs": inputs})
    assert answer.status_code == 207
    assert [r["objectWriteTraceId"] for r in answer.json()["results"]] == ["t1"]
    (error,) = answer.json()["errors"]
    assert error["category"] == "CONFLICT"
    assert error["context"] == {"objectWriteTraceId": ["t0"], "existingId": [people[1]]}


def test_an_upsert_tells_new_from_known(hub: Any, people: list[str]) -> None:
    inputs = [
        {"id": e, "idProperty": "email", "properties": {"jobtitle": "Chief"}}
        for e in ("p0@example.com", "fresh@example.com")
    ]
    answer = hub.crm.contacts.batch_api.upsert(BatchInputSimplePublicObjectBatchInputUpsert(inputs=inputs))
    assert [(r.new, r.properties["jobtitle"]) for r in answer.results] == [(False, "Chief"), (True, "Chief")]
    assert answer.results[0].id == people[0]


def test_an_archived_batch_is_gone(call: Call, portal: Portal, people: list[str]) -> None:
    inputs = [{"id": i} for i in (*people[:2], "99")]
    assert call("POST", f"{BATCH}/archive", json={"inputs": inputs}).status_code == 204
    assert portal.ids("contacts") == people[2:]


def test_two_new_contacts_cannot_share_an_address(call: Call, portal: Portal) -> None:
    inputs = [{"properties": {"email": e}} for e in ("twin@example.com", "TWIN@example.com")]
    assert call("POST", f"{BATCH}/create", json={"inputs": inputs}).status_code == 409
    assert portal.ids("contacts") == []


def test_a_taken_address_names_who_has_it(call: Call, portal: Portal, people: list[str]) -> None:
    inputs = [{"properties": {"email": e}} for e in ("new@example.com", "P2@example.com", "p1@example.com")]
    answer = call("POST", f"{BATCH}/create", json={"inputs": inputs})
    assert answer.status_code == 409
    assert answer.json()["message"] == f"Contact already exists. Existing ID: {people[2]}"
    assert answer.json()["category"] == "CONFLICT"
    assert portal.ids("contacts") == people


def test_an_update_that_takes_an_address_changes_nothing(
    call: Call, portal: Portal, people: list[str]
) -> None:
    inputs = [
        {"id": people[0], "properties": {"firstname": "New"}},
        {"id": people[1], "properties": {"email": "p2@example.com"}},
    ]
    assert call("POST", f"{BATCH}/update", json={"inputs": inputs}).status_code == 409
    assert "firstname" not in portal.get("contacts", people[0])["properties"]


def test_a_history_batch_is_refused_in_hubspots_words(call: Call) -> None:
    body = {"propertiesWithHistory": ["email"], "inputs": [{"id": str(n)} for n in range(51)]}
    answer = call("POST", f"{BATCH}/read", json=body)
    assert answer.json()["message"] == (
        "The maximum number of inputs supported in a batch request for property histories is 50. "
        "Please reduce the number of items and try again"
    )


def test_archived_records_are_read_only_when_asked_for(call: Call, portal: Portal, people: list[str]) -> None:
    portal.delete("contacts", people[0])
    body = {"inputs": [{"id": people[0]}, {"id": people[1]}]}
    live, archived = (call("POST", f"{BATCH}/read{q}", json=body) for q in ("", "?archived=true"))
    assert ([r["id"] for r in live.json()["results"]], live.status_code) == ([people[1]], 207)
    (gone,) = archived.json()["results"]
    assert (gone["id"], gone["archived"]) == (people[0], True)
    assert gone["archivedAt"].endswith("Z")


@pytest.fixture
def keyed(portal: Portal) -> list[str]:
    """Two contacts that have a unique property of the portal's own."""
    portal.create_property(
        "contacts",
        {
            "name": "crm_key",
            "label": "Key",
            "type": "string",
            "fieldType": "text",
            "groupName": "contactinformation",
            "hasUniqueValue": True,
        },
    )
    return [portal.create("contacts", {"crm_key": key}) for key in ("k0", "k1")]


def test_a_unique_property_finds_changes_and_makes(call: Call, portal: Portal, keyed: list[str]) -> None:
    read = call("POST", f"{BATCH}/read", json={"idProperty": "crm_key", "inputs": [{"id": "k1"}]})
    assert [r["id"] for r in read.json()["results"]] == [keyed[1]]
    inputs = [
        {"id": k, "idProperty": "crm_key", "properties": {"firstname": k}, "objectWriteTraceId": k}
        for k in ("k0", "k9")
    ]
    results = call("POST", f"{BATCH}/upsert", json={"inputs": inputs}).json()["results"]
    assert [(r["new"], r["objectWriteTraceId"]) for r in results] == [(False, "k0"), (True, "k9")]
    made = results[1]["id"]
    assert portal.get("contacts", made)["properties"]["crm_key"] == "k9"
    portal.update("contacts", made, {"crm_key": "k10"})
    inputs = [{"id": "k9", "idProperty": "crm_key", "properties": {"firstname": "again"}}]
    assert call("POST", f"{BATCH}/upsert", json={"inputs": inputs}).json()["results"][0]["new"] is True


def test_a_unique_value_is_not_had_twice(call: Call, portal: Portal, keyed: list[str]) -> None:
    answer = call("POST", "/crm/v3/objects/contacts", json={"properties": {"crm_key": "k0"}})
    assert (answer.status_code, answer.json()["category"]) == (400, "VALIDATION_ERROR")
    assert answer.json()["message"].endswith(f"{keyed[0]} already has that value.")
    portal.delete("contacts", keyed[0])
    assert call("POST", "/crm/v3/objects/contacts", json={"properties": {"crm_key": "k0"}}).status_code == 201


@pytest.mark.parametrize(
    ("object_type", "wrong", "code", "message"),
    [
        ("contacts", {"email": "nobody"}, "INVALID_EMAIL", "Email address nobody is invalid"),
        (
            "contacts",
            {"lifecyclestage": "boss"},
            "INVALID_OPTION",
            "boss was not one of the allowed options: [",
        ),
        ("contacts", {"nonesuch": "1"}, "PROPERTY_DOESNT_EXIST", 'Property "nonesuch" does not exist'),
        (
            "contacts",
            {"hs_object_source": "1"},
            "READ_ONLY_VALUE",
            '"hs_object_source" is a read only property',
        ),
        (
            "deals",
            {"hs_is_closed": "true"},
            "READ_ONLY_VALUE",
            '"hs_is_closed" is a calculated property; its',
        ),
        ("deals", {"closedate": "soon"}, "INVALID_LONG", "soon was not a valid long."),
        ("companies", {"numberofemployees": "many"}, "INVALID_INTEGER", "many was not a valid number."),
    ],
)
def test_a_wrong_value_is_named_with_its_code(
    call: Call, object_type: str, wrong: dict[str, str], code: str, message: str
) -> None:
    inputs = {"inputs": [{"properties": wrong}]}
    answer = call("POST", f"/crm/v3/objects/{object_type}/batch/create", json=inputs)
    assert answer.status_code == 400
    (error,) = answer.json()["errors"]
    assert (error["code"], error["context"]) == (code, {"propertyName": [*wrong]})
    assert error["message"].startswith(message)
    assert answer.json()["message"].startswith('Property values were not valid: [{"isValid":false,')


def test_a_date_is_a_midnight(call: Call, portal: Portal) -> None:
    portal.create_property(
        "contacts",
        {"name": "born", "label": "Born", "type": "date", "fieldType": "date", "groupName": "mine"},
    )
    answer = call("POST", "/crm/v3/objects/contacts", json={"properties": {"born": "1635535865"}})
    # As in issue 74 of HubSpot/hubspot-api-php.
    assert answer.json()["errors"][0]["message"] == "1635535865 is at 22:18:55.865 UTC, not midnight!"
    assert answer.json()["errors"][0]["code"] == "INVALID_DATE"
