"""Measures how much more several workers do, on PostgreSQL, for CRMs that take their time to answer."""

from __future__ import annotations

import multiprocessing
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from tests.postgresql import postgresql

from bench.market import MARKETING, PATH_SECRET, SALES, Market, market
from bench.result import Figure
from closedloop.sandbox.watching import watch_hubspot, watch_salesforce
from closedloop_server.runtime import Runtime, Workers, work_until
from closedloop_server.settings import Settings

WORKERS = (1, 2, 4)
_LATENCY = {"rules": [{"fault": "latency", "seconds": 0.2}]}
_PATIENCE = 600.0
_SPAWN = multiprocessing.get_context("spawn")


def workers_scaling(n: int) -> list[Figure]:
    """n decisions, half in each CRM, told by webhooks and shown on their campaigns: decisions per second with
    1, 2 and 4 workers that take one turn at a time. The ratio is to one worker.

    There are five pieces of work (the loop, and reading and telling of two connections), and one worker at a
    time has each: what one connection takes, no further worker makes shorter.
    """
    rates = {workers: n / _seconds(n, workers) for workers in WORKERS}
    return [
        Figure(
            name=f"workers_scaling_{workers}",
            value=rate,
            unit="decisions/s",
            baseline=rates[1],
            ratio=rate / rates[1],
            n=n,
        )
        for workers, rate in rates.items()
    ]


def _seconds(n: int, workers: int) -> float:
    with postgresql() as server, market(n) as made:
        settings = replace(made.settings, database_url=server.create())
        with Runtime(settings, workers=Workers.ELSEWHERE) as web, _working(settings, workers):
            _rest(web)
            watch_salesforce(made.salesforce, f"{web.url}/webhooks/salesforce/{SALES}/{PATH_SECRET}")
            watch_hubspot(made.hubspot, f"{web.url}/webhooks/hubspot/{MARKETING}")
            for sandbox in (made.salesforce, made.hubspot):
                sandbox.faults.use(_LATENCY)
            began = time.perf_counter()
            _decide_all(made)
            while any(made.shown(name) < len(made.leads[name]) for name in (SALES, MARKETING)):
                _rest(web)
            return time.perf_counter() - began


def _decide_all(made: Market) -> None:
    for name in (SALES, MARKETING):
        for lead in made.leads[name]:
            made.decide(name, lead)


@contextmanager
def _working(settings: Settings, count: int) -> Iterator[None]:
    processes = [_SPAWN.Process(target=_work, args=(settings,), daemon=True) for _ in range(count)]
    for process in processes:
        process.start()
    try:
        yield
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.join()


def _work(settings: Settings) -> None:
    stopping = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopping.set())
    work_until(stopping, settings, concurrency=1)


def _rest(web: Runtime) -> None:
    if not web.wait_idle(_PATIENCE):
        raise AssertionError("the workers did not come to rest")
