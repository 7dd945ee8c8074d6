"""What Salesforce allows of semi-joins and anti-joins: conditions that ask another query.

SOQL and SOSL Reference, "Semi-Joins with IN and Anti-Joins with NOT IN", "Comparison Operators".
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from closedloop.sandbox.salesforce.refusal import Refusal
from closedloop.sandbox.salesforce.soql.columns import Bound, Scope
from closedloop.sandbox.salesforce.soql.syntax import (
    Column,
    Condition,
    Every,
    Negated,
    Path,
    Query,
    Some,
    TypeOf,
    Within,
)
from closedloop.sandbox.salesforce.soql.words import Word

_MOST = 2


def check(query: Query, scope: Scope, inside: Callable[[Query], Scope]) -> None:
    """Refuses what the query may not ask of others; `inside` says what the names in them mean."""
    if query.where is None:
        return
    found = list(_within(query.where, _Place()))
    for number, (asked, place) in enumerate(found, 1):
        word = asked.expression.place if not isinstance(asked.expression, Path) else asked.expression.parts[0]
        if number > _MOST:
            raise _refused(scope, word, f"Maximum {_MOST} semi join sub-selects are allowed")
        if place.problem:
            raise _refused(scope, word, place.problem)
        assert isinstance(asked.choices, Query)  # noqa: S101  for the type checker: only those are found
        _check_one(asked, asked.choices, scope, inside(asked.choices))


class _Place:
    """Where in a condition something stands, and what is wrong with that."""

    def __init__(self, problem: str = "", *, outermost: bool = True) -> None:
        self.problem = problem
        self.outermost = outermost

    def under_or(self) -> _Place:
        if self.outermost:
            return _Place("Semi join sub-selects are not allowed with the 'OR' operator", outermost=False)
        return _nested()


def _nested() -> _Place:
    message = (
        "Semi join sub-selects are only allowed at the top level WHERE expressions and not in nested WHERE "
        "expressions"
    )
    return _Place(message, outermost=False)


def _within(condition: Condition, place: _Place) -> Iterator[tuple[Within, _Place]]:
    match condition:
        case Every(conditions):
            for one in conditions:
                yield from _within(one, _Place(place.problem, outermost=False))
        case Some(conditions):
            for one in conditions:
                yield from _within(one, place.under_or())
        case Negated(inner):
            yield from _within(inner, _nested())
        case Within() if isinstance(condition.choices, Query):
            yield condition, place


def _check_one(asked: Within, inner: Query, scope: Scope, inside: Scope) -> None:
    left = asked.expression
    if not isinstance(left, Path):
        raise _refused(scope, left.place, f"unexpected token: '{left.place}'")
    column = _only_column(inner, scope)
    word = left.parts[0]
    outer, chosen = scope.bind(left), inside.bind(column)
    for bound in (chosen, outer):
        if bound.field.type not in ("id", "reference"):
            message = f"semi join sub-selects can only query id fields, cannot use: '{bound.field.name}'"
            raise _refused(scope, word, message)
    if inside.kind.name == scope.kind.name:
        message = "The inner and outer selects should not be on the same object type"
        raise _refused(scope, word, message)
    if not _objects(outer) & _objects(chosen):
        message = (
            f"The selected field '{chosen.field.name}' in the subquery and the left operand field in the "
            f"where expression in the outer query '{outer.field.name}' should point to the same object type"
        )
        raise _refused(scope, word, message)
    if inner.where is not None and any(True for _ in _within(inner.where, _Place())):
        raise _refused(scope, word, "Nesting of semi join sub-selects is not supported")


def _only_column(inner: Query, scope: Scope) -> Path:
    column = inner.columns[0]
    if isinstance(column, TypeOf):
        raise _refused(scope, column.path.place, "TYPEOF is not allowed in a semi join sub-select")
    if len(inner.columns) != 1 or not isinstance(column, Column) or not isinstance(column.expression, Path):
        message = "semi join sub-selects must select exactly one field"
        raise _refused(scope, inner.source.place, message)
    if inner.group:
        raise _refused(scope, inner.group[0].place, "missing value at 'GROUP'")
    return column.expression


def _objects(bound: Bound) -> set[str]:
    """The objects whose ids the field holds."""
    if bound.field.type == "reference":
        return set(bound.field.refers_to)
    kind = bound.kind if not bound.steps else bound.org.objects[bound.steps[-1].refers_to[0]]
    if bound.steps and bound.steps[-1].polymorphic:
        return set(bound.steps[-1].refers_to)
    return {kind.name}


def _refused(scope: Scope, word: Word, message: str) -> Refusal:
    return scope.fail("MALFORMED_QUERY", word, message)
