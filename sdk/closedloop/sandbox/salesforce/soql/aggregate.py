"""GROUP BY, HAVING and the aggregate functions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from itertools import combinations
from typing import Any

from closedloop.sandbox.salesforce.records.tables import Row
from closedloop.sandbox.salesforce.rest.render import plain
from closedloop.sandbox.salesforce.soql.columns import Operand, Scope
from closedloop.sandbox.salesforce.soql.conditions import Conditions
from closedloop.sandbox.salesforce.soql.expressions import AGGREGATES, DATES
from closedloop.sandbox.salesforce.soql.functions import FUNCTIONS
from closedloop.sandbox.salesforce.soql.sorting import folded, in_order, window
from closedloop.sandbox.salesforce.soql.syntax import Call, Column, Distance, Expression, Path, Query

_NUMBERS = frozenset({"int", "double", "currency", "percent"})
_UNFIT_TYPES = frozenset({"multipicklist", "base64", "encryptedstring"})
_FUNCTIONS: dict[str, Callable[[list[Any]], Any]] = {
    "count": len,
    "count_distinct": lambda values: len(set(values)),
    "sum": lambda values: sum(values) if values else None,
    "avg": lambda values: sum(values) / Decimal(len(values)) if values else None,
    "min": lambda values: min(values, default=None),
    "max": lambda values: max(values, default=None),
}
# SOQL and SOSL Reference, "GROUP BY ROLLUP", "GROUP BY CUBE": up to three fields.
_MOST_SUBTOTALLED = 3


@dataclass(frozen=True, slots=True)
class Group:
    """Some rows, and by which of the grouped expressions they are not told apart (a subtotal of them)."""

    rows: list[Row]
    merged: frozenset[int] = frozenset()


def is_aggregate(expression: Expression) -> bool:
    """Whether the expression is computed from many rows, or from what groups have in common."""
    if not isinstance(expression, Call):
        return False
    if expression.name.lower() in AGGREGATES | {"grouping"}:
        return True
    return any(is_aggregate(argument) for argument in expression.arguments)


def is_grouped(query: Query) -> bool:
    """Whether the answer has groups and not records. A date function in SELECT makes it so, too."""
    chosen = (c.expression for c in query.columns if isinstance(c, Column))
    return bool(query.group) or any(
        is_aggregate(e) or (isinstance(e, Call) and e.name.lower() in DATES) for e in chosen
    )


def records(
    query: Query, scope: Scope, rows: list[Row], conditions: Callable[..., Conditions]
) -> list[dict[str, Any]]:
    """The rows of an aggregate query, each an AggregateResult."""
    binder = _Binder(query, scope)
    columns = binder.columns()
    groups = list(_grouped(query, rows, binder.keys)) if query.group else [Group(rows)]
    if query.having is not None:
        test = conditions(binder.operand).test(query.having)
        groups = [group for group in groups if test(group)]
    groups = in_order(query.order, binder.ordered, groups)
    return [
        {"attributes": {"type": "AggregateResult"}}
        | {key: plain(o.read(group)) for key, o in columns.items()}
        for group in window(query, groups)
    ]


def _grouped(query: Query, rows: list[Row], keys: list[Operand]) -> Iterator[Group]:
    """The groups; with ROLLUP and CUBE followed by the subtotals over fewer and fewer of the keys."""
    values = [folded(k.type, [k.read(row) for row in rows]) for k in keys]
    for kept in _kept(query.subtotals, len(keys)):
        groups: dict[Any, list[Row]] = {}
        # One value is told apart by itself, several by all of them, none not at all.
        told = values[kept[0]] if len(kept) == 1 else zip(*(values[n] for n in kept), strict=True)
        for key, row in zip(told if kept else [None] * len(rows), rows, strict=True):
            groups.setdefault(key, []).append(row)
        merged = frozenset(range(len(keys))) - frozenset(kept)
        yield from (Group(group, merged) for group in groups.values())


def _kept(subtotals: str, count: int) -> Iterator[tuple[int, ...]]:
    yield tuple(range(count))
    for fewer in range(count - 1, -1, -1) if subtotals else ():
        if subtotals == "rollup":
            yield tuple(range(fewer))
        else:
            yield from combinations(range(count), fewer)


class _Binder:
    """Reads expressions from groups: an aggregate of all its rows, or what its rows have in common."""

    def __init__(self, query: Query, scope: Scope) -> None:
        self._query = query
        self._scope = scope
        self._shared = {_text(scope, e): n for n, e in enumerate(query.group)}
        self.keys = [scope.operand(e, use="grouped") for e in query.group]
        if query.subtotals and len(query.group) > _MOST_SUBTOTALLED:
            message = f"GROUP BY {query.subtotals.upper()} takes up to {_MOST_SUBTOTALLED} fields"
            raise scope.fail("MALFORMED_QUERY", query.group[-1].place, message)

    def operand(self, expression: Expression, *, about: str = "Field") -> Operand:
        """How the expression is read from a group."""
        if isinstance(expression, Call) and expression.name.lower() in _FUNCTIONS:
            return self._aggregate(expression)
        if isinstance(expression, Call) and expression.name.lower() == "grouping":
            return self._grouping(expression)
        place = self._shared.get(_text(self._scope, expression))
        if place is not None:
            return _common(self.keys[place], place)
        if isinstance(expression, Call) and expression.name.lower() in FUNCTIONS:
            # A function of an aggregate or of what is grouped: FORMAT(MIN(CloseDate)).
            return self._scope.applied(expression, self.operand(expression.arguments[0], about=about))
        name = _field(expression)
        message = f"{about} must be grouped or aggregated: {name}"
        raise self._scope.fail("MALFORMED_QUERY", expression.place, message)

    def ordered(self, expression: Expression) -> Operand:
        """The same for ORDER BY, where a field that is not grouped is called ordered."""
        return self.operand(expression, about="Ordered field")

    def columns(self) -> dict[str, Operand]:
        """What is selected, under its alias, its field's name, or expr0, expr1, …"""
        for ordering in self._query.order:
            self.ordered(ordering.expression)  # complained of before what is selected
        found: dict[str, Operand] = {}
        unnamed = 0
        for column in self._query.columns:
            if not isinstance(column, Column):
                place = (column.path if not isinstance(column, Query) else column.source).place
                message = "Aggregate queries have no child queries"
                raise self._scope.fail("MALFORMED_QUERY", place, message)
            operand = self.operand(column.expression)
            key = column.alias or operand.name
            if column.alias is None and not isinstance(column.expression, Path):
                key, unnamed = f"expr{unnamed}", unnamed + 1
            if key in found:
                raise self._scope.fail("MALFORMED_QUERY", column.expression.place, f"duplicate alias: {key}")
            found[key] = operand
        return found

    def _aggregate(self, call: Call) -> Operand:
        name = call.name.lower()
        if not call.arguments:
            return Operand(name="count", type="int", read=lambda group: len(group.rows), place=call.name)
        inner = self._measured(call, call.arguments[0])
        compute = _FUNCTIONS[name]

        def read(group: Group) -> Any:
            return compute([value for row in group.rows if (value := inner.read(row)) is not None])

        kind = "int" if name.startswith("count") else inner.type
        return Operand(name=inner.name, type=kind, read=read, place=call.name)

    def _measured(self, call: Call, argument: Path | Call) -> Operand:
        name = call.name.lower()
        if isinstance(argument, Path):
            one = self._scope.bind(argument).field
            unfit = not one.aggregatable or one.type in _UNFIT_TYPES
        else:
            unfit = argument.name.lower() not in FUNCTIONS
        inner = None if unfit else self._scope.operand(argument, use="filtered")
        if inner is None or (name in ("sum", "avg") and inner.type not in _NUMBERS):
            message = f"field {_field(argument)} does not support aggregate operator {call.name.upper()}"
            raise self._scope.fail("MALFORMED_QUERY", call.name, message)
        return inner

    def _grouping(self, call: Call) -> Operand:
        place = self._shared.get(_text(self._scope, call.arguments[0]))
        if place is None or not self._query.subtotals:
            message = f"Field must be grouped or aggregated: {_field(call)}"
            raise self._scope.fail("MALFORMED_QUERY", call.name, message)
        return Operand(
            name="grouping", type="int", read=lambda group: int(place in group.merged), place=call.name
        )


def _common(key: Operand, place: int) -> Operand:
    return Operand(
        name=key.name,
        type=key.type,
        read=lambda group: None if place in group.merged else key.read(group.rows[0]),
        place=key.place,
    )


def _field(expression: Expression) -> str:
    """The field that a message names."""
    if isinstance(expression, Call):
        return _field(expression.arguments[0]) if expression.arguments else str(expression.name)
    return str((expression.field if isinstance(expression, Distance) else expression).parts[-1])


def _text(scope: Scope, expression: Expression) -> str:
    if isinstance(expression, Path):
        return ".".join(scope.own(expression)).lower()
    if isinstance(expression, Distance):
        point = f"{expression.latitude},{expression.longitude},{expression.unit}"
        return f"distance({_text(scope, expression.field)},{point})"
    inner = ",".join(_text(scope, argument) for argument in expression.arguments)
    return f"{expression.name.lower()}({inner})"
