"""What HubSpot's answers mean."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from closedloop.crm.hubspot.answers import (
    error_of,
    errors_of,
    identified,
    item_error,
    names_of,
    next_of,
    results_of,
)
from closedloop.errors import (
    AnswerError,
    AuthenticationError,
    CrmError,
    DuplicateError,
    GoneError,
    QuotaError,
    RefusedError,
    RetryableError,
    ValueRefusedError,
)

Recorded = Callable[[str], Any]


def limited(policy: str | None) -> bytes:
    told = {"status": "error", "errorType": "RATE_LIMIT", "correlationId": "c-1"}
    return json.dumps(told | ({"policyName": policy} if policy else {})).encode()


CLASSES: list[tuple[int, dict[str, str], bytes, type[CrmError], str]] = [
    (429, {}, limited("DAILY"), QuotaError, "daily_quota"),
    (429, {"Retry-After": "5"}, limited("SECONDLY"), RetryableError, "rate_limited"),
    (429, {}, b"", RetryableError, "rate_limited"),
    (423, {}, b"", RetryableError, "try_later"),
    (477, {}, b"", RetryableError, "migrating"),
    *[(status, {}, b"<html>", RetryableError, "try_later") for status in (500, 502, 503, 504, 521, 523, 524)],
    *[(status, {}, b"<html>", AnswerError, "not_the_api") for status in (522, 525, 526, 301, 302, 501)],
    (401, {}, b'{"category":"EXPIRED_AUTHENTICATION"}', AuthenticationError, "bad_token"),
    (530, {}, b"", AuthenticationError, "bad_token"),
    (403, {}, b"{}", AuthenticationError, "missing_scope"),
    (404, {}, b"", GoneError, "gone"),
    (410, {}, b"", GoneError, "gone"),
    (400, {}, b"", RefusedError, "refused"),
    (409, {}, b'{"category":"CONFLICT"}', RefusedError, "refused"),
]


@pytest.mark.parametrize(("status", "headers", "body", "kind", "reason"), CLASSES)
def test_the_type_of_the_error_says_what_can_be_done(
    status: int, headers: dict[str, str], body: bytes, kind: type[CrmError], reason: str
) -> None:
    error = error_of(status, headers, body)
    assert (type(error), error.reason, error.status) == (kind, reason, status)


WAITS = [
    (429, {"Retry-After": "7"}, limited("TEN_SECONDLY_ROLLING"), 7.0),
    (429, {}, limited("TEN_SECONDLY_ROLLING"), 10.0),
    (429, {}, limited("SECONDLY"), 1.0),
    (429, {}, limited(None), 1.0),
    (429, {"Retry-After": "soon"}, limited("SECONDLY"), 1.0),
    (429, {"Retry-After": "0"}, limited("TEN_SECONDLY_ROLLING"), 10.0),
    (429, {"Retry-After": "99999999999"}, limited("SECONDLY"), 86400.0),
    (429, {"retry-after": "7.5"}, limited("SECONDLY"), 7.5),
    (423, {"Retry-After": "1"}, b"", 2.0),
    (423, {}, b"", 2.0),
    (477, {"Retry-After": "86400"}, b"", 86400.0),
    (503, {}, b"", None),
    (503, {"Retry-After": "3"}, b"", 3.0),
]


@pytest.mark.parametrize(("status", "headers", "body", "seconds"), WAITS)
def test_the_least_wait_is_hubspots_own_or_the_length_of_its_window(
    status: int, headers: dict[str, str], body: bytes, seconds: float | None
) -> None:
    error = error_of(status, headers, body)
    assert isinstance(error, RetryableError)
    assert error.retry_after == seconds


def test_recorded_refusals_keep_hubspots_code_and_name_the_properties(recorded: Recorded) -> None:
    unknown = json.dumps(recorded("amp-labs/batch_update_contacts_err-many-invalid-properties.json"))
    error = error_of(400, {}, unknown)
    assert (error.code, error.reason) == ("PROPERTY_DOESNT_EXIST", "unknown_property")
    assert error.correlation_id == "9c5760c4-2c71-4059-897d-cf20a1ce1523"
    assert error.message == (
        "HubSpot refuses the request: VALIDATION_ERROR, PROPERTY_DOESNT_EXIST (first000name, last000name)"
    )


def test_a_recorded_refusal_without_a_category_is_still_a_refusal(recorded: Recorded) -> None:
    error = error_of(400, {}, json.dumps(recorded("amp-labs/search_error-invalid-object.json")))
    assert (type(error), error.code) == (RefusedError, None)


def test_a_recorded_conflict_keeps_its_category(recorded: Recorded) -> None:
    error = error_of(409, {}, json.dumps(recorded("amp-labs/batch_create_contacts_err-conflict.json")))
    assert isinstance(error, DuplicateError)
    assert (error.existing_id, error.code) == (None, "CONFLICT")


EXISTING: list[tuple[int, dict[str, Any], str | None]] = [
    (
        409,
        {"category": "CONFLICT", "message": "Contact already exists. Existing ID: 37765128953"},
        "37765128953",
    ),
    (409, {"category": "CONFLICT", "message": "Contact already exists. Existing ID: ada@example.com"}, None),
    (409, {"category": "CONFLICT", "message": "already exists", "context": {"existingId": ["7"]}}, "7"),
    (409, {"category": "CONFLICT", "context": {"existingId": "7"}}, "7"),
    (409, {"category": "CONFLICT", "message": "already exists", "context": {"existingId": [None, {}]}}, None),
    (409, {"category": "OBJECT_ALREADY_EXISTS", "context": {"name": ["ours"]}}, None),
]


@pytest.mark.parametrize(("status", "told", "existing"), EXISTING)
def test_a_duplicate_names_the_record_that_is_there_where_hubspot_does(
    status: int, told: dict[str, Any], existing: str | None
) -> None:
    error = error_of(status, {}, json.dumps(told))
    assert isinstance(error, DuplicateError)
    assert error.existing_id == existing
    assert "@" not in error.message


def test_a_conflict_of_another_kind_is_no_duplicate() -> None:
    error = error_of(409, {}, b'{"category": "CONFLICT", "message": "The record is being merged"}')
    assert type(error) is RefusedError


@pytest.mark.parametrize("category", ["CONFLICT", "OBJECT_ALREADY_EXISTS"])
def test_a_duplicate_within_a_batch_is_one_too(category: str) -> None:
    told = {"category": category, "message": "It already exists", "context": {"existingId": ["7"]}}
    error = item_error(told)
    assert isinstance(error, DuplicateError)
    assert error.existing_id == "7"


OPTION = (
    'Property values were not valid: [{"isValid":false,"message":"reports was not one of the allowed '
    'options: [BILLING_ISSUE]","error":"INVALID_OPTION","name":"hs_ticket_category"}]'
)
DETAIL = {"code": "INVALID_OPTION", "context": {"propertyName": ["hs_ticket_category"]}}
VALUES: list[tuple[dict[str, Any], tuple[str, ...], str | None]] = [
    ({"category": "VALIDATION_ERROR", "message": OPTION}, ("hs_ticket_category",), "INVALID_OPTION"),
    ({"category": "VALIDATION_ERROR", "errors": [DETAIL]}, ("hs_ticket_category",), "INVALID_OPTION"),
    ({"message": OPTION, "errors": [DETAIL]}, ("hs_ticket_category",), "INVALID_OPTION"),
    (
        {"errors": [{"context": {"propertyName": ["a"]}}, {"context": {"propertyName": ["b", "a"]}}]},
        ("a", "b"),
        None,
    ),
    ({"message": "Forbidden properties: [closed_loop_won, x]"}, ("closed_loop_won", "x"), None),
]


@pytest.mark.parametrize(("told", "fields", "code"), VALUES)
def test_a_refused_value_names_its_properties_wherever_hubspot_does(
    told: dict[str, Any], fields: tuple[str, ...], code: str | None
) -> None:
    error = error_of(400, {}, json.dumps(told))
    assert isinstance(error, ValueRefusedError)
    assert (error.fields, error.code) == (fields, code)
    assert "BILLING_ISSUE" not in error.message


def test_a_recorded_refusal_of_values_has_them_as_fields(recorded: Recorded) -> None:
    body = recorded("amp-labs/batch_update_contacts_err-many-invalid-properties.json")
    for told in (body, {name: value for name, value in body.items() if name != "errors"}):
        error = error_of(400, {}, json.dumps(told))
        assert isinstance(error, ValueRefusedError)
        assert (error.fields, error.reason) == (("first000name", "last000name"), "unknown_property")


@pytest.mark.parametrize(
    "message", [OPTION[:-5], OPTION.replace("[{", "[" * 9999), "Property values were not valid: [1]"]
)
def test_a_message_that_is_cut_off_is_still_a_refusal(message: str) -> None:
    error = error_of(400, {}, json.dumps({"category": "VALIDATION_ERROR", "message": message}))
    assert (type(error), error.code) == (RefusedError, "VALIDATION_ERROR")


def test_recorded_duplicate_ids_are_no_duplicate_records(recorded: Recorded) -> None:
    told = recorded("amp-labs/batch_update_contacts_err-duplicate-ids.json")
    assert type(error_of(400, {}, json.dumps(told))) is RefusedError


def test_the_correlation_id_of_an_error_without_a_body_is_in_its_headers() -> None:
    assert error_of(502, {"X-HubSpot-Correlation-Id": "c-7"}, b"<html>").correlation_id == "c-7"
    assert (
        error_of(400, {"X-HubSpot-Correlation-Id": "c-7"}, b'{"correlationId": "c-8"}').correlation_id
        == "c-8"
    )


PICKLED = [error_of(status, headers, body) for status, headers, body, _, _ in CLASSES] + [
    error_of(status, {}, json.dumps(told)) for status, told, _ in EXISTING
]


@pytest.mark.parametrize("error", PICKLED)
def test_every_error_survives_pickling(error: CrmError) -> None:
    again = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own bytes
    assert (type(again), again.__dict__) == (type(error), error.__dict__)


@pytest.mark.parametrize("nested", [False, True])
def test_a_missing_scope_is_named(nested: bool) -> None:
    scopes = {"context": {"requiredGranularScopes": ["crm.objects.leads.read"]}}
    told = {"category": "MISSING_SCOPES"} | ({"errors": [scopes]} if nested else scopes)
    error = error_of(403, {}, json.dumps(told))
    assert "crm.objects.leads.read" in error.message
    assert error.code == "MISSING_SCOPES"


def test_the_campaigns_api_has_no_code_for_an_unknown_property() -> None:
    told = {"category": "VALIDATION_ERROR", "message": "Forbidden properties: [closed_loop_won]"}
    assert error_of(400, {}, json.dumps(told)).reason == "unknown_property"


def test_a_recorded_partial_failure_names_the_record_that_is_gone(recorded: Recorded) -> None:
    (failure,) = errors_of(recorded("amp-labs/batch_update_contacts_err-partial-success.json"))
    assert names_of(failure) == {"unknownIdentifier888"}
    assert isinstance(item_error(failure), GoneError)


def test_a_recorded_partial_failure_of_campaigns_names_nothing(recorded: Recorded) -> None:
    (failure,) = errors_of(recorded("amp-labs/batch_read_campaigns_multi-207.json"))
    assert names_of(failure) == frozenset()
    error = item_error(failure)
    assert (type(error), error.code) == (RefusedError, "CampaignApiError.INVALID_REQUEST")


def test_a_failure_of_associations_names_where_they_would_start(recorded: Recorded) -> None:
    (failure,) = errors_of(recorded("amp-labs/search_contacts_contacts-to-companies.json"))
    assert names_of(failure) == {"103107104018"}
    assert isinstance(item_error(failure), GoneError)


PAGING = [
    ({"paging": {"next": {"after": "Mg%3D%3D"}}}, "Mg=="),
    ({"paging": {"next": {"after": "54"}}}, "54"),
    ({"paging": {"next": {"after": 54}}}, "54"),
    ({"paging": {}}, None),
    ({"paging": None}, None),
    ({"paging": {"next": None}}, None),
    ({"paging": {"next": {}}}, None),
    ({}, None),
    ([], None),
]


@pytest.mark.parametrize(("answer", "after"), PAGING)
def test_the_next_page_begins_where_the_answer_says_decoded_once(answer: Any, after: str | None) -> None:
    assert next_of(answer) == after


def test_the_recorded_cursor_of_campaigns_is_decoded(recorded: Recorded) -> None:
    assert next_of(recorded("amp-labs/read_campaigns_1-first-page.json")) == "Mg=="


@pytest.mark.parametrize("answer", [None, [], {}, {"results": None}, {"results": {}}, {"results": [1]}, "x"])
def test_an_answer_without_results_is_not_the_api(answer: Any) -> None:
    with pytest.raises(AnswerError):
        results_of(answer)


@pytest.mark.parametrize("result", [{}, {"id": None}, {"id": ""}, {"id": []}])
def test_a_record_without_an_id_is_not_the_api(result: Any) -> None:
    with pytest.raises(AnswerError):
        identified([result])


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=8,
)
FIELDS = ["message", "category", "subCategory", "context", "errors", "correlationId", "policyName"]


@given(st.integers(300, 999), st.dictionaries(st.sampled_from(FIELDS), JSON) | JSON)
def test_every_field_of_an_error_body_is_optional_and_may_be_anything(status: int, told: Any) -> None:
    error = error_of(status, {}, json.dumps(told))
    assert isinstance(error, CrmError)


@given(
    st.sampled_from([400, 401, 403, 404, 409, 423, 429, 500]),
    st.sampled_from(["message", "category", "correlationId", "subCategory"]),
)
def test_personal_data_in_an_error_body_is_never_passed_on(status: int, name: str) -> None:
    secret = "ada lovelace <ada@example.com>"
    details = [{"message": secret, "code": secret, "context": {"propertyName": [secret]}}]
    told = {name: secret, "errors": details, "context": {"requiredGranularScopes": [secret]}}
    for each in (
        told,
        told | {"message": f"Existing ID: {secret}. Property values were not valid: [{secret}]"},
    ):
        error = error_of(
            status, {"Retry-After": secret, "X-HubSpot-Correlation-Id": secret}, json.dumps(each)
        )
        assert "ada" not in f"{error} {vars(error)}".lower()
