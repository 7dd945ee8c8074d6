"""The whole loop on two CRMs in memory: what sales decided comes back on the campaigns, and stays right."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from closedloop.errors import AuthenticationError, RetryableError
from closedloop.loop.feedback import (
    CampaignFeedback,
    Delivery,
    DeliveryResult,
    PersonFeedback,
    ReasonFeedback,
)
from closedloop.schema.records import LinkedId, Money, Ref, User
from closedloop.schema.vocabulary import CrmName, ObjectType, Outcome, ReasonCode

if TYPE_CHECKING:
    from tests.server.conftest import Loop, Make

LEAD, CONTACT, OPPORTUNITY = ObjectType.LEAD, ObjectType.CONTACT, ObjectType.OPPORTUNITY
MEMBER, CAMPAIGN = ObjectType.CAMPAIGN_MEMBER, ObjectType.CAMPAIGN

GUID = "430318c4-abb7-4bf7-a75e-9c5fa8f475a6"


def campaign_of(loop: Loop, name: str, id_: str) -> CampaignFeedback:
    crm = loop.sales if name == "sales" else loop.marketing
    value = crm.shown[f"campaign|{id_}"]
    assert isinstance(value, CampaignFeedback)
    return value


def person_of(loop: Loop, name: str, target: ObjectType, id_: str) -> PersonFeedback:
    crm = loop.sales if name == "sales" else loop.marketing
    value = crm.shown[f"person|{target}|{id_}"]
    assert isinstance(value, PersonFeedback)
    return value


@pytest.fixture
def rejected(loop: Loop, salesforce: Make) -> Loop:
    """A lead of campaign C1 that sales rejected for want of a budget, polled and delivered."""
    loop.sales.put(salesforce.campaign("C1"))
    loop.sales.put(salesforce.lead("L1", "Unqualified", reason="No budget", reason_note="Next year"))
    loop.sales.put(salesforce.member("M1", "C1", lead_id="L1", touched_at=loop.clock()))
    loop.clock.pass_(days=1)
    loop.sales.change(Ref(LEAD, "L1"))
    loop.poll()
    return loop


def test_a_rejected_lead_comes_back_on_its_campaign_with_its_reason(rejected: Loop) -> None:
    shown = campaign_of(rejected, "sales", "C1")
    assert shown.credits[Outcome.DISQUALIFIED] == 1
    assert [(each.reason, each.credit) for each in shown.top_reasons] == [(ReasonCode.NO_BUDGET, Decimal(1))]
    member = person_of(rejected, "sales", MEMBER, "M1")
    assert (member.outcome, member.reason, member.note) == (
        Outcome.DISQUALIFIED,
        ReasonCode.NO_BUDGET,
        "Next year",
    )
    row = rejected.sales.shown["reason|C1|disqualified|no_budget"]
    assert isinstance(row, ReasonFeedback)
    assert row.total.credit == 1


def test_running_every_step_again_changes_and_tells_nothing(rejected: Loop) -> None:
    before, told = rejected.snapshot(), list(rejected.sales.told)
    rejected.hint("sales", Ref(LEAD, "L1"), Ref(MEMBER, "M1"), Ref(CAMPAIGN, "C1"))
    rejected.settle()
    rejected.poll()
    assert rejected.snapshot() == before
    assert rejected.sales.told == told


def test_our_own_write_to_a_campaign_starts_nothing(rejected: Loop) -> None:
    rejected.clock.pass_(seconds=1)
    rejected.sales.change(Ref(CAMPAIGN, "C1"), name="renamed by the marketer as well")
    rejected.hint("sales", Ref(CAMPAIGN, "C1"))
    told = list(rejected.sales.told)
    rejected.settle()
    assert rejected.rows("stale") == []
    assert rejected.sales.told == told


def test_a_reason_that_no_rule_knows_is_kept_in_the_reps_words(loop: Loop, salesforce: Make) -> None:
    loop.sales.put(salesforce.lead("L1", "Unqualified", reason="The dog ate the proposal"))
    loop.sales.put(salesforce.member("M1", "C1", lead_id="L1"))
    loop.poll()
    (entry,) = loop.rows("ledger")
    assert (entry["reason"], entry["raw_reason"]) == ("unmapped", "The dog ate the proposal")
    assert person_of(loop, "sales", MEMBER, "M1").raw_reason == "The dog ate the proposal"


@pytest.mark.parametrize(
    ("members", "roles", "cause"),
    [([], [], "no_person"), ([], ["P1"], "no_campaign"), ([timedelta(days=3)], ["P1"], "touched_later")],
)
def test_what_nobody_can_be_credited_with_says_why(
    loop: Loop, salesforce: Make, members: list[timedelta], roles: list[str], cause: str
) -> None:
    loop.sales.put(salesforce.opportunity("O1", "Closed Lost", stage_changed_at=loop.clock()))
    for contact in roles:
        loop.sales.put(salesforce.contact(contact))
        loop.sales.put(salesforce.role("O1", contact))
    for place, later in enumerate(members):
        touched = loop.clock() + later
        loop.sales.put(salesforce.member(f"M{place}", "C1", contact_id="P1", touched_at=touched))
    loop.poll()
    assert {(row["campaign_id"], row["share"], row["cause"]) for row in loop.rows("credits")} == {
        ("", Decimal(1), cause)
    }


def test_a_loss_is_shared_like_a_win_and_the_shares_sum_to_one(loop: Loop, salesforce: Make) -> None:
    loop.sales.put(salesforce.opportunity("O1", "Closed Lost", stage_changed_at=loop.clock.pass_(days=9)))
    for place in range(3):
        loop.sales.put(salesforce.contact(f"P{place}"))
        loop.sales.put(salesforce.role("O1", f"P{place}"))
        loop.sales.put(salesforce.member(f"M{place}", f"C{place}", contact_id=f"P{place}"))
    loop.poll()
    shares = [row["share"] for row in loop.rows("credits", model="linear")]
    assert sum(shares) == 1
    assert sorted(shares) == [Decimal("0.333333"), Decimal("0.333333"), Decimal("0.333334")]


def test_two_rows_of_one_person_in_one_campaign_count_once(loop: Loop, salesforce: Make) -> None:
    """After a conversion the lead's row and the contact's are the same human being in the same campaign."""
    loop.sales.put(salesforce.contact("P1"))
    loop.sales.put(salesforce.lead("L1", "Qualified", converted=True, converted_contact_id="P1"))
    loop.sales.put(salesforce.member("M1", "C1", lead_id="L1", touched_at=loop.clock()))
    loop.sales.put(salesforce.member("M2", "C1", contact_id="P1", touched_at=loop.clock()))
    loop.sales.put(salesforce.member("M3", "C2", contact_id="P1", touched_at=loop.clock()))
    loop.clock.pass_(days=1)
    loop.sales.change(Ref(LEAD, "L1"))
    loop.poll()
    credited = {row["campaign_id"]: row["share"] for row in loop.rows("credits", model="linear")}
    assert credited == {"C1": Decimal("0.5"), "C2": Decimal("0.5")}
    assert len(loop.rows("touches")) == 3


def test_a_converted_lead_is_accepted_and_its_contacts_deal_speaks_last(loop: Loop, salesforce: Make) -> None:
    loop.sales.put(salesforce.contact("P1"))
    loop.sales.put(salesforce.lead("L1", "Qualified", converted=True, converted_contact_id="P1"))
    loop.sales.put(salesforce.member("M1", "C1", contact_id="P1", touched_at=loop.clock()))
    loop.poll()
    assert person_of(loop, "sales", MEMBER, "M1").outcome is Outcome.ACCEPTED
    lost_at = loop.clock.pass_(days=30)
    loop.sales.put(salesforce.opportunity("O1", "Closed Lost", stage_changed_at=lost_at, lost_reason="Price"))
    loop.sales.put(salesforce.role("O1", "P1"))
    loop.hint("sales", Ref(OPPORTUNITY, "O1"))
    loop.settle()
    member = person_of(loop, "sales", MEMBER, "M1")
    assert (member.outcome, member.reason) == (Outcome.LOST, ReasonCode.PRICE)
    shown = campaign_of(loop, "sales", "C1")
    assert shown.credits[Outcome.ACCEPTED] == shown.credits[Outcome.LOST] == 1
    assert shown.lost_amounts == (Money(amount=Decimal(1000), currency="EUR"),)


@pytest.fixture
def lost(loop: Loop, salesforce: Make) -> Loop:
    """A deal of campaign C1 that was lost on price."""
    loop.sales.put(salesforce.contact("P1"))
    loop.sales.put(salesforce.member("M1", "C1", contact_id="P1", touched_at=loop.clock()))
    lost_at = loop.clock.pass_(days=10)
    loop.sales.put(salesforce.opportunity("O1", "Closed Lost", stage_changed_at=lost_at, lost_reason="Price"))
    loop.sales.put(salesforce.role("O1", "P1"))
    loop.poll()
    return loop


def test_a_reopened_deal_takes_its_loss_back(lost: Loop) -> None:
    assert campaign_of(lost, "sales", "C1").credits[Outcome.LOST] == 1
    lost.sales.change(Ref(OPPORTUNITY, "O1"), stage="Prospecting", stage_changed_at=lost.clock.pass_(days=1))
    lost.hint("sales", Ref(OPPORTUNITY, "O1"))
    lost.settle()
    shown = campaign_of(lost, "sales", "C1")
    assert set(shown.credits.values()) == {Decimal(0)}
    assert (shown.lost_amounts, shown.reasons, shown.last_decision_at) == ((), (), None)
    row = lost.sales.shown["reason|C1|lost|price"]
    assert isinstance(row, ReasonFeedback)
    assert row.total.credit == row.total.decisions == 0
    assert person_of(lost, "sales", MEMBER, "M1").outcome is None
    assert [row["outcome"] for row in lost.rows("ledger")] == ["lost", "reopened"]


def test_a_deal_decided_again_counts_only_as_it_was_decided_last(lost: Loop) -> None:
    for stage in ("Prospecting", "Closed Won"):
        lost.sales.change(Ref(OPPORTUNITY, "O1"), stage=stage, stage_changed_at=lost.clock.pass_(days=1))
        lost.hint("sales", Ref(OPPORTUNITY, "O1"))
        lost.settle()
    shown = campaign_of(lost, "sales", "C1")
    assert {each: credit for each, credit in shown.credits.items() if credit} == {Outcome.WON: 1}
    assert shown.won_amounts == (Money(amount=Decimal(1000), currency="EUR"),)
    assert [row["outcome"] for row in lost.rows("ledger")] == ["lost", "reopened", "won"]
    assert [row["outcome"] for row in lost.rows("standings")] == ["won"]


def test_a_deleted_deal_takes_its_loss_back(lost: Loop) -> None:
    lost.sales.remove(Ref(OPPORTUNITY, "O1"))
    lost.hint("sales", Ref(OPPORTUNITY, "O1"))
    lost.settle()
    assert campaign_of(lost, "sales", "C1").credits[Outcome.LOST] == 0
    assert [row["outcome"] for row in lost.rows("ledger")] == ["lost", "reopened"]


def test_an_edit_that_changes_nothing_that_sales_decided_adds_no_entry(lost: Loop) -> None:
    lost.sales.change(
        Ref(OPPORTUNITY, "O1"),
        stage_changed_by="005B",
        name="Spelt right",
        updated_at=lost.clock.pass_(days=1),
    )
    lost.hint("sales", Ref(OPPORTUNITY, "O1"))
    lost.settle()
    assert len(lost.rows("ledger")) == 1


def test_a_contact_role_that_is_taken_away_takes_its_credit_along(lost: Loop) -> None:
    lost.sales.remove(Ref(ObjectType.CONTACT_ROLE, "O1-P1"))
    lost.hint("sales", Ref(OPPORTUNITY, "O1"))
    lost.settle()
    assert campaign_of(lost, "sales", "C1").credits[Outcome.LOST] == 0
    assert {row["cause"] for row in lost.rows("credits")} == {"no_person"}


def test_a_person_who_joins_a_campaign_gets_it_credit_for_what_was_decided_later(
    lost: Loop, salesforce: Make
) -> None:
    earlier = lost.clock() - timedelta(days=5)
    lost.sales.put(salesforce.member("M2", "C2", contact_id="P1", touched_at=earlier))
    lost.hint("sales", Ref(MEMBER, "M2"))
    lost.settle()
    assert campaign_of(lost, "sales", "C2").credits[Outcome.LOST] == 1
    shown = campaign_of(lost, "sales", "C1")
    assert shown.credits[Outcome.LOST] == 0
    assert [(total.credit, total.decisions) for total in shown.reasons] == [(Decimal(0), 1)]
    assert person_of(lost, "sales", MEMBER, "M2").outcome is Outcome.LOST


def test_a_campaign_that_is_the_deals_primary_source_gets_all_of_it(lost: Loop) -> None:
    lost.sales.change(Ref(OPPORTUNITY, "O1"), campaign_id="C9", updated_at=lost.clock.pass_(hours=1))
    lost.hint("sales", Ref(OPPORTUNITY, "O1"))
    lost.settle()
    assert campaign_of(lost, "sales", "C9").credits[Outcome.LOST] == 1
    assert campaign_of(lost, "sales", "C1").credits[Outcome.LOST] == 0


def test_a_campaign_deleted_between_reading_and_writing_is_refused_visibly_and_once(lost: Loop) -> None:
    lost.sales.fates["campaign|C1"] = DeliveryResult(
        key="campaign|C1", delivery=Delivery.REFUSED, code="ENTITY_IS_DELETED", message="entity is deleted"
    )
    lost.sales.change(Ref(OPPORTUNITY, "O1"), lost_reason="Competitor", updated_at=lost.clock.pass_(hours=1))
    lost.hint("sales", Ref(OPPORTUNITY, "O1"))
    lost.settle()
    (row,) = lost.rows("delivered", key="campaign|C1")
    assert (row["delivery"], row["code"], row["message"]) == (
        "refused",
        "ENTITY_IS_DELETED",
        "entity is deleted",
    )
    told = lost.sales.told.count("campaign|C1")
    lost.clock.pass_(days=1)
    lost.turn()
    assert lost.sales.told.count("campaign|C1") == told
    assert person_of(lost, "sales", MEMBER, "M1").reason is ReasonCode.COMPETITOR


def test_a_target_that_is_locked_is_told_later_and_nothing_else_waits_for_it(lost: Loop) -> None:
    locked = DeliveryResult(
        key="campaign|C1",
        delivery=Delivery.RETRY,
        code="UNABLE_TO_LOCK_ROW",
        message="locked",
        retry_after=90,
    )
    lost.sales.fates["campaign|C1"] = locked
    lost.sales.change(Ref(OPPORTUNITY, "O1"), stage="Closed Won", stage_changed_at=lost.clock.pass_(days=1))
    lost.hint("sales", Ref(OPPORTUNITY, "O1"))
    lost.settle()
    assert person_of(lost, "sales", MEMBER, "M1").outcome is Outcome.WON
    del lost.sales.fates["campaign|C1"]
    lost.clock.pass_(seconds=89)
    lost.turn()
    assert campaign_of(lost, "sales", "C1").credits[Outcome.WON] == 0
    lost.clock.pass_(seconds=1)
    lost.turn()
    assert campaign_of(lost, "sales", "C1").credits[Outcome.WON] == 1
    assert {row["delivery"] for row in lost.rows("delivered")} == {"delivered"}


def test_a_crm_out_of_reach_keeps_everything_until_it_is_back(lost: Loop) -> None:
    lost.sales.down = RetryableError("the org does not answer", retry_after=30)
    lost.sales.change(Ref(OPPORTUNITY, "O1"), stage="Closed Won", stage_changed_at=lost.clock.pass_(days=1))
    lost.hint("sales", Ref(OPPORTUNITY, "O1"))
    with pytest.raises(RetryableError):
        lost.settle()
    (hint,) = lost.rows("hints")
    assert (hint["attempts"], hint["error"]) == (1, "try_later: the org does not answer")
    lost.sales.down = None
    lost.turn()
    assert len(lost.rows("hints")) == 1
    lost.clock.pass_(seconds=30)
    lost.turn()
    assert lost.rows("hints") == []
    assert campaign_of(lost, "sales", "C1").credits[Outcome.WON] == 1


def test_feedback_that_could_not_be_told_at_all_says_so_on_every_value(lost: Loop) -> None:
    lost.sales.change(Ref(OPPORTUNITY, "O1"), stage="Closed Won", stage_changed_at=lost.clock.pass_(days=1))
    lost.hint("sales", Ref(OPPORTUNITY, "O1"))
    lost.clock.pass_(seconds=2)
    lost.one_round()
    lost.sales.down = AuthenticationError("the token is not valid any more", code="INVALID_SESSION_ID")
    with pytest.raises(AuthenticationError):
        lost.turn()
    waiting = lost.rows("delivered", delivery="retry")
    assert {row["code"] for row in waiting} == {"INVALID_SESSION_ID"}
    assert len(waiting) == 4


def test_a_value_without_a_result_is_told_again_later_and_not_at_once(lost: Loop) -> None:
    telling = lost.sales.deliver
    lost.sales.deliver = lambda feedback: telling(feedback)[1:]  # type: ignore[method-assign]
    lost.sales.change(Ref(OPPORTUNITY, "O1"), stage="Closed Won", stage_changed_at=lost.clock.pass_(days=1))
    lost.hint("sales", Ref(OPPORTUNITY, "O1"))
    lost.settle()
    (row,) = lost.rows("delivered", delivery="retry")
    assert (row["code"], row["attempts"]) == ("no_result", 1)


def test_an_older_answer_does_not_overwrite_a_newer_one(lost: Loop) -> None:
    older = lost.clock() - timedelta(hours=1)
    lost.sales.change(Ref(OPPORTUNITY, "O1"), stage="Prospecting", updated_at=older)
    lost.hint("sales", Ref(OPPORTUNITY, "O1"))
    lost.settle()
    assert [row["outcome"] for row in lost.rows("standings")] == ["lost"]


def test_many_hints_about_one_object_are_one_read(lost: Loop) -> None:
    reads = lost.sales.reads
    for _ in range(40):
        lost.hint("sales", Ref(OPPORTUNITY, "O1"))
    (hint,) = lost.rows("hints")
    assert hint["noted"] == 40
    lost.settle()
    assert lost.sales.reads == reads + 1


def test_a_hint_noted_again_during_the_read_is_read_again(lost: Loop) -> None:
    lost.hint("sales", Ref(OPPORTUNITY, "O1"))
    reading = lost.sales.refresh

    def interrupted(refs: object) -> object:
        lost.hint("sales", Ref(OPPORTUNITY, "O1"))
        lost.sales.refresh = reading  # type: ignore[method-assign]
        return reading(refs)  # type: ignore[arg-type]

    lost.sales.refresh = interrupted  # type: ignore[method-assign,assignment]
    reads = lost.sales.reads
    lost.settle()
    assert lost.sales.reads == reads + 2
    assert lost.rows("hints") == []


def test_one_object_that_cannot_be_read_ends_up_alone(lost: Loop, salesforce: Make) -> None:
    """The CRM answers every question but the one about O1: the others must not wait for it."""
    reading = lost.sales.refresh

    def picky(refs: list[Ref]) -> object:
        if Ref(OPPORTUNITY, "O1") in refs:
            raise RetryableError("this row breaks the CRM")
        return reading(refs)

    lost.sales.refresh = picky  # type: ignore[method-assign,assignment]
    others = [Ref(LEAD, f"L{number:03}") for number in range(150)]
    for ref in others:
        lost.sales.put(salesforce.lead(ref.id, "Unqualified"))
    lost.hint("sales", Ref(OPPORTUNITY, "O1"), *others)
    for _ in range(12):
        lost.clock.pass_(hours=1)
        try:
            lost.turn()
        except RetryableError:
            continue
    assert [row["crm_id"] for row in lost.rows("hints")] == ["O1"]
    assert len(lost.rows("standings", object="lead")) == 150


def test_an_object_that_the_answer_does_not_mention_is_not_lost_silently(lost: Loop) -> None:
    reading = lost.sales.refresh
    lost.sales.refresh = lambda refs: reading(list(refs)[:0])  # type: ignore[method-assign]
    lost.hint("sales", Ref(ObjectType.ACTIVITY, "T1"))
    lost.settle()
    (row,) = lost.rows("refusals")
    assert (row["crm_id"], row["reason"]) == ("T1", "no_answer")


@pytest.mark.parametrize("at", range(5))
def test_a_step_that_breaks_off_is_made_good_by_running_again(lost: Loop, at: int) -> None:
    lost.sales.change(Ref(OPPORTUNITY, "O1"), stage="Closed Won", stage_changed_at=lost.clock.pass_(days=1))
    lost.hint("sales", Ref(OPPORTUNITY, "O1"))
    with lost.breaking_off(at) as broken:
        lost.settle()
    assert broken == [at]
    lost.turn()
    assert campaign_of(lost, "sales", "C1").credits[Outcome.WON] == 1
    assert [row["outcome"] for row in lost.rows("ledger")] == ["lost", "won"]
    assert lost.rows("stale") == []


def test_a_reason_picked_in_salesforce_shows_on_the_hubspot_campaign_by_the_linked_id(
    loop: Loop, salesforce: Make, hubspot: Make
) -> None:
    loop.marketing.put(hubspot.campaign(GUID, other_id="123"))
    linked = (LinkedId(crm=CrmName.SALESFORCE, object=LEAD, id="L1"),)
    loop.marketing.put(hubspot.contact("501", email="other@example.com", linked_ids=linked))
    loop.marketing.put(hubspot.contact("502", email="ann@example.com"))
    for contact in ("501", "502"):
        loop.marketing.put(hubspot.member(f"{GUID}/{contact}", GUID, contact_id=contact))
    loop.sales.put(salesforce.lead("L1", "Unqualified", reason="No budget", email="Ann@example.com"))
    loop.poll()
    assert campaign_of(loop, "marketing", GUID).credits[Outcome.DISQUALIFIED] == 1
    assert person_of(loop, "marketing", CONTACT, "501").reason is ReasonCode.NO_BUDGET
    assert "person|contact|502" not in loop.marketing.shown
    assert {(row["person_id"], row["link"]) for row in loop.rows("people")} == {
        ("L1", "record"),
        ("501", "linked_id"),
    }


def test_without_a_linked_id_the_e_mail_address_joins_the_two_crms(
    loop: Loop, salesforce: Make, hubspot: Make
) -> None:
    loop.marketing.put(hubspot.campaign(GUID, other_id="123"))
    loop.marketing.put(hubspot.contact("501", email="Ann@Example.com"))
    loop.marketing.put(hubspot.member(f"{GUID}/501", GUID, contact_id="501"))
    loop.sales.put(salesforce.lead("L1", "Unqualified", reason="No budget", email=" ann@example.COM"))
    loop.poll()
    assert person_of(loop, "marketing", CONTACT, "501").reason is ReasonCode.NO_BUDGET
    assert {row["link"] for row in loop.rows("touches")} == {"email"}
    loop.marketing.change(
        Ref(CONTACT, "501"), email="somebody.else@example.com", updated_at=loop.clock.pass_(days=1)
    )
    loop.hint("marketing", Ref(CONTACT, "501"))
    loop.settle()
    assert campaign_of(loop, "marketing", GUID).credits[Outcome.DISQUALIFIED] == 0
    assert person_of(loop, "marketing", CONTACT, "501").outcome is None


def test_nobody_is_found_by_the_address_that_a_deleted_contact_had(
    loop: Loop, salesforce: Make, hubspot: Make
) -> None:
    loop.marketing.put(hubspot.contact("501", email="ann@example.com"))
    loop.sales.put(salesforce.contact("P1", email="ann@example.com"))
    lead = salesforce.lead("L1", "Qualified", converted=True, converted_contact_id="P1")
    loop.sales.put(lead)
    loop.poll()
    assert person_of(loop, "marketing", CONTACT, "501").outcome is Outcome.ACCEPTED
    loop.sales.remove(Ref(CONTACT, "P1"))
    loop.hint("sales", Ref(CONTACT, "P1"))
    loop.settle()
    assert {row["person_id"] for row in loop.rows("people")} == {"L1"}
    assert person_of(loop, "marketing", CONTACT, "501").outcome is None


def test_a_hubspot_lead_names_its_campaign_by_number_and_the_guid_gets_the_credit(
    loop: Loop, hubspot: Make
) -> None:
    loop.marketing.put(hubspot.contact("501"))
    lead = hubspot.lead(
        "801", "unqualified-stage-id", reason="Budget Constraints", contact_id="501", campaign_id="123"
    )
    loop.marketing.put(lead)
    loop.poll()
    assert {row["campaign_id"] for row in loop.rows("credits")} == {""}
    loop.marketing.put(hubspot.campaign(GUID, other_id="123"))
    loop.hint("marketing", Ref(CAMPAIGN, GUID))
    loop.settle()
    assert campaign_of(loop, "marketing", GUID).credits[Outcome.DISQUALIFIED] == 1
    assert person_of(loop, "marketing", CONTACT, "501").outcome is Outcome.DISQUALIFIED


def test_a_hubspot_lead_that_names_a_company_alone_has_nobody_behind_it(loop: Loop, hubspot: Make) -> None:
    loop.marketing.put(hubspot.lead("801", "unqualified-stage-id", account_id="601"))
    loop.poll()
    assert {row["cause"] for row in loop.rows("credits")} == {"no_person"}
    assert loop.rows("people") == []


def test_no_row_is_desired_that_the_crm_has_no_place_for(loop: Loop, hubspot: Make) -> None:
    loop.marketing.put(hubspot.contact("501"))
    loop.marketing.put(hubspot.member(f"{GUID}/501", GUID, contact_id="501"))
    loop.marketing.put(hubspot.lead("801", "unqualified-stage-id", contact_id="501"))
    loop.poll()
    assert {row["kind"] for row in loop.rows("desired")} == {"person", "campaign"}


def test_a_person_whom_the_crm_deleted_is_not_told_anything_any_more(lost: Loop) -> None:
    lost.sales.remove(Ref(MEMBER, "M1"))
    lost.hint("sales", Ref(MEMBER, "M1"))
    lost.settle()
    assert lost.rows("desired", kind="person") == []
    assert campaign_of(lost, "sales", "C1").credits[Outcome.LOST] == 0


@pytest.mark.parametrize("named_by", ["role", "contact_id"])
def test_a_merged_contacts_deal_is_read_again_and_credits_the_survivor(
    loop: Loop, hubspot: Make, named_by: str
) -> None:
    """HubSpot sends one event, about the contacts, and the deal itself does not change."""
    loop.marketing.put(hubspot.campaign(GUID, other_id="123"))
    for contact in ("501", "502"):
        loop.marketing.put(hubspot.contact(contact))
        loop.marketing.put(hubspot.member(f"{GUID}/{contact}", GUID, contact_id=contact))
    stamp, role = loop.clock(), named_by == "role"
    deal = hubspot.opportunity(
        "D1", "lost", closed=True, won=False, updated_at=stamp, contact_id=None if role else "502"
    )
    loop.marketing.put(deal)
    if role:
        loop.marketing.put(hubspot.role("D1", "502"))
    loop.poll()
    loop.clock.pass_(days=30)
    loop.marketing.remove(Ref(CONTACT, "502"))
    if role:
        loop.marketing.put(hubspot.role("D1", "501"))
    else:
        loop.marketing.change(Ref(OPPORTUNITY, "D1"), contact_id="501", updated_at=stamp)
    loop.hint("marketing", Ref(CONTACT, "501"), Ref(CONTACT, "502"))
    loop.settle()
    loop.settle()
    assert [row["person_id"] for row in loop.rows("people")] == ["501"]
    assert campaign_of(loop, "marketing", GUID).credits[Outcome.LOST] == 1


def test_the_one_who_decided_is_shown_by_name_even_when_the_name_is_learned_later(lost: Loop) -> None:
    lost.sales.change(
        Ref(OPPORTUNITY, "O1"),
        stage="Closed Won",
        stage_changed_by="005A",
        stage_changed_at=lost.clock.pass_(days=1),
    )
    lost.hint("sales", Ref(OPPORTUNITY, "O1"))
    lost.settle()
    assert person_of(lost, "sales", MEMBER, "M1").decided_by is None
    lost.sales.put(User(crm=CrmName.SALESFORCE, id="005A", name="Rosa Rep"))
    lost.poll()
    assert person_of(lost, "sales", MEMBER, "M1").decided_by == "Rosa Rep"


def test_a_stage_that_an_admin_redefines_is_judged_anew(lost: Loop) -> None:
    stage = Ref(ObjectType.STAGE, "Closed Lost")
    lost.sales.change(stage, closed=True, won=True, updated_at=lost.clock.pass_(days=1))
    lost.poll()
    assert [row["outcome"] for row in lost.rows("standings")] == ["won"]


def test_a_stage_that_an_admin_renames_is_shown_by_its_new_name(lost: Loop) -> None:
    assert person_of(lost, "sales", MEMBER, "M1").stage == "Closed Lost"
    stage = Ref(ObjectType.STAGE, "Closed Lost")
    lost.sales.change(stage, label="Gone", updated_at=lost.clock.pass_(days=1))
    lost.poll()
    assert person_of(lost, "sales", MEMBER, "M1").stage == "Gone"


def test_a_poll_that_breaks_off_goes_on_where_it_was(loop: Loop, salesforce: Make) -> None:
    for number in range(5):
        loop.sales.put(salesforce.lead(f"L{number}", "Unqualified"))
        loop.clock.pass_(minutes=1)
    paging = loop.sales.poll

    def broken(cursor: str | None) -> object:
        pages = list(paging(cursor))
        yield from pages[:5]
        raise RetryableError("the connection broke")

    loop.sales.poll = broken  # type: ignore[method-assign,assignment]
    with pytest.raises(RetryableError):
        loop.poll()
    (row,) = loop.rows("cursors", connection="sales")
    assert (row["polled_at"], row["error"]) == (None, "try_later: the connection broke")
    assert row["cursor"] is not None
    loop.sales.poll = paging  # type: ignore[method-assign]
    loop.poll()
    assert len(loop.rows("standings")) == 5
    (row,) = loop.rows("cursors", connection="sales")
    assert row["error"] is None
