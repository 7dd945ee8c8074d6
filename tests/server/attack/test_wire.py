"""The real server, spoken to byte by byte: smuggled requests, slow clients, bodies of a gigabyte."""

from __future__ import annotations

import logging
import select
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from closedloop_server import strict_http

if TYPE_CHECKING:
    from tests.server.attack.conftest import Forms, Wire
    from tests.server.conftest import Loop

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)

HIDDEN = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
"""Answered with 200, if anybody takes it for a request."""
LAST_CHUNK = b"0\r\n\r\n"
JSON = "Content-Type: application/json"
WHOLE = f"Content-Length: {len(LAST_CHUNK + HIDDEN)}"

SMUGGLED = {
    "length and chunks": [WHOLE, "Transfer-Encoding: chunked"],
    "chunks and length": ["Transfer-Encoding: chunked", WHOLE],
    "chunks in another case": [WHOLE, "tRANSFER-eNCODING: cHUNKED"],
    "chunks after a tab": [WHOLE, "Transfer-Encoding:\tchunked"],
    "chunks on a folded line": [WHOLE, "Transfer-Encoding:\r\n chunked"],
    "chunks and a comma": [WHOLE, "Transfer-Encoding: chunked,"],
    "chunks twice": [WHOLE, "Transfer-Encoding: chunked", "Transfer-Encoding: chunked"],
    "chunks and identity": [WHOLE, "Transfer-Encoding: chunked", "Transfer-Encoding: identity"],
    "chunks after another coding": [WHOLE, "Transfer-Encoding: gzip, chunked"],
    "a coding that nobody knows": [WHOLE, "Transfer-Encoding: xchunked"],
    "chunks with a parameter": [WHOLE, "Transfer-Encoding: chunked;x=1"],
    "chunks in quotes": [WHOLE, 'Transfer-Encoding: "chunked"'],
    "a vertical tab before chunks": [WHOLE, "Transfer-Encoding: \x0bchunked"],
    "a vertical tab after chunks": [WHOLE, "Transfer-Encoding: chunked\x0b"],
    "a space before the colon": [WHOLE, "Transfer-Encoding : chunked"],
    "a bare line feed": ["X: y\nTransfer-Encoding: chunked", WHOLE],
    "a bare carriage return": ["X: y\rTransfer-Encoding: chunked", WHOLE],
    "two lengths": ["Content-Length: 5", WHOLE],
    "a list of lengths": ["Content-Length: 5, 5"],
    "the same length twice": ["Content-Length: 5", "Content-Length: 5"],
    "a length with a sign": ["Content-Length: +5"],
    "a length below nothing": ["Content-Length: -5"],
    "a length with a remark": ["Content-Length: 5;"],
    "a length in hexadecimals": ["Content-Length: 0x5"],
    "a length with an underscore": ["Content-Length: 0_5"],
    "a length in other digits": ["Content-Length: \xb2"],
    "an empty length": ["Content-Length:"],
    "a length that must be waited for": [WHOLE, "Transfer-Encoding: chunked", "Expect: 100-continue"],
}


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize("shape", SMUGGLED)
def test_a_request_that_can_be_read_as_two_is_refused_and_the_rest_is_not_read(
    wire: Wire, shape: str
) -> None:
    """A naive proxy goes by one header and hands on everything; the hidden request must not be answered."""
    sent = wire.head("/webhooks/hubspot/marketing", JSON, *SMUGGLED[shape]) + LAST_CHUNK + HIDDEN
    (status,) = wire.answers(sent)
    assert status in {400, 501}


@pytest.mark.usefixtures("untouched")
def test_chunks_on_http_1_0_are_refused(wire: Wire) -> None:
    head = wire.head("/webhooks/hubspot/marketing", JSON, "Transfer-Encoding: chunked", WHOLE)
    assert wire.answers(head.replace(b"HTTP/1.1", b"HTTP/1.0") + LAST_CHUNK + HIDDEN) == [400]


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize("size", ["0x2", "+2", "-2", "2_", " 2", "2 ", "", "g", "2;a\n", "2\n"])
def test_a_chunk_whose_size_can_be_read_in_two_ways_is_refused(wire: Wire, size: str) -> None:
    head = wire.head("/webhooks/hubspot/marketing", JSON, "Transfer-Encoding: chunked")
    assert wire.answers(head + size.encode() + b"\r\n[]\r\n" + LAST_CHUNK + HIDDEN) == [400]


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize("begin", [b"1;a=", b"0\r\nX: "], ids=["extension", "trailer"])
def test_a_line_between_chunks_that_does_not_end_is_cut_off(
    wire: Wire, first_status: Callable[[socket.socket], int], begin: bytes
) -> None:
    with wire.connected() as connection:
        head = wire.head("/webhooks/hubspot/marketing", JSON, "Transfer-Encoding: chunked")
        connection.sendall(head + begin + b"a" * 10_000)
        assert first_status(connection) == 400


