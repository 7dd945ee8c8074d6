"""Links that sign in once: for whoever has a shell on the server and no token at hand.

A token in an address would stay in the browser's history and in the logs of every proxy, and open
everything for ever. A link's secret opens the pages a single time, within minutes.
"""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, insert, select

from closedloop_server.access.tokens import Token, by_digest, digest
from closedloop_server.store.tables import sign_in_links

LIFETIME = timedelta(minutes=10)


def make_link(
    connection: Connection, token_digest: str, *, now: datetime, lifetime: timedelta = LIFETIME
) -> str:
    """The path, below the server's address, that signs in once as the token with this digest."""
    forget_old_links(connection, now=now)
    secret = secrets.token_urlsafe(32)
    row = {"digest": digest(secret), "token": token_digest, "expires_at": now + lifetime}
    connection.execute(insert(sign_in_links).values(row))
    return f"/login?link={secret}"


def use_link(connection: Connection, secret: str, *, now: datetime) -> Token | None:
    """The valid token that the link stands for, or None; the link is used up."""
    mine = sign_in_links.c.digest == digest(secret)
    row = connection.execute(select(sign_in_links).where(mine)).one_or_none()
    # Of two who come with the same link, on two machines, one removes the row.
    if row is None or not connection.execute(delete(sign_in_links).where(mine)).rowcount:
        return None
    return by_digest(connection, row.token, now=now) if now < row.expires_at else None


def forget_old_links(connection: Connection, *, now: datetime) -> int:
    """Removes the links that nobody used in time; returns how many."""
    return connection.execute(delete(sign_in_links).where(sign_in_links.c.expires_at <= now)).rowcount
