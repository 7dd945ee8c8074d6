"""What every body shape and code of Salesforce's means to us."""

from __future__ import annotations

import json
import pickle
import re
from pathlib import Path
from typing import Any

import pytest

from closedloop.crm.salesforce.answers import error_of, is_collection, record_error, told
from closedloop.crm.salesforce.codes import CODES
from closedloop.errors import (
    AnswerError,
    AuthenticationError,
    ConvertedError,
    CrmError,
    DuplicateError,
    GoneError,
    QuotaError,
    RefusedError,
    RetryableError,
    ValueRefusedError,
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
    (
        400,
        {"exceptionCode": "InvalidSessionId", "exceptionMessage": "said"},
        AuthenticationError,
        "session_expired",
    ),
    (400, {"errorCode": 5, "message": ["no text"]}, AnswerError, "not_the_api"),
    (400, {"errorCode": "two words: jane@example.com"}, AnswerError, "not_the_api"),
    (400, [["strange"]], AnswerError, "not_the_api"),
    (300, [{"attributes": {"url": "/services/data/v62.0/sobjects/Lead/00Q1"}}], RefusedError, "ambiguous"),
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
    (400, listed("INVALID_QUERY_LOCATOR"), RefusedError, "query_expired"),
    (503, listed("API_CURRENTLY_DISABLED"), RetryableError, "crm_unavailable"),
    (404, listed("ENTITY_IS_DELETED"), GoneError, "deleted"),
    (404, listed("NOT_FOUND"), GoneError, "not_found"),
    (400, listed("CANNOT_UPDATE_CONVERTED_LEAD"), ConvertedError, "lead_converted"),
    (400, listed("FIELD_CUSTOM_VALIDATION_EXCEPTION"), ValueRefusedError, "validation_rule"),
    (400, listed("DUPLICATE_VALUE"), DuplicateError, "duplicate"),
    (400, listed("INVALID_CROSS_REFERENCE_KEY"), GoneError, "not_found"),
    (
        400,
        [{**listed("INVALID_CROSS_REFERENCE_KEY")[0], "fields": ["CampaignId"]}],
        ValueRefusedError,
        "no_such_reference",
    ),
    (400, listed("STORAGE_LIMIT_EXCEEDED"), RefusedError, "storage_full"),
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
        ("metadata_write_err-duplicate-permission-assignment.json", 400, DuplicateError, "DUPLICATE_VALUE"),
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
        ([{"statusCode": "STRING_TOO_LONG"}], ValueRefusedError),
        ([{"statusCode": "CANNOT_UPDATE_CONVERTED_LEAD"}], ConvertedError),
        ([{"statusCode": "DUPLICATE_VALUE", "message": "Already a campaign member."}], DuplicateError),
        ([{"statusCode": "ALL_OR_NONE_OPERATION_ROLLED_BACK"}], RefusedError),
        ([{"statusCode": "NEVER_HEARD_OF"}], RefusedError),
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


@pytest.mark.parametrize(
    ("headers", "wait", "trace"),
    [
        ({}, None, None),
        ({"retry-after": "12", "x-sfdc-request-id": "0ec7fe77d8aff85d3d837b2c2c6acb77"}, 12.0,
         "0ec7fe77d8aff85d3d837b2c2c6acb77"),
        ({"retry-after": "soon", "x-sfdc-request-id": "jane@example.com"}, None, None),
    ],
)  # fmt: skip
def test_an_error_carries_what_the_headers_say(headers: Any, wait: float | None, trace: str | None) -> None:
    found = error_of(503, "", headers)
    assert isinstance(found, RetryableError)
    assert (found.retry_after, found.correlation_id) == (wait, trace)


def test_every_error_survives_pickling_with_all_it_carries() -> None:
    bodies = [(status, body) for status, body, *_ in ANSWERS]
    bodies += [(400, [{**listed(code)[0], "fields": ["Name"]}]) for code in CODES]
    for status, body in bodies:
        found = error_of(status, body, {"retry-after": "3", "x-sfdc-request-id": "a" * 32})
        again = pickle.loads(pickle.dumps(found))  # noqa: S301 - our own
        assert (type(again), again.args, vars(again)) == (type(found), found.args, vars(found))


def test_the_codes_of_records_are_salesforces_own() -> None:
    import simple_salesforce

    wsdl = (Path(simple_salesforce.__file__).parent / "metadata.wsdl").read_text()
    part = wsdl[wsdl.index('simpleType name="StatusCode"') :]
    known = set(re.findall(r'enumeration value="(\w+)"', part[: part.index("</xsd:simpleType>")]))
    # These are ExceptionCodes: of whole answers, not of records.
    whole = {
        "INVALID_LOGIN", "LOGIN_MUST_USE_SECURITY_TOKEN", "API_DISABLED_FOR_ORG", "SERVER_UNAVAILABLE",
        "API_CURRENTLY_DISABLED", "EXCEEDED_QUOTA", "InvalidSessionId",
    }  # fmt: skip
    assert set(CODES) - known == whole


def test_every_advice_is_a_sentence_part_of_its_own_and_every_reason_a_slug() -> None:
    for meaning in CODES.values():
        assert re.fullmatch(r"[a-z][a-z_]+", meaning.reason)
        assert meaning.advice
        assert not meaning.advice.endswith(".")
