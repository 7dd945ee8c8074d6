"""Every way to come by an access token: what is sent, what comes back, and who keeps it."""

from __future__ import annotations

import json
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import parse_qs

import pytest

from closedloop.crm.raw import Answer
from closedloop.crm.salesforce import SalesforceCredentials
from closedloop.crm.salesforce.auth import token_of
from closedloop.crm.salesforce.client import Client
from closedloop.crm.salesforce.soql import Question
from closedloop.crm.tokens import Token
from closedloop.errors import AnswerError, AuthenticationError, SettingsError
from closedloop.sandbox.http import LocalServer

QUERY = "/services/data/v62.0/query/"
TOKEN = "/services/oauth2/token"
ASK = [Question("SELECT Id FROM Lead")]
ROWS = {"done": True, "records": []}
EXPIRED = [{"message": "Session expired or invalid", "errorCode": "INVALID_SESSION_ID"}]


def form(asked: Any) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(asked.body.decode()).items()}


def bearers(double: Any) -> list[str]:
    return [asked.headers["authorization"] for asked in double.asked if asked.path == QUERY]


def test_client_credentials_are_sent_as_a_form(opened: Any, double: Any) -> None:
    opened(client_id="an-id", client_secret="a&secret").query(ASK)
    assert form(double.asked[0]) == {
        "grant_type": "client_credentials", "client_id": "an-id", "client_secret": "a&secret",
    }  # fmt: skip
    assert "authorization" not in double.asked[0].headers
    assert bearers(double) == ["Bearer first"]


@pytest.mark.parametrize("secret", [None, "hush"])
def test_the_refresh_token_flow_sends_the_secret_only_if_there_is_one(
    opened: Any, double: Any, secret: str | None
) -> None:
    opened(client_id="i", client_secret=secret, refresh_token="r1").query(ASK)
    sent = form(double.asked[0])
    assert sent.pop("client_secret", None) == secret
    assert sent == {"grant_type": "refresh_token", "client_id": "i", "refresh_token": "r1"}


def test_a_rotated_refresh_token_is_used_from_then_on_and_handed_out(
    opened: Any, double: Any, laid_out: Any
) -> None:
    kept: list[Token] = []
    double.answer(
        "POST", TOKEN,
        laid_out(200, {"access_token": "a1", "instance_url": double.url, "refresh_token": "r2"}),
        laid_out(200, {"access_token": "a2", "instance_url": double.url}),
        laid_out(200, {"access_token": "a3", "instance_url": double.url, "refresh_token": "r3"}),
    )  # fmt: skip
    double.answer(
        "GET", QUERY, laid_out(401, EXPIRED), laid_out(401, EXPIRED), laid_out(200, ROWS),
    )  # fmt: skip
    client = opened(client_id="i", refresh_token="r1", on_new_token=kept.append)
    with pytest.raises(AuthenticationError):
        client.query(ASK)
    double.answer("GET", QUERY, laid_out(401, EXPIRED), laid_out(200, ROWS))
    client.query(ASK)
    assert [form(each)["refresh_token"] for each in double.asked if each.path == TOKEN] == ["r1", "r2", "r2"]
    assert [(each.value, each.refresh_token) for each in kept] == [("a1", "r2"), ("a2", None), ("a3", "r3")]
    assert "r2" not in repr(kept)


def test_a_given_token_comes_first_and_the_flow_renews_it(opened: Any, double: Any, laid_out: Any) -> None:
    double.answer("GET", QUERY, laid_out(401, EXPIRED), laid_out(200, ROWS))
    opened(access_token="given", client_id="i", refresh_token="r").query(ASK)
    assert bearers(double) == ["Bearer given", "Bearer first"]


def test_a_token_source_is_asked_when_a_token_is_needed_and_again_when_it_expired(
    opened: Any, double: Any, laid_out: Any
) -> None:
    given = iter(["one", Token(value="two", address=double.url.replace("127.0.0.1", "localhost"))])
    double.answer("GET", QUERY, laid_out(200, ROWS), laid_out(401, EXPIRED), laid_out(200, ROWS))
    client = opened(token_source=lambda: next(given))
    client.query(ASK)
    client.query(ASK)
    assert bearers(double) == ["Bearer one", "Bearer one", "Bearer two"]
    assert double.asked[-1].headers["host"].startswith("localhost:")
    assert f"POST {TOKEN}" not in double.paths()


def test_a_token_source_that_gives_the_same_again_is_not_asked_for_ever(
    opened: Any, double: Any, laid_out: Any
) -> None:
    double.answer("GET", QUERY, laid_out(401, EXPIRED))
    given = iter(["same"] * 9)
    with pytest.raises(AuthenticationError):
        opened(token_source=lambda: next(given)).query(ASK)
    assert (len(list(given)), len(double.asked)) == (7, 2)


