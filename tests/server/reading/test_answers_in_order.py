"""An older answer never overwrites a newer one, however the answers arrive."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from closedloop.crm.base import Batch, Refusal
from closedloop.errors import NormaliseError
from closedloop.schema.records import Record, Ref
from closedloop.schema.vocabulary import ObjectType
from closedloop_server.pipeline import arrivals
from closedloop_server.pipeline.arrivals import Arrival, portions, take_in
from closedloop_server.pipeline.refresh import installed
from closedloop_server.store.engine import writing

if TYPE_CHECKING:
    from tests.server.conftest import Loop, Make

LEAD = Ref(ObjectType.LEAD, "L1")
SECOND = timedelta(seconds=1)


def arrive(
    loop: Loop,
    *found: Record,
    at: datetime,
    gone: tuple[Ref, ...] = (),
    asked: frozenset[Ref] = frozenset(),
) -> None:
    """An answer that was asked for at that time."""
    arrival = Arrival(name="sales", batch=Batch(records=found, gone=gone), asked=asked, asked_at=at)
    with writing(loop.engine) as connection:
        reasons = loop.services.mappings.reasons.match
        take_in(connection, arrival, installed(loop.services), reasons=reasons, now=loop.clock())


def stage(loop: Loop) -> str:
    (row,) = loop.rows("records", crm_id="L1")
    return "gone" if row["deleted"] else str(row["data"]["stage"])


def hinted(loop: Loop) -> set[str]:
    return {str(row["crm_id"]) for row in loop.rows("hints")}


@pytest.mark.parametrize(("first", "then"), [("Working", "Unqualified"), ("Unqualified", "Working")])
def test_of_two_answers_about_the_same_second_the_one_asked_for_later_counts(
    loop: Loop, salesforce: Make, first: str, then: str
) -> None:
    changed = loop.clock()
    earlier = salesforce.lead("L1", first, updated_at=changed)
    later = salesforce.lead("L1", then, updated_at=changed)
    arrive(loop, later, at=changed + SECOND)
    arrive(loop, earlier, at=changed)
    assert stage(loop) == then
    arrive(loop, earlier, at=changed + 2 * SECOND)
    assert stage(loop) == first


def test_an_older_record_does_not_count_however_late_it_was_asked_for(loop: Loop, salesforce: Make) -> None:
    now = loop.clock()
    arrive(loop, salesforce.lead("L1", "Unqualified", updated_at=now), at=now)
    arrive(loop, salesforce.lead("L1", "Working", updated_at=now - SECOND), at=now + 5 * SECOND)
    assert stage(loop) == "Unqualified"


def test_a_newer_record_counts_however_early_it_was_asked_for(loop: Loop, salesforce: Make) -> None:
    """The clocks of two machines differ, and Salesforce's first pages are asked for when a poll begins."""
    now = loop.clock()
    arrive(loop, salesforce.lead("L1", "Working", updated_at=now), at=now + 5 * SECOND)
    arrive(loop, salesforce.lead("L1", "Unqualified", updated_at=now + SECOND), at=now)
    assert stage(loop) == "Unqualified"


def test_a_deletion_that_was_read_before_the_record_came_back_is_looked_at_again(
    loop: Loop, salesforce: Make
) -> None:
    now = loop.clock()
    arrive(loop, salesforce.lead("L1", "Working", updated_at=now), at=now + SECOND)
    arrive(loop, at=now, gone=(LEAD,))
    assert stage(loop) == "Working"
    assert hinted(loop) == {"L1"}


def test_a_deletion_counts_when_nobody_has_seen_the_record_since(loop: Loop, salesforce: Make) -> None:
    now = loop.clock()
    arrive(loop, salesforce.lead("L1", "Working", updated_at=now), at=now)
    arrive(loop, at=now, gone=(LEAD,))
    assert stage(loop) == "gone"
    assert hinted(loop) == set()


def test_an_answer_to_a_hint_that_comes_too_late_is_asked_for_again(loop: Loop, salesforce: Make) -> None:
    now = loop.clock()
    arrive(loop, salesforce.lead("L1", "Working", updated_at=now), at=now + SECOND)
    arrive(loop, salesforce.lead("L1", "Unqualified", updated_at=now), at=now, asked=frozenset({LEAD}))
    assert hinted(loop) == {"L1"}


def test_portions_judge_nobody_by_half_of_an_answer(
    loop: Loop, salesforce: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(arrivals, "PORTION", 2)
    found = (
        salesforce.opportunity("O1", "Closed Lost"),
        salesforce.lead("L1", "Unqualified"),
        salesforce.member("M1", "C1", lead_id="L1"),
        salesforce.role("O1", "K1"),
        salesforce.contact("K1"),
    )
    refused = Refusal(ref=Ref(ObjectType.LEAD, "L7"), error=NormaliseError("no lead"))
    batch = Batch(records=found, gone=(Ref(ObjectType.LEAD, "L8"),), refused=(refused,))
    parts = list(portions(Arrival(name="sales", batch=batch, asked_at=loop.clock())))
    assert [[record.id for record in part.batch.records] for part in parts] == [
        ["K1", "M1"],
        ["O1-K1", "L1"],
        ["O1"],
    ]
    assert [(part.batch.gone, part.batch.refused) for part in parts[:-1]] == [((), ()), ((), ())]
    assert (parts[-1].batch.gone, parts[-1].batch.refused) == (batch.gone, batch.refused)


def test_a_role_in_an_earlier_portion_is_not_taken_for_one_that_was_removed(
    loop: Loop, salesforce: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(arrivals, "PORTION", 1)
    loop.sales.put(salesforce.opportunity("O1", "Closed Lost"))
    loop.sales.put(salesforce.contact("K1"))
    loop.sales.put(salesforce.role("O1", "K1"))
    loop.sales.put(salesforce.role("O1", "K2"))
    loop.hint("sales", Ref(ObjectType.OPPORTUNITY, "O1"))
    loop.settle()
    del loop.sales.records[Ref(ObjectType.CONTACT_ROLE, "O1-K2")]
    loop.hint("sales", Ref(ObjectType.OPPORTUNITY, "O1"))
    loop.settle()
    roles = loop.rows("records", object="contact_role")
    assert {(row["crm_id"], row["deleted"]) for row in roles} == {("O1-K1", False), ("O1-K2", True)}


def test_an_answer_without_any_record_is_still_one_portion(loop: Loop) -> None:
    arrival = Arrival(name="sales", batch=Batch(gone=(LEAD,)), asked_at=loop.clock())
    assert [part.batch for part in portions(arrival)] == [arrival.batch]
