"""Who is signed in to the pages.

The cookie is signed and holds a random secret; the table holds its digest, whose token it is and when it
was last seen. So a session ends for good: when it is signed out, when its token is revoked or ends, after
two hours in which nothing was asked, and after twelve hours anyway.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from flask import session
from sqlalchemy import Connection, delete, insert, or_, select, update

from closedloop_server.access.tokens import Token, by_digest, digest
from closedloop_server.store.tables import sessions, tokens

IDLE = timedelta(hours=2)
ABSOLUTE = timedelta(hours=12)
_SEEN_EVERY = timedelta(minutes=1)
"""How exactly it is known when a session was seen: every request writing it would be a write too many."""
_SIGNED_IN = "id"


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedIn:
    """A session that holds. `unseen` tells that its last use is to be written down."""

    token: Token
    digest: str
    unseen: bool


def sign_in(connection: Connection, token: Token, *, now: datetime) -> None:
    """Opens a session for the token, with a secret of its own and nothing left over from the one before."""
    sign_out(connection)
    secret = secrets.token_urlsafe(32)
    row = {"digest": digest(secret), "token": token.digest, "began_at": now, "seen_at": now}
    connection.execute(insert(sessions).values(row))
    forget_old(connection, now=now)
    session.permanent = True
    session[_SIGNED_IN] = secret


def sign_out(connection: Connection) -> None:
    """Ends this session; a copy of its cookie opens nothing any more."""
    if mine := _mine():
        connection.execute(delete(sessions).where(sessions.c.digest == mine))
    session.clear()


def sign_out_everywhere(connection: Connection, token: Token) -> int:
    """Ends all sessions of the token, this one among them; returns how many there were."""
    ended = connection.execute(delete(sessions).where(sessions.c.token == token.digest)).rowcount
    session.clear()
    return ended


def end_sessions(connection: Connection, *, name: str) -> int:
    """Ends all sessions of the tokens of that name; returns how many there were."""
    mine = select(tokens.c.digest).where(tokens.c.name == name)
    return connection.execute(delete(sessions).where(sessions.c.token.in_(mine))).rowcount


def signed_in(connection: Connection, *, now: datetime) -> SignedIn | None:
    """The session of this request, or None when there is none, or it has ended."""
    mine = _mine()
    if mine is None:
        return None
    row = connection.execute(select(sessions).where(sessions.c.digest == mine)).one_or_none()
    if row is None or now >= row.seen_at + IDLE or now >= row.began_at + ABSOLUTE:
        return None
    token = by_digest(connection, row.token, now=now)
    if token is None:
        return None
    return SignedIn(token=token, digest=row.digest, unseen=now >= row.seen_at + _SEEN_EVERY)


def note_seen(connection: Connection, found: SignedIn, *, now: datetime) -> None:
    """Writes down that the session is used now."""
    connection.execute(update(sessions).where(sessions.c.digest == found.digest).values(seen_at=now))


def forget_old(connection: Connection, *, now: datetime) -> int:
    """Removes the sessions that ended by themselves; returns how many."""
    over = or_(sessions.c.seen_at <= now - IDLE, sessions.c.began_at <= now - ABSOLUTE)
    return connection.execute(delete(sessions).where(over)).rowcount


def _mine() -> str | None:
    secret = session.get(_SIGNED_IN)
    return digest(secret) if isinstance(secret, str) else None
