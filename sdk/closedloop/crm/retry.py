"""Calls a function again when its error says that a later try may succeed.

The type of the error decides: a `RetryableError` is tried again, anything else is not. A used-up daily
allowance (`QuotaError`) comes back at the CRM's reset and not within a minute, so it goes to the caller
at once, and so does an error whose `retry_after` lies behind the deadline.

    call(lambda: client.get("limits"))

Whether repeating is *safe* only the caller knows: pass `retry_on=` the errors that prove nothing happened.
The deadline is one for everything: a transport gives no attempt more than `remaining()` seconds.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeVar

from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception,
    stop_after_attempt,
    wait_exponential,
    wait_random,
)

from closedloop.errors import QuotaError, RetryableError

ATTEMPTS = 5
DEADLINE = 60.0
"""Seconds that all attempts and the waits between them may take together."""

T = TypeVar("T")
RetryOn = type[RetryableError] | tuple[type[RetryableError], ...]

_backoff = wait_exponential(multiplier=0.5, max=20) + wait_random(0, 1)
_switched: Callable[[float], None] | None = None
_sleep: ContextVar[Callable[[float], None]] = ContextVar("closedloop_call_sleep", default=time.sleep)
_ends_at: ContextVar[float | None] = ContextVar("closedloop_call_ends_at", default=None)
_SUSPENDED_TOO: int | None = getattr(time, "CLOCK_BOOTTIME", None)


def call(
    function: Callable[[], T],
    *,
    retry_on: RetryOn = RetryableError,
    attempts: int = ATTEMPTS,
    deadline: float = DEADLINE,
) -> T:
    """What `function` returns, after as many tries as it takes; the last error if none succeeds.

    A call within a call keeps to the outer one's deadline.
    """
    deadline = remaining(deadline)
    retrying = Retrying(
        retry=retry_if_exception(
            lambda error: isinstance(error, retry_on) and not isinstance(error, QuotaError)
        ),
        wait=_wait,
        stop=lambda state: stop_after_attempt(attempts)(state) or _too_late(state, deadline),
        sleep=_nap,
        reraise=True,
    )
    with _until(deadline):
        return retrying(function)


def remaining(most: float) -> float:
    """The seconds that the present call may still take, at most `most`; 0 when its deadline has passed.
    Outside of `call`: `most`."""
    ends_at = _ends_at.get()
    return most if ends_at is None else max(0.0, min(most, ends_at - seconds()))


def seconds() -> float:
    """A clock that never goes back. Where there is one (Linux) it counts while the machine is suspended too:
    whoever waits for the end of a call elsewhere does not sleep."""
    return time.monotonic() if _SUSPENDED_TOO is None else time.clock_gettime(_SUSPENDED_TOO)


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Within the block, in this thread, everything that is called has ended after so many seconds."""
    with _until(seconds):
        yield


@contextmanager
def waiting_by(sleep: Callable[[float], None]) -> Iterator[None]:
    """Within the block, in this thread, `sleep` waits between two tries. What it raises ends them."""
    token = _sleep.set(sleep)
    try:
        yield
    finally:
        _sleep.reset(token)


@contextmanager
def without_waiting() -> Iterator[list[float]]:
    """For tests: nothing sleeps, in any thread, until the block ends; gives the waits there would have been.

    Everything else stays as it is: the number of attempts, and the deadline, which counts the waits.
    """
    global _switched  # noqa: PLW0603 - the threads of a server under test must see the switch too
    before, waits = _switched, list[float]()
    _switched = waits.append
    try:
        yield waits
    finally:
        _switched = before


@contextmanager
def _until(deadline: float) -> Iterator[None]:
    """Within the block `remaining` counts down; a call within a call keeps to the outer one's deadline."""
    token = _ends_at.set(seconds() + remaining(deadline))
    try:
        yield
    finally:
        _ends_at.reset(token)


def _nap(seconds: float) -> None:
    """Sleeps; looked up at each wait, so that the test switch is seen."""
    (_switched or _sleep.get())(seconds)


def _wait(state: RetryCallState) -> float:
    """Back-off with jitter, but never less than the CRM asked for."""
    error = state.outcome.exception() if state.outcome else None
    asked = error.retry_after if isinstance(error, RetryableError) else None
    return max(_backoff(state), asked or 0.0)


def _too_late(state: RetryCallState, deadline: float) -> bool:
    passed = max(state.seconds_since_start or 0.0, state.idle_for)
    return passed + state.upcoming_sleep >= deadline
