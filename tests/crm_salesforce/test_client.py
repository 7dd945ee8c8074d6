"""The connection: tokens, renewal, retries, timeouts, and nothing of the client library's defects."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from closedloop.crm.salesforce import SalesforceCredentials
from closedloop.crm.salesforce.client import Client, Usage
from closedloop.crm.salesforce.soql import Question
from closedloop.errors import (
    AnswerError,
    AuthenticationError,
    CrmError,
    QuotaError,
    RefusedError,
    RetryableError,
    SettingsError,
)

QUERY = "/services/data/v62.0/query/"
COMPOSITE = "/services/data/v62.0/composite"
COLLECTION = "/services/data/v62.0/composite/sobjects"
TOKEN = "/services/oauth2/token"
ASK = [Question("SELECT Id FROM Lead")]
EXPIRED = [{"message": "Session expired or invalid", "errorCode": "INVALID_SESSION_ID"}]
LOCKED = [{"message": "unable to obtain exclusive access", "errorCode": "UNABLE_TO_LOCK_ROW"}]


def rows(*records: dict[str, Any]) -> dict[str, Any]:
    return {"totalSize": len(records), "done": True, "records": list(records)}


def test_a_token_is_fetched_once_and_sent_with_every_request(client: Any, double: Any, laid_out: Any) -> None:
    double.answer("GET", QUERY, laid_out(200, rows({"Id": "1"})))
    assert client.query(ASK) == [[{"Id": "1"}]]
    client.query(ASK)
    assert double.paths() == [f"POST {TOKEN}", f"GET {QUERY}", f"GET {QUERY}"]
    assert double.asked[0].body == b"grant_type=client_credentials&client_id=an-id&client_secret=a-secret"
    assert double.asked[2].headers["authorization"] == "Bearer token-1"


def test_a_given_token_needs_no_other(double: Any, laid_out: Any) -> None:
    double.answer("GET", QUERY, laid_out(200, rows()))
    client = Client(SalesforceCredentials(login_url=double.url, access_token="given"))
    assert client.query(ASK) == [[]]
    assert double.asked[0].headers["authorization"] == "Bearer given"


def test_an_expired_token_is_renewed_once_and_the_request_replayed_once(
    client: Any, double: Any, laid_out: Any
) -> None:
    double.answer("GET", QUERY, laid_out(401, EXPIRED), laid_out(200, rows()))
    assert client.query(ASK) == [[]]
    assert double.paths() == [f"POST {TOKEN}", f"GET {QUERY}", f"POST {TOKEN}", f"GET {QUERY}"]
    assert double.asked[-1].headers["authorization"] == "Bearer token-2"


def test_a_new_token_that_is_refused_too_ends_it(client: Any, double: Any, laid_out: Any) -> None:
    double.answer("GET", QUERY, laid_out(401, EXPIRED))
    with pytest.raises(AuthenticationError) as caught:
        client.query(ASK)
    assert (caught.value.code, len(double.asked)) == ("INVALID_SESSION_ID", 4)


def test_a_given_token_that_expired_is_the_callers_to_replace(double: Any, laid_out: Any) -> None:
    double.answer("GET", QUERY, laid_out(401, EXPIRED))
    client = Client(SalesforceCredentials(login_url=double.url, access_token="given"))
    with pytest.raises(AuthenticationError):
        client.query(ASK)
    assert len(double.asked) == 1


@pytest.mark.parametrize("body", [{"error": "x"}, "<html>", "", [], "null"])
def test_a_401_of_any_shape_is_an_authentication_error(
    client: Any, double: Any, laid_out: Any, body: Any
) -> None:
    double.answer("GET", QUERY, laid_out(401, body))
    with pytest.raises(AuthenticationError):
        client.query(ASK)


def test_many_threads_with_one_expired_token_renew_it_once(client: Any, double: Any, laid_out: Any) -> None:
    double.answer("GET", QUERY, laid_out(200, rows()))
    client.query(ASK)
    old = client._salesforce
    barrier = threading.Barrier(6)
    renewed: list[object] = []

    def renew() -> None:
        barrier.wait()
        renewed.append(client._connected(stale=old))

    threads = [threading.Thread(target=renew) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(map(id, renewed))) == 1
    assert double.paths().count(f"POST {TOKEN}") == 2


def test_a_token_for_another_host_moves_all_requests_there(
    client: Any, double: Any, laid_out: Callable[..., Any]
) -> None:
    moved = double.url.replace("127.0.0.1", "localhost")
    double.answer(
        "POST",
        TOKEN,
        laid_out(200, {"access_token": "one", "instance_url": double.url}),
        laid_out(200, {"access_token": "two", "instance_url": moved}),
    )
    double.answer("GET", QUERY, laid_out(200, rows()), laid_out(401, EXPIRED), laid_out(200, rows()))
    client.query(ASK)
    client.query(ASK)
    assert [asked.headers["host"].partition(":")[0] for asked in double.asked] == [
        "127.0.0.1", "127.0.0.1", "127.0.0.1", "127.0.0.1", "localhost",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (
            400,
            {"error": "invalid_grant", "error_description": "no client credentials user"},
            AuthenticationError,
        ),
        (401, {"error": "invalid_client"}, AuthenticationError),
        (200, "<html>Maintenance</html>", AnswerError),
        (200, {"access_token": "t"}, AnswerError),
        (200, {"access_token": "t", "instance_url": "http://evil.example"}, AnswerError),
        (200, {"access_token": "t", "instance_url": "ftp://127.0.0.1"}, AnswerError),
        (200, {"access_token": 5, "instance_url": "https://acme.my.salesforce.com"}, AnswerError),
        (503, "", RetryableError),
    ],
)
def test_a_token_answer_of_another_kind_is_an_error_of_ours(  # noqa: PLR0917 - a table's columns
    client: Any, double: Any, laid_out: Any, status: int, body: Any, error: type[CrmError]
) -> None:
    double.answer("POST", TOKEN, laid_out(status, body))
    with pytest.raises(error) as caught:
        client.query(ASK)
    assert "a-secret" not in caught.value.message


@pytest.mark.parametrize(
    "body", ["<html>Down</html>", "", "5", '{"no": "rows"}', "[1]", '{"records"', b"\xff"]
)
def test_a_200_that_is_not_the_api_is_an_answer_error(
    client: Any, double: Any, laid_out: Any, body: Any
) -> None:
    double.answer("GET", QUERY, laid_out(200, body))
    with pytest.raises(AnswerError):
        client.query(ASK)


def test_a_redirect_is_not_followed(client: Any, double: Any, laid_out: Any) -> None:
    double.answer("GET", QUERY, laid_out(302, "", {"Location": f"{double.url}/elsewhere"}))
    with pytest.raises(AnswerError):
        client.query(ASK)
    assert "GET /elsewhere" not in double.paths()


def test_what_may_succeed_later_is_tried_again(
    client: Any, double: Any, laid_out: Any, waits: list[float]
) -> None:
    double.answer("GET", QUERY, laid_out(503), laid_out(400, LOCKED), laid_out(200, rows({"Id": "1"})))
    assert client.query(ASK) == [[{"Id": "1"}]]
    assert len(waits) == 2


def test_a_used_up_allowance_is_told_at_once(client: Any, double: Any, laid_out: Any) -> None:
    body = [{"errorCode": "REQUEST_LIMIT_EXCEEDED", "message": "TotalRequests Limit exceeded."}]
    double.answer("GET", QUERY, laid_out(403, body))
    with pytest.raises(QuotaError):
        client.query(ASK)
    assert double.paths().count(f"GET {QUERY}") == 1


def test_nobody_listening_is_retryable_and_the_error_holds_no_query(waits: list[float]) -> None:
    client = Client(SalesforceCredentials(login_url="http://127.0.0.1:9", access_token="t"))
    with pytest.raises(RetryableError) as caught:
        client.query([Question("SELECT Id FROM Lead WHERE Name = 'Jane'")])
    assert (caught.value.reason, len(waits)) == ("no_answer", 4)
    assert "Jane" not in caught.value.message


def test_the_timeouts_reach_every_call(double: Any, monkeypatch: pytest.MonkeyPatch, laid_out: Any) -> None:
    import requests

    double.answer("GET", QUERY, laid_out(200, rows()))
    double.answer("POST", TOKEN, laid_out(200, {"access_token": "t", "instance_url": double.url}))
    seen: list[Any] = []
    send = requests.Session.send

    def noting(self: requests.Session, *args: Any, **kwargs: Any) -> requests.Response:
        seen.append(kwargs["timeout"])
        return send(self, *args, **kwargs)

    monkeypatch.setattr(requests.Session, "send", noting)
    credentials = SalesforceCredentials(login_url=double.url, client_id="i", client_secret="s")
    Client(credentials, timeouts=(3.0, 4.0)).query(ASK)
    assert seen == [(3.0, 4.0), (3.0, 4.0)]


def test_numbers_stay_exact(client: Any, double: Any, laid_out: Any) -> None:
    double.answer("GET", QUERY, laid_out(200, '{"done": true, "records": [{"Amount": 0.1, "Count": 3}]}'))
    ((row,),) = client.query(ASK)
    assert (row["Amount"], type(row["Amount"]), row["Count"]) == (Decimal("0.1"), Decimal, 3)


@pytest.mark.parametrize(
    "header",
    ["api-usage=18/5000", "api-usage=18/5000; per-app-api-usage=17/250(appName=sample)",
     "per-app-api-usage=17/250(appName=sample); api-usage=18/5000"],
)  # fmt: skip
def test_the_usage_is_read_in_any_order_and_from_errors_too(
    client: Any, double: Any, laid_out: Any, header: str
) -> None:
    double.answer("GET", QUERY, laid_out(400, LOCKED[:0], {"Sforce-Limit-Info": header}))
    with pytest.raises(CrmError):
        client.query(ASK)
    assert client.usage == Usage(used=18, total=5000)


def test_all_pages_of_a_query_are_read(client: Any, double: Any, laid_out: Any) -> None:
    following = "/services/data/v62.0/query/01gxx-2000"
    first = {"done": False, "records": [{"Id": "1"}], "nextRecordsUrl": following}
    double.answer("GET", QUERY, laid_out(200, first))
    double.answer("GET", following, laid_out(200, rows({"Id": "2"})))
    assert client.query(ASK) == [[{"Id": "1"}, {"Id": "2"}]]


def test_a_lost_locator_asks_the_query_anew(client: Any, double: Any, laid_out: Any) -> None:
    following = "/services/data/v62.0/query/01gxx-2000"
    first = {"done": False, "records": [{"Id": "1"}], "nextRecordsUrl": following}
    lost = [{"errorCode": "INVALID_QUERY_LOCATOR", "message": "invalid query locator"}]
    double.answer("GET", QUERY, laid_out(200, first))
    double.answer("GET", following, laid_out(400, lost), laid_out(200, rows({"Id": "2"})))
    assert client.query(ASK) == [[{"Id": "1"}, {"Id": "2"}]]


@pytest.mark.parametrize(
    "following", [".evil.example/x", "@evil.example/", "//evil.example", "/services/x/../y"]
)
def test_a_continuation_that_leaves_the_api_is_not_followed(
    client: Any, double: Any, laid_out: Any, following: str
) -> None:
    first = {"done": False, "records": [{"Id": "1"}], "nextRecordsUrl": following}
    double.answer("GET", QUERY, laid_out(200, first))
    with pytest.raises(AnswerError):
        client.query(ASK)
    assert len(double.asked) == 2


def test_several_queries_share_a_request_and_a_long_one_leaves_the_url(
    client: Any, double: Any, laid_out: Any
) -> None:
    def part(number: int) -> dict[str, Any]:
        return {
            "body": rows({"n": number}),
            "httpHeaders": {},
            "httpStatusCode": 200,
            "referenceId": f"q{number}",
        }

    double.answer(
        "POST",
        COMPOSITE,
        laid_out(200, {"compositeResponse": [part(number) for number in (4, 3, 2, 1, 0)]}),
        laid_out(200, {"compositeResponse": [part(0)]}),
    )
    assert client.query(ASK * 6) == [[{"n": n}] for n in (0, 1, 2, 3, 4, 0)]
    assert [len(asked.json["compositeRequest"]) for asked in double.asked[1:]] == [5, 1]
    client.query([Question("SELECT Id FROM Lead WHERE Id IN (" + "x" * 2000 + ")", deleted=True)])
    (request,) = double.asked[-1].json["compositeRequest"]
    assert request["url"].startswith("/services/data/v62.0/queryAll?q=SELECT%20Id%20FROM%20Lead%20WHERE")


def test_the_error_of_a_subrequest_is_the_error(client: Any, double: Any, laid_out: Any) -> None:
    bad = [{"errorCode": "INVALID_FIELD", "message": "No such column 'X'"}]
    part = {"body": bad, "httpHeaders": {}, "httpStatusCode": 400, "referenceId": "q1"}
    good = {"body": rows(), "httpHeaders": {}, "httpStatusCode": 200, "referenceId": "q0"}
    double.answer("POST", COMPOSITE, laid_out(200, {"compositeResponse": [good, part]}))
    with pytest.raises(RefusedError) as caught:
        client.query(ASK * 2)
    assert caught.value.code == "INVALID_FIELD"


@pytest.mark.parametrize("status", [200, 400])
def test_results_of_records_are_results_with_either_status(
    client: Any, double: Any, laid_out: Any, corpus: Path, status: int
) -> None:
    body = json.loads(
        (corpus / "salesforce" / "amp-labs" / "batch_update_contacts_err-each-no-ids.json").read_text()
    )
    double.answer("PATCH", COLLECTION, laid_out(status, body))
    assert client.update([{"id": "1"}, {"id": "2"}]) == body


def test_a_result_for_another_number_of_records_is_no_answer(client: Any, double: Any, laid_out: Any) -> None:
    double.answer("PATCH", COLLECTION, laid_out(200, [{"id": "1", "success": True, "errors": []}]))
    with pytest.raises(AnswerError):
        client.update([{"id": "1"}, {"id": "2"}])


def test_an_object_that_the_org_lacks_is_described_as_none(client: Any, double: Any, laid_out: Any) -> None:
    missing = [{"errorCode": "NOT_FOUND", "message": "The requested resource does not exist"}]
    double.answer("GET", "/services/data/v62.0/sobjects/Nothing__c/describe", laid_out(404, missing))
    assert client.describe("Nothing__c") is None
    with pytest.raises(ValueError, match="no API name"):
        client.describe("../limits")


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"login_url": "http://acme.my.salesforce.com", "access_token": "t"}, "plain_http"),
        ({"login_url": "acme.my.salesforce.com", "access_token": "t"}, "bad_url"),
        ({"login_url": "https://user:pass@acme.my.salesforce.com", "access_token": "t"}, "bad_url"),
        ({"login_url": "https://acme.my.salesforce.com/path", "access_token": "t"}, "bad_url"),
        ({"login_url": "https://acme.my.salesforce.com:x", "access_token": "t"}, "bad_url"),
        ({"login_url": "https://acme.my.salesforce.com"}, "no_credentials"),
        ({"login_url": "https://acme.my.salesforce.com", "client_id": "i"}, "half_credentials"),
        (
            {"login_url": "https://login.salesforce.com", "client_id": "i", "client_secret": "s"},
            "shared_login_url",
        ),
        (
            {"login_url": "https://a.my.salesforce.com", "access_token": "t", "api_version": "v62"},
            "bad_api_version",
        ),
    ],
)
def test_credentials_that_cannot_work_are_refused(given: dict[str, str], reason: str) -> None:
    with pytest.raises(SettingsError) as caught:
        SalesforceCredentials(**given)
    assert caught.value.reason == reason


def test_credentials_do_not_show_their_secrets() -> None:
    shown = repr(
        SalesforceCredentials(
            login_url="https://acme.my.salesforce.com/",
            client_id="i",
            client_secret="hush",
            access_token="psst",
        )
    )
    assert "hush" not in shown
    assert "psst" not in shown
    assert "login_url='https://acme.my.salesforce.com'" in shown


def test_the_client_library_is_imported_only_when_an_org_is_connected() -> None:
    import subprocess
    import sys

    code = "import sys, closedloop.crm.salesforce; sys.exit('simple_salesforce' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
