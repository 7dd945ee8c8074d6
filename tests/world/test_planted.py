"""What is planted can be found with simple statistics, and the same is found nowhere else."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from functools import cache
from math import sqrt

import pytest

from closedloop.sandbox.world import Campaign, Decision, FollowUp, Market, Planted, decisions, follow_ups
from closedloop.schema.vocabulary import CrmName, ObjectType, Outcome, ReasonCode

SEEDS = range(3)
FOUND = 3.0
"""How many standard errors make a finding; what is looked at are some dozens of groups."""


@dataclass(frozen=True, kw_only=True)
class Known:
    """What an analysis would work with: what holds when the past ends."""

    planted: Planted
    decisions: list[Decision]
    follow_ups: list[FollowUp]
    campaigns: dict[str, Campaign]

    def failed(self) -> list[Decision]:
        """What ended with a reason against it."""
        told = {Outcome.DISQUALIFIED, Outcome.RECYCLED, Outcome.LOST, Outcome.NO_ACTION}
        return [d for d in self.decisions if d.outcome in told and d.object is not ObjectType.CONTACT]

    def deals(self) -> list[Decision]:
        """The deals that were won or lost."""
        return [d for d in self.decisions if d.object is ObjectType.OPPORTUNITY]


@cache
def known(seed: int, people: int = 1000) -> Known:
    market = Market.of(people, seed=seed)
    stories = list(market.stories())
    return Known(
        planted=market.planted,
        decisions=[d for story in stories for d in decisions(story) if d.holds(market.start)],
        follow_ups=[one for story in stories for one in follow_ups(story)],
        campaigns={campaign.key: campaign for campaign in market.campaigns},
    )


def shares(pairs: Iterable[tuple[Hashable, bool]]) -> dict[Hashable, float]:
    """For each group of some size, by how many standard errors its share exceeds that of all the others."""
    groups: dict[Hashable, list[bool]] = defaultdict(list)
    for key, hit in pairs:
        groups[key].append(hit)
    count, hits = sum(map(len, groups.values())), sum(map(sum, groups.values()))
    found = {}
    for key, group in groups.items():
        n, m = len(group), count - len(group)
        share = hits / count
        if n >= 8 and m:
            error = sqrt(share * (1 - share) * (1 / n + 1 / m))
            found[key] = (sum(group) / n - (hits - sum(group)) / m) / error
    return found


def means(pairs: Iterable[tuple[Hashable, float]]) -> dict[Hashable, float]:
    """The same for the mean of a number (Welch)."""
    groups: dict[Hashable, list[float]] = defaultdict(list)
    for key, number in pairs:
        groups[key].append(number)
    found = {}
    for key, group in groups.items():
        others = [number for other, each in groups.items() if other != key for number in each]
        if len(group) >= 8:
            (mean, spread), (other, others_spread) = _moments(group), _moments(others)
            found[key] = (mean - other) / sqrt(spread / len(group) + others_spread / len(others))
    return found


def _moments(numbers: list[float]) -> tuple[float, float]:
    mean = sum(numbers) / len(numbers)
    return mean, sum((number - mean) ** 2 for number in numbers) / (len(numbers) - 1)


def only(found: dict[Hashable, float]) -> Hashable:
    """The one group that stands out; fails when there is none, or more than one."""
    (one,) = [key for key, errors in found.items() if errors > FOUND]
    return one


@pytest.mark.parametrize("seed", SEEDS)
def test_one_campaign_brings_people_without_a_budget(seed: int) -> None:
    world = known(seed)
    told = ((d.campaign, d.reason is ReasonCode.NO_BUDGET) for d in world.failed() if d.campaign)
    assert only(shares(told)) == world.planted.no_budget_campaign


@pytest.mark.parametrize("seed", SEEDS)
def test_one_rep_blames_timing(seed: int) -> None:
    world = known(seed)
    assert only(shares((d.rep, d.reason is ReasonCode.BAD_TIMING) for d in world.failed())) == (
        world.planted.timing_rep
    )
    his = [d for d in world.failed() if d.rep == world.planted.timing_rep]
    assert sum(d.meant is ReasonCode.BAD_TIMING for d in his) < len(his) / 3


@pytest.mark.parametrize("seed", SEEDS)
def test_one_region_is_never_followed_up(seed: int) -> None:
    world = known(seed)
    silent = world.planted.silent_region
    assert only(shares((one.region, one.answered_at is None) for one in world.follow_ups)) == silent
    assert all(one.answered_at is None for one in world.follow_ups if one.region == silent)


@pytest.mark.parametrize("seed", SEEDS)
def test_one_source_brings_duplicates_and_customers(seed: int) -> None:
    world = known(seed)
    copies = {ReasonCode.DUPLICATE, ReasonCode.EXISTING_CUSTOMER}
    leads = [d for d in world.failed() if d.object is ObjectType.LEAD and d.crm is CrmName.SALESFORCE]
    assert only(shares((d.source, d.reason in copies) for d in leads)) == world.planted.copied_source


@pytest.mark.parametrize("seed", SEEDS)
def test_one_kind_of_campaign_wins_slower_but_larger(seed: int) -> None:
    world = known(seed, people=1500)
    deals = [(world.campaigns[d.campaign].kind, d) for d in world.deals() if d.campaign]
    days = means((kind, (d.decided_at - d.opened_at).total_seconds() / 86400) for kind, d in deals)
    amounts = means((kind, float(d.amount)) for kind, d in deals if d.amount is not None)
    assert only(days) == only(amounts) == world.planted.slow_kind


@pytest.mark.parametrize("seed", SEEDS)
def test_a_competitor_appears_from_some_month_on(seed: int) -> None:
    world = known(seed)
    lost = [d for d in world.deals() if d.outcome is Outcome.LOST]
    since = world.planted.rival_from
    assert not any(d.competitor == world.planted.rival for d in lost if d.opened_at < since)
    later = shares((d.competitor, d.opened_at >= since) for d in lost if d.competitor)
    assert only(later) == world.planted.rival


@pytest.mark.parametrize("seed", SEEDS)
def test_one_rep_disqualifies_without_a_logged_attempt(seed: int) -> None:
    world = known(seed)
    leads = [d for d in world.failed() if d.object is ObjectType.LEAD]
    careless = world.planted.careless_rep
    assert only(shares((d.rep, not d.attempts) for d in leads)) == careless
    assert {d.rep for d in leads if not d.attempts} == {careless}


def test_a_larger_market_shows_the_same_more_clearly() -> None:
    world = known(4, people=2000)
    told = shares((d.campaign, d.reason is ReasonCode.NO_BUDGET) for d in world.failed() if d.campaign)
    assert only(told) == world.planted.no_budget_campaign
    assert told[world.planted.no_budget_campaign] > 8
