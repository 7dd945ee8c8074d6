"""Credits: the stated rules, an outside oracle, and the conservation that every number rests on."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from closedloop.loop.attribution import CampaignKey, Cause, Credit, Touch, attribute
from closedloop.schema.vocabulary import AttributionModel

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
FIRST, LAST, LINEAR, PRIMARY = (
    AttributionModel.FIRST,
    AttributionModel.LAST,
    AttributionModel.LINEAR,
    AttributionModel.PRIMARY,
)


def touch(campaign: str, hours: float | None = 0, person: str = "p") -> Touch:
    at = None if hours is None else NOON + timedelta(hours=hours)
    return Touch(campaign=CampaignKey("crm", campaign), person=person, at=at)


def shares(parts: tuple[Credit, ...]) -> dict[str, Decimal]:
    return {credit.campaign.id if credit.campaign else f"({credit.cause})": credit.share for credit in parts}


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        (FIRST, {"A": "1"}),
        (LAST, {"C": "1"}),
        (PRIMARY, {"C": "1"}),
        (LINEAR, {"A": "0.5", "B": "0.25", "C": "0.25"}),
    ],
)
def test_each_model_shares_the_same_touches_by_its_own_rule(
    model: AttributionModel, expected: dict[str, str]
) -> None:
    touches = [touch("B", -2), touch("A", -3), touch("A", -9), touch("C", -1)]
    result = shares(attribute(touches, model, decided_at=NOON))
    assert result == {campaign: Decimal(share) for campaign, share in expected.items()}


def test_linear_and_first_agree_with_the_published_attribution_oracle() -> None:
    # The package mta 0.0.9 gives for the paths A>B>C, B>C, A: first A2 B1 C0, linear A1.33 B.83 C.83.
    paths = ["ABC", "BC", "A"]
    totals: dict[AttributionModel, dict[str, Decimal]] = {FIRST: {}, LINEAR: {}}
    for model, total in totals.items():
        for path in paths:
            touches = [touch(name, place - 9) for place, name in enumerate(path)]
            for campaign, share in shares(attribute(touches, model, decided_at=NOON)).items():
                total[campaign] = total.get(campaign, Decimal(0)) + share
    assert totals[FIRST] == {"A": 2, "B": 1}
    rounded = {campaign: round(share, 2) for campaign, share in totals[LINEAR].items()}
    assert rounded == {"A": Decimal("1.33"), "B": Decimal("0.83"), "C": Decimal("0.83")}


def test_the_campaign_that_the_crm_names_is_the_primary_one() -> None:
    named = CampaignKey("crm", "N")
    assert shares(attribute([touch("A")], PRIMARY, decided_at=NOON, primary=named)) == {"N": Decimal(1)}


def test_a_touch_after_the_decision_gets_no_credit() -> None:
    assert shares(attribute([touch("A", -1), touch("B", 1)], LAST, decided_at=NOON)) == {"A": Decimal(1)}


def test_a_touch_without_a_time_counts_but_does_not_win_over_one_with_a_time() -> None:
    touches = [touch("A", None), touch("B", -1)]
    assert shares(attribute(touches, FIRST, decided_at=NOON)) == {"B": Decimal(1)}
    assert shares(attribute(touches, LAST, decided_at=NOON)) == {"B": Decimal(1)}
    assert set(shares(attribute(touches, LINEAR, decided_at=NOON))) == {"A", "B"}


@pytest.mark.parametrize(
    ("touches", "people", "cause"),
    [
        ([], 0, Cause.NO_PERSON),
        ([], 2, Cause.NO_CAMPAIGN),
        ([touch("A", 1)], 1, Cause.TOUCHED_LATER),
    ],
)
@pytest.mark.parametrize("model", AttributionModel)
def test_what_no_campaign_brought_is_unattributed_with_its_cause(
    touches: list[Touch], people: int, cause: Cause, model: AttributionModel
) -> None:
    assert attribute(touches, model, decided_at=NOON, people=people) == (
        Credit(share=Decimal(1), cause=cause),
    )


a_touch = st.builds(
    touch,
    st.sampled_from("ABCDEFG"),
    st.none() | st.integers(-500, 500),
    st.sampled_from("pqr"),
)


@given(st.lists(a_touch, max_size=40), st.sampled_from(AttributionModel), st.integers(0, 3))
def test_credits_and_the_unattributed_rest_sum_to_exactly_one(
    touches: list[Touch], model: AttributionModel, people: int
) -> None:
    parts = attribute(touches, model, decided_at=NOON, people=people)
    assert sum(credit.share for credit in parts) == 1
    assert all(
        credit.share > 0 and (credit.campaign is None) == (credit.cause is not None) for credit in parts
    )


@given(
    st.lists(a_touch, min_size=1, max_size=12).flatmap(lambda ts: st.tuples(st.just(ts), st.permutations(ts)))
)
def test_the_order_in_which_touches_arrive_changes_nothing(pair: tuple[list[Touch], list[Touch]]) -> None:
    given_order, other_order = pair
    for model in AttributionModel:
        assert attribute(given_order, model, decided_at=NOON) == attribute(
            other_order, model, decided_at=NOON
        )
