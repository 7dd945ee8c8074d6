"""ORDER BY, LIMIT and OFFSET."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from closedloop.sandbox.salesforce.columns import Operand, comparable
from closedloop.sandbox.salesforce.syntax import Expression, Ordering, Query

_Subject = TypeVar("_Subject")


def in_order(
    order: Sequence[Ordering], bind: Callable[[Expression], Operand], subjects: Iterable[_Subject]
) -> list[_Subject]:
    """The subjects in the query's order; nulls stand first in ascending order, last in descending."""
    ordered = list(subjects)
    for ordering in reversed(order):
        operand = bind(ordering.expression)
        keyed = [(comparable(operand.type, operand.read(s)), s) for s in ordered]
        nulls = [s for key, s in keyed if key is None]
        others = [(key, s) for key, s in keyed if key is not None]
        others.sort(key=lambda pair: pair[0], reverse=ordering.descending)
        rest = [s for _, s in others]
        ordered = nulls + rest if ordering.nulls_first else rest + nulls
    return ordered


def window(query: Query, found: list[_Subject]) -> list[_Subject]:
    """What OFFSET and LIMIT leave."""
    end = None if query.limit is None else query.offset + query.limit
    return found[query.offset : end]
