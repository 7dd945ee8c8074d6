"""Makes a test of rows out of a WHERE or HAVING clause, checking each literal against the field's type."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

from closedloop.sandbox.salesforce.ids import long_id
from closedloop.sandbox.salesforce.refusal import Refusal
from closedloop.sandbox.salesforce.soql.columns import Operand, comparable
from closedloop.sandbox.salesforce.soql.dates import Range
from closedloop.sandbox.salesforce.soql.syntax import (
    Compare,
    Condition,
    Every,
    Expression,
    Includes,
    Like,
    Money,
    Negated,
    Query,
    Some,
    Within,
)
from closedloop.sandbox.salesforce.soql.words import pointed

Test = Callable[[Any], bool]

_OPERATORS: Mapping[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_UNORDERED = {"distance": ("<", ">"), "multipicklist": ("=", "!=")}
_GROUPS = {
    "int": "int",
    "double": "double",
    "currency": "double",
    "percent": "double",
    "distance": "double",
    "reference": "id",
    "id": "id",
    "date": "date",
    "datetime": "dateTime",
    "boolean": "boolean",
}
_PYTHON: Mapping[str, type] = {
    "int": Decimal,
    "double": Decimal,
    "date": date,
    "dateTime": datetime,
    "boolean": bool,
}


class Conditions:
    """Compiles conditions. `bind` says how an expression is read, `select` runs the query of a semi-join, and
    `text` is that of the whole query, to point at."""

    def __init__(
        self,
        bind: Callable[[Expression], Operand],
        select: Callable[[Query], set[Any]],
        today: date,
        text: str,
    ) -> None:
        self._bind = bind
        self._select = select
        self._today = today
        self._text = text

    def test(self, condition: Condition) -> Test:
        """Whether a row (or a group) meets the condition."""
        match condition:
            case Every(conditions):
                tests = [self.test(c) for c in conditions]
                return lambda row: all(t(row) for t in tests)
            case Some(conditions):
                tests = [self.test(c) for c in conditions]
                return lambda row: any(t(row) for t in tests)
            case Negated(inner):
                inner_test = self.test(inner)
                return lambda row: not inner_test(row)
            case _:
                return self._single(condition)

    def _single(self, condition: Compare | Like | Within | Includes) -> Test:
        operand = self._bind(condition.expression)
        try:
            return self._of(operand, condition)
        except _UnfitError as unfit:
            raise Refusal(unfit.code, pointed(self._text, operand.place.start, unfit.message)) from None

    def _of(self, operand: Operand, condition: Compare | Like | Within | Includes) -> Test:
        match condition:
            case Compare():
                return self._compare(operand, condition.operator, condition.literal)
            case Like():
                return self._like(operand, condition)
            case Within():
                return self._within(operand, condition)
            case Includes():
                return _includes(operand, condition)

    def _compare(self, operand: Operand, sign: str, literal: Any) -> Test:
        read = operand.read
        if _blank(operand, literal):
            if sign not in ("=", "!="):
                raise _bad_operator(operand)
            return lambda row: (read(row) is None) == (sign == "=")
        if isinstance(literal, Range):
            return self._in_range(operand, sign, literal)
        if operand.type == "boolean":
            return _boolean(operand, sign, literal)
        # A distance is less or more than a number (SOQL and SOSL Reference, "Location-Based SOQL Queries").
        if operand.type in _UNORDERED and sign not in _UNORDERED[operand.type]:
            raise _bad_operator(operand)
        wanted = _literal(operand, literal)
        compare = _OPERATORS[sign]
        different, folded = sign == "!=", _group(operand.type) == "string"

        def test(row: Any) -> bool:
            value = read(row)
            # Null is neither less nor more than anything, and different from everything.
            if value is None:
                return different
            return compare(comparable(operand.type, value) if folded else value, wanted)

        return test

    def _in_range(self, operand: Operand, sign: str, literal: Range) -> Test:
        start, end = self._span(operand, literal)
        tests: Mapping[str, Test] = {
            "=": lambda value: start <= value < end,
            "!=": lambda value: not start <= value < end,
            "<": lambda value: value < start,
            "<=": lambda value: value < end,
            ">": lambda value: value >= end,
            ">=": lambda value: value >= start,
        }
        test, read = tests[sign], operand.read
        return lambda row: sign == "!=" if read(row) is None else test(read(row))

    def _span(self, operand: Operand, literal: Range) -> tuple[date, date]:
        """The first moment of the stretch, and the first after it."""
        if operand.type not in ("date", "datetime"):
            raise _wrong_type(operand)
        try:
            start, end = literal.days(self._today)
        except (OverflowError, ValueError):
            message = f"{literal.word} is outside of the days that there are"
            raise Refusal("NUMBER_OUTSIDE_VALID_RANGE", message) from None
        return _as(operand.type, start), _as(operand.type, end)

    def _like(self, operand: Operand, condition: Like) -> Test:
        if _group(operand.type) != "string" or operand.type == "multipicklist":
            raise _bad_operator(operand)
        matches, read = condition.pattern.fullmatch, operand.read
        return lambda row: matches(read(row) or "") is not None

    def _within(self, operand: Operand, condition: Within) -> Test:
        negated, read, kind = condition.negated, operand.read, operand.type
        if isinstance(condition.choices, Query):
            wanted = {comparable(kind, value) for value in self._select(condition.choices)} - {None}
            return lambda row: (comparable(kind, read(row)) in wanted) != negated
        spans = [self._span(operand, c) for c in condition.choices if isinstance(c, Range)]
        plain = [c for c in condition.choices if not isinstance(c, Range)]
        wanted = {None if _blank(operand, c) else _literal(operand, c) for c in plain}
        if not spans:
            return lambda row: (comparable(kind, read(row)) in wanted) != negated

        def test(row: Any) -> bool:
            value = read(row)
            inside = value is not None and any(start <= value < end for start, end in spans)
            return (inside or comparable(kind, value) in wanted) != negated

        return test


class _UnfitError(Exception):
    """The literal or operator does not fit the field."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def _blank(operand: Operand, literal: Any) -> bool:
    return literal is None or (literal == "" and _group(operand.type) in ("string", "id"))


