"""Runs SOSL over the org."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from closedloop.sandbox.salesforce.records.tables import Row
from closedloop.sandbox.salesforce.rest.render import Node, expand
from closedloop.sandbox.salesforce.schema.sobject import SObject
from closedloop.sandbox.salesforce.soql.columns import Scope, source_object
from closedloop.sandbox.salesforce.soql.conditions import Conditions, Test
from closedloop.sandbox.salesforce.soql.parser import too_complicated
from closedloop.sandbox.salesforce.soql.search_index import SearchIndex, searched
from closedloop.sandbox.salesforce.soql.search_terms import words
from closedloop.sandbox.salesforce.soql.sorting import sort, window
from closedloop.sandbox.salesforce.soql.sosl import Search
from closedloop.sandbox.salesforce.soql.syntax import Column, Path, Query
from closedloop.sandbox.salesforce.soql.words import Word

if TYPE_CHECKING:
    from closedloop.sandbox.salesforce.org import Org

# SOQL and SOSL Reference, "SOSL Limits on Search Results".
_MOST = 2000

_Indexes = dict[str, tuple[SObject, SearchIndex]]
_INDEXES: WeakKeyDictionary[Any, _Indexes] = WeakKeyDictionary()


def search(org: Org, asked: Search, text: str, *, version: str) -> dict[str, Any]:
    """The answer to a search: records of all objects in one list, object by object."""
    try:
        with org.lock:
            found = _Run(org, asked, text, version)
            records = found.records()
            body: dict[str, Any] = {"searchRecords": records}
            if "metadata" in asked.settings:
                body["metadata"] = {"entityMetadata": found.labels()}
            return body
    except RecursionError:
        raise too_complicated() from None


class _Run:
    def __init__(self, org: Org, asked: Search, text: str, version: str) -> None:
        self._org = org
        self._asked = asked
        self._text = text
        self._version = version

    def records(self) -> list[dict[str, Any]]:
        most = _MOST if self._asked.limit is None else min(_MOST, self._asked.limit)
        found: list[dict[str, Any]] = []
        for query in self._queries():
            found += self._of(query, most - len(found))
        return found

    def labels(self) -> list[dict[str, Any]]:
        return [
            {"entityName": scope.kind.name, "fieldMetadata": _labels(query, scope)}
            for query in self._queries()
            for scope in (self._scope(query),)
        ]

    def _queries(self) -> tuple[Query, ...]:
        if self._asked.returning:
            return self._asked.returning
        kinds = [kind for kind in self._org.objects if not kind.setup and searched(kind, "name")]
        return tuple(_ids_of(kind.name) for kind in sorted(kinds, key=lambda kind: kind.name))

    def _scope(self, query: Query) -> Scope:
        kind = source_object(self._org, query.source, self._text)
        return Scope(org=self._org, kind=kind, alias=None, text=self._text)

    def _of(self, query: Query, most: int) -> list[dict[str, Any]]:
        scope = self._scope(query)
        node = Node(self._org, self._version, scope.kind)
        for column in query.columns:
            assert isinstance(column, Column)  # noqa: S101  for the type checker: SOSL has no others
            expand(node, column, scope, limit=query.limit)
        test = self._test(query, scope)
        by = [(scope.operand(o.expression, use="sorted"), o) for o in query.order]
        rows = [row for row in self._matching(scope.kind) if test is None or test(row)]
        return node.page(scope.kind, window(query, sort(by, rows))[:most])

    def _test(self, query: Query, scope: Scope) -> Test | None:
        if query.where is None:
            return None

        def no_semi_join(inner: Query) -> set[Any]:
            # SOQL and SOSL Reference, "WHERE" of SOSL knows none; the words are not recorded.
            raise scope.fail("MALFORMED_SEARCH", inner.source.place, "unexpected token: 'SELECT'")

        today = self._org.clock().date()
        bind = lambda e: scope.operand(e, use="filtered")  # noqa: E731  a name would say no more
        return Conditions(bind, no_semi_join, today, self._text).test(query.where)

    def _matching(self, kind: SObject) -> list[Row]:
        index = _index(self._org, kind)
        fields = searched(kind, self._asked.scope)
        found = []
        for record_id in index.candidates(self._asked.term):
            row = self._org.tables.get(kind.name, record_id)
            if row is None or row.get("IsDeleted"):
                continue
            values = (self._org.value(kind, row, f.name) for f in fields)
            if self._asked.term.found([words(str(value)) for value in values if value]):
                found.append(row)
        return found


def _index(org: Org, kind: SObject) -> SearchIndex:
    known = _INDEXES.setdefault(org, {})
    if kind.name not in known or known[kind.name][0] is not kind:
        known[kind.name] = kind, SearchIndex(kind, org.tables)
    return known[kind.name][1]


def _ids_of(name: str) -> Query:
    return Query((Column(Path((Word.at(0, "Id"),)), None),), Path((Word.at(0, name),)))


def _labels(query: Query, scope: Scope) -> list[dict[str, str]]:
    paths = [c.expression for c in query.columns if isinstance(c, Column) and isinstance(c.expression, Path)]
    fields = [scope.bind(path).field for path in paths]
    return [{"name": field.name, "label": field.label} for field in fields]
