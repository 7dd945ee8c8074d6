"""One budget for all processes: never more calls than it allows, and a part of it for new decisions."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import Engine
from tests.server.conftest import Clock, Loop, Make
from tests.server.delivering.conftest import Teller, person, read_

from closedloop.crm.base import Page
from closedloop.crm.budget import BULK_SHARE_SPENT, bulk_work, is_bulk_work
from closedloop.errors import QuotaError
from closedloop.loop.feedback import DeliveryResult, Feedback
from closedloop.mapping import load_mappings
from closedloop_server.pipeline.backoff import BULK_LOOKS
from closedloop_server.pipeline.deliver import next_due
from closedloop_server.pipeline.refresh import poll
from closedloop_server.services import connect_all
from closedloop_server.settings import Settings
from closedloop_server.store import cursors, usage
from closedloop_server.store.engine import open_engine
from closedloop_server.store.usage import LARGEST_BLOCK, SLICE, SharedBudget


def budget(engine: Engine, clock: Clock, calls: int | None, share: float = 0.8) -> SharedBudget:
    return SharedBudget(engine, "sales", calls, bulk_share=share, clock=clock)


def spend(spender: SharedBudget, most: int) -> int:
    """How many calls were let out."""
    for number in range(most):
        try:
            spender.spend()
        except QuotaError:
            return number
    return most


def test_several_connections_to_the_database_spend_no_more_than_there_is(
    settings: Settings, clock: Clock
) -> None:
    engines = [open_engine(settings.database_url) for _ in range(4)]
    spenders = [budget(engine, clock, 1_000) for engine in engines]
    with ThreadPoolExecutor(12) as pool:
        counts = list(pool.map(lambda number: spend(spenders[number % 4], 200), range(12)))
    assert 1_000 - 4 * LARGEST_BLOCK < sum(counts) <= 1_000
    assert spenders[0].spent == 1_000
    for engine in engines:
        engine.dispose()


_PROCESS = """
import sys
from datetime import UTC, datetime
from closedloop.errors import QuotaError
from closedloop_server.store.engine import open_engine
from closedloop_server.store.usage import SharedBudget

at = datetime(2026, 11, 2, 9, tzinfo=UTC)
spender = SharedBudget(open_engine(sys.argv[1]), "sales", 1_000, bulk_share=0.8, clock=lambda: at)
count = 0
try:
    while True:
        spender.spend()
        count += 1
except QuotaError:
    print(count)
