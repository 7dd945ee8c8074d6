"""What arrives late, in pieces, broken or not at all; and what must never be sent."""

from __future__ import annotations

import gzip
import socket
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from closedloop.crm import sockets
from closedloop.crm.salesforce import SalesforceCredentials
from closedloop.crm.salesforce.client import Client
from closedloop.crm.salesforce.soql import Question
from closedloop.errors import AnswerError, CrmError, RetryableError, UncertainError

ASK = [Question("SELECT Id FROM Lead WHERE Email = 'jane@example.com'")]
ROWS = b'{"done": true, "records": []}'
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
WHOLE = HEAD % len(ROWS) + ROWS
Script = Callable[[socket.socket, bytes], None]


def sends(*answers: bytes, close: bool = False) -> Script:
    left = list(answers)

    def script(connection: socket.socket, head: bytes) -> None:
        connection.sendall(left.pop(0) if len(left) > 1 else left[0])
        if close:
            connection.shutdown(socket.SHUT_RDWR)

    return script


def says_nothing(connection: socket.socket, head: bytes) -> None:
    """Never answers."""


def hangs_up(connection: socket.socket, head: bytes) -> None:
    connection.shutdown(socket.SHUT_RDWR)


def resets(connection: socket.socket, head: bytes) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
    connection.close()


def drips(text: bytes) -> Script:
    def script(connection: socket.socket, head: bytes) -> None:
        for place in range(len(text)):
            connection.sendall(text[place : place + 1])
            time.sleep(0.02)

    return script


@pytest.mark.parametrize(
    "script",
    [drips(WHOLE * 50), drips(b"HTTP/1.1 200 OK\r\n" + b"X-Long: x\r\n" * 500),
     lambda connection, head: (connection.sendall(HEAD % 10_000), drips(b" " * 10_000)(connection, head))],
    ids=["everything", "headers", "body"],
)  # fmt: skip
def test_a_server_that_sends_a_byte_at_a_time_ends_at_the_deadline(
    connect_to: Any, wire: Any, script: Any
) -> None:
    client = connect_to(wire(script).url, timeouts=(1.0, 1.0), deadline=0.4)
    began = time.monotonic()
    with pytest.raises(RetryableError) as caught:
        client.get("x")
    assert time.monotonic() - began < 1.0
    assert caught.value.reason == "no_answer"


def test_a_server_that_never_answers_ends_at_the_timeout(
    connect_to: Any, wire: Any, waits: list[float]
) -> None:
    server = wire(says_nothing)
    with pytest.raises(RetryableError):
        connect_to(server.url, timeouts=(0.2, 0.05)).get("x")
    assert len(server.asked) == 5


def test_the_deadline_counts_all_attempts_together(connect_to: Any, wire: Any) -> None:
    server = wire(says_nothing)
    with pytest.raises(RetryableError):
        connect_to(server.url, timeouts=(0.2, 0.2), deadline=0.3).get("x")
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    "script", [says_nothing, hangs_up, resets, sends(HEAD % 99 + b"{", close=True),
               sends(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab", close=True),
               sends(b"not http at all\r\n\r\n", close=True)],
    ids=["silence", "hang-up", "reset", "part", "part of a chunk", "noise"],
)  # fmt: skip
def test_without_a_whole_answer_a_safe_request_is_repeated_and_another_is_uncertain(
    connect_to: Any, wire: Any, script: Any
) -> None:
    server = wire(script)
    client = connect_to(server.url, timeouts=(0.2, 0.05))
    with pytest.raises(UncertainError) as caught:
        client.request("POST", "sobjects/Lead", body={"LastName": "Doe"})
    assert (caught.value.reason, len(server.asked)) == ("no_answer", 1)
    tries: list[int] = []

    def bad_once(connection: socket.socket, head: bytes) -> None:
        tries.append(1)
        (script if len(tries) == 1 else sends(WHOLE))(connection, head)

    server.script = bad_once
    assert client.request("PATCH", "sobjects/Lead/1", body={}, repeatable=True).json()["done"]
    assert len(tries) == 2


@pytest.mark.parametrize(
    ("method", "tries"), [("GET", 5), ("HEAD", 5), ("PUT", 5), ("DELETE", 5), ("PATCH", 1), ("POST", 1)]
)
def test_what_is_repeated_unless_told_otherwise(connect_to: Any, wire: Any, method: str, tries: int) -> None:
    server = wire(hangs_up)
    with pytest.raises(CrmError):
        connect_to(server.url).request(method, "x")
    assert len(server.asked) == tries


def test_sending_may_take_longer_than_connecting(connect_to: Any, wire: Any) -> None:
    upload = b"x" * 20_000_000

    def reads_late(connection: socket.socket, head: bytes) -> None:
        left = len(upload) - len(head.partition(b"\r\n\r\n")[2])
        time.sleep(0.2)
        while left:
            left -= len(connection.recv(1_000_000))
        connection.sendall(WHOLE)

    server = wire(sends(WHOLE))
    client = connect_to(server.url, timeouts=(0.1, 2.0))
    client.query(ASK)
    server.script = reads_late
    for _ in range(2):  # over the connection that there is, and over a new one
        assert client.request("PUT", "jobs/ingest/1/batches", body=upload, repeatable=False).status == 200
        client.close()
    assert server.connections == 2


