"""The access tokens that are valid."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable
from datetime import datetime, timedelta


class Sessions:
    """The access tokens that are valid now.

    With `lifetime` set, in seconds, a session ends when it was not used for so long, by the org's clock; an
    administrator sets that time ("Session Timeout", two hours unless changed).
    """

    def __init__(self, organization_id: str, clock: Callable[[], datetime]) -> None:
        self._organization_id = organization_id
        self._clock = clock
        self._used: dict[str, datetime] = {}
        self._lock = threading.Lock()
        self.lifetime: float | None = None

    def issue(self) -> str:
        """A new token."""
        token = f"{self._organization_id[:15]}!{secrets.token_urlsafe(48)}"
        with self._lock:
            self._used[token] = self._clock()
        return token

    def valid(self, authorization: str) -> bool:
        """Whether the header carries a token that is valid."""
        scheme, _, token = authorization.partition(" ")
        token, now = token.strip(), self._clock()
        with self._lock:
            used = self._used.get(token)
            if scheme.lower() not in ("bearer", "oauth") or used is None:
                return False
            if self.lifetime is not None and now - used > timedelta(seconds=self.lifetime):
                del self._used[token]
                return False
            self._used[token] = now
            return True

    def end(self, token: str) -> None:
        """Ends one session."""
        with self._lock:
            self._used.pop(token, None)

    def end_all(self) -> None:
        """Ends every session, as when an administrator revokes them."""
        with self._lock:
            self._used.clear()
