"""A value that somebody changed in the CRM is noticed and left alone; our own writes are not taken for it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
from tests.server.conftest import Loop, Make
from tests.server.delivering.conftest import Teller, person, read_

from closedloop.crm.base import Batch
from closedloop.loop.attribution import CampaignKey
from closedloop.loop.feedback import Delivery, DeliveryResult, Feedback
from closedloop.schema.records import Ref
from closedloop.schema.vocabulary import ObjectType, Outcome
from closedloop_server.pipeline.deliver import ARRIVAL_SECONDS, CALL_SECONDS, deliver
from closedloop_server.pipeline.overrides import last_number, notice
from closedloop_server.pipeline.refresh import poll, refresh
from closedloop_server.store import deliverers, hints, overrides, telling, waiting
from closedloop_server.store.engine import writing
from closedloop_server.store.reports import DeliveryState, Search
from closedloop_server.store.reports.delivery import deliveries

KEY = "person|campaign_member|M1"
MEMBER = Ref(ObjectType.CAMPAIGN_MEMBER, "M1")


@pytest.fixture
def shown(loop: Loop, salesforce: Make) -> Loop:
    """A decision that its campaign member shows."""
    loop.sales.put(salesforce.campaign("C1"))
    loop.sales.put(salesforce.lead("L1", "Unqualified", reason="Budget"))
    loop.sales.put(salesforce.member("M1", "C1", lead_id="L1", responded=True))
    loop.poll()
    look(loop)
    return loop


def look(loop: Loop) -> None:
    """Somebody touches the records, and they are read again."""
    for ref in (MEMBER, Ref(ObjectType.CAMPAIGN, "C1")):
        if ref in loop.sales.records:
            loop.sales.change(ref)
    loop.clock.pass_(minutes=1)
    poll(loop.services, "sales")


def change_by_hand(loop: Loop, **values: object) -> None:
    loop.sales.shown[KEY] = replace(loop.sales.shown[KEY], **values)  # type: ignore[arg-type]


def noticed(loop: Loop) -> list[overrides.Override]:
    found: list[overrides.Override] = read_(loop, overrides.listed, ["sales"])
    return found


def told(loop: Loop) -> int:
    return loop.sales.told.count(KEY)


def test_our_own_writes_are_not_taken_for_somebodys(shown: Loop) -> None:
    assert noticed(shown) == []
    assert told(shown) == 1


def test_what_somebody_changed_is_noticed_and_left_alone(shown: Loop) -> None:
    change_by_hand(shown, outcome=Outcome.RECYCLED)
    look(shown)
    shown.turn()
    (one,) = noticed(shown)
    assert (one.key, one.shows) == (KEY, {"outcome": "recycled"})
    assert one.seen_at == shown.clock()
    assert told(shown) == 1
    assert read_(shown, overrides.count, ["sales", "marketing"]) == {"sales": 1}


def test_the_time_of_the_first_notice_stays(shown: Loop) -> None:
    change_by_hand(shown, outcome=Outcome.RECYCLED)
    look(shown)
    first = noticed(shown)
    look(shown)
    assert noticed(shown) == first


def test_a_new_decision_is_told_and_ends_the_note(shown: Loop) -> None:
    change_by_hand(shown, outcome=Outcome.RECYCLED)
    look(shown)
    shown.sales.change(Ref(ObjectType.LEAD, "L1"), reason="Price")
    shown.poll()
    assert told(shown) == 2
    assert noticed(shown) == []
    look(shown)
    assert noticed(shown) == []


def test_what_is_put_back_is_no_change_any_more(shown: Loop) -> None:
    before = shown.sales.shown[KEY]
    change_by_hand(shown, outcome=Outcome.RECYCLED)
    look(shown)
    shown.sales.shown[KEY] = before
    look(shown)
    assert noticed(shown) == []


def test_a_campaigns_own_value_is_noticed_too(shown: Loop) -> None:
    shown.sales.shown["campaign|C1"] = replace(shown.sales.shown["campaign|C1"], credits={})  # type: ignore[arg-type]
    look(shown)
    (one,) = noticed(shown)
    assert (one.key, set(one.shows)) == ("campaign|C1", {"credits"})
    assert read_(shown, overrides.listed, ["sales"], campaign_id="C1") == [one]
    assert read_(shown, overrides.listed, ["sales"], campaign_id="C2") == []


def test_a_refresh_notices_as_a_poll_does(shown: Loop) -> None:
    change_by_hand(shown, outcome=Outcome.RECYCLED)
    shown.clock.pass_(minutes=1)
    shown.sales.change(MEMBER)
    shown.hint("sales", MEMBER)
    shown.clock.pass_(minutes=1)
    refresh(shown.services, "sales")
    assert [one.key for one in noticed(shown)] == [KEY]


def test_an_answer_from_before_the_last_write_is_not_compared(shown: Loop) -> None:
    """Read, told, and only then taken in: what was read is what was there before."""
    reading = shown.sales.refresh

    def slow(refs: Iterable[Ref]) -> Batch:
        batch = reading(refs)
        shown.sales.change(Ref(ObjectType.LEAD, "L1"), reason="Price")
        shown.sales.refresh = reading  # type: ignore[method-assign]
        poll(shown.services, "sales")
        for step in ("expand", "derive", "publish"):
            _step(shown, step)
        while deliver(shown.services, "sales"):
            pass
        return batch

    shown.sales.refresh = slow  # type: ignore[method-assign]
    shown.hint("sales", MEMBER)
    shown.clock.pass_(minutes=1)
    refresh(shown.services, "sales")
    assert told(shown) == 2
    assert noticed(shown) == []
    assert shown.turn() >= 0
    assert told(shown) == 2


def _step(loop: Loop, name: str) -> None:
    from closedloop_server.pipeline import derive, expand, publish

    {"expand": expand.expand, "derive": derive.derive, "publish": publish.publish}[name](loop.services)


def test_what_is_being_told_is_not_compared(loop: Loop, salesforce: Make, teller: Teller) -> None:
    loop.sales.put(salesforce.member("M1", "C1"))
    teller.want(person("M1", "first"))
    teller.tell()
    teller.want(person("M1", "second"))
    teller.die_after_the_call()
    teller.want(person("M1", "first"))
    poll(loop.services, "sales")
    assert noticed(loop) == []


def test_a_change_that_was_read_while_a_mark_stood_is_read_again(
    loop: Loop, salesforce: Make, teller: Teller
) -> None:
    loop.sales.put(salesforce.member("M1", "C1"))
    teller.want(person("M1", "first"))
    teller.die_after_the_call()
    change_by_hand(loop, note="by hand")
    look(loop)
    assert noticed(loop) == []
    teller.loop.clock.pass_(seconds=30)
    assert refresh(loop.services, "sales") == 0
    result = _taken(teller)
    with writing(loop.engine) as connection:  # its answer comes late
        now, ended = loop.clock(), deliverers.next_number(connection, "sales")
        telling.record(connection, "sales", [result], call=1, began=now, ended=ended, now=now)
    loop.clock.pass_(seconds=CALL_SECONDS + ARRIVAL_SECONDS)
    assert refresh(loop.services, "sales") == 1
    assert [one.shows for one in noticed(loop)] == [{"note": "by hand"}]
    assert refresh(loop.services, "sales") == 0


def _taken(teller: Teller) -> telling.Result:
    (due,) = read_(teller.loop, telling.due, "sales", now=teller.loop.clock(), limit=1)
    return telling.Result(told=due, result=DeliveryResult(key=KEY, delivery=Delivery.DELIVERED))


def test_a_target_that_shows_what_it_should_is_not_read_again(
    loop: Loop, salesforce: Make, teller: Teller
) -> None:
    loop.sales.put(salesforce.member("M1", "C1"))
    teller.want(person("M1", "first"))
    teller.die_after_the_call()
    look(loop)
    assert loop.rows("hints") == []


def test_a_reading_that_began_before_a_call_was_over_is_not_compared(
    loop: Loop, salesforce: Make, teller: Teller
) -> None:
    """The answer was on its way when the call arrived and ended: it shows what stood there before."""
    loop.sales.put(salesforce.member("M1", "C1"))
    teller.want(person("M1", "first"))
    teller.tell()
    change_by_hand(loop, note="by hand")
    teller.want(person("M1", "second"))
    telling_, began, read = teller.crm.deliver, list[int](), list[Batch]()

    def meanwhile(values: Sequence[Feedback]) -> list[DeliveryResult]:
        began.append(last_number(loop.services, "sales"))
        read.append(loop.sales.refresh([MEMBER]))
        return list(telling_(values))

    teller.crm.deliver = meanwhile
    teller.tell()
    again = notice(loop.services, "sales", read[0].records, as_of=began[0])
    assert noticed(loop) == []
    assert again == {MEMBER: loop.clock()}


def test_a_webhook_does_not_wait_for_what_is_to_be_read_again(loop: Loop, salesforce: Make) -> None:
    loop.sales.put(salesforce.member("M1", "C1"))
    later = loop.clock() + timedelta(minutes=7)
    with writing(loop.engine) as connection:
        hints.look_again(connection, "sales", {MEMBER: later}, now=loop.clock())
    assert not read_(loop, waiting.anything, ["sales"])
    loop.clock.pass_(minutes=1)
    assert refresh(loop.services, "sales") == 0
    assert read_(loop, hints.next_due, "sales", settle=timedelta(seconds=3)) == later
    loop.hint("sales", MEMBER)
    assert refresh(loop.services, "sales") == 1


def test_what_is_to_be_read_again_does_not_hold_up_a_webhook_that_waits(loop: Loop) -> None:
    loop.hint("sales", MEMBER)
    with writing(loop.engine) as connection:
        hints.look_again(connection, "sales", {MEMBER: loop.clock() + timedelta(minutes=7)}, now=loop.clock())
    (row,) = loop.rows("hints")
    assert row["again_at"] is None


def test_an_older_call_that_arrives_after_all_is_answered_once(
    loop: Loop, salesforce: Make, teller: Teller
) -> None:
    """Later than any call can take by our reckoning: the reading shows what we had told before."""
    loop.sales.put(salesforce.member("M1", "C1"))
    teller.want(person("M1", "first"))
    teller.tell()
    first = loop.sales.shown[KEY]
    teller.want(person("M1", "second"))
    teller.tell()
    loop.sales.shown[KEY] = first
    look(loop)
    assert noticed(loop) == []
    assert teller.tell_all() == 1
    assert teller.crm.shown[KEY].note == "second"
    loop.sales.shown[KEY] = first
    look(loop)
    assert teller.tell_all() == 0
    assert [one.shows for one in noticed(loop)] == [{"note": "first"}]


def test_a_target_that_was_read_without_its_feedback_is_not_compared(shown: Loop) -> None:
    del shown.sales.shown[KEY]
    look(shown)
    assert noticed(shown) == []


def test_a_value_that_waits_is_not_compared_with_what_was_told_before(shown: Loop) -> None:
    change_by_hand(shown, outcome=Outcome.RECYCLED)
    shown.sales.change(Ref(ObjectType.LEAD, "L1"), reason="Price")
    shown.clock.pass_(minutes=1)
    shown.poll()
    assert noticed(shown) == []
    assert told(shown) == 2


def test_the_campaigns_report_counts_what_was_changed(shown: Loop) -> None:
    change_by_hand(shown, outcome=Outcome.RECYCLED)
    look(shown)
    found = read_(shown, deliveries, Search())[CampaignKey("sales", "C1")]
    assert found.state is DeliveryState.OVERRIDDEN
    assert found.number(DeliveryState.OVERRIDDEN) == 1
    assert found.at is not None
