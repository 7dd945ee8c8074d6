"""Makes one call to a subscriber: to an address that was checked, within a time limit, and no further.

The name is looked up once and the connection goes to the very address that was checked: what the name leads
to a moment later does not matter. A redirect is an answer like any other. No proxy, no cookie, no
compression, and of the answer's body no more than its beginning.
"""

from __future__ import annotations

import http.client
import socket
import ssl
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeAlias

from closedloop_server.subscriptions.addresses import is_allowed, may_be_told
from closedloop_server.subscriptions.destination import Destination, destination
from closedloop_server.subscriptions.problems import SubscriptionError
from closedloop_server.subscriptions.settings import Network

TOTAL = 15.0
"""Seconds that a call may take from beginning to end; the specification proposes 15 to 30."""
CONNECT = 5.0
"""Seconds of them to connect to one address."""
BODY = 1.0
"""Seconds of them for the beginning of the body: the status has said all that counts."""
KEPT = 1024
"""Bytes of an answer's body that are kept."""
_ADDRESSES = 4
"""How many addresses of a name are tried: several are for reaching it by either protocol."""

Resolver: TypeAlias = Callable[[str, int], list[str]]
"""From a name and a port to IP addresses."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came of a call. `status` is None when there was no answer, and `error` then says why."""

    status: int | None = None
    error: str = ""
    retry_after: str | None = None
    body: str = ""
    seconds: float = 0.0

    @property
    def accepted(self) -> bool:
        """Whether the subscriber has the event now."""
        return self.status is not None and 200 <= self.status < 300


