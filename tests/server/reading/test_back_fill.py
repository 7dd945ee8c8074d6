"""The first reading of a CRM: how far it is, and that it can be held, begun anew and interrupted anywhere."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from closedloop.crm.base import Page
from closedloop.crm.budget import BULK_SHARE_SPENT, exhausted, is_bulk_work
from closedloop.errors import RetryableError
from closedloop.schema.records import Ref
from closedloop.schema.vocabulary import ObjectType
from closedloop_server.pipeline.expand import expand
from closedloop_server.pipeline.refresh import poll, refresh
from closedloop_server.store import cursors, readings, stale
from closedloop_server.store.engine import reading, writing
from closedloop_server.store.readings import Progress, State
from closedloop_server.work.kinds import Kind, Work
from closedloop_server.work.reading import read_crm

if TYPE_CHECKING:
    from tests.server.conftest import Loop, Make

LEADS = [f"L{number}" for number in range(6)]


class InterruptedHereError(Exception):
    """The process is gone."""


@pytest.fixture
def years(loop: Loop, salesforce: Make) -> Loop:
    """A CRM with a history: six leads that were rejected, a minute apart."""
    for number, lead in enumerate(LEADS):
        at = loop.clock.pass_(minutes=1)
        loop.sales.put(salesforce.lead(lead, "Unqualified", updated_at=at))
        loop.sales.put(salesforce.member(f"M{number}", "C1", lead_id=lead, updated_at=at))
    loop.clock.pass_(hours=1)
    return loop


def progress(loop: Loop, name: str = "sales") -> Progress:
    with reading(loop.engine) as connection:
        return readings.progress(connection, name)


def read(loop: Loop) -> None:
    """One turn of the reader of `sales`."""
    read_crm(loop.services, Work(Kind.READ, "sales"), lambda: None)


def pause(loop: Loop) -> bool:
    with writing(loop.engine) as connection:
        return readings.pause(connection, "sales", by="ann", now=loop.clock())


def resume(loop: Loop) -> bool:
    with writing(loop.engine) as connection:
        return readings.resume(connection, "sales")


def stopping_after(pages: int) -> object:
    """What runs between two pages, and ends the process after some."""
    left = [pages]

    def between() -> None:
        left[0] -= 1
        if left[0] == 0:
            raise InterruptedHereError

    return between


def stored(loop: Loop) -> set[str]:
    return {str(row["crm_id"]) for row in loop.rows("records", object="lead")}


def test_a_connection_that_nobody_has_read_says_so(years: Loop) -> None:
    assert progress(years) == Progress(name="sales")
    assert progress(years).state is State.NEVER


def test_a_back_fill_that_is_under_way_says_how_far_it_is(years: Loop) -> None:
    with pytest.raises(InterruptedHereError):
        poll(years.services, "sales", between=stopping_after(9))  # type: ignore[arg-type]
    found = progress(years)
    assert found.state is State.BACK_FILLING
    assert found.started_at == found.page_at == years.clock()
    assert found.done == {ObjectType.STAGE: 3, ObjectType.LEAD: 3, ObjectType.CAMPAIGN_MEMBER: 3}
    assert found.expected == {ObjectType.STAGE: 3, ObjectType.LEAD: 6, ObjectType.CAMPAIGN_MEMBER: 6}
    assert found.share == 9 / 15


def test_a_back_fill_goes_on_where_it_was_and_then_follows(years: Loop) -> None:
    with pytest.raises(InterruptedHereError):
        poll(years.services, "sales", between=stopping_after(5))  # type: ignore[arg-type]
    begun = progress(years).started_at
    years.clock.pass_(hours=1)
    poll(years.services, "sales")
    found = progress(years)
    assert (found.state, found.share) == (State.FOLLOWING, 1.0)
    assert (found.started_at, found.complete_at) == (begun, years.clock())
    assert stored(years) == set(LEADS)


def test_what_is_read_after_the_back_fill_is_not_counted_to_it(years: Loop) -> None:
    poll(years.services, "sales")
    done = progress(years).done
    years.sales.change(Ref(ObjectType.LEAD, "L0"), stage="Working")
    poll(years.services, "sales")
    assert progress(years).done == done


def test_a_paused_connection_polls_nothing_and_is_due_for_nothing(years: Loop) -> None:
    assert pause(years)
    assert not pause(years)
    read(years)
    assert stored(years) == set()
    found = progress(years)
    assert (found.state, found.paused_by, found.paused_at) == (State.PAUSED, "ann", years.clock())
    with reading(years.engine) as connection:
        assert cursors.next_poll(connection, "sales") is None
        assert cursors.all_polled(connection, ["sales"])


def test_a_pause_takes_effect_after_the_page_that_is_read_and_keeps_that_page(years: Loop) -> None:
    pages = []

    def between() -> None:
        pages.append(progress(years).done)
        if len(pages) == 4:
            pause(years)

    poll(years.services, "sales", between=between)
    assert len(pages) == 4
    assert sum(progress(years).done.values()) == 5
    assert progress(years).complete_at is None


def test_a_paused_connection_still_follows_webhooks(years: Loop) -> None:
    pause(years)
    years.hint("sales", Ref(ObjectType.LEAD, "L3"))
    years.clock.pass_(seconds=years.services.settings.settle_seconds)
    read(years)
    assert stored(years) == {"L3"}


def test_a_resumed_connection_goes_on_where_it_was(years: Loop) -> None:
    with pytest.raises(InterruptedHereError):
        poll(years.services, "sales", between=stopping_after(7))  # type: ignore[arg-type]
    pause(years)
    read(years)
    before = progress(years).done
    assert resume(years)
    assert not resume(years)
    read(years)
    assert progress(years).state is State.FOLLOWING
    assert sum(progress(years).done.values()) <= sum(before.values()) + 10  # what was read is not read again
    assert stored(years) == set(LEADS)


def test_starting_over_reads_everything_again(years: Loop) -> None:
    poll(years.services, "sales")
    with writing(years.engine) as connection:
        readings.start_over(connection, "sales")
    assert progress(years).state is State.NEVER
    poll(years.services, "sales")
    assert progress(years).done[ObjectType.LEAD] == len(LEADS)


def test_a_poll_that_was_under_way_when_everything_was_begun_anew_keeps_its_place_no_more(
    years: Loop,
) -> None:
    seen = []

    def between() -> None:
        seen.append(len(stored(years)))
        if len(seen) == 3:
            with writing(years.engine) as connection:
                readings.start_over(connection, "sales")

    poll(years.services, "sales", between=between)
    assert len(seen) == 3
    assert progress(years).state is State.NEVER
    poll(years.services, "sales")
    assert progress(years).state is State.FOLLOWING
    assert progress(years).done[ObjectType.LEAD] == len(LEADS)


def test_a_crm_that_cannot_count_is_read_all_the_same(years: Loop, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> dict[ObjectType, int]:
        raise RetryableError("it takes too long to count", reason="timeout")

    monkeypatch.setattr(years.sales, "sizes", refuse)
    poll(years.services, "sales")
    assert (progress(years).expected, progress(years).state) == ({}, State.FOLLOWING)


def test_what_a_back_fill_brings_waits_behind_what_just_happened(years: Loop, salesforce: Make) -> None:
    poll(years.services, "sales")
    years.sales.put(salesforce.lead("L9", "Unqualified"))
    years.hint("sales", Ref(ObjectType.LEAD, "L9"), Ref(ObjectType.LEAD, "L4"))
    years.sales.change(Ref(ObjectType.LEAD, "L4"), stage="Working")
    years.clock.pass_(seconds=years.services.settings.settle_seconds)
    refresh(years.services, "sales")
    with reading(years.engine) as connection:
        first = stale.waiting(connection, stale.Work.CHANGED, limit=100)
    assert {each.key.id for each in first if each.key.object is ObjectType.LEAD} == {"L4", "L9"}
    assert not stale.is_bulk(first)
    expand(years.services)
    with reading(years.engine) as connection:
        subjects = stale.waiting(connection, stale.Work.SUBJECT, limit=100)
        rest = stale.waiting(connection, stale.Work.CHANGED, limit=100)
    assert {each.key.id for each in subjects} == {"L4", "L9"}
    assert stale.is_bulk(rest)
    assert not stale.is_bulk(subjects)


def test_a_back_fill_that_has_spent_its_share_of_the_calls_waits_and_hints_are_still_followed(
    years: Loop, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = years.sales.poll
    kinds: list[bool] = []

    def spend() -> None:
        kinds.append(is_bulk_work())
        if len(kinds) == 5:
            raise exhausted(100, wait=3600)

    def poll_(cursor: str | None) -> Iterator[Page]:
        for page in whole(cursor):
            spend()
            yield page

    monkeypatch.setattr(years.sales, "poll", poll_)
    years.hint("sales", Ref(ObjectType.LEAD, "L5"))
    years.clock.pass_(seconds=years.services.settings.settle_seconds)
    read(years)
    assert kinds == [True] * 5
    assert "L5" in stored(years)
    found = progress(years)
    assert found.state is State.BACK_FILLING
    assert (found.error or "").startswith(BULK_SHARE_SPENT)
    assert found.next_at is not None
    years.clock.now = found.next_at
    read(years)
    assert progress(years).state is State.FOLLOWING
    assert progress(years).error is None
    years.clock.pass_(seconds=years.services.settings.poll_seconds)
    read(years)
    assert kinds[-1] is False


def test_what_waits_because_it_just_happened_is_not_made_bulk_by_a_back_fill(years: Loop) -> None:
    years.hint("sales", Ref(ObjectType.LEAD, "L2"))
    years.clock.pass_(seconds=years.services.settings.settle_seconds)
    refresh(years.services, "sales")
    years.sales.change(Ref(ObjectType.LEAD, "L2"), stage="Working")
    poll(years.services, "sales")
    with reading(years.engine) as connection:
        first = stale.waiting(connection, stale.Work.CHANGED, limit=100)
    assert "L2" in {each.key.id for each in first}
    assert not stale.is_bulk(first)
