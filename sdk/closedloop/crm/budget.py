"""Counts a connection's own calls over a rolling day, and ends them at the budget that the user set."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from closedloop.errors import QuotaError

_DAY = 86_400.0
_SLICE = 60.0
"""Seconds whose calls are counted together: a day then takes 1,440 numbers, however many the calls."""


class Budget:
    """At most `calls` within any 24 hours; None: any number, which is counted nevertheless."""

    def __init__(self, calls: int | None = None, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.calls = calls
        self._clock = clock
        self._slices: deque[tuple[float, int]] = deque()
        self._spent = 0
        self._lock = threading.Lock()

    @property
    def spent(self) -> int:
        """The calls of the last 24 hours."""
        with self._lock:
            self._forget()
            return self._spent

    def spend(self) -> None:
        """Takes one call off; QuotaError when none is left."""
        with self._lock:
            self._forget()
            if self.calls is not None and self._spent >= self.calls:
                wait = self._slices[0][0] + _DAY + _SLICE - self._clock() if self._slices else _DAY
                raise QuotaError(
                    f"the budget of {self.calls} calls a day is spent: raise `daily_budget`, or wait",
                    reason="budget_spent",
                    retry_after=wait,
                    resets_at=datetime.now(UTC) + timedelta(seconds=wait),
                )
            self._count()

    def _count(self) -> None:
        now = self._clock()
        self._spent += 1
        if self._slices and now - self._slices[-1][0] < _SLICE:
            began, calls = self._slices[-1]
            self._slices[-1] = (began, calls + 1)
        else:
            self._slices.append((now, 1))

    def _forget(self) -> None:
        ended = self._clock() - _DAY - _SLICE
        while self._slices and self._slices[0][0] <= ended:
            self._spent -= self._slices.popleft()[1]
