"""Finds the few rows that may match a condition by the indexes, so that not every row has to be looked at."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

from closedloop.sandbox.salesforce.ids import long_id
from closedloop.sandbox.salesforce.records.tables import Row
from closedloop.sandbox.salesforce.schema.sobject import Field
from closedloop.sandbox.salesforce.soql.columns import Scope
from closedloop.sandbox.salesforce.soql.syntax import Compare, Condition, Every, Path, Query, Some, Within

Select = Callable[[Query], Collection[Any]]
"""What the query of a semi-join selects."""


def candidates(condition: Condition | None, scope: Scope, select: Select) -> dict[str, Row] | None:
    """The rows that may match, by id, deleted ones too; None where no index tells."""
    match condition:
        case Every(conditions):
            found = [candidates(c, scope, select) for c in conditions]
            return min((rows for rows in found if rows is not None), key=len, default=None)
        case Some(conditions):
            return _either([candidates(c, scope, select) for c in conditions])
        case Compare(operator="="):
            return _of(condition.expression, (condition.literal,), scope)
        case Within(negated=False):
            choices = condition.choices
            return _of(
                condition.expression, select(choices) if isinstance(choices, Query) else choices, scope
            )
    return None


def _either(found: list[dict[str, Row] | None]) -> dict[str, Row] | None:
    merged: dict[str, Row] = {}
    for rows in found:
        if rows is None:
            return None
        merged |= rows
    return merged


def _of(expression: Any, choices: Collection[Any], scope: Scope) -> dict[str, Row] | None:
    field = _indexed(expression, scope)
    if field is None or not all(isinstance(c, str) and c for c in choices):
        return None
    tables, name = scope.org.tables, scope.kind.name
    rows: list[Row | None]
    if field.name == "Id":
        rows = [tables.get(name, long_id(choice) or "") for choice in choices]
    else:
        keys = [long_id(c) if field.type == "reference" else c for c in choices]
        rows = [row for key in keys for row in tables.where(name, field.name, key, deleted=True)]
    return {row["Id"]: row for row in rows if row is not None}


def _indexed(expression: Any, scope: Scope) -> Field | None:
    parts = scope.own(expression) if isinstance(expression, Path) else ()
    field = scope.kind.field(parts[0]) if len(parts) == 1 else None
    if field is None or (field.name != "Id" and not scope.org.tables.indexed(scope.kind.name, field.name)):
        return None
    return field


def indexed_fields(condition: Condition | None, scope: Scope) -> list[str]:
    """The indexed fields of the object that the condition names where all of its parts must hold."""
    if isinstance(condition, Every):
        found = [name for part in condition.conditions for name in indexed_fields(part, scope)]
        return list(dict.fromkeys(found))
    if not isinstance(condition, Compare | Within):
        return []
    field = _indexed(condition.expression, scope)
    return [] if field is None else [field.name]
