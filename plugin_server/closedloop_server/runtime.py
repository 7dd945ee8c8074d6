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
from datetime import datetime
from types import TracebackType
from typing import Self

from closedloop.crm.base import Crm
from closedloop.mapping import load_mappings
from closedloop_server.app import create_app
from closedloop_server.pipeline.replay import replay
from closedloop_server.services import Services, connect_all, now
from closedloop_server.serving import HttpServer
from closedloop_server.settings import Settings
from closedloop_server.store import cursors, waiting
from closedloop_server.store.engine import open_engine, reading, writing
from closedloop_server.store.schema import upgrade
from closedloop_server.work.kinds import Kind, Work, all_work
from closedloop_server.work.owned import OwnedWork, worker_name
from closedloop_server.work.threads import Worker, WorkerState

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
            wake=self._wake,
        )
        self.app = create_app(self.services)
        holder = worker_name()
        self._workers = {work: self._worker(work, holder) for work in all_work(crms)}
        self._started = self._stopped = False

    def _worker(self, work: Work, holder: str) -> Worker:
        def check() -> None:
            self._workers[work].check()

        owned = OwnedWork(self.services, work, holder=holder, check=check)
        return Worker(str(work), owned.take_turn, clock=self.services.clock)

    def start(self) -> None:
        """Brings the tables up to date, then answers and works until `stop`."""
        if self._started or self._stopped:
            raise RuntimeError("this runtime was started before: make a new one")
        self._started = True
        upgrade(self.services.engine)
        replay(self.services)
        self._http.start(self.app)
        for worker in self._workers.values():
            worker.start()

    def stop(self) -> None:
        """Ends every thread after what it is doing, and closes the database. Safe to repeat.

        A worker that waits for a CRM too long is left behind: whatever it still does can be done twice.
        """
        if self._stopped:
            return
        self._stopped = True
        self._http.stop()
        for worker in self._workers.values():
            worker.ask_to_stop()
        deadline = time.monotonic() + PATIENCE
        for worker in self._workers.values():
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
        if self._stopped or not self._started:
            return False
        names = list(self.services.crms)
        with reading(self.services.engine) as connection:
            return cursors.all_polled(connection, names) and not waiting.anything(connection, names)

    def wait_idle(self, timeout: float) -> bool:
        """Waits until idle, at most `timeout` seconds; whether it is."""
        deadline = time.monotonic() + timeout
        pause = threading.Event()
        while not (idle := self.idle()) and time.monotonic() < deadline and not self._stopped:
            pause.wait(0.02)
        return idle

    def poll_now(self) -> None:
        """Has every connection polled at once, whatever failed before; returns before that is done."""
        with writing(self.services.engine) as connection:
            cursors.ask(connection, list(self.services.crms))
        for work, worker in self._workers.items():
            if work.kind is Kind.READ:
                worker.hurry()

    def states(self) -> tuple[WorkerState, ...]:
        """How every worker fares."""
        return tuple(worker.state for worker in self._workers.values())

    def _wake(self, *works: Work) -> None:
        for work in works:
            self._workers[work].wake()
