"""Access tokens: fetched once for all threads, and fetched again before or when they expire."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

_EARLY = 60.0
"""Seconds before its end at which a token is not used any more: a request takes a while too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """An access token. `address` is the host that takes it, where the CRM says; `expires_in` are seconds
    from when it was fetched; `refresh_token` a new one to keep, where the CRM changes it."""

    value: str = field(repr=False)
    address: str | None = None
    expires_in: float | None = None
    refresh_token: str | None = field(default=None, repr=False)


class Fetch(Protocol):
    """One way to come by a token: an OAuth flow."""

    def __call__(self) -> Token:
        """A new token; AuthenticationError if the CRM does not give one."""


class Tokens:
    """The present token of a connection.

    `fetch` is None for a token that was given and cannot be renewed. Of any number of threads that meet
    an expired token one fetches the next, and all others wait for it and use it.
    """

    def __init__(
        self,
        given: Token | None,
        fetch: Fetch | None,
        *,
        on_new: Callable[[Token], None] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._present = given
        self._fetch = fetch
        self._on_new = on_new
        self._clock = clock
        self._ends_at: float | None = None
        self._lock = threading.Lock()

    @property
    def renewable(self) -> bool:
        """Whether a new token can be fetched."""
        return self._fetch is not None

    def present(self, *, rejected: Token | None = None) -> Token:
        """The token to use; a new one if the present one is the `rejected` one, or about to end."""
        with self._lock:
            if self._fetch is not None and self._is_over(rejected):
                self._renew(self._fetch)
            if self._present is None:
                raise RuntimeError("a connection needs a token or a way to fetch one")
            return self._present

    def _is_over(self, rejected: Token | None) -> bool:
        if self._present is None or self._present is rejected:
            return True
        return self._ends_at is not None and self._clock() >= self._ends_at

    def _renew(self, fetch: Fetch) -> None:
        token = fetch()
        self._present = token
        life = token.expires_in
        self._ends_at = None if life is None else self._clock() + max(life - _EARLY, life / 2)
        if self._on_new is not None:
            self._on_new(token)