@pytest.mark.usefixtures("untouched")
def test_two_requests_in_a_row_are_two_requests(wire: Wire) -> None:
    """What the tests above would see if the hidden request had been read."""
    head = wire.head("/webhooks/hubspot/marketing", JSON, "Content-Length: 2")
    assert wire.answers(head + b"[]" + HIDDEN) == [401, 200]


def test_a_delivery_in_chunks_is_taken(loop: Loop, wire: Wire, forms: type[Forms]) -> None:
    body = forms.message()
    head = wire.head(forms.salesforce, "Content-Type: text/xml", "Transfer-Encoding: chunked")
    pieces = [body[:100], body[100:]]
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(each), each) for each in pieces)
    assert wire.answers(head + chunks + LAST_CHUNK) == [200]
    assert [row["body"] for row in loop.rows("inbox")] == [body]


@pytest.mark.usefixtures("untouched")
def test_a_header_with_underscores_is_no_signature(wire: Wire, loop: Loop, forms: type[Forms]) -> None:
    """Some proxies take X_HubSpot for X-HubSpot, and drop only the latter from strangers."""
    body = forms.events()
    headers = [
        f"{name.replace('-', '_')}: {value}" for name, value in forms.signed(body, loop.clock()).items()
    ]
    head = wire.head(forms.hubspot, JSON, f"Content-Length: {len(body)}", *headers)
    assert wire.answers(head + body) == [401]


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize(
    ("path", "statuses"),
    [
        ("/webhooks/hubspot/%00", {404}),
        ("/webhooks/hubspot/\xff", {400, 404}),
        ("//webhooks/hubspot/marketing", {401, 404}),
        ("/webhooks/hubspot/marketing/", {404}),
        ("/./webhooks/hubspot/marketing", {404}),
        ("/webhooks/../webhooks/hubspot/marketing", {404}),
        ("*", {404}),
        ("http://[::1", {400}),
        ("http://[::1]x/", {400, 404, 405}),
        ("/%", {404}),
        ("/%zz", {404}),
        ("/" + "a" * 20_000, {404, 414}),
        ("/" + "a" * 40_000, {431}),
    ],
    ids=lambda value: value[:30].encode("unicode_escape").decode() if isinstance(value, str) else None,
)
def test_an_odd_address_is_answered_and_fills_no_log(
    wire: Wire, caplog: pytest.LogCaptureFixture, path: str, statuses: set[int]
) -> None:
    with caplog.at_level(logging.INFO):
        (status,) = wire.answers(wire.head(path, JSON, "Content-Length: 2") + b"[]")
    assert status in statuses
    assert "Traceback" not in caplog.text
    assert "uncaptured" not in caplog.text


