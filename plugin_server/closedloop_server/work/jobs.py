"""Turns as jobs of Procrastinate, on PostgreSQL, in any number of processes.

A job says only "take a turn of this work": what there is to do stands in our tables, and all jobs may be
lost. Its `lock` lets one worker at a time take turns of a piece of work; its `queueing_lock` lets one job
wait behind the one that runs, however often the work is woken. The leases fence whoever goes on after he
was thought dead.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from procrastinate import App, JobContext, PsycopgConnector, SyncPsycopgConnector
from procrastinate.exceptions import AlreadyEnqueued, ConnectorException, UniqueViolation
from procrastinate.jobs import Status
from psycopg_pool import AsyncConnectionPool, ConnectionPool

from closedloop.crm.retry import waiting_by
from closedloop_server.failure import where
from closedloop_server.services import Services
from closedloop_server.store.jobs_schema import SCHEMA
from closedloop_server.store.postgresql import conninfo
from closedloop_server.work.kinds import Kind, Work, all_work
from closedloop_server.work.owned import OwnedWork, Stopped, failure, worker_name

QUEUE = "closedloop"
TURN = "turn"
SWEEP = "sweep"

HEARTBEAT = 2.0
"""Seconds between two signs of life of a worker."""

STALLED = 10.0
"""Seconds of silence after which a worker's jobs are taken over."""

EVERY_FIVE_SECONDS = "* * * * * */5"
"""When all work is looked at, whoever was or was not woken. The seconds are the last field."""

_PATIENCE = 5.0
"""Seconds that a connection is waited for."""

_SOON = timedelta(seconds=10)

log = logging.getLogger(__name__)


class Jobs:
    """Defers turns: what a web process and a worker share."""

    def __init__(self, database_url: str) -> None:
        self._pool = ConnectionPool(
            _address(database_url),
            min_size=1,
            max_size=2,
            timeout=_PATIENCE,
            open=False,
            check=ConnectionPool.check_connection,
        )
        self._app = _app(SyncPsycopgConnector())
        self._opened = False

    def defer(self, works: Iterable[Work]) -> None:
        """Has a turn of each of these taken soon."""
        if not self._opened:
            self._pool.open()
            self._app.open(self._pool)
            self._opened = True
        waiting = self._app.job_manager.list_jobs(task=TURN, status=Status.TODO.value)
        for work in _missing(works, (job.queueing_lock for job in waiting)):
            try:
                self._app.configure_task(TURN, **_placing(work)).defer(**_arguments(work))
            except AlreadyEnqueued:
                continue

    def close(self) -> None:
        """Closes the connections."""
        self._pool.close()


