"""Draws the people of a company, and where the CRMs keep them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from closedloop.sandbox.world.accounts import plain
from closedloop.sandbox.world.drawing import Draw, Weights
from closedloop.sandbox.world.model import Account, Home, Link, Person, Touch
from closedloop.sandbox.world.names import COUNTRIES, FIRST_NAMES, LAST_NAMES, SOURCES, TITLES


class Place(NamedTuple):
    """Where somebody is kept."""

    salesforce: Home | None
    hubspot: bool
    link: Link | None


# How many of 100 are where. Marketing in HubSpot and sales in Salesforce is the commonest installation, so
# most people are in both.
TIDY = Weights(
    {
        Place(Home.LEAD, True, Link.ID): 28,
        Place(Home.LEAD, True, Link.EMAIL): 8,
        Place(Home.LEAD, False, None): 14,
        Place(Home.CONTACT, True, Link.ID): 17,
        Place(Home.CONTACT, True, Link.EMAIL): 5,
        Place(Home.CONTACT, False, None): 10,
        Place(None, True, None): 18,
    }
)
"""The CRMs' sync did its work, and where it did not, the address tells."""

GAPS = Weights(
    {
        Place(Home.LEAD, True, Link.ID): 24,
        Place(Home.LEAD, True, Link.EMAIL): 7,
        Place(Home.LEAD, True, Link.LATE): 4,
        Place(Home.LEAD, True, Link.NEVER): 3,
        Place(Home.LEAD, False, None): 12,
        Place(Home.CONTACT, True, Link.ID): 15,
        Place(Home.CONTACT, True, Link.EMAIL): 4,
        Place(Home.CONTACT, True, Link.LATE): 2,
        Place(Home.CONTACT, True, Link.NEVER): 2,
        Place(Home.CONTACT, False, None): 9,
        Place(None, True, None): 18,
    }
)
"""The same, with the delays and the gaps of a sync that runs for years."""

_ROLES = Weights({"Decision maker": 4, "Economic buyer": 2, "Champion": 5, "Influencer": 4, "User": 2})
_OTHERWISE = (Link.EMAIL, Link.NEVER)
_FIRST_NAMES = tuple((name, plain(name)) for name in FIRST_NAMES)
_LAST_NAMES = tuple((name, plain(name).replace(" ", "")) for name in LAST_NAMES)


def draw_person(
    draw: Draw,
    account: Account,
    key: str,
    place: Place,
    *,
    touches: Sequence[Touch],
    start: datetime,
    taken: set[str],
) -> Person:
    """Returns somebody of the company, known since shortly before the first of the touches; `taken` are the
    addresses that their colleagues have."""
    (first, small_first), (last, small_last) = draw.pick(_FIRST_NAMES), draw.pick(_LAST_NAMES)
    email = _free(f"{small_first}.{small_last}", account.domain, taken)
    role = draw.weighted(_ROLES)
    known = (
        touches[0].at - draw.seconds(60, 30 * 86_400)
        if touches
        else start - draw.seconds(65 * 86_400, 730 * 86_400)
    )
    link = place.link
    # In the order of the fields: names would take twice as long, and this is done for everybody.
    return Person(
        key,
        first,
        last,
        email,
        _as_kept(draw, email, link, taken) if link in _OTHERWISE else email,
        f"{COUNTRIES[account.country][2]} {draw.between(1000000, 9999999)}",
        draw.pick(TITLES[role]),
        role,
        account.key,
        draw.pick(SOURCES),
        known,
        place.salesforce,
        place.hubspot,
        link,
        known + draw.seconds(2 * 86_400, 420 * 86_400) if link is Link.LATE else None,
    )


def _as_kept(draw: Draw, email: str, link: Link | None, taken: set[str]) -> str:
    """The address as HubSpot keeps it; spelt in another way, nothing tells that the two are one."""
    if link is Link.EMAIL:
        return draw.pick((email, email.title(), email.upper()))
    local, _, domain = email.partition("@")
    first, _, last = local.partition(".")
    return _free(draw.pick((f"{first[0]}.{last}", f"{last}.{first}")), domain, taken)


def _free(local: str, domain: str, taken: set[str]) -> str:
    """The address, with a number in it when somebody has it already."""
    address, again = f"{local}@{domain}", 1
    while address in taken:
        again += 1
        address = f"{local}{again}@{domain}"
    taken.add(address)
    return address
