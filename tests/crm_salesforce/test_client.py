"""The connection: tokens, renewal, retries, timeouts, and nothing of the client library's defects."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from closedloop.crm.raw import Answer
from closedloop.crm.salesforce import SalesforceCredentials
from closedloop.crm.salesforce.client import Client
from closedloop.crm.salesforce.soql import Question
from closedloop.crm.salesforce.transport import Session
from closedloop.errors import (
    AnswerError,
    AuthenticationError,
    CrmError,
    RetryableError,
)

QUERY = "/services/data/v62.0/query/"
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


def test_a_right_that_is_lacking_renews_no_token(client: Any, double: Any, laid_out: Any) -> None:
    double.answer("GET", QUERY, laid_out(403, [{"errorCode": "API_DISABLED_FOR_ORG", "message": "no"}]))
    with pytest.raises(AuthenticationError):
        client.query(ASK)
    assert double.paths() == [f"POST {TOKEN}", f"GET {QUERY}"]


def test_a_netrc_file_adds_nothing_to_a_request(
    client: Any, double: Any, laid_out: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login somebody password else\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    double.answer("GET", QUERY, laid_out(200, rows()))
    client.query(ASK)
    assert [asked.headers.get("authorization") for asked in double.asked] == [None, "Bearer token-1"]


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


def test_what_may_succeed_later_is_tried_again(
    client: Any, double: Any, laid_out: Any, waits: list[float]
) -> None:
    double.answer("GET", QUERY, laid_out(503), laid_out(400, LOCKED), laid_out(200, rows({"Id": "1"})))
    assert client.query(ASK) == [[{"Id": "1"}]]
    assert len(waits) == 2


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


def test_an_address_of_ip_version_6_keeps_its_brackets(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def note(self: Session, method: str, url: str, **_: Any) -> Answer:
        asked.append(url)
        return Answer(status=200)

    monkeypatch.setattr(Session, "exchange", note)
    client = Client(
        SalesforceCredentials(login_url="http://[::1]:8080", access_token="t", api_version="62.0")
    )
    client.request("GET", "limits")
    client.request("GET", "/services/data")
    assert asked == [
        f"https://[::1]:8080{path}" for path in ("/services/data/v62.0/limits", "/services/data")
    ]


def test_numbers_stay_exact(client: Any, double: Any, laid_out: Any) -> None:
    double.answer("GET", QUERY, laid_out(200, '{"done": true, "records": [{"Amount": 0.1, "Count": 3}]}'))
    ((row,),) = client.query(ASK)
    assert (row["Amount"], type(row["Amount"]), row["Count"]) == (Decimal("0.1"), Decimal, 3)


def test_the_client_library_is_imported_only_when_an_org_is_connected() -> None:
    import subprocess
    import sys

    code = "import sys, closedloop.crm.salesforce; sys.exit('simple_salesforce' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
