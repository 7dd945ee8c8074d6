"""Renders rows as REST answers do: attributes first, parents as objects, children as query results."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from closedloop.sandbox.salesforce.columns import Scope, parent
from closedloop.sandbox.salesforce.derive import reader
from closedloop.sandbox.salesforce.refusal import Refusal
from closedloop.sandbox.salesforce.schema import Field, SObject
from closedloop.sandbox.salesforce.syntax import Call, Column
from closedloop.sandbox.salesforce.tables import Row
from closedloop.sandbox.salesforce.values import to_json

if TYPE_CHECKING:
    from closedloop.sandbox.salesforce.org import Org

# SOQL and SOSL Reference, "FIELDS()": the unbounded forms want a limit of at most this.
_MOST_OF_ALL_FIELDS = 200
# What is kept in the form in which it is shown.
_AS_THEY_ARE = frozenset(
    {"id", "reference", "string", "picklist", "multipicklist", "email", "phone", "url", "boolean", "int"}
)


def attributes(kind: SObject, record_id: str, version: str, *, shown: str) -> dict[str, str]:
    """The `attributes` of a record."""
    return {"type": shown, "url": f"/services/data/v{version}/sobjects/{kind.name}/{record_id}"}


def plain(value: Any) -> Any:
    """The value as JSON, compound ones too."""
    if isinstance(value, dict):
        return {name: to_json(part) for name, part in value.items()}
    return to_json(value)


class Node:
    """What is selected of one record: its fields, its parents, its children, in the order of the query.

    `kind` is the object, None where it may be one of several.
    """

    def __init__(self, org: Org, version: str, kind: SObject | None) -> None:
        self._org = org
        self._version = version
        self._kind = kind
        self._parts: dict[str, Callable[[SObject, Row], Any]] = {}
        self._parents: dict[str, Node] = {}
        self._rendered: dict[str, dict[str, Any]] = {}

    def add(self, key: str, read: Callable[[SObject, Row], Any]) -> None:
        """Selects something under that key; the same twice is refused."""
        if key in self._parts:
            raise Refusal("INVALID_FIELD", f"duplicate field selected: {key}")
        self._parts[key] = read

    def field(self, name: str, *, key: str = "") -> None:
        """Selects a field of the record."""
        if self._kind is None:
            self.add(key or name, lambda kind, row: plain(self._value(kind, row, name)))
            return
        read = reader(self._org.tables, self._kind.name, name)
        if self._kind.fields[name].type in _AS_THEY_ARE:
            self.add(key or name, lambda _, row: read(row))
        else:
            self.add(key or name, lambda _, row: plain(read(row)))

    def parent(self, step: Field) -> Node:
        """The node of the parent that the reference leads to."""
        key = step.relationship or ""
        if key not in self._parents:
            kind = None if step.polymorphic else self._org.objects[step.refers_to[0]]
            node = Node(self._org, self._version, kind)
            self._parents[key] = node
            self._parts[key] = lambda kind, row: node.once(parent(self._org, kind, row, step))
        return self._parents[key]

    def page(self, kind: SObject, rows: Iterable[Row]) -> list[dict[str, Any]]:
        """The records of the rows, each parent among them rendered once."""
        self._forget()
        return [self.render(kind, row) for row in rows]

    def render(self, kind: SObject, row: Row) -> dict[str, Any]:
        """The record."""
        shown = "Name" if self._kind is None else kind.name
        record: dict[str, Any] = {"attributes": attributes(kind, row["Id"], self._version, shown=shown)}
        for key, read in self._parts.items():
            record[key] = read(kind, row)
        return record

    def once(self, found: tuple[SObject, Row] | None) -> dict[str, Any] | None:
        """The record, as it was rendered before on the same page; None where there is none."""
        if found is None:
            return None
        kind, row = found
        if row["Id"] not in self._rendered:
            self._rendered[row["Id"]] = self.render(kind, row)
        return self._rendered[row["Id"]]

    def _forget(self) -> None:
        self._rendered.clear()
        for node in self._parents.values():
            node._forget()  # noqa: SLF001 - another of the same

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
    node = Node(org, version, kind)
    for name in kind.fields:
        node.field(name)
    return node.render(kind, row)
