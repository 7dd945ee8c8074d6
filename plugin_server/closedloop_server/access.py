"""Who may look: tokens, the session that a token opens in the pages, and the form token against forgery.

A token is 256 random bits, shown once when it is made; the table keeps its SHA-256 digest alone. A plain
digest is enough here, because there is nothing to guess: passwords need slow hashes, random keys do not.
A session holds the digest, and every request looks it up again, so that revoking a token ends its sessions.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from flask import current_app, session
from sqlalchemy import Connection, Row, insert, select, update

from closedloop.errors import SettingsError
from closedloop_server.store.tables import tokens

if TYPE_CHECKING:
    from closedloop_server.services import Services

_PREFIX = "cl_"
"""Makes a leaked token easy to find for the scanners that look for them."""
_SIGNED_IN = "token"
_FORM = "form"


class Role(StrEnum):
    """What a token allows."""

    VIEWER = "viewer"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A token as it is listed: never the token itself."""

    name: str
    role: Role
    digest: str
    created_at: datetime
    revoked_at: datetime | None = None


def digest(token: str) -> str:
    """The SHA-256 digest under which a token is kept, in hex."""
    # A lone surrogate, which a header or a form can carry, has no UTF-8; it must not end in an exception.
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def create_token(connection: Connection, *, name: str, role: Role, now: datetime) -> str:
    """Makes a token and returns it; it cannot be shown again."""
    if not name.strip() or len(name) > 100:
        raise SettingsError("a token needs a name of 1 to 100 characters that says who uses it")
    token = _PREFIX + secrets.token_urlsafe(32)
    connection.execute(
        insert(tokens).values(digest=digest(token), name=name.strip(), role=role.value, created_at=now)
    )
    return token


def revoke_tokens(connection: Connection, *, name: str, now: datetime) -> int:
    """Ends every valid token of that name, and the sessions they opened; returns how many there were."""
    mine = (tokens.c.name == name, tokens.c.revoked_at.is_(None))
    return connection.execute(update(tokens).where(*mine).values(revoked_at=now)).rowcount


def list_tokens(connection: Connection) -> tuple[Token, ...]:
    """All tokens ever made, the oldest first."""
    return tuple(_token(row) for row in connection.execute(select(tokens).order_by(tokens.c.created_at)))


def check_token(connection: Connection, token: str) -> Token | None:
    """The valid token that this is, or None."""
    return _valid(connection, digest(token))


def _valid(connection: Connection, wanted: str) -> Token | None:
    row = connection.execute(select(tokens).where(tokens.c.digest == wanted)).one_or_none()
    if row is None or row.revoked_at is not None or row.role not in set(Role):
        return None
    # The index has compared already, but on digests, which a stranger cannot steer byte by byte.
    return _token(row) if hmac.compare_digest(row.digest, wanted) else None


def _token(row: Row[tuple[object, ...]]) -> Token:
    return Token(
        name=row.name,
        role=Role(row.role),
        digest=row.digest,
        created_at=row.created_at,
        revoked_at=row.revoked_at,
    )


def bearer(header: str | None) -> str | None:
    """The token of an `Authorization: Bearer …` header, or None when it holds none (RFC 6750, 2.1)."""
    scheme, _, token = (header or "").partition(" ")
    return token.strip() or None if scheme.lower() == "bearer" else None


def sign_in(token: Token) -> None:
    """Opens a session for the token, with nothing left over from the one before."""
    session.clear()
    session.permanent = True
    session[_SIGNED_IN] = token.digest


def sign_out() -> None:
    """Ends the session."""
    session.clear()


def signed_in(connection: Connection) -> Token | None:
    """The token behind this session, or None when there is none or it was revoked since."""
    wanted = session.get(_SIGNED_IN)
    return _valid(connection, wanted) if isinstance(wanted, str) else None


def form_token() -> str:
    """The secret that every form of this session carries; another site cannot know it."""
    if _FORM not in session:
        session[_FORM] = secrets.token_urlsafe(16)
    return str(session[_FORM])


def form_is_ours(sent: str | None) -> bool:
    """Whether a form came from a page of this session."""
    known = session.get(_FORM)
    if not isinstance(known, str) or not sent:
        return False
    return hmac.compare_digest(known.encode(), sent.encode("utf-8", "surrogatepass"))


def services() -> Services:
    """What the running application was made with."""
    found: Services = current_app.extensions["closedloop"]
    return found
