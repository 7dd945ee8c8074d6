"""What the API answers, described by marshmallow. Decimals are text: exact, without an exponent."""

from __future__ import annotations

from typing import Any

from marshmallow import fields

from closedloop.loop.attribution import Cause
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
from closedloop_server.api.fields import Answer, CampaignId, Exact, Instant
from closedloop_server.store.reports import DeliveryState


class MoneyAnswer(Answer):
    """An amount and its currency, which is null where the CRM does not say."""

    amount = Exact()
    currency = fields.String(allow_none=True)


class ReasonAnswer(Answer):
    """The credit of one outcome and reason; accepted leads have no reason."""

    outcome = fields.Enum(Outcome, by_value=True)
    reason = fields.Enum(ReasonCode, by_value=True, allow_none=True)
    label = fields.Function(
        lambda line: reason_label(line.outcome, line.reason),
        metadata={"type": "string", "examples": ["Lost, Price"]},
    )
    credit = Exact()
    decisions = fields.Integer()
    amounts = fields.List(fields.Nested(MoneyAnswer))


def reason_label(outcome: Outcome, reason: ReasonCode | None) -> str:
    """What a marketer reads: "Lost, Price"."""
    label = OUTCOME_LABELS[outcome]
    return label if reason is None else f"{label}, {REASONS[reason].label}"


class TallyAnswer(Answer):
    """What sales decided, summed."""

    decisions = fields.Integer()
    credit = Exact()
    credits = fields.Dict(keys=fields.Enum(Outcome, by_value=True), values=Exact())
    reasons = fields.List(fields.Nested(ReasonAnswer), attribute="lines")
    won_amounts = fields.List(fields.Nested(MoneyAnswer))
    lost_amounts = fields.List(fields.Nested(MoneyAnswer))
    last_decision_at = Instant(allow_none=True)


class CostAnswer(Answer):
    """What a campaign cost; `actual` false: what was planned."""

    amount = Exact(attribute="money.amount")
    currency = fields.String(attribute="money.currency", allow_none=True)
    actual = fields.Boolean()


class DeliveryCountAnswer(Answer):
    """How many values of a kind are in one state of delivery."""

    kind = fields.Enum(FeedbackKind, by_value=True)
    state = fields.Enum(DeliveryState, by_value=True)
    count = fields.Integer()
    code = fields.String(allow_none=True)
    message = fields.String(allow_none=True)
    at = Instant(allow_none=True)


class DeliveriesAnswer(Answer):
    """How far the CRM was told about a campaign."""

    state = fields.Enum(DeliveryState, by_value=True)
    at = Instant(allow_none=True)
    counts = fields.List(fields.Nested(DeliveryCountAnswer))


class CampaignAnswer(Answer):
    """One campaign under one attribution model."""

    id = CampaignId(attribute="key")
    connection = fields.String(attribute="key.connection")
    crm_id = fields.String(attribute="key.id")
    name = fields.String(allow_none=True)
    type = fields.String(allow_none=True)
    status = fields.String(allow_none=True)
    start_date = fields.Date(allow_none=True)
    end_date = fields.Date(allow_none=True)
    deleted = fields.Boolean()
    cost = fields.Nested(CostAnswer, allow_none=True)
    people = fields.Integer()
    results = fields.Nested(TallyAnswer, attribute="tally")
    delivery = fields.Nested(DeliveriesAnswer, attribute="deliveries")


class ReasonTotalAnswer(Answer):
    """How much of a campaign's credit went to one outcome and reason."""

    outcome = fields.Enum(Outcome, by_value=True)
    reason = fields.Enum(ReasonCode, by_value=True, allow_none=True)
    credit = Exact()
    decisions = fields.Integer()
    amounts = fields.List(fields.Nested(MoneyAnswer))


class FeedbackAnswer(Answer):
    """A campaign's totals as they are told to the CRM."""

    kind = fields.Enum(FeedbackKind, by_value=True)
    campaign_id = fields.String()
    model = fields.Enum(AttributionModel, by_value=True)
    credits = fields.Dict(keys=fields.Enum(Outcome, by_value=True), values=Exact())
    reasons = fields.List(fields.Nested(ReasonTotalAnswer))
    won_amounts = fields.List(fields.Nested(MoneyAnswer))
    lost_amounts = fields.List(fields.Nested(MoneyAnswer))
    last_decision_at = Instant(allow_none=True)


class Feedback(fields.Nested):
    """Feedback in the form in which the library reads and writes it."""

    def _serialize(self, *told: Any, **_: Any) -> Any:
        return dump_feedback(told[0])


class ToldAnswer(Answer):
    """What a campaign's own record should show, and whether the CRM has taken it."""

    desired = Feedback(FeedbackAnswer, attribute="feedback")
    changed_at = Instant()
    state = fields.Enum(DeliveryState, by_value=True)
    older = fields.Boolean()
    at = Instant(allow_none=True)
    code = fields.String(allow_none=True)
    message = fields.String(allow_none=True)


class TouchAnswer(Answer):
    """A touch behind a decision."""

    campaign = CampaignId()
    campaign_name = fields.String(allow_none=True)
    member_id = fields.String()
    person_connection = fields.String()
    person_object = fields.Enum(ObjectType, by_value=True)
    person_id = fields.String()
    person_name = fields.String(allow_none=True)
    touched_at = Instant(allow_none=True)
    link = fields.String()


class DispositionAnswer(Answer):
    """The share that one decision gives to one campaign, or to none."""

    id = fields.Integer(attribute="position.ledger_id")
    connection = fields.String()
    object = fields.Enum(ObjectType, by_value=True)
    crm_id = fields.String()
    name = fields.String(allow_none=True)
    entry = fields.Integer()
    outcome = fields.Enum(Outcome, by_value=True)
    reason = fields.Enum(ReasonCode, by_value=True, allow_none=True)
    contributing = fields.List(fields.Enum(ReasonCode, by_value=True))
    raw_reason = fields.String(allow_none=True)
    note = fields.String(allow_none=True)
    rule = fields.String()
    stage = fields.String(allow_none=True)
    decided_at = Instant(allow_none=True)
    decided_by = fields.String(allow_none=True)
    learned_at = Instant()
    amount = fields.Nested(MoneyAnswer, allow_none=True)
    attributed_amount = fields.Nested(MoneyAnswer, allow_none=True)
    share = Exact()
    cause = fields.Enum(Cause, by_value=True, allow_none=True)
    campaign = CampaignId(allow_none=True)
    campaign_name = fields.String(allow_none=True)
    touches = fields.List(fields.Nested(TouchAnswer))


class ReconciliationAnswer(Answer):
    """Where every decision that stands went: `standing` = `credited` + `unattributed` + `missing`."""

    model = fields.Enum(AttributionModel, by_value=True)
    standing = fields.Integer()
    credited = Exact(attribute="credited.credit")
    unattributed = Exact()
    missing = Exact()


class UnmappedAnswer(Answer):
    """A raw reason that no rule knows."""

    connection = fields.String()
    object = fields.Enum(ObjectType, by_value=True)
    outcome = fields.Enum(Outcome, by_value=True)
    raw_reason = fields.String(allow_none=True)
    decisions = fields.Integer()
    last_decided_at = Instant(allow_none=True)
