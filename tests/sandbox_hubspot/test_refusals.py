"""What the portal refuses, and how: tokens, values, bodies that make no sense, failures to order."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import requests
from hubspot.crm.contacts import ApiException

from closedloop.sandbox.hubspot import HubSpotSandbox, Portal

Call = Callable[..., requests.Response]
CONTACTS = "/crm/v3/objects/contacts"


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer nonsense", "Basic {token}", "{token}"])
def test_a_wrong_token_is_refused(sandbox: HubSpotSandbox, header: str) -> None:
    headers = {"Authorization": header.format(token=sandbox.access_token)}
    answer = requests.get(sandbox.url + CONTACTS, headers=headers, timeout=10)
    assert answer.status_code == 401
    assert answer.json()["category"] == "INVALID_AUTHENTICATION"
    assert answer.json()["correlationId"] == answer.headers["X-HubSpot-Correlation-Id"]


def test_a_token_that_was_renewed_is_expired(sandbox: HubSpotSandbox, call: Call) -> None:
    renewed = sandbox.renew_token()
    answer = call("GET", CONTACTS)
    assert (answer.status_code, answer.json()["category"]) == (401, "EXPIRED_AUTHENTICATION")
    assert answer.json()["context"]["expire time"]
    assert call("GET", CONTACTS, headers={"Authorization": f"Bearer {renewed}"}).status_code == 200


@pytest.mark.parametrize(
    ("properties", "code"),
    [
        ({"nonsense": "x"}, "PROPERTY_DOESNT_EXIST"),
        ({"hs_lead_status": "Open"}, "INVALID_OPTION"),
        ({"hs_object_id": "5"}, "READ_ONLY_VALUE"),
        ({"hs_analytics_source": "OFFLINE"}, "READ_ONLY_VALUE"),
        ({"email": "nobody"}, "INVALID_EMAIL"),
        ({"salesforcelastsynctime": "yesterday"}, "INVALID_LONG"),
    ],
)
def test_a_value_is_refused_with_its_reason(
    call: Call, contact: str, properties: dict[str, str], code: str
) -> None:
    answer = call("PATCH", f"{CONTACTS}/{contact}", json={"properties": properties})
    assert answer.status_code == 400
    assert answer.json()["category"] == "VALIDATION_ERROR"
    (error,) = answer.json()["errors"]
    assert (error["code"], error["context"]) == (code, {"propertyName": list(properties)})


@pytest.mark.parametrize(
    ("object_type", "name", "sent", "kept"),
    [
        ("deals", "closedate", "1795000002000", "2026-11-18T11:06:42.000Z"),
        ("deals", "closedate", "2026-11-18T16:26:42.5+02:00", "2026-11-18T14:26:42.500Z"),
        ("deals", "amount", 12.5, "12.5"),
        ("deals", "amount", None, None),
        ("campaigns", "hs_start_date", "2026-02-28", "2026-02-28"),
        ("campaigns", "hs_start_date", 1772236800000, "2026-02-28"),
        ("contacts", "email", "UPPER@Example.COM", "upper@example.com"),
    ],
)
def test_values_are_kept_in_one_form_per_type(
    portal: Portal, object_type: str, name: str, sent: Any, kept: str | None
) -> None:
    needed = {"campaigns": {"hs_name": "Spring"}}.get(object_type, {})
    made = portal.create(object_type, {**needed, name: sent})
    assert portal.get(object_type, made)["properties"].get(name) == kept


@pytest.mark.parametrize(
    ("name", "value"),
    [("hs_start_date", "2026-02-30"), ("hs_start_date", "1772236800001"), ("hs_start_date", "soon")],
)
def test_a_campaign_starts_on_a_whole_day(call: Call, name: str, value: str) -> None:
    body = {"properties": {"hs_name": "Spring", name: value}}
    assert call("POST", "/marketing/v3/campaigns", json=body).status_code == 400


def test_an_address_in_use_names_its_owner(hub: Any, contact: str) -> None:
    with pytest.raises(ApiException) as refused:
        hub.crm.contacts.basic_api.create({"properties": {"email": "Ada@example.com"}})
    assert refused.value.status == 409
    assert f"Contact already exists. Existing ID: {contact}" in refused.value.body


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", f"{CONTACTS}/99", 404),
        ("GET", "/crm/v3/objects/butterflies", 400),
        ("GET", f"{CONTACTS}?limit=101", 400),
        ("GET", f"{CONTACTS}?limit=51&propertiesWithHistory=email", 400),
        ("GET", f"{CONTACTS}?limit=few", 400),
        ("GET", f"{CONTACTS}?after=x", 400),
        ("GET", f"{CONTACTS}/x?idProperty=firstname", 400),
        ("GET", "/crm/v3/owners/5", 404),
    ],
)
def test_a_request_that_makes_no_sense_is_refused(call: Call, method: str, path: str, status: int) -> None:
    answer = call(method, path)
    assert answer.status_code == status
    assert answer.json()["status"] == "error"


WRITES = [
    ("POST", CONTACTS),
    ("PATCH", f"{CONTACTS}/{{contact}}"),
    ("POST", f"{CONTACTS}/search"),
    ("POST", f"{CONTACTS}/merge"),
    ("POST", f"{CONTACTS}/gdpr-delete"),
    ("POST", f"{CONTACTS}/batch/read"),
    ("POST", f"{CONTACTS}/batch/create"),
    ("POST", f"{CONTACTS}/batch/update"),
    ("POST", f"{CONTACTS}/batch/upsert"),
    ("POST", f"{CONTACTS}/batch/archive"),
    ("POST", "/crm/v3/objects/leads"),
    ("POST", "/crm/v3/properties/contacts"),
    ("PATCH", "/crm/v3/properties/contacts/email"),
    ("POST", "/crm/v3/properties/contacts/groups"),
    ("POST", "/crm/v3/properties/contacts/batch/create"),
    ("POST", "/crm/v3/properties/contacts/batch/read"),
    ("POST", "/crm/v4/associations/deals/contacts/batch/read"),
    ("POST", "/crm/v4/associations/deals/contacts/batch/create"),
    ("POST", "/crm/v4/associations/deals/contacts/batch/archive"),
    ("POST", "/crm/v4/associations/deals/contacts/labels"),
    ("POST", "/marketing/v3/campaigns"),
    ("POST", "/marketing/v3/campaigns/batch/read"),
    ("POST", "/marketing/v3/campaigns/batch/update"),
]
STRANGE: list[Any] = [
    b"",
    b"{",
    b"\xff\xfe",
    b"[]",
    b"null",
    b"7",
    b'{"properties": 5, "inputs": 5, "filterGroups": 5, "options": 5, "name": 5}',
    b'{"inputs": [5], "filterGroups": [5], "sorts": [[5]], "associations": [5], "properties": [5]}',
    b'{"inputs": [{}], "filterGroups": [{"filters": [{}]}], "associations": [{}], "properties": {"": 5}}',
    b'{"inputs": [{"id": {}, "from": 5, "to": 5, "name": {}}], "limit": {}, "after": [], "query": {}}',
    b'{"inputs": [{"id": "1", "properties": {"email": {"a": NaN}}, "types": [5]}], "idProperty": {"a": 1}}',
    b'{"name": "n", "label": "l", "groupName": {}, "type": "string", "fieldType": [], "options": [[]]}',
    b'{"options": [{"label": "a", "value": "b", "displayOrder": "c"}], "label": {}, "displayOrder": {}}',
    b'{"properties": {"firstname": "\\ud800", "email": "\\ud800@example.com"}}',
    b'{"associations": [{"to": {"id": "1"}, "types": [{"associationTypeId": "x"}]}], "properties": {}}',
]


@pytest.mark.parametrize(("method", "path"), WRITES)
def test_strange_bodies_never_break_the_portal(call: Call, contact: str, method: str, path: str) -> None:
    for body in STRANGE:
        answer = call(method, path.format(contact=contact), data=body)
        assert answer.status_code < 500, body
        if answer.content:
            answer.json()
    assert call("GET", f"{CONTACTS}/{contact}").status_code == 200


def test_failures_can_be_ordered(sandbox: HubSpotSandbox, call: Call, portal: Portal, contact: str) -> None:
    portal.faults.rate_limit("SECONDLY", path="/search", headers={"Retry-After": "1"})
    portal.faults.add(502, method="PATCH", body="<html>bad gateway</html>", times=2)
    limited = call("POST", f"{CONTACTS}/search", json={})
    assert (limited.status_code, limited.headers["Retry-After"]) == (429, "1")
    assert (limited.json()["errorType"], limited.json()["policyName"]) == ("RATE_LIMIT", "SECONDLY")
    assert call("POST", f"{CONTACTS}/search", json={}).status_code == 200
    statuses = [
        call("PATCH", f"{CONTACTS}/{contact}", json={"properties": {"firstname": "A"}}).status_code
        for _ in range(3)
    ]
    assert statuses == [502, 502, 200]
    assert portal.requests["PATCH", f"{CONTACTS}/{contact}"] == 3