def resolve(host: str, port: int) -> list[str]:
    """The addresses of a name, as this machine looks it up."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
    return list(dict.fromkeys(str(each[4][0]) for each in found))


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Calls subscribers. `allowed` are the networks that may be told beside the public ones."""

    allowed: tuple[Network, ...] = ()
    resolver: Resolver = resolve
    trust: ssl.SSLContext | None = None
    total: float = TOTAL

    def check(self, url: str) -> None:
        """Refuses a URL that cannot be called as it is; one whose name is not known now may be later."""
        place = destination(url)
        try:
            self._addresses(place)
        except OSError:
            return

    def call(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Posts the body; never raises for what a subscriber, its name or its address does."""
        began = time.monotonic()
        limit = _Limit(began + self.total)
        try:
            found = self._post(destination(url), headers, body, limit)
        except SubscriptionError as error:
            found = Answer(error=f"{error.reason}: {error.message}")
        except (OSError, http.client.HTTPException, ValueError) as error:
            found = Answer(error=_said(error))
        return Answer(
            status=found.status,
            error=found.error,
            retry_after=found.retry_after,
            body=found.body,
            seconds=time.monotonic() - began,
        )

    def _post(self, place: Destination, headers: Mapping[str, str], body: bytes, limit: _Limit) -> Answer:
        connected = self._connect(place, self._addresses(place), limit)
        try:
            return _exchange(connected, place, headers, body, limit)
        finally:
            connected.close()

    def _addresses(self, place: Destination) -> list[str]:
        """The addresses to call, every one checked: a name with one that may not be called is refused."""
        addresses = self.resolver(place.host, place.port)
        for address in addresses:
            if not may_be_told(address, self.allowed):
                raise SubscriptionError(
                    f"{place.host} leads to {address}, which is no public address. To tell a machine of your "
                    "own, name its network in [webhooks] allow_networks",
                    reason="private_address",
                )
            if not place.secure and not is_allowed(address, self.allowed):
                raise SubscriptionError(
                    "plain http is for the networks named in [webhooks] allow_networks alone: use https",
                    reason="plain_http",
                )
        return addresses

    def _connect(self, place: Destination, addresses: Iterable[str], limit: _Limit) -> socket.socket:
        failed: OSError = OSError("the name has no address")
        for address in list(addresses)[:_ADDRESSES]:
            try:
                plain = _open(address, place.port, limit)
            except OSError as error:
                failed = error
                continue
            return self._secured(plain, place, limit) if place.secure else plain
        raise failed

    def _secured(self, plain: socket.socket, place: Destination, limit: _Limit) -> socket.socket:
        context = self.trust or _everybodys_trust()
        context.sslsocket_class = _SecureSocket
        try:
            plain.settimeout(limit.left())
            secure = context.wrap_socket(plain, server_hostname=place.host)
        except BaseException:
            plain.close()
            raise
        secure.limit = limit  # type: ignore[attr-defined]  # it is a _SecureSocket
        return secure


@cache
def _everybodys_trust() -> ssl.SSLContext:
    """The certificate authorities that this machine trusts: reading them takes longer than many a call."""
    return ssl.create_default_context()


class _Limit:
    """The moment at which a call ends, however busy the other side keeps it."""

    def __init__(self, ends: float) -> None:
        self._ends = ends

    def shorten(self, seconds: float) -> None:
        """Leaves no more than so many seconds from now on."""
        self._ends = min(self._ends, time.monotonic() + seconds)

    def left(self) -> float:
        """The seconds that are left; TimeoutError when none are."""
        left = self._ends - time.monotonic()
        if left <= 0:
            raise TimeoutError("the call took too long")
        return left


# A socket's own time limit is for one operation: a byte every few seconds would keep it open for ever.
# So every operation gets what is left of the whole.


class _PlainSocket(socket.socket):
    limit: _Limit

    def recv_into(self, *args: Any, **kwargs: Any) -> int:
        self.settimeout(self.limit.left())
        return super().recv_into(*args, **kwargs)

    def sendall(self, *args: Any, **kwargs: Any) -> None:
        self.settimeout(self.limit.left())
        super().sendall(*args, **kwargs)


class _SecureSocket(ssl.SSLSocket):
    limit: _Limit

    def recv_into(self, *args: Any, **kwargs: Any) -> int:
        self.settimeout(self.limit.left())
        return super().recv_into(*args, **kwargs)

    def send(self, *args: Any, **kwargs: Any) -> int:
        self.settimeout(self.limit.left())
        return super().send(*args, **kwargs)


def _open(address: str, port: int, limit: _Limit) -> socket.socket:
    opened = _PlainSocket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM)
    try:
        opened.limit = limit
        opened.settimeout(min(CONNECT, limit.left()))
        opened.connect((address, port))
    except BaseException:
        opened.close()
        raise
    return opened


def _exchange(
    connected: socket.socket, place: Destination, headers: Mapping[str, str], body: bytes, limit: _Limit
) -> Answer:
    """Sends the request on a connection that is open already, and reads as much of the answer as is kept."""
    connection = http.client.HTTPConnection(place.host, place.port)
    connection.auto_open = 0
    connection.sock = connected
    connection.putrequest("POST", place.target, skip_host=True, skip_accept_encoding=True)
    told = {"host": place.host_header, "content-length": str(len(body)), "connection": "close", **headers}
    for name, value in told.items():
        connection.putheader(name, value)
    connection.endheaders(body)
    with connection.getresponse() as response:
        limit.shorten(BODY)
        return Answer(
            status=response.status,
            retry_after=response.headers.get("retry-after"),
            body=_text(_beginning(response)),
        )


def _beginning(response: http.client.HTTPResponse) -> bytes:
    """The first bytes of the body, as far as they come together; one that breaks off changes nothing."""
    try:
        return response.read1(KEPT)
    except (OSError, http.client.HTTPException, ValueError):
        return b""


def _text(body: bytes) -> str:
    """The bytes as text that every database and page can hold."""
    text = body.decode("utf-8", "replace")
    return "".join(each if each.isprintable() or each in "\n\t" else "\ufffd" for each in text)


_ERRORS: tuple[tuple[type[Exception], str], ...] = (
    (TimeoutError, "timeout: there was no answer in time"),
    (socket.gaierror, "unknown_host: the name cannot be looked up"),
    (ssl.SSLCertVerificationError, "bad_certificate: it is not one that this machine trusts for that name"),
    (ssl.SSLError, "bad_tls: the TLS connection failed"),
    (ConnectionRefusedError, "refused: nobody listens there"),
    (ConnectionError, "broken_off: the connection ended before there was an answer"),
    (http.client.HTTPException, "bad_answer: what was answered is not HTTP"),
    (ValueError, "bad_answer: what was answered is not HTTP"),
)


def _said(error: Exception) -> str:
    """Why there was no answer, in our words: an error's own text may quote what the other side sent."""
    found = (said for type_, said in _ERRORS if isinstance(error, type_))
    return next(found, f"no_connection: {getattr(error, 'strerror', None) or type(error).__name__}")
