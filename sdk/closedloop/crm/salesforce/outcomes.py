"""What became of a record that was written: from Salesforce's answer about it to a result."""

from __future__ import annotations

from collections.abc import Mapping

from closedloop.crm.results import Draft, Verb, WriteOutcome, WriteResult
from closedloop.crm.salesforce.batches import Outcome
from closedloop.crm.salesforce.codes import BAD_REFERENCE
from closedloop.crm.salesforce.ids import full_id
from closedloop.errors import (
    ClosedLoopError,
    CrmError,
    GoneError,
    MergedError,
    RetryableError,
    UncertainError,
    ValueRefusedError,
)

_OUTCOMES: Mapping[Verb, WriteOutcome] = {
    Verb.CREATE: WriteOutcome.CREATED,
    Verb.UPDATE: WriteOutcome.UPDATED,
    Verb.UPSERT: WriteOutcome.UPDATED,
    Verb.DELETE: WriteOutcome.DELETED,
}


def result(verb: Verb, draft: Draft, outcome: Outcome | ClosedLoopError) -> WriteResult:
    """The result of a draft; what is gone already counts as deleted, and what may be repeated as not done."""
    if isinstance(outcome, GoneError) and verb is Verb.DELETE:
        return WriteResult(outcome=WriteOutcome.DELETED, id=draft.id)
    if isinstance(outcome, UncertainError) and verb in {Verb.UPDATE, Verb.DELETE}:
        outcome = RetryableError(
            outcome.message, reason=outcome.reason, status=outcome.status, code=outcome.code
        )
    if isinstance(outcome, ClosedLoopError):
        return WriteResult(outcome=WriteOutcome.FAILED, id=draft.id, error=outcome)
    created = verb is Verb.UPSERT and outcome.get("created") is True
    try:
        made = draft.id or full_id(outcome.get("id"))
    except ValueError:
        error = UncertainError("Salesforce did it, but gave no id: look for the record", reason="no_id")
        return WriteResult(outcome=WriteOutcome.FAILED, error=error)
    return WriteResult(outcome=WriteOutcome.CREATED if created else _OUTCOMES[verb], id=made)


def is_stale(outcome: object) -> bool:
    """Whether a whole request was refused for a field or object that went away since it was described."""
    return (
        isinstance(outcome, CrmError)
        and outcome.code in {"INVALID_FIELD", "INVALID_TYPE"}
        and outcome.status is not None
    )


def is_gone(outcome: object) -> bool:
    """Whether a record, or one that it names, was called gone: not the path of the whole request."""
    return isinstance(outcome, GoneError) and outcome.status is None


def fate_of(fate: GoneError | None, outcome: Outcome) -> Outcome:
    """The error of a record that was called gone, by what became of it; None: it is there."""
    if fate is None:
        return reference_gone(outcome)
    return fate if isinstance(fate, MergedError) else outcome


def reference_gone(outcome: Outcome) -> Outcome:
    """The error of a record that is there, but names one that is gone."""
    if not isinstance(outcome, GoneError):
        return outcome
    return ValueRefusedError(
        f"Salesforce answered {outcome.code}: {BAD_REFERENCE.advice}",
        reason=BAD_REFERENCE.reason,
        status=outcome.status,
        code=outcome.code,
    )
