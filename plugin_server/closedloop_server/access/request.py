"""Whose request this is, and from where it comes."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

from flask import current_app, g, request
from werkzeug.exceptions import TooManyRequests

from closedloop_server.access import limits
from closedloop_server.access.sessions import note_seen, signed_in
from closedloop_server.access.tokens import Token, bearer, check_token, note_use, wants_note
from closedloop_server.store.engine import reading, writing

if TYPE_CHECKING:
    from closedloop_server.services import Services

_MOST_HOPS = 20
_PORT = re.compile(r"(?:\[([^\]]+)\]|([0-9.]+))(?::[0-9]+)?")
"""An address of IPv6 in brackets, or one of IPv4, with its port: Azure's Application Gateway names them so.
Source: azure.microsoft.com/en-us/blog/rewrite-http-headers-with-azure-application-gateway"""


def services() -> Services:
    """What the running application was made with."""
    found: Services = current_app.extensions["closedloop"]
    return found


def identify_session() -> Token | None:
    """The token behind this request's session, kept in `g.viewer`, or None."""
    now = services().clock()
    with reading(services().engine) as connection:
        found = signed_in(connection, now=now)
    g.viewer = found.token if found else None
    if found and found.unseen:
        with writing(services().engine) as connection:
            note_seen(connection, found, now=now)
            if wants_note(found.token, now=now):
                note_use(connection, found.token, now=now)
    return found.token if found else None


def identify_bearer() -> Token | None:
    """The token in the Authorization header, kept in `g.viewer`, or None when there is no valid one.

    Raises TooManyRequests when this address sent too many that are not.
    """
    now, sent = services().clock(), bearer(request.headers.get("Authorization"))
    g.viewer = None
    if sent is None:
        return None
    with reading(services().engine) as connection:
        found = check_token(connection, sent, now=now)
    if found is None:
        refuse_too_many()
        count_failure()
        return None
    if wants_note(found, now=now):
        with writing(services().engine) as connection:
            note_use(connection, found, now=now)
    g.viewer = found
    return found


def refuse_too_many() -> None:
    """Raises TooManyRequests when too many tries from the caller's address were wrong lately."""
    with reading(services().engine) as connection:
        wait = limits.seconds_to_wait(connection, _client(), now=services().clock())
    if wait:
        raise TooManyRequests(
            f"too many wrong tokens came from this address: wait {wait} seconds", retry_after=wait
        )


def count_failure() -> None:
    """Counts a wrong try of the caller's address."""
    with writing(services().engine) as connection:
        limits.note_failure(connection, _client(), now=services().clock())


def _client() -> str:
    return limits.client_key(client_address(), services().settings.secret_key)


def client_address() -> str:
    """The network address of whoever calls; what proxies say about it counts only from trusted ones."""
    forwarded = ",".join(request.headers.getlist("X-Forwarded-For")).split(",")
    return caller(request.remote_addr or "", forwarded, services().settings.trusted_proxies)


def caller(peer: str, forwarded: Iterable[str], trusted: Iterable[str]) -> str:
    """The last address on the way here that is no trusted proxy's.

    Each proxy adds the address that it was called from at the end, and whoever calls the first one can put
    anything before that: so it is read from the end, for as long as it was written by a proxy of ours.
    """
    networks = [ipaddress.ip_network(each) for each in trusted]
    hops = [_without_port(each.strip()) for each in forwarded if each.strip()][-_MOST_HOPS:]
    found = peer
    while hops and _is_in(found, networks):
        found = hops.pop()
    return found


def _without_port(hop: str) -> str:
    named = _PORT.fullmatch(hop)
    return named[1] or named[2] if named else hop


def _is_in(address: str, networks: list[ipaddress.IPv4Network | ipaddress.IPv6Network]) -> bool:
    try:
        known = ipaddress.ip_address(address)
    except ValueError:
        return False
    # A server that listens on "::" is told IPv4 addresses in IPv6's form.
    plain = known.ipv4_mapped or known if isinstance(known, ipaddress.IPv6Address) else known
    return any(plain in network for network in networks)
