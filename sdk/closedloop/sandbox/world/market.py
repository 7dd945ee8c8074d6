"""A market of any size with two years behind it: a stream of companies, each with its whole story."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Self

from closedloop.sandbox.world.model import Campaign, Rep, Story
from closedloop.sandbox.world.past import Past
from closedloop.sandbox.world.planted import Planted
from closedloop.sandbox.world.setting import START, Setting
from closedloop.schema.vocabulary import CrmName

_PEOPLE_PER_TEAM = 2500
_CAMPAIGNS = 22
_PEOPLE_PER_FURTHER_CAMPAIGN = 20_000


@dataclass(frozen=True, kw_only=True)
class Market:
    """A B2B market with known truth. The same seed, size and start give the same market on every Python.

    `stories` draws the companies one after the other: nothing of them is kept, so that a market may be as
    large as you like. `setting` is what they share.
    """

    setting: Setting
    people: int

    @classmethod
    def of(
        cls,
        people: int = 1000,
        *,
        seed: int = 1,
        start: datetime = START,
        currencies: Mapping[CrmName, Sequence[str]] | None = None,
    ) -> Self:
        """Returns the market of a seed with exactly so many people, whose past ends at `start`.

        `currencies` are what the deals of each CRM are in, the usual one first; left out, each CRM has one.
        ValueError when `people` is not positive or `start` has no time zone.
        """
        if people < 1:
            raise ValueError("a market needs at least one person")
        setting = Setting.drawn(
            seed,
            start=start,
            campaigns=_CAMPAIGNS + people // _PEOPLE_PER_FURTHER_CAMPAIGN,
            teams=1 + people // _PEOPLE_PER_TEAM,
            lived=True,
            currencies=currencies,
        )
        return cls(setting=setting, people=people)

    def stories(self) -> Iterator[Story]:
        """Yields every company's story; each depends on the seed and its own number only, but that the last
        company is cut to the number of people."""
        left, index = self.people, 0
        while left:
            company = self.setting.company(index, room=left)
            yield Past(company=company, setting=self.setting).story()
            left -= len(company.people)
            index += 1

    @property
    def seed(self) -> int:
        """What the market was drawn from."""
        return self.setting.seed

    @property
    def start(self) -> datetime:
        """When the past ends and the script begins."""
        return self.setting.start

    @property
    def campaigns(self) -> tuple[Campaign, ...]:
        """All campaigns."""
        return self.setting.campaigns

    @property
    def reps(self) -> tuple[Rep, ...]:
        """Everybody in sales."""
        return self.setting.reps

    @property
    def planted(self) -> Planted:
        """What was hidden on purpose."""
        return self.setting.planted
