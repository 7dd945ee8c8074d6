"""What becomes a new line of the ledger, and what does not."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from closedloop.loop.dispositions import Decision
from closedloop.schema.records import Lead, Money, Opportunity
from closedloop.schema.vocabulary import CrmName, Outcome, ReasonCode
from closedloop_server.pipeline.decisions import next_decision

NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)
DEAL = Opportunity(
    crm=CrmName.SALESFORCE, id="O1", stage="Closed Lost", stage_changed_at=NOON, updated_at=NOON
)
LEAD = Lead(crm=CrmName.SALESFORCE, id="L1", stage="Unqualified", updated_at=NOON)
LOST = Decision(
    outcome=Outcome.LOST,
    reason=ReasonCode.PRICE,
    raw_reason="Price",
    rule="reasons.yaml:40",
    stage="Closed Lost",
    decided_at=NOON,
    decided_by="005A",
    amount=Money(amount=Decimal(1000), currency="EUR"),
)


def test_the_first_decision_is_learned() -> None:
    assert next_decision(DEAL, LOST, None) is LOST


def test_an_open_record_that_was_never_decided_says_nothing() -> None:
    assert next_decision(DEAL, None, None) is None


@pytest.mark.parametrize(
    "change",
    [
        {"outcome": Outcome.WON},
        {"reason": ReasonCode.COMPETITOR},
        {"contributing": (ReasonCode.NO_FIT,)},
        {"raw_reason": "price"},
        {"note": "They told us so."},
        {"stage": "Lost to nobody"},
        {"amount": Money(amount=Decimal(1001), currency="EUR")},
        {"amount": Money(amount=Decimal(1000), currency="USD")},
        {"amount": None},
        {"decided_at": NOON + timedelta(seconds=1)},
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_change_of_what_was_decided_is_learned(change: dict[str, Any]) -> None:
    decision = replace(LOST, **change)
    assert next_decision(DEAL, decision, LOST) is decision


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"rule": "reasons.yaml:41"},
        {"decided_by": "005B"},
        {"amount": Money(amount=Decimal("1000.00"), currency="EUR")},
    ],
)
def test_what_does_not_change_the_decision_adds_nothing(change: dict[str, Any]) -> None:
    assert next_decision(DEAL, replace(LOST, **change), LOST) is None


def test_without_a_date_of_the_stage_change_a_later_edit_is_no_new_decision() -> None:
    rejected = replace(LOST, outcome=Outcome.DISQUALIFIED, stage="Unqualified", amount=None)
    edited = replace(rejected, decided_at=NOON + timedelta(days=3), decided_by="005B")
    assert next_decision(LEAD, edited, rejected) is None


def test_an_open_record_takes_its_decision_back_once() -> None:
    opened = replace(
        DEAL, stage="Prospecting", stage_changed_at=NOON + timedelta(days=1), stage_changed_by="005B"
    )
    learned = next_decision(opened, None, LOST)
    assert learned is not None
    assert (learned.outcome, learned.reason, learned.stage) == (Outcome.REOPENED, None, "Prospecting")
    assert (learned.decided_at, learned.decided_by) == (NOON + timedelta(days=1), "005B")
    assert next_decision(opened, None, learned) is None
    assert next_decision(DEAL, LOST, learned) is LOST


def test_when_a_deleted_record_was_deleted_nobody_says() -> None:
    learned = next_decision(replace(DEAL, deleted=True), None, LOST)
    assert learned is not None
    assert (learned.outcome, learned.decided_at, learned.decided_by) == (Outcome.REOPENED, None, None)
