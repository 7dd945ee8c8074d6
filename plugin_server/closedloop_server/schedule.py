"""When each connection is polled next."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from datetime import datetime


class Schedule:
    """The next poll of each connection; at once until the first one is done. Threads may share it."""

    def __init__(self, names: Iterable[str]) -> None:
        self._lock = threading.Lock()
        self._next: dict[str, datetime | None] = dict.fromkeys(names)
        self._asked = 0

    def is_due(self, name: str, now: datetime) -> bool:
        """Whether the connection is to be polled now."""
        at = self.next_at(name)
        return at is None or at <= now

    def next_at(self, name: str) -> datetime | None:
        """When the connection is polled next; None: at once."""
        with self._lock:
            return self._next[name]

    def begin(self) -> int:
        """A ticket to hand in when the poll that begins now is done."""
        with self._lock:
            return self._asked

    def done(self, name: str, ticket: int, next_at: datetime) -> None:
        """Sets the next poll, unless one was asked for since this one began: it may have missed something."""
        with self._lock:
            if ticket == self._asked:
                self._next[name] = next_at

    def ask(self) -> None:
        """Has every connection polled at once."""
        with self._lock:
            self._asked += 1
            self._next = dict.fromkeys(self._next)

    @property
    def all_done(self) -> bool:
        """Whether every poll that was asked for is done."""
        with self._lock:
            return None not in self._next.values()
