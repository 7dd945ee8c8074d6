"""A sandbox's clock, which can be wrong for the length of one request."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime, timedelta

_NONE = timedelta()
_off: ContextVar[timedelta] = ContextVar("closedloop_sandbox_clock", default=_NONE)


class SkewedClock:
    """The time of another clock, off by what `skewed` says in the thread that asks."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock

    def __call__(self) -> datetime:
        off = _off.get()
        return self._clock() + off if off else self._clock()


@contextmanager
def skewed(seconds: float) -> Iterator[None]:
    """Puts every sandbox's clock off by so many seconds, for the present thread alone."""
    before = _off.set(timedelta(seconds=seconds))
    try:
        yield
    finally:
        _off.reset(before)
