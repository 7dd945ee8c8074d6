"""What is sent again and what is not, and how long a call can take."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from closedloop.crm import retry
from closedloop.crm.hubspot import HubSpotCredentials
from closedloop.crm.hubspot import client as module
from closedloop.crm.hubspot.answers import error_of
from closedloop.crm.hubspot.client import HubSpotClient
from closedloop.crm.raw import Raw
from closedloop.errors import AnswerError, BadValueError, CrmError, RetryableError, UncertainError

PATH = "/crm/v3/objects/tickets"
MADE: dict[str, Any] = {"id": "1", "results": [{"id": "1"}]}

Send = Callable[[HubSpotClient], Any]

SAFE: dict[str, Send] = {
    "a list": lambda c: c.request("GET", PATH),
    "a search": lambda c: c.request("POST", f"{PATH}/search", body={}),
    "a batch read": lambda c: c.request("POST", f"{PATH}/batch/read", body={}, repeatable=False),
    "a put": lambda c: c.request("PUT", PATH, body={}),
    "a delete": lambda c: c.request("DELETE", PATH),
    "a change": lambda c: c.request("PATCH", PATH, body={}, repeatable=True),
    "a raw change": lambda c: Raw(c).patch(PATH, {}),
    "a raw post that says so": lambda c: Raw(c).post(PATH, {}, repeatable=True),
    "a batch update": lambda c: c.update("tickets", [{"id": "1", "properties": {}}]),
    "a batch upsert": lambda c: c.upsert("tickets", [{"id": "1", "idProperty": "code", "properties": {}}]),
    "a batch archive": lambda c: c.archive("tickets", ["1"]),
    "associations": lambda c: c.associate("tickets", "contacts", []),
}
UNSAFE: dict[str, Send] = {
    "a post": lambda c: c.request("POST", PATH, body={}),
    "a patch": lambda c: c.request("PATCH", PATH, body={}),
    "a put that says so": lambda c: c.request("PUT", PATH, body={}, repeatable=False),
    "a raw post": lambda c: Raw(c).post(PATH, {}),
    "a create": lambda c: c.create_one("tickets", {"properties": {}}),
    "a batch create": lambda c: c.create("tickets", [{"properties": {}}]),
    "new campaigns": lambda c: c.create_campaigns([{"properties": {}}]),
}
UNPROVEN = (500, 502, 503, 504, 524)
PROVEN = (423, 429, 521, 523)


def in_turn(*answers: Any) -> Callable[[Any], Any]:
    """Gives the answers one after the other, whatever is asked; the last one again and again."""
    left = list(answers)
    return lambda _: left.pop(0) if len(left) > 1 else left[0]


@pytest.mark.parametrize("name", SAFE)
def test_what_may_be_done_twice_is_sent_again(
    double: Any, told: Any, client: HubSpotClient, waits: list[float], name: str
) -> None:
    double.gate = in_turn(*(told(b"<html>", status) for status in (502, 423, 429, 524)), told(MADE))
    SAFE[name](client)
    assert (len(double.asked), len(waits)) == (5, 4)


@pytest.mark.parametrize("name", UNSAFE)
def test_what_must_not_be_done_twice_is_sent_again_after_proof_that_nothing_happened(
    double: Any, told: Any, client: HubSpotClient, waits: list[float], name: str
) -> None:
    double.gate = in_turn(*(told({}, status) for status in PROVEN), told(MADE, 201))
    UNSAFE[name](client)
    assert (len(double.asked), len(waits)) == (len(PROVEN) + 1, len(PROVEN))


@pytest.mark.parametrize("status", UNPROVEN)
def test_without_proof_the_caller_is_told_to_look(
    double: Any, told: Any, client: HubSpotClient, waits: list[float], status: int
) -> None:
    double.gate = in_turn(told({"category": "X", "correlationId": "c-9"}, status))
    for send in UNSAFE.values():
        with pytest.raises(UncertainError) as uncertain:
            send(client)
        error = uncertain.value
        assert (error.status, error.code, error.correlation_id) == (status, "X", "c-9")
    assert (len(double.asked), waits) == (len(UNSAFE), [])


@pytest.mark.parametrize("body", [b"", b"{}", b"<html>", b"[]", b'{"results": [{"i'])
@pytest.mark.parametrize("name", ["a create", "a batch create", "new campaigns"])
def test_a_create_whose_success_says_nothing_is_uncertain(
    double: Any, told: Any, client: HubSpotClient, name: str, body: bytes
) -> None:
    double.gate = in_turn(told(body, 201))
    with pytest.raises(UncertainError):
        UNSAFE[name](client)
    assert len(double.asked) == 1


# -- Servers that answer late, slowly or not at all


@contextmanager
def server(behave: Callable[[socket.socket], None]) -> Iterator[str]:
    """A server that does this with every connection once a request has come."""
    listening = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with suppress(OSError):
            while True:
                connection, _ = listening.accept()
                threading.Thread(target=handle, args=(connection,), daemon=True).start()

    def handle(connection: socket.socket) -> None:
        with connection, suppress(OSError):
            connection.recv(65536)
            behave(connection)

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()


def drip(connection: socket.socket, text: bytes) -> None:
    for place in range(len(text)):
        connection.sendall(text[place : place + 1])
        time.sleep(0.01)


def slow_body(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n")
    drip(connection, b" " * 5000)


def slow_chunks(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    drip(connection, b"1\r\n \r\n" * 1000)


def slow_headers(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\n")
    drip(connection, b"X-Padding: " + b"x" * 5000)


def mute(connection: socket.socket) -> None:
    connection.recv(1)


def hang_up(connection: socket.socket) -> None:
    connection.close()


def truncated(connection: socket.socket) -> None:
    connection.sendall(b'HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{"results"')


def not_http(connection: socket.socket) -> None:
    connection.sendall(b"SSH-2.0-OpenSSH_9.9\r\n")


SLOW = [slow_body, slow_chunks, slow_headers, mute]
BROKEN = [hang_up, truncated, not_http]


def connect(url: str) -> HubSpotClient:
    return HubSpotClient(HubSpotCredentials(access_token="t", base_url=url))


@pytest.mark.parametrize("behave", SLOW)
def test_one_deadline_ends_a_call_however_slowly_the_answer_comes(
    behave: Callable[[socket.socket], None], waits: list[float]
) -> None:
    with server(behave) as url:
        client, began = connect(url), time.monotonic()
        with pytest.raises(RetryableError) as late:
            retry.call(client.account, deadline=0.3, attempts=1)
    assert late.value.reason == "timeout"
    assert 0.2 < time.monotonic() - began < 3


@pytest.mark.parametrize("behave", SLOW)
def test_a_create_that_gets_no_answer_in_time_is_uncertain(behave: Callable[[socket.socket], None]) -> None:
    with server(behave) as url:
        client = connect(url)
        with pytest.raises(UncertainError):
            retry.call(lambda: client.create_one("tickets", {}), deadline=0.2)


@pytest.mark.parametrize("behave", BROKEN)
def test_a_broken_answer_is_asked_for_again_and_a_create_is_uncertain(
    behave: Callable[[socket.socket], None], waits: list[float]
) -> None:
    with server(behave) as url:
        client = connect(url)
        with pytest.raises(RetryableError) as broken:
            client.account()
        assert (broken.value.reason, len(waits)) == ("no_connection", 4)
        with pytest.raises(UncertainError) as uncertain:
            client.create_one("tickets", {})
    assert uncertain.value.__context__ is None


def test_a_create_that_cannot_connect_was_not_done_and_may_be_sent_again(waits: list[float]) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        client = connect(f"http://127.0.0.1:{unused.getsockname()[1]}")
        with pytest.raises(RetryableError):
            client.create_one("tickets", {})
    assert len(waits) == 4


def test_when_the_time_is_up_nothing_more_is_sent(
    double: Any, client: HubSpotClient, waits: list[float]
) -> None:
    def late() -> None:
        time.sleep(0.02)
        client.create_one("tickets", {})

    with pytest.raises(RetryableError) as refused:
        retry.call(late, deadline=0.01)
    assert (refused.value.reason, double.asked) == ("timeout", [])


def test_a_wait_that_ends_behind_the_deadline_is_not_begun(
    double: Any, told: Any, client: HubSpotClient, waits: list[float]
) -> None:
    double.gate = in_turn(told({}, 503, {"Retry-After": "61"}))
    with pytest.raises(RetryableError) as refused:
        client.account()
    assert (refused.value.retry_after, waits, len(double.asked)) == (61.0, [], 1)


def test_all_attempts_and_waits_share_the_deadline(
    double: Any, told: Any, client: HubSpotClient, waits: list[float]
) -> None:
    double.gate = in_turn(told({}, 429, {"Retry-After": "25"}))
    with pytest.raises(RetryableError):
        client.account()
    assert (sum(waits) < 60, len(double.asked)) == (True, 3)


def test_calls_that_would_wait_here_for_too_long_are_told_when(double: Any, waits: list[float]) -> None:
    credentials = HubSpotCredentials(access_token="t", base_url=double.url, searches_per_second=1)
    slept: list[float] = []
    client = HubSpotClient(credentials, sleep=slept.append, clock=lambda: 0.0)
    double.answer("POST", f"{PATH}/search", {"results": []})
    client.search("tickets", {})
    with pytest.raises(RetryableError) as refused:
        retry.call(lambda: client.search("tickets", {}), deadline=0.5)
    assert (refused.value.reason, refused.value.retry_after, slept) == ("rate_limited", 1.0, [])
    client.search("tickets", {})
    assert slept == [1.0]


def test_raw_searches_wait_with_the_other_searches(double: Any) -> None:
    slept: list[float] = []
    credentials = HubSpotCredentials(access_token="t", base_url=double.url, searches_per_second=1)
    client = HubSpotClient(credentials, sleep=slept.append, clock=lambda: 0.0)
    for path in (f"{PATH}/search", "/crm/objects/2026-09/deals/search"):
        double.answer("POST", path, {"results": []})
        Raw(client).post(path, {})
    double.answer("GET", PATH, {"results": []})
    Raw(client).get(PATH)
    assert slept == [1.0]


# -- Retry-After


NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def at(seconds: float) -> str:
    return format_datetime(NOW + timedelta(seconds=seconds), usegmt=True)


AFTER = [
    ("7", 7.0),
    (" 7 ", 7.0),
    (at(30), 30.0),
    (at(-30), 10.0),
    ("Wed, 21 Oct 1998 07:28:00 GMT", 10.0),
    ("0", 10.0),
    ("-5", 10.0),
    ("soon", 10.0),
    ("", 10.0),
    ("1e9", 10.0),
    ("٣", 10.0),
    ("999999999", 86400.0),
    (at(10**7), 86400.0),
    ("Sun, 22 Nov 99999 12:00:00 GMT", 10.0),
]


@pytest.mark.parametrize(("header", "seconds"), AFTER)
def test_retry_after_is_seconds_or_a_date_and_anything_else_the_window(header: str, seconds: float) -> None:
    headers = {"retry-after": header, "date": at(0)}
    error = error_of(429, headers, b'{"policyName": "TEN_SECONDLY_ROLLING"}')
    assert isinstance(error, RetryableError)
    assert error.retry_after == seconds


@pytest.mark.parametrize("date", ["", "yesterday"])
def test_a_date_to_wait_for_needs_no_clock_of_hubspots(date: str) -> None:
    soon = format_datetime(datetime.now(UTC) + timedelta(seconds=300), usegmt=True)
    error = error_of(503, {"Retry-After": soon} | ({"Date": date} if date else {}), b"")
    assert isinstance(error, RetryableError)
    assert error.retry_after is None or 290 < error.retry_after <= 300


LIMITS = [
    (policy, window, header)
    for policy, window in (("TEN_SECONDLY_ROLLING", 10.0), ("SECONDLY", 1.0))
    for header in ("Wed, 21 Oct 1998 07:28:00 GMT", "0", "soon", None)
]


@pytest.mark.parametrize("limit", LIMITS)
def test_a_limited_call_waits_for_its_window_at_least(
    double: Any, told: Any, client: HubSpotClient, waits: list[float], limit: tuple[str, float, str | None]
) -> None:
    policy, window, header = limit
    headers = {"Retry-After": header} if header is not None else {}
    double.gate = in_turn(told({"policyName": policy}, 429, headers), told(MADE))
    client.account()
    assert window <= waits[0] < window + 5


# -- What a request may be


ODD: list[dict[str, Any]] = [
    {"method": "TRACE", "path": PATH},
    {"method": "get", "path": PATH},
    {"method": "GET", "path": "//evil.example.com/x"},
    {"method": "GET", "path": "/crm/../oauth"},
    {"method": "GET", "path": "/crm/v3?x=1"},
    {"method": "GET", "path": "https://evil.example.com/"},
    {"method": "GET", "path": "/crm/\r\nX: 1"},
    {"method": "GET", "path": ""},
    {"method": "GET", "path": "crm/v3/objects/tickets"},
    {"method": "GET", "path": PATH, "params": {"after": "\ud800"}},
    {"method": "GET", "path": PATH, "headers": {"X-A": "1\r\nX-B: 2"}},
    {"method": "GET", "path": PATH, "headers": {"X A": "1"}},
    {"method": "GET", "path": PATH, "headers": {"X-A": "ä"}},
    {"method": "POST", "path": PATH, "body": {"x": float("nan")}},
    {"method": "POST", "path": PATH, "body": {"x": "\ud800"}},
    {"method": "POST", "path": PATH, "body": {"x": object()}},
]


@pytest.mark.parametrize("odd", ODD)
def test_a_request_that_cannot_be_meant_is_not_sent(
    double: Any, client: HubSpotClient, odd: dict[str, Any]
) -> None:
    with pytest.raises(BadValueError):
        client.request(odd.pop("method"), odd.pop("path"), **odd)
    assert double.asked == []


def test_a_request_goes_out_as_it_was_given_and_always_with_our_token(
    double: Any, told: Any, client: HubSpotClient
) -> None:
    double.answer("PUT", "/files/v3/files", told(b"", 204, {"X-Trace": "t-1"}))
    answer = client.request(
        "PUT",
        "/files/v3/files",
        params={"a": "x,y z", "b": "ä&"},
        body=b"\x00\xff",
        headers={"content-type": "application/octet-stream", "authorization": "Bearer other", "X-Mine": "1"},
    )
    (asked,) = double.asked
    assert (asked.body, asked.query) == (b"\x00\xff", [("a", "x,y z"), ("b", "ä&")])
    assert [value for name, value in asked.headers.items() if name.lower() == "authorization"] == [
        "Bearer tok-secret"
    ]
    assert (asked.headers["Content-Type"], asked.headers["X-Mine"]) == ("application/octet-stream", "1")
    assert (answer.status, answer.headers["x-trace"], answer.json()) == (204, "t-1", None)


def test_a_closed_client_opens_a_new_connection_when_it_is_used_again(
    double: Any, client: HubSpotClient
) -> None:
    double.answer("GET", "/account-info/v3/details", {"portalId": 1})
    for _ in range(2):
        client.account()
        client.close()
    assert double.connections == 2


def test_the_servers_clock_is_known_from_errors_too(double: Any, told: Any, client: HubSpotClient) -> None:
    double.answer("GET", "/account-info/v3/details", told({}, 404))
    with pytest.raises(CrmError):
        client.account()
    assert client.server_time is not None
    assert abs(client.server_time - datetime.now(UTC)) < timedelta(seconds=60)


@pytest.mark.parametrize("date", ["yesterday", "", "Sun, 22 Nov 99999 12:00:00 GMT"])
def test_a_date_that_is_none_leaves_the_servers_clock_as_it_was(
    double: Any, told: Any, client: HubSpotClient, date: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("http.server.BaseHTTPRequestHandler.date_time_string", lambda _: date)
    double.answer("GET", "/account-info/v3/details", {"portalId": 1})
    client.account()
    assert client.server_time is None


def test_no_more_time_is_given_to_an_attempt_than_there_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "TIMEOUT", (0.05, 0.05))
    with server(mute) as url, retry.without_waiting():
        began = time.monotonic()
        with pytest.raises(RetryableError):
            connect(url).account()
    assert time.monotonic() - began < 3


@pytest.mark.parametrize("body", [b"<html>Welcome</html>", b"{}", b"null", b'{"results": [', b"[1]", b""])
def test_a_success_that_is_not_the_api_is_an_error_of_every_call(
    double: Any, told: Any, client: HubSpotClient, body: bytes
) -> None:
    double.gate = in_turn(told(body))
    calls: list[Callable[[], Any]] = [
        lambda: client.record("contacts", "1", wanted=["email"]),
        lambda: client.page("contacts", wanted=["email"]),
        lambda: client.owner("1"),
        lambda: client.labels("leads", "0-35"),
        client.account,
    ]
    for call in calls:
        with pytest.raises(AnswerError):
            call()
