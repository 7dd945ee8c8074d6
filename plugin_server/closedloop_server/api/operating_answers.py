"""What the resources of operations answer."""

from __future__ import annotations

from marshmallow import fields

from closedloop.loop.feedback import FeedbackKind
from closedloop.schema.vocabulary import CrmName
from closedloop_server.access import Role, Scope
from closedloop_server.api.bodies import PageAnswer
from closedloop_server.api.fields import Answer, Instant
from closedloop_server.operating import backlog
from closedloop_server.operating import deliveries as values
from closedloop_server.store import deliveries, inbox, readings


class DoneAnswer(Answer):
    """How much something concerned."""

    count = fields.Integer()


class WaitingAnswer(Answer):
    """How much waits at a step; an empty `connection` means all of them together."""

    step = fields.Enum(backlog.Step, by_value=True)
    connection = fields.String()
    count = fields.Integer()
    oldest = Instant(allow_none=True)


class LeaseAnswer(Answer):
    """Who took a piece of work last."""

    kind = fields.String()
    connection = fields.String()
    holder = fields.String()
    number = fields.Integer()
    taken_at = Instant()


class SystemAnswer(Answer):
    """The installation at one moment; `size` in bytes."""

    version = fields.String()
    now = Instant()
    database = fields.String()
    size = fields.Integer(allow_none=True)
    leases = fields.List(fields.Nested(LeaseAnswer))
    backlog = fields.List(fields.Nested(WaitingAnswer))


class ReadingAnswer(Answer):
    """How far a connection was read; `done` and `expected` count the objects of the reading of the past."""

    state = fields.Enum(readings.State, by_value=True)
    started_at = Instant(allow_none=True)
    complete_at = Instant(allow_none=True)
    polled_at = Instant(allow_none=True)
    next_at = Instant(allow_none=True)
    paused_at = Instant(allow_none=True)
    paused_by = fields.String(allow_none=True)
    error = fields.String(allow_none=True)
    done = fields.Dict(keys=fields.String(), values=fields.Integer())
    expected = fields.Dict(keys=fields.String(), values=fields.Integer())


class TellingAnswer(Answer):
    """How telling a CRM fares; `failing_since` null: nothing is wrong."""

    answered_at = Instant(allow_none=True)
    failing_since = Instant(allow_none=True)
    code = fields.String(allow_none=True)
    message = fields.String(allow_none=True)
    bulk_until = Instant(allow_none=True)


class CallsAnswer(Answer):
    """The calls of the last 24 hours, and how many are allowed; `daily_budget` null: no limit of ours."""

    spent = fields.Integer()
    daily_budget = fields.Integer(allow_none=True)


class ConnectionAnswer(Answer):
    """One connection."""

    name = fields.String()
    crm = fields.Enum(CrmName, by_value=True)
    organisation_id = fields.String()
    reading = fields.Nested(ReadingAnswer, attribute="progress")
    telling = fields.Nested(TellingAnswer)
    calls = fields.Nested(CallsAnswer)
    waiting = fields.List(fields.Nested(WaitingAnswer))


class ConnectionsAnswer(Answer):
    """Every connection."""

    connections = fields.List(fields.Nested(ConnectionAnswer))


class IgnoredAnswer(Answer):
    """What in a delivery needed no work."""

    reason = fields.String()
    count = fields.Integer()


class ReceivedAnswer(Answer):
    """A delivery without its body; `size` in bytes."""

    id = fields.Integer()
    connection = fields.String()
    received_at = Instant()
    content_type = fields.String()
    size = fields.Integer()
    state = fields.Enum(deliveries.State, by_value=True)
    read_at = Instant(allow_none=True)
    hints = fields.Integer(allow_none=True)
    ignored = fields.List(fields.Nested(IgnoredAnswer))
    error = fields.String(allow_none=True)
    replays = fields.Integer()
    replayed_at = Instant(allow_none=True)
    emptied = fields.Enum(inbox.Emptied, by_value=True, allow_none=True)
    emptied_at = Instant(allow_none=True)


class InboxAnswer(Answer):
    """A part of the inbox, the newest first. `next_before` is null on the last page."""

    deliveries = fields.List(fields.Nested(ReceivedAnswer))
    next_before = fields.Integer(allow_none=True)


class OneReceivedAnswer(Answer):
    """A delivery with its body in Base64, as it was sent."""

    delivery = fields.Nested(ReceivedAnswer)
    body = fields.String(metadata={"contentEncoding": "base64"})


class ValueAnswer(Answer):
    """A value for a target in a CRM; `shows` is what stands in a field instead, where somebody changed it."""

    connection = fields.String()
    key = fields.String()
    kind = fields.Enum(FeedbackKind, by_value=True)
    campaign_id = fields.String(allow_none=True)
    since = Instant()
    bulk = fields.Boolean()
    code = fields.String(allow_none=True)
    message = fields.String(allow_none=True)
    attempts = fields.Integer()
    not_before = Instant(allow_none=True)
    shows = fields.Dict(keys=fields.String(), values=fields.String(), allow_none=True)


class ValuesAnswer(PageAnswer):
    """Values of one connection in one state."""

    state = fields.Enum(values.State, by_value=True)
    values = fields.List(fields.Nested(ValueAnswer))


class EntryAnswer(Answer):
    """One thing that somebody did."""

    id = fields.Integer()
    at = Instant()
    who = fields.String()
    action = fields.String()
    target = fields.String()
    details = fields.Dict(keys=fields.String())


class AuditAnswer(Answer):
    """A part of the audit, the newest first. `next_before` is null on the last page."""

    entries = fields.List(fields.Nested(EntryAnswer))
    next_before = fields.Integer(allow_none=True)


class TokenAnswer(Answer):
    """A token as it is listed: never the token itself. `role` is null where the scopes are no role's."""

    name = fields.String()
    role = fields.Enum(Role, by_value=True, allow_none=True)
    scopes = fields.List(fields.Enum(Scope, by_value=True))
    created_at = Instant()
    expires_at = Instant(allow_none=True)
    last_used_at = Instant(allow_none=True)
    revoked_at = Instant(allow_none=True)


class TokensAnswer(Answer):
    """Every token that was ever made."""

    tokens = fields.List(fields.Nested(TokenAnswer))


class MadeTokenAnswer(Answer):
    """A new token, shown this once."""

    token = fields.String()
