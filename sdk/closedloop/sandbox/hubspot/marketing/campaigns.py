"""Which contacts met which campaigns, and what HubSpot reports of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from closedloop.sandbox.hubspot.records.record import stamp


@dataclass(frozen=True, slots=True, kw_only=True)
class Touch:
    """One contact's meeting with one campaign."""

    contact: str
    campaign: str
    at: datetime


class Touches:
    """All touches of the portal. Campaigns are known by their GUID."""

    def __init__(self) -> None:
        self._by_contact: dict[str, list[Touch]] = {}
        self._by_campaign: dict[str, dict[str, None]] = {}

    def add(self, touch: Touch) -> None:
        """Notes a touch."""
        touches = self._by_contact.setdefault(touch.contact, [])
        touches.append(touch)
        touches.sort(key=lambda t: t.at)
        self._by_campaign.setdefault(touch.campaign, {})[touch.contact] = None

    def move(self, gone: str, kept: str) -> None:
        """Gives one contact's touches to another, as a merge does."""
        for touch in self.forget(gone):
            self.add(Touch(contact=kept, campaign=touch.campaign, at=touch.at))

    def forget(self, contact: str) -> list[Touch]:
        """Takes a contact's touches out and returns them."""
        touches = self._by_contact.pop(contact, [])
        for touch in touches:
            self._by_campaign[touch.campaign].pop(contact, None)
        return touches

    def analytics(self, contact: str) -> dict[str, str]:
        """What the contact's own properties say about its first and last touch."""
        touches = self._by_contact.get(contact)
        if not touches:
            return {}
        first, last = touches[0], touches[-1]
        return {
            "hs_analytics_first_touch_converting_campaign": first.campaign,
            "hs_analytics_last_touch_converting_campaign": last.campaign,
            "hs_analytics_first_timestamp": stamp(first.at),
            "hs_analytics_last_timestamp": stamp(last.at),
        }

    def of(self, contact: str) -> list[Touch]:
        """A contact's touches, oldest first."""
        return self._by_contact.get(contact, [])

    def contacts(self, campaign: str) -> list[str]:
        """The ids of the contacts that met a campaign."""
        return list(self._by_campaign.get(campaign, {}))

    def count(self, campaign: str, start: date | None, end: date | None) -> int:
        """How often anybody met a campaign within the dates."""
        touches = (touch for contact in self.contacts(campaign) for touch in self._by_contact[contact])
        return sum(1 for touch in touches if touch.campaign == campaign and _within(touch, start, end))

    def report(self, campaign: str, contact_type: str, start: date | None, end: date | None) -> list[str]:
        """The ids of the contacts whose first, last or any touch was with the campaign, within the dates."""
        choose = _CHOICES[contact_type]
        return [
            contact
            for contact in self._by_campaign.get(campaign, {})
            if any(
                touch.campaign == campaign and _within(touch, start, end)
                for touch in self._by_contact[contact][choose]
            )
        ]


_CHOICES: Mapping[str, slice] = {
    "contactFirstTouch": slice(0, 1),
    "contactLastTouch": slice(-1, None),
    "influencedContacts": slice(None),
}
CONTACT_TYPES = frozenset(_CHOICES)


def _within(touch: Touch, start: date | None, end: date | None) -> bool:
    day = touch.at.date()
    return (start is None or start <= day) and (end is None or day <= end)
