"""The setting of a world: who sells, which campaigns there are, what is planted, and its companies one by
one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from itertools import chain
from typing import Self

from closedloop.sandbox.world.accounts import draw_account
from closedloop.sandbox.world.beats import Beats
from closedloop.sandbox.world.campaigns import draw_campaigns
from closedloop.sandbox.world.drawing import Draw, Weights, stream
from closedloop.sandbox.world.model import Account, Campaign, Person, Rep, Touch
from closedloop.sandbox.world.people import GAPS, TIDY, draw_person
from closedloop.sandbox.world.planted import Planted, plant
from closedloop.sandbox.world.reps import draw_reps
from closedloop.sandbox.world.subjects import Cast, Offices, Touched
from closedloop.sandbox.world.touches import Reach
from closedloop.schema.vocabulary import CrmName

START = datetime(2026, 9, 1, 8, tzinfo=UTC)
"""When the past of a world ends and its script begins, unless told otherwise."""

_TEAM_SIZES = Weights({1: 3, 2: 4, 3: 4, 4: 2, 5: 1, 6: 1})


@dataclass(slots=True, kw_only=True)
class Company:
    """A company with its people, their touches (oldest first), and what draws the rest of its story."""

    draw: Draw
    account: Account
    people: tuple[Person, ...]
    touched: Touched
    cast: Cast
    beats: Beats


@dataclass(frozen=True, kw_only=True)
class Setting:
    """What is the same for all companies of a world. `lived`: there is a past, in which the CRMs' sync had
    its gaps; `currencies` are what each CRM counts in, the usual one first; `campaign_properties_allowed`
    says whether the HubSpot portal lets anybody make properties for campaigns."""

    seed: int
    start: datetime
    lived: bool
    campaigns: tuple[Campaign, ...]
    reps: tuple[Rep, ...]
    planted: Planted
    currencies: Mapping[CrmName, Sequence[str]]
    campaign_properties_allowed: bool

    @classmethod
    def drawn(
        cls,
        seed: int,
        *,
        start: datetime,
        campaigns: int,
        teams: int = 1,
        lived: bool,
        currencies: Mapping[CrmName, Sequence[str]] | None = None,
    ) -> Self:
        """Draws the setting of a seed. ValueError when `start` has no time zone."""
        if start.utcoffset() is None:
            raise ValueError("a world needs a start with a time zone")
        start = start.astimezone(UTC).replace(microsecond=0)
        drawn = draw_campaigns(stream(seed, "campaigns"), campaigns, start=start)
        reps = draw_reps(stream(seed, "reps"), teams)
        return cls(
            seed=seed,
            start=start,
            lived=lived,
            campaigns=drawn,
            reps=reps,
            planted=plant(stream(seed, "planted"), drawn, reps, start),
            currencies=currencies
            or {
                CrmName.SALESFORCE: ("EUR",),
                CrmName.HUBSPOT: (stream(seed, "currency").pick(("EUR", "EUR", "USD")),),
            },
            campaign_properties_allowed=stream(seed, "portal").chance(0.5),
        )

    @cached_property
    def rep(self) -> Mapping[str, Rep]:
        """The reps by key."""
        return {rep.key: rep for rep in self.reps}

    @cached_property
    def campaign(self) -> Mapping[str, Campaign]:
        """The campaigns by key."""
        return {campaign.key: campaign for campaign in self.campaigns}

    @cached_property
    def reach(self) -> Reach:
        """The campaigns as they reach people."""
        return Reach(self.campaigns, self.start)

    def company(self, index: int, room: int) -> Company:
        """Returns the company of that number, with at most `room` people."""
        draw = Draw(f"{self.seed}/company/{index}")
        account = draw_account(draw, self.seed, index)
        people, touched = self._team(draw, account, min(draw.weighted(_TEAM_SIZES), room))
        return Company(
            draw=draw,
            account=account,
            people=people,
            touched=touched,
            cast=Cast(draw=draw, offices=self._offices, account=account, people=people, touched=touched),
            beats=Beats(
                draw=draw,
                reps=self.rep,
                planted=self.planted,
                people={person.key: person for person in people},
                poor=self._poor(touched),
            ),
        )

    def _team(
        self, draw: Draw, account: Account, size: int
    ) -> tuple[tuple[Person, ...], dict[str, list[Touch]]]:
        touched: dict[str, list[Touch]] = {}
        people: list[Person] = []
        used: set[int] = set()
        taken: set[str] = set()
        reach, start, places = self.reach, self.start, GAPS if self.lived else TIDY
        named = account.key.replace("account", "person")
        for number in range(size):
            key = f"{named}-{number}"
            place = draw.weighted(places)
            touched[key] = touches = reach.touches(draw, key, place, used)
            people.append(draw_person(draw, account, key, place, touches=touches, start=start, taken=taken))
        return tuple(people), touched

    def _poor(self, touched: Touched) -> frozenset[str]:
        campaign = self.planted.no_budget_campaign
        every = chain.from_iterable(touched.values())
        return frozenset([person for person, reached_by, *_ in every if reached_by == campaign])

    @cached_property
    def _offices(self) -> Offices:
        return Offices(
            campaigns=self.campaigns,
            reps=self.reps,
            planted=self.planted,
            currencies=self.currencies,
            start=self.start,
            lived=self.lived,
        )
