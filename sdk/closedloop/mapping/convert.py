"""Turns the values that CRMs send into ours. A blank becomes None; what cannot be ours is a FaultError.

A FaultError's message never repeats the value: it may be somebody's data.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, cast

from closedloop.schema.drafts import draft_of
from closedloop.schema.records import Money


class FaultError(ValueError):
    """A value that cannot be converted; `reason` is a stable slug."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message


_SHAPES: Mapping[type, str] = {
    dict: "an object",
    list: "a list",
    bool: "true or false",
    str: "text",
    int: "a number",
    float: "a number",
    Decimal: "a number",
}


def _wrong_type(value: object, expected: str) -> FaultError:
    shape = _SHAPES.get(type(value), type(value).__name__)
    return FaultError("wrong_type", f"the CRM sent {shape} where {expected} was expected")


def to_text(value: Any) -> str | None:
    """The text without surrounding blanks; a number as its digits."""
    if value is None:
        return None
    if not isinstance(value, str):
        return _number_text(value)
    if "\0" in value:
        raise FaultError("nul_character", "the text holds a NUL character, which no database keeps")
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            raise FaultError(
                "lone_surrogate", "the text holds half of a surrogate pair: it is not Unicode"
            ) from None
    return value.strip() or None


def _number_text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int) and value.bit_length() < 64:
        return str(value)
    if isinstance(value, int | float | Decimal):
        return format(to_decimal(value), "f")
    raise _wrong_type(value, "text")


_EMAIL = re.compile(r"[^\s@]+@[^\s@]+")


def to_email(value: Any) -> str | None:
    """The e-mail address as it was written."""
    text = to_text(value)
    if text is not None and not _EMAIL.fullmatch(text):
        raise FaultError("bad_email", "this is not an e-mail address: expected name@host")
    return text


_BOOLEANS: Mapping[str, bool] = {
    **dict.fromkeys(("true", "1", "1.0"), True),
    **dict.fromkeys(("false", "0", "0.0"), False),
}


def to_bool(value: Any) -> bool | None:
    """True or False from a boolean, or from `true`, `false`, `1`, `0` in any case."""
    if value is None or isinstance(value, bool):
        return value
    text = to_text(value)
    if text is None:
        return None
    if text.lower() not in _BOOLEANS:
        raise FaultError("bad_bool", "expected true, false, 1 or 0")
    return _BOOLEANS[text.lower()]


_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?", re.ASCII)
_LONGEST = 30


def to_decimal(value: Any) -> Decimal | None:
    """The exact number; a float by its shortest form, so that 0.1 is 0.1. NaN and infinities are refused."""
    if value is None:
        return None
    if type(value) is Decimal:
        text = str(value)
        if len(text) <= _LONGEST and "E" not in text and value.is_finite():
            return value
    elif type(value) is str or type(value) is float:
        text = str(value)
        if len(text) <= _LONGEST and text.replace(".", "", 1).isdigit() and text.isascii():
            number = Decimal(text)
            # Only what is very small would be written with an exponent.
            if text[0] not in "0." or "E" not in str(number):
                return number
    return _uncommon(value)


def _uncommon(value: Any) -> Decimal | None:
    if isinstance(value, str):
        value = value.strip()
        return _parsed(value) if value else None
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        raise _wrong_type(value, "a number")
    # str() of a longer int raises ValueError (the interpreter's limit is 4300 digits).
    if isinstance(value, int) and value.bit_length() > 400:
        raise _out_of_range()
    return _in_range(Decimal(value)) if isinstance(value, int) else _parsed(str(value))


def _parsed(text: str) -> Decimal:
    if not _NUMBER.fullmatch(text):
        raise FaultError("bad_number", "expected a plain decimal number such as 1200.50")
    return _in_range(Decimal(text))


def _in_range(number: Decimal) -> Decimal:
    text = str(number)
    if "E" not in text and len(text) <= _LONGEST:
        return number
    # Written out it has one digit more than its exponent says.
    if not -_LONGEST <= number.adjusted() < _LONGEST or len(number.as_tuple().digits) > _LONGEST:
        raise _out_of_range()
    # 1E+3 is written out: a stored amount reads the same wherever it came from.
    return Decimal(format(number, "f"))


def _out_of_range() -> FaultError:
    return FaultError("number_out_of_range", "the number is too large or too fine for an amount or a count")