@pytest.mark.parametrize("given", [None, 5, "", "two words", "line\nbreak", Token(value="")])
def test_a_token_source_that_gives_no_token_is_told_so(opened: Any, double: Any, given: Any) -> None:
    with pytest.raises(AuthenticationError) as caught:
        opened(token_source=lambda: given).query(ASK)
    assert (caught.value.reason, double.asked) == ("no_token", [])


def test_a_token_source_cannot_send_the_token_to_a_plain_address(opened: Any) -> None:
    token = Token(value="t", address="http://evil.example")
    with pytest.raises(SettingsError):
        opened(token_source=lambda: token).query(ASK)


def test_the_username_password_flow_is_legacy(opened: Any, double: Any) -> None:
    with pytest.deprecated_call(match="deprecated"):
        client = opened(
            client_id="i", client_secret="s", username="u@example.com", password="p", security_token="TOK"
        )
    client.query(ASK)
    assert form(double.asked[0]) == {
        "grant_type": "password", "client_id": "i", "client_secret": "s",
        "username": "u@example.com", "password": "pTOK",
    }  # fmt: skip


@pytest.mark.parametrize(
    "instance",
    [
        "https://host/path",
        "https://user@host",
        "https://user:pass@host",
        "https://host?x",
        "//host",
        "host",
        "",
        "http://host",
        "javascript:alert(1)",
        "https://",
        "https://[",
        "https://host:99999",
    ],
)
def test_an_instance_url_that_is_no_plain_https_origin_is_refused(
    opened: Any, double: Any, laid_out: Any, instance: str
) -> None:
    double.answer("POST", TOKEN, laid_out(200, {"access_token": "t", "instance_url": instance}))
    with pytest.raises(AnswerError):
        opened(client_id="i", client_secret="s").query(ASK)


@pytest.mark.parametrize(("told", "seconds"), [(None, None), (7200, 7200.0), ("7200", None), (-5, None)])
def test_a_token_that_says_when_it_ends_is_believed(told: Any, seconds: float | None) -> None:
    body = {"access_token": "t", "instance_url": "https://acme.my.salesforce.com", "expires_in": told}
    assert token_of(Answer(status=200, body=json.dumps(body).encode())).expires_in == seconds


def test_of_many_threads_that_meet_an_expired_token_one_renews_it_for_all() -> None:
    everybody = threading.Barrier(6)
    asked: list[str] = []

    def serve(environ: Any, start: Any) -> list[bytes]:
        asked.append(environ["PATH_INFO"])
        if environ["PATH_INFO"] == TOKEN:
            body: Any = {"access_token": "new", "instance_url": server.url}
        elif environ["HTTP_AUTHORIZATION"] == "Bearer old":
            everybody.wait(5)  # all six are refused before one of them can renew
            body = EXPIRED
        else:
            body = ROWS
        start("401 Expired" if body is EXPIRED else "200 OK", [("Content-Type", "application/json")])
        return [json.dumps(body).encode()]

    server = LocalServer(serve, threads=6)
    server.start()
    try:
        client = Client(
            SalesforceCredentials(login_url=server.url, access_token="old", client_id="i", client_secret="s")
        )
        with ThreadPoolExecutor(6) as pool:
            found = list(pool.map(lambda _: client.query(ASK), range(6)))
    finally:
        server.stop()
    assert found == [[[]]] * 6
    assert Counter(asked) == {QUERY: 12, TOKEN: 1}


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_login_that_fails_is_tried_again_and_proves_nothing_about_the_request(
    opened: Any, double: Any, laid_out: Any, status: int
) -> None:
    double.answer(
        "POST", TOKEN, laid_out(status), laid_out(200, {"access_token": "t", "instance_url": double.url})
    )
    double.answer("POST", "/services/data/v62.0/sobjects/Lead", laid_out(201, {"id": "1", "success": True}))
    client = opened(client_id="i", client_secret="s")
    assert client.request("POST", "sobjects/Lead", body={}).status == 201


def test_no_secret_is_in_an_error_a_log_or_a_repr(
    opened: Any, double: Any, laid_out: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(0)
    double.answer(
        "POST", TOKEN, laid_out(400, {"error": "invalid_grant", "error_description": "no user x@y.zz"})
    )
    client = opened(client_id="i", client_secret="hush-hush", refresh_token="psst-psst")
    with pytest.raises(AuthenticationError) as caught:
        client.query(ASK)
    said = f"{caught.value!r} {caplog.text} {client!r}"
    assert not [word for word in ("hush-hush", "psst-psst", "x@y.zz") if word in said]
