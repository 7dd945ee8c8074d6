"""A portal that answers what a test tells it to, and the recorded bodies of the real one."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from closedloop.crm import retry
from closedloop.crm.hubspot import HubSpotCredentials, HubSpotCrm, install
from closedloop.crm.hubspot.client import HubSpotClient
from closedloop.mapping import Mappings, load_mappings
from closedloop.sandbox.hubspot import HubSpotSandbox, Portal


@dataclass(frozen=True, slots=True)
class Asked:
    """One request that the double got."""

    method: str
    path: str
    query: list[tuple[str, str]]
    headers: Mapping[str, str]
    body: Any


@dataclass(frozen=True, slots=True)
class Told:
    """One answer that the double gives: `body` as it is if bytes, else as JSON."""

    body: Any = None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


class Double:
    """Answers requests to a path with the answers set for it, in turn; the last one again and again."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.connections = 0
        self._answers: dict[tuple[str, str], list[Told]] = {}
        self._responders: dict[tuple[str, str], Callable[[Any], Told]] = {}
        self.gate: Callable[[Asked], Told | None] = lambda _: None
        self.url = ""

    def answer(self, method: str, path: str, *answers: Told | dict[str, Any]) -> None:
        self._answers[method, path] = [a if isinstance(a, Told) else Told(a) for a in answers]

    def respond(self, method: str, path: str, responder: Callable[[Any], Told]) -> None:
        """Answers by the body of each request."""
        self._responders[method, path] = responder

    def bodies(self, path: str) -> list[Any]:
        return [asked.body for asked in self.asked if asked.path == path]

    def take(self, asked: Asked) -> Told:
        self.asked.append(asked)
        if (told := self.gate(asked)) is not None:
            return told
        if responder := self._responders.get((asked.method, asked.path)):
            return responder(asked.body)
        answers = self._answers.get((asked.method, asked.path))
        if answers is None:
            return Told({"status": "error", "message": "no such path in this test"}, 404)
        return answers.pop(0) if len(answers) > 1 else answers[0]


def _handler(double: Double) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def setup(self) -> None:
            super().setup()
            double.connections += 1

        def respond(self) -> None:
            parts = urlsplit(self.path)
            length = int(self.headers.get("Content-Length") or 0)
            raw = self.rfile.read(length)
            is_json = "json" in self.headers.get("Content-Type", "")
            body = json.loads(raw) if raw and is_json else raw or None
            told = double.take(
                Asked(self.command, parts.path, parse_qsl(parts.query), dict(self.headers.items()), body)
            )
            content = told.body if isinstance(told.body, bytes) else json.dumps(told.body).encode()
            self.send_response(told.status)
            for name, value in told.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = respond  # noqa: N815 - http.server looks for these

        def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
            """Keeps quiet."""

    return Handler


@pytest.fixture
def double() -> Iterator[Double]:
    double = Double()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(double))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    double.url = f"http://127.0.0.1:{server.server_address[1]}"
    yield double
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(scope="session")
def told() -> type[Told]:
    return Told


@pytest.fixture
def client(double: Double) -> HubSpotClient:
    return HubSpotClient(HubSpotCredentials(access_token="tok-secret", base_url=double.url))


@pytest.fixture(scope="session")
def mappings() -> Mappings:
    return load_mappings()


@pytest.fixture
def crm(double: Double, mappings: Mappings) -> HubSpotCrm:
    return HubSpotCrm(HubSpotCredentials(access_token="tok-secret", base_url=double.url), mappings)


@pytest.fixture
def waits() -> Iterator[list[float]]:
    """The waits between tries, none of which is waited."""
    with retry.without_waiting() as waits:
        yield waits


@pytest.fixture(scope="session")
def recorded(corpus: Path) -> Callable[[str], Any]:
    """A recorded body by its name in the corpus."""

    def read(name: str) -> Any:
        return json.loads((corpus / "hubspot" / name).read_text())

    return read


@pytest.fixture
def sandbox() -> Iterator[HubSpotSandbox]:
    with HubSpotSandbox() as sandbox:
        yield sandbox


@pytest.fixture
def portal(sandbox: HubSpotSandbox) -> Portal:
    return sandbox.portal


@pytest.fixture
def connected(sandbox: HubSpotSandbox, mappings: Mappings) -> HubSpotCrm:
    return HubSpotCrm(HubSpotCredentials(access_token=sandbox.access_token, base_url=sandbox.url), mappings)


@pytest.fixture
def requests(portal: Portal) -> Callable[[str, str], int]:
    """How many requests of this method and path the portal has got."""
    return lambda method, path: portal.requests[method, path]


@pytest.fixture
def installed(connected: HubSpotCrm) -> HubSpotCrm:
    """The sandbox's portal with all our properties."""
    install.apply(connected)
    return connected
