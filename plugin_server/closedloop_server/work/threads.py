"""Threads that look for work when they are woken, and from time to time anyway.

Nothing durable lives here: what there is to do stands in the tables. A worker that is lost, or a wake-up
that is, costs time and nothing else.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from closedloop.crm.retry import waiting_by
from closedloop.errors import CrmError, RetryableError
from closedloop_server.failure import where
from closedloop_server.pipeline.backoff import again_at
from closedloop_server.store.leases import SupersededError

SWEEP = timedelta(seconds=5)
"""How long a worker sleeps at most: the wake-ups that were lost are found then."""

log = logging.getLogger(__name__)


class Stopped(Exception):  # noqa: N818 - no error: it ends a long turn early
    """The worker is asked to stop."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerState:
    """How a worker fares. `error` says why its last turn failed, and `held_until` when it tries again."""

    name: str
    turns: int = 0
    failures: int = 0
    error: str | None = None
    held_until: datetime | None = None


class Worker:
    """A thread that takes turns. A turn does all there is to do and returns when to look again, if known."""

    def __init__(
        self, name: str, turn: Callable[[], datetime | None], *, clock: Callable[[], datetime]
    ) -> None:
        self.state = WorkerState(name=name)
        self._turn = turn
        self._clock = clock
        self._awake = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Takes the first turn at once."""
        self._thread.start()

    def wake(self) -> None:
        """Has the worker look soon; not before a waiting time after a failure is over."""
        self._awake.set()

    def hurry(self) -> None:
        """Has the worker look now, whatever failed before."""
        self.state = WorkerState(name=self.state.name, turns=self.state.turns)
        self._awake.set()

    def ask_to_stop(self) -> None:
        """Has the worker end after its turn."""
        self._stopping.set()
        self._awake.set()

    def join(self, timeout: float | None = None) -> None:
        """Waits until the worker has ended, at most `timeout` seconds."""
        if self._thread.ident is not None:
            self._thread.join(timeout)

    def check(self) -> None:
        """Ends a long turn when the worker is asked to stop."""
        if self._stopping.is_set():
            raise Stopped

    def _run(self) -> None:
        with waiting_by(self._nap):
            while not self._stopping.is_set():
                again = self._one_turn()
                self._sleep_until(again)

    def _nap(self, seconds: float) -> None:
        """Waits between two tries of a call, which need not come to their end when the worker is to stop."""
        self._stopping.wait(seconds)
        self.check()

    def _one_turn(self) -> datetime | None:
        self._awake.clear()
        try:
            again = self._turn()
        except Stopped:
            return None
        except (CrmError, SupersededError) as error:
            return self._failed(f"{error.reason}: {error.message}", error)
        except Exception as error:  # noqa: BLE001 - a worker outlives whatever one turn runs into
            return self._failed(f"unexpected: {where(error)}", error)
        self.state = WorkerState(name=self.state.name, turns=self.state.turns + 1)
        return again

    def _failed(self, what: str, error: Exception) -> datetime:
        failures = self.state.failures + 1
        retry_after = error.retry_after if isinstance(error, RetryableError) else None
        until = again_at(self._clock(), failures, retry_after)
        self.state = WorkerState(
            name=self.state.name,
            turns=self.state.turns + 1,
            failures=failures,
            error=what,
            held_until=until,
        )
        log.warning("%s failed (%d in a row), next try at %s: %s", self.state.name, failures, until, what)
        return until

    def _sleep_until(self, again: datetime | None) -> None:
        """Sleeps until then, until woken or for a sweep; a wake-up does not end the wait after a failure."""
        while not self._stopping.is_set():
            held = self.state.held_until
            now = self._clock()
            wait = held - now if held else min(again - now if again else SWEEP, SWEEP)
            woken = self._awake.wait(max(wait.total_seconds(), 0))
            if not woken or self.state.held_until is None:
                return
            self._awake.clear()
