"""What subscribers are sent, described by marshmallow: docs/webhooks-out.md has the same as JSON Schemas.

Ids of CRM records are `<connection>:<CRM id>`, decimals are text, times ISO 8601 in UTC. A field in which an
event has nothing to say is null. Nothing in a payload is about a person but ids of the CRM.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum
from typing import Any

from marshmallow import RAISE, Schema, fields

from closedloop.loop.attribution import Cause
from closedloop.schema.vocabulary import AttributionModel, CrmName, ObjectType, Outcome, ReasonCode
from closedloop_server.store.rows import Key
from closedloop_server.subscriptions.event_types import EventType

VERSION = 1
"""The version of the form. A new field is none: receivers ignore what they do not know."""


def record_id(connection: str, id_: str) -> str:
    """The id of a CRM record among all connections."""
    return f"{connection}:{id_}"


def exact(value: Decimal) -> str:
    """A decimal as exact text, without an exponent."""
    return format(value.normalize(), "f") if value else "0"


def instant(value: datetime) -> str:
    """A time in UTC, ISO 8601 with a Z."""
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z")


class Exact(fields.String):
    """A decimal as exact text, without an exponent."""

    def __init__(self, *, metadata: dict[str, Any] | None = None, **options: Any) -> None:
        super().__init__(metadata={"pattern": r"^-?[0-9]+(\.[0-9]+)?$", **(metadata or {})}, **options)

    def _serialize(self, value: Any, *_: Any, **__: Any) -> str | None:
        return exact(value) if isinstance(value, Decimal) else None


class Instant(fields.String):
    """A time in UTC, ISO 8601 with a Z."""

    def __init__(self, *, metadata: dict[str, Any] | None = None, **options: Any) -> None:
        super().__init__(metadata={"format": "date-time", **(metadata or {})}, **options)

    def _serialize(self, value: Any, *_: Any, **__: Any) -> str | None:
        return None if value is None else instant(value)


class Part(Schema):
    """A part of a payload: every field is always there."""

    class Meta:
        unknown = RAISE

    def on_bind_field(self, field_name: str, field_obj: fields.Field[Any]) -> None:  # noqa: ARG002 - marshmallow's signature
        """Says that the field is never left out."""
        field_obj.required = True


class Subject(Part):
    """The lead or opportunity that an event is about."""

    object = fields.Enum(ObjectType, by_value=True)
    id = fields.String(metadata={"examples": ["sales:00Q5g00000ExAmPEAV"]})
    crm = fields.Enum(CrmName, by_value=True, allow_none=True)


class Amount(Part):
    """An amount and its currency, which is null where the CRM does not say."""

    amount = Exact()
    currency = fields.String(allow_none=True)


class Previous(Part):
    """What held before."""

    outcome = fields.Enum(Outcome, by_value=True)
    reason = fields.Enum(ReasonCode, by_value=True, allow_none=True)


class Campaign(Part):
    """A campaign and its share of the credit."""

    id = fields.String(metadata={"examples": ["marketing:430318c4-abb7-4bf7-a75e-9c5fa8f475a6"]})
    share = Exact()


class Unattributed(Part):
    """The share that no campaign gets, and why."""

    share = Exact()
    cause = fields.Enum(Cause, by_value=True, allow_none=True)


class Attribution(Part):
    """Who gets the credit, by what was known when the event was written; all shares sum to 1.

    Of a decision that was taken back: who had it.
    """

    model = fields.Enum(AttributionModel, by_value=True)
    campaigns = fields.List(fields.Nested(Campaign))
    unattributed = fields.List(fields.Nested(Unattributed))


class Decided(Part):
    """What sales decided about a lead or an opportunity. `entry` counts what was learned about it, from 1."""

    subject = fields.Nested(Subject)
    outcome = fields.Enum(Outcome, by_value=True)
    reason = fields.Enum(ReasonCode, by_value=True, allow_none=True)
    reason_label = fields.String(allow_none=True)
    contributing = fields.List(fields.Enum(ReasonCode, by_value=True))
    raw_reason = fields.String(
        allow_none=True, metadata={"description": "The CRM's own text; null unless the settings allow it."}
    )
    stage = fields.String(allow_none=True)
    decided_at = Instant(allow_none=True)
    decided_by = fields.String(allow_none=True, metadata={"description": "The CRM's user, as an id."})
    learned_at = Instant()
    amount = fields.Nested(Amount, allow_none=True)
    entry = fields.Integer()
    previous = fields.Nested(Previous, allow_none=True)
    attribution = fields.Nested(Attribution)


class Breached(Part):
    """A lead that waited too long under a service level. `ended_at` is null while it waits still."""

    subject = fields.Nested(Subject)
    level = fields.String()
    started_at = Instant()
    due_at = Instant()
    ended_at = Instant(allow_none=True)


class Failing(Part):
    """A CRM that cannot be told what its campaigns should show."""

    connection = fields.String()
    crm = fields.Enum(CrmName, by_value=True, allow_none=True)
    since = Instant()
    reason = fields.String(metadata={"description": "A word of the CRM's or of ours."})
    waiting = fields.Integer(metadata={"description": "How many values it was not told."})


class Disabled(Part):
    """A subscription that was disabled."""

    subscription = fields.String()
    name = fields.String()
    why = fields.String()


class Tested(Part):
    """A test."""

    subscription = fields.String()
    name = fields.String()


DATA: Mapping[EventType, Part] = {
    EventType.LEAD_ACCEPTED: Decided(),
    EventType.LEAD_RECYCLED: Decided(),
    EventType.LEAD_DISQUALIFIED: Decided(),
    EventType.LEAD_NO_ACTION: Decided(),
    EventType.LEAD_REOPENED: Decided(),
    EventType.OPPORTUNITY_WON: Decided(),
    EventType.OPPORTUNITY_LOST: Decided(),
    EventType.OPPORTUNITY_REOPENED: Decided(),
    EventType.REASON_UNMAPPED: Decided(),
    EventType.SLA_BREACHED: Breached(),
    EventType.DELIVERY_FAILING: Failing(),
    EventType.SUBSCRIPTION_DISABLED: Disabled(),
    EventType.SUBSCRIPTION_TEST: Tested(),
}
"""The form of `data` for every type of event."""


class Envelope(Part):
    """What every payload has around its data: what Standard Webhooks proposes, our id and version."""

    id = fields.String(metadata={"description": "As in the header webhook-id."})
    type = fields.Enum(EventType, by_value=True)
    version = fields.Integer()
    timestamp = Instant()
    data = fields.Dict(keys=fields.String())


def envelope(*, id: str, type_: EventType, at: datetime, data: Mapping[str, Any]) -> dict[str, Any]:  # noqa: A002 - the payload's word
    """A whole payload; `data` is plain already."""
    return {**plain({"id": id, "type": type_, "version": VERSION, "timestamp": at}), "data": dict(data)}


def data_of(type_: EventType, **told: Any) -> dict[str, Any]:
    """The data of an event of this type, plain: every field of the type's form, and no other."""
    data = plain(told)
    if data.keys() != DATA[type_].fields.keys():
        raise ValueError(f"the data of {type_} has other fields than its form")
    return data


def plain(told: Mapping[str, Any]) -> dict[str, Any]:
    """What the forms make of this, as JSON can say it. Dumping by them takes ten times as long, in a
    transaction that others wait for."""
    return {name: _plain(value) for name, value in told.items()}


def _plain(value: Any) -> Any:
    match value:
        case Enum():
            return value.value
        case None | str() | int():
            return value
        case Decimal():
            return exact(value)
        case datetime():
            return instant(value)
        case Mapping():
            return plain(value)
        case _:
            return [_plain(each) for each in value]


def subject_of(key: Key, crm: CrmName | None) -> dict[str, Any]:
    """A lead or an opportunity, as payloads name it."""
    return {"object": key.object, "id": record_id(key.connection, key.id), "crm": crm}
