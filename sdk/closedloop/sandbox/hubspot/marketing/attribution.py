"""How much of a won deal each touch earned, under each of HubSpot's models.

The special touches are those of "A Closer Look at Multi-Touch Revenue Attribution Models in HubSpot"
(blog.hubspot.com/customers): the first; the one that made the oldest contact of the deal; the last before the
deal was made; the last before it was won. A model gives each of them a part and shares the rest among the
others equally; where there are none, the special ones share it. One touch may be several of them.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

MODELS = (
    *("LINEAR", "FIRST_INTERACTION", "LAST_INTERACTION", "FULL_PATH", "U_SHAPED", "W_SHAPED"),
    *("TIME_DECAY", "J_SHAPED", "INVERSE_J_SHAPED"),
)
# The parts of the first touch, the one that made the contact, the one before the deal, the last (of both Js
# they are not confirmed).
_PARTS: Mapping[str, tuple[float, float, float, float]] = {
    "LINEAR": (0, 0, 0, 0),
    "FIRST_INTERACTION": (1, 0, 0, 0),
    "LAST_INTERACTION": (0, 0, 0, 1),
    "FULL_PATH": (0.225, 0.225, 0.225, 0.225),
    "U_SHAPED": (0.4, 0.4, 0, 0),
    "W_SHAPED": (0.3, 0.3, 0.3, 0),
    "J_SHAPED": (0.2, 0, 0, 0.6),
    "INVERSE_J_SHAPED": (0.6, 0, 0, 0.2),
}
_HALF_LIFE_DAYS = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class Journey:
    """The way of a deal: when its touches were, in order, when its oldest contact and the deal itself were
    made, and when the deal was won."""

    touches: Sequence[datetime]
    contact_at: datetime
    deal_at: datetime
    won_at: datetime


def shares_of(model: str, journey: Journey) -> list[float]:
    """The part of each touch; together they are one."""
    if model == "TIME_DECAY":
        weights = [_decayed(at, journey.won_at) for at in journey.touches]
    else:
        weights = _by_parts(_PARTS[model], journey)
    total = sum(weights)
    return [weight / total for weight in weights]


def _by_parts(parts: tuple[float, float, float, float], journey: Journey) -> list[float]:
    touches = journey.touches
    places = (0, _before(touches, journey.contact_at), _before(touches, journey.deal_at), len(touches) - 1)
    weights = [0.0] * len(touches)
    for place, part in zip(places, parts, strict=True):
        weights[place] += part
    others = [place for place, weight in enumerate(weights) if weight == 0]
    for place in others:
        weights[place] = (1 - sum(parts)) / len(others)
    return weights


def _before(touches: Sequence[datetime], at: datetime) -> int:
    """The place of the last touch up to a time, or of the first if there is none."""
    return max(0, bisect_right(touches, at) - 1)


def _decayed(at: datetime, end: datetime) -> float:
    days = max(0.0, (end - at).total_seconds() / 86_400)
    # Beyond some years the weight would be nothing at all.
    return float(2 ** -min(days / _HALF_LIFE_DAYS, 500))
