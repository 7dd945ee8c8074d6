"""Runs SOQL over the org."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any

from closedloop.sandbox.salesforce.records.tables import Row
from closedloop.sandbox.salesforce.refusal import Refusal
from closedloop.sandbox.salesforce.rest.render import Node, expand, expand_typeof
from closedloop.sandbox.salesforce.schema.sobject import Field, SObject
from closedloop.sandbox.salesforce.soql import aggregate, semijoins
from closedloop.sandbox.salesforce.soql.columns import Operand, Scope, no_children, source_object
from closedloop.sandbox.salesforce.soql.conditions import Conditions, Test
from closedloop.sandbox.salesforce.soql.ordering import between, in_index
from closedloop.sandbox.salesforce.soql.parser import parse, too_complicated
from closedloop.sandbox.salesforce.soql.planning import candidates
from closedloop.sandbox.salesforce.soql.sorting import sort, window
from closedloop.sandbox.salesforce.soql.syntax import Call, Column, Expression, Ordering, Path, Query, TypeOf
from closedloop.sandbox.salesforce.soql.words import Word

if TYPE_CHECKING:
    from closedloop.sandbox.salesforce.org import Org

# SOQL and SOSL Reference, "OFFSET".
_MOST_OFFSET = 2000
# So many rows are not worth sorting where an index has them in order.
_MANY = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a query found. `total` may exceed the rows: count() has none. Rows are rendered when wanted;
    those of groups (`grouped`) do not come in pages."""

    total: int
    rows: list[Any]
    render: Callable[[list[Any]], list[dict[str, Any]]]
    grouped: bool = False

    @property
    def records(self) -> list[dict[str, Any]]:
        """All of them, rendered."""
        return self.render(self.rows)


Shown = Callable[[Found], dict[str, Any]]
"""How the rows of a child relationship are shown: all of them, or the first page."""


def whole(found: Found) -> dict[str, Any]:
    """All that was found, as the body of an answer."""
    return {"totalSize": found.total, "done": True, "records": found.records}


def run(org: Org, text: str, *, version: str, deleted: bool = False, children: Shown = whole) -> Found:
    """The answer to a query; `deleted` finds what is in the recycle bin too."""
    query = parse(text)
    try:
        with org.lock:
            return _Run(org, text, version, deleted, children).found(query)
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
            return (query, *_Run(org, text, "", deleted, whole).chosen(query))
    except RecursionError:
        raise too_complicated() from None


