"""A lock that nobody who waits for it is passed over by.

Whoever takes Python's own lock again at once after giving it back usually gets it, for as long as it likes: a
busy worker would keep out the webhooks, whose CRMs wait five seconds for an answer.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock


class FairLock:
    """A lock that those who wait get in the order in which they came, urgent ones first."""

    def __init__(self) -> None:
        self._guard = Lock()
        self._held = False
        self._waiting: deque[Lock] = deque()

    @contextmanager
    def held(self, *, urgent: bool = False) -> Iterator[None]:
        """Holds the lock while the block runs."""
        self._acquire(urgent=urgent)
        try:
            yield
        finally:
            self._release()

    def _acquire(self, *, urgent: bool) -> None:
        with self._guard:
            if not self._held:
                self._held = True
                return
            turn = Lock()
            turn.acquire()
            (self._waiting.appendleft if urgent else self._waiting.append)(turn)
        try:
            turn.acquire()
        except BaseException:  # interrupted: the turn that may have come by now goes to the next
            self._give_up(turn)
            raise

    def _release(self) -> None:
        """Hands the lock to the next, or leaves it free."""
        with self._guard:
            if self._waiting:
                self._waiting.popleft().release()
            else:
                self._held = False

    def _give_up(self, turn: Lock) -> None:
        with self._guard:
            waits = turn in self._waiting
            if waits:
                self._waiting.remove(turn)
        if not waits:
            self._release()
