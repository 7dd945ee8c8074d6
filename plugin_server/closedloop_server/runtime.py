"""A running server: the HTTP side, and whoever turns the loop.

    with Runtime(load_settings(path)) as runtime:
        runtime.wait_idle(60)

The work is done by threads of this process, by jobs of which this process takes its share, or by workers
elsewhere: see Workers.
"""

from __future__ import annotations

import gc
import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from enum import StrEnum
from functools import cache
from types import TracebackType
from typing import Self

from closedloop.crm.base import Crm
from closedloop.mapping import load_mappings
from closedloop_server.app import create_app
from closedloop_server.failure import where
from closedloop_server.pipeline.replay import replay
from closedloop_server.services import Services, connect_all, now
from closedloop_server.serving import HttpServer
from closedloop_server.settings import Settings
from closedloop_server.store import cursors, leases, waiting
from closedloop_server.store.engine import is_away, open_engine, reading, writing
from closedloop_server.store.schema import upgrade
from closedloop_server.work.kinds import Kind, Work
from closedloop_server.work.team import Team, elsewhere, sharing
from closedloop_server.work.threads import ThreadTeam, WorkerState

PATIENCE = 20.0
"""Seconds that stopping waits for the workers."""

RETRY = 2.0
"""Seconds after which a worker that starts looks for the database again."""

log = logging.getLogger(__name__)


class Workers(StrEnum):
    """Who does the work of a server."""

    THREADS = "threads"  # of this process, which is the only one: the only way on SQLite
    JOBS = "jobs"  # this process among others, on PostgreSQL
    ELSEWHERE = "elsewhere"  # other processes: this one only answers


def make_services(
    settings: Settings,
    *,
    workers: Workers,
    clock: Callable[[], datetime] = now,
    crms: Mapping[str, Crm] | None = None,
    concurrency: int | None = None,
) -> tuple[Services, Team]:
    """The services, and the team that they wake. Nothing is called or started yet."""
    mappings = load_mappings(settings.mappings_directory)

    def wake(*works: Work) -> None:
        team.wake(*works)

    engine = open_engine(settings.database_url)
    if crms is None:
        crms = connect_all(settings, mappings, engine=engine, clock=clock)
    services = Services(
        engine=engine,
        settings=settings,
        mappings=mappings,
        crms=crms,
        clock=clock,
        wake=wake,
    )
    team = _team(services, workers, concurrency)
    return services, team


def _team(services: Services, workers: Workers, concurrency: int | None) -> Team:
    match workers:
        case Workers.THREADS:
            return ThreadTeam(services)
        case Workers.JOBS:
            return sharing(services, concurrency)
        case Workers.ELSEWHERE:
            return elsewhere(services)


def prepare(services: Services) -> None:
    """Brings the tables up to date, and notes what new mappings concern; safe in many processes at once."""
    upgrade(services.engine)
    replay(services)


@cache
def spare_collector() -> None:
    """Has Python's garbage collector look no more through what was made up to now, once in a process: that
    stays as long as the process does. Looking through it takes a tenth of a second, in which no thread goes
    on, again and again while much is read."""
    gc.collect()
    gc.freeze()


def work_until(
    stopping: threading.Event,
    settings: Settings,
    *,
    clock: Callable[[], datetime] = now,
    concurrency: int | None = None,
    started: Callable[[], object] = lambda: None,
) -> None:
    """Takes turns of whatever work is free until the event is set; a database that is away is waited for."""
    services, team = make_services(settings, workers=Workers.JOBS, clock=clock, concurrency=concurrency)
    try:
        while not stopping.is_set():
            try:
                prepare(services)
            except Exception as error:
                if not is_away(error):
                    raise
                log.warning("the database is waited for: %s", where(error))
                stopping.wait(RETRY)
            else:
                spare_collector()
                team.start()
                started()
                stopping.wait()
                team.stop(PATIENCE)
    finally:
        services.engine.dispose()


class Runtime:
    """Everything that runs. The address is bound at once; `start` begins to answer and to work."""

    def __init__(
        self,
        settings: Settings,
        *,
        clock: Callable[[], datetime] = now,
        crms: Mapping[str, Crm] | None = None,
        workers: Workers = Workers.THREADS,
    ) -> None:
        self._http = HttpServer(settings.host, settings.port)
        self.url = self._http.url
        settings = replace(settings, public_url=settings.public_url or self.url)
        self.services, self._team = make_services(settings, workers=workers, clock=clock, crms=crms)
        self.app = create_app(self.services)
        self._started = self._stopped = False

    def start(self) -> None:
        """Brings the tables up to date, then answers and works until `stop`."""
        if self._started or self._stopped:
            raise RuntimeError("this runtime was started before: make a new one")
        self._started = True
        prepare(self.services)
        spare_collector()
        self._http.start(self.app)
        self._team.start()

    def stop(self) -> None:
        """Ends every thread after what it is doing, and closes the database. Safe to repeat.

        A worker that waits for a CRM too long is left behind: whatever it still does can be done twice.
        """
        if self._stopped:
            return
        self._stopped = True
        self._http.stop()
        if self._started:
            self._team.stop(PATIENCE)
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
        names = list(self.services.crms)
        works = [Work(Kind.READ, name) for name in names]
        with writing(self.services.engine) as connection:
            cursors.ask(connection, names)
            leases.release(connection, works)
        self._team.hurry(*works)

    def states(self) -> tuple[WorkerState, ...]:
        """How every piece of work fares."""
        return self._team.states()
