"""Draws the campaigns and the touches that people had with them before the script starts."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal

from closedloop.sandbox.world.model import Campaign, Person, Touch
from closedloop.sandbox.world.names import KINDS
from closedloop.schema.vocabulary import CrmName

# Which CRM a kind of campaign is run from, where only one would be believable.
_SALESFORCE_KINDS = ("Trade Show", "Partner Event", "Outbound")
_HUBSPOT_KINDS = ("Email", "Search Ad", "Social", "Content")
_COSTS = {
    "Webinar": (1500, 6000),
    "Trade Show": (18000, 95000),
    "Content": (2000, 9000),
    "Search Ad": (4000, 40000),
    "Email": (300, 2500),
    "Partner Event": (3000, 15000),
    "Outbound": (6000, 30000),
    "Social": (2500, 12000),
}
_NOTES = (
    "",
    "Owner: field marketing. Budget approved in the spring review.",
    "Landing page A/B test, see the shared folder.\n\nAsk before reusing the creative!\n",
    "Zielgruppe: Leitung Logistik, 200–2.000 Beschäftigte",
)
PLANTED_NAME = "Giveaway: win a planner's weekend"


def draw_campaigns(draw: random.Random, count: int, *, start: datetime) -> tuple[Campaign, ...]:
    """Returns about `count` campaigns, the planted one first, and one in each CRM that nobody is in yet."""
    names = [(kind, name) for kind, group in KINDS.items() for name in group if name != PLANTED_NAME]
    draw.shuffle(names)
    names.sort(key=lambda pair: pair[0] not in {"Trade Show", "Email", "Outbound", "Content"})
    plain = [("Social", PLANTED_NAME), *names[: count - 1]]
    drawn = [_campaign(draw, number, kind, name, start) for number, (kind, name) in enumerate(plain)]
    return (
        *drawn,
        _nobody(draw, len(drawn), CrmName.SALESFORCE, "Trade Show", start),
        _nobody(draw, len(drawn) + 1, CrmName.HUBSPOT, "Email", start),
    )


def _nobody(draw: random.Random, number: int, crm: CrmName, kind: str, start: datetime) -> Campaign:
    campaign = _campaign(draw, number, kind, f"Planned for next quarter: {kind.lower()}", start)
    starts = (start + timedelta(days=draw.randint(40, 90))).date()
    ends = starts + timedelta(days=3)
    return replace(campaign, crm=crm, starts=starts, ends=ends, cost=Decimal(0), planned=True)


def _campaign(draw: random.Random, number: int, kind: str, name: str, start: datetime) -> Campaign:
    starts = (start - timedelta(days=draw.randint(40, 700))).date()
    ends = min(starts + timedelta(days=draw.randint(2, 120)), (start - timedelta(days=3)).date())
    budget = Decimal(draw.randint(*_COSTS[kind]))
    name = name.format(year=starts.year)
    return Campaign(
        key=f"campaign-{number}",
        crm=_crm(draw, kind),
        name=name,
        kind=kind,
        starts=starts,
        ends=ends,
        budget=budget,
        cost=budget * Decimal(draw.randint(70, 118)) / 100,
        utm="-".join("".join(c if c.isalnum() else " " for c in name.casefold()).split()),
        notes=draw.choice(_NOTES),
    )


def _crm(draw: random.Random, kind: str) -> CrmName:
    if kind in _SALESFORCE_KINDS:
        return CrmName.SALESFORCE
    if kind in _HUBSPOT_KINDS:
        return CrmName.HUBSPOT
    return draw.choice((CrmName.SALESFORCE, CrmName.HUBSPOT))


def draw_touches(
    draw: random.Random, people: Sequence[Person], campaigns: Sequence[Campaign], *, start: datetime
) -> tuple[Touch, ...]:
    """Returns who was touched by what before the start; some people by nothing. No two at the same second."""
    used: set[datetime] = set()
    offered = {crm: [c for c in campaigns if c.crm is crm and not c.planned] for crm in CrmName}
    return tuple(
        Touch(
            person=person.key,
            campaign=campaign.key,
            at=_moment(draw, campaign, used, start),
            responded=draw.random() < 0.7,
        )
        for person in people
        for campaign in _chosen(draw, person, offered)
    )


def _chosen(
    draw: random.Random, person: Person, offered: Mapping[CrmName, Sequence[Campaign]]
) -> Iterator[Campaign]:
    """The campaigns that reached a person: at most three of each CRM, because HubSpot tells the time of no
    more than the first and the last, and the order of several in between would be nobody's knowledge."""
    if draw.random() < 0.14:
        return
    if person.hubspot:
        yield from _some(draw, offered[CrmName.HUBSPOT], (2, 5, 3, 2))
    if person.salesforce:
        yield from _some(draw, offered[CrmName.SALESFORCE], (2, 4, 2, 1) if person.hubspot else (1, 5, 3, 2))


def _some(draw: random.Random, campaigns: Sequence[Campaign], weights: Sequence[int]) -> Sequence[Campaign]:
    """Nought to three campaigns; the first in the list draws a crowd of its own."""
    count = min(draw.choices(range(4), weights=weights)[0], len(campaigns))
    chosen = draw.sample(campaigns, count)
    if count and campaigns[0] not in chosen and draw.random() < 0.22:
        chosen[0] = campaigns[0]
    return chosen


def _moment(draw: random.Random, campaign: Campaign, used: set[datetime], start: datetime) -> datetime:
    day = campaign.starts + timedelta(days=draw.randint(0, max((campaign.ends - campaign.starts).days, 0)))
    moment = datetime.combine(day, time(draw.randint(7, 19), draw.randint(0, 59)), tzinfo=UTC)
    moment = min(moment, start - timedelta(days=1))
    while moment in used:
        moment += timedelta(seconds=1)
    used.add(moment)
    return moment
