"""How long a lead may wait, and when that is over."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from closedloop.loop.service_levels import Deadline, ServiceLevel, Until, deadlines
from closedloop.schema.records import Lead
from closedloop.schema.vocabulary import CrmName

MADE = datetime(2026, 11, 2, 9, tzinfo=UTC)
DAY = timedelta(days=1)
DECISION = ServiceLevel(name="decision", within=DAY, until=Until.DECISION)
CHANGE = ServiceLevel(name="change", within=DAY, until=Until.STAGE_CHANGE)
LEAVING = ServiceLevel(name="leaving", within=DAY, until=Until.LEAVING, stages=frozenset({"new", "open"}))


def lead(**values: object) -> Lead:
    return Lead(crm=CrmName.SALESFORCE, id="L1", **{"created_at": MADE, "stage": "New", **values})  # type: ignore[arg-type]


def running(level: ServiceLevel, started_at: datetime = MADE) -> Deadline:
    return Deadline(level=level.name, started_at=started_at, due_at=started_at + DAY)


def test_a_decision_ends_the_waiting_that_began_when_the_lead_was_made() -> None:
    assert deadlines([DECISION], lead()) == [running(DECISION)]
    (ended,) = deadlines([DECISION], lead(), decided_at=MADE + 2 * DAY)
    assert ended == Deadline(level="decision", started_at=MADE, due_at=MADE + DAY, ended_at=MADE + 2 * DAY)


def test_a_decision_before_the_lead_was_made_counts_as_made_with_it() -> None:
    (ended,) = deadlines([DECISION], lead(), decided_at=MADE - DAY)
    assert ended.ended_at == MADE
    assert not ended.breached(MADE + 9 * DAY)


@pytest.mark.parametrize(
    ("changed_at", "waits"),
    [
        (None, True),
        (MADE, True),
        (MADE + timedelta(seconds=59), True),
        (MADE + timedelta(hours=1), False),
    ],
)
def test_a_change_of_stage_ends_the_waiting_but_not_the_one_that_made_the_lead(
    changed_at: datetime | None, waits: bool
) -> None:
    assert deadlines([CHANGE], lead(stage_changed_at=changed_at)) == ([running(CHANGE)] if waits else [])


def test_a_stage_that_may_not_last_is_timed_from_when_it_was_entered() -> None:
    entered = MADE + timedelta(hours=5)
    assert deadlines([LEAVING], lead(), stage=["new"]) == [running(LEAVING)]
    assert deadlines([LEAVING], lead(stage_changed_at=entered), stage=["open"]) == [running(LEAVING, entered)]
    assert deadlines([LEAVING], lead(stage_changed_at=entered), stage=["working"]) == []


def test_a_lead_that_is_gone_or_of_which_no_time_is_known_waits_for_nothing() -> None:
    levels = [DECISION, CHANGE, LEAVING]
    assert deadlines(levels, lead(deleted=True), stage=["new"]) == []
    assert deadlines(levels, lead(created_at=None), stage=["new"]) == []


@pytest.mark.parametrize(
    ("ended", "now", "breached"),
    [
        (None, timedelta(hours=23), False),
        (None, timedelta(hours=24), True),
        (timedelta(hours=24), timedelta(hours=99), False),
        (timedelta(hours=25), timedelta(hours=99), True),
    ],
)
def test_a_deadline_is_breached_when_it_was_due_before_it_ended(
    ended: timedelta | None, now: timedelta, breached: bool
) -> None:
    deadline = Deadline(
        level="x", started_at=MADE, due_at=MADE + DAY, ended_at=MADE + ended if ended else None
    )
    assert deadline.breached(MADE + now) is breached
