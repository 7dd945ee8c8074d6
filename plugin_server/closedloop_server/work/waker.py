"""A thread that has workers anywhere look for work: soon, or at a time. What it forgets costs time alone."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable
from datetime import datetime

from closedloop_server.failure import where
from closedloop_server.work.kinds import Work

log = logging.getLogger(__name__)


class Waker:
    """Calls `tell` with what is due, each piece of work once, however often it was asked for meanwhile."""

    def __init__(self, tell: Callable[[Iterable[Work]], None], *, clock: Callable[[], datetime]) -> None:
        self._tell = tell
        self._clock = clock
        self._due: dict[Work, datetime] = {}
        self._changed = threading.Condition()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="waker", daemon=True)

    def start(self) -> None:
        """Begins to tell."""
        self._thread.start()

    def stop(self) -> None:
        """Tells what is due now, and ends."""
        with self._changed:
            self._stopping = True
            self._changed.notify()
        if self._thread.ident is not None:
            self._thread.join(10)

    def wake(self, *works: Work) -> None:
        """Has somebody look soon; returns at once."""
        now = self._clock()
        with self._changed:
            for work in works:
                self._due[work] = now
            self._changed.notify()

    def wake_at(self, at: datetime, work: Work) -> None:
        """Has somebody look then, or before."""
        with self._changed:
            self._due[work] = min(at, self._due.get(work, at))
            self._changed.notify()

    def _run(self) -> None:
        while True:
            with self._changed:
                due = self._take()
                if not due and self._stopping:
                    return
                if not due:
                    self._changed.wait(self._seconds())
            if due:
                self._say(due)

    def _take(self) -> list[Work]:
        now = self._clock()
        due = sorted(work for work, at in self._due.items() if at <= now)
        for work in due:
            del self._due[work]
        return due

    def _seconds(self) -> float | None:
        """How long nothing is due; None: until somebody says otherwise."""
        first = min(self._due.values(), default=None)
        return None if first is None else max((first - self._clock()).total_seconds(), 0.001)

    def _say(self, due: list[Work]) -> None:
        try:
            self._tell(due)
        except Exception as error:  # noqa: BLE001 - whoever is not woken now looks a few seconds later anyway
            log.warning("nobody could be woken: %s", where(error))
