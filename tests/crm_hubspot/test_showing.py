"""What feedback says in HubSpot."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest

from closedloop.crm.hubspot.showing import campaign_lines, campaign_values, number, person_values
from closedloop.loop.feedback import CampaignFeedback, PersonFeedback, ReasonTotal
from closedloop.schema.records import Money, Ref
from closedloop.schema.vocabulary import AttributionModel, ObjectType, Outcome, ReasonCode

DECIDED = datetime(2026, 11, 20, 15, 3, tzinfo=timezone(timedelta(hours=1)))
CONTACT = Ref(ObjectType.CONTACT, "1")


def total(outcome: Outcome, reason: ReasonCode, credit: str) -> ReasonTotal:
    return ReasonTotal(outcome=outcome, reason=reason, credit=Decimal(credit), decisions=9)


FEEDBACK = CampaignFeedback(
    campaign_id="430318c4-abb7-4bf7-a75e-9c5fa8f475a6",
    model=AttributionModel.PRIMARY,
    credits={
        Outcome.ACCEPTED: Decimal("12.000000"),
        Outcome.RECYCLED: Decimal(3),
        Outcome.DISQUALIFIED: Decimal(8),
        Outcome.NO_ACTION: Decimal(1),
        Outcome.WON: Decimal(2),
        Outcome.LOST: Decimal("4E+0"),
    },
    reasons=(
        total(Outcome.LOST, ReasonCode.PRICE, "2.50"),
        total(Outcome.DISQUALIFIED, ReasonCode.NO_BUDGET, "4"),
        total(Outcome.DISQUALIFIED, ReasonCode.NO_FIT, "0"),
    ),
    won_amounts=(Money(amount=Decimal(12000), currency="EUR"), Money(amount=Decimal(7), currency="USD")),
    lost_amounts=(Money(amount=Decimal("4000.004"), currency="EUR"), Money(amount=Decimal(1))),
    last_decision_at=DECIDED,
)


def test_the_lines_of_a_campaign_say_all_that_the_properties_would() -> None:
    assert campaign_lines(FEEDBACK) == [
        "Accepted: 12",
        "Recycled: 3",
        "Disqualified: 8",
        "No action: 1",
        "Won: 2",
        "Lost: 4",
        "Won amount: EUR 12000.00",
        "Won amount: USD 7.00",
        "Lost amount: EUR 4000.00",
        "Lost amount: 1.00",
        "Reasons:",
        "- Disqualified, No budget: 4",
        "- Lost, Price: 2.5",
        "Attribution: primary. Last decision: 2026-11-20T14:03:00Z.",
    ]


def test_a_campaign_with_nothing_decided_shows_zeros() -> None:
    empty = CampaignFeedback(campaign_id="x", model=AttributionModel.LINEAR, credits={})
    assert campaign_lines(empty) == [
        *("Accepted: 0", "Recycled: 0", "Disqualified: 0", "No action: 0", "Won: 0", "Lost: 0"),
        "Attribution: linear.",
    ]


def test_the_properties_of_a_campaign_count_only_amounts_in_the_portals_currency() -> None:
    assert campaign_values(FEEDBACK, "EUR") == {
        "accepted": "12",
        "recycled": "3",
        "disqualified": "8",
        "no_action": "1",
        "won": "2",
        "lost": "4",
        "won_amount": "12000",
        "lost_amount": "4000.004",
        "top_reasons": "Disqualified, No budget: 4\nLost, Price: 2.5",
        "last_decision_at": "2026-11-20T14:03:00.000Z",
        "model": "primary",
    }


def test_a_persons_decision_is_shown_in_the_words_that_both_teams_share() -> None:
    given = PersonFeedback(
        target=CONTACT,
        outcome=Outcome.NO_ACTION,
        reason=ReasonCode.EXISTING_CUSTOMER,
        raw_reason="is_customer",
        note="n" * 70_000,
        stage="Disqualified",
        decided_at=DECIDED,
        decided_by="Olga",
    )
    values = person_values(given)
    assert len(values.pop("note")) == 60_000
    assert values == {
        "outcome": "No action",
        "reason": "Existing customer",
        "raw_reason": "is_customer",
        "stage": "Disqualified",
        "decided_at": "2026-11-20T14:03:00.000Z",
        "decided_by": "Olga",
    }


def test_when_every_decision_was_taken_back_every_field_is_cleared() -> None:
    taken_back = PersonFeedback(target=CONTACT, outcome=None, note="old", decided_at=datetime.now(UTC))
    assert set(person_values(taken_back).values()) == {""}
    assert len(person_values(taken_back)) == 7


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("4", "4"),
        ("2.50", "2.5"),
        ("1E+3", "1000"),
        ("0.3333333333333333333333333333", "0.333333"),
        ("-0", "0"),
        ("0.0000001", "0"),
        ("100", "100"),
        ("-0.0000001", "0"),
    ],
)
def test_numbers_are_plain(value: str, shown: str) -> None:
    assert number(Decimal(value)) == shown
