"""The access tokens that are valid."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

# Setup, "Session Timeout": what it is unless an administrator changes it.
_USUAL_LIFETIME = 7200


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """What is known of one token: when it was issued and until when it holds, if it is not used."""

    issued: datetime
    ends: datetime
    scope: str


class Sessions:
    """The access tokens that are valid now.

    With `lifetime` set, in seconds, a session ends when it was not used for so long, by the org's clock; an
    administrator sets that time ("Session Timeout", two hours unless changed).
    """

    def __init__(self, organization_id: str, clock: Callable[[], datetime]) -> None:
        self._organization_id = organization_id
        self._clock = clock
        self._used: dict[str, datetime] = {}
        self._issued: dict[str, tuple[datetime, str]] = {}
        self._lock = threading.Lock()
        self.lifetime: float | None = None

    def issue(self, scope: str = "api", *, secret: str | None = None) -> str:
        """A new token; `secret` is its part behind the organisation's id, drawn unless given."""
        token = f"{self._organization_id[:15]}!{secret or secrets.token_urlsafe(48)}"
        now = self._clock()
        with self._lock:
            self._used[token] = now
            self._issued[token] = (now, scope)
        return token

    def valid(self, authorization: str) -> bool:
        """Whether the header carries a token that is valid."""
        scheme, _, token = authorization.partition(" ")
        return scheme.lower() in ("bearer", "oauth") and self.holds(token.strip())

    def holds(self, token: str) -> bool:
        """Whether the token is valid; that it was used keeps it so."""
        now = self._clock()
        with self._lock:
            used = self._used.get(token)
            if used is None:
                return False
            if self.lifetime is not None and now - used > timedelta(seconds=self.lifetime):
                self._drop(token)
                return False
            self._used[token] = now
            return True

    def about(self, token: str) -> Session | None:
        """What is known of a token that is valid; to ask does not count as using it."""
        now, life = self._clock(), timedelta(seconds=self.lifetime or _USUAL_LIFETIME)
        with self._lock:
            used = self._used.get(token)
            if used is None or (self.lifetime is not None and now - used > life):
                return None
            issued, scope = self._issued[token]
            return Session(issued=issued, ends=used + life, scope=scope)

    def end(self, token: str) -> None:
        """Ends one session."""
        with self._lock:
            self._drop(token)

    def end_all(self) -> None:
        """Ends every session, as when an administrator revokes them."""
        with self._lock:
            self._used.clear()
            self._issued.clear()

    def _drop(self, token: str) -> None:
        self._used.pop(token, None)
        self._issued.pop(token, None)
