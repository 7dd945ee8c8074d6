"""The quick statements: they take the commonest values in place, and leave the others to the converter.

What raises in them is left to the careful statements, so they need not be right about what is not common.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from closedloop.mapping import convert, ids
from closedloop.mapping.spec import FieldSpec, ObjectSpec
from closedloop.schema.drafts import draft_of
from closedloop.schema.records import Money
from closedloop.schema.vocabulary import CrmName


class Form(StrEnum):
    """What is known of a value before it is looked at, but that it may be None."""

    NONE = "none"
    """Only statements that call converters can deal with it."""
    ANY = "any"
    """Any JSON value, as `decode` makes it."""
    TEXT = "text"
    """Text, Unicode without NUL."""
    DATE = "date"
    """A date already."""
    DATETIME = "datetime"
    """An instant already, though its zone may be any or none."""


NAMES: dict[str, Any] = {
    "Decimal": Decimal,
    "Money": Money,
    "MoneyDraft": draft_of(Money),
    "UTC": UTC,
    "codes": convert.CODES,
    "date_of": date.fromisoformat,
    "flags": {None: None, True: True, False: False, "true": True, "false": False},
    "instant_of": datetime.fromisoformat,
    "new": object.__new__,
    "to_decimal": convert.to_decimal,
}
"""What the statements refer to."""

_TEXT = 'type(v) is str and v.isascii() and "\\0" not in v'
# Shorter than 28 characters, or with the zone at the 24th, it has no more digits than a datetime holds.
_ISO = 'type(v) is str and len(v) > 10 and v[10] == "T" and (len(v) < 28 or v[23] == "+")'
# The eighth character tells a day from the other forms of ISO 8601 with ten.
_DAY = 'type(v) is str and len(v) == 10 and v[7] == "-"'
# Six zeros in a row may belong to a number so small that it would be written with an exponent.
_EXACT = 'type(v) is Decimal and len(t := str(v)) <= 30 and "E" not in t and v.is_finite()'
_DIGITS = (
    'type(v) is str and len(v) <= 30 and v.replace(".", "", 1).isdigit() and v.isascii()'
    ' and "000000" not in v'
)

Quick = Callable[[str, str, str], list[str]]
"""Gives the statements for a value `v`, by the variable, the converter's call and the currency."""


def form_of(crm: CrmName, spec: FieldSpec) -> Form:
    """The form in which the field's values can be had from JSON, if no other field reads them too.

    HubSpot has ids that are numbers, and days that are times.
    """
    if spec.values is not None:
        return Form.ANY
    salesforce = crm is CrmName.SALESFORCE
    forms = {
        "string": Form.TEXT,
        "id": Form.TEXT if salesforce else Form.ANY,
        "date": Form.DATE if salesforce else Form.DATETIME,
        "datetime": Form.DATETIME,
    }
    return forms.get(spec.type, Form.ANY)


def quick(spec: FieldSpec, of: ObjectSpec, crm: CrmName, form: Form) -> Quick:
    """The statements of a field whose values have the form."""
    if spec.type == "id" and crm is CrmName.SALESFORCE:
        return _either(_id_test(spec, of, form), "v")
    if spec.type == "id":
        return _number
    return _QUICK.get((spec.type, form)) or _QUICK.get((spec.type, Form.ANY), plain)


def plain(name: str, call: str, code: str) -> list[str]:  # noqa: ARG001 - one signature for all
    """The statements that leave every value but None to the converter."""
    return [f"{name} = None if v is None else {call}"]


def _either(test: str, value: str) -> Quick:
    return lambda name, call, _code: [
        f"if v is None: {name} = None",
        f"elif {test}: {name} = {value}",
        f"else: {name} = {call}",
    ]


def _only(value: str) -> Quick:
    return lambda name, call, _code: [f"{name} = {value.format(call)}"]


def _id_test(spec: FieldSpec, of: ObjectSpec, form: Form) -> str:
    text = "" if form is Form.TEXT else "type(v) is str and "
    prefix = ids.PREFIXES.get(of.source) if spec.name == "id" else None
    own = f" and v[:3] == {prefix!r}" if prefix else ""
    return f"{text}len(v) == 18 and v.isalnum() and v.isascii(){own}"


def _number(name: str, call: str, code: str) -> list[str]:  # noqa: ARG001 - one signature for all
    """A HubSpot id."""
    return [
        f"if v is None: {name} = None",
        f"elif type(v) is str and v.isdigit() and v.isascii() and len(v) <= 20: {name} = v",
        f"elif type(v) is int and 0 <= v < 100_000_000_000_000_000_000: {name} = str(v)",
        f"else: {name} = {call}",
    ]


def _decimal(name: str, call: str, code: str) -> list[str]:  # noqa: ARG001 - one signature for all
    return [
        f"if v is None: {name} = None",
        f"elif {_EXACT}: {name} = v",
        f"elif {_DIGITS}: {name} = Decimal(v)",
        f"else: {name} = {call}",
    ]


def _money(name: str, call: str, code: str) -> list[str]:
    return [
        *_decimal("a", "to_decimal(v)", code),
        f"c = {code}",
        f"if a is None: {name} = None",
        "elif c is None or c in codes:",
        f"    {name} = new(MoneyDraft)",
        f"    {name}.amount = a",
        f"    {name}.currency = c",
        f"    {name}.__class__ = Money",
        f"else: {name} = {call}",
    ]


def _date(name: str, call: str, code: str) -> list[str]:  # noqa: ARG001 - one signature for all
    return [
        f"if v is None: {name} = None",
        f"elif {_DAY}: {name} = date_of(v)",
        f"elif {_ISO} and (i := instant_of(v)).tzinfo is UTC: {name} = i.date()",
        f"else: {name} = {call}",
    ]


def _instant(name: str, call: str, code: str) -> list[str]:  # noqa: ARG001 - one signature for all
    return [
        f"if v is None: {name} = None",
        f"elif {_ISO} and (i := instant_of(v)).tzinfo is UTC: {name} = i",
        f"else: {name} = {call}",
    ]


_QUICK: dict[tuple[str, Form], Quick] = {
    ("string", Form.TEXT): _only("v and v.strip() or None"),
    ("string", Form.ANY): _either(_TEXT, "v.strip() or None"),
    ("bool", Form.ANY): _only("flags[v]"),
    ("date", Form.DATE): _only("v"),
    ("date", Form.DATETIME): _either("v.tzinfo is UTC", "v.date()"),
    ("date", Form.ANY): _date,
    ("datetime", Form.DATETIME): _only("v if v is None or v.tzinfo is UTC else {}"),
    ("datetime", Form.ANY): _instant,
    ("decimal", Form.ANY): _decimal,
    ("money", Form.ANY): _money,
}
