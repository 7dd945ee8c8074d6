"""Keeps calls within so many per period, over a window that rolls like HubSpot's own."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable

from closedloop.errors import RetryableError


class RollingLimit:
    """At most `calls` within any `seconds`, for all threads together; None calls: no limit.

    Not a token bucket: one that holds N lets nearly 2 N pass within a rolling window.
    """

    def __init__(
        self,
        calls: int | None,
        *,
        seconds: float,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._last: deque[float] = deque(maxlen=calls)
        self._calls, self._seconds, self._clock, self._sleep = calls, seconds, clock, sleep
        self._lock = threading.Lock()

    def wait(self, *, most: float = float("inf")) -> None:
        """Returns when the next call may go out; RetryableError, and nothing is taken, if that is in more
        than `most` seconds."""
        if self._calls is None:
            return
        with self._lock:  # only reserves: threads sleep side by side, outside the lock
            now = self._clock()
            full = len(self._last) == self._calls
            due = max(now, self._last[0] + self._seconds) if full else now
            if due - now <= most:
                self._last.append(due)
        if due - now > most:
            raise RetryableError(
                f"more calls wait here than {self._calls} in {self._seconds:g} seconds let out in time",
                reason="rate_limited",
                retry_after=due - now,
            )
        if due > now:
            self._sleep(due - now)
