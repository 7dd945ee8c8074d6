"""What is hidden in a market on purpose, for an analysis to find: each effect by name, with its size."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from closedloop.sandbox.world.drawing import Draw
from closedloop.sandbox.world.model import Campaign, Habit, Rep
from closedloop.sandbox.world.names import REGIONS, RIVAL

PLANTED_NAME = "Giveaway: win a planner's weekend"


@dataclass(frozen=True, slots=True, kw_only=True)
class Planted:
    """The planted effects. Each name is a key (or a word) of the world; the number beside it is how often,
    or how much.

    `no_budget_campaign` brings people who have no budget: so many of those that fail, fail for that.
    `timing_rep` writes bad timing for so many of the decisions against somebody, whatever was meant.
    `silent_region`: its leads are never followed up. `copied_source`: so many of its rejected Salesforce
    leads are duplicates or customers already. `slow_kind`: deals that such a campaign brought take so many
    times as long and are worth so many times as much. `rival` appears in deals opened from `rival_from` on,
    and so many of those that are lost, are lost to it. `careless_rep` disqualifies without a single logged
    attempt.
    """

    no_budget_campaign: str
    no_budget_share: float = 0.75
    timing_rep: str
    timing_share: float = 0.85
    silent_region: str
    copied_source: str = "Purchased List"
    copied_share: float = 0.8
    slow_kind: str
    slow_times: float = 2.5
    larger_times: float = 2.5
    rival: str = RIVAL
    rival_from: datetime
    rival_share: float = 0.35
    careless_rep: str


def plant(draw: Draw, campaigns: Sequence[Campaign], reps: Sequence[Rep], start: datetime) -> Planted:
    """Chooses where the effects are."""
    return Planted(
        no_budget_campaign=next(campaign.key for campaign in campaigns if campaign.name == PLANTED_NAME),
        timing_rep=next(rep.key for rep in reps if rep.habit is Habit.BLAMES_TIMING),
        silent_region=draw.pick(REGIONS),
        slow_kind=_oldest(campaigns, start),
        rival_from=start - timedelta(days=draw.between(200, 320)),
        careless_rep=next(rep.key for rep in reps if rep.habit is Habit.SHOUTING),
    )


def _oldest(campaigns: Sequence[Campaign], start: datetime) -> str:
    """The kind of campaign that had the most time to bring deals about, slow ones too."""
    age: Counter[str] = Counter()
    for campaign in campaigns:
        if not campaign.planned and campaign.name != PLANTED_NAME:
            age[campaign.kind] += (start.date() - campaign.starts).days
    return age.most_common(1)[0][0]
