"""Feedback as the values of Salesforce's fields."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from closedloop.crm.salesforce.describes import Described, Field
from closedloop.crm.salesforce.values import fitted, plain, row_key, values_of, writable
from closedloop.loop.feedback import CampaignFeedback, PersonFeedback, ReasonFeedback, ReasonTotal
from closedloop.schema.records import Money, Ref
from closedloop.schema.vocabulary import AttributionModel, ObjectType, Outcome, ReasonCode

CAMPAIGN = "701Xx00000aBcD1IAK"
MEMBER = Ref(ObjectType.CAMPAIGN_MEMBER, "00vXx00000aBcD1IAK")
DECIDED = datetime(2026, 11, 20, 14, 3, tzinfo=UTC)
ALL = {outcome: Decimal(0) for outcome in Outcome if outcome is not Outcome.REOPENED}


def eur(amount: str, currency: str | None = "EUR") -> Money:
    return Money(amount=Decimal(amount), currency=currency)


def total(outcome: Outcome, reason: ReasonCode | None, credit: str, *amounts: Money) -> ReasonTotal:
    return ReasonTotal(outcome=outcome, reason=reason, credit=Decimal(credit), decisions=3, amounts=amounts)


def campaign(**changes: object) -> CampaignFeedback:
    given = {"campaign_id": CAMPAIGN, "model": AttributionModel.PRIMARY, "credits": ALL, **changes}
    return CampaignFeedback(**given)  # type: ignore[arg-type]  # a table of keywords


def test_a_member_shows_labels_and_the_raw_reason() -> None:
    feedback = PersonFeedback(
        target=MEMBER,
        outcome=Outcome.NO_ACTION,
        reason=ReasonCode.LEGAL_SECURITY,
        raw_reason="Legal said no",
        note="Called twice",
        stage="Closed - Not Converted",
        decided_at=DECIDED,
        decided_by="Rita Rep",
    )
    assert values_of(feedback, currency="EUR") == {
        "outcome": "No action",
        "reason": "Legal or security",
        "raw_reason": "Legal said no",
        "note": "Called twice",
        "stage": "Closed - Not Converted",
        "decided_at": "2026-11-20T14:03:00.000Z",
        "decided_by": "Rita Rep",
    }


def test_a_decision_taken_back_clears_every_field() -> None:
    taken_back = PersonFeedback(target=MEMBER, outcome=None, note="left over", decided_by="Rita Rep")
    assert set(values_of(taken_back, currency=None).values()) == {None}
    assert len(values_of(taken_back, currency=None)) == 7


def test_a_campaign_shows_every_outcome_zero_or_not() -> None:
    feedback = campaign(credits={**ALL, Outcome.LOST: Decimal("2.500000")}, last_decision_at=DECIDED)
    values = values_of(feedback, currency="EUR")
    assert {outcome.value: values[outcome.value] for outcome in ALL} == {
        "accepted": 0, "recycled": 0, "disqualified": 0, "no_action": 0, "won": 0, "lost": 2.5,
    }  # fmt: skip
    assert (values["model"], values["last_decision_at"]) == ("primary", "2026-11-20T14:03:00.000Z")
    assert values["top_reasons"] is None


@pytest.mark.parametrize(
    ("amounts", "currency", "written"),
    [
        ((), "EUR", 0),
        ((eur("12000.00"),), "EUR", 12000),
        ((eur("0.10"), eur("0.20")), "EUR", 0.3),
        ((eur("5"), eur("7", "USD")), "EUR", 5),
        ((eur("7", "USD"),), "EUR", None),
        ((eur("7", None),), None, 7),
        ((eur("7", "USD"),), None, None),
        ((eur("7", None),), "EUR", None),
        ((eur("123456789012.34"),), "EUR", 123456789012.34),
    ],
)
def test_only_money_of_the_orgs_currency_is_added_up(
    amounts: tuple[Money, ...], currency: str | None, written: float | None
) -> None:
    values = values_of(campaign(won_amounts=amounts, lost_amounts=amounts), currency=currency)
    assert (values["won_amount"], values["lost_amount"]) == (written, written)


def test_the_top_reasons_are_one_line_each_the_heaviest_first() -> None:
    feedback = campaign(
        reasons=(
            total(Outcome.LOST, ReasonCode.PRICE, "2.500000"),
            total(Outcome.DISQUALIFIED, ReasonCode.NO_BUDGET, "4"),
            total(Outcome.WON, ReasonCode.WON_FIT, "0"),
            total(Outcome.ACCEPTED, None, "12"),
        )
    )
    assert values_of(feedback, currency=None)["top_reasons"] == "Disqualified, No budget: 4\nLost, Price: 2.5"


def test_a_row_of_a_reason_has_a_key_that_never_changes() -> None:
    feedback = ReasonFeedback(
        campaign_id=CAMPAIGN,
        model=AttributionModel.LINEAR,
        total=total(Outcome.DISQUALIFIED, ReasonCode.NO_BUDGET, "0.333333", eur("10")),
    )
    assert row_key(feedback) == f"{CAMPAIGN}|disqualified|no_budget"
    assert values_of(feedback, currency="EUR") == {
        "campaign": CAMPAIGN,
        "outcome": "Disqualified",
        "reason": "No budget",
        "credit": 0.333333,
        "decisions": 3,
        "amount": 10,
        "model": "linear",
    }
    bare = ReasonFeedback(
        campaign_id=CAMPAIGN, model=AttributionModel.FIRST, total=total(Outcome.ACCEPTED, None, "1")
    )
    assert row_key(bare) == f"{CAMPAIGN}|accepted|"


@pytest.mark.parametrize(
    ("number", "text"),
    [
        ("4", "4"),
        ("4.000000", "4"),
        ("2.50", "2.5"),
        ("1E+3", "1000"),
        ("0.000001", "0.000001"),
        ("100", "100"),
    ],
)
def test_numbers_are_printed_plainly(number: str, text: str) -> None:
    assert plain(Decimal(number)) == text


def field(kind: str = "string", length: int = 10, *, write: bool = True) -> Field:
    return Field(name="F__c", type=kind, length=length, updateable=write, createable=write)


@pytest.mark.parametrize(
    ("name", "text", "length", "kept"),
    [
        ("note", "short", 10, "short"),
        ("note", "0123456789", 10, "0123456789"),
        ("note", "0123456789x", 10, "012345678…"),
        ("note", "12345678\n", 10, "12345678\n"),  # a line break may count as two
        ("note", "123456789\n", 10, "123456789…"),
        ("note", "😀😀😀😀😀", 10, "😀😀😀😀😀"),
        ("note", "😀😀😀😀😀😀", 10, "😀😀😀😀…"),
        ("note", "a\0b\x1bc\td", 10, "abc\td"),
        ("note", None, 10, None),
        ("note", "any length", 0, "any length"),
        ("top_reasons", "one\ntwo\nthree", 30, "one\ntwo\nthree"),
        ("top_reasons", "one: 1\ntwo: 2\nthree: 3", 18, "one: 1\nand 2 more"),
        ("top_reasons", "a single line that is long", 10, "a single …"),
    ],
)
def test_a_text_is_cut_to_what_the_field_holds(
    name: str, text: str | None, length: int, kept: str | None
) -> None:
    assert fitted(name, text, field(length=length)) == kept


def test_numbers_and_instants_are_never_cut() -> None:
    assert fitted("won", 12345678901, field("double", 3)) == 12345678901
    assert (
        fitted("decided_at", "2026-11-20T14:03:00.000Z", field("datetime", 3)) == "2026-11-20T14:03:00.000Z"
    )


@pytest.mark.parametrize(
    ("described", "name", "there"),
    [
        (field(), "outcome", True),
        (field("picklist"), "outcome", True),
        (field("double"), "outcome", False),
        (field("string"), "won", False),
        (field("currency"), "won_amount", True),
        (field("date"), "decided_at", False),
        (field(write=False), "outcome", False),
    ],
)
def test_only_a_field_that_can_take_the_value_is_written(described: Field, name: str, there: bool) -> None:
    org = Described(name="CampaignMember", fields={"f__c": described})
    assert (name in writable(org, {name: "F__C"}, creates=False)) is there
    assert writable(org, {name: "Other__c"}, creates=False) == {}
