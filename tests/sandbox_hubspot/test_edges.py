"""What lies at the edges of the API: paths and methods that are none, ids that are no numbers, bodies that
are no JSON, and batches that are too long."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import requests

from closedloop.sandbox.hubspot import Portal

Call = Callable[..., requests.Response]
CONTACTS = "/crm/v3/objects/contacts"


@pytest.mark.parametrize(
    "path",
    [
        "/nowhere",
        "/crm/v3/nothing",
        f"{CONTACTS}/99/extra",
        "/crm/objects/2026-09/contacts/5/associations/deals",
    ],
)
def test_an_unknown_path_is_answered_by_the_web_server(call: Call, path: str) -> None:
    answer = call("GET", path)
    assert answer.status_code == 404
    assert answer.headers["Content-Type"].startswith("text/html")
    assert "<title>Error 404 Not Found</title>" in answer.text


def test_the_page_of_an_unknown_path_shows_it_harmlessly(call: Call) -> None:
    assert "<script>" not in call("GET", "/<script>").text


@pytest.mark.parametrize(("method", "path"), [("PUT", CONTACTS), ("DELETE", f"{CONTACTS}/search")])
def test_a_wrong_method_has_no_body(call: Call, method: str, path: str) -> None:
    # `/contacts/search` is a record's path for DELETE: an id that is not there, which is no error.
    answer = call(method, path)
    assert (answer.status_code, answer.text) == ((405, "") if method == "PUT" else (204, ""))


@pytest.mark.parametrize("name", ["butterflies", "credentialing_2_0"])
@pytest.mark.parametrize("path", ["", "/1", "/search", "/batch/read"])
def test_an_unknown_object_type_is_named(call: Call, name: str, path: str) -> None:
    answer = call("POST" if path[1:2] in {"s", "b"} else "GET", f"/crm/v3/objects/{name}{path}", json={})
    assert answer.status_code == 400
    assert answer.json()["message"] == f"Unable to infer object type from: {name}"
    assert "category" not in answer.json()


@pytest.mark.parametrize("name", ["0-9999", "2-12345"])
def test_an_unknown_type_id_has_words_of_its_own(call: Call, name: str) -> None:
    answer = call("GET", f"/crm/v3/objects/{name}")
    assert (answer.status_code, answer.json()["message"]) == (400, f"Invalid object or event type id: {name}")


@pytest.mark.parametrize(
    ("method", "record_id", "message"),
    [
        ("GET", "99", "resource not found"),
        ("GET", "undefined", "Object not found.  objectId are usually numeric."),
        ("PATCH", "99", "Object not found.  objectId are usually numeric."),
        ("PATCH", "x@example.com", "Object not found.  objectId are usually numeric."),
    ],
)
def test_a_record_that_is_not_there(call: Call, method: str, record_id: str, message: str) -> None:
    answer = call(method, f"{CONTACTS}/{record_id}", json={"properties": {"firstname": "A"}})
    assert (answer.status_code, answer.json()["category"]) == (404, "OBJECT_NOT_FOUND")
    assert answer.json()["message"] == message


def test_an_archived_record_is_read_only_when_asked_for(call: Call, portal: Portal, contact: str) -> None:
    portal.delete("contacts", contact)
    assert call("GET", f"{CONTACTS}/{contact}").status_code == 404
    assert call("GET", f"{CONTACTS}/{contact}?archived=true").json()["archived"] is True
    answer = call("POST", f"{CONTACTS}/batch/read", json={"inputs": [{"id": contact}]})
    assert (answer.status_code, answer.json()["results"]) == (207, [])
    assert call("PATCH", f"{CONTACTS}/{contact}", json={"properties": {"firstname": "A"}}).status_code == 404


_EXPECTED = "expected a valid value (number, String, array, object, 'true', 'false' or 'null')"
_ARRAY = "from Array value (token `JsonToken.START_ARRAY`)"
_OBJECT = "`java.util.LinkedHashMap<java.lang.String,java.lang.Object>`"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (
            "%5B",
            f"Invalid input JSON on line 1, column 1: Unexpected character ('%' (code 37)): {_EXPECTED}",
        ),
        ("", "Invalid input JSON on line 1, column 0: No content to map due to end-of-input"),
        ('{"properties":\n{', "Invalid input JSON on line 2, column 2: Unexpected end-of-input"),
        (
            "[]",
            f"Invalid input JSON on line 1, column 1: Cannot deserialize value of type {_OBJECT} {_ARRAY}",
        ),
    ],
)
def test_what_is_no_json_is_refused_as_a_parser_does(call: Call, body: str, message: str) -> None:
    answer = call("POST", CONTACTS, data=body, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["message"]) == (400, message)


@pytest.mark.parametrize("body", ["[" * 100_000, "9" * 5000, '{"properties": {"firstname": "\\ud800"}}'])
def test_hostile_json_is_answered(call: Call, body: str) -> None:
    assert call("POST", CONTACTS, data=body).status_code in {201, 400}


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "application/xml"])
def test_a_body_that_says_it_is_something_else_is_refused(call: Call, kind: str) -> None:
    assert call("POST", CONTACTS, data="{}", headers={"Content-Type": kind}).status_code == 415


@pytest.mark.parametrize(
    "kind", ["application/json", "application/json; charset=UTF-8", "application/hal+json"]
)
def test_json_by_any_of_its_names_is_read(call: Call, kind: str) -> None:
    assert call("POST", f"{CONTACTS}/search", data="{}", headers={"Content-Type": kind}).status_code == 200


@pytest.mark.parametrize("action", ["read", "create", "update", "upsert", "archive"])
def test_the_101st_input_is_one_too_many(call: Call, action: str) -> None:
    inputs = [{"id": str(n), "properties": {"firstname": "A"}} for n in range(101)]
    answer = call("POST", f"{CONTACTS}/batch/{action}", json={"inputs": inputs})
    assert (answer.status_code, answer.json()["category"]) == (400, "VALIDATION_ERROR")
    assert answer.json()["message"] == (
        "The maximum number of inputs supported in a batch is 100. "
        "Please reduce the number of items and try again"
    )


def test_an_update_needs_something_to_update(call: Call, contact: str) -> None:
    answer = call("PATCH", f"{CONTACTS}/{contact}", json={"properties": {}})
    assert answer.status_code == 400
    assert answer.json()["message"] == "No properties found to update, please provide at least one."
    assert answer.json()["context"] == {"properties": ["{}"]}


@pytest.mark.parametrize("path", ["merge", "gdpr-delete"])
def test_missing_fields_are_named(call: Call, path: str) -> None:
    answer = call("POST", f"{CONTACTS}/{path}", json={})
    assert answer.status_code == 400
    assert answer.json()["message"].startswith(
        "Invalid input JSON on line 1, column 2. Some required fields were not set: ["
    )


@pytest.mark.parametrize(
    ("name", "value", "code", "message"),
    [
        ("annualrevenue", "1_000", "INVALID_INTEGER", None),
        ("annualrevenue", " 5", "INVALID_INTEGER", None),
        ("annualrevenue", "\u0665", "INVALID_INTEGER", None),
        ("salesforcelastsynctime", "tomorrow", "INVALID_LONG", "tomorrow was not a valid long."),
        (
            "hubspot_owner_id",
            "29947847357121",
            "INVALID_INTEGER",
            "29947847357121 was not a valid integer (for owner ID).",
        ),
    ],
)
def test_a_value_of_the_wrong_type_is_refused(
    call: Call, name: str, value: Any, code: str, message: str | None
) -> None:
    answer = call("POST", "/crm/v3/objects/companies", json={"properties": {name: value}})
    (error,) = answer.json()["errors"]
    assert (answer.status_code, error["code"]) == (400, code)
    assert message in {None, error["message"]}


def test_an_app_moves_a_lifecycle_stage_forward_only(call: Call, portal: Portal, contact: str) -> None:
    def write(stage: str) -> str | None:
        call("PATCH", f"{CONTACTS}/{contact}", json={"properties": {"lifecyclestage": stage}})
        values: dict[str, str] = portal.get("contacts", contact)["properties"]
        return values.get("lifecyclestage")

    assert write("customer") == "customer"
    assert write("lead") == "customer"
    assert write("") is None
    assert write("lead") == "lead"


def test_upserts_with_trace_ids_fail_one_by_one(call: Call, contact: str) -> None:
    rows = [("0", "new@example.com", {"firstname": "N"}), ("1", "ada@example.com", {"nonsense": "x"})]
    inputs = [
        {"idProperty": "email", "id": email, "properties": values, "objectWriteTraceId": trace}
        for trace, email, values in rows
    ]
    answer = call("POST", f"{CONTACTS}/batch/upsert", json={"inputs": inputs})
    assert (answer.status_code, answer.json()["numErrors"]) == (207, 1)
    assert answer.json()["results"][0]["new"] is True
    assert answer.json()["errors"][0]["context"]["objectWriteTraceId"] == ["1"]
