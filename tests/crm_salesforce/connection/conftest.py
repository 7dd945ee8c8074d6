"""A server below HTTP, and clients of it and of the double."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest

from closedloop.crm.salesforce import SalesforceCredentials
from closedloop.crm.salesforce.client import Client

Script = Callable[[socket.socket, bytes], None]


class Wire:
    """A server that is no HTTP server: each connection is handed to `script` after each request's head."""

    def __init__(self, script: Script, tls: ssl.SSLContext | None = None) -> None:
        self.script = script
        self.asked: list[bytes] = []
        self.connections = 0
        self._tls = tls
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._open: list[socket.socket] = []
        self._thread = threading.Thread(target=self._accept)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self.port}"

    def stop(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in self._open:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()
        self._thread.join()

    def _accept(self) -> None:
        serving: list[threading.Thread] = []
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                break
            self.connections += 1
            self._open.append(connection)
            serving.append(threading.Thread(target=self._serve, args=(connection,)))
            serving[-1].start()
        for thread in serving:
            thread.join()

    def _serve(self, connection: socket.socket) -> None:
        with suppress(OSError):
            if self._tls:
                connection = self._tls.wrap_socket(connection, server_side=True)
                self._open.append(connection)
            while head := self._head(connection):
                self.asked.append(head)
                self.script(connection, head)

    @staticmethod
    def _head(connection: socket.socket) -> bytes:
        got = b""
        while b"\r\n\r\n" not in got:
            more = connection.recv(65536)
            if not more:
                return b""
            got += more
        return got


@pytest.fixture
def wire() -> Iterator[Callable[..., Wire]]:
    running: list[Wire] = []

    def start(script: Script, tls: ssl.SSLContext | None = None) -> Wire:
        running.append(Wire(script, tls))
        return running[-1]

    yield start
    for each in running:
        each.stop()


@pytest.fixture
def connect_to() -> Callable[..., Client]:
    """A client with a token, little patience and an address."""

    def connect(url: str, *, timeouts: tuple[float, float] = (2.0, 2.0), deadline: float = 20.0) -> Client:
        credentials = SalesforceCredentials(login_url=url, access_token="t")
        return Client(credentials, timeouts=timeouts, deadline=deadline)

    return connect


@pytest.fixture
def opened(double: Any, laid_out: Callable[..., Any]) -> Callable[..., Client]:
    """A client of the double, which gives `first`, `second`, `third` and answers every query."""
    double.answer(
        "POST",
        "/services/oauth2/token",
        *(
            laid_out(200, {"access_token": each, "instance_url": double.url})
            for each in ("first", "second", "third")
        ),
    )
    double.answer("GET", "/services/data/v62.0/query/", laid_out(200, {"done": True, "records": []}))

    def open_client(**credentials: Any) -> Client:
        return Client(SalesforceCredentials(login_url=double.url, **credentials), timeouts=(2.0, 2.0))

    return open_client
