"""ORDER BY, LIMIT and OFFSET."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

from closedloop.sandbox.salesforce.soql.columns import Operand
from closedloop.sandbox.salesforce.soql.syntax import Expression, Ordering, Query

_Subject = TypeVar("_Subject")


def in_order(
    order: Sequence[Ordering], bind: Callable[[Expression], Operand], subjects: Iterable[_Subject]
) -> list[_Subject]:
    """The subjects in the query's order; nulls stand first in ascending order, last in descending."""
    return sort([(bind(ordering.expression), ordering) for ordering in order], subjects)


def sort(by: Sequence[tuple[Operand, Ordering]], subjects: Iterable[_Subject]) -> list[_Subject]:
    """The same, where it is known how the expressions are read."""
    ordered = list(subjects)
    for operand, ordering in reversed(by):
        keys = folded(operand.type, [operand.read(subject) for subject in ordered])
        ordered = [ordered[place] for place in _places(keys, ordering)]
    return ordered


def folded(kind: str, values: list[Any]) -> list[Any]:
    """The values in the form in which they are compared: text without regard to case."""
    if kind in ("id", "reference") or not any(isinstance(value, str) for value in values):
        return values
    return [value.casefold() if isinstance(value, str) else value for value in values]


def _places(keys: list[Any], ordering: Ordering) -> list[int]:
    """Where the keys stand now, in the order in which they shall stand."""
    # Lists of pairs of key and subject would take several times as long: each pair is an object of its own.
    if None not in keys:
        return sorted(range(len(keys)), key=keys.__getitem__, reverse=ordering.descending)
    known = [place for place, key in enumerate(keys) if key is not None]
    nulls = [place for place, key in enumerate(keys) if key is None]
    known.sort(key=keys.__getitem__, reverse=ordering.descending)
    return nulls + known if ordering.nulls_first else known + nulls


def window(query: Query, found: list[_Subject]) -> list[_Subject]:
    """What OFFSET and LIMIT leave."""
    end = None if query.limit is None else query.offset + query.limit
    return found[query.offset : end]
