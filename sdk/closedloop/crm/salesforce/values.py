"""Feedback as field values: what is written where, before anything is sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal

from closedloop.crm.salesforce.describes import Described, Field
from closedloop.crm.salesforce.soql import instant
from closedloop.loop.feedback import CampaignFeedback, Feedback, PersonFeedback, ReasonFeedback, ReasonTotal
from closedloop.schema.records import Money
from closedloop.schema.vocabulary import OUTCOME_LABELS, REASONS, ReasonCode

Value = str | int | float | None

_TEXTS = frozenset({"string", "textarea", "picklist", "combobox", "multipicklist", "url"})
_NUMBERS = frozenset({"double", "currency", "percent", "int"})
TYPES: Mapping[str, frozenset[str]] = {
    **dict.fromkeys(("outcome", "reason", "raw_reason", "note", "stage", "decided_by"), _TEXTS),
    **dict.fromkeys(("accepted", "recycled", "disqualified", "no_action", "won", "lost"), _NUMBERS),
    **dict.fromkeys(("won_amount", "lost_amount", "credit", "decisions", "amount"), _NUMBERS),
    **dict.fromkeys(("top_reasons", "model"), _TEXTS),
    **dict.fromkeys(("decided_at", "last_decision_at"), frozenset({"datetime"})),
    "campaign": frozenset({"reference"}),
}
"""The types that a field may have to take a value of ours: one wrong field would refuse a whole request."""


def values_of(feedback: Feedback, *, currency: str | None) -> dict[str, Value]:
    """Our names and values, complete: what is not to be shown is None, which clears the field."""
    match feedback:
        case PersonFeedback():
            return _person(feedback)
        case CampaignFeedback():
            return _campaign(feedback, currency)
        case ReasonFeedback():
            return _reason(feedback, currency)


def row_key(feedback: ReasonFeedback) -> str:
    """The external id of a campaign's row for one outcome and reason."""
    total = feedback.total
    return f"{feedback.campaign_id}|{total.outcome}|{total.reason or ''}"


def fitted(name: str, value: Value, described: Field) -> Value:
    """The value as the field can hold it: a text that is too long ends in an ellipsis."""
    if not isinstance(value, str) or not described.length or described.type not in _TEXTS:
        return value
    return _lines(value, described.length) if name == "top_reasons" else _cut(value, described.length)


def writable(described: Described, fields: Mapping[str, str], *, creates: bool) -> dict[str, Field]:
    """Our names and the org's fields for them: those that exist, may be written and have a fitting type."""
    found: dict[str, Field] = {}
    for ours, theirs in fields.items():
        field = described.field(theirs)
        allowed = field is not None and (field.updateable or (creates and field.createable))
        if field is not None and allowed and field.type in TYPES.get(ours, frozenset()):
            found[ours] = field
    return found


def _person(feedback: PersonFeedback) -> dict[str, Value]:
    names = ("outcome", "reason", "raw_reason", "note", "stage", "decided_at", "decided_by")
    if feedback.outcome is None:
        return dict.fromkeys(names)
    return {
        "outcome": OUTCOME_LABELS[feedback.outcome],
        "reason": _label(feedback.reason),
        "raw_reason": feedback.raw_reason,
        "note": feedback.note,
        "stage": feedback.stage,
        "decided_at": _at(feedback.decided_at),
        "decided_by": feedback.decided_by,
    }


def _campaign(feedback: CampaignFeedback, currency: str | None) -> dict[str, Value]:
    credit: dict[str, Value] = {outcome.value: _number(share) for outcome, share in feedback.credits.items()}
    return {
        **credit,
        "won_amount": _amount(feedback.won_amounts, currency),
        "lost_amount": _amount(feedback.lost_amounts, currency),
        "top_reasons": "\n".join(_line(total) for total in feedback.top_reasons) or None,
        "last_decision_at": _at(feedback.last_decision_at),
        "model": feedback.model.value,
    }


def _reason(feedback: ReasonFeedback, currency: str | None) -> dict[str, Value]:
    total = feedback.total
    return {
        "campaign": feedback.campaign_id,
        "outcome": OUTCOME_LABELS[total.outcome],
        "reason": _label(total.reason),
        "credit": _number(total.credit),
        "decisions": total.decisions,
        "amount": _amount(total.amounts, currency),
        "model": feedback.model.value,
    }


def _line(total: ReasonTotal) -> str:
    return f"{OUTCOME_LABELS[total.outcome]}, {_label(total.reason)}: {plain(total.credit)}"


def plain(number: Decimal) -> str:
    """The number in digits: no trailing zeros, never an exponent."""
    text = format(number, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def _label(reason: ReasonCode | None) -> str | None:
    return REASONS[reason].label if reason is not None else None


def _amount(amounts: Sequence[Money], currency: str | None) -> Value:
    """The sum of what is in the org's currency; nothing where there is only money of other currencies."""
    own = [money.amount for money in amounts if money.currency == currency]
    return None if amounts and not own else _number(sum(own, Decimal(0)))


def _number(value: Decimal) -> int | float:
    """A JSON number; a float is exact to 15 digits, and Salesforce keeps no more of a currency field."""
    return int(value) if value == value.to_integral_value() else float(value)


def _at(value: datetime | None) -> str | None:
    return None if value is None else instant(value)


def _cut(text: str, length: int) -> str:
    """At most `length` of the text. Counted as a browser would at worst: a line break and a character
    beyond the basic plane are two."""
    text = "".join(letter for letter in text if letter >= " " or letter in "\n\t")
    if _size(text) <= length:
        return text
    kept, left = [], length - 1
    for letter in text:
        left -= _size(letter)
        if left < 0:
            break
        kept.append(letter)
    return "".join(kept) + "…"


def _size(text: str) -> int:
    return sum(2 if letter == "\n" or letter > "\uffff" else 1 for letter in text)


def _lines(text: str, length: int) -> str:
    """As many whole lines as fit, and how many did not."""
    lines = text.split("\n")
    for kept in range(len(lines), 0, -1):
        rest = [f"and {len(lines) - kept} more"] if kept < len(lines) else []
        if _size(short := "\n".join([*lines[:kept], *rest])) <= length:
            return short
    return _cut(text, length)
