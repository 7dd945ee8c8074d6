"""Authorization codes of the web server flow, with proof keys (PKCE) or without.

Help, "OAuth 2.0 Web Server Flow for Web App Integration" and "OAuth 2.0 Authorization Errors".
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

# Help: an authorization code holds for 15 minutes.
_LIFETIME = timedelta(minutes=15)


class OAuthError(Exception):
    """What was asked for is not given; the two texts are the body."""

    def __init__(self, code: str, description: str) -> None:
        super().__init__(code)
        self.body = {"error": code, "error_description": description}


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """What a code was given for. `challenge` is the hash of the proof key."""

    redirect: str
    scope: str
    challenge: str | None
    issued: datetime


class Codes:
    """The codes that were given and not yet used."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._open: dict[str, Code] = {}

    def issue(self, *, redirect: str, scope: str, challenge: str | None) -> str:
        """A new code."""
        code = f"aPrx{secrets.token_urlsafe(48)}"
        self._open[code] = Code(redirect=redirect, scope=scope, challenge=challenge, issued=self._clock())
        return code

    def redeem(self, code: str, *, redirect: str, verifier: str | None) -> Code:
        """What the code was given for; it holds once."""
        found = self._open.pop(code, None)
        if found is None:
            # One that was used before, and one that never was, are answered alike.
            raise OAuthError("invalid_grant", "invalid authorization code")
        if self._clock() - found.issued > _LIFETIME:
            raise OAuthError("invalid_grant", "expired authorization code")
        if redirect != found.redirect:
            raise OAuthError("redirect_uri_mismatch", "redirect_uri must match configuration")
        if found.challenge is not None and not _proves(verifier or "", found.challenge):
            raise OAuthError("invalid_grant", "invalid code verifier")
        return found


def _proves(verifier: str, challenge: str) -> bool:
    digest = hashlib.sha256(verifier.encode()).digest()
    made = base64.urlsafe_b64encode(digest).rstrip(b"=")
    return hmac.compare_digest(made, challenge.rstrip("=").encode())
