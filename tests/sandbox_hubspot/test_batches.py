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
