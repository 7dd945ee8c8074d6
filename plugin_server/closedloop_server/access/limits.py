"""Slows down whoever guesses: at most so many wrong tokens and links per network address and time.

A token has 256 random bits, so that no number of guesses finds one. The limit keeps guessing from filling
the log and the machine. It counts in the database, for all web processes together.

It must lock out nobody but the one who guesses: a wrong program in an office does not stop the others
there, because a valid bearer token is never refused; a flood from everywhere does not stop an
administrator, because an address that has not failed lately always has a try.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, func, insert, select

from closedloop_server.store.tables import failed_sign_ins

WINDOW = timedelta(minutes=15)
PER_CLIENT = 10
"""Wrong tries of one address within the window."""
OVERALL = 300
"""Wrong tries of all addresses within the window, after which each has one instead of ten."""


def client_key(address: str, secret: str) -> str:
    """A name for the address under which nobody without the secret key finds it again."""
    return hmac.new(secret.encode(), f"client {_network(address)}".encode(), hashlib.sha256).hexdigest()


def _network(address: str) -> str:
    """The address, of IPv6 the network: one machine has the lower half of it to choose from."""
    try:
        known = ipaddress.ip_address(address)
    except ValueError:
        return "unknown"
    if isinstance(known, ipaddress.IPv4Address):
        return str(known)
    if known.ipv4_mapped is not None:
        return str(known.ipv4_mapped)
    return str(ipaddress.ip_network((known, 64), strict=False))


def seconds_to_wait(connection: Connection, client: str, *, now: datetime) -> int:
    """How long this client has to wait before its next try counts; 0 when it need not."""
    lately = failed_sign_ins.c.at > now - WINDOW
    total = connection.scalar(select(func.count()).where(lately)) or 0
    allowed = PER_CLIENT if total < OVERALL else 1
    mine = select(failed_sign_ins.c.at).where(lately, failed_sign_ins.c.client == client)
    newest = list(connection.scalars(mine.order_by(failed_sign_ins.c.at.desc()).limit(allowed)))
    if len(newest) < allowed:
        return 0
    left: timedelta = newest[-1] + WINDOW - now
    return max(1, round(left.total_seconds()))


def note_failure(connection: Connection, client: str, *, now: datetime) -> None:
    """Counts a wrong try, and forgets those that count no more."""
    forget_failures(connection, now=now)
    connection.execute(insert(failed_sign_ins).values(client=client, at=now))


def forget_failures(connection: Connection, *, now: datetime) -> int:
    """Removes the failures that count no more; returns how many."""
    return connection.execute(delete(failed_sign_ins).where(failed_sign_ins.c.at <= now - WINDOW)).rowcount
