"""A receiver of webhooks: a real HTTP server on this machine, which the settings of these tests allow."""

from __future__ import annotations

import ipaddress
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from tests.server.conftest import Loop

from closedloop_server.settings import Settings
from closedloop_server.store.engine import reading
from closedloop_server.subscriptions import admin, sendings
from closedloop_server.subscriptions.admin import Created
from closedloop_server.subscriptions.settings import WebhookSettings
from closedloop_server.work.kinds import Kind, Work
from closedloop_server.work.sending import send


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A webhook as it arrived."""

    path: str
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What the receiver answers; it waits for `until` first."""

    status: int = 204
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    until: threading.Event | None = None


class Receiver:
    """Keeps what it is sent. `replies` are used up one by one, then `otherwise` is answered."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.replies: list[Reply] = []
        self.otherwise = Reply()
        self.arrived = threading.Event()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                headers = {name.lower(): value for name, value in self.headers.items()}
                receiver.requests.append(Request(path=self.path, headers=headers, body=body))
                receiver.arrived.set()
                receiver.answer(self)

            def log_message(self, *_: Any) -> None:
                """Says nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()

    @property
    def port(self) -> int:
        return self._server.server_port

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        reply = self.replies.pop(0) if self.replies else self.otherwise
        if reply.until is not None:
            reply.until.wait(20)
        handler.send_response(reply.status)
        for name, value in reply.headers.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(reply.body)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def make_receiver() -> Iterator[Callable[[], Receiver]]:
    made: list[Receiver] = []

    def make() -> Receiver:
        made.append(Receiver())
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.fixture
def receiver(make_receiver: Callable[[], Receiver]) -> Receiver:
    return make_receiver()


def _served(serve: Callable[[socket.socket], None]) -> tuple[str, socket.socket]:
    """The URL of a server that does this with every connection, and the socket to close in the end."""
    listener = socket.create_server(("127.0.0.1", 0))

    def accept() -> None:
        with suppress(OSError):
            while True:
                connection, _ = listener.accept()
                with suppress(OSError), connection:
                    connection.recv(65_536)
                    serve(connection)

    threading.Thread(target=accept, daemon=True).start()
    return f"http://127.0.0.1:{listener.getsockname()[1]}/", listener


@pytest.fixture
def answers_raw() -> Iterator[Callable[[bytes], str]]:
    """Makes a server that answers with these bytes and hangs up."""
    listeners = []

    def make(raw: bytes) -> str:
        url, listener = _served(lambda connection: connection.sendall(raw))
        listeners.append(listener)
        return url

    yield make
    for each in listeners:
        each.close()


@pytest.fixture
def drip() -> Iterator[str]:
    """A server that begins to answer and sends another byte ever again, without end."""
    over = threading.Event()

    def serve(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nx: ")
        while not over.wait(0.02):
            connection.sendall(b"y")

    url, listener = _served(serve)
    yield url
    over.set()
    listener.close()


@pytest.fixture
def answers_and_stays() -> Iterator[str]:
    """A server that answers, begins no body and does not hang up."""
    over = threading.Event()

    def serve(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        over.wait(20)

    url, listener = _served(serve)
    yield url
    over.set()
    listener.close()


@pytest.fixture
def webhooks() -> WebhookSettings:
    return WebhookSettings(allow_networks=(ipaddress.ip_network("127.0.0.0/8"),))


@pytest.fixture
def settings(settings: Settings, webhooks: WebhookSettings) -> Settings:
    return replace(settings, webhooks=webhooks)


@dataclass
class Post:
    """What the tests do with subscriptions."""

    loop: Loop

    def subscribe(self, url: str, name: str = "Data team", **values: Any) -> Created:
        return admin.create(self.loop.services, name=name, url=url, who="a test", **values)

    def send(self) -> None:
        """Takes a turn of sending."""
        send(self.loop.services, Work(Kind.SEND), lambda: None)

    def send_until(self, done: Callable[[], bool]) -> None:
        """Sends whenever something is due, until this is so."""
        while not done():
            self.send()
            with reading(self.loop.engine) as connection:
                self.loop.clock.now = sendings.next_due(connection) or self.loop.clock.pass_(hours=1)

    def rows(self, table: str, **values: Any) -> list[dict[str, Any]]:
        return self.loop.rows(table, **values)


@pytest.fixture
def post(loop: Loop) -> Post:
    return Post(loop)
