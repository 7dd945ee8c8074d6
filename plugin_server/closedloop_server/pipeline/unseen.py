"""Looks for what a reading of everything did not bring."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection

from closedloop.schema.vocabulary import ObjectType
from closedloop_server.store import hints, records

_READ_WHOLE = (
    ObjectType.ACCOUNT,
    ObjectType.CAMPAIGN,
    ObjectType.CONTACT,
    ObjectType.LEAD,
    ObjectType.CAMPAIGN_MEMBER,
    ObjectType.CONTACT_ROLE,
    ObjectType.OPPORTUNITY,
)
"""What a poll from the beginning brings all of, and what can be read by its id afterwards."""


def note_unseen(connection: Connection, name: str, *, since: datetime, now: datetime) -> int:
    """Has everything of a connection that nobody has read since that time read by its id; returns how much.

    A CRM forgets what was deleted: Salesforce empties its recycle bin after 15 days, HubSpot lists what was
    archived for 90. After a longer silence only this finds what is gone.
    """
    count = 0
    for object_ in _READ_WHOLE:
        for keys in records.unread_since(connection, name, object_, since):
            count += hints.note(connection, name, (key.ref for key in keys), now=now)
    return count
