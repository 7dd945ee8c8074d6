"""Which campaigns a decision is credited to, and how much of it: wins and losses alike.

The credits of a decision and its unattributed rest sum to exactly 1, in steps of 1e-6.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum

from closedloop.schema.records import TouchPosition
from closedloop.schema.vocabulary import AttributionModel

STEP = Decimal("0.000001")
WHOLE = Decimal(1)


@dataclass(frozen=True, slots=True, order=True)
class CampaignKey:
    """A campaign among all connections."""

    connection: str
    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Touch:
    """One person's touch with one campaign; `at` is None where the CRM does not say when."""

    campaign: CampaignKey
    person: str
    at: datetime | None = None
    position: TouchPosition = TouchPosition.UNKNOWN


class Cause(StrEnum):
    """Why a decision, or a part of it, is credited to no campaign."""

    NO_PERSON = "no_person"
    NO_CAMPAIGN = "no_campaign"
    TOUCHED_LATER = "touched_later"


CAUSES = {
    Cause.NO_PERSON: "Nobody is named on the record: no contact role, no contact.",
    Cause.NO_CAMPAIGN: "The people behind it are in no campaign.",
    Cause.TOUCHED_LATER: "Every campaign touched the people only after the decision.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Credit:
    """The share of a decision that goes to `campaign`, or to no campaign for the `cause` given."""

    share: Decimal
    campaign: CampaignKey | None = None
    cause: Cause | None = None


def attribute(
    touches: Sequence[Touch],
    model: AttributionModel,
    *,
    decided_at: datetime | None,
    primary: CampaignKey | None = None,
    people: int = 1,
) -> tuple[Credit, ...]:
    """The credits of one decision, the largest first; they sum to exactly 1.

    `touches` are those of all `people` behind the record. Only touches up to `decided_at` count; one
    without a time counts, but wins first or last only when no touch has a time or a position.
    `primary` is the campaign the CRM itself names; without one, the primary model credits the last
    touch, as Salesforce does when it converts a lead.
    """
    if model is AttributionModel.PRIMARY and primary is not None:
        return (Credit(campaign=primary, share=WHOLE),)
    before = sorted(
        (touch for touch in touches if touch.at is None or decided_at is None or touch.at <= decided_at),
        key=_order,
    )
    if not before:
        return (Credit(share=WHOLE, cause=_cause(touches, people)),)
    if model is AttributionModel.LINEAR:
        return _linear(before)
    chosen = before[0] if model is AttributionModel.FIRST else _last(before)
    return (Credit(campaign=chosen.campaign, share=WHOLE),)


def _cause(touches: Sequence[Touch], people: int) -> Cause:
    if not people:
        return Cause.NO_PERSON
    return Cause.TOUCHED_LATER if touches else Cause.NO_CAMPAIGN


_FAR = datetime.max.replace(tzinfo=UTC)


def _order(touch: Touch) -> tuple[bool, datetime, CampaignKey, str]:
    """Touches with a time come first, the earliest leading; then those without, in a stable order."""
    return (touch.at is None, touch.at or _FAR, touch.campaign, touch.person)


def _last(ordered: Sequence[Touch]) -> Touch:
    """The latest touch whose time is known, else the last one in order."""
    timed = [touch for touch in ordered if touch.at is not None]
    return (timed or list(ordered))[-1]


def _linear(ordered: Sequence[Touch]) -> tuple[Credit, ...]:
    """Every touch the same share; what rounding leaves over goes to the earliest touches, a step each."""
    units = int(WHOLE / STEP)
    each, left = divmod(units, len(ordered))
    shares: dict[CampaignKey, int] = {}
    for place, touch in enumerate(ordered):
        shares[touch.campaign] = shares.get(touch.campaign, 0) + each + (place < left)
    ranked = sorted(shares.items(), key=lambda item: (-item[1], item[0]))
    return tuple(Credit(campaign=campaign, share=count * STEP) for campaign, count in ranked)
