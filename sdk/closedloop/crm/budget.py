"""Counts a connection's own calls over a rolling day, and ends them at the budget that the user set.

Bulk work, such as reading years of history, may be kept to a share of it, so that the rest is left for what
has just been decided:

    with bulk_work():
        …
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta
from typing import Protocol

from closedloop.errors import QuotaError

BUDGET_SPENT = "budget_spent"
"""The reason of the QuotaError that ends all work."""
BULK_SHARE_SPENT = "bulk_share_spent"
"""The reason of the QuotaError that ends bulk work alone."""

_DAY = 86_400.0
_SLICE = 60.0
"""Seconds whose calls are counted together: a day then takes 1,440 numbers, however many the calls."""

_bulk: ContextVar[bool] = ContextVar("closedloop_bulk_work", default=False)


class Budget(Protocol):
    """The calls of a connection: how many it may make within any 24 hours, and how many it has made.

    A `DailyBudget` counts within this process. Where several processes share a connection, give
    `connect(…, budget=…)` one that counts for all of them.
    """

    @property
    def calls(self) -> int | None:
        """How many calls are allowed; None: any number, which is counted nevertheless."""

    @property
    def spent(self) -> int:
        """The calls of the last 24 hours."""

    def spend(self) -> None:
        """Takes one call off; QuotaError when none is left. Threads may share it."""


@contextmanager
def bulk_work() -> Iterator[None]:
    """Within the block, in this thread, every call is one of bulk work."""
    token = _bulk.set(True)
    try:
        yield
    finally:
        _bulk.reset(token)


def is_bulk_work() -> bool:
    """Whether the present call is one of bulk work."""
    return _bulk.get()


def allowed(calls: int, bulk_share: float) -> int:
    """How many of the calls may be spent for the work at hand."""
    return int(calls * bulk_share) if is_bulk_work() else calls


def exhausted(calls: int, *, wait: float) -> QuotaError:
    """The error when nothing is left for the work at hand; `wait` seconds until something is."""
    resets_at = datetime.now(UTC) + timedelta(seconds=wait)
    if is_bulk_work():
        return QuotaError(
            f"what bulk work may have of the budget of {calls} calls a day is spent; the rest is for new "
            f"decisions: raise `daily_budget`, or wait",
            reason=BULK_SHARE_SPENT,
            retry_after=wait,
            resets_at=resets_at,
        )
    return QuotaError(
        f"the budget of {calls} calls a day is spent: raise `daily_budget`, or wait",
        reason=BUDGET_SPENT,
        retry_after=wait,
        resets_at=resets_at,
    )


class DailyBudget:
    """At most `calls` within any 24 hours, of which bulk work gets at most `bulk_share`; None: any number,
    which is counted nevertheless."""

    def __init__(
        self,
        calls: int | None = None,
        *,
        bulk_share: float = 1.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._calls = calls
        self._bulk_share = bulk_share
        self._clock = clock
        self._slices: deque[tuple[float, int]] = deque()
        self._spent = 0
        self._lock = threading.Lock()

    @property
    def calls(self) -> int | None:
        """How many calls are allowed."""
        return self._calls

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
            if self._calls is not None and self._spent >= allowed(self._calls, self._bulk_share):
                wait = self._slices[0][0] + _DAY + _SLICE - self._clock() if self._slices else _DAY
                raise exhausted(self._calls, wait=wait)
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
