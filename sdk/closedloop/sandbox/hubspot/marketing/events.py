"""Marketing events: webinars and fairs, records of the CRM with people who register, attend and cancel.

Source: HubSpot documentation, "Marketing events API guide", and its OpenAPI description. The shape of a list
is recorded (`read_marketing-events`), and so are the words ONGOING and ongoing; the others are unverified.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from closedloop.sandbox.hubspot.errors import HubSpotError
from closedloop.sandbox.hubspot.records.record import CrmObject, stamp
from closedloop.sandbox.hubspot.records.values import parse_moment
from closedloop.sandbox.hubspot.rest.reading import objects
from closedloop.sandbox.hubspot.settings.catalogue import Catalogue
from closedloop.sandbox.hubspot.settings.kinds import MARKETING_EVENTS

REGISTERED, ATTENDED, CANCELLED, NO_SHOW = "REGISTERED", "ATTENDED", "CANCELLED", "NO_SHOW"
STATES: Mapping[str, str] = {"register": REGISTERED, "attend": ATTENDED, "cancel": CANCELLED}

_TEXTS: Mapping[str, str] = {
    "eventName": "hs_event_name",
    "eventType": "hs_event_type",
    "startDateTime": "hs_start_datetime",
    "endDateTime": "hs_end_datetime",
    "eventOrganizer": "hs_event_organizer",
    "eventDescription": "hs_event_description",
    "eventUrl": "hs_event_url",
}
_FLAGS: Mapping[str, str] = {"eventCancelled": "hs_event_cancelled", "eventCompleted": "hs_event_completed"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Participation:
    """What one contact last did about an event."""

    contact: str
    state: str
    at: datetime


class Participations:
    """Who did what about which marketing event, the lists of people that go with it, and where each app shows
    its events. Whoever calls holds the portal's lock."""

    def __init__(self) -> None:
        self.pages: dict[int, str] = {}
        self._of: dict[str, dict[str, Participation]] = {}
        self._lists: dict[str, dict[str, None]] = {}

    def lists(self, event: str) -> list[str]:
        """The ids of the lists that go with an event, in the order in which they were added."""
        return list(self._lists.get(event, ()))

    def add_list(self, event: str, list_id: str) -> None:
        """Adds a list to an event; once is enough."""
        self._lists.setdefault(event, {})[list_id] = None

    def remove_list(self, event: str, list_id: str) -> None:
        """Takes a list from an event."""
        self._lists.get(event, {}).pop(list_id, None)

    def put(self, event: str, contact: str, state: str, at: datetime) -> None:
        """Notes what a contact did."""
        self._of.setdefault(event, {})[contact] = Participation(contact=contact, state=state, at=at)

    def of(self, event: str) -> list[Participation]:
        """What everybody last did about an event, in the order of their first acts."""
        return list(self._of.get(event, {}).values())

    def by(self, contact: str) -> list[tuple[str, Participation]]:
        """What a contact did about which events."""
        return [(event, rows[contact]) for event, rows in self._of.items() if contact in rows]

    def counts(self, event: CrmObject) -> dict[str, int]:
        """How many registered, attended, cancelled and did not come: who only registered for what is over."""
        states = Counter(each.state for each in self.of(event.id))
        over = event.properties.get("hs_event_completed") == "true"
        return {
            "attended": states[ATTENDED],
            "registered": states[REGISTERED] + states[ATTENDED],
            "cancelled": states[CANCELLED],
            "noShows": states[REGISTERED] if over else 0,
        }


def properties_from(body: Mapping[str, Any]) -> dict[str, Any]:
    """The properties of the record that a body of the marketing events API sets."""
    texts = {name: body[word] for word, name in _TEXTS.items() if body.get(word) is not None}
    flags = {name: body[word] for word, name in _FLAGS.items() if body.get(word) is not None}
    custom = {str(row.get("name", "")): row.get("value") for row in objects(body, "customProperties")}
    return texts | flags | custom


def core_to_wire(event: CrmObject, catalogue: Catalogue) -> dict[str, Any]:
    """What every answer says of an event; what has no value is null (recorded)."""
    values = event.properties
    custom = [p.name for p in catalogue.all(MARKETING_EVENTS) if not p.built_in and p.name in values]
    return {
        "eventName": values.get("hs_event_name"),
        "eventType": values.get("hs_event_type"),
        "startDateTime": values.get("hs_start_datetime"),
        "endDateTime": values.get("hs_end_datetime"),
        "eventOrganizer": values.get("hs_event_organizer"),
        "eventDescription": values.get("hs_event_description"),
        "eventUrl": values.get("hs_event_url"),
        "eventCancelled": values.get("hs_event_cancelled") == "true",
        "eventCompleted": values.get("hs_event_completed") == "true",
        "customProperties": [{"name": name, "value": values[name]} for name in custom],
    }


def dates_to_wire(event: CrmObject) -> dict[str, str]:
    """When the record was made and changed."""
    return {"createdAt": stamp(event.created_at), "updatedAt": stamp(event.updated_at)}


def counts_to_wire(counts: Mapping[str, int]) -> dict[str, int]:
    """How many people, in the words of a read."""
    return {
        "registrants": counts["registered"],
        "attendees": counts["attended"],
        "cancellations": counts["cancelled"],
        "noShows": counts["noShows"],
    }


def status_of(event: CrmObject, now: datetime) -> str:
    """Whether an event is over, called off, ahead or going on, as it does while no time says otherwise."""
    values = event.properties
    if values.get("hs_event_cancelled") == "true":
        return "CANCELLED"
    ends, starts = values.get("hs_end_datetime"), values.get("hs_start_datetime")
    if values.get("hs_event_completed") == "true" or (ends and parse_moment(ends) <= now):
        return "PAST"
    return "UPCOMING" if starts and parse_moment(starts) > now else "ONGOING"


def no_event(event_id: str) -> HubSpotError:
    """The 404 for a marketing event (the words are ours)."""
    return HubSpotError(
        f"No marketing event with id {event_id} was found", status=404, category="OBJECT_NOT_FOUND"
    )
