"""Service levels in the running loop: who waits too long is noticed once, and what was in time is counted."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from closedloop.loop.service_levels import ServiceLevel, Until
from closedloop.schema.records import Ref
from closedloop.schema.vocabulary import ObjectType
from closedloop_server.pipeline.replay import replay
from closedloop_server.store.engine import reading
from closedloop_server.subscriptions import deadlines
from closedloop_server.subscriptions.breaches import notice
from closedloop_server.subscriptions.deadlines import LevelCount

if TYPE_CHECKING:
    from tests.server.conftest import Loop, Make

LEAD = ObjectType.LEAD
DECISION = ServiceLevel(name="first-decision", within=timedelta(days=2), until=Until.DECISION)
CONTACT = ServiceLevel(
    name="first-contact",
    within=timedelta(hours=24),
    until=Until.LEAVING,
    stages=frozenset({"open not contacted"}),
)
CHANGE = ServiceLevel(name="first-change", within=timedelta(hours=24), until=Until.STAGE_CHANGE)


def promise(loop: Loop, *levels: ServiceLevel) -> None:
    """Has the loop go on with these levels."""
    replay(loop.services)
    lifecycle = replace(loop.services.mappings.lifecycle, service_levels=levels)
    version = "|".join(f"{level.name} {level.within}" for level in levels)
    mappings = replace(loop.services.mappings, lifecycle=lifecycle, version=version)
    loop.services = replace(loop.services, mappings=mappings)
    replay(loop.services)


def put(loop: Loop, make: Make, stage: str = "Open - Not Contacted", id_: str = "L1", **values: Any) -> None:
    now = loop.clock()
    loop.sales.put(make.lead(id_, stage, **{"created_at": now, "updated_at": now, **values}))
    loop.poll()


def change(loop: Loop, stage: str, **values: Any) -> None:
    now = loop.clock()
    loop.sales.change(Ref(LEAD, "L1"), stage=stage, stage_changed_at=now, updated_at=now, **values)
    loop.poll()


def turn(loop: Loop) -> None:
    loop.turn()
    while notice(loop.services):
        pass


def counts(loop: Loop) -> dict[str, tuple[int, int, int]]:
    with reading(loop.engine) as connection:
        return {each.level: (each.running, each.met, each.breached) for each in deadlines.counts(connection)}


def breaches(loop: Loop) -> list[dict[str, Any]]:
    return [row["payload"]["data"] for row in loop.rows("events", type="sla.breached")]


def test_a_lead_that_waits_too_long_is_noticed_once_and_its_end_is_noted(
    loop: Loop, salesforce: Make
) -> None:
    promise(loop, DECISION)
    made = loop.clock()
    put(loop, salesforce)
    loop.clock.pass_(hours=47)
    turn(loop)
    assert (counts(loop), breaches(loop)) == ({"first-decision": (1, 0, 0)}, [])
    noticed = loop.clock.pass_(hours=2)
    for _ in range(3):
        turn(loop)
        loop.clock.pass_(hours=1)
    (told,) = breaches(loop)
    assert told == {
        "subject": {"object": "lead", "id": "sales:L1", "crm": "salesforce"},
        "level": "first-decision",
        "started_at": "2026-11-02T09:00:00Z",
        "due_at": "2026-11-04T09:00:00Z",
        "ended_at": None,
    }
    change(loop, "Unqualified", reason="No budget")
    turn(loop)
    with reading(loop.engine) as connection:
        (kept,) = deadlines.breached(connection)
    assert (kept.breached_at, kept.deadline.ended_at) == (noticed, loop.clock())
    assert kept.deadline.started_at == made
    assert counts(loop) == {"first-decision": (0, 0, 1)}
    assert len(breaches(loop)) == 1


def test_what_was_decided_in_time_is_met_and_stays_so_when_it_is_reopened(
    loop: Loop, salesforce: Make
) -> None:
    promise(loop, DECISION)
    put(loop, salesforce)
    loop.clock.pass_(hours=5)
    change(loop, "Unqualified", reason="No budget")
    loop.clock.pass_(days=1)
    change(loop, "Working")
    loop.clock.pass_(days=9)
    change(loop, "Qualified")
    turn(loop)
    assert (counts(loop), breaches(loop)) == ({"first-decision": (0, 1, 0)}, [])


def test_a_decision_that_is_learned_late_is_judged_by_when_it_was_made(loop: Loop, salesforce: Make) -> None:
    promise(loop, DECISION)
    put(loop, salesforce)
    decided = loop.clock.pass_(hours=1)
    loop.sales.change(Ref(LEAD, "L1"), stage="Qualified", stage_changed_at=decided, updated_at=decided)
    # Nobody read the CRM for three days, and the clock ran.
    loop.clock.pass_(days=3)
    loop.poll()
    turn(loop)
    assert counts(loop) == {"first-decision": (0, 1, 0)}


def test_a_decision_too_late_that_shows_before_time_was_looked_at_is_a_breach(
    loop: Loop, salesforce: Make
) -> None:
    promise(loop, DECISION)
    put(loop, salesforce)
    loop.clock.pass_(days=3)
    change(loop, "Qualified")
    (told,) = breaches(loop)
    assert told["ended_at"] == "2026-11-05T09:00:00Z"
    turn(loop)
    assert len(breaches(loop)) == 1


def test_of_a_lead_that_was_never_seen_waiting_a_late_last_decision_says_nothing(
    loop: Loop, salesforce: Make
) -> None:
    promise(loop, DECISION)
    now = loop.clock()
    put(loop, salesforce, "Qualified", created_at=now - timedelta(days=30), stage_changed_at=now)
    put(loop, salesforce, "Qualified", "L2", created_at=now - timedelta(days=1), stage_changed_at=now)
    assert (counts(loop), breaches(loop)) == ({"first-decision": (0, 1, 0)}, [])


def test_a_breach_of_years_ago_is_counted_and_no_news(loop: Loop, salesforce: Make) -> None:
    promise(loop, DECISION)
    put(loop, salesforce, created_at=loop.clock() - timedelta(days=400))
    turn(loop)
    assert (counts(loop), breaches(loop)) == ({"first-decision": (0, 0, 1)}, [])


def test_a_stage_that_may_not_last_is_timed_anew_each_time(loop: Loop, salesforce: Make) -> None:
    promise(loop, CONTACT)
    put(loop, salesforce)
    loop.clock.pass_(hours=3)
    change(loop, "Working")
    assert counts(loop) == {"first-contact": (0, 1, 0)}
    loop.clock.pass_(days=5)
    change(loop, "Open - Not Contacted")
    loop.clock.pass_(hours=25)
    turn(loop)
    loop.clock.pass_(hours=1)
    change(loop, "Working")
    assert counts(loop) == {"first-contact": (0, 1, 1)}
    assert len(breaches(loop)) == 1


def test_the_first_change_of_stage_ends_the_waiting(loop: Loop, salesforce: Make) -> None:
    promise(loop, CHANGE)
    put(loop, salesforce)
    put(loop, salesforce, id_="L2")
    loop.clock.pass_(hours=2)
    change(loop, "Working")
    loop.clock.pass_(days=2)
    turn(loop)
    assert counts(loop) == {"first-change": (0, 1, 1)}
    assert [told["subject"]["id"] for told in breaches(loop)] == ["sales:L2"]


@pytest.mark.parametrize("late", [False, True])
def test_a_lead_that_is_deleted_waits_no_more(loop: Loop, salesforce: Make, late: bool) -> None:
    promise(loop, DECISION)
    put(loop, salesforce)
    if late:
        loop.clock.pass_(days=3)
        turn(loop)
    loop.sales.remove(Ref(LEAD, "L1"))
    loop.hint("sales", Ref(LEAD, "L1"))
    loop.settle()
    loop.clock.pass_(days=3)
    turn(loop)
    assert counts(loop) == ({"first-decision": (0, 0, 1)} if late else {})
    assert len(breaches(loop)) == (1 if late else 0)


def test_another_time_moves_the_deadline_and_no_level_takes_it_away(loop: Loop, salesforce: Make) -> None:
    promise(loop, DECISION)
    put(loop, salesforce)
    promise(loop, replace(DECISION, within=timedelta(days=10)))
    loop.turn()
    (row,) = loop.rows("deadlines")
    assert row["due_at"] - row["started_at"] == timedelta(days=10)
    promise(loop)
    loop.clock.pass_(days=20)
    turn(loop)
    assert loop.rows("deadlines") == []
    assert breaches(loop) == []


def test_without_levels_nothing_is_written(loop: Loop, salesforce: Make) -> None:
    put(loop, salesforce)
    assert notice(loop.services) == 0
    assert loop.rows("deadlines") == []


def test_breaches_are_listed_by_level_and_page_by_page(loop: Loop, salesforce: Make) -> None:
    promise(loop, DECISION, CHANGE)
    for number in range(3):
        put(loop, salesforce, id_=f"L{number}")
        loop.clock.pass_(hours=1)
    loop.clock.pass_(days=3)
    turn(loop)

    def listed(**chosen: Any) -> list[tuple[str, datetime]]:
        with reading(loop.engine) as connection:
            found = deadlines.breached(connection, **chosen)
        return [(each.subject.id, each.deadline.due_at) for each in found]

    assert [id_ for id_, _ in listed(level="first-change")] == ["L2", "L1", "L0"]
    newest = listed(level="first-decision", limit=1)
    assert [id_ for id_, _ in newest] == ["L2"]
    assert [id_ for id_, _ in listed(level="first-decision", before=newest[0][1])] == ["L1", "L0"]
    with reading(loop.engine) as connection:
        assert deadlines.counts(connection) == [
            LevelCount(level="first-change", running=0, met=0, breached=3),
            LevelCount(level="first-decision", running=0, met=0, breached=3),
        ]
