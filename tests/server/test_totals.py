"""The arithmetic of a campaign's totals, without a database."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from closedloop.loop.feedback import ReasonTotal
from closedloop.schema.records import Money
from closedloop.schema.vocabulary import DECIDED, AttributionModel, Outcome, ReasonCode
from closedloop_server.pipeline.totals import campaign_feedback, merged, plain
from closedloop_server.store.credited import Credited

NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)
MODEL = AttributionModel.LINEAR


def lost(
    ledger_id: int, share: str, amount: str | None = None, currency: str = "EUR", **values: object
) -> Credited:
    return Credited(
        ledger_id=ledger_id,
        outcome=Outcome.LOST,
        reason=ReasonCode.PRICE,
        share=Decimal(share),
        amount=Money(amount=Decimal(amount), currency=currency) if amount else None,
        decided_at=NOON + timedelta(hours=ledger_id),
    )


def test_a_campaign_without_decisions_shows_zero_for_every_outcome() -> None:
    feedback, rows = campaign_feedback("C1", MODEL, [])
    assert feedback.credits == dict.fromkeys(DECIDED, Decimal(0))
    assert (feedback.reasons, feedback.won_amounts, feedback.last_decision_at, rows) == ((), (), None, ())


def test_amounts_are_attributed_like_the_decision_and_summed_per_currency() -> None:
    decisions = [lost(1, "0.333333", "900"), lost(2, "0.5", "100"), lost(3, "1", "70", "USD"), lost(4, "1")]
    feedback, (row,) = campaign_feedback("C1", MODEL, decisions)
    expected = (Money(amount=Decimal("349.9997"), currency="EUR"), Money(amount=Decimal(70), currency="USD"))
    assert feedback.lost_amounts == row.total.amounts == expected
    assert feedback.won_amounts == ()
    assert feedback.credits[Outcome.LOST] == Decimal("2.833333")
    assert feedback.last_decision_at == NOON + timedelta(hours=4)


def test_a_decision_that_only_touched_the_people_is_counted_and_credits_nothing() -> None:
    feedback, (row,) = campaign_feedback("C1", MODEL, [lost(1, "0", "900")])
    total = ReasonTotal(outcome=Outcome.LOST, reason=ReasonCode.PRICE, credit=Decimal(0), decisions=1)
    assert row.total == total
    assert (feedback.reasons, feedback.top_reasons, feedback.last_decision_at) == ((total,), (), None)


def test_a_row_that_is_shown_and_lost_its_decisions_stays_at_zero() -> None:
    feedback, rows = campaign_feedback("C1", MODEL, [], shown=[(Outcome.LOST, ReasonCode.PRICE)])
    assert [(row.total.credit, row.total.decisions, row.total.amounts) for row in rows] == [
        (Decimal(0), 0, ())
    ]
    assert feedback.reasons == ()


def test_a_decision_is_counted_once_though_it_is_credited_and_touched() -> None:
    both = merged([lost(1, "0.5")], [lost(1, "0"), lost(2, "0")])
    assert [(each.ledger_id, each.share) for each in both] == [(1, Decimal("0.5")), (2, Decimal(0))]


@pytest.mark.parametrize(
    ("number", "text"),
    [
        ("1.000000", "1"),
        ("1E+3", "1000"),
        ("0.500000", "0.5"),
        ("0E-6", "0"),
        ("12000.00", "12000"),
        ("-0.0", "0"),
    ],
)
def test_equal_numbers_look_equal(number: str, text: str) -> None:
    assert format(plain(Decimal(number)), "f").removeprefix("-") == text
    assert "E" not in str(plain(Decimal(number)))


steps = st.integers(0, 1_000_000).map(lambda units: units * Decimal("0.000001"))
decided = st.builds(
    Credited,
    ledger_id=st.integers(1, 10_000),
    outcome=st.sampled_from(DECIDED),
    reason=st.sampled_from([None, *ReasonCode]),
    share=steps,
    amount=st.none()
    | st.builds(Money, amount=st.decimals(0, 10**9, places=2), currency=st.sampled_from(["EUR", "USD"])),
)


@given(st.lists(decided, max_size=30, unique_by=lambda each: each.ledger_id))
def test_the_rows_of_a_campaign_add_up_to_its_totals(decisions: list[Credited]) -> None:
    feedback, rows = campaign_feedback("C1", MODEL, decisions)
    for outcome in DECIDED:
        mine = [row.total for row in rows if row.total.outcome is outcome]
        assert sum((total.credit for total in mine), Decimal(0)) == feedback.credits[outcome]
        assert sum(total.decisions for total in mine) == sum(each.outcome is outcome for each in decisions)
    money = [amount for row in rows for amount in row.total.amounts if row.total.outcome is Outcome.LOST]
    for amount in feedback.lost_amounts:
        assert amount.amount == sum(each.amount for each in money if each.currency == amount.currency)


@given(st.lists(decided, max_size=6, unique_by=lambda each: each.ledger_id))
def test_the_order_of_the_decisions_makes_no_difference(decisions: list[Credited]) -> None:
    results = {
        repr(campaign_feedback("C1", MODEL, order))
        for order in itertools.islice(itertools.permutations(decisions), 24)
    }
    assert len(results) == 1