class JobWorker:
    """Takes turns as they are handed out, in threads of this process."""

    def __init__(
        self, services: Services, *, wake_at: Callable[[datetime, Work], None], concurrency: int | None = None
    ) -> None:
        self._services = services
        self._wake_at = wake_at
        self._works = all_work(services.crms)
        # One slot more than there is work: the sweep must never wait for a turn that takes hours.
        self._concurrency = concurrency or len(self._works) + 1
        self._holder = worker_name()
        self._stopping = threading.Event()
        self._leaving: Callable[[], object] = lambda: None

    def run(self) -> None:
        """Works until `stop`, through whatever becomes of the database."""
        asyncio.run(self._run())

    def stop(self) -> None:
        """Has `run` return once the turns have ended that are being taken; safe from any thread."""
        self._stopping.set()
        self._leaving()

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        leaving = asyncio.Event()
        self._leaving = lambda: loop.call_soon_threadsafe(leaving.set)
        loop.set_default_executor(ThreadPoolExecutor(self._concurrency + 1, thread_name_prefix="turn"))
        while not self._stopping.is_set():
            try:
                await self._work(leaving)
            except Exception as error:  # noqa: BLE001 - a worker outlives whatever becomes of the database
                log.warning("the job runner starts anew: %s", where(error))
            if not self._stopping.is_set():
                await asyncio.wait({asyncio.create_task(leaving.wait())}, timeout=1.0)
        self._leaving = lambda: None

    async def _work(self, leaving: asyncio.Event) -> None:
        # A pool that is cancelled while it opens never closes: only what comes after it may be cancelled.
        pool = AsyncConnectionPool(
            _address(self._services.settings.database_url),
            min_size=1,
            max_size=4,
            timeout=_PATIENCE,
            open=False,
            check=AsyncConnectionPool.check_connection,
        )
        async with pool:
            await pool.wait(_PATIENCE)
            app = _app(_Patient())
            await app.open_async(pool)
            self._register(app)
            working, asked = asyncio.create_task(self._serve(app)), asyncio.create_task(leaving.wait())
            await asyncio.wait({working, asked}, return_when=asyncio.FIRST_COMPLETED)
            working.cancel()
            asked.cancel()
            with suppress(asyncio.CancelledError):
                await working

    async def _serve(self, app: App) -> None:
        await app.run_worker_async(
            queues=[QUEUE],
            name=self._holder,
            concurrency=self._concurrency,
            # Freeing the lock of a stalled job tells nobody that the next one may start.
            fetch_job_polling_interval=1.0,
            shutdown_graceful_timeout=1.0,
            delete_jobs="successful",
            install_signal_handlers=False,
            update_heartbeat_interval=HEARTBEAT,
            stalled_worker_timeout=STALLED,
        )

    def _register(self, app: App) -> None:
        @app.task(name=TURN, queue=QUEUE, pass_context=True)
        def turn(context: JobContext, *, kind: str, connection: str) -> None:
            self._take(Work(Kind(kind), connection), context)

        @app.periodic(cron=EVERY_FIVE_SECONDS)
        @app.task(name=SWEEP, queue=QUEUE, queueing_lock=SWEEP)
        async def sweep(timestamp: int) -> None:  # noqa: ARG001 - Procrastinate says when it is
            await _sweep(app, self._works)

    def _take(self, work: Work, context: JobContext) -> None:
        """Takes a turn, and never fails: a failed job would only be in the way of the next."""
        if work not in self._works:
            return  # of a connection that the settings of this process do not have

        def check() -> None:
            if self._stopping.is_set() or context.should_abort():
                raise Stopped

        def nap(seconds: float) -> None:
            until = time.monotonic() + seconds
            while (left := until - time.monotonic()) > 0:
                self._stopping.wait(min(left, 1.0))
                check()

        owned = OwnedWork(self._services, work, holder=self._holder, check=check)
        try:
            with waiting_by(nap):
                self._take_unless_held(owned, work)
        except Stopped:
            self._services.wake(work)
        except Exception as error:  # noqa: BLE001 - a worker outlives whatever one turn runs into
            failed = failure(error, 0, self._services.clock())
            log.warning("%s failed: %s", work, failed.error)
            self._look_again(failed.until, work)

    def _take_unless_held(self, owned: OwnedWork, work: Work) -> None:
        lease = owned.look()
        if lease and lease.held_until and lease.held_until > self._services.clock():
            self._look_again(lease.held_until, work)
        else:
            self._look_again(owned.take_turn(), work)

    def _look_again(self, at: datetime | None, work: Work) -> None:
        """What is due after the next sweep, the sweep finds."""
        if at is not None and at - self._services.clock() < _SOON:
            self._wake_at(at, work)


class _Patient(PsycopgConnector):
    """Tries for a while to say that a job is done, or that the worker lives.

    Procrastinate does not try again: a job that is not struck off because of a moment's outage would hold its
    lock as long as its worker lives.
    """

    async def execute_query_async(self, query: Any, **arguments: Any) -> None:
        for pause in (0.2, 0.5, 1.0, 2.0, 2.0):
            try:
                await super().execute_query_async(query, **arguments)
            except UniqueViolation:
                raise
            except ConnectorException:
                await asyncio.sleep(pause)
            else:
                return
        await super().execute_query_async(query, **arguments)


async def _sweep(app: App, works: Iterable[Work]) -> None:
    """Takes the jobs from workers that show no sign of life, and has a turn of everything taken."""
    manager = app.job_manager
    for job in await manager.get_stalled_jobs(queue=QUEUE, seconds_since_heartbeat=STALLED):
        log.warning("the worker of “%s” shows no sign of life: its turn is taken anew", job.lock or SWEEP)
        # Not `retry_job`: a job that waits with the same queueing lock would be in its way for ever.
        try:
            await manager.finish_job(job, status=Status.FAILED, delete_job=True)
        except ConnectorException:
            continue  # somebody else was quicker, or it ended after all
    waiting = await manager.list_jobs_async(task=TURN, status=Status.TODO.value)
    for work in _missing(works, (job.queueing_lock for job in waiting)):
        try:
            await app.configure_task(TURN, **_placing(work)).defer_async(**_arguments(work))
        except AlreadyEnqueued:
            continue


def _missing(works: Iterable[Work], waiting: Iterable[str | None]) -> list[Work]:
    """Those that no job waits for: PostgreSQL's log has an error for every job that is one too many."""
    there = set(waiting)
    return [work for work in works if str(work) not in there]


def _placing(work: Work) -> dict[str, Any]:
    return {"queue": QUEUE, "lock": str(work), "queueing_lock": str(work)}


def _arguments(work: Work) -> dict[str, Any]:
    return {"kind": work.kind.value, "connection": work.connection}


def _app(connector: Any) -> App:
    # Of the sweeps that nobody could take, during an outage, the last one is enough.
    return App(connector=connector, periodic_defaults={"max_delay": 10.0})


def _address(database_url: str) -> str:
    return conninfo(database_url, search_path=SCHEMA)
