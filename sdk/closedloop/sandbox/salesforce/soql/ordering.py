"""Reads rows in the order of an index, and none but those between the bounds that a condition sets."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any

from closedloop.sandbox.salesforce.ids import long_id
from closedloop.sandbox.salesforce.records.tables import Row
from closedloop.sandbox.salesforce.soql.columns import Scope
from closedloop.sandbox.salesforce.soql.dates import Range
from closedloop.sandbox.salesforce.soql.syntax import Compare, Condition, Every, Path, Query, Some

# Never null, and what clients walk by. With few enough rows none of them is worth an index.
_STAMPS = ("SystemModstamp", "LastModifiedDate", "CreatedDate")
_WORTH_IT = 500
# Looking at every row is quicker than sorting more than this part of them.
_SMALL_PART = 4


@dataclass(frozen=True, slots=True)
class Bounds:
    """Between which values of the index the rows that match lie; None is no bound."""

    low: Any = None
    high: Any = None

    def both(self, other: Bounds) -> Bounds:
        """Where both hold."""
        return Bounds(_most(self.low, other.low), _least(self.high, other.high))

    def either(self, other: Bounds) -> Bounds:
        """Where one of them holds."""
        low = None if self.low is None or other.low is None else min(self.low, other.low)
        high = None if self.high is None or other.high is None else max(self.high, other.high)
        return Bounds(low, high)

    def places(self, values: list[Any]) -> tuple[int, int]:
        """Where in the sorted values they begin and end."""
        start = 0 if self.low is None else bisect_left(values, self.low)
        return start, len(values) if self.high is None else bisect_right(values, self.high)


def in_index(query: Query, scope: Scope) -> Iterator[Row] | None:
    """The rows in the query's order, those left out that its condition excludes by the indexed field.

    None where no index has that order.
    """
    field = _ordered_by(query, scope)
    if field is None:
        return None
    values, rows = scope.org.tables.ordered(scope.kind.name, field)
    start, end = _bounds(query.where, field, scope).places(values)
    places = range(end - 1, start - 1, -1) if query.order[0].descending else range(start, end)
    return (rows[place] for place in places)


def between(query: Query, scope: Scope) -> list[Row] | None:
    """The rows that may match, where the condition bounds a stamp to a small part of them; None otherwise."""
    tables, name = scope.org.tables, scope.kind.name
    if query.where is None or tables.count(name) < _WORTH_IT:
        return None
    for field in _STAMPS:
        bounds = _bounds(query.where, field, scope) if _has(scope, field) else Bounds()
        if bounds != Bounds():
            values, rows = tables.ordered(name, field)
            start, end = bounds.places(values)
            if (end - start) * _SMALL_PART < len(values):
                return sorted(rows[start:end], key=lambda row: str(row["Id"]))
    return None


def _has(scope: Scope, field: str) -> bool:
    known = scope.kind.fields.get(field)
    return known is not None and not known.nillable


def _ordered_by(query: Query, scope: Scope) -> str | None:
    names = [_name(o.expression, scope) for o in query.order]
    if not names or len({o.descending for o in query.order}) > 1:
        return None
    if names == ["id"]:
        return "Id"
    field = next((field for field in _STAMPS if field.lower() == names[0]), None)
    return field if field is not None and names[1:] in ([], ["id"]) and _has(scope, field) else None


def _name(expression: Any, scope: Scope) -> str | None:
    parts = scope.own(expression) if isinstance(expression, Path) else ()
    return parts[0].lower() if len(parts) == 1 else None


def _bounds(condition: Condition | None, field: str, scope: Scope) -> Bounds:
    match condition:
        case Every(conditions):
            found = [_bounds(c, field, scope) for c in conditions]
            return _merged(found, Bounds.both)
        case Some(conditions):
            found = [_bounds(c, field, scope) for c in conditions]
            return _merged(found, Bounds.either)
        case Compare() if (_name(condition.expression, scope) or "") == field.lower():
            return _bound(condition, field, scope)
    return Bounds()


def _merged(found: list[Bounds], how: Any) -> Bounds:
    merged = found[0]
    for bounds in found[1:]:
        merged = how(merged, bounds)
    return merged


def _bound(condition: Compare, field: str, scope: Scope) -> Bounds:
    first: Any
    last: Any
    if isinstance(condition.literal, Range):
        first, last = _stretch(condition.literal, scope)
    else:
        first = last = long_id(condition.literal) if field == "Id" else condition.literal
    if first is None or (field != "Id" and not isinstance(first, datetime)):
        return Bounds()
    low = first if condition.operator in ("=", ">", ">=") else None
    high = last if condition.operator in ("=", "<", "<=") else None
    return Bounds(low, high)


def _stretch(literal: Range, scope: Scope) -> tuple[datetime | None, datetime | None]:
    try:
        start, end = literal.days(scope.org.clock().date())
    except (OverflowError, ValueError):  # refused where the condition is compiled
        return None, None
    return _midnight(start), _midnight(end)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def _most(one: Any, other: Any) -> Any:
    return other if one is None else one if other is None else max(one, other)


def _least(one: Any, other: Any) -> Any:
    return other if one is None else one if other is None else min(one, other)
