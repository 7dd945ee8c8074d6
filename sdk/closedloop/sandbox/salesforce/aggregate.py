"""GROUP BY, HAVING and the aggregate functions."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from closedloop.sandbox.salesforce.columns import Operand, Scope, comparable
from closedloop.sandbox.salesforce.conditions import Conditions
from closedloop.sandbox.salesforce.refusal import Refusal
from closedloop.sandbox.salesforce.render import plain
from closedloop.sandbox.salesforce.sorting import in_order, window
from closedloop.sandbox.salesforce.syntax import Call, Column, Expression, Path, Query
from closedloop.sandbox.salesforce.tables import Row

Group = list[Row]

_NUMBERS_ONLY = frozenset({"sum", "avg"})
_FUNCTIONS: dict[str, Callable[[list[Any]], Any]] = {
    "count": len,
    "count_distinct": lambda values: len(set(values)),
    "sum": lambda values: sum(values) if values else None,
    "avg": lambda values: sum(values) / Decimal(len(values)) if values else None,
    "min": lambda values: min(values, default=None),
    "max": lambda values: max(values, default=None),
}


def is_aggregate(expression: Expression) -> bool:
    """Whether the expression is computed from many rows."""
    return isinstance(expression, Call) and expression.name.lower() in _FUNCTIONS


def records(
    query: Query, scope: Scope, rows: list[Row], conditions: Callable[..., Conditions]
) -> list[dict[str, Any]]:
    """The rows of an aggregate query, each an AggregateResult."""
    keys = [scope.operand(e, use="grouped") for e in query.group]
    groups = _grouped(rows, keys) if keys else [rows]
    binder = _Binder(query, scope)
    if query.having is not None:
        test = conditions(binder.operand).test(query.having)
        groups = [group for group in groups if test(group)]
    groups = in_order(query.order, binder.operand, groups)
    columns = binder.columns()
    return [
        {"attributes": {"type": "AggregateResult"}}
        | {key: plain(o.read(group)) for key, o in columns.items()}
        for group in window(query, groups)
    ]


def _grouped(rows: list[Row], keys: list[Operand]) -> list[Group]:
    groups: dict[tuple[Any, ...], Group] = {}
    for row in rows:
        key = tuple(comparable(k.type, k.read(row)) for k in keys)
        groups.setdefault(key, []).append(row)
    return list(groups.values())


class _Binder:
    """Reads expressions from groups: an aggregate of all its rows, or what its rows have in common."""

    def __init__(self, query: Query, scope: Scope) -> None:
        self._query = query
        self._scope = scope
        self._shared = {_text(scope, e) for e in query.group}

    def operand(self, expression: Expression) -> Operand:
        if isinstance(expression, Call) and expression.name.lower() in _FUNCTIONS:
            return self._aggregate(expression)
        if _text(self._scope, expression) not in self._shared:
            name = expression.name if isinstance(expression, Call) else expression.parts[-1]
            raise self._scope.fail("MALFORMED_QUERY", name, f"Field must be grouped or aggregated: {name}")
        single = self._scope.operand(expression, use="grouped")
        return Operand(name=single.name, type=single.type, read=lambda group: single.read(group[0]))

    def columns(self) -> dict[str, Operand]:
        """What is selected, under its alias, its field's name, or expr0, expr1, …"""
        found: dict[str, Operand] = {}
        unnamed = 0
        for column in self._query.columns:
            if not isinstance(column, Column):
                raise Refusal("MALFORMED_QUERY", "An aggregate query has no child queries.")
            operand = self.operand(column.expression)
            key = column.alias or operand.name
            if column.alias is None and isinstance(column.expression, Call):
                key, unnamed = f"expr{unnamed}", unnamed + 1
            found[key] = operand
        return found

    def _aggregate(self, call: Call) -> Operand:
        name = call.name.lower()
        if not call.arguments and name == "count":
            return Operand(name="count", type="int", read=len)
        if len(call.arguments) != 1:
            raise self._scope.fail("MALFORMED_QUERY", call.name, f"{call.name} takes one field")
        inner = self._scope.operand(call.arguments[0], use="filtered")
        if name in _NUMBERS_ONLY and inner.type not in ("int", "double", "currency", "percent"):
            message = f"field {inner.name} does not support aggregate operator {call.name.upper()}"
            raise self._scope.fail("MALFORMED_QUERY", call.name, message)
        compute = _FUNCTIONS[name]

        def read(group: Group) -> Any:
            return compute([value for row in group if (value := inner.read(row)) is not None])

        return Operand(name=inner.name, type="int" if name.startswith("count") else inner.type, read=read)


def _text(scope: Scope, expression: Expression) -> str:
    if isinstance(expression, Path):
        return ".".join(scope.own(expression)).lower()
    inner = ",".join(_text(scope, argument) for argument in expression.arguments)
    return f"{expression.name.lower()}({inner})"