def to_int(value: Any) -> int | None:
    """The whole number; `1.0` is one, `1.5` is refused."""
    number = to_decimal(value)
    if number is None:
        return None
    if number != number.to_integral_value():
        raise FaultError("bad_number", "expected a whole number")
    return int(number)


_CURRENCY = re.compile(r"[A-Z]{3}")
CODES: set[str] = set()
"""The currency codes that came already: there are few, and a look into a set is quicker than a pattern."""
_MoneyDraft = draft_of(Money)
_new: Callable[[type[Any]], Any] = object.__new__


def to_money(value: Any, currency: Any) -> Money | None:
    """The amount with its currency; no amount is no money, whatever the currency says."""
    amount = to_decimal(value)
    if amount is None:
        return None
    money = _new(_MoneyDraft)
    money.amount = amount
    money.currency = None if currency is None else _code(currency)
    money.__class__ = Money
    return cast("Money", money)


def _code(value: Any) -> str | None:
    if type(value) is str and value in CODES:
        return value
    code = to_text(value)
    if code is None:
        return None
    if not _CURRENCY.fullmatch(code.upper()):
        raise FaultError("bad_currency", "expected an ISO 4217 code such as EUR")
    CODES.add(code.upper())
    return code.upper()


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECONDS = re.compile(r"-?\d{1,15}", re.ASCII)
_ROUNDED_UP = re.compile(r"[.,]\d{6}[5-9]", re.ASCII)
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


def to_datetime(value: Any) -> datetime | None:
    """The instant in UTC, from ISO 8601 with a zone, epoch milliseconds, or a bare date (midnight UTC).

    Salesforce REST sends `2011-07-07T00:37:00.000+0000`, its outbound messages `…000Z`, its change events and
    HubSpot's older properties epoch milliseconds.
    """
    if value is None:
        return None
    if isinstance(value, str):
        value = value.strip()
        if not value:
            return None
        return _from_iso(value) if value[10:11] in {"T", "t", " "} else _from_short_text(value)
    return _aware(value) if isinstance(value, datetime) else _from_milliseconds(value)


def _from_iso(text: str) -> datetime:
    try:
        instant = datetime.fromisoformat(text.upper())  # RFC 3339 allows a small t and z
        if len(text) > 26 and _ROUNDED_UP.search(text):
            instant += timedelta(microseconds=1)
        return instant if instant.tzinfo is UTC else _aware(instant)
    except OverflowError:
        raise _bad_datetime() from None
    except ValueError as exc:
        raise exc if isinstance(exc, FaultError) else _bad_datetime() from None


def _aware(value: datetime) -> datetime:
    if value.utcoffset() is None:
        raise FaultError("naive_datetime", "the time has no zone: expected one such as 2026-11-20T14:03:00Z")
    return value.astimezone(UTC)


def _bad_datetime() -> FaultError:
    return FaultError("bad_datetime", "expected ISO 8601 such as 2026-11-20T14:03:00Z, or epoch milliseconds")


def _from_short_text(text: str) -> datetime:
    if _MILLISECONDS.fullmatch(text):
        return _from_milliseconds(int(text))
    if _DATE.fullmatch(text):
        try:
            return datetime.fromisoformat(text).replace(tzinfo=UTC)
        except ValueError:
            raise _bad_datetime() from None
    raise _bad_datetime()


def _from_milliseconds(value: Any) -> datetime:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        raise _wrong_type(value, "a date and time")
    whole = to_int(value)
    try:
        return _EPOCH + timedelta(milliseconds=whole or 0)
    except OverflowError:
        raise _bad_datetime() from None


def to_date(value: Any) -> date | None:
    """The day, from `YYYY-MM-DD` or from any form of a time, whose day in UTC it is.

    HubSpot keeps a date property as midnight UTC.
    """
    if isinstance(value, str) and _DATE.fullmatch(value):
        try:
            return date.fromisoformat(value)
        except ValueError:
            raise FaultError("bad_date", "expected a day such as 2026-11-20") from None
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    instant = to_datetime(value)
    return None if instant is None else instant.date()


def to_list(value: Any) -> tuple[str, ...] | None:
    """The chosen values of a multi-select: a list, or text joined by `;`."""
    if isinstance(value, list | tuple):
        parts = [to_text(item) for item in value]
    else:
        parts = [part.strip() for part in (to_text(value) or "").split(";")]
    return tuple(part for part in parts if part) or None
