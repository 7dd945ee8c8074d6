"""What attackers know: the addresses, the forms of both CRMs' deliveries, and (some of them) the secrets."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient

from closedloop_server.services import Services
from closedloop_server.serving import HttpServer

if TYPE_CHECKING:
    from tests.server.conftest import Loop

SALESFORCE = "/webhooks/salesforce/sales/a-secret-part-of-the-path"
HUBSPOT = "/webhooks/hubspot/marketing"
SECRET = "the-client-secret-of-the-app"
PATIENCE = 30


class Forms:
    """Deliveries as the CRMs send them, for whoever wants to spoil them."""

    salesforce = SALESFORCE
    hubspot = HUBSPOT
    secret = SECRET

    @staticmethod
    def message(*, inner: str = "", before: str = "", organisation: str = "00D5g000004ABCDEA4") -> bytes:
        """An outbound message about one lead; `inner` goes into its record, `before` before everything."""
        return (
            f'{before}<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"'
            ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><soapenv:Body>'
            '<notifications xmlns="http://soap.sforce.com/2005/09/outbound">'
            f"<OrganizationId>{organisation}</OrganizationId><ActionId>04k5g000000ABCDAAA</ActionId>"
            '<Notification><Id>04l5g000000ABCDAAA</Id><sObject xsi:type="sf:Lead"'
            ' xmlns:sf="urn:sobject.enterprise.soap.sforce.com"><sf:Id>00Q5g000000ABCDAAA</sf:Id>'
            f"{inner}</sObject></Notification></notifications></soapenv:Body></soapenv:Envelope>"
        ).encode()

    @staticmethod
    def event(**values: Any) -> dict[str, Any]:
        """An event with the fields of HubSpot's webhooks guide."""
        return {
            "eventId": 1,
            "subscriptionId": 2,
            "portalId": 26051000,
            "appId": 777,
            "occurredAt": 1,
            "subscriptionType": "object.propertyChange",
            "attemptNumber": 0,
            "objectId": 801,
            "objectTypeId": "0-136",
            "propertyName": "hs_pipeline_stage",
            "changeSource": "CRM_UI",
            **values,
        }

    @classmethod
    def events(cls, *events: dict[str, Any]) -> bytes:
        """The body of a delivery."""
        return json.dumps(list(events) or [cls.event()]).encode()

    @staticmethod
    def signed(body: bytes, at: datetime, *, secret: str = SECRET, uri: str = HUBSPOT) -> dict[str, str]:
        """The headers of version 3."""
        moment = str(int(at.timestamp() * 1000))
        text = b"POSThttps://loop.example.com" + uri.encode() + body + moment.encode()
        digest = hmac.digest(secret.encode(), text, hashlib.sha256)
        return {
            "X-HubSpot-Signature-v3": base64.b64encode(digest).decode(),
            "X-HubSpot-Request-Timestamp": moment,
        }


@pytest.fixture
def forms() -> type[Forms]:
    return Forms


@pytest.fixture
def client(loop: Loop, application: Callable[[Services], Flask]) -> FlaskClient:
    return application(loop.services).test_client()


@pytest.fixture
def untouched(loop: Loop) -> Iterator[None]:
    """Fails the test when it left a row anywhere."""
    before = loop.counts()
    yield
    assert loop.counts() == before


class Wire:
    """The real server, spoken to byte by byte."""

    def __init__(self, server: HttpServer) -> None:
        self.stop = server.stop
        self.host = urlsplit(server.url).netloc
        self.address = ("127.0.0.1", server.port)

    @contextmanager
    def connected(self) -> Iterator[socket.socket]:
        with socket.create_connection(self.address, timeout=PATIENCE) as connection:
            yield connection

    def head(self, path: str, *headers: str, method: str = "POST") -> bytes:
        """A request's first line and headers, and the empty line after them."""
        return "\r\n".join([f"{method} {path} HTTP/1.1", f"Host: {self.host}", *headers, "", ""]).encode(
            "latin-1"
        )

    def answers(self, sent: bytes) -> list[int]:
        """The status of every answer to these bytes, after which nothing more is sent."""
        with self.connected() as connection:
            connection.sendall(sent)
            connection.shutdown(socket.SHUT_WR)
            return statuses(read_all(connection))


def read_all(connection: socket.socket) -> bytes:
    """What comes until the server closes."""
    found = b""
    try:
        while piece := connection.recv(65_536):
            found += piece
    except ConnectionResetError:
        pass  # closed with bytes of ours unread: what was answered came before
    return found


def statuses(answered: bytes) -> list[int]:
    """The status of every answer in these bytes."""
    found = []
    while answered.startswith(b"HTTP/1."):
        head, _, rest = answered.partition(b"\r\n\r\n")
        found.append(int(head.split(b" ", 2)[1]))
        lengths = [
            int(line.partition(b":")[2])
            for line in head.lower().split(b"\r\n")
            if line.startswith(b"content-length:")
        ]
        answered = rest[lengths[0] :] if lengths else rest if found[-1] == 100 else b""
    return found


@pytest.fixture
def wire(loop: Loop, application: Callable[[Services], Flask]) -> Iterator[Wire]:
    """The application on the server that the product runs on."""
    server = HttpServer("127.0.0.1", 0)
    server.start(application(loop.services))
    yield Wire(server)
    server.stop()


@pytest.fixture
def first_status() -> Callable[[socket.socket], int]:
    """The status of the first answer on a connection."""

    def read(connection: socket.socket) -> int:
        found = b""
        while b"\r\n" not in found:
            piece = connection.recv(4_096)
            assert piece, "closed without an answer"
            found += piece
        return int(found.split(b" ", 2)[1])

    return read