class _Run:
    """One query over the org as it is."""

    def __init__(self, org: Org, text: str, version: str, deleted: bool, shown: Shown) -> None:
        self._org = org
        self._text = text
        self._version = version
        self._deleted = deleted
        self._shown = shown
        self._selections: dict[int, set[Any]] = {}

    def found(self, query: Query) -> Found:
        """What the whole query finds."""
        scope = self._scope(source_object(self._org, query.source, self._text), query)
        _check_offset(query)
        if _is_count(query):
            return Found(total=self._count(query, scope), rows=[], render=list)
        if aggregate.is_grouped(query):
            matching = list(self._matching(query, scope)[0])
            records = aggregate.records(query, scope, matching, self._conditions)
            return Found(total=len(records), rows=records, render=list, grouped=True)
        node = self._node(query, scope)
        chosen = self._chosen(query, scope)
        return Found(total=len(chosen), rows=chosen, render=partial(node.page, scope.kind))

    def chosen(self, query: Query) -> tuple[Scope, list[Row]]:
        """The rows that the query chooses, and what its names mean."""
        scope = self._scope(source_object(self._org, query.source, self._text), query)
        _check_offset(query)
        return scope, self._chosen(query, scope)

    def _scope(self, kind: SObject, query: Query) -> Scope:
        joined = {alias.lower(): path for alias, path in query.joined}
        return Scope(org=self._org, kind=kind, alias=query.alias, text=self._text, joined=joined)

    def _chosen(self, query: Query, scope: Scope) -> list[Row]:
        matching, sorted_already = self._matching(query, scope)
        if query.order and not sorted_already:
            return window(query, sort(self._by(query, scope), matching))
        end = None if query.limit is None else query.offset + query.limit
        return list(islice(matching, query.offset, end))

    def _count(self, query: Query, scope: Scope) -> int:
        matching, _ = self._matching(query, scope)
        end = None if query.limit is None else query.offset + query.limit
        return sum(1 for _ in islice(matching, query.offset, end))

    def _by(self, query: Query, scope: Scope) -> list[tuple[Operand, Ordering]]:
        return [(scope.operand(o.expression, use="sorted"), o) for o in query.order]

    def _matching(self, query: Query, scope: Scope) -> tuple[Iterator[Row], bool]:
        """The rows that match, and whether they come in the query's order."""
        test, mine = self._test(query, scope), self._of_scope(query, scope)
        found, in_turn = self._candidates(query, scope)
        if not self._deleted:
            found = (row for row in found if not row.get("IsDeleted"))
        for wanted in (mine, test):
            if wanted is not None:
                found = filter(wanted, found)
        return iter(found), in_turn

    def _candidates(self, query: Query, scope: Scope) -> tuple[Iterable[Row], bool]:
        """The rows to look at, and whether they come in the query's order."""
        few = candidates(query.where, scope, self._selected)
        if few is None or len(few) > _MANY:
            ordered = in_index(query, scope)
            if ordered is not None:
                return ordered, True
        if few is not None:
            return few.values(), False
        bounded = between(query, scope)
        if bounded is not None:
            return bounded, False
        return self._org.tables.scan(scope.kind.name), False

    def _test(self, query: Query, scope: Scope) -> Test | None:
        if query.where is None:
            return None
        semijoins.check(query, scope, self._inside)
        return self._conditions(lambda e: scope.operand(e, use="filtered")).test(query.where)

    def _of_scope(self, query: Query, scope: Scope) -> Test | None:
        """Which rows USING SCOPE leaves; None where it leaves all."""
        word = query.scope
        if word is None or word.lower() in ("everything", "scopingrule"):
            return None
        me, name = self._org.integration_user_id, word.lower()
        if name == "mru" and "LastViewedDate" in scope.kind.fields:
            return lambda row: row.get("LastViewedDate") is not None
        if name in ("mine", "mine_and_my_groups") and "OwnerId" in scope.kind.fields:
            return lambda row: row.get("OwnerId") == me
        if name == "delegated" and scope.kind.name in ("Event", "Task"):
            return lambda row: row.get("CreatedById") == me != row.get("OwnerId")
        message = f"Unsupported or invalid query scope for {scope.kind.name}: {word}"
        raise scope.fail("INVALID_QUERY_SCOPE", word, message)

    def _conditions(self, bind: Callable[[Expression], Operand]) -> Conditions:
        return Conditions(bind, self._selected, self._org.clock().date(), self._text)

    def _inside(self, query: Query) -> Scope:
        return self._scope(source_object(self._org, query.source, self._text), query)

    def _selected(self, query: Query) -> set[Any]:
        """What the inner query of a semi-join selects."""
        if id(query) not in self._selections:
            column, scope = query.columns[0], self._inside(query)
            assert isinstance(column, Column)  # noqa: S101  for the type checker: semi-joins are checked
            assert isinstance(column.expression, Path)  # noqa: S101  the same
            read = scope.bind(column.expression).reader()
            self._selections[id(query)] = {read(row) for row in self._chosen(query, scope)} - {None}
        return self._selections[id(query)]

    def _node(self, query: Query, scope: Scope) -> Node:
        node = Node(self._org, self._version, scope.kind)
        for column in query.columns:
            if isinstance(column, Query):
                self._add_children(node, column, scope)
            elif isinstance(column, TypeOf):
                expand_typeof(node, column, scope)
            else:
                expand(node, column, scope, limit=query.limit)
        return node

    def _add_children(self, node: Node, query: Query, outer: Scope) -> None:
        word = outer.own(query.source)[-1]
        kind, field = self._relationship(outer, word)
        scope = self._scope(kind, query)
        if _is_count(query) or aggregate.is_grouped(query):
            message = "only root queries support aggregate expressions"
            raise outer.fail("MALFORMED_QUERY", word, message)
        _check_offset(query)
        inside, by = self._node(query, scope), self._by(query, scope)
        test, mine = self._test(query, scope), self._of_scope(query, scope)
        referring = self._referring(kind, field.name)

        def children(_: SObject, row: Row) -> dict[str, Any] | None:
            matching = (
                r for r in referring(row["Id"]) if (mine is None or mine(r)) and (test is None or test(r))
            )
            chosen = window(query, sort(by, matching))
            if not chosen:
                return None  # and not an empty result (recorded)
            return self._shown(Found(total=len(chosen), rows=chosen, render=partial(inside.page, kind)))

        node.add(field.child_relationship or "", children)

    def _relationship(self, outer: Scope, word: Word) -> tuple[SObject, Field]:
        found = self._org.objects.children(outer.kind).get(word.lower())
        if found is None:
            raise outer.fail("INVALID_TYPE", word, no_children(word))
        return found

    def _referring(self, kind: SObject, field: str) -> Callable[[str], list[Row]]:
        """How the rows are found whose field refers to a record."""
        tables, deleted = self._org.tables, self._deleted
        if tables.indexed(kind.name, field):
            return lambda record_id: tables.where(kind.name, field, record_id, deleted=deleted)
        by_parent: dict[Any, list[Row]] = {}
        for row in tables.rows(kind.name, deleted=deleted):
            by_parent.setdefault(self._org.value(kind, row, field), []).append(row)
        return lambda record_id: by_parent.get(record_id, [])


def _check_offset(query: Query) -> None:
    if query.offset > _MOST_OFFSET:
        raise Refusal("NUMBER_OUTSIDE_VALID_RANGE", f"Maximum SOQL offset allowed is {_MOST_OFFSET}")


def _is_count(query: Query) -> bool:
    column = query.columns[0]
    if len(query.columns) != 1 or query.group or not isinstance(column, Column):
        return False
    call = column.expression
    return isinstance(call, Call) and call.name.lower() == "count" and not call.arguments
