"""Tokens, made and revoked by an admin of the pages or the API."""

from __future__ import annotations

from datetime import datetime

from closedloop_server.access import Role, Token, create_token, list_tokens, revoke_tokens
from closedloop_server.services import Services
from closedloop_server.store import audit
from closedloop_server.store.engine import reading, writing


def every(services: Services) -> tuple[Token, ...]:
    """All tokens ever made, the newest first."""
    with reading(services.engine) as connection:
        return tuple(reversed(list_tokens(connection)))


def create(services: Services, *, name: str, role: Role, expires_at: datetime | None, who: str) -> str:
    """Makes a token and returns it; it cannot be shown again."""
    now = services.clock()
    with writing(services.engine) as connection:
        token = create_token(connection, name=name, role=role, expires_at=expires_at, now=now)
        details = {"role": role.value, "expires_at": expires_at.isoformat() if expires_at else None}
        audit.note(connection, who=who, action="token.create", target=name.strip(), details=details, now=now)
    return token


def revoke(services: Services, *, name: str, who: str) -> int:
    """Ends every valid token of that name, and the sessions that they opened; returns how many there were."""
    now = services.clock()
    with writing(services.engine) as connection:
        count = revoke_tokens(connection, name=name, now=now)
        if count:
            audit.note(connection, who=who, action="token.revoke", target=name, now=now)
    return count
