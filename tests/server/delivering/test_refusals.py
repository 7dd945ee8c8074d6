"""What a CRM refused for good is kept with its words, and told again when something has changed."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.server.conftest import Loop, Make
from tests.server.delivering.conftest import Teller, campaign, person, read_

from closedloop.errors import RetryableError
from closedloop.loop.feedback import Delivery, DeliveryResult, FeedbackKind
from closedloop.mapping import Mappings
from closedloop_server.pipeline import refusals
from closedloop_server.pipeline.deliver import deliver
from closedloop_server.pipeline.refresh import poll, refresh
from closedloop_server.pipeline.refusals import LOOKS, mind_refusals
from closedloop_server.pipeline.replay import replay
from closedloop_server.store import refused
from closedloop_server.store.engine import writing
from closedloop_server.work.kinds import Kind, Work
from closedloop_server.work.telling import tell_crm

KEY = "person|campaign_member|M1"


def refuse(teller: Teller, *keys: str, code: str = "FIELD_CUSTOM_VALIDATION_EXCEPTION") -> None:
    """Has the CRM refuse these targets."""
    for key in keys or (KEY,):
        teller.crm.fates[key] = DeliveryResult(
            key=key, delivery=Delivery.REFUSED, code=code, message="a rule of the org refuses it"
        )


@pytest.fixture
def refusing(teller: Teller) -> Teller:
    """A value that was refused."""
    refuse(teller)
    teller.want(person("M1"))
    assert teller.tell_all() == 1
    return teller


def test_a_refusal_is_listed_with_the_words_of_the_crm(refusing: Teller) -> None:
    (one,) = read_(refusing.loop, refused.listed, ["sales", "marketing"])
    assert (one.key, one.kind, one.code, one.message) == (
        *(KEY, FeedbackKind.PERSON, "FIELD_CUSTOM_VALIDATION_EXCEPTION"),
        "a rule of the org refuses it",
    )
    (count,) = read_(refusing.loop, refused.counted, ["sales"])
    assert (count.connection, count.kind, count.count) == ("sales", FeedbackKind.PERSON, 1)


def test_it_is_not_told_again_by_itself(refusing: Teller) -> None:
    refusing.loop.clock.pass_(days=30)
    assert refusing.tell_all() == 0


def test_another_value_is_told(refusing: Teller) -> None:
    refusing.want(person("M1", "another"))
    assert read_(refusing.loop, refused.listed, ["sales"]) == []
    assert refusing.tell_all() == 1


def test_somebody_may_have_it_told_again(refusing: Teller) -> None:
    refusing.crm.fates.clear()
    with writing(refusing.loop.engine) as connection:
        assert refused.try_again(connection, "sales", keys=[KEY, "campaign|unknown"]) == 1
        assert refused.try_again(connection, "sales") == 0
    assert refusing.tell_all() == 1
    assert refusing.row("delivered", KEY)["delivery"] == "delivered"


def test_one_code_of_several_may_be_told_again(refusing: Teller) -> None:
    refuse(refusing, "campaign|C1", code="INVALID_FIELD")
    refusing.want(campaign("C1", 1))
    refusing.tell_all()
    with writing(refusing.loop.engine) as connection:
        assert refused.try_again(connection, "sales", code="INVALID_FIELD") == 1
    assert refusing.tell_all() == 1
    assert refusing.told("campaign|C1") == 2


def test_as_many_as_wanted_are_told_again_at_a_time(teller: Teller) -> None:
    keys = [f"person|campaign_member|M{number}" for number in range(5)]
    refuse(teller, *keys)
    teller.want(*(person(f"M{number}") for number in range(5)))
    teller.tell_all()
    with writing(teller.loop.engine) as connection:
        counts = [refused.try_again(connection, "sales", limit=2) for _ in range(4)]
    assert counts == [2, 2, 1, 0]


def test_other_mappings_have_everything_told_again(refusing: Teller) -> None:
    services = refusing.loop.services
    replay(services)
    assert refusing.tell_all() == 0
    replay(replace(services, mappings=_renamed(services.mappings)))
    assert refusing.tell_all() == 1


def _renamed(mappings: Mappings) -> Mappings:
    return replace(mappings, version="another version")


def test_a_record_that_changes_is_told_again(loop: Loop, salesforce: Make, refusing: Teller) -> None:
    member = loop.sales.put(salesforce.member("M1", "C1"))
    poll(loop.services, "sales")
    refusing.tell_all()
    assert refusing.told(KEY) == 2
    loop.hint("sales", member.ref)
    loop.clock.pass_(minutes=1)
    refresh(loop.services, "sales")
    assert refusing.tell_all() == 0
    loop.sales.change(member.ref, status="Responded")
    loop.hint("sales", member.ref)
    loop.clock.pass_(minutes=1)
    refresh(loop.services, "sales")
    assert refusing.tell_all() == 1


def test_a_campaign_that_changes_has_its_rows_by_reason_told_again(loop: Loop, salesforce: Make) -> None:
    loop.sales.put(salesforce.campaign("C1"))
    loop.sales.put(salesforce.lead("L1", "Unqualified", reason="Budget"))
    loop.sales.put(salesforce.member("M1", "C1", lead_id="L1", responded=True))
    row = "reason|C1|disqualified|no_budget"
    loop.sales.fates[row] = DeliveryResult(key=row, delivery=Delivery.REFUSED, code="ENTITY_IS_LOCKED")
    loop.poll()
    assert loop.sales.told.count(row) == 1
    loop.clock.pass_(minutes=1)
    loop.sales.change(salesforce.campaign("C1").ref, status="Active")
    poll(loop.services, "sales")
    while deliver(loop.services, "sales"):
        pass
    assert loop.sales.told.count(row) == 2


# The fields


def test_a_field_that_changes_has_what_was_refused_told_again(refusing: Teller) -> None:
    mind_refusals(refusing.services, "sales")
    refusing.loop.clock.pass_(seconds=LOOKS.total_seconds())
    assert mind_refusals(refusing.services, "sales") == refusing.loop.clock() + LOOKS
    assert refusing.tell_all() == 0
    refusing.crm.form = "with one field more"
    refusing.crm.fates.clear()
    refusing.loop.clock.pass_(seconds=LOOKS.total_seconds())
    assert mind_refusals(refusing.services, "sales") == refusing.loop.clock()
    assert refusing.tell_all() == 1
    assert mind_refusals(refusing.services, "sales") is None


def test_nobody_asks_about_fields_while_nothing_is_refused_or_too_often(teller: Teller) -> None:
    teller.want(person("M1"))
    teller.tell_all()
    calls = teller.crm.reads
    assert mind_refusals(teller.services, "sales") is None
    assert teller.crm.reads == calls
    refuse(teller)
    teller.want(person("M1", "another"))
    teller.tell_all()
    calls = teller.crm.reads
    for _ in range(3):
        mind_refusals(teller.services, "sales")
    assert teller.crm.reads == calls + 1


def test_a_crm_that_does_not_say_what_it_takes_is_asked_later(refusing: Teller) -> None:
    mind_refusals(refusing.services, "sales")
    refusing.loop.clock.pass_(seconds=LOOKS.total_seconds())
    refusing.crm.down = RetryableError("busy")
    assert mind_refusals(refusing.services, "sales") == refusing.loop.clock() + LOOKS
    refusing.crm.down = None
    refusing.crm.form = "with one field more"
    refusing.loop.clock.pass_(seconds=LOOKS.total_seconds())
    mind_refusals(refusing.services, "sales")
    assert refusing.tell_all() == 1


def test_a_turn_looks_after_refusals_and_says_when_it_does_next(refusing: Teller) -> None:
    again = tell_crm(refusing.services, Work(Kind.TELL, "sales"), lambda: None)
    assert again == refusing.loop.clock() + refusals.LOOKS
