"""After whatever stood still, the loop catches up by itself."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from closedloop.crm.base import Page
from closedloop.errors import CrmError, QuotaError, RefusedError, RetryableError
from closedloop.loop.feedback import CampaignFeedback
from closedloop.schema.records import Ref
from closedloop.schema.vocabulary import ObjectType, Outcome
from closedloop_server.pipeline.refresh import refresh
from closedloop_server.store import readings
from closedloop_server.store.engine import writing
from closedloop_server.work.kinds import Kind, Work
from closedloop_server.work.reading import read_crm

if TYPE_CHECKING:
    from tests.server.conftest import Loop, Make

LEADS = [Ref(ObjectType.LEAD, f"L{number}") for number in range(5)]


@pytest.fixture
def market(loop: Loop, salesforce: Make) -> Loop:
    """Five open leads of one campaign, all read."""
    for number, ref in enumerate(LEADS):
        loop.sales.put(salesforce.lead(ref.id, "Working"))
        loop.sales.put(salesforce.member(f"M{number}", "C1", lead_id=ref.id))
    loop.poll()
    loop.clock.pass_(minutes=10)
    return loop


def disqualified(loop: Loop) -> int:
    value = loop.sales.shown.get("campaign|C1")
    return int(value.credits[Outcome.DISQUALIFIED]) if isinstance(value, CampaignFeedback) else 0


def decide(loop: Loop, *refs: Ref) -> None:
    for ref in refs:
        loop.sales.change(ref, stage="Unqualified")


def take_turns(loop: Loop, error: type[CrmError] | None = None) -> None:
    """A turn of the reader of `sales`, which may fail, and all that follows from it."""
    work = Work(Kind.READ, "sales")
    if error is None:
        read_crm(loop.services, work, lambda: None)
    else:
        with pytest.raises(error):
            read_crm(loop.services, work, lambda: None)
    if loop.sales.down is None:
        loop.turn()


def test_decisions_of_hours_without_the_crm_are_found_when_it_is_back(market: Loop) -> None:
    market.sales.down = RetryableError("no connection", reason="unreachable")
    for ref in LEADS[:3]:
        market.clock.pass_(hours=1)
        decide(market, ref)
        market.hint("sales", ref)
        market.clock.pass_(seconds=10)
        take_turns(market, RetryableError)
    assert disqualified(market) == 0
    market.sales.down = None
    market.clock.pass_(hours=2)
    take_turns(market)
    assert disqualified(market) == 3
    assert market.rows("hints") == []


def test_without_any_webhook_the_next_poll_finds_every_decision(market: Loop) -> None:
    decide(market, *LEADS)
    assert disqualified(market) == 0
    market.clock.pass_(seconds=market.services.settings.poll_seconds)
    take_turns(market)
    assert disqualified(market) == len(LEADS)


def test_a_spent_allowance_is_waited_for_and_then_everything_goes_on(market: Loop) -> None:
    market.sales.down = QuotaError("the day's calls are used up", reason="quota", retry_after=6 * 3600.0)
    decide(market, *LEADS)
    market.hint("sales", *LEADS)
    market.clock.pass_(seconds=10)
    take_turns(market, QuotaError)
    reads = market.sales.reads
    (until,) = {row["not_before"] for row in market.rows("hints")}
    assert until == market.clock() + timedelta(hours=6)
    market.clock.pass_(hours=5)
    assert refresh(market.services, "sales") == 0
    assert market.sales.reads == reads
    market.sales.down = None
    market.clock.pass_(hours=1)
    take_turns(market)
    assert disqualified(market) == len(LEADS)


def test_an_allowance_that_ends_in_the_middle_of_a_back_fill_costs_no_page_that_was_read(
    loop: Loop, salesforce: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(6):
        loop.sales.put(salesforce.lead(f"L{number}", "Unqualified", updated_at=loop.clock.pass_(minutes=1)))
    whole = loop.sales.poll
    limits = iter([4, 100])
    asked: list[str | None] = []

    def poll(cursor: str | None) -> Iterator[Page]:
        asked.append(cursor)
        most = next(limits)
        for number, page in enumerate(whole(cursor)):
            if number == most:
                raise QuotaError("the day's calls are used up", reason="quota")
            yield page

    monkeypatch.setattr(loop.sales, "poll", poll)
    take_turns(loop, QuotaError)
    assert len(loop.rows("records")) == 4
    (row,) = loop.rows("cursors", connection="sales")
    assert row["error"] == "quota: the day's calls are used up"
    loop.clock.pass_(days=1)
    take_turns(loop)
    assert asked == [None, row["cursor"]]
    assert len(loop.rows("records", object="lead")) == 6


def test_a_cursor_that_the_crm_takes_no_more_is_said_and_starting_over_helps(
    market: Loop, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = market.sales.poll

    def poll(cursor: str | None) -> Iterator[Page]:
        if cursor is not None:
            raise RefusedError("the cursor is too old: start over", reason="bad_cursor")
        return whole(cursor)

    monkeypatch.setattr(market.sales, "poll", poll)
    decide(market, *LEADS)
    take_turns(market, RefusedError)
    (row,) = market.rows("cursors", connection="sales")
    assert row["error"] == "bad_cursor: the cursor is too old: start over"
    with writing(market.engine) as connection:
        readings.start_over(connection, "sales")
    take_turns(market)
    assert disqualified(market) == len(LEADS)


def test_what_was_deleted_while_nobody_read_is_found_by_reading_everything_again(market: Loop) -> None:
    """The CRM's own memory of it is gone: no poll would ever tell."""
    decide(market, *LEADS)
    market.clock.pass_(seconds=market.services.settings.poll_seconds)
    take_turns(market)
    market.sales.remove(LEADS[0])
    market.clock.pass_(days=200)
    take_turns(market)
    assert disqualified(market) == len(LEADS)
    with writing(market.engine) as connection:
        readings.start_over(connection, "sales")
    market.clock.pass_(seconds=10)
    take_turns(market)
    market.settle()
    assert disqualified(market) == len(LEADS) - 1
    assert [row["crm_id"] for row in market.rows("records", object="lead", deleted=True)] == ["L0"]
    assert market.rows("hints") == []
