"""Activities as engagements, the form in which the first API shows and takes them: `/engagements/v1`.

Source: HubSpot's legacy documentation, "Engagements API overview" and "Create an engagement", and the schemas
of singer-io/tap-hubspot. Not confirmed by a recording.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from closedloop.sandbox.hubspot.errors import HubSpotError
from closedloop.sandbox.hubspot.records.record import CrmObject, End, milliseconds
from closedloop.sandbox.hubspot.records.values import as_text, parse_moment
from closedloop.sandbox.hubspot.rest.reading import mapping
from closedloop.sandbox.hubspot.settings.kinds import (
    CALLS,
    COMPANIES,
    CONTACTS,
    DEALS,
    EMAILS,
    MEETINGS,
    NOTES,
    TASKS,
    TICKETS,
    ObjectKind,
)

TYPES: Mapping[str, ObjectKind] = {
    "NOTE": NOTES,
    "EMAIL": EMAILS,
    "TASK": TASKS,
    "MEETING": MEETINGS,
    "CALL": CALLS,
}
LINKED: Mapping[str, ObjectKind] = {
    "contactIds": CONTACTS,
    "companyIds": COMPANIES,
    "dealIds": DEALS,
    "ticketIds": TICKETS,
}
"""Which objects an engagement names as its associations, under which key."""

# The largest number that every JSON reader takes exactly.
_LARGEST = 2**53
_NAMES = {kind: name for name, kind in TYPES.items()}
_NEVER_LINKED = ("ownerIds", "workflowIds", "contentIds", "quoteIds")


@dataclass(frozen=True, slots=True)
class _Word:
    """One entry of an engagement's `metadata`, and the property that holds it."""

    key: str
    property: str
    read: Callable[[str], Any] = str


def _instant(value: str) -> int:
    return milliseconds(parse_moment(value))


_TAG = re.compile(r"<[^>]*>")


def _whole(value: str) -> int | str:
    number = float(value)
    return int(number) if abs(number) < _LARGEST else value


_WORDS: Mapping[ObjectKind, tuple[_Word, ...]] = {
    NOTES: (_Word("body", "hs_note_body"),),
    EMAILS: (
        _Word("subject", "hs_email_subject"),
        _Word("html", "hs_email_html"),
        _Word("text", "hs_email_text"),
        _Word("status", "hs_email_status"),
    ),
    TASKS: (
        _Word("body", "hs_task_body"),
        _Word("subject", "hs_task_subject"),
        _Word("status", "hs_task_status"),
        _Word("taskType", "hs_task_type"),
        _Word("priority", "hs_task_priority"),
    ),
    MEETINGS: (
        _Word("body", "hs_meeting_body"),
        _Word("title", "hs_meeting_title"),
        _Word("startTime", "hs_meeting_start_time", _instant),
        _Word("endTime", "hs_meeting_end_time", _instant),
        _Word("internalMeetingNotes", "hs_internal_meeting_notes"),
        _Word("meetingOutcome", "hs_meeting_outcome"),
    ),
    CALLS: (
        _Word("body", "hs_call_body"),
        _Word("title", "hs_call_title"),
        _Word("status", "hs_call_status"),
        _Word("toNumber", "hs_call_to_number"),
        _Word("fromNumber", "hs_call_from_number"),
        _Word("durationMilliseconds", "hs_call_duration", _whole),
        _Word("recordingUrl", "hs_call_recording_url"),
        _Word("disposition", "hs_call_disposition"),
    ),
}


def shown(record: CrmObject, portal_id: int, ends: Iterable[End]) -> dict[str, Any]:
    """An activity as an engagement; `ends` are what it is associated with."""
    values, ends = record.properties, list(ends)
    linked = {key: [int(end.id) for end in ends if end.kind is kind] for key, kind in LINKED.items()}
    return {
        "engagement": _about(record, portal_id),
        "associations": linked | {key: [] for key in _NEVER_LINKED},
        "attachments": [{"id": int(i)} for i in _listed(values.get("hs_attachment_ids", ""))],
        "metadata": _people(record.kind)
        | {w.key: w.read(values[w.property]) for w in _WORDS[record.kind] if w.property in values},
    }


def kind_of(body: Mapping[str, Any]) -> ObjectKind:
    """The type of activity that an engagement is; 400 where it is none (the words are ours)."""
    name = str(mapping(body, "engagement").get("type"))
    if name not in TYPES:
        raise HubSpotError(f"Invalid engagement type: {name}")
    return TYPES[name]


def values_of(kind: ObjectKind, body: Mapping[str, Any]) -> dict[str, str]:
    """The property values that an engagement's body says; what is no property is let pass, as there."""
    about, told = mapping(body, "engagement"), mapping(body, "metadata")
    values = {w.property: as_text(told[w.key]) for w in _WORDS[kind] if told.get(w.key) is not None}
    if about.get("timestamp") is not None:
        values["hs_timestamp"] = as_text(about["timestamp"])
    if about.get("ownerId") is not None:
        values["hubspot_owner_id"] = as_text(about["ownerId"])
    return values


def _about(record: CrmObject, portal_id: int) -> dict[str, Any]:
    values = record.properties
    who = [change.origin.user_id for change in record.changes] or [None]
    people = {"createdBy": who[0], "modifiedBy": who[-1], "ownerId": values.get("hubspot_owner_id")}
    when = values.get("hs_timestamp")
    return {
        "id": record.number,
        "portalId": portal_id,
        "active": record.archived_at is None,
        "createdAt": milliseconds(record.created_at),
        "lastUpdated": milliseconds(record.updated_at),
        **{key: int(one) for key, one in people.items() if one is not None},
        "type": _NAMES[record.kind],
        "timestamp": milliseconds(parse_moment(when) if when else record.created_at),
        "allAccessibleTeamIds": [],
        "queueMembershipIds": [],
        **_preview(record),
    }


def _preview(record: CrmObject) -> dict[str, Any]:
    """What its text begins with, without and with its markup (recorded: `engagement_create` and others of
    sensadrome/hubspot-api-ruby); where long texts are cut off is not known: none is here."""
    body = next((w.property for w in _WORDS[record.kind] if w.key == "body"), "")
    text = record.properties.get(body)
    if not text:
        return {}
    return {
        "bodyPreview": _TAG.sub("", text),
        "bodyPreviewHtml": f"<html>\n <head></head>\n <body>\n {text}\n </body>\n</html>",
        "bodyPreviewIsTruncated": False,
    }


def _people(kind: ObjectKind) -> dict[str, Any]:
    """Whom an e-mail went to is not kept here."""
    return {"from": {}, "to": [], "cc": [], "bcc": []} if kind is EMAILS else {}


def _listed(ids: str) -> list[str]:
    return [part for part in ids.split(";") if part.isdecimal()]
