"""What a campaign and its people should show in the CRM: the state that delivery makes true.

A feedback value is complete: delivering it twice changes nothing, and the newest one replaces all before.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import ClassVar

from closedloop.schema.records import Money, Ref
from closedloop.schema.vocabulary import AttributionModel, Outcome, ReasonCode


class FeedbackKind(StrEnum):
    """What a feedback value is about."""

    PERSON = "person"
    CAMPAIGN = "campaign"
    REASON = "reason"


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonFeedback:
    """What sales decided last about one person, shown on `target`: the campaign member in Salesforce, the
    contact in HubSpot. `outcome` None: every decision was taken back, and the target shows nothing."""

    kind: ClassVar[FeedbackKind] = FeedbackKind.PERSON

    target: Ref
    outcome: Outcome | None
    reason: ReasonCode | None = None
    raw_reason: str | None = None
    note: str | None = None
    stage: str | None = None
    decided_at: datetime | None = None
    decided_by: str | None = None

    @property
    def key(self) -> str:
        """Identifies the target among all feedback of a connection."""
        return f"{self.kind}|{self.target.object}|{self.target.id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReasonTotal:
    """How much of a campaign's credit went to one outcome and reason. `decisions` counts the decisions
    that touch the campaign at all; `credit` is their attributed sum, exact; `amounts` are attributed too."""

    outcome: Outcome
    reason: ReasonCode | None
    credit: Decimal
    decisions: int
    amounts: tuple[Money, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignFeedback:
    """A campaign's totals under one attribution model. `credits` holds every counted outcome, zero or not."""

    kind: ClassVar[FeedbackKind] = FeedbackKind.CAMPAIGN

    campaign_id: str
    model: AttributionModel
    credits: Mapping[Outcome, Decimal]
    reasons: tuple[ReasonTotal, ...] = field(default=())
    won_amounts: tuple[Money, ...] = ()
    lost_amounts: tuple[Money, ...] = ()
    last_decision_at: datetime | None = None

    @property
    def key(self) -> str:
        """Identifies the target among all feedback of a connection."""
        return f"{self.kind}|{self.campaign_id}"

    @property
    def top_reasons(self) -> tuple[ReasonTotal, ...]:
        """The reasons of everything but accepted leads, the heaviest first."""
        told = [total for total in self.reasons if total.reason is not None and total.credit]
        return tuple(sorted(told, key=lambda total: (-total.credit, total.outcome, str(total.reason))))


@dataclass(frozen=True, slots=True, kw_only=True)
class ReasonFeedback:
    """One row campaign × outcome × reason, for the CRM's own reports. A row that lost all credit shows 0."""

    kind: ClassVar[FeedbackKind] = FeedbackKind.REASON

    campaign_id: str
    model: AttributionModel
    total: ReasonTotal

    @property
    def key(self) -> str:
        """Identifies the row among all feedback of a connection."""
        return f"{self.kind}|{self.campaign_id}|{self.total.outcome}|{self.total.reason or ''}"


Feedback = PersonFeedback | CampaignFeedback | ReasonFeedback


class Delivery(StrEnum):
    """How one feedback value fared."""

    DELIVERED = "delivered"
    REFUSED = "refused"
    RETRY = "retry"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryResult:
    """The fate of one feedback value. `code` and `message` are the CRM's words, without personal data;
    `retry_after` is in seconds."""

    key: str
    delivery: Delivery
    code: str | None = None
    message: str | None = None
    retry_after: float | None = None