def memory_kb() -> int:
    """What this process, in which the server runs, has in memory now."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmRSS:")).split()[1])


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize("headers", [[], ["Expect: 100-continue"]], ids=["sent at once", "asked for first"])
def test_a_gigabyte_that_is_announced_is_refused_before_any_of_it_is_read(
    wire: Wire, first_status: Callable[[socket.socket], int], headers: list[str]
) -> None:
    with wire.connected() as connection:
        head = wire.head("/webhooks/hubspot/marketing", JSON, f"Content-Length: {1 << 30}", *headers)
        connection.sendall(head)
        assert first_status(connection) == 413


@pytest.mark.usefixtures("untouched")
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="only Linux tells the memory of now")
def test_a_gigabyte_in_chunks_is_cut_off_and_takes_no_memory(
    wire: Wire, first_status: Callable[[socket.socket], int]
) -> None:
    chunk = b"%x\r\n%s\r\n" % (1 << 20, b" " * (1 << 20))
    before, sent = memory_kb(), 0
    with wire.connected() as connection:
        connection.sendall(wire.head("/webhooks/hubspot/marketing", JSON, "Transfer-Encoding: chunked"))
        try:
            for _ in range(1024):
                connection.sendall(chunk)
                sent += 1
        except (BrokenPipeError, ConnectionResetError):
            pass  # the server has closed: what it said may have been lost with what it did not read
        else:
            pytest.fail("a gigabyte was taken")
    assert sent < 200
    assert memory_kb() - before < 100_000
    assert wire.answers(wire.head("/healthz", "Connection: close", method="GET")) == [200]


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize(
    "begin", [b"GET / HTTP/1.1\r\nX: ", b"POST / HTTP/1.1\r\nContent-Length: 9999\r\n\r\n"]
)
def test_a_request_that_drips_for_ever_is_ended(
    wire: Wire, first_status: Callable[[socket.socket], int], monkeypatch: pytest.MonkeyPatch, begin: bytes
) -> None:
    monkeypatch.setattr(strict_http, "_LONGEST", 0.2)
    with wire.connected() as connection:
        connection.sendall(begin)
        connection.setblocking(False)
        for _ in range(300):
            connection.send(b"a")
            if select.select([connection], [], [], 0.1)[0]:
                break
        connection.setblocking(True)
        assert first_status(connection) == 408
        # Until the server has closed; it resets the connection when it was sent more meanwhile.
        with suppress(ConnectionResetError):
            while connection.recv(1_000):
                pass


@pytest.mark.parametrize("part", ["head", "body"])
def test_sixteen_dripping_clients_do_not_hold_up_a_normal_one(
    loop: Loop, wire: Wire, forms: type[Forms], part: str
) -> None:
    """There are eight threads: with one for each client, nobody else would be answered."""
    body = forms.message()
    head = wire.head(forms.salesforce, "Content-Type: text/xml", f"Content-Length: {len(body)}")
    whole = head + body
    begin = 20 if part == "head" else len(head) + 20
    dripping = [socket.create_connection(wire.address, timeout=30) for _ in range(16)]
    try:
        for client in dripping:
            client.sendall(whole[:begin])
        for place in range(begin, begin + 5):
            for client in dripping:
                client.sendall(whole[place : place + 1])
            assert wire.answers(whole) == [200]
        assert len(loop.rows("inbox")) == 1
        # They are slow and nothing worse: who goes on to the end is answered too.
        dripping[0].sendall(whole[begin + 5 :])
        assert dripping[0].recv(12) == b"HTTP/1.1 200"
    finally:
        for client in dripping:
            client.close()


def test_a_client_that_does_not_read_its_answers_holds_up_nobody(wire: Wire, forms: type[Forms]) -> None:
    greedy = [socket.create_connection(wire.address, timeout=30) for _ in range(16)]
    try:
        for client in greedy:
            client.sendall(wire.head("/login", method="GET") * 20)
        assert wire.answers(wire.head("/healthz", "Connection: close", method="GET")) == [200]
    finally:
        for client in greedy:
            client.close()


@pytest.mark.usefixtures("untouched")
def test_clients_that_hang_up_in_the_middle_leave_nothing(wire: Wire, forms: type[Forms]) -> None:
    body = forms.message()
    head = wire.head(forms.salesforce, "Content-Type: text/xml", f"Content-Length: {len(body)}")
    for cut in (1, len(head) - 1, len(head), len(head) + 1, len(head + body) - 1):
        with wire.connected() as connection:
            connection.sendall((head + body)[:cut])
    assert wire.answers(wire.head("/healthz", "Connection: close", method="GET")) == [200]


def test_the_server_ends_with_clients_still_connected(wire: Wire) -> None:
    """Stopping is bounded: the fixture stops the server while this client has sent half a request."""
    lingering = socket.create_connection(wire.address, timeout=30)
    lingering.sendall(b"POST /webhooks/hubspot/marketing HTTP/1.1\r\n")
    stopper = threading.Thread(target=wire.stop)
    stopper.start()
    stopper.join(30)
    lingering.close()
    assert not stopper.is_alive()
