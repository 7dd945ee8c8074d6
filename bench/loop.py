"""Measures the loop: the calls that decisions cost, how many go through, and how soon each is shown.

Both sandboxes answer at once and run in this process, so their own work is part of every time.
"""

from __future__ import annotations

import statistics
import threading
import time
from math import ceil

from bench.market import CAMPAIGNS, MARKETING, PATH_SECRET, SALES, Market, market
from bench.result import Figure
from closedloop.mapping import load_mappings
from closedloop.sandbox.received import ReceivedLog
from closedloop.sandbox.watching import watch_hubspot, watch_salesforce
from closedloop_server.pipeline.deliver import deliver
from closedloop_server.pipeline.derive import derive
from closedloop_server.pipeline.expand import expand
from closedloop_server.pipeline.publish import publish
from closedloop_server.pipeline.refresh import poll, refresh
from closedloop_server.runtime import Runtime
from closedloop_server.services import Services, connect_all
from closedloop_server.settings import Settings
from closedloop_server.store import hints
from closedloop_server.store.engine import open_engine, writing
from closedloop_server.store.schema import upgrade

_PATIENCE = 600.0
_PAGE, _COLLECTION = 2_000, 200
"""Salesforce: rows of a query, records of a write."""
_BATCH, _WITH_HISTORY, _LINKS, _CAMPAIGNS = 100, 50, 1_000, 50
"""HubSpot: records of a batch, of a read with history, ids of a read of associations, campaigns."""


def loop_calls_vs_minimum(n: int) -> list[Figure]:
    """n decisions that webhooks told of, half in each CRM: what reading and writing them costs.

    The fewest: every object that judging them takes is read once, and every target written once, each in the
    vendor's largest batch. What is asked once per process, such as which fields there are, is not counted.
    """
    with market(n + 2) as made:
        services = _services(made.settings)
        for name in services.crms:
            poll(services, name)
            _decide(made, services, name, made.leads[name][:1])  # whatever is asked only once
        sales = _decide(made, services, SALES, made.leads[SALES][1:])
        marketing = _decide(made, services, MARKETING, made.leads[MARKETING][1:])
        least = _least_of_salesforce(n - n // 2), _least_of_hubspot(n // 2)
        services.engine.dispose()
    rows = [
        ("loop_calls_vs_minimum", sales + marketing, sum(least)),
        ("loop_calls_vs_minimum_salesforce", sales, least[0]),
        ("loop_calls_vs_minimum_hubspot", marketing, least[1]),
    ]
    return [
        Figure(name=label, value=calls, unit="calls", baseline=fewest, ratio=calls / fewest, n=n)
        for label, calls, fewest in rows
    ]


def _least_of_salesforce(n: int) -> int:
    """Leads, members, campaigns and users; members, campaigns and rows of reasons."""
    reads = 2 * ceil(n / _PAGE) + 2
    return reads + ceil(n / _COLLECTION) + 2


def _least_of_hubspot(n: int) -> int:
    """Leads with their history, contacts and campaigns, the leads' contacts, companies and campaigns, the
    contacts' companies; contacts and campaigns, of which is read before what they show already."""
    campaigns = ceil(CAMPAIGNS / _CAMPAIGNS)
    reads = ceil(n / _WITH_HISTORY) + ceil(n / _BATCH) + campaigns + 4 * ceil(n / _LINKS)
    return reads + ceil(n / _BATCH) + 2 * campaigns


def _decide(made: Market, services: Services, name: str, leads: list[str]) -> int:
    """The calls from the decisions about these leads to their campaigns."""
    for lead in leads:
        made.decide(name, lead)
    chosen = set(leads)
    received = _received(made, name)
    before = received.count
    with writing(services.engine) as connection:
        refs = [ref for ref in made.refs(name) if ref.id in chosen]
        hints.note(connection, name, refs, now=services.clock())
    while refresh(services, name):
        pass
    while sum(step(services) for step in (expand, derive, publish)):
        pass
    while deliver(services, name):
        pass
    return received.count - before


def _received(made: Market, name: str) -> ReceivedLog:
    return made.salesforce.received if name == SALES else made.hubspot.received


def _services(settings: Settings) -> Services:
    mappings = load_mappings()
    engine = open_engine(settings.database_url)
    upgrade(engine)
    return Services(engine=engine, settings=settings, mappings=mappings, crms=connect_all(settings, mappings))


def loop_decisions_per_s(n: int) -> list[Figure]:
    """n decisions, half in each CRM, from the first webhook until the last campaign shows them."""
    with market(n) as made, Runtime(made.settings) as runtime:
        _rest(runtime)
        _watch(made, runtime)
        began = time.perf_counter()
        for name in (SALES, MARKETING):
            for lead in made.leads[name]:
                made.decide(name, lead)
        while any(made.shown(name) < len(made.leads[name]) for name in (SALES, MARKETING)):
            if time.perf_counter() - began > _PATIENCE:
                raise AssertionError("the campaigns do not show all decisions")
            _rest(runtime)
        took = time.perf_counter() - began
    return [Figure(name="loop_decisions_per_s", value=n / took, unit="decisions/s", n=n)]


def loop_latency_p95_s(n: int) -> list[Figure]:
    """n decisions in turn, each once the one before is shown: the seconds from the rep's click, which sends
    the webhook, to the campaign. Objects settle for as long as they do when nobody sets it."""
    usual = Settings(database_url="", secret_key="", connections=()).settle_seconds
    with market(max(n, 2), settle_seconds=usual) as made, Runtime(made.settings) as runtime:
        _rest(runtime)
        _watch(made, runtime)
        times = {
            name: [_seconds(made, name, lead) for lead in made.leads[name]] for name in (SALES, MARKETING)
        }
    figures = [
        ("loop_latency_p95_s", times[SALES] + times[MARKETING]),
        ("loop_latency_p95_s_salesforce", times[SALES]),
        ("loop_latency_p95_s_hubspot", times[MARKETING]),
    ]
    return [
        Figure(name=label, value=_p95(some), unit="s", baseline=2.0, ratio=_p95(some) / 2.0, n=len(some))
        for label, some in figures
    ]


def _seconds(made: Market, name: str, lead: str) -> float:
    before = made.shown(name)
    pause = threading.Event()
    began = time.perf_counter()
    made.decide(name, lead)
    while made.shown(name) <= before:
        if time.perf_counter() - began > _PATIENCE:
            raise AssertionError("the campaign does not show the decision")
        pause.wait(0.01)
    return time.perf_counter() - began


def _p95(times: list[float]) -> float:
    return statistics.quantiles(times, n=20, method="inclusive")[-1] if len(times) > 1 else times[0]


def _watch(made: Market, runtime: Runtime) -> None:
    """Has both CRMs tell the server what happens."""
    watch_salesforce(made.salesforce, f"{runtime.url}/webhooks/salesforce/{SALES}/{PATH_SECRET}")
    watch_hubspot(made.hubspot, f"{runtime.url}/webhooks/hubspot/{MARKETING}")


def _rest(runtime: Runtime) -> None:
    if not runtime.wait_idle(_PATIENCE):
        raise AssertionError("the loop did not come to rest")