def test_a_connection_that_nobody_accepts_proves_that_nothing_happened(
    connect_to: Any, waits: list[float]
) -> None:
    with pytest.raises(RetryableError) as caught:
        connect_to("http://127.0.0.1:9").request("POST", "sobjects/Lead", body={})
    assert (caught.value.reason, len(waits)) == ("no_connection", 4)


def test_a_kept_connection_that_the_server_closed_costs_nobody_an_error(connect_to: Any, wire: Any) -> None:
    server = wire(sends(WHOLE, close=True))
    client = connect_to(server.url)
    for _ in range(3):
        assert client.query(ASK) == [[]]
    assert server.connections >= 3


def test_a_connection_that_was_idle_for_long_is_not_used_again(
    connect_to: Any, wire: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = wire(sends(WHOLE))
    client = connect_to(server.url)
    client.query(ASK)
    client.query(ASK)
    assert server.connections == 1
    monkeypatch.setattr(sockets, "IDLE", -1.0)
    client.request("POST", "x", body={})
    assert server.connections == 2


def test_a_closed_client_opens_new_connections(connect_to: Any, wire: Any) -> None:
    server = wire(sends(WHOLE))
    client = connect_to(server.url)
    client.query(ASK)
    client.close()
    assert client.query(ASK) == [[]]
    assert server.connections == 2


def test_a_renewal_keeps_the_connections_too(wire: Any) -> None:
    server = wire(sends(b"HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n", WHOLE))
    credentials = SalesforceCredentials(login_url=server.url, token_source=iter("ab").__next__)
    assert Client(credentials).query(ASK) == [[]]
    assert (len(server.asked), server.connections) == (2, 1)


def test_threads_keep_their_connections(connect_to: Any, wire: Any) -> None:
    together = threading.Barrier(12)

    def script(connection: socket.socket, head: bytes) -> None:
        together.wait(5)
        connection.sendall(WHOLE)

    server = wire(script)
    client = connect_to(server.url)
    for _ in range(3):
        with ThreadPoolExecutor(12) as pool:
            list(pool.map(lambda _: client.query(ASK), range(12)))
    assert server.connections == 12


@pytest.mark.parametrize(
    "body",
    [b"<html>Maintenance</html>", b"{}", b"[]", b"5", b'"text"', b'{"records": [', b'{"records": null}',
     b'{"records": [5]}', b'{"done": false, "records": [], "nextRecordsUrl": "//evil.example/x"}',
     b'{"done": false, "records": [], "nextRecordsUrl": "https://evil.example/services/data/v62.0/query/x"}',
     b'{"done": false, "records": [], "nextRecordsUrl": {"no": "text"}}',
     "{\"records\": [{\"Name\": \"Zoë\"}]}".encode("latin-1"), b"\xff\xfe\x00"],
)  # fmt: skip
def test_a_200_that_is_not_the_api_is_an_answer_error_and_quotes_nothing(
    connect_to: Any, wire: Any, body: bytes
) -> None:
    server = wire(sends(HEAD % len(body) + body))
    with pytest.raises(AnswerError) as caught:
        connect_to(server.url).query(ASK)
    assert "aintenance" not in str(caught.value)
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    ("encoding", "body"),
    [("gzip", b"rubbish"), ("gzip", gzip.compress(ROWS, mtime=0)[:20] + b"\0" * 9), ("deflate", b"rubbish")],
)
def test_an_answer_that_cannot_be_decompressed_is_an_answer_error(
    connect_to: Any, wire: Any, encoding: str, body: bytes
) -> None:
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: {encoding}\r\nContent-Length: {len(body)}\r\n\r\n"
    with pytest.raises(AnswerError):
        connect_to(wire(sends(head.encode() + body)).url).get("x")


def test_a_compressed_answer_is_read(connect_to: Any, wire: Any) -> None:
    body = gzip.compress(ROWS, mtime=0)
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {len(body)}\r\n\r\n"
    assert connect_to(wire(sends(head.encode() + body)).url).query(ASK) == [[]]


def test_neither_cookies_nor_redirects_are_followed(connect_to: Any, wire: Any) -> None:
    server = wire(sends(WHOLE.replace(b"Content-Type", b"Set-Cookie: sid=1; Path=/\r\nContent-Type")))
    client = connect_to(server.url)
    client.query(ASK)
    client.query(ASK)
    assert not [head for head in server.asked if b"ookie" in head]
    server.script = sends(
        f"HTTP/1.1 302 Found\r\nLocation: {server.url}/y\r\nContent-Length: 0\r\n\r\n".encode()
    )
    with pytest.raises(AnswerError):
        client.get("x")
    assert b"/y" not in server.asked[-1].split(b"\r\n")[0]
