"""The properties of activities: calls, e-mails, meetings, tasks and notes.

Names and values are those of HubSpot's documentation of the five activity APIs; the labels are ours. Portals
may rename call outcomes and add meeting types; `hs_call_disposition` holds the GUID of an outcome.
"""

from __future__ import annotations

from collections.abc import Mapping

from closedloop.sandbox.hubspot.settings.definitions import (
    PropertyDefinition,
    choice,
    long_text,
    moment,
    number,
    outside,
    text,
)
from closedloop.sandbox.hubspot.settings.kinds import (
    CALLS,
    COMMUNICATIONS,
    EMAILS,
    MEETINGS,
    NOTES,
    POSTAL_MAIL,
    TASKS,
    ObjectKind,
)

# The GUIDs of the default outcomes (HubSpot documentation, "Calls").
_OUTCOMES = (
    "9d9162e7-6cf3-4944-bf63-4dff82258764=Busy",
    "f240bbac-87c9-4f6e-bf70-924b57d47db7=Connected",
    "a4c4c377-d246-4b32-a13b-75a56a4cd0ff=Left live message",
    "b2cf5968-551e-4856-9783-52b3da59a7d0=Left voicemail",
    "73a0d17f-1163-4015-bdd5-ec830791da20=No answer",
    "17b47fee-58de-441e-a44c-c6300d46f273=Wrong number",
)
_EVERY = (
    moment("hs_timestamp", "Activity date"),
    outside("hubspot_owner_id", "Activity assigned to"),
    text("hs_attachment_ids", "Attached file IDs"),
)

_CALL = (
    text("hs_call_title", "Call Title"),
    long_text("hs_call_body", "Call notes"),
    choice("hs_call_direction", "Call direction", "INBOUND=Inbound", "OUTBOUND=Outbound"),
    choice("hs_call_disposition", "Call outcome", *_OUTCOMES),
    number("hs_call_duration", "Call duration"),
    text("hs_call_from_number", "From Number"),
    text("hs_call_to_number", "To Number"),
    text("hs_call_recording_url", "Recording URL"),
    choice(
        "hs_call_status",
        "Call Status",
        *("BUSY", "CALLING_CRM_USER", "CANCELED", "COMPLETED", "CONNECTING"),
        *("FAILED", "IN_PROGRESS", "NO_ANSWER", "QUEUED", "RINGING"),
    ),
    text("hs_call_source", "Call source"),
    text("hs_activity_type", "Call and meeting type"),
)
_EMAIL = (
    text("hs_email_subject", "Email subject"),
    long_text("hs_email_text", "Email body"),
    long_text("hs_email_html", "Email HTML"),
    choice("hs_email_direction", "Email Direction", "EMAIL", "INCOMING_EMAIL", "FORWARDED_EMAIL"),
    choice("hs_email_status", "Email send status", "BOUNCED", "FAILED", "SCHEDULED", "SENDING", "SENT"),
    long_text("hs_email_headers", "Email headers"),
)
_MEETING = (
    text("hs_meeting_title", "Meeting name"),
    long_text("hs_meeting_body", "Meeting description"),
    long_text("hs_internal_meeting_notes", "Internal meeting notes"),
    text("hs_meeting_external_url", "External URL"),
    text("hs_meeting_location", "Meeting location"),
    moment("hs_meeting_start_time", "Meeting start time"),
    moment("hs_meeting_end_time", "Meeting end time"),
    choice(
        "hs_meeting_outcome",
        "Meeting outcome",
        *("SCHEDULED", "COMPLETED", "RESCHEDULED", "NO_SHOW", "CANCELED"),
    ),
    text("hs_activity_type", "Call and meeting type"),
)
_TASK = (
    text("hs_task_subject", "Task Title"),
    long_text("hs_task_body", "Task notes"),
    # The documentation names two states; the others are what others' code handles.
    choice(
        "hs_task_status",
        "Task status",
        *("NOT_STARTED", "COMPLETED", "IN_PROGRESS", "WAITING", "DEFERRED"),
    ),
    choice("hs_task_priority", "Priority", "NONE", "LOW", "MEDIUM", "HIGH"),
    choice("hs_task_type", "Task type", "EMAIL", "CALL", "TODO"),
    text("hs_task_reminders", "Reminders"),
)
_NOTE = (long_text("hs_note_body", "Note body"),)
_COMMUNICATION = (
    choice("hs_communication_channel_type", "Channel Type", "LINKEDIN_MESSAGE", "SMS", "WHATS_APP"),
    choice("hs_communication_logged_from", "Logged From", "CRM"),
    long_text("hs_communication_body", "Communication Body"),
)

ACTIVITY_PROPERTIES: Mapping[ObjectKind, tuple[PropertyDefinition, ...]] = {
    kind: (*_EVERY, *rows)
    for kind, rows in (
        (CALLS, _CALL),
        (EMAILS, _EMAIL),
        (MEETINGS, _MEETING),
        (TASKS, _TASK),
        (NOTES, _NOTE),
        (COMMUNICATIONS, _COMMUNICATION),
        (POSTAL_MAIL, (long_text("hs_postal_mail_body", "Postal Mail Body"),)),
    )
}
