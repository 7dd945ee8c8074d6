"""A small market in which everything is decided while somebody watches: all of it lies in the script."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Self

from closedloop.sandbox.world.model import Account, Campaign, Person, Rep, Step, Subject, Touch, Twin
from closedloop.sandbox.world.planted import Planted
from closedloop.sandbox.world.script import DAYS, Script
from closedloop.sandbox.world.setting import START, Setting
from closedloop.schema.vocabulary import CrmName


@dataclass(frozen=True, kw_only=True)
class World:
    """A market and the script of what its sales team decides. The same seed, size and start give the same
    world on every Python; nothing in it depends on the order of a set. A market with years of decisions
    behind it, and of any size, is a `Market`.

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
        size = decisions * 3 // 2 + 24
        setting = Setting.drawn(seed, start=start, campaigns=min(max(size // 20, 9), 22), lived=False)
        days = tuple(setting.start + timedelta(days=2 * day) for day in range(DAYS))
        scripts, left, people = list[Script](), decisions, 0
        while left or people < size:
            company = setting.company(len(scripts), room=size)
            scripts.append(Script(company=company, reach=setting.reach, days=days))
            left -= scripts[-1].write(left)
            people += len(company.people)
        companies = [script.company for script in scripts]
        return cls(
            seed=seed,
            start=setting.start,
            days=days,
            accounts=tuple(company.account for company in companies),
            people=tuple(person for company in companies for person in company.people),
            campaigns=setting.campaigns,
            touches=tuple(t for company in companies for all_ in company.touched.values() for t in all_),
            reps=setting.reps,
            subjects=tuple(subject for script in scripts for subject in script.subjects),
            steps=tuple(sorted((s for script in scripts for s in script.steps), key=lambda step: step.day)),
            planted=setting.planted,
            campaign_properties_allowed=setting.campaign_properties_allowed,
            currencies={crm: codes[0] for crm, codes in setting.currencies.items()},
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

    @property
    def twin(self) -> Mapping[str, Twin]:
        """Nobody has a second record here."""
        return {}

    @cached_property
    def rep(self) -> Mapping[str, Rep]:
        """The reps by key."""
        return {rep.key: rep for rep in self.reps}
