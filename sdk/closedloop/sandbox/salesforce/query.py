"""Runs SOQL over the org."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

from closedloop.sandbox.salesforce import aggregate
from closedloop.sandbox.salesforce.columns import Operand, Scope, no_children, source_object
from closedloop.sandbox.salesforce.conditions import Conditions
from closedloop.sandbox.salesforce.ids import long_id
from closedloop.sandbox.salesforce.ordering import in_index
from closedloop.sandbox.salesforce.refusal import Refusal
from closedloop.sandbox.salesforce.render import Node, expand
from closedloop.sandbox.salesforce.schema import SObject
from closedloop.sandbox.salesforce.soql import parse, too_complicated
from closedloop.sandbox.salesforce.sorting import in_order, window
from closedloop.sandbox.salesforce.syntax import (
    Call,
    Column,
    Compare,
    Condition,
    Every,
    Expression,
    Path,
    Query,
    Within,
)
from closedloop.sandbox.salesforce.tables import Row

if TYPE_CHECKING:
    from closedloop.sandbox.salesforce.org import Org

# SOQL and SOSL Reference, "OFFSET".
_MOST_OFFSET = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a query found. `total` may exceed the rows: count() has none. Rows are rendered when wanted."""

    total: int
    rows: list[Any]
    render: Callable[[list[Any]], list[dict[str, Any]]]

    @property
    def records(self) -> list[dict[str, Any]]:
        """All of them, rendered."""
        return self.render(self.rows)


def run(org: Org, text: str, *, version: str, deleted: bool = False) -> Found:
    """The answer to a query; `deleted` finds what is in the recycle bin too."""
    query = parse(text)
    try:
        with org.lock:
            return _Run(org, text, version, deleted).found(query)
    except RecursionError:
        raise too_complicated() from None


def rows(
    org: Org, text: str, *, deleted: bool, check: Callable[[Query], None]
) -> tuple[Query, Scope, list[Row]]:
    """The query, what its names mean, and the rows it chooses, unrendered; `check` may refuse the query."""
    query = parse(text)
    check(query)
    try:
        with org.lock:
            return (query, *_Run(org, text, "", deleted).chosen(query))
    except RecursionError:
        raise too_complicated() from None


