"""What a campaign brought: sessions, contacts and revenue, from the portal's touches and won deals."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from typing import Any

from closedloop.sandbox.hubspot.marketing.attribution import Journey, shares_of
from closedloop.sandbox.hubspot.marketing.campaigns import Touch
from closedloop.sandbox.hubspot.portal import Portal
from closedloop.sandbox.hubspot.records.record import CrmObject
from closedloop.sandbox.hubspot.records.values import NotOfItsTypeError, parse_moment, parse_number
from closedloop.sandbox.hubspot.settings.kinds import CONTACTS, DEALS


def metrics(portal: Portal, campaign: str, start: date | None, end: date | None) -> dict[str, int]:
    """The campaign's counts within the dates. Every touch counts as a session; the contacts are those of the
    contact reports."""

    def contacts(contact_type: str) -> int:
        touched = portal.touches.report(campaign, contact_type, start, end)
        return sum(1 for contact in touched if portal.store.find(CONTACTS, contact))

    return {
        "sessions": portal.touches.count(campaign, start, end),
        "newContactsFirstTouch": contacts("contactFirstTouch"),
        "newContactsLastTouch": contacts("contactLastTouch"),
        "influencedContacts": contacts("influencedContacts"),
    }


def revenue(
    portal: Portal, campaign: str, model: str, start: date | None, end: date | None
) -> dict[str, Any]:
    """The campaign's part of the won deals that closed within the dates.

    A deal's touches are those of all the contacts associated with it, up to its close date. The campaign's
    revenue is the sum of the credits of its own touches times the deals' amounts; the amount of a deal counts
    whole in `dealAmount` as soon as one of its touches earned any. `contactsNumber` counts the contacts whose
    touches earned it. HubSpot's own figures also know interactions that are no campaign's touches.
    """
    contacts: set[str] = set()
    deals, amounts, earned = 0, 0.0, 0.0
    for deal in _won(portal, campaign, start, end):
        touches = _touches(portal, deal)
        shares = shares_of(model, _journey(portal, deal, touches)) if touches else []
        mine = {
            touch.contact: share
            for touch, share in zip(touches, shares, strict=True)
            if touch.campaign == campaign and share
        }
        if not mine:
            continue
        amount = _amount(deal)
        part = sum(share for touch, share in zip(touches, shares, strict=True) if touch.campaign == campaign)
        contacts |= mine.keys()
        deals, amounts, earned = deals + 1, amounts + amount, earned + amount * part
    return {
        "contactsNumber": len(contacts),
        "dealsNumber": deals,
        "dealAmount": round(amounts, 2),
        "revenueAmount": round(earned, 2),
        "currencyCode": portal.currency,
    }


def _won(portal: Portal, campaign: str, start: date | None, end: date | None) -> Iterator[CrmObject]:
    """The won deals of the campaign's contacts, each once."""
    ids: dict[str, None] = {}
    for contact in portal.touches.contacts(campaign):
        found = portal.store.find(CONTACTS, contact)
        links = portal.associations.of(found.end, DEALS) if found else ()
        ids |= dict.fromkeys(link.id for link in links)
    for deal_id in ids:
        deal = portal.store.find(DEALS, deal_id)
        if deal and deal.properties.get("hs_is_closed_won") == "true":
            day = _closed_at(deal).date()
            if (start is None or start <= day) and (end is None or day <= end):
                yield deal


def _touches(portal: Portal, deal: CrmObject) -> list[Touch]:
    closed = _closed_at(deal)
    contacts = portal.associations.of(deal.end, CONTACTS)
    touches = (touch for link in contacts for touch in portal.touches.of(link.id) if touch.at <= closed)
    return sorted(touches, key=lambda touch: touch.at)


def _journey(portal: Portal, deal: CrmObject, touches: list[Touch]) -> Journey:
    contacts = (portal.store.find(CONTACTS, touch.contact) for touch in touches)
    born = [contact.created_at for contact in contacts if contact]
    return Journey(
        touches=[touch.at for touch in touches],
        contact_at=min(born, default=deal.created_at),
        deal_at=deal.created_at,
        won_at=_closed_at(deal),
    )


def _closed_at(deal: CrmObject) -> datetime:
    return parse_moment(deal.properties.get("closedate") or deal.properties["hs_closed_won_date"])


def _amount(deal: CrmObject) -> float:
    try:
        return float(parse_number(deal.properties.get("amount", "0")))
    except NotOfItsTypeError:
        return 0.0
