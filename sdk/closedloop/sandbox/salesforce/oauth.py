"""Sessions, and the token endpoint of the client credentials flow.

Bodies: Help, "OAuth 2.0 Client Credentials Flow" and "OAuth 2.0 Authorization Errors".
"""

from __future__ import annotations

import base64
import binascii
import hmac
import secrets
import threading
import time
from collections.abc import Mapping
from typing import Any


class Sessions:
    """The access tokens that are valid now."""

    def __init__(self, organization_id: str) -> None:
        self._organization_id = organization_id
        self._tokens: set[str] = set()
        self._lock = threading.Lock()

    def issue(self) -> str:
        """A new token."""
        token = f"{self._organization_id[:15]}!{secrets.token_urlsafe(48)}"
        with self._lock:
            self._tokens.add(token)
        return token

    def valid(self, authorization: str) -> bool:
        """Whether the header carries a token that is valid."""
        scheme, _, token = authorization.partition(" ")
        with self._lock:
            return scheme.lower() in ("bearer", "oauth") and token.strip() in self._tokens

    def end_all(self) -> None:
        """Ends every session, as when an administrator revokes them."""
        with self._lock:
            self._tokens.clear()


class TokenEndpoint:
    """Gives tokens to the one client it knows."""

    def __init__(self, sessions: Sessions, *, client_id: str, client_secret: str, identity: str) -> None:
        self._sessions = sessions
        self._client_id = client_id
        self._client_secret = client_secret
        self._identity = identity

    def answer(self, form: Mapping[str, str], authorization: str, url: str) -> tuple[int, dict[str, Any]]:
        """Status and body."""
        client_id, client_secret = _basic(authorization) or (
            form.get("client_id", ""),
            form.get("client_secret", ""),
        )
        if form.get("grant_type") != "client_credentials":
            return 400, _error("unsupported_grant_type", "grant type not supported")
        if not _same(client_id, self._client_id):
            return 400, _error("invalid_client_id", "client identifier invalid")
        if not _same(client_secret, self._client_secret):
            return 400, _error("invalid_client", "invalid client credentials")
        return 200, self._token(url)

    def _token(self, url: str) -> dict[str, Any]:
        return {
            "access_token": self._sessions.issue(),
            "signature": base64.b64encode(secrets.token_bytes(32)).decode(),
            "scope": "api",
            "instance_url": url,
            "id": f"{url}/id/{self._identity}",
            "token_type": "Bearer",
            "issued_at": str(int(time.time() * 1000)),
        }


def _basic(authorization: str) -> tuple[str, str] | None:
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        name, _, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return name, secret


def _same(given: str, expected: str) -> bool:
    return hmac.compare_digest(given.encode(), expected.encode())


def _error(code: str, description: str) -> dict[str, str]:
    return {"error": code, "error_description": description}
