"""What every body shape and code of Salesforce's means to us."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from closedloop.crm.salesforce.answers import error_of, is_collection, record_error, told
from closedloop.errors import (
    AnswerError,
    AuthenticationError,
    CrmError,
    GoneError,
    QuotaError,
    RefusedError,
    RetryableError,
)

CONCURRENT = "ConcurrentRequests (Concurrent API Requests) Limit exceeded."


def listed(code: str, message: str = "said") -> list[dict[str, str]]:
    return [{"errorCode": code, "message": message}]


ANSWERS: list[tuple[int, Any, type[CrmError], str]] = [
    # Every body shape.
    (400, listed("MALFORMED_QUERY"), RefusedError, "refused"),
    (400, {"errorCode": "MALFORMED_QUERY", "message": "said"}, RefusedError, "refused"),
    (400, {"error": "invalid_grant", "error_description": "said"}, AuthenticationError, "bad_credentials"),
    (401, {"error": "invalid_client"}, AuthenticationError, "not_authenticated"),
    (400, {"exceptionCode": "InvalidBatch", "exceptionMessage": "said"}, RefusedError, "refused"),
    (400, [], AnswerError, "not_the_api"),
    (400, {}, AnswerError, "not_the_api"),
    (400, "", AnswerError, "not_the_api"),
    (403, "<html>Forbidden</html>", AnswerError, "not_the_api"),
    (302, "", AnswerError, "not_the_api"),
    (401, "<html>Who?</html>", AuthenticationError, "not_authenticated"),
    (401, listed("INVALID_SESSION_ID"), AuthenticationError, "session_expired"),
    (401, listed("INVALID_AUTH_HEADER"), AuthenticationError, "bad_token"),
    (403, listed("API_DISABLED_FOR_ORG"), AuthenticationError, "api_disabled"),
    (300, ["/services/data/v62.0/sobjects/Lead/00Q1"], RefusedError, "ambiguous"),
    # The retry table.
    (400, listed("UNABLE_TO_LOCK_ROW"), RetryableError, "record_locked"),
    (403, listed("REQUEST_LIMIT_EXCEEDED", CONCURRENT), RetryableError, "too_many_requests"),
    (403, listed("REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded."), QuotaError, "quota"),
    (503, listed("SERVER_UNAVAILABLE"), RetryableError, "crm_unavailable"),
    (500, listed("UNKNOWN_EXCEPTION"), RetryableError, "crm_failed"),
    (502, "<html>Bad gateway</html>", RetryableError, "crm_failed"),
    (504, "", RetryableError, "crm_failed"),
    (429, "", RetryableError, "too_many_requests"),
    (409, "", RetryableError, "conflict"),
    (400, listed("QUERY_TIMEOUT"), RetryableError, "query_timeout"),
    (400, listed("INVALID_QUERY_LOCATOR"), RetryableError, "query_expired"),
    (404, listed("ENTITY_IS_DELETED"), GoneError, "deleted"),
    (404, listed("NOT_FOUND"), GoneError, "not_found"),
    (400, listed("CANNOT_UPDATE_CONVERTED_LEAD"), RefusedError, "lead_converted"),
    (400, listed("FIELD_CUSTOM_VALIDATION_EXCEPTION"), RefusedError, "validation_rule"),
    (400, listed("INVALID_FIELD"), RefusedError, "no_such_field"),
    (410, listed("GONE"), RefusedError, "api_version_retired"),
    (414, "", AnswerError, "not_the_api"),
]


@pytest.mark.parametrize(("status", "body", "error", "reason"), ANSWERS)
def test_an_answer_becomes_the_error_that_says_what_to_do(
    status: int, body: Any, error: type[CrmError], reason: str
) -> None:
    found = error_of(status, body)
    assert (type(found), found.reason, found.status) == (error, reason, status)


@pytest.mark.parametrize(
    ("file", "status", "error", "code"),
    [
        ("crm_delete_not-found.json", 404, GoneError, "ENTITY_IS_DELETED"),
        ("unknown-field.json", 400, RefusedError, "INVALID_FIELD"),
        ("metadata_write_err-duplicate-permission-assignment.json", 400, RefusedError, "DUPLICATE_VALUE"),
    ],
)
def test_recorded_error_bodies_are_read(
    corpus: Path, file: str, status: int, error: type[CrmError], code: str
) -> None:
    body = json.loads((corpus / "salesforce" / "amp-labs" / file).read_text())
    found = error_of(status, body)
    assert (type(found), found.code) == (error, code)


@pytest.mark.parametrize(
    ("file", "codes"),
    [
        ("batch_create_contacts_partial-but-allOrNone.json",
         ["REQUIRED_FIELD_MISSING", "ALL_OR_NONE_OPERATION_ROLLED_BACK"]),
        ("batch_update_contacts_err-each-no-ids.json", ["MISSING_ARGUMENT", "MISSING_ARGUMENT"]),
    ],
)  # fmt: skip
def test_recorded_results_of_records_are_told_from_errors_by_their_shape(
    corpus: Path, file: str, codes: list[str]
) -> None:
    body = json.loads((corpus / "salesforce" / "amp-labs" / file).read_text())
    assert is_collection(body)
    assert [record_error(row["errors"]).code for row in body] == codes


@pytest.mark.parametrize("body", [[], {}, "text", None, listed("NOT_FOUND"), [{"success": True}, {}]])
def test_what_is_not_one_result_per_record_is_no_collection(body: object) -> None:
    assert not is_collection(body)


@pytest.mark.parametrize(
    ("errors", "error"),
    [
        ([{"statusCode": "UNABLE_TO_LOCK_ROW", "message": "locked"}], RetryableError),
        ([{"statusCode": "ENTITY_IS_DELETED", "message": "entity is deleted"}], GoneError),
        ([{"statusCode": "STRING_TOO_LONG"}], RefusedError),
        ([], RefusedError),
        (None, RefusedError),
        (["strange"], RefusedError),
    ],
)
def test_the_error_of_one_record_says_refuse_or_retry(errors: object, error: type[CrmError]) -> None:
    assert type(record_error(errors)) is error


def test_messages_name_nobody_and_open_nothing() -> None:
    secret = "00DQy0000000001!AQEAQFakeFakeFakeFake.Fake"
    said = f"duplicate of jane.doe@example.com under {secret}\n\nand {'x' * 500}"
    found = error_of(400, listed("DUPLICATES_DETECTED", said))
    assert "jane" not in found.message
    assert "AQEAQ" not in found.message
    assert "DUPLICATES_DETECTED" in found.message
    assert len(told(said) or "") == 200
