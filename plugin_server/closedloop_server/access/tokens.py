"""Tokens: made, listed, checked and revoked.

A token is 256 random bits, shown once when it is made; the table keeps its SHA-256 digest alone. A plain
digest is enough here, because there is nothing to guess: passwords need slow hashes, random keys do not.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import Connection, Row, delete, insert, or_, select, update

from closedloop.errors import SettingsError
from closedloop_server.store.tables import sessions, sign_in_links, tokens

_PREFIX = "cl_"
"""Makes a leaked token easy to find for the scanners that look for them."""
_USED_EVERY = timedelta(hours=1)
"""How exactly the last use is known."""


class Scope(StrEnum):
    """What a token opens."""

    REPORTS = "reports"
    """Look at the figures, the decisions behind them and the campaigns."""
    OPERATE = "operate"
    """Look at deliveries and waiting work; replay, pause and retry it."""
    ADMIN = "admin"
    """Everything, also subscriptions, tokens, erasing people, and all that comes later."""


class Role(StrEnum):
    """Scopes that go together."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    ADMIN = "admin"

    @property
    def scopes(self) -> frozenset[Scope]:
        """What a token with this role opens."""
        return _OF_ROLE[self]


_OF_ROLE = {
    Role.VIEWER: frozenset({Scope.REPORTS}),
    Role.OPERATOR: frozenset({Scope.REPORTS, Scope.OPERATE}),
    Role.ADMIN: frozenset(Scope),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A token as it is listed: never the token itself."""

    name: str
    scopes: frozenset[Scope]
    digest: str
    created_at: datetime
    expires_at: datetime | None = None
    last_used_at: datetime | None = None
    revoked_at: datetime | None = None

    @property
    def role(self) -> Role | None:
        """The role with exactly these scopes, or None."""
        return next((role for role in Role if role.scopes == self.scopes), None)

    def allows(self, scope: Scope) -> bool:
        """Whether this token opens what the scope stands for."""
        return scope in self.scopes or Scope.ADMIN in self.scopes

    def is_valid(self, now: datetime) -> bool:
        """Whether the token opens anything at this time."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)


def digest(secret: str) -> str:
    """The SHA-256 digest under which a token, a session or a link is kept, in hex."""
    # A lone surrogate, which a header or a form can carry, has no UTF-8; it must not end in an exception.
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def create_token(
    connection: Connection,
    *,
    name: str,
    role: Role | None = None,
    scopes: Iterable[Scope] = (),
    expires_at: datetime | None = None,
    now: datetime,
) -> str:
    """Makes a token with a role's scopes, or with these, and returns it; it cannot be shown again."""
    allowed = frozenset(scopes) | (role.scopes if role else frozenset())
    if not name.strip() or len(name) > 100 or not name.isprintable():
        raise SettingsError("a token needs a name of 1 to 100 characters that says who uses it")
    if not allowed:
        raise SettingsError(f"a token needs at least one scope: {', '.join(Scope)}")
    if expires_at is not None and expires_at <= now:
        raise SettingsError("a token must end in the future")
    token = _PREFIX + secrets.token_urlsafe(32)
    connection.execute(
        insert(tokens).values(
            digest=digest(token),
            name=name.strip(),
            # Read by a server older than scopes, which may run beside this one while it is replaced.
            role=(Role.ADMIN if Scope.ADMIN in allowed else Role.VIEWER).value,
            scopes=" ".join(sorted(allowed)),
            created_at=now,
            expires_at=expires_at,
        )
    )
    return token


def revoke_tokens(connection: Connection, *, name: str, now: datetime) -> int:
    """Ends every valid token of that name, and the sessions they opened; returns how many there were."""
    mine = (tokens.c.name == name, tokens.c.revoked_at.is_(None))
    digests = list(connection.scalars(select(tokens.c.digest).where(*mine)))
    connection.execute(update(tokens).where(tokens.c.digest.in_(digests)).values(revoked_at=now))
    for table in (sessions, sign_in_links):
        connection.execute(delete(table).where(table.c.token.in_(digests)))
    return len(digests)


def list_tokens(connection: Connection) -> tuple[Token, ...]:
    """All tokens ever made, the oldest first."""
    return tuple(_token(row) for row in connection.execute(select(tokens).order_by(tokens.c.created_at)))


def check_token(connection: Connection, token: str, *, now: datetime) -> Token | None:
    """The valid token that this is, or None."""
    return by_digest(connection, digest(token), now=now)


def by_digest(connection: Connection, wanted: str, *, now: datetime) -> Token | None:
    """The valid token with this digest, or None."""
    row = connection.execute(select(tokens).where(tokens.c.digest == wanted)).one_or_none()
    # The index has compared already, but on digests, which a stranger cannot steer byte by byte.
    if row is None or not hmac.compare_digest(row.digest, wanted):
        return None
    token = _token(row)
    return token if token.scopes and token.is_valid(now) else None


def newest_named(connection: Connection, name: str, *, now: datetime) -> Token | None:
    """The newest valid token of that name, or None."""
    query = select(tokens).where(tokens.c.name == name).order_by(tokens.c.created_at.desc())
    found = (_token(row) for row in connection.execute(query))
    return next((token for token in found if token.is_valid(now)), None)


def wants_note(token: Token, *, now: datetime) -> bool:
    """Whether the last use that is written down is too long ago."""
    return token.last_used_at is None or token.last_used_at <= now - _USED_EVERY


def note_use(connection: Connection, token: Token, *, now: datetime) -> None:
    """Writes down that the token is used now, unless another process did so meanwhile."""
    before = or_(tokens.c.last_used_at.is_(None), tokens.c.last_used_at <= now - _USED_EVERY)
    mine = tokens.c.digest == token.digest
    connection.execute(update(tokens).where(mine, before).values(last_used_at=now))


def bearer(header: str | None) -> str | None:
    """The token of an `Authorization: Bearer …` header, or None when it holds none (RFC 6750, 2.1)."""
    scheme, _, token = (header or "").partition(" ")
    return token.strip() or None if scheme.lower() == "bearer" else None


def _token(row: Row[tuple[object, ...]]) -> Token:
    return Token(
        name=row.name,
        scopes=_scopes(row.scopes, row.role),
        digest=row.digest,
        created_at=row.created_at,
        expires_at=row.expires_at,
        last_used_at=row.last_used_at,
        revoked_at=row.revoked_at,
    )


def _scopes(written: str | None, role: str) -> frozenset[Scope]:
    """What a row allows; words that this version does not know allow nothing."""
    if role not in set(Role):
        return frozenset()
    if written is None:
        return Role(role).scopes
    return frozenset(Scope(word) for word in written.split() if word in set(Scope))
