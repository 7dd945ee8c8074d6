"""The user's own budget of calls: a rolling day, exact to a minute."""

from __future__ import annotations

import pytest

from closedloop.crm.budget import DailyBudget
from closedloop.crm.results import Quota
from closedloop.errors import Action, QuotaError, RetryableError


class Clock:
    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


def test_calls_are_counted_without_a_budget() -> None:
    budget = DailyBudget()
    for _ in range(5):
        budget.spend()
    assert budget.spent == 5


def test_the_budget_ends_the_calls_and_says_when_they_come_back() -> None:
    clock = Clock()
    budget = DailyBudget(2, clock=clock)
    budget.spend()
    clock.now += 3600
    budget.spend()
    with pytest.raises(QuotaError) as caught:
        budget.spend()
    assert caught.value.reason == "budget_spent"
    assert caught.value.retry_after == pytest.approx(86_400 - 3600, abs=61)
    assert caught.value.action is Action.RETRY
    assert isinstance(caught.value, RetryableError)
    assert budget.spent == 2


def test_a_call_comes_back_after_a_day() -> None:
    clock = Clock()
    budget = DailyBudget(1, clock=clock)
    budget.spend()
    clock.now += 86_399
    with pytest.raises(QuotaError) as caught:
        budget.spend()
    clock.now += caught.value.retry_after or 0
    budget.spend()
    assert budget.spent == 1


def test_a_budget_of_none_at_all_is_spent_at_once() -> None:
    with pytest.raises(QuotaError):
        DailyBudget(0).spend()


def test_a_day_of_calls_takes_little_memory() -> None:
    clock = Clock()
    budget = DailyBudget(clock=clock)
    for _ in range(200_000):
        clock.now += 1
        budget.spend()
    assert len(budget._slices) <= 1_442
    assert budget.spent == pytest.approx(86_400, abs=61)


@pytest.mark.parametrize(
    ("quota", "remaining"),
    [
        (Quota(), None),
        (Quota(total=100, used=40), 60),
        (Quota(total=100, used=140), 0),
        (Quota(budget=10, own=4), 6),
        (Quota(total=100, used=95, budget=10, own=4), 5),
        (Quota(total=100), None),
    ],
)
def test_what_is_left_is_the_lesser_of_both_allowances(quota: Quota, remaining: int | None) -> None:
    assert quota.remaining == remaining
