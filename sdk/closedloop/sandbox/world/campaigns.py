"""Draws the campaigns of the two years before the start."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import islice

from closedloop.sandbox.world.accounts import plain
from closedloop.sandbox.world.drawing import Draw
from closedloop.sandbox.world.model import Campaign
from closedloop.sandbox.world.names import KINDS, REGIONS
from closedloop.sandbox.world.planted import PLANTED_NAME
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


def draw_campaigns(draw: Draw, count: int, *, start: datetime) -> tuple[Campaign, ...]:
    """Returns `count` campaigns, the planted one first, and one in each CRM that nobody is in yet."""
    drawn = [
        _campaign(draw, number, kind, name, start)
        for number, (kind, name) in enumerate(islice(_names(draw), count))
    ]
    return (
        *drawn,
        _nobody(draw, len(drawn), CrmName.SALESFORCE, "Trade Show", start),
        _nobody(draw, len(drawn) + 1, CrmName.HUBSPOT, "Email", start),
    )


def _names(draw: Draw) -> Iterator[tuple[str, str]]:
    """Kinds and names: each plain one once, then each again for every region, then numbered."""
    names = [(kind, name) for kind, group in KINDS.items() for name in group if name != PLANTED_NAME]
    names = draw.mix(names)
    names.sort(key=lambda pair: pair[0] not in {"Trade Show", "Email", "Outbound", "Content"})
    yield "Social", PLANTED_NAME
    yield from names
    again = 1
    while True:
        for region in REGIONS:
            suffix = f"{region} {again}" if again > 1 else region
            yield from ((kind, f"{name} – {suffix}") for kind, name in draw.mix(names))
        again += 1


def _nobody(draw: Draw, number: int, crm: CrmName, kind: str, start: datetime) -> Campaign:
    campaign = _campaign(draw, number, kind, f"Planned for next quarter: {kind.lower()}", start)
    starts = (start + timedelta(days=draw.between(40, 90))).date()
    ends = starts + timedelta(days=3)
    return replace(campaign, crm=crm, starts=starts, ends=ends, cost=Decimal(0), planned=True)


def _campaign(draw: Draw, number: int, kind: str, name: str, start: datetime) -> Campaign:
    starts = (start - timedelta(days=draw.between(40, 700))).date()
    ends = min(starts + timedelta(days=draw.between(2, 120)), (start - timedelta(days=3)).date())
    budget = Decimal(draw.between(*_COSTS[kind]))
    name = name.format(year=starts.year)
    return Campaign(
        key=f"campaign-{number}",
        crm=_crm(draw, kind),
        name=name,
        kind=kind,
        starts=starts,
        ends=ends,
        budget=budget,
        cost=budget * Decimal(draw.between(70, 118)) / 100,
        utm="-".join("".join(c if c.isalnum() else " " for c in plain(name)).split()),
        notes=draw.pick(_NOTES),
    )


def _crm(draw: Draw, kind: str) -> CrmName:
    if kind in _SALESFORCE_KINDS:
        return CrmName.SALESFORCE
    if kind in _HUBSPOT_KINDS:
        return CrmName.HUBSPOT
    return draw.pick((CrmName.SALESFORCE, CrmName.HUBSPOT))
