"""A believable B2B market, drawn from a seed, whose whole truth is known."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Self

from closedloop.sandbox.world.beats import Beats
from closedloop.sandbox.world.campaigns import PLANTED_NAME, draw_campaigns, draw_touches
from closedloop.sandbox.world.model import (
    Account,
    Campaign,
    Habit,
    Person,
    Planted,
    Rep,
    Step,
    Subject,
    Touch,
)
from closedloop.sandbox.world.people import draw_accounts, draw_people
from closedloop.sandbox.world.reps import draw_reps
from closedloop.sandbox.world.script import DAYS, Script
from closedloop.sandbox.world.subjects import Cast
from closedloop.schema.vocabulary import CrmName

START = datetime(2026, 9, 1, 8, tzinfo=UTC)


@dataclass(frozen=True, kw_only=True)
class World:
    """A market and the script of what its sales team decides. The same seed, size and start give the same
    world on every Python; nothing in it depends on the order of a set.

    `days` are when the days of the script begin. `campaign_properties_allowed` says whether the HubSpot
    portal lets anybody make properties for campaigns; `currencies` are what each CRM counts in.
    """

    seed: int
    start: datetime
    days: tuple[datetime, ...]
    accounts: tuple[Account, ...]
    people: tuple[Person, ...]
    campaigns: tuple[Campaign, ...]
    touches: tuple[Touch, ...]
    reps: tuple[Rep, ...]
    subjects: tuple[Subject, ...]
    steps: tuple[Step, ...]
    planted: Planted
    campaign_properties_allowed: bool
    currencies: Mapping[CrmName, str]

    @classmethod
    def from_seed(cls, seed: int, *, decisions: int = 400, start: datetime = START) -> Self:
        """Draws the world of a seed, with exactly `decisions` decisions (1 or more) in its script, beginning
        at `start`. ValueError when `start` has no time zone or `decisions` is not positive."""
        if decisions < 1 or start.utcoffset() is None:
            raise ValueError("a world needs at least one decision, and a start with a time zone")
        start = start.astimezone(UTC).replace(microsecond=0)
        size = decisions * 3 // 2 + 24
        accounts = draw_accounts(_stream(seed, "accounts"), max(size // 3, 8))
        people = draw_people(_stream(seed, "people"), accounts, size, start=start)
        campaigns = draw_campaigns(_stream(seed, "campaigns"), min(max(size // 20, 9), 22), start=start)
        touches = draw_touches(_stream(seed, "touches"), people, campaigns, start=start)
        reps = draw_reps(_stream(seed, "reps"))
        planted = _planted(campaigns, reps)
        cast = Cast(
            draw=_stream(seed, "subjects"),
            accounts=accounts,
            people=people,
            campaigns=campaigns,
            touches=touches,
            reps=reps,
            start=start,
        )
        days = tuple(start + timedelta(days=2 * day) for day in range(DAYS))
        poor = frozenset(touch.person for touch in touches if touch.campaign == planted.no_budget_campaign)
        beats = Beats(draw=_stream(seed, "beats"), reps={rep.key: rep for rep in reps}, poor=poor)
        script = Script(draw=_stream(seed, "script"), cast=cast, beats=beats, days=days)
        script.write(decisions)
        return cls(
            seed=seed,
            start=start,
            days=days,
            accounts=accounts,
            people=people,
            campaigns=campaigns,
            touches=touches,
            reps=reps,
            subjects=tuple(script.subjects),
            steps=tuple(script.steps),
            planted=planted,
            campaign_properties_allowed=_stream(seed, "portal").random() < 0.5,
            currencies={
                CrmName.SALESFORCE: "EUR",
                CrmName.HUBSPOT: _stream(seed, "currency").choice(("EUR", "EUR", "USD")),
            },
        )

    @property
    def decisions(self) -> int:
        """How many decisions the script makes, those taken back or replaced later included."""
        return sum(step.verdict is not None for step in self.steps)

    @cached_property
    def account(self) -> Mapping[str, Account]:
        """The companies by key."""
        return {account.key: account for account in self.accounts}

    @cached_property
    def person(self) -> Mapping[str, Person]:
        """The people by key."""
        return {person.key: person for person in self.people}

    @cached_property
    def campaign(self) -> Mapping[str, Campaign]:
        """The campaigns by key."""
        return {campaign.key: campaign for campaign in self.campaigns}

    @cached_property
    def subject(self) -> Mapping[str, Subject]:
        """The leads and opportunities by key."""
        return {subject.key: subject for subject in self.subjects}

    @cached_property
    def rep(self) -> Mapping[str, Rep]:
        """The reps by key."""
        return {rep.key: rep for rep in self.reps}


def _stream(seed: int, part: str) -> random.Random:
    """Numbers of its own for each part, so that a change in one leaves the others as they were."""
    return random.Random(f"{seed}/{part}")


def _planted(campaigns: tuple[Campaign, ...], reps: tuple[Rep, ...]) -> Planted:
    return Planted(
        no_budget_campaign=next(campaign.key for campaign in campaigns if campaign.name == PLANTED_NAME),
        timing_rep=next(rep.key for rep in reps if rep.habit is Habit.BLAMES_TIMING),
    )