"""


def test_several_processes_spend_no_more_than_there_is(engine: Engine, settings: Settings) -> None:
    url = engine.url.render_as_string(hide_password=False)
    running = [
        subprocess.Popen([sys.executable, "-c", _PROCESS, url], stdout=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    counts = [int(each.communicate(timeout=120)[0]) for each in running]
    assert 1_000 - 3 * LARGEST_BLOCK < sum(counts) <= 1_000


def test_a_restart_forgets_nothing(engine: Engine, clock: Clock) -> None:
    assert spend(budget(engine, clock, 10), 6) == 6
    assert spend(budget(engine, clock, 10), 100) == 4


def test_what_was_spent_comes_back_after_a_day(engine: Engine, clock: Clock) -> None:
    spender = budget(engine, clock, 5)
    assert spend(spender, 100) == 5
    with pytest.raises(QuotaError) as caught:
        spender.spend()
    assert caught.value.reason == "budget_spent"
    clock.pass_(hours=23, minutes=59)
    assert spend(spender, 1) == 0
    clock.pass_(seconds=(caught.value.retry_after or 0) - 86_340)
    assert spend(spender, 100) == 5


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_in_no_day_are_there_more_calls_than_allowed(loop: Loop, clock: Clock) -> None:
    """Blocks are reserved early and spent late; whatever the rhythm, the window that rolls holds."""
    spenders = [budget(loop.engine, clock, 500) for _ in range(3)]
    made = []
    for step in range(200):
        with suppress(QuotaError):
            for _ in range(step % 17):
                spenders[step % 3].spend()
                made.append(clock())
        clock.pass_(minutes=14)
    day = timedelta(hours=24)
    assert max(sum(moment <= at < moment + day for at in made) for moment in made[::5]) <= 500
    assert len(made) > 500


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_few_transactions_are_made_for_many_calls(engine: Engine, clock: Clock) -> None:
    spender = budget(engine, clock, 100_000)
    assert spend(spender, 1_000) == 1_000
    (row,) = [row for row in rows(engine) if row[0]]
    assert 1_000 <= row[1] < 1_040


def rows(engine: Engine) -> list[tuple[int, int]]:
    with engine.connect() as connection:
        found = connection.exec_driver_sql("SELECT slice, calls FROM usage ORDER BY slice")
        return [(row[0], row[1]) for row in found]


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_old_slices_are_forgotten(loop: Loop, clock: Clock) -> None:
    spender = budget(loop.engine, clock, None)
    for _ in range(300):
        spender.spend()
        clock.pass_(minutes=10)
    assert len(rows(loop.engine)) <= 24 * 6 + 3
    assert spender.spent <= 24 * 6 + 2


def test_without_a_budget_calls_are_counted_nevertheless(engine: Engine, clock: Clock) -> None:
    assert spend(budget(engine, clock, None), 100) == 100
    assert budget(engine, clock, None).spent >= 100


def test_bulk_work_leaves_the_rest_to_others(engine: Engine, clock: Clock) -> None:
    spender = budget(engine, clock, 100)
    with bulk_work():
        assert spend(spender, 1_000) == 80
        with pytest.raises(QuotaError) as caught:
            spender.spend()
    assert caught.value.reason == BULK_SHARE_SPENT
    assert spend(spender, 1_000) == 20


def test_what_is_spent_and_until_when_it_counts_can_be_seen(engine: Engine, clock: Clock) -> None:
    spend(budget(engine, clock, 10), 3)
    with engine.connect() as connection:
        seen = usage.spent(connection, "sales", now=clock())
        nothing = usage.spent(connection, "marketing", now=clock())
    assert (seen.calls, nothing.calls, nothing.back_at) == (3, 0, None)
    assert seen.back_at is not None
    assert timedelta(hours=24) < seen.back_at - clock() <= timedelta(hours=24) + SLICE


def test_the_server_counts_the_calls_of_every_connection_in_the_database(
    engine: Engine, settings: Settings, clock: Clock
) -> None:
    first, second = settings.connections
    limited = replace(first, credentials=replace(first.credentials, daily_budget=7))
    settings = replace(settings, connections=(limited, second))
    crms = connect_all(settings, load_mappings(), engine=engine, clock=clock)
    budget(engine, clock, 7).spend()
    assert (crms["sales"].quota.own, crms["sales"].quota.budget) == (1, 7)  # type: ignore[attr-defined]
    assert crms["marketing"].quota.budget is None  # type: ignore[attr-defined]


# What it means for the work


def limit(teller: Teller) -> list[int]:
    """Has the CRM refuse bulk calls when told so; returns the sizes of the batches that went through."""
    telling = teller.crm.deliver
    sizes: list[int] = []
    error = QuotaError("spent", reason=BULK_SHARE_SPENT, retry_after=86_000)

    def limited(values: Sequence[Feedback]) -> list[DeliveryResult]:
        if is_bulk_work():
            raise error
        sizes.append(len(values))
        return list(telling(values))

    teller.crm.deliver = limited
    return sizes


def test_bulk_waits_when_its_share_is_spent_and_decisions_do_not(teller: Teller) -> None:
    sizes = limit(teller)
    teller.want(person("M1"), person("M2"), bulk=True)
    assert teller.tell_all() == 0
    assert teller.loop.rows("delivered") == teller.loop.rows("tellings") == []
    teller.want(person("LIVE"))
    assert teller.tell_all() == 1
    assert sizes == [1]
    assert next_due(teller.services, "sales") == teller.loop.clock() + BULK_LOOKS


def test_bulk_goes_on_when_there_is_something_to_spend_again(teller: Teller) -> None:
    telling = teller.crm.deliver
    limit(teller)
    teller.want(person("M1"), bulk=True)
    teller.tell_all()
    teller.crm.deliver = telling
    assert teller.tell_all() == 0
    teller.loop.clock.pass_(minutes=15)
    assert teller.tell_all() == 1


def test_a_first_reading_that_has_spent_its_share_waits_and_hints_are_followed(
    loop: Loop, salesforce: Make
) -> None:
    loop.sales.put(salesforce.campaign("C1"))
    reading = loop.sales.poll

    def limited(cursor: str | None) -> Iterator[Page]:
        if is_bulk_work():
            raise QuotaError("spent", reason=BULK_SHARE_SPENT)
        yield from reading(cursor)

    loop.sales.poll = limited  # type: ignore[method-assign]
    assert poll(loop.services, "sales") == 0
    assert read_(loop, cursors.next_poll, "sales") == loop.clock() + BULK_LOOKS
    loop.hint("sales", salesforce.campaign("C1").ref)
    loop.settle()
    assert loop.rows("records", crm_id="C1")


def test_a_spent_budget_is_looked_at_again_before_the_day_is_over(teller: Teller) -> None:
    teller.want(person("M1"))
    teller.fail(QuotaError("spent", reason="budget_spent", retry_after=86_000))
    due = next_due(teller.services, "sales")
    assert due is not None
    assert due - teller.loop.clock() <= timedelta(hours=1)


def test_the_allowance_of_the_crm_is_waited_for_as_long_as_it_says(teller: Teller) -> None:
    teller.want(person("M1"))
    teller.fail(QuotaError("spent", reason="daily_quota", retry_after=20_000))
    assert next_due(teller.services, "sales") == teller.loop.clock() + timedelta(seconds=20_000)
