"""From a change in the org, over its outbound message, to what its campaigns and members show."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from closedloop.crm.salesforce import SalesforceCrm
from closedloop.crm.salesforce.events import ACKNOWLEDGEMENT, parse, to_hints
from closedloop.crm.salesforce.install import plan
from closedloop.loop.feedback import (
    CampaignFeedback,
    Delivery,
    Feedback,
    PersonFeedback,
    ReasonFeedback,
    ReasonTotal,
)
from closedloop.sandbox.salesforce import Org, Refusal, SalesforceSandbox
from closedloop.schema.records import Money, Ref
from closedloop.schema.vocabulary import DECIDED, AttributionModel, ObjectType, Outcome, ReasonCode

DECIDED_AT = datetime(2026, 11, 20, 14, 3, tzinfo=UTC)
LOCKED = Refusal("UNABLE_TO_LOCK_ROW", "unable to obtain exclusive access to this record")


@pytest.fixture
def crm(connected: Any) -> SalesforceCrm:
    found: SalesforceCrm = connected(currency="EUR")
    return found


@pytest.fixture
def campaign(org: Org) -> str:
    return org.insert("Campaign", {"Name": "Autumn"})


def member(org: Org, campaign: str, name: str = "Doe") -> str:
    person = org.insert("Lead", {"LastName": name, "Company": "Acme"})
    return org.insert("CampaignMember", {"CampaignId": campaign, "LeadId": person})


def about(member_id: str, outcome: Outcome | None = Outcome.DISQUALIFIED, **more: Any) -> PersonFeedback:
    given = {"reason": ReasonCode.NO_BUDGET, "decided_at": DECIDED_AT, **more} if outcome else {}
    return PersonFeedback(target=Ref(ObjectType.CAMPAIGN_MEMBER, member_id), outcome=outcome, **given)


def totals(campaign_id: str, credit: str = "1.5") -> list[Feedback]:
    total = ReasonTotal(
        outcome=Outcome.LOST,
        reason=ReasonCode.PRICE,
        credit=Decimal(credit),
        decisions=2,
        amounts=(Money(amount=Decimal("99.50"), currency="EUR"),),
    )
    credits = {outcome: Decimal(0) for outcome in DECIDED} | {Outcome.LOST: Decimal(credit)}  # noqa: A001 - the field's word
    return [
        CampaignFeedback(
            campaign_id=campaign_id,
            model=AttributionModel.LINEAR,
            credits=credits,
            reasons=(total,),
            lost_amounts=total.amounts,
            last_decision_at=DECIDED_AT,
        ),
        ReasonFeedback(campaign_id=campaign_id, model=AttributionModel.LINEAR, total=total),
    ]


def fates(crm: SalesforceCrm, *feedback: Feedback) -> list[tuple[Delivery, str | None]]:
    return [(result.delivery, result.code) for result in crm.deliver(feedback)]


def ours(record: dict[str, Any]) -> dict[str, Any]:
    """What Closed Loop wrote into a record."""
    return {
        name: value for name, value in record.items() if name.startswith("Closed_Loop") and value is not None
    }


def test_an_outbound_message_of_the_org_becomes_a_hint(
    crm: SalesforceCrm, org: Org, double: Any, laid_out: Any
) -> None:
    double.answer("POST", "/hook", laid_out(200, ACKNOWLEDGEMENT.decode()))
    org.subscribe("Lead", ["Id", "Status"], f"{double.url}/hook", when_changed=["Status"])
    person = org.insert("Lead", {"LastName": "Doe", "Company": "Acme"})
    assert org.settle()
    message = parse(double.asked[0].body)
    assert message.organization_id == org.organization_id
    assert to_hints(message, crm.mapping).refs == (Ref(ObjectType.LEAD, person),)
    assert len(double.asked) == 1  # the acknowledgement was taken for one


def test_members_campaigns_and_reasons_show_what_was_delivered(
    crm: SalesforceCrm, org: Org, campaign: str
) -> None:
    target = member(org, campaign)
    feedback = about(target, raw_reason="No Budget", note="Next year", stage="Closed", decided_by="Rita Rep")
    assert fates(crm, feedback, *totals(campaign)) == [(Delivery.DELIVERED, None)] * 3
    assert ours(org.get("CampaignMember", target)) == {
        "Closed_Loop_Outcome__c": "Disqualified",
        "Closed_Loop_Reason__c": "No budget",
        "Closed_Loop_Reason_Detail__c": "No Budget",
        "Closed_Loop_Note__c": "Next year",
        "Closed_Loop_Stage__c": "Closed",
        "Closed_Loop_Decided_At__c": DECIDED_AT,
        "Closed_Loop_Decided_By__c": "Rita Rep",
    }
    shown = ours(org.get("Campaign", campaign))
    assert shown["Closed_Loop_Lost__c"] == Decimal("1.5")
    assert shown["Closed_Loop_Won__c"] == 0
    assert shown["Closed_Loop_Lost_Amount__c"] == Decimal("99.50")
    assert shown["Closed_Loop_Top_Reasons__c"] == "Lost, Price: 1.5"
    assert shown["Closed_Loop_Model__c"] == "linear"
    (row,) = org.rows("Closed_Loop_Campaign_Reason__c")
    assert (row["Campaign__c"], row["Closed_Loop_Key__c"]) == (campaign, f"{campaign}|lost|price")
    assert (row["Credit__c"], row["Decisions__c"], row["Amount__c"]) == (Decimal("1.5"), 2, Decimal("99.50"))


def test_delivering_again_changes_the_same_rows_and_nothing_else(
    crm: SalesforceCrm, org: Org, campaign: str
) -> None:
    responded = org.get("CampaignMember", target := member(org, campaign))["HasResponded"]
    for credit in ("1", "0"):
        assert fates(crm, about(target), *totals(campaign, credit)) == [(Delivery.DELIVERED, None)] * 3
    (row,) = org.rows("Closed_Loop_Campaign_Reason__c")
    assert row["Credit__c"] == 0
    assert fates(crm, about(target, None)) == [(Delivery.DELIVERED, None)]
    assert ours(org.get("CampaignMember", target)) == {}
    assert org.get("CampaignMember", target)["HasResponded"] is responded


def test_feedback_for_a_deleted_campaign_is_refused_and_holds_up_nothing(
    crm: SalesforceCrm, org: Org, campaign: str
) -> None:
    deleted = org.insert("Campaign", {"Name": "Gone"})
    orphan = member(org, deleted, "Orphan")
    target = member(org, campaign)
    org.delete("Campaign", deleted)
    found = fates(crm, about(orphan), about(target), *totals(deleted), *totals(campaign))
    refused, delivered = Delivery.REFUSED, Delivery.DELIVERED
    assert [fate for fate, _ in found] == [refused, delivered, refused, refused, delivered, delivered]
    assert all(code for fate, code in found if fate is refused)


def test_the_member_of_a_converted_lead_takes_feedback(crm: SalesforceCrm, org: Org, campaign: str) -> None:
    target = member(org, campaign)
    org.convert_lead(org.get("CampaignMember", target)["LeadId"])
    assert fates(crm, about(target, Outcome.ACCEPTED, reason=None)) == [(Delivery.DELIVERED, None)]
    assert ours(org.get("CampaignMember", target))["Closed_Loop_Outcome__c"] == "Accepted"


def test_a_session_that_ends_between_two_requests_is_renewed(
    crm: SalesforceCrm, sandbox: SalesforceSandbox, org: Org, campaign: str
) -> None:
    targets = [member(org, campaign, f"Doe {number}") for number in range(3)]
    fates(crm, about(targets[0]))
    sandbox.sessions.end_all()
    assert fates(crm, *map(about, targets), *totals(campaign)) == [(Delivery.DELIVERED, None)] * 5


def test_a_lock_on_the_whole_request_is_waited_for(
    crm: SalesforceCrm, sandbox: SalesforceSandbox, org: Org, campaign: str, waits: list[float]
) -> None:
    target = member(org, campaign)
    sandbox.fail(LOCKED, times=2, path="composite/sobjects")
    assert fates(crm, about(target)) == [(Delivery.DELIVERED, None)]
    assert len(waits) == 2


def test_a_note_that_is_too_long_is_cut_and_taken(crm: SalesforceCrm, org: Org, campaign: str) -> None:
    target = member(org, campaign)
    assert fates(crm, about(target, note="line\n" * 20_000, raw_reason="x" * 300)) == [
        (Delivery.DELIVERED, None)
    ]
    shown = ours(org.get("CampaignMember", target))
    assert shown["Closed_Loop_Reason_Detail__c"] == "x" * 254 + "…"
    assert shown["Closed_Loop_Note__c"].endswith("…")


def test_every_field_of_the_plan_is_in_an_org_that_has_the_package(crm: SalesforceCrm) -> None:
    assert [change for change in plan(crm) if change.problem or not change.exists] == []
