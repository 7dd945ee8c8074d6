"""Two things to talk to: a server that answers what a test lays out, and the sandbox with its clock."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs
from wsgiref.types import StartResponse, WSGIEnvironment

import pytest

from closedloop.crm.retry import without_waiting
from closedloop.crm.salesforce import SalesforceCredentials, SalesforceCrm
from closedloop.crm.salesforce.client import Client
from closedloop.mapping import CrmMapping, Mappings, load_mappings
from closedloop.sandbox.http import LocalServer
from closedloop.sandbox.salesforce import Org, SalesforceSandbox
from closedloop.schema.vocabulary import CrmName


@dataclass(frozen=True, slots=True)
class Asked:
    """One request that came."""

    method: str
    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer: a body that is text or bytes is sent as it is, everything else as JSON."""

    status: int
    body: Any = b""
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def content(self) -> bytes:
        if isinstance(self.body, bytes):
            return self.body
        return (self.body if isinstance(self.body, str) else json.dumps(self.body)).encode()


class Double:
    """Answers per method and path, in the order laid out; the last one again and again."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self._answers: dict[tuple[str, str], list[Answer]] = {}
        self._lock = threading.Lock()
        self._server = LocalServer(self._serve)
        self.url = self._server.url

    def answer(self, method: str, path: str, *answers: Answer) -> None:
        self._answers[method, path] = list(answers)

    def paths(self) -> list[str]:
        return [f"{asked.method} {asked.path}" for asked in self.asked]

    def __enter__(self) -> Double:
        self._server.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.stop()

    def _serve(self, environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        asked = _asked(environ)
        with self._lock:
            self.asked.append(asked)
            waiting = self._answers.get((asked.method, asked.path), [Answer(404, "nothing laid out")])
            answer = waiting.pop(0) if len(waiting) > 1 else waiting[0]
        start(f"{answer.status} Laid out", [("Content-Type", "application/json"), *answer.headers.items()])
        return [answer.content]


def _asked(environ: WSGIEnvironment) -> Asked:
    return Asked(
        method=environ["REQUEST_METHOD"],
        path=environ["PATH_INFO"],
        query=parse_qs(environ.get("QUERY_STRING", "")),
        headers={
            name.removeprefix("HTTP_").replace("_", "-").lower(): value
            for name, value in environ.items()
            if name.startswith("HTTP_")
        },
        body=environ["wsgi.input"].read(),
    )


@pytest.fixture
def double() -> Iterator[Double]:
    with Double() as running:
        yield running


@pytest.fixture
def client(double: Double) -> Client:
    """A client with a client id and secret; the double hands out `token-1`, `token-2`, …"""
    tokens = (
        Answer(200, {"access_token": f"token-{number}", "instance_url": double.url})
        for number in (1, 2, 3, 4)
    )
    double.answer("POST", "/services/oauth2/token", *tokens)
    return Client(
        SalesforceCredentials(login_url=double.url, client_id="an-id", client_secret="a-secret"),
        timeouts=(2.0, 2.0),
    )


@pytest.fixture(autouse=True)
def waits() -> Iterator[list[float]]:
    """Nothing sleeps; the waits there would have been."""
    with without_waiting() as noted:
        yield noted


@pytest.fixture(scope="session")
def mapping() -> CrmMapping:
    return load_mappings().crm(CrmName.SALESFORCE)


@pytest.fixture(scope="session")
def laid_out() -> Callable[..., Answer]:
    """Makes an answer of the double; test modules cannot import this one."""
    return Answer


class Clock:
    """Stands still until it is told to go on."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 20, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def sandbox(clock: Clock) -> Iterator[SalesforceSandbox]:
    with SalesforceSandbox(clock=clock) as running:
        yield running


@pytest.fixture
def org(sandbox: SalesforceSandbox) -> Org:
    return sandbox.org


@pytest.fixture
def naps() -> list[float]:
    """The seconds that were waited for bulk jobs."""
    return []


@pytest.fixture
def connected(sandbox: SalesforceSandbox, clock: Clock, naps: list[float]) -> Callable[..., SalesforceCrm]:
    """Connects to the sandbox; takes credentials besides."""

    def connect(
        *, page_size: int = 2000, mappings: Mappings | None = None, **credentials: Any
    ) -> SalesforceCrm:
        given = SalesforceCredentials(
            login_url=sandbox.url,
            client_id=sandbox.client_id,
            client_secret=sandbox.client_secret,
            **credentials,
        )
        loaded = mappings or load_mappings()
        return SalesforceCrm(given, loaded, page_size=page_size, clock=clock, sleep=naps.append)

    return connect


@pytest.fixture
def crm(connected: Callable[..., SalesforceCrm]) -> SalesforceCrm:
    return connected()


@pytest.fixture
def calls(org: Org) -> Callable[[], int]:
    """How many API calls were made so far, without those for tokens and describes."""

    def count() -> int:
        return sum(
            number
            for (_, path), number in org.requests.items()
            if not path.endswith("/describe") and "/oauth2/" not in path
        )

    return count


@pytest.fixture
def merge(org: Org) -> Callable[[str, str, str], None]:
    """Does what merging does to the record that loses: it is deleted and says which one survived."""

    def merge(sobject: str, loser: str, survivor: str) -> None:
        org.delete(sobject, loser)
        with org.transaction():
            row = org.tables.get(sobject, loser)
            assert row is not None
            org.tables.put(sobject, {**row, "MasterRecordId": survivor})

    return merge
