"""Whether a record shows what it was told, as the org keeps it: our own writes are no changes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from closedloop.crm.salesforce import SalesforceCrm
from closedloop.crm.salesforce.compare import differences, form
from closedloop.crm.salesforce.describes import Described, Field, Option
from closedloop.loop.feedback import CampaignFeedback, Feedback, PersonFeedback, ReasonFeedback, ReasonTotal
from closedloop.mapping import Target
from closedloop.sandbox.salesforce import Org
from closedloop.schema.records import Money, Record, Ref
from closedloop.schema.vocabulary import DECIDED, AttributionModel, ObjectType, Outcome, ReasonCode

DECIDED_AT = datetime(2026, 11, 20, 14, 3, 7, 654_321, tzinfo=UTC)
THIRD = Decimal(1) / Decimal(3)


@pytest.fixture
def crm(connected: Callable[..., SalesforceCrm]) -> SalesforceCrm:
    return connected(currency="EUR")


@pytest.fixture
def campaign(org: Org) -> str:
    return org.insert("Campaign", {"Name": "Autumn"})


@pytest.fixture
def member(org: Org, campaign: str) -> str:
    person = org.insert("Lead", {"LastName": "Doe", "Company": "Acme"})
    return org.insert("CampaignMember", {"CampaignId": campaign, "LeadId": person})


def about(member_id: str, **more: Any) -> PersonFeedback:
    given: dict[str, Any] = {"outcome": Outcome.DISQUALIFIED, "reason": ReasonCode.NO_BUDGET, **more}
    return PersonFeedback(target=Ref(ObjectType.CAMPAIGN_MEMBER, member_id), **given)


def totals(campaign_id: str) -> CampaignFeedback:
    lost = ReasonTotal(outcome=Outcome.LOST, reason=ReasonCode.PRICE, credit=THIRD, decisions=1)
    return CampaignFeedback(
        campaign_id=campaign_id,
        model=AttributionModel.LINEAR,
        credits=dict.fromkeys(DECIDED, Decimal(0)) | {Outcome.LOST: THIRD},
        reasons=(lost,),
        lost_amounts=(Money(amount=Decimal("99.50") * THIRD, currency="EUR"),),
        last_decision_at=DECIDED_AT,
    )


def seen(crm: SalesforceCrm, object_: ObjectType, id_: str) -> Record:
    """The record as the loop reads it."""
    (found,) = [each for each in crm.refresh([Ref(object_, id_)]).records if each.id == id_]
    return found


NOTES = [
    *("Next year", "  blanks around  ", "one\nline\r\nafter another", "x" * 40_000, ""),
    "Ärger 🎈 with “signs”",
]


@pytest.mark.parametrize("note", NOTES, ids=range(len(NOTES)))
def test_what_was_written_reads_as_written(crm: SalesforceCrm, member: str, note: str) -> None:
    feedback = about(member, note=note, decided_at=DECIDED_AT, stage="Closed", raw_reason="y" * 300)
    crm.deliver([feedback])
    assert crm.differences(feedback, seen(crm, ObjectType.CAMPAIGN_MEMBER, member)) == {}


def test_rounded_credits_and_amounts_read_as_written(crm: SalesforceCrm, campaign: str) -> None:
    crm.deliver([totals(campaign)])
    assert crm.differences(totals(campaign), seen(crm, ObjectType.CAMPAIGN, campaign)) == {}


def test_a_poll_shows_it_as_a_refresh_does(crm: SalesforceCrm, campaign: str, member: str) -> None:
    values: list[Feedback] = [about(member, decided_at=DECIDED_AT), totals(campaign)]
    crm.deliver(values)
    found = {record.id: record for page in crm.poll(None) for record in page.batch.records}
    assert crm.differences(values[0], found[member]) == {}
    assert crm.differences(values[1], found[campaign]) == {}


def test_what_somebody_changed_is_told_with_what_stands_there(
    crm: SalesforceCrm, org: Org, member: str, campaign: str
) -> None:
    crm.deliver([about(member, note="ours"), totals(campaign)])
    org.update("CampaignMember", member, {"Closed_Loop_Note__c": None, "Closed_Loop_Reason__c": "Mine"})
    org.update("Campaign", campaign, {"Closed_Loop_Lost__c": 7})
    shown = crm.differences(about(member, note="ours"), seen(crm, ObjectType.CAMPAIGN_MEMBER, member))
    assert shown == {"note": "", "reason": "Mine"}
    totals_shown = crm.differences(totals(campaign), seen(crm, ObjectType.CAMPAIGN, campaign))
    assert totals_shown is not None
    assert list(totals_shown) == ["lost"]
    assert Decimal(totals_shown["lost"]) == 7


def test_a_member_that_shows_nothing_was_told_to_show_nothing(
    crm: SalesforceCrm, org: Org, member: str
) -> None:
    cleared = PersonFeedback(target=Ref(ObjectType.CAMPAIGN_MEMBER, member), outcome=None)
    assert crm.differences(cleared, seen(crm, ObjectType.CAMPAIGN_MEMBER, member)) == {}
    org.update("CampaignMember", member, {"Closed_Loop_Outcome__c": "Won"})
    shown = crm.differences(cleared, seen(crm, ObjectType.CAMPAIGN_MEMBER, member))
    assert shown == {"outcome": "Won"}


def test_rows_by_reason_are_not_read_and_cannot_be_told_of(crm: SalesforceCrm, campaign: str) -> None:
    total = ReasonTotal(outcome=Outcome.LOST, reason=ReasonCode.PRICE, credit=THIRD, decisions=1)
    row = ReasonFeedback(campaign_id=campaign, model=AttributionModel.LINEAR, total=total)
    assert crm.differences(row, seen(crm, ObjectType.CAMPAIGN, campaign)) is None


def test_a_record_that_was_read_without_the_fields_does_not_tell(crm: SalesforceCrm, member: str) -> None:
    record = replace(seen(crm, ObjectType.CAMPAIGN_MEMBER, member), raw={"Status": "Sent"})
    assert crm.differences(about(member), record) is None


def test_showing_feedback_takes_no_more_calls(
    crm: SalesforceCrm, member: str, calls: Callable[[], int]
) -> None:
    list(crm.poll(None))
    before = calls()
    crm.refresh([Ref(ObjectType.CAMPAIGN_MEMBER, member)])
    assert calls() - before <= 3


# Without an org

TARGET = Target(source="CampaignMember", fields={"outcome": "Outcome__c", "decided_at": "At__c"})


def described(**outcome: Any) -> Described:
    fields = [
        Field(name="Outcome__c", updateable=True, **{"type": "picklist", **outcome}),
        Field(name="At__c", type="datetime", updateable=True),
    ]
    return Described(name="CampaignMember", fields={field.name.lower(): field for field in fields})


def compared(row: dict[str, Any], **outcome: Any) -> dict[str, str] | None:
    feedback = about("00v000000000001AAA", decided_at=DECIDED_AT)
    return differences(feedback, row, TARGET, described(**outcome), currency=None)


def test_a_picklist_may_show_the_value_of_the_label_that_was_written() -> None:
    options = (Option(value="DQ", label="Disqualified"), Option(value="WON", label="Won"))
    row = {"Outcome__c": "DQ", "At__c": "2026-11-20T14:03:07.000+0000"}
    assert compared(row, options=options) == {}
    assert compared({**row, "Outcome__c": "WON"}, options=options) == {"outcome": "WON"}
    assert compared(row) == {"outcome": "DQ"}


@pytest.mark.parametrize(
    ("shown", "same"),
    [
        ("2026-11-20T14:03:07.000+0000", True),
        ("2026-11-20T14:03:07.654Z", True),
        ("2026-11-20T14:03:09.000+0000", False),
        ("soon", False),
    ],
)
def test_instants_are_kept_to_the_second(shown: str, same: bool) -> None:
    found = compared({"Outcome__c": "Disqualified", "At__c": shown})
    assert (found == {}) is same


def test_a_field_that_was_made_after_the_reading_is_not_compared() -> None:
    assert compared({"Outcome__c": "Disqualified"}) == {}
    assert compared({}) is None


def test_a_text_that_is_no_number_differs_from_one() -> None:
    number = Field(name="Lost__c", type="double", updateable=True, scale=2)
    target = Target(source="Campaign", fields={"lost": "Lost__c"})
    org = Described(name="Campaign", fields={"lost__c": number})
    for shown, expected in ((Decimal("0.33"), {}), ("0.34", {"lost": "0.34"}), ("many", {"lost": "many"})):
        found = differences(totals("701000000000001AAA"), {"Lost__c": shown}, target, org, currency="EUR")
        assert found == expected


def test_the_form_changes_with_the_fields_and_with_nothing_else() -> None:
    before = form([(TARGET, described())])
    assert form([(TARGET, described())]) == before
    assert form([(TARGET, described(length=80))]) != before
    assert form([(TARGET, None)]) != before


def test_two_connections_to_an_org_see_the_same_form(
    crm: SalesforceCrm, connected: Callable[..., SalesforceCrm]
) -> None:
    assert crm.feedback_form() == connected(currency="EUR").feedback_form()
