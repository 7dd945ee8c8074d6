"""Property values: HubSpot keeps every one as text, in one form per type."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any

from closedloop.sandbox.hubspot.errors import Invalid
from closedloop.sandbox.hubspot.records.record import stamp
from closedloop.sandbox.hubspot.settings.definitions import PropertyDefinition

_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?", re.ASCII)
OWNER = "hubspot_owner_id"
_LARGEST_OWNER = 2**31 - 1
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")


class NotOfItsTypeError(ValueError):
    """The text is no value of the property's type."""


def as_text(raw: Any) -> str:
    """The text behind a JSON value: clients send numbers and booleans as well."""
    if raw is None:
        return ""
    if isinstance(raw, bool):
        return "true" if raw else "false"
    return str(raw)


@lru_cache(maxsize=100_000)
def parse_moment(text: str) -> datetime:
    """The time in milliseconds since 1970 or in ISO 8601, a bare date being its midnight in UTC."""
    try:
        if re.fullmatch(r"-?\d{5,15}", text):
            return datetime.fromtimestamp(int(text) / 1000, UTC)
        parsed = datetime.fromisoformat(text)
    except (ValueError, OverflowError, OSError) as exc:
        raise NotOfItsTypeError(text) from exc
    return parsed if parsed.utcoffset() is not None else parsed.replace(tzinfo=UTC)


def parse_number(text: str) -> Decimal:
    """The exact number."""
    try:
        value = Decimal(text)
    except InvalidOperation as exc:
        raise NotOfItsTypeError(text) from exc
    if not value.is_finite():
        raise NotOfItsTypeError(text)
    return value


def _number(text: str) -> str:
    # Spaces around a number are refused since April 2025 (changelog, "Enhanced validations for non-string
    # properties").
    if not _NUMBER.fullmatch(text):
        raise NotOfItsTypeError(text)
    return text


def _moment(text: str) -> str:
    return stamp(parse_moment(text))


def _day(text: str) -> str:
    if re.fullmatch(r"\d{4}-\d\d-\d\d", text):
        try:
            return date.fromisoformat(text).isoformat()
        except ValueError as exc:
            raise NotOfItsTypeError(text) from exc
    at = parse_moment(text)
    # The words are those of issue 74 of HubSpot/hubspot-api-php.
    if (at.hour, at.minute, at.second, at.microsecond) != (0, 0, 0, 0):
        time_of_day = f"{at.astimezone(UTC):%H:%M:%S}.{at.microsecond // 1000:03d}"
        raise NotOfItsTypeError(f"{text} is at {time_of_day} UTC, not midnight!")
    return at.date().isoformat()


def _flag(text: str) -> str:
    if text.lower() not in {"true", "false"}:
        raise NotOfItsTypeError(text)
    return text.lower()


_FORMS: Mapping[str, tuple[Callable[[str], str], str, str]] = {
    # HubSpot's words for these refusals were not seen; the codes are the ones its users report.
    "number": (_number, "INVALID_INTEGER", "a valid number"),
    "datetime": (_moment, "INVALID_LONG", "a valid long"),
    "date": (_day, "INVALID_DATE", "a valid date"),
    "bool": (_flag, "INVALID_BOOLEAN", "a valid boolean"),
}


def clean(definition: PropertyDefinition, raw: Any) -> str | Invalid:
    """The value in the form that HubSpot keeps, or why it does not take it; "" clears."""
    text = raw if type(raw) is str else as_text(raw)
    if not text:
        return ""
    if definition.type == "enumeration":
        return _owner(definition, text) if definition.name == OWNER else _choice(definition, text)
    if definition.name == "email":
        return _email(definition, text)
    if definition.type not in _FORMS:
        return text
    form, code, expected = _FORMS[definition.type]
    try:
        return form(text)
    except NotOfItsTypeError as problem:
        words = str(problem)
        message = f"{text} was not {expected}." if words == text else words
        return Invalid(name=definition.name, code=code, message=message)


def _owner(definition: PropertyDefinition, text: str) -> str | Invalid:
    """An owner's id is a whole number of 32 bits (recorded); whether there is such an owner is not asked."""
    if text.isdecimal() and text.isascii() and int(text) <= _LARGEST_OWNER:
        return text
    message = f"{text} was not a valid integer (for owner ID)."
    return Invalid(name=definition.name, code="INVALID_INTEGER", message=message)


def _choice(definition: PropertyDefinition, text: str) -> str | Invalid:
    """Takes one option, or several joined by ";" where the property is a list of check boxes."""
    values = text.split(";") if definition.field_type == "checkbox" else [text]
    wrong = next((value for value in values if value and not definition.takes(value)), None)
    if wrong is None:
        return text
    return not_an_option(definition.name, wrong, [option.value for option in definition.options])


def not_an_option(name: str, value: str, allowed: Iterable[str]) -> Invalid:
    """The refusal of a value that is none of a drop-down's (the words are those that users report)."""
    message = f"{value} was not one of the allowed options: [{', '.join(allowed)}]"
    return Invalid(name=name, code="INVALID_OPTION", message=message)


def _email(definition: PropertyDefinition, text: str) -> str | Invalid:
    """E-mail addresses are kept in lower case."""
    if _EMAIL.fullmatch(text):
        return text.lower()
    return Invalid(name=definition.name, code="INVALID_EMAIL", message=f"Email address {text} is invalid")
