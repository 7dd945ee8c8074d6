"""What sales decided, read from a record and the meaning of its stage."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from closedloop.loop.dispositions import ReasonMatch, decide
from closedloop.schema.records import Lead, Opportunity
from closedloop.schema.vocabulary import CrmName, Outcome, ReasonCode, StageMeaning

LATER = datetime(2026, 5, 1, tzinfo=UTC)


def reasons(raw: str | None, outcome: Outcome) -> ReasonMatch:
    return ReasonMatch(code=ReasonCode(raw) if raw else ReasonCode.UNSPECIFIED, rule="reasons.yaml:1")


def lead(**fields: Any) -> Lead:
    return Lead(crm=CrmName.SALESFORCE, id="00Q000000000001AAA", **fields)


def deal(**fields: Any) -> Opportunity:
    return Opportunity(crm=CrmName.HUBSPOT, id="77", **fields)


@pytest.mark.parametrize(
    ("meaning", "outcome"),
    [
        (StageMeaning.OPEN, None),
        (StageMeaning.UNKNOWN, None),
        (StageMeaning.ACCEPTED, Outcome.ACCEPTED),
        (StageMeaning.RECYCLED, Outcome.RECYCLED),
        (StageMeaning.DISQUALIFIED, Outcome.DISQUALIFIED),
    ],
)
def test_the_stage_of_a_lead_says_what_was_decided(meaning: StageMeaning, outcome: Outcome | None) -> None:
    decision = decide(lead(reason="no_budget"), meaning, reasons)
    assert (decision.outcome if decision else None) == outcome


def test_a_converted_lead_is_accepted_and_needs_no_reason() -> None:
    decision = decide(lead(converted=True, reason="no_budget"), StageMeaning.DISQUALIFIED, reasons)
    assert decision is not None
    assert (decision.outcome, decision.reason, decision.raw_reason) == (Outcome.ACCEPTED, None, None)


@pytest.mark.parametrize("raw", ["duplicate", "existing_customer", "already_engaged"])
def test_a_disqualification_that_rejects_nobody_is_no_action(raw: str) -> None:
    decision = decide(lead(reason=raw), StageMeaning.DISQUALIFIED, reasons)
    assert decision is not None
    assert decision.outcome is Outcome.NO_ACTION


def test_a_decision_without_a_reason_says_so() -> None:
    decision = decide(lead(), StageMeaning.DISQUALIFIED, reasons)
    assert decision is not None
    assert decision.reason is ReasonCode.UNSPECIFIED


def test_the_reason_that_counts_belongs_to_the_final_stage() -> None:
    both = deal(lost_reason="price", won_reason="won_fit", closed=True, won=True)
    decision = decide(both, StageMeaning.WON, reasons)
    assert decision is not None
    assert (decision.outcome, decision.reason) == (Outcome.WON, ReasonCode.WON_FIT)


def test_a_loss_reason_left_on_an_open_deal_is_no_decision() -> None:
    assert decide(deal(lost_reason="price"), StageMeaning.OPEN, reasons) is None


def test_a_deleted_record_is_no_decision() -> None:
    assert decide(lead(deleted=True), StageMeaning.DISQUALIFIED, reasons) is None


@pytest.mark.parametrize(("won", "outcome"), [(True, Outcome.WON), (False, Outcome.LOST)])
def test_without_stage_metadata_the_crms_own_computed_fields_decide(won: bool, outcome: Outcome) -> None:
    decision = decide(deal(closed=True, won=won), StageMeaning.UNKNOWN, reasons)
    assert decision is not None
    assert decision.outcome is outcome


def test_the_time_of_a_decision_is_when_the_stage_was_set_else_when_the_record_changed() -> None:
    changed = datetime(2026, 5, 3, tzinfo=UTC)
    with_history = decide(
        lead(stage_changed_at=LATER, updated_at=changed), StageMeaning.DISQUALIFIED, reasons
    )
    without = decide(lead(updated_at=changed), StageMeaning.DISQUALIFIED, reasons)
    assert with_history is not None
    assert without is not None
    assert (with_history.decided_at, without.decided_at) == (LATER, changed)
