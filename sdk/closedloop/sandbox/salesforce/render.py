"""Renders rows as REST answers do: attributes first, parents as objects, children as query results."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from closedloop.sandbox.salesforce.columns import Scope, parent
from closedloop.sandbox.salesforce.refusal import Refusal
from closedloop.sandbox.salesforce.schema import Field, SObject
from closedloop.sandbox.salesforce.syntax import Call, Column
from closedloop.sandbox.salesforce.tables import Row
from closedloop.sandbox.salesforce.values import to_json

if TYPE_CHECKING:
    from closedloop.sandbox.salesforce.org import Org

# SOQL and SOSL Reference, "FIELDS()": the unbounded forms want a limit of at most this.
_MOST_OF_ALL_FIELDS = 200


def attributes(kind: SObject, record_id: str, version: str, *, shown: str = "") -> dict[str, str]:
    """The `attributes` of a record."""
    url = f"/services/data/v{version}/sobjects/{kind.name}/{record_id}"
    return {"type": shown or kind.name, "url": url}


def plain(value: Any) -> Any:
    """The value as JSON, compound ones too."""
    if isinstance(value, dict):
        return {name: to_json(part) for name, part in value.items()}
    return to_json(value)


class Node:
    """What is selected of one record: its fields, its parents, its children, in the order of the query."""

    def __init__(self, org: Org, version: str, *, shown: str = "") -> None:
        self._org = org
        self._version = version
        self._shown = shown
        self._parts: dict[str, Callable[[SObject, Row], Any]] = {}
        self._parents: dict[str, Node] = {}

    def add(self, key: str, read: Callable[[SObject, Row], Any]) -> None:
        """Selects something under that key; the same twice is refused."""
        if key in self._parts:
            raise Refusal("INVALID_FIELD", f"duplicate field selected: {key}")
        self._parts[key] = read

    def field(self, name: str, *, key: str = "") -> None:
        """Selects a field of the record."""
        self.add(key or name, lambda kind, row: plain(self._value(kind, row, name)))

    def parent(self, step: Field) -> Node:
        """The node of the parent that the reference leads to."""
        key = step.relationship or ""
        if key not in self._parents:
            node = Node(self._org, self._version, shown="Name" if step.polymorphic else "")
            self._parents[key] = node
            self._parts[key] = lambda kind, row: node.render(parent(self._org, kind, row, step))
        return self._parents[key]

    def render(self, found: tuple[SObject, Row] | None) -> dict[str, Any] | None:
        """The record; None where there is none."""
        if found is None:
            return None
        kind, row = found
        record: dict[str, Any] = {"attributes": attributes(kind, row["Id"], self._version, shown=self._shown)}
        return record | {key: read(kind, row) for key, read in self._parts.items()}

    def _value(self, kind: SObject, row: Row, name: str) -> Any:
        if name not in kind.fields:
            return kind.name if name == "Type" else None
        return self._org.value(kind, row, name)


def expand(node: Node, column: Column, scope: Scope, *, limit: int | None) -> None:
    """Adds a selected expression to the node."""
    if isinstance(column.expression, Call):
        _expand_call(node, column.expression, column.alias, scope, limit)
        return
    if column.alias is not None:
        raise Refusal("MALFORMED_QUERY", "only aggregate expressions use field aliasing")
    bound = scope.bind(column.expression)
    for step in bound.steps:
        node = node.parent(step)
    node.field(bound.field.name)


def _expand_call(node: Node, call: Call, alias: str | None, scope: Scope, limit: int | None) -> None:
    name = call.name.lower()
    if len(call.arguments) == 1 and name == "tolabel":
        # Labels and API names are the same in the sandbox org.
        field = scope.bind(call.arguments[0]).field
        node.field(field.name, key=alias or field.name)
    elif len(call.arguments) == 1 and name == "fields":
        _expand_fields(node, str(call.arguments[0].parts[0]).lower(), scope, limit)
    else:
        raise scope.fail(
            "MALFORMED_QUERY", call.name, f"The sandbox does not know the function {call.name} here."
        )


def _expand_fields(node: Node, which: str, scope: Scope, limit: int | None) -> None:
    if which != "standard" and (limit is None or limit > _MOST_OF_ALL_FIELDS):
        raise Refusal(
            "MALFORMED_QUERY", f"The SOQL FIELDS function must have a LIMIT of at most {_MOST_OF_ALL_FIELDS}"
        )
    for field in scope.kind.fields.values():
        if which == "all" or field.custom == (which == "custom"):
            node.field(field.name)


def whole(org: Org, kind: SObject, row: Row, version: str) -> dict[str, Any]:
    """The record with every field, as a GET of it answers."""
    node = Node(org, version)
    for name in kind.fields:
        node.field(name)
    return node.render((kind, row)) or {}
