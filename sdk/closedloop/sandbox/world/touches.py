"""Draws which campaigns reached a person, and when."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, time
from operator import attrgetter
from typing import NamedTuple

from closedloop.sandbox.world.drawing import SECOND, Draw, Weights
from closedloop.sandbox.world.model import Campaign, Touch
from closedloop.sandbox.world.people import Place
from closedloop.schema.vocabulary import CrmName

# At most three campaigns of each CRM, because HubSpot tells the time of no more than the first and the last
# touch, and the order of several in between would be nobody's knowledge.
_HUBSPOT = Weights({0: 2, 1: 5, 2: 3, 3: 2})
_BESIDE = Weights({0: 2, 1: 4, 2: 2, 3: 1})
_ALONE = Weights({0: 1, 1: 5, 2: 3, 3: 2})
_AT = attrgetter("at")
_DAY = 86400
_MINUTES = 13 * 60
"""How many minutes of a day somebody may be reached in, from seven in the morning on."""


class _Offer(NamedTuple):
    """A campaign; `begins` is in seconds after the start, and so below nought. Somebody may be reached in so
    many `minutes` of its days."""

    key: str
    begins: int
    days: int
    minutes: int


class Reach:
    """The campaigns that people can be reached by, in each CRM; the first in the list draws a crowd."""

    def __init__(self, campaigns: Sequence[Campaign], start: datetime) -> None:
        self._start = start
        offered = [(campaign.crm, _offer(campaign, start)) for campaign in campaigns if not campaign.planned]
        self._hubspot = [offer for crm, offer in offered if crm is CrmName.HUBSPOT]
        self._salesforce = [offer for crm, offer in offered if crm is CrmName.SALESFORCE]

    def touches(self, draw: Draw, person: str, place: Place, used: set[int]) -> list[Touch]:
        """Returns somebody's touches, oldest first; some people have none. `used` are the seconds that their
        colleagues were touched at."""
        if draw.random() < 0.14:
            return []
        touches: list[Touch] = []
        if place.hubspot:
            chosen = _some(draw, self._hubspot, draw.weighted(_HUBSPOT))
            if chosen and self._hubspot[0] not in chosen and draw.random() < 0.22:
                chosen[0] = self._hubspot[0]
            self._meet(touches, draw, person, chosen, used)
        if place.salesforce:
            chosen = _some(draw, self._salesforce, draw.weighted(_BESIDE if place.hubspot else _ALONE))
            self._meet(touches, draw, person, chosen, used)
        touches.sort(key=_AT)
        return touches

    def further(self, draw: Draw, had: Sequence[str]) -> str | None:
        """Returns a Salesforce campaign that has not reached somebody yet, if one is left."""
        left = [offer.key for offer in self._salesforce if offer.key not in had]
        return draw.pick(left) if left else None

    def again(self, draw: Draw, after: datetime, had: Sequence[str]) -> tuple[str, datetime] | None:
        """Returns a Salesforce campaign that somebody meets after that time and has not met yet, and when."""
        since = (after - self._start).total_seconds()
        left = [each for each in self._salesforce if each.key not in had and each.begins >= since]
        if not left:
            return None
        offer = draw.pick(left)
        seconds = offer.begins + draw.between(0, (offer.days + 1) * _DAY // 2)
        return offer.key, self._start + SECOND * seconds

    def _meet(
        self, touches: list[Touch], draw: Draw, person: str, offers: Iterable[_Offer], used: set[int]
    ) -> None:
        for offer in offers:
            day, minute = divmod(int(draw.random() * offer.minutes), _MINUTES)
            second = min(offer.begins + day * _DAY + minute * 60, -_DAY)
            while second in used:
                second += 1
            used.add(second)
            touches.append(Touch(person, offer.key, self._start + SECOND * second, draw.random() < 0.7))


def _some(draw: Draw, offers: Sequence[_Offer], count: int) -> list[_Offer]:
    """So many different ones; quicker than mixing a long list."""
    chosen: list[_Offer] = []
    several = len(offers)
    count = min(count, several)
    while len(chosen) < count:
        offer = offers[int(draw.random() * several)]
        if offer not in chosen:
            chosen.append(offer)
    return chosen


def _offer(campaign: Campaign, start: datetime) -> _Offer:
    begins = datetime.combine(campaign.starts, time(7), UTC)
    seconds = int((begins - start).total_seconds())
    days = max((campaign.ends - campaign.starts).days, 0)
    return _Offer(campaign.key, seconds, days, (days + 1) * _MINUTES)
