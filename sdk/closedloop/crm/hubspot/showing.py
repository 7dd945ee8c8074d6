"""What our properties say in HubSpot: feedback as the text that HubSpot's API takes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal

from closedloop.crm.hubspot.payloads import iso
from closedloop.loop.feedback import CampaignFeedback, PersonFeedback, ReasonTotal
from closedloop.schema.records import Money
from closedloop.schema.vocabulary import DECIDED, OUTCOME_LABELS, REASONS, Outcome

_TEXT_LIMIT = 60_000
"""HubSpot's text properties hold 65,536 characters."""

_PERSON: Mapping[str, Callable[[PersonFeedback], str | None]] = {
    "outcome": lambda given: OUTCOME_LABELS[given.outcome] if given.outcome else None,
    "reason": lambda given: REASONS[given.reason].label if given.reason else None,
    "raw_reason": lambda given: given.raw_reason,
    "note": lambda given: given.note,
    "stage": lambda given: given.stage,
    "decided_at": lambda given: iso(given.decided_at) if given.decided_at else None,
    "decided_by": lambda given: given.decided_by,
}

_COUNTED: Mapping[str, Outcome] = {outcome.value: outcome for outcome in DECIDED}


def person_values(given: PersonFeedback) -> dict[str, str]:
    """Our fields of a contact; all of them empty, which clears them, when no decision stands."""
    if given.outcome is None:
        return dict.fromkeys(_PERSON, "")
    return {name: (show(given) or "")[:_TEXT_LIMIT] for name, show in _PERSON.items()}


def campaign_values(given: CampaignFeedback, currency: str | None) -> dict[str, str]:
    """Our fields of a campaign. A number has one currency: amounts in others than the portal's stand in
    the reports, not here."""
    counted = {name: number(given.credits.get(outcome, Decimal(0))) for name, outcome in _COUNTED.items()}
    return {
        **counted,
        "won_amount": _amount(given.won_amounts, currency),
        "lost_amount": _amount(given.lost_amounts, currency),
        "top_reasons": "\n".join(_reasons(given.top_reasons))[:_TEXT_LIMIT],
        "last_decision_at": iso(given.last_decision_at) if given.last_decision_at else "",
        "model": given.model.value,
    }


def campaign_lines(given: CampaignFeedback) -> list[str]:
    """The lines of the block in a campaign's notes."""
    counted = [f"{OUTCOME_LABELS[o]}: {number(given.credits.get(o, Decimal(0)))}" for o in DECIDED]
    reasons = [f"- {line}" for line in _reasons(given.top_reasons)]
    return [
        *counted,
        *_amounts("Won", given.won_amounts),
        *_amounts("Lost", given.lost_amounts),
        *(["Reasons:", *reasons] if reasons else []),
        f"Attribution: {given.model.value}.{_last(given.last_decision_at)}",
    ]


def number(value: Decimal) -> str:
    """The number in plain digits: at most six decimals, no trailing zeros, no exponent."""
    text = f"{value:.6f}"
    text = text.rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def _reasons(totals: Iterable[ReasonTotal]) -> list[str]:
    return [
        f"{OUTCOME_LABELS[total.outcome]}, {REASONS[total.reason].label}: {number(total.credit)}"
        for total in totals
        if total.reason is not None
    ]


def _amounts(label: str, amounts: Sequence[Money]) -> list[str]:
    return [f"{label} amount: {money.currency or ''}".rstrip() + f" {money.amount:.2f}" for money in amounts]


def _amount(amounts: Iterable[Money], currency: str | None) -> str:
    return number(sum((money.amount for money in amounts if money.currency == currency), Decimal(0)))


def _last(moment: datetime | None) -> str:
    return f" Last decision: {moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}." if moment else ""
