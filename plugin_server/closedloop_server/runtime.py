"""A running server: the HTTP side, and the workers that turn the loop.

    with Runtime(load_settings(path)) as runtime:
        runtime.wait_idle(60)

The threads: one reads the inbox, derives and publishes (the ledger has one writer); for each connection
one reads the CRM and one tells it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from types import TracebackType
from typing import Self

from closedloop.crm.base import Crm
from closedloop.mapping import load_mappings
from closedloop_server.app import create_app
from closedloop_server.pipeline.deliver import deliver
from closedloop_server.pipeline.derive import derive
from closedloop_server.pipeline.expand import expand
from closedloop_server.pipeline.inbox import read_inbox
from closedloop_server.pipeline.publish import publish
from closedloop_server.pipeline.refresh import poll, refresh
from closedloop_server.pipeline.replay import replay
from closedloop_server.schedule import Schedule
from closedloop_server.services import Services, connect_all, now
from closedloop_server.serving import HttpServer
from closedloop_server.settings import Settings
from closedloop_server.store import feedback, hints, waiting
from closedloop_server.store.engine import open_engine, reading
from closedloop_server.store.schema import upgrade
from closedloop_server.workers import Worker, WorkerState

SHARE = 20
"""How many batches of one step are done before the next step has its turn."""

PATIENCE = 20.0
"""Seconds that stopping waits for the workers."""


class Runtime:
    """Everything that runs. The address is bound at once; `start` begins to answer and to work."""

    def __init__(
        self,
        settings: Settings,
        *,
        clock: Callable[[], datetime] = now,
        crms: Mapping[str, Crm] | None = None,
    ) -> None:
        self._http = HttpServer(settings.host, settings.port)
        self.url = self._http.url
        settings = replace(settings, public_url=settings.public_url or self.url)
        mappings = load_mappings(settings.mappings_directory)
        if crms is None:
            crms = connect_all(settings, mappings)
        self.services = Services(
            engine=open_engine(settings.database_url),
            settings=settings,
            mappings=mappings,
            crms=crms,
            clock=clock,
            wake=self._wake_inner,
        )
        self.app = create_app(self.services)
        self._inner = Worker("loop", self._turn_loop, clock=clock)
        self._readers = {name: self._worker(f"read {name}", self._turn_reading, name) for name in crms}
        self._tellers = {name: self._worker(f"tell {name}", self._turn_telling, name) for name in crms}
        self._polls = Schedule(crms)
        self._started = self._stopped = False

    def _worker(self, title: str, turn: Callable[[str], datetime | None], name: str) -> Worker:
        return Worker(title, lambda: turn(name), clock=self.services.clock)

    def start(self) -> None:
        """Brings the tables up to date, then answers and works until `stop`."""
        if self._started or self._stopped:
            raise RuntimeError("this runtime was started before: make a new one")
        self._started = True
        upgrade(self.services.engine)
        replay(self.services)
        self._http.start(self.app)
        for worker in self._workers():
            worker.start()

    def stop(self) -> None:
        """Ends every thread after what it is doing, and closes the database. Safe to repeat.

        A worker that waits for a CRM too long is left behind: whatever it still does can be done twice.
        """
        if self._stopped:
            return
        self._stopped = True
        self._http.stop()
        for worker in self._workers():
            worker.ask_to_stop()
        deadline = time.monotonic() + PATIENCE
        for worker in self._workers():
            worker.join(max(deadline - time.monotonic(), 0))
        self.services.engine.dispose()

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def idle(self) -> bool:
        """Whether everything was polled, and nothing is to be read, worked out or told, now or later."""
        if self._stopped or not self._started or not self._polls.all_done:
            return False
        with reading(self.services.engine) as connection:
            return not waiting.anything(connection, list(self.services.crms))

    def wait_idle(self, timeout: float) -> bool:
        """Waits until idle, at most `timeout` seconds; whether it is."""
        deadline = time.monotonic() + timeout
        pause = threading.Event()
        while not (idle := self.idle()) and time.monotonic() < deadline and not self._stopped:
            pause.wait(0.02)
        return idle

    def poll_now(self) -> None:
        """Has every connection polled at once, whatever failed before; returns before that is done."""
        self._polls.ask()
        for reader in self._readers.values():
            reader.hurry()

    def states(self) -> tuple[WorkerState, ...]:
        """How every worker fares."""
        return tuple(worker.state for worker in self._workers())

    def _workers(self) -> list[Worker]:
        return [self._inner, *self._readers.values(), *self._tellers.values()]

    def _wake_inner(self) -> None:
        self._inner.wake()

    def _turn_loop(self) -> None:
        """Reads the inbox, then works out what follows, until nothing is left. What is woken finds its work
        in the tables: nothing is handed over here."""
        while self._round():
            for worker in (*self._readers.values(), *self._tellers.values()):
                worker.wake()

    def _round(self) -> int:
        """Takes every step, each until it is done or had its share: a flood before one must not starve
        those behind it, and what comes in small portions is worked out together."""
        done = 0
        for step in (read_inbox, expand, derive, publish):
            for _ in range(SHARE):
                self._inner.check()
                count = step(self.services)
                done += count
                if not count:
                    break
        return done

    def _turn_reading(self, name: str) -> datetime | None:
        """Follows the hints first, because behind them are decisions; then polls, if it is time."""
        self._follow_hints(name)
        if self._polls.is_due(name, self.services.clock()):
            ticket = self._polls.begin()
            poll(self.services, name, between=lambda: self._between_pages(name))
            self._inner.wake()
            later = timedelta(seconds=self.services.settings.poll_seconds)
            self._polls.done(name, ticket, self.services.clock() + later)
        return self._next_reading(name)

    def _follow_hints(self, name: str) -> None:
        while refresh(self.services, name):
            self._readers[name].check()
            self._inner.wake()

    def _between_pages(self, name: str) -> None:
        self._readers[name].check()
        self._inner.wake()
        self._follow_hints(name)

    def _next_reading(self, name: str) -> datetime | None:
        settle = timedelta(seconds=self.services.settings.settle_seconds)
        with reading(self.services.engine) as connection:
            due = hints.next_due(connection, name, settle=settle)
        times = [time for time in (due, self._polls.next_at(name)) if time is not None]
        return min(times, default=None)

    def _turn_telling(self, name: str) -> datetime | None:
        while deliver(self.services, name):
            self._tellers[name].check()
        with reading(self.services.engine) as connection:
            return feedback.next_due(connection, name)
