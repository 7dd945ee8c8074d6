"""Delivers HubSpot events from several senders at once: `python -m bench.senders '{"url": …, …}'`.

Each sender has a connection of its own, and sends the next delivery when the one before is answered.
Everything is made and signed before the clock starts. Prints as JSON the seconds it took altogether, and how
long each answer took.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import itertools
import json
import socket
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from urllib.parse import urlsplit

from bench.asker import exchange

EVENTS = 100
"""In a delivery: the most that HubSpot sends."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What is sent where: `count` deliveries from number `first` on, each about leads of its own."""

    url: str
    public_url: str
    secret: str
    portal: int
    app: int
    first: int
    count: int
    senders: int

    def requests(self) -> Iterator[bytes]:
        """Each delivery as it goes over the wire."""
        called = urlsplit(self.url)
        moment = str(int(time.time() * 1000))
        signed = f"POST{self.public_url}{called.path}".encode()
        for number in range(self.first, self.first + self.count):
            body = json.dumps([self._event(number * EVENTS + place) for place in range(EVENTS)]).encode()
            digest = hmac.digest(self.secret.encode(), signed + body + moment.encode(), hashlib.sha256)
            head = (
                f"POST {called.path} HTTP/1.1\r\nHost: {called.netloc}\r\nContent-Type: application/json\r\n"
                f"Content-Length: {len(body)}\r\nX-HubSpot-Request-Timestamp: {moment}\r\n"
                f"X-HubSpot-Signature-v3: {base64.b64encode(digest).decode()}\r\n\r\n"
            )
            yield head.encode() + body

    def _event(self, number: int) -> dict[str, object]:
        """An event with the fields of HubSpot's webhooks guide."""
        return {
            "eventId": number,
            "subscriptionId": 4_711_001,
            "portalId": self.portal,
            "appId": self.app,
            "occurredAt": 1_790_000_000_000 + number,
            "subscriptionType": "object.propertyChange",
            "attemptNumber": 0,
            "objectId": 10_000_000_000 + number,
            "objectTypeId": "0-136",
            "propertyName": "hs_pipeline_stage",
            "propertyValue": "unqualified-stage-id",
            "changeSource": "CRM_UI",
            "sourceId": "userId:72018411",
            "changeFlag": "UPDATED",
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """How it went: seconds."""

    altogether: float
    each: tuple[float, ...]


def send(load: Load) -> Sent:
    """Sends everything; fails on any answer but 200."""
    requests = list(load.requests())
    senders = min(load.senders, load.count)
    turns = itertools.count()
    ready = threading.Barrier(senders)

    def sender() -> tuple[float, float, list[float]]:
        with socket.create_connection(_address(load.url)) as connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            ready.wait()
            began = time.perf_counter()
            took = []
            while (number := next(turns)) < len(requests):
                sent = time.perf_counter()
                exchange(connection, requests[number])
                took.append(time.perf_counter() - sent)
            return began, time.perf_counter(), took

    with ThreadPoolExecutor(senders) as pool:
        done = [each.result() for each in [pool.submit(sender) for _ in range(senders)]]
    altogether = max(end for _, end, _ in done) - min(began for began, _, _ in done)
    return Sent(altogether=altogether, each=tuple(one for *_, took in done for one in took))


def _address(url: str) -> tuple[str, int]:
    called = urlsplit(url)
    return called.hostname or "", called.port or 0


if __name__ == "__main__":
    sys.stdout.write(json.dumps(asdict(send(Load(**json.loads(sys.argv[1]))))))
