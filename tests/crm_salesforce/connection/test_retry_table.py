"""What is tried again, how often, after which wait, and what never is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from closedloop.crm import retry
from closedloop.crm.salesforce.client import Client
from closedloop.crm.salesforce.soql import Question
from closedloop.errors import (
    AnswerError,
    AuthenticationError,
    ConvertedError,
    CrmError,
    GoneError,
    QuotaError,
    RefusedError,
    RetryableError,
    UncertainError,
    ValueRefusedError,
)

QUERY = "/services/data/v62.0/query/"
LEAD = "/services/data/v62.0/sobjects/Lead"
TOKEN = "/services/oauth2/token"
ASK = [Question("SELECT Id FROM Lead")]
ROWS = {"done": True, "records": []}
CREATED = {"id": "00Q000000000001EAA", "success": True, "errors": []}
CONCURRENT = "ConcurrentRequests (Concurrent API Requests) Limit exceeded."
DAILY = "TotalRequests Limit exceeded."


def listed(code: str, message: str = "said") -> list[dict[str, str]]:
    return [{"errorCode": code, "message": message}]


TABLE: list[tuple[int, Any, type[CrmError], bool, bool]] = [
    # status, body, error in the end, a safe request is tried again, one that is not is
    (400, listed("UNABLE_TO_LOCK_ROW"), RetryableError, True, True),
    (403, listed("REQUEST_LIMIT_EXCEEDED", CONCURRENT), RetryableError, True, True),
    (429, "", RetryableError, True, True),
    (409, "", RetryableError, True, True),
    (503, listed("SERVER_UNAVAILABLE"), RetryableError, True, True),
    (503, "", RetryableError, True, False),
    (503, "<html>Service unavailable</html>", RetryableError, True, False),
    (500, listed("UNKNOWN_EXCEPTION"), RetryableError, True, False),
    (500, "", RetryableError, True, False),
    (502, "<html>Bad gateway</html>", RetryableError, True, False),
    (504, "", RetryableError, True, False),
    (400, listed("QUERY_TIMEOUT"), RetryableError, True, True),
    (400, listed("REQUEST_RUNNING_TOO_LONG"), RetryableError, True, False),
    (400, listed("INVALID_QUERY_LOCATOR"), RefusedError, False, False),
    (403, listed("REQUEST_LIMIT_EXCEEDED", DAILY), QuotaError, False, False),
    (404, listed("ENTITY_IS_DELETED"), GoneError, False, False),
    (404, listed("NOT_FOUND"), GoneError, False, False),
    (400, listed("CANNOT_UPDATE_CONVERTED_LEAD"), ConvertedError, False, False),
    (400, listed("FIELD_CUSTOM_VALIDATION_EXCEPTION"), ValueRefusedError, False, False),
    (400, listed("REQUIRED_FIELD_MISSING"), ValueRefusedError, False, False),
    (400, listed("INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"), ValueRefusedError, False, False),
    (400, listed("STRING_TOO_LONG"), ValueRefusedError, False, False),
    (400, listed("INSUFFICIENT_ACCESS_OR_READONLY"), RefusedError, False, False),
    (400, listed("INVALID_FIELD"), RefusedError, False, False),
    (400, listed("MALFORMED_QUERY"), RefusedError, False, False),
    (403, listed("API_DISABLED_FOR_ORG"), AuthenticationError, False, False),
    (410, listed("GONE"), RefusedError, False, False),
    (400, "<html>", AnswerError, False, False),
    (414, "", AnswerError, False, False),
    (431, "", AnswerError, False, False),
]


@pytest.mark.parametrize(("status", "body", "error", "again", "_"), TABLE)
def test_a_request_that_is_safe_is_repeated_where_it_may_help(  # noqa: PLR0917 - a table's columns
    client: Client,
    double: Any,
    laid_out: Any,
    status: int,
    body: Any,
    error: type[CrmError],
    again: bool,
    _: bool,
) -> None:
    double.answer("GET", QUERY, laid_out(status, body))
    with pytest.raises(CrmError) as caught:
        client.query(ASK)
    assert type(caught.value) is error
    assert double.paths().count(f"GET {QUERY}") == (5 if again else 1)
    double.answer("GET", QUERY, laid_out(status, body), laid_out(200, ROWS))
    if again:
        assert client.query(ASK) == [[]]


@pytest.mark.parametrize(("status", "body", "error", "safe", "again"), TABLE)
def test_a_request_that_is_not_safe_is_repeated_only_after_a_proof_that_nothing_happened(  # noqa: PLR0917
    client: Client,
    double: Any,
    laid_out: Any,
    status: int,
    body: Any,
    error: type[CrmError],
    safe: bool,
    again: bool,
) -> None:
    double.answer("POST", LEAD, laid_out(status, body))
    with pytest.raises(CrmError) as caught:
        client.request("POST", "sobjects/Lead", body={"LastName": "Doe"})
    assert type(caught.value) is (UncertainError if safe and not again else error)
    assert caught.value.status == status
    assert double.paths().count(f"POST {LEAD}") == (5 if again else 1)
    double.answer("POST", LEAD, laid_out(status, body), laid_out(201, CREATED))
    if again:
        assert client.request("POST", "sobjects/Lead", body={}).json() == CREATED


def test_a_create_that_is_safe_by_the_callers_word_is_repeated(
    client: Client, double: Any, laid_out: Any
) -> None:
    double.answer("POST", LEAD, laid_out(502), laid_out(201, CREATED))
    assert client.request("POST", "sobjects/Lead", body={}, repeatable=True).status == 201


def test_a_get_that_is_not_safe_by_the_callers_word_is_not_repeated(
    client: Client, double: Any, laid_out: Any
) -> None:
    double.answer("GET", LEAD, laid_out(502))
    with pytest.raises(UncertainError):
        client.request("GET", "sobjects/Lead", repeatable=False)


def test_the_caller_is_told_why_it_is_uncertain_and_what_to_do(
    client: Client, double: Any, laid_out: Any
) -> None:
    double.answer("POST", LEAD, laid_out(500, listed("UNKNOWN_EXCEPTION")))
    with pytest.raises(UncertainError, match="look before sending it again") as caught:
        client.request("POST", "sobjects/Lead", body={})
    found = caught.value
    assert (found.status, found.code, found.reason) == (500, "UNKNOWN_EXCEPTION", "crm_failed")


@pytest.mark.parametrize(
    ("header", "least", "most"),
    [("7", 7, 7), ("0", 0.5, 1.5), ("Sun, 06 Nov 1994 08:49:37 GMT", 0.5, 1.5), ("soon", 0.5, 1.5),
     ("-3", 0.5, 1.5), ("", 0.5, 1.5)],
)  # fmt: skip
@pytest.mark.parametrize("status", [429, 503])
def test_no_attempt_comes_before_retry_after_nor_without_a_pause(  # noqa: PLR0917 - a table's columns
    client: Client,
    double: Any,
    laid_out: Any,
    waits: list[float],
    status: int,
    header: str,
    least: float,
    most: float,
) -> None:
    double.answer("GET", QUERY, laid_out(status, "", {"Retry-After": header}), laid_out(200, ROWS))
    client.query(ASK)
    assert [least <= wait <= most for wait in waits] == [True]


def test_a_date_to_retry_after_is_a_wait_until_then(
    client: Client, double: Any, laid_out: Any, waits: list[float]
) -> None:
    until = format_datetime(datetime.now(UTC) + timedelta(seconds=20), usegmt=True)
    double.answer("GET", QUERY, laid_out(429, "", {"Retry-After": until}), laid_out(200, ROWS))
    client.query(ASK)
    assert 15 < waits[0] <= 21


@pytest.mark.parametrize("header", ["86400", "9" * 30])
def test_a_wait_that_is_longer_than_the_deadline_goes_to_the_caller_at_once(
    client: Client, double: Any, laid_out: Any, waits: list[float], header: str
) -> None:
    double.answer("GET", QUERY, laid_out(429, "", {"Retry-After": header}))
    with pytest.raises(RetryableError) as caught:
        client.query(ASK)
    assert (caught.value.retry_after, waits) == (86_400.0, [])


def test_the_waits_end_at_the_deadline(
    client: Client, double: Any, laid_out: Any, waits: list[float]
) -> None:
    double.answer("GET", QUERY, laid_out(429, "", {"Retry-After": "70"}))
    with pytest.raises(RetryableError):
        client.query(ASK)
    assert waits == [70.0, 70.0]


def test_a_deadline_of_the_callers_own_is_kept_to(client: Client, double: Any, laid_out: Any) -> None:
    double.answer("GET", QUERY, laid_out(200, ROWS))
    with pytest.raises(RetryableError) as caught:
        retry.call(lambda: client.query(ASK), deadline=0.0)
    assert (caught.value.reason, double.asked) == ("out_of_time", [])
    with pytest.raises(RetryableError) as caught:  # nothing was sent: that is certain
        retry.call(lambda: client.request("POST", "x", body={}), deadline=0.0)


def test_the_daily_limit_says_how_the_requests_come_back(client: Client, double: Any, laid_out: Any) -> None:
    double.answer("GET", QUERY, laid_out(403, listed("REQUEST_LIMIT_EXCEEDED", DAILY)))
    with pytest.raises(QuotaError, match="24 hours") as caught:
        client.query(ASK)
    assert (caught.value.resets_at, caught.value.reason) == (None, "quota")


def test_a_token_that_expires_in_the_middle_of_a_batch_replays_only_the_request_concerned(
    client: Client, double: Any, laid_out: Any
) -> None:
    following = "/services/data/v62.0/query/01gRO0000016PIAYA2-2000"
    expired = laid_out(401, listed("INVALID_SESSION_ID"))
    double.answer(
        "GET", QUERY, laid_out(200, {"done": False, "records": [{"Id": "1"}], "nextRecordsUrl": following})
    )
    double.answer("GET", following, expired, laid_out(200, {"done": True, "records": [{"Id": "2"}]}))
    assert client.query(ASK) == [[{"Id": "1"}, {"Id": "2"}]]
    assert double.paths() == [
        f"POST {TOKEN}", f"GET {QUERY}", f"GET {following}", f"POST {TOKEN}", f"GET {following}",
    ]  # fmt: skip


def test_a_query_whose_locator_is_lost_again_and_again_ends(
    client: Client, double: Any, laid_out: Any
) -> None:
    following = "/services/data/v62.0/query/01gRO0000016PIAYA2-2000"
    double.answer(
        "GET", QUERY, laid_out(200, {"done": False, "records": [{"Id": "1"}], "nextRecordsUrl": following})
    )
    double.answer("GET", following, laid_out(400, listed("INVALID_QUERY_LOCATOR")))
    with pytest.raises(RetryableError) as caught:
        client.query(ASK)
    assert (caught.value.reason, double.paths().count(f"GET {QUERY}")) == ("query_expired", 3)


def test_a_part_of_a_composite_that_may_succeed_later_asks_all_of_them_anew(
    client: Client, double: Any, laid_out: Any
) -> None:
    def parts(status: int, body: Any) -> dict[str, Any]:
        good = {"body": ROWS, "httpHeaders": {}, "httpStatusCode": 200, "referenceId": "q0"}
        return {
            "compositeResponse": [good, {**good, "body": body, "httpStatusCode": status, "referenceId": "q1"}]
        }

    path = "/services/data/v62.0/composite"
    timeout = laid_out(200, parts(400, listed("QUERY_TIMEOUT")))
    double.answer("POST", path, timeout, laid_out(200, parts(200, ROWS)))
    assert client.query(ASK * 2) == [[], []]
    double.answer("POST", path, timeout)
    with pytest.raises(RetryableError):
        client.query(ASK * 2)
    double.answer("POST", path, laid_out(200, parts(400, listed("INVALID_FIELD"))))
    with pytest.raises(RefusedError):
        client.query(ASK * 2)
    others: list[Any] = [
        parts(200, []),
        parts(0, None),
        {"compositeResponse": [5]},
        {"compositeResponse": []},
    ]
    for strange in others:
        double.answer("POST", path, laid_out(200, strange))
        with pytest.raises(AnswerError):
            client.query(ASK * 2)


@pytest.mark.parametrize("method", ["GET", "POST", "PATCH", "PUT", "DELETE"])
def test_a_401_is_replayed_once_whatever_the_verb_with_all_that_was_said(
    client: Client, double: Any, laid_out: Any, method: str
) -> None:
    double.answer(method, LEAD, laid_out(401, listed("INVALID_SESSION_ID")), laid_out(200, CREATED))
    client.request(
        method, "sobjects/Lead", params={"a": "b c"}, body={"n": 1},
        headers={"Sforce-Duplicate-Rule-Header": "allowSave=true"},
    )  # fmt: skip
    first, second = (asked for asked in double.asked if asked.path == LEAD)
    assert (first.body, first.query) == (second.body, second.query) == (b'{"n":1}', {"a": ["b c"]})
    for asked, token in ((first, "token-1"), (second, "token-2")):
        assert asked.headers["sforce-duplicate-rule-header"] == "allowSave=true"
        assert asked.headers["authorization"] == f"Bearer {token}"


def test_a_collection_in_an_answer_of_400_is_an_answer(client: Client, double: Any, laid_out: Any) -> None:
    rows = [
        {"success": False, "errors": [{"statusCode": "STRING_TOO_LONG", "message": "m", "fields": ["Name"]}]}
    ]
    double.answer("PATCH", "/services/data/v62.0/composite/sobjects", laid_out(400, rows))
    assert client.update([{"id": "1"}]) == rows