class _Run:
    def __init__(self, org: Org, text: str, version: str, deleted: bool) -> None:
        self._org = org
        self._text = text
        self._version = version
        self._deleted = deleted

    def found(self, query: Query) -> Found:
        kind = source_object(self._org, query.source, self._text)
        return self._answer(query, self._scope(kind, query), None)

    def chosen(self, query: Query) -> tuple[Scope, list[Row]]:
        scope = self._scope(source_object(self._org, query.source, self._text), query)
        return scope, self._chosen(query, scope, None)

    def _chosen(self, query: Query, scope: Scope, rows: Iterable[Row] | None) -> list[Row]:
        """The rows that match, in order, as far as the query wants them."""
        ordered = in_index(query, scope) if rows is None and self._indexed_by(query, scope) is None else None
        if ordered is not None:
            alive = (row for row in ordered if self._deleted or not row.get("IsDeleted"))
            end = None if query.limit is None else query.offset + query.limit
            return list(islice(self._matching(query, scope, alive), query.offset, end))
        matching = self._matching(query, scope, rows)
        return window(query, in_order(query.order, lambda e: scope.operand(e, use="sorted"), matching))

    def _scope(self, kind: SObject, query: Query) -> Scope:
        if query.scope is not None and query.scope.lower() != "everything":
            raise Refusal("MALFORMED_QUERY", f"The sandbox has no scope {query.scope}: leave it out.")
        return Scope(org=self._org, kind=kind, alias=query.alias, text=self._text)

    def _answer(self, query: Query, scope: Scope, rows: Iterable[Row] | None) -> Found:
        if query.offset > _MOST_OFFSET:
            message = f"Maximum SOQL offset allowed is {_MOST_OFFSET} apiName OFFSET"
            raise Refusal("NUMBER_OUTSIDE_VALID_RANGE", message)
        if _is_count(query):
            found = window(query, list(self._matching(query, scope, rows)))
            return Found(total=len(found), rows=[], render=list)
        if query.group or any(
            isinstance(c, Column) and aggregate.is_aggregate(c.expression) for c in query.columns
        ):
            matching = list(self._matching(query, scope, rows))
            records = aggregate.records(query, scope, matching, self._conditions)
            return Found(total=len(records), rows=records, render=list)
        return self._plain(query, scope, rows)

    def _plain(self, query: Query, scope: Scope, rows: Iterable[Row] | None) -> Found:
        node = Node(self._org, self._version, scope.kind)
        for column in query.columns:
            if isinstance(column, Query):
                self._add_children(node, column, scope)
            else:
                expand(node, column, scope, limit=query.limit)
        chosen = self._chosen(query, scope, rows)
        return Found(total=len(chosen), rows=chosen, render=lambda some: node.page(scope.kind, some))

    def _matching(self, query: Query, scope: Scope, rows: Iterable[Row] | None) -> Iterator[Row]:
        test = None
        if query.where is not None:
            test = self._conditions(lambda e: scope.operand(e, use="filtered")).test(query.where)
        if rows is None:
            rows = self._candidates(query, scope)
        return (row for row in rows if test is None or test(row))

    def _candidates(self, query: Query, scope: Scope) -> Iterable[Row]:
        found = self._indexed_by(query, scope)
        if found is None:
            return self._org.tables.rows(scope.kind.name, deleted=self._deleted)
        return [row for row in found.values() if self._deleted or not row.get("IsDeleted")]

    def _indexed_by(self, query: Query, scope: Scope) -> dict[str, Row] | None:
        """The few rows that may match, where the condition asks an indexed field for equality."""
        where = query.where
        conditions = where.conditions if isinstance(where, Every) else (where,)
        found = (self._indexed(scope.kind, condition) for condition in conditions)
        return next((rows for rows in found if rows is not None), None)

    def _indexed(self, kind: SObject, condition: Condition | None) -> dict[str, Row] | None:
        asked = _equality(condition)
        if asked is None:
            return None
        name, choices = asked
        field, tables = kind.field(name), self._org.tables
        if field is not None and field.name == "Id":
            rows = [tables.get(kind.name, long_id(c) or "") for c in choices]
        elif field is not None and tables.indexed(kind.name, field.name):
            keys = [long_id(c) if field.type == "reference" else c for c in choices]
            rows = [r for key in keys for r in tables.where(kind.name, field.name, key, deleted=True)]
        else:
            return None
        return {row["Id"]: row for row in rows if row is not None}

    def _conditions(self, bind: Callable[[Expression], Operand]) -> Conditions:
        return Conditions(bind, self._selected, self._org.clock().date())

    def _selected(self, query: Query) -> set[Any]:
        """What the inner query of a semi-join selects."""
        scope = self._scope(source_object(self._org, query.source, self._text), query)
        column = query.columns[0]
        if (
            len(query.columns) != 1
            or not isinstance(column, Column)
            or not isinstance(column.expression, Path)
        ):
            raise Refusal("MALFORMED_QUERY", "The inner select of a semi-join names exactly one field.")
        bound = scope.bind(column.expression)
        return {bound.read(row) for row in self._matching(query, scope, None)}

    def _add_children(self, node: Node, query: Query, outer: Scope) -> None:
        token = outer.own(query.source)[-1]
        relationship = self._org.objects.children(outer.kind).get(token.lower())
        if relationship is None:
            raise outer.fail("INVALID_TYPE", token, no_children(token))
        kind, field = relationship
        scope = self._scope(kind, query)
        self._answer(query, scope, [])  # so that a wrong name is refused even where no record has children

        def children(_: SObject, row: Row) -> dict[str, Any] | None:
            found = self._answer(query, scope, self._referring(kind, field.name, row["Id"]))
            # No children is null, not an empty result (recorded).
            return {"totalSize": found.total, "done": True, "records": found.records} if found.total else None

        node.add(field.child_relationship or "", children)

    def _referring(self, kind: SObject, field: str, record_id: str) -> list[Row]:
        tables = self._org.tables
        if tables.indexed(kind.name, field):
            return tables.where(kind.name, field, record_id, deleted=self._deleted)
        rows = tables.rows(kind.name, deleted=self._deleted)
        return [row for row in rows if self._org.value(kind, row, field) == record_id]


def _is_count(query: Query) -> bool:
    column = query.columns[0]
    if len(query.columns) != 1 or query.group or not isinstance(column, Column):
        return False
    call = column.expression
    return isinstance(call, Call) and call.name.lower() == "count" and not call.arguments


def _equality(condition: Condition | None) -> tuple[str, list[str]] | None:
    """The field of the object itself that the condition compares for equality, and with what."""
    if isinstance(condition, Compare) and condition.operator == "=":
        choices: tuple[Any, ...] = (condition.literal,)
    elif isinstance(condition, Within) and not condition.negated and isinstance(condition.choices, tuple):
        choices = condition.choices
    else:
        return None
    path = condition.expression
    if not isinstance(path, Path) or len(path.parts) != 1:
        return None
    texts = [c for c in choices if isinstance(c, str) and c]
    return (str(path.parts[0]), texts) if len(texts) == len(choices) else None
