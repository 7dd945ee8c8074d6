"""Reads rows in the order of an index, where a query asks for that order: none but those it needs."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from closedloop.sandbox.salesforce.columns import Scope
from closedloop.sandbox.salesforce.ids import long_id
from closedloop.sandbox.salesforce.syntax import Compare, Condition, Every, Path, Query, Some
from closedloop.sandbox.salesforce.tables import Row

_FIELDS = {"systemmodstamp": "SystemModstamp", "id": "Id"}


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


def in_index(query: Query, scope: Scope) -> Iterator[Row] | None:
    """The rows in the query's order, those left out that its condition excludes by the indexed field.

    None where no index has that order.
    """
    field = _field(query, scope)
    if field is None:
        return None
    bounds = _bounds(query.where, field, scope)
    values, rows = scope.org.tables.ordered(scope.kind.name, field)
    start = 0 if bounds.low is None else bisect_left(values, bounds.low)
    end = len(rows) if bounds.high is None else bisect_right(values, bounds.high)
    return (rows[place] for place in range(start, end))


def _field(query: Query, scope: Scope) -> str | None:
    names = [_name(o.expression, scope) for o in query.order if not o.descending]
    if len(names) != len(query.order) or names not in (["systemmodstamp"], ["systemmodstamp", "id"], ["id"]):
        return None
    return _FIELDS[names[0] or ""]


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
            return _bound(condition, field)
    return Bounds()


def _merged(found: list[Bounds], how: Any) -> Bounds:
    merged = found[0]
    for bounds in found[1:]:
        merged = how(merged, bounds)
    return merged


def _bound(condition: Compare, field: str) -> Bounds:
    value = long_id(condition.literal) if field == "Id" else condition.literal
    if value is None or (field != "Id" and not isinstance(value, datetime)):
        return Bounds()
    low = value if condition.operator in ("=", ">", ">=") else None
    high = value if condition.operator in ("=", "<", "<=") else None
    return Bounds(low, high)


def _most(one: Any, other: Any) -> Any:
    return other if one is None else one if other is None else max(one, other)


def _least(one: Any, other: Any) -> Any:
    return other if one is None else one if other is None else min(one, other)
