"""Threads that look for work when they are woken, and from time to time anyway.

Nothing durable lives here: what there is to do stands in the tables. A worker that is lost, or a wake-up
that is, costs time and nothing else.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from closedloop.crm.retry import waiting_by
from closedloop_server.services import Services
from closedloop_server.work.kinds import Work, all_work
from closedloop_server.work.owned import OwnedWork, Stopped, failure, worker_name

SWEEP = timedelta(seconds=5)
"""How long a worker sleeps at most: the wake-ups that were lost are found then."""

log = logging.getLogger(__name__)


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
        except Exception as error:  # noqa: BLE001 - a worker outlives whatever one turn runs into
            return self._failed(error)
        self.state = WorkerState(name=self.state.name, turns=self.state.turns + 1)
        return again

    def _failed(self, error: Exception) -> datetime:
        failed = failure(error, self.state.failures, self._clock())
        self.state = WorkerState(
            name=self.state.name,
            turns=self.state.turns + 1,
            failures=failed.failures,
            error=failed.error,
            held_until=failed.until,
        )
        log.warning(
            "%s failed (%d in a row), next try at %s: %s",
            self.state.name,
            failed.failures,
            failed.until,
            failed.error,
        )
        return failed.until

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


class ThreadTeam:
    """A thread for each piece of work: one reads the inbox, derives and publishes, because the ledger has one
    writer; for each connection one reads the CRM and one tells it."""

    def __init__(self, services: Services) -> None:
        self._services = services
        holder = worker_name()
        self._workers = {work: self._worker(work, holder) for work in all_work(services.crms)}

    def _worker(self, work: Work, holder: str) -> Worker:
        def check() -> None:
            self._workers[work].check()

        owned = OwnedWork(self._services, work, holder=holder, check=check)
        return Worker(str(work), owned.take_turn, clock=self._services.clock)

    def start(self) -> None:
        """Takes the first turns at once."""
        for worker in self._workers.values():
            worker.start()

    def stop(self, patience: float) -> None:
        """Ends every thread after what it is doing; waits so many seconds at most."""
        for worker in self._workers.values():
            worker.ask_to_stop()
        deadline = time.monotonic() + patience
        for worker in self._workers.values():
            worker.join(max(deadline - time.monotonic(), 0))

    def wake(self, *works: Work) -> None:
        """Has these looked at soon."""
        for work in works:
            self._workers[work].wake()

    def hurry(self, *works: Work) -> None:
        """Has these looked at now, whatever failed before."""
        for work in works:
            self._workers[work].hurry()

    def states(self) -> tuple[WorkerState, ...]:
        """How every worker fares."""
        return tuple(worker.state for worker in self._workers.values())
