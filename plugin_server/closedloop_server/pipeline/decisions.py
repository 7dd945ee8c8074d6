"""What becomes a new line of the ledger."""

from __future__ import annotations

from typing import Any

from closedloop.loop.dispositions import Decision
from closedloop.schema.records import Lead, Opportunity
from closedloop.schema.vocabulary import Outcome


def next_decision(
    record: Lead | Opportunity, decision: Decision | None, last: Decision | None
) -> Decision | None:
    """What the ledger has to learn when a record says `decision` and `last` held; None for nothing."""
    if decision is None:
        if last is None or last.outcome is Outcome.REOPENED:
            return None
        return _reopened(record)
    if last is not None and _told(decision, record) == _told(last, record):
        return None
    return decision


def _reopened(record: Lead | Opportunity) -> Decision:
    """That an earlier decision is taken back. When a deleted record was deleted, the CRM does not say."""
    return Decision(
        outcome=Outcome.REOPENED,
        reason=None,
        stage=record.stage,
        decided_at=None if record.deleted else record.stage_changed_at or record.updated_at,
        decided_by=None if record.deleted else record.stage_changed_by,
    )


def _told(decision: Decision, record: Lead | Opportunity) -> tuple[Any, ...]:
    """What makes two decisions different ones.

    Not the rule, whose line moves when the mapping is edited, and not who decided: Salesforce tells only who
    touched the record last. Nor the date, where the CRM keeps none of the stage change: then it is that of
    the last edit, whatever this was about.
    """
    amount = decision.amount
    return (
        decision.outcome,
        decision.reason,
        decision.contributing,
        decision.raw_reason,
        decision.note,
        decision.stage,
        decision.decided_at if record.stage_changed_at else None,
        amount and (amount.amount, amount.currency),
    )