def _includes(operand: Operand, condition: Includes) -> Test:
    if operand.type != "multipicklist":
        raise _bad_operator(operand)
    wanted = [frozenset(choice.casefold().split(";")) for choice in condition.choices]

    def test(row: Any) -> bool:
        values = frozenset((operand.read(row) or "").casefold().split(";"))
        return any(choice <= values for choice in wanted) != condition.negated

    return test


def _boolean(operand: Operand, sign: str, literal: Any) -> Test:
    if not isinstance(literal, bool):
        raise _wrong_type(operand)
    if sign not in ("=", "!="):
        raise _bad_operator(operand)
    return lambda row: (bool(operand.read(row)) == literal) == (sign == "=")


def _literal(operand: Operand, literal: Any) -> Any:
    kind = _group(operand.type)
    if kind == "id":
        return _id(operand, literal)
    if kind == "string" and isinstance(literal, str):
        return literal.casefold()
    if isinstance(literal, Money) and operand.type == "currency":
        return literal.amount
    fits = _PYTHON.get(kind)
    if fits is None or not isinstance(literal, fits) or (kind == "date" and isinstance(literal, datetime)):
        raise _wrong_type(operand)
    return literal


def _id(operand: Operand, literal: Any) -> str:
    if not isinstance(literal, str):
        raise _wrong_type(operand)
    found = long_id(literal)
    if found is None:
        raise _UnfitError("INVALID_QUERY_FILTER_OPERATOR", f"invalid ID field: {literal}")
    return found


def _group(kind: str) -> str:
    """The type as the messages about literals call it."""
    return _GROUPS.get(kind, "string")


def _as(kind: str, day: date) -> date:
    return datetime.combine(day, time(), UTC) if kind == "datetime" else day


def _wrong_type(operand: Operand) -> _UnfitError:
    kind = _group(operand.type)
    quotes = (
        "should be enclosed in quotes" if kind in ("string", "id") else "should not be enclosed in quotes"
    )
    message = (
        f"value of filter criterion for field '{operand.name}' must be of type "
        f"{'string' if kind == 'id' else kind} and {quotes}"
    )
    return _UnfitError("INVALID_FIELD", message)


def _bad_operator(operand: Operand) -> _UnfitError:
    kind = "id" if operand.type == "reference" else operand.type
    return _UnfitError("INVALID_QUERY_FILTER_OPERATOR", f"invalid operator on {kind} field")
