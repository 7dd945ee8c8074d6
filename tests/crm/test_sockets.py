"""Reading from a connection never takes longer than what is left of the call."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import Any

import pytest

from closedloop.crm import retry, sockets


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours, theirs


def test_each_read_gets_its_timeout_or_what_is_left_whichever_is_less(
    ends: tuple[socket.socket, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, theirs = ends
    ours.settimeout(3.0)
    theirs.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n")
    left = 9.0
    monkeypatch.setattr(retry, "remaining", lambda most: min(most, left))
    response = sockets.TimedResponse(ours)
    response.begin()
    assert ours.gettimeout() == 3.0
    left = 2.0
    theirs.sendall(b"a")
    assert response.read1(1) == b"a"
    assert ours.gettimeout() == 2.0
    left = 0.0
    theirs.sendall(b"bc")
    with pytest.raises(TimeoutError, match="deadline"):
        response.read()
    response.close()


def test_a_socket_without_a_timeout_and_a_call_without_a_deadline_wait_as_long_as_it_takes(
    ends: tuple[socket.socket, socket.socket],
) -> None:
    ours, theirs = ends
    theirs.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")
    response = sockets.TimedResponse(ours)
    response.begin()
    assert (response.status, ours.gettimeout()) == (204, None)
    response.close()


def test_nothing_is_sent_when_the_time_is_over(
    ends: tuple[socket.socket, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, theirs = ends
    connection: Any = sockets.POOLS["http"].ConnectionCls("localhost")
    connection.sock = ours
    monkeypatch.setattr(retry, "remaining", lambda most: min(most, 5.0))
    connection.send(b"in time")
    assert ours.gettimeout() == 5.0
    monkeypatch.setattr(retry, "remaining", lambda _: 0.0)
    with pytest.raises(TimeoutError, match="deadline"):
        connection.send(b"too late")
    theirs.setblocking(False)
    assert theirs.recv(100) == b"in time"
