"""Access tokens: fetched once for all threads, and fetched again before or when they expire."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
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


class RefreshTokens(Protocol):
    """Keeps the newest refresh token of a connection, for all processes that use the connection together.

    A CRM that changes the refresh token with every use takes the use of an old one as a theft: so the newest
    one is used by one process at a time.
    """

    def using(self, given: str) -> AbstractContextManager[UsedRefreshToken]:
        """The newest refresh token, `given` if there is no newer one, while nobody else uses it."""


class UsedRefreshToken(Protocol):
    """A refresh token in use."""

    value: str

    def keep(self, changed: str) -> None:
        """Keeps the one that the CRM gave in its place, before anything else is done."""


class OwnRefreshToken:
    """Keeps the newest refresh token in memory: for a program that is alone with its connection."""

    def __init__(self) -> None:
        self.value = ""

    @contextmanager
    def using(self, given: str) -> Iterator[OwnRefreshToken]:
        """This very object."""
        self.value = self.value or given
        yield self

    def keep(self, changed: str) -> None:
        """Uses this one from now on."""
        self.value = changed


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
