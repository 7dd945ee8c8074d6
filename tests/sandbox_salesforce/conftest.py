"""A sandbox org that serves, plain HTTP and the vendor's client to talk to it, and a webhook receiver."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit
from wsgiref.types import StartResponse, WSGIEnvironment

import pytest
import requests
from simple_salesforce.api import Salesforce

from closedloop.sandbox.http import LocalServer
from closedloop.sandbox.salesforce import Org, SalesforceSandbox, Timing

ACKNOWLEDGEMENT = (
    '<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"><soapenv:Body>'
    '<notificationsResponse xmlns="http://soap.sforce.com/2005/09/outbound"><Ack>true</Ack>'
    "</notificationsResponse></soapenv:Body></soapenv:Envelope>"
)


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 20, 14, 3, 7, 250_000, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def move(self, **step: float) -> None:
        self.now += timedelta(**step)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def salesforce(clock: Clock) -> Iterator[SalesforceSandbox]:
    with SalesforceSandbox(clock=clock, timing=Timing(first_retry=0.001, longest_retry=0.01)) as sandbox:
        yield sandbox


@pytest.fixture
def org(salesforce: SalesforceSandbox) -> Org:
    return salesforce.org


class Http:
    """Plain requests below the API version, with the sandbox's own token."""

    def __init__(self, sandbox: SalesforceSandbox, session: requests.Session) -> None:
        self.url = f"{sandbox.url}/services/data/v62.0"
        self.session = session
        session.headers["Authorization"] = f"Bearer {sandbox.access_token}"

    def __call__(self, method: str, path: str, **options: Any) -> requests.Response:
        address = path if path.startswith("http") else self.url + path
        return self.session.request(method, address, timeout=10, **options)

    def query(self, soql: str, **options: Any) -> Any:
        answer = self("GET", "/query", params={"q": soql}, **options)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def records(self, soql: str) -> list[dict[str, Any]]:
        """The rows without their attributes."""
        rows = self.query(soql)["records"]
        return [{name: value for name, value in row.items() if name != "attributes"} for row in rows]


@pytest.fixture
def http(salesforce: SalesforceSandbox) -> Iterator[Http]:
    with requests.Session() as session:
        session.trust_env = False
        yield Http(salesforce, session)


class LocalSession(requests.Session):
    """Sends what simple-salesforce means for https://….salesforce.com to the sandbox."""

    def __init__(self, target: str) -> None:
        super().__init__()
        self.target = target
        self.trust_env = False

    def request(self, method: str, url: str, **options: Any) -> requests.Response:  # type: ignore[override]
        parts = urlsplit(url)
        options.setdefault("timeout", 10)
        query = f"?{parts.query}" if parts.query else ""
        return super().request(method, self.target + parts.path + query, **options)


@pytest.fixture
def client(salesforce: SalesforceSandbox) -> Iterator[Salesforce]:
    """The vendor's most used client, unmodified, logged in with client credentials."""
    with LocalSession(salesforce.url) as session:
        yield Salesforce(
            consumer_key=salesforce.client_id,
            consumer_secret=salesforce.client_secret,
            domain="acme.my",
            session=session,
            version="62.0",
        )


class Receiver:
    """A webhook endpoint: keeps what it gets, answers what it was told, and then acknowledges."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        self.headers: list[dict[str, str]] = []
        self.replies: list[tuple[str, str]] = []
        self.before_reply: Callable[[], None] = lambda: None
        self._server = LocalServer(self._serve)
        self.url = f"{self._server.url}/outbound"

    def start(self) -> None:
        self._server.start()

    def stop(self) -> None:
        self._server.stop()

    def _serve(self, environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        self.bodies.append(environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"])))
        names = ("CONTENT_TYPE", "HTTP_SOAPACTION", "REQUEST_METHOD")
        self.headers.append({name: environ[name] for name in names})
        self.before_reply()
        status, body = self.replies.pop(0) if self.replies else ("200 OK", ACKNOWLEDGEMENT)
        start(status, [("Content-Type", "text/xml")])
        return [body.encode()]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    receiver = Receiver()
    receiver.start()
    yield receiver
    receiver.stop()


@pytest.fixture
def campaign(org: Org) -> str:
    return org.insert("Campaign", {"Name": "Autumn webinar", "IsActive": True})


@pytest.fixture
def lead(org: Org) -> str:
    fields = {"FirstName": "Lena", "LastName": "Lead", "Company": "Acme", "Email": "lena@example.com"}
    return org.insert("Lead", fields)


@pytest.fixture
def opportunity(org: Org) -> str:
    fields = {"Name": "Renewal", "StageName": "Prospecting", "CloseDate": "2026-12-31", "Amount": "12500.50"}
    return org.insert("Opportunity", fields)
