"""From a lead or an opportunity, and the meaning of the stage it stands in, to what sales decided."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from closedloop.schema.records import Lead, Money, Opportunity
from closedloop.schema.vocabulary import NOT_REJECTIONS, Outcome, ReasonCode, StageMeaning


@dataclass(frozen=True, slots=True, kw_only=True)
class ReasonMatch:
    """What a raw reason became and which rule did it; `rule` is empty when none did.

    `contributing` are the further codes of a multi-select value, in its order.
    """

    code: ReasonCode
    rule: str = ""
    contributing: tuple[ReasonCode, ...] = ()


ReasonMapper = Callable[[str | None, Outcome], ReasonMatch]
"""Maps a raw reason, as the CRM keeps it, under an outcome."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What sales decided about one lead or opportunity, as its record says now."""

    outcome: Outcome
    reason: ReasonCode | None
    contributing: tuple[ReasonCode, ...] = ()
    raw_reason: str | None = None
    note: str | None = None
    rule: str = ""
    stage: str | None = None
    decided_at: datetime | None = None
    decided_by: str | None = None
    amount: Money | None = None


_OUTCOMES = {
    StageMeaning.ACCEPTED: Outcome.ACCEPTED,
    StageMeaning.RECYCLED: Outcome.RECYCLED,
    StageMeaning.DISQUALIFIED: Outcome.DISQUALIFIED,
    StageMeaning.WON: Outcome.WON,
    StageMeaning.LOST: Outcome.LOST,
}


def decide(record: Lead | Opportunity, meaning: StageMeaning, reasons: ReasonMapper) -> Decision | None:
    """What sales decided, or None while the record is open, deleted or in a stage without a meaning.

    The reason that counts belongs to the present outcome: a loss reason left over on a deal that was won
    in the end, or on a lead that was reopened, is not read.
    """
    outcome = None if record.deleted else _outcome(record, meaning)
    if outcome is None:
        return None
    raw = _raw_reason(record, outcome)
    match = None if outcome is Outcome.ACCEPTED else reasons(raw, outcome)
    if outcome is Outcome.DISQUALIFIED and match is not None and match.code in NOT_REJECTIONS:
        outcome = Outcome.NO_ACTION
    return Decision(
        outcome=outcome,
        reason=match.code if match else None,
        contributing=match.contributing if match else (),
        raw_reason=raw if match else None,
        note=record.reason_note if match else None,
        rule=match.rule if match else "",
        stage=record.stage,
        decided_at=record.stage_changed_at or record.updated_at,
        decided_by=record.stage_changed_by,
        amount=record.amount if isinstance(record, Opportunity) else None,
    )


def _outcome(record: Lead | Opportunity, meaning: StageMeaning) -> Outcome | None:
    if isinstance(record, Lead):
        return Outcome.ACCEPTED if record.converted else _OUTCOMES.get(meaning)
    if meaning is StageMeaning.UNKNOWN and record.closed:
        return Outcome.WON if record.won else Outcome.LOST
    return _OUTCOMES.get(meaning)


def _raw_reason(record: Lead | Opportunity, outcome: Outcome) -> str | None:
    if isinstance(record, Lead):
        return record.reason
    return record.won_reason if outcome is Outcome.WON else record.lost_reason
