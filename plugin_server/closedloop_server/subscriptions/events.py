"""What happened, and who is to be told: both written in the transaction that learned it."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, select

from closedloop.schema.vocabulary import ObjectType
from closedloop_server.store.rows import Key, chunks
from closedloop_server.store.tables import events
from closedloop_server.subscriptions import sendings, subscription
from closedloop_server.subscriptions.event_types import EventType
from closedloop_server.subscriptions.payloads import envelope

_ID = re.compile(r"evt_[a-z2-7]{32}\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """A piece of news. `subject` is the lead or opportunity it is about, `connection` where it happened;
    `subscription` is the one that it is about."""

    id: str
    type: EventType
    occurred_at: datetime
    learned_at: datetime
    data: Mapping[str, Any]
    connection: str = ""
    subject: Key | None = None
    subscription: str = ""

    @property
    def payload(self) -> dict[str, Any]:
        """What is sent, in the form of `payloads`."""
        return envelope(id=self.id, type_=self.type, at=self.occurred_at, data=self.data)


def event_id(type_: EventType, *about: object) -> str:
    """The id of the event of a type about this: the same for the same, however often it is worked out."""
    digest = hashlib.sha256("\n".join([type_, *map(str, about)]).encode()).digest()
    return "evt_" + base64.b32encode(digest[:20]).decode("ascii").lower()


def is_id(text: str) -> bool:
    """Whether this can be the id of an event."""
    return _ID.match(text) is not None


def append(connection: Connection, news: Iterable[Event]) -> int:
    """Writes the events that are not there yet, each with a sending for everybody whom it is for."""
    found = {event.id: event for event in news}
    known = fetch(connection, found)
    fresh = [event for id_, event in found.items() if id_ not in known]
    if not fresh:
        return 0
    write(connection, fresh)
    subscribers = subscription.every(connection)
    sendings.ask(
        connection,
        [
            (event.id, each.id)
            for event in fresh
            for each in subscription.told(subscribers, event.type, event.connection)
        ],
        now=fresh[0].learned_at,
    )
    return len(fresh)


def write(connection: Connection, news: Iterable[Event]) -> None:
    """Writes new events and has them sent to nobody."""
    for portion in chunks(news):
        connection.execute(insert(events), [_row(event) for event in portion])


def fetch(connection: Connection, ids: Iterable[str]) -> dict[str, Mapping[str, Any]]:
    """The payloads of these events, by id."""
    return {
        row.id: row.payload
        for portion in chunks(sorted(set(ids)))
        for row in connection.execute(select(events.c.id, events.c.payload).where(events.c.id.in_(portion)))
    }


def recent(connection: Connection, *, types: Sequence[EventType] = (), limit: int = 50) -> list[Event]:
    """The events learned last, the newest first."""
    query = select(events).order_by(events.c.learned_at.desc(), events.c.id).limit(limit)
    if types:
        query = query.where(events.c.type.in_([each.value for each in types]))
    return [_event(row) for row in connection.execute(query)]


def _row(event: Event) -> dict[str, Any]:
    key = event.subject
    return {
        "id": event.id,
        "type": event.type.value,
        "connection": key.connection if key else event.connection,
        "object": key.object.value if key else "",
        "crm_id": key.id if key else event.subscription,
        "occurred_at": event.occurred_at,
        "learned_at": event.learned_at,
        "payload": event.payload,
    }


def _event(row: Any) -> Event:
    return Event(
        id=row.id,
        type=EventType(row.type),
        occurred_at=row.occurred_at,
        learned_at=row.learned_at,
        data=row.payload["data"],
        connection=row.connection,
        subject=Key(row.connection, ObjectType(row.object), row.crm_id) if row.object else None,
        subscription="" if row.object else row.crm_id,
    )
