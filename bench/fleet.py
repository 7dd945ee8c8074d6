"""Measures how much more several workers do, on PostgreSQL, for CRMs that take their time to answer."""

from __future__ import annotations

import multiprocessing
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace

from tests.postgresql import PostgreSql, postgresql

from bench.market import MARKETING, PATH_SECRET, SALES, Market, market
from bench.result import Figure
from closedloop.sandbox.watching import watch_hubspot, watch_salesforce
from closedloop_server.runtime import Runtime, Workers, work_until
from closedloop_server.settings import Settings

WORKERS = (1, 2, 4)
MARKETS = 2
"""Each has a Salesforce and a HubSpot of its own: four connections to share."""

_LATENCY = {"rules": [{"fault": "latency", "seconds": 0.2}]}
_PATIENCE = 120.0
_SPAWN = multiprocessing.get_context("spawn")


def workers_scaling(n: int) -> list[Figure]:
    """n decisions, a quarter in each of four CRMs, told by webhooks and shown on their campaigns: decisions
    per second with 1, 2 and 4 workers that take one turn at a time. The ratio is to one worker.

    There are nine pieces of work (the loop, and reading and telling of four connections), and one worker at a
    time has each: what one connection takes, no further worker makes shorter.
    """
    with postgresql() as server:
        rates = {workers: n / _seconds(server, n, workers) for workers in WORKERS}
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


def _seconds(server: PostgreSql, n: int, workers: int) -> float:
    with ExitStack() as stack:
        shares = [n // MARKETS + (n % MARKETS if number == 0 else 0) for number in range(MARKETS)]
        markets = [
            stack.enter_context(market(share, domain=f"market{number}.example.com"))
            for number, share in enumerate(shares)
        ]
        settings = _together(markets, server.create())
        web = stack.enter_context(Runtime(settings, workers=Workers.ELSEWHERE))
        stack.enter_context(_working(settings, workers))
        _rest(web)
        for number, made in enumerate(markets):
            _connect(made, web.url, number)
        began = time.perf_counter()
        for made in markets:
            _decide_all(made)
        _wait_until_shown(markets)
        return time.perf_counter() - began


def _together(markets: list[Market], url: str) -> Settings:
    """The settings of a server that is connected to all of them."""
    connections = tuple(
        replace(each, name=f"{each.name}{number}")
        for number, made in enumerate(markets)
        for each in made.settings.connections
    )
    return replace(markets[0].settings, database_url=url, connections=connections)


def _connect(made: Market, url: str, number: int) -> None:
    """Has both sandboxes send webhooks, and from now on take their time."""
    watch_salesforce(made.salesforce, f"{url}/webhooks/salesforce/{SALES}{number}/{PATH_SECRET}")
    watch_hubspot(made.hubspot, f"{url}/webhooks/hubspot/{MARKETING}{number}")
    for sandbox in (made.salesforce, made.hubspot):
        sandbox.faults.use(_LATENCY)


def _decide_all(made: Market) -> None:
    for name in (SALES, MARKETING):
        for lead in made.leads[name]:
            made.decide(name, lead)


def _wait_until_shown(markets: list[Market]) -> None:
    deadline = time.monotonic() + _PATIENCE
    while missing := sum(_missing(made) for made in markets):
        if time.monotonic() > deadline:
            raise AssertionError(f"{missing:.0f} decisions are not shown after {_PATIENCE:.0f} s")
        time.sleep(0.02)


def _missing(made: Market) -> float:
    return sum(max(0, len(made.leads[name]) - made.shown(name)) for name in (SALES, MARKETING))


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
        failing = {each.name: each.error for each in web.states() if each.error}
        raise AssertionError(f"the workers did not come to rest in {_PATIENCE:.0f} s: {failing}")
