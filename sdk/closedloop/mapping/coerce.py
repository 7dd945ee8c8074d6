"""Checks the values that are to be written, and gives them the types that records have.

A value is one of ours, or its form in our JSON: text for a day, a time or an exact number. What merely
counts as one is refused: text for true or false, a naive datetime, NaN. Blank text is None, which clears.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from closedloop.errors import BadValueError
from closedloop.mapping import convert, ids
from closedloop.mapping.convert import FaultError
from closedloop.mapping.document import nearest
from closedloop.mapping.shape import Slot
from closedloop.mapping.spec import FieldSpec
from closedloop.schema.records import Money
from closedloop.schema.vocabulary import CrmName


def coerced(crm: CrmName, spec: FieldSpec, slot: Slot, value: Any) -> Any:
    """The value as the field of ours holds it; BadValueError says why it cannot."""
    try:
        found = _value(crm, spec, slot, value)
    except FaultError as fault:
        raise BadValueError(f"`{slot.name}`: {fault.message}", field=slot.name, reason=fault.reason) from None
    if found is None and slot.required:
        raise BadValueError(f"`{slot.name}` cannot be cleared", field=slot.name, reason="required")
    if found and spec.starts_with and not str(found).startswith(spec.starts_with):
        raise BadValueError(
            f"`{slot.name}`: expected an id that starts with {spec.starts_with}",
            field=slot.name,
            reason="wrong_prefix",
        )
    return found


def same(crm: CrmName, spec: FieldSpec, given: Any, held: Any) -> bool:
    """Whether writing `given` over `held` would change nothing that the CRM keeps."""
    if isinstance(given, Money) and isinstance(held, Money):
        return given.amount == held.amount and given.currency in {None, held.currency}
    if isinstance(given, datetime) and isinstance(held, datetime):
        return _kept(crm, given) == _kept(crm, held)
    if isinstance(given, tuple) and isinstance(held, tuple):  # neither CRM keeps the order of several choices
        return set(given) == set(held)
    if spec.type == "email" and given and held:  # both CRMs keep addresses in lower case
        return bool(given.lower() == held.lower())
    return bool(given == held)


def _kept(crm: CrmName, value: datetime) -> datetime:
    """The time as finely as the CRM keeps it: Salesforce to the second, HubSpot to the millisecond."""
    fraction = 0 if crm is CrmName.SALESFORCE else value.microsecond // 1000 * 1000
    return value.replace(microsecond=fraction)


def _value(crm: CrmName, spec: FieldSpec, slot: Slot, value: Any) -> Any:
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    if slot.type is str:
        return _TEXTS[spec.type](crm, _text(value)) if spec.type in _TEXTS else _text(value)
    if issubclass(slot.type, StrEnum):
        return _word(slot.type, value)
    return _TYPES[slot.type](value)


def _fault(value: object, expected: str) -> FaultError:
    return FaultError("wrong_type", f"expected {expected}, got {_said(value)}")


def _said(value: object) -> str:
    names: Mapping[type, str] = {bool: "true or false", str: "text", int: "a number", dict: "a mapping"}
    return names.get(type(value), f"a {type(value).__name__}")


def _text(value: Any) -> str | None:
    if not isinstance(value, str):
        raise _fault(value, "text")
    return convert.to_text(str(value))


def _id(crm: CrmName, value: Any) -> str | None:
    return ids.salesforce_id(value) if crm is CrmName.SALESFORCE else ids.hubspot_id(value)


_TEXTS: Mapping[str, Callable[[CrmName, Any], str | None]] = {
    "id": _id,
    "guid": lambda _, value: ids.guid(value),
    "email": lambda _, value: convert.to_email(value),
}


def _word(words: type[StrEnum], value: Any) -> StrEnum:
    try:
        return words(value)
    except ValueError:
        raise FaultError("unknown_value", f"this is not one of our words{nearest(value, words)}") from None


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise _fault(value, "true or false")
    return value


def _whole(value: Any) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int):
        raise _fault(value, "a whole number")
    return convert.to_int(value)


def _number(value: Any) -> Decimal | None:
    return convert.to_decimal(value)


def _money(value: Any) -> Money | None:
    if isinstance(value, Money):
        return convert.to_money(_amount(value.amount), _text(value.currency) if value.currency else None)
    if isinstance(value, Mapping):
        if not set(value) <= {"amount", "currency"} or "amount" not in value:
            raise FaultError("wrong_type", "expected money as `amount` and `currency`")
        return _money(Money(amount=value["amount"], currency=value.get("currency")))
    return convert.to_money(_amount(value), None)


def _amount(value: Any) -> Any:
    if value is None:
        raise FaultError("wrong_type", "money without an amount: write None to clear it")
    return value


def _day(value: Any) -> date | None:
    if isinstance(value, datetime):
        raise FaultError("wrong_type", "expected a day, got a time: give its `.date()` in the zone you mean")
    if isinstance(value, date):
        return value
    if isinstance(value, str) and len(value.strip()) == 10:
        return convert.to_date(value.strip())
    raise _fault(value, "a day such as 2026-11-20")


def _time(value: Any) -> datetime | None:
    if isinstance(value, datetime) or (isinstance(value, str) and "T" in value):
        try:
            return convert.to_datetime(value)
        except OverflowError:
            raise FaultError("bad_datetime", "the time is out of range in UTC") from None
    raise _fault(value, "a time with its zone, such as 2026-11-20T14:03:00Z")


def _choices(value: Any) -> tuple[str, ...] | None:
    if not isinstance(value, list | tuple):
        raise _fault(value, "a list of texts")
    found = convert.to_list([_text(item) for item in value])
    if any(";" in item for item in found or ()):
        raise FaultError("bad_list", "a choice cannot hold `;`, which stands between choices")
    return found


_TYPES: Mapping[type, Callable[[Any], Any]] = {
    bool: _flag,
    int: _whole,
    Decimal: _number,
    Money: _money,
    date: _day,
    datetime: _time,
    tuple: _choices,
}
