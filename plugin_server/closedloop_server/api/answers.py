"""What the API answers, described by marshmallow. Decimals are text: exact, without an exponent."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from marshmallow import Schema, fields

from closedloop.loop.attribution import CampaignKey, Cause
from closedloop.loop.feedback import FeedbackKind
from closedloop.schema.schemas import dump_feedback
from closedloop.schema.vocabulary import (
    OUTCOME_LABELS,
    REASONS,
    AttributionModel,
    ObjectType,
    Outcome,
    ReasonCode,
)
from closedloop_server.store.reports import DeliveryState


def exact(number: Decimal) -> str:
    """A decimal as text: no exponent, no zeros that say nothing."""
    return format(number.normalize(), "f") if number else "0"


def campaign_name(key: CampaignKey) -> str:
    """A campaign's id in the API: `<connection>:<CRM id>`."""
    return f"{key.connection}:{key.id}"


class Exact(fields.Field[Decimal]):
    """A decimal as exact text."""

    def _serialize(self, value: Decimal | None, *_: Any, **__: Any) -> str | None:
        return None if value is None else exact(value)


class Instant(fields.Field[Any]):
    """A time in UTC, ISO 8601 with a Z."""

    def _serialize(self, value: Any, *_: Any, **__: Any) -> str | None:
        return None if value is None else value.isoformat().replace("+00:00", "Z")


class CampaignId(fields.Field[CampaignKey]):
    """A campaign's id in the API."""

    def _serialize(self, value: CampaignKey | None, *_: Any, **__: Any) -> str | None:
        return None if value is None else campaign_name(value)


class MoneyAnswer(Schema):
    """An amount and its currency, which is null where the CRM does not say."""

    amount = Exact()
    currency = fields.String()


class ReasonAnswer(Schema):
    """The credit of one outcome and reason; accepted leads have no reason."""

    outcome = fields.Enum(Outcome, by_value=True)
    reason = fields.String()
    label = fields.Function(lambda line: reason_label(line.outcome, line.reason))
    credit = Exact()
    decisions = fields.Integer()
    amounts = fields.List(fields.Nested(MoneyAnswer))


def reason_label(outcome: Outcome, reason: ReasonCode | None) -> str:
    """What a marketer reads: "Lost, Price"."""
    label = OUTCOME_LABELS[outcome]
    return label if reason is None else f"{label}, {REASONS[reason].label}"


class TallyAnswer(Schema):
    """What sales decided, summed."""

    decisions = fields.Integer()
    credit = Exact()
    credits = fields.Dict(keys=fields.Enum(Outcome, by_value=True), values=Exact())
    reasons = fields.List(fields.Nested(ReasonAnswer), attribute="lines")
    won_amounts = fields.List(fields.Nested(MoneyAnswer))
    lost_amounts = fields.List(fields.Nested(MoneyAnswer))
    last_decision_at = Instant()


class CostAnswer(Schema):
    """What a campaign cost; `actual` false: what was planned."""

    amount = Exact(attribute="money.amount")
    currency = fields.String(attribute="money.currency")
    actual = fields.Boolean()


class DeliveryCountAnswer(Schema):
    """How many values of a kind are in one state of delivery."""

    kind = fields.Enum(FeedbackKind, by_value=True)
    state = fields.Enum(DeliveryState, by_value=True)
    count = fields.Integer()
    code = fields.String()
    message = fields.String()
    at = Instant()


class DeliveriesAnswer(Schema):
    """How far the CRM was told about a campaign."""

    state = fields.Enum(DeliveryState, by_value=True)
    at = Instant()
    counts = fields.List(fields.Nested(DeliveryCountAnswer))


class CampaignAnswer(Schema):
    """One campaign under one attribution model."""

    id = CampaignId(attribute="key")
    connection = fields.String(attribute="key.connection")
    crm_id = fields.String(attribute="key.id")
    name = fields.String()
    type = fields.String()
    status = fields.String()
    start_date = fields.Date()
    end_date = fields.Date()
    deleted = fields.Boolean()
    cost = fields.Nested(CostAnswer, allow_none=True)
    people = fields.Integer()
    results = fields.Nested(TallyAnswer, attribute="tally")
    delivery = fields.Nested(DeliveriesAnswer, attribute="deliveries")


class ToldAnswer(Schema):
    """What a campaign's own record should show, and whether the CRM has taken it."""

    desired = fields.Function(lambda told: dump_feedback(told.feedback))
    changed_at = Instant()
    state = fields.Enum(DeliveryState, by_value=True)
    older = fields.Boolean()
    at = Instant()
    code = fields.String()
    message = fields.String()


class TouchAnswer(Schema):
    """A touch behind a decision."""

    campaign = CampaignId()
    campaign_name = fields.String()
    member_id = fields.String()
    person_connection = fields.String()
    person_object = fields.Enum(ObjectType, by_value=True)
    person_id = fields.String()
    person_name = fields.String()
    touched_at = Instant()
    link = fields.String()


class DispositionAnswer(Schema):
    """The share that one decision gives to one campaign, or to none."""

    id = fields.Integer(attribute="position.ledger_id")
    connection = fields.String()
    object = fields.Enum(ObjectType, by_value=True)
    crm_id = fields.String()
    name = fields.String()
    entry = fields.Integer()
    outcome = fields.Enum(Outcome, by_value=True)
    reason = fields.String()
    contributing = fields.List(fields.String())
    raw_reason = fields.String()
    note = fields.String()
    rule = fields.String()
    stage = fields.String()
    decided_at = Instant()
    decided_by = fields.String()
    learned_at = Instant()
    amount = fields.Nested(MoneyAnswer, allow_none=True)
    attributed_amount = fields.Nested(MoneyAnswer, allow_none=True)
    share = Exact()
    cause = fields.Enum(Cause, by_value=True)
    campaign = CampaignId()
    campaign_name = fields.String()
    touches = fields.List(fields.Nested(TouchAnswer))


class ReconciliationAnswer(Schema):
    """Where every decision that stands went: `standing` = `credited` + `unattributed` + `missing`."""

    model = fields.Enum(AttributionModel, by_value=True)
    standing = fields.Integer()
    credited = Exact(attribute="credited.credit")
    unattributed = Exact()
    missing = Exact()


class UnmappedAnswer(Schema):
    """A raw reason that no rule knows."""

    connection = fields.String()
    object = fields.Enum(ObjectType, by_value=True)
    outcome = fields.Enum(Outcome, by_value=True)
    raw_reason = fields.String()
    decisions = fields.Integer()
    last_decided_at = Instant()
