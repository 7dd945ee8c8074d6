"""Renders rows as REST answers do: attributes first, parents as objects, children as query results."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from closedloop.sandbox.salesforce.records.derive import computed, reader
from closedloop.sandbox.salesforce.records.tables import Row
from closedloop.sandbox.salesforce.records.values import to_json
from closedloop.sandbox.salesforce.refusal import Refusal
from closedloop.sandbox.salesforce.schema.sobject import Field, SObject
from closedloop.sandbox.salesforce.soql.columns import Scope, kind_of, parent, source_object
from closedloop.sandbox.salesforce.soql.syntax import Call, Column, Distance, Path, TypeOf

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
        self._unnamed = 0

    def add(self, key: str, read: Callable[[SObject, Row], Any]) -> None:
        """Selects something under that key; the same twice is refused."""
        if key in self._parts:
            raise Refusal("INVALID_FIELD", f"duplicate field selected: {key}")
        self._parts[key] = read

    def field(self, name: str) -> None:
        """Selects a field of the record."""
        if self._kind is None:
            self.add(name, lambda kind, row: plain(self._value(kind, row, name)))
            return
        if self._kind.fields[name].type == "base64":
            self.add(name, lambda kind, row: _address(kind, row, name, self._version))
            return
        read = reader(self._org.tables, self._kind.name, name)
        if self._kind.fields[name].type in _AS_THEY_ARE:
            self.add(name, lambda _, row: read(row))
        else:
            self.add(name, lambda _, row: plain(read(row)))

    def unnamed(self, read: Callable[[SObject, Row], Any]) -> None:
        """Selects something that has no name: expr0, expr1, …"""
        self.add(f"expr{self._unnamed}", read)
        self._unnamed += 1

    def parent(self, step: Field) -> Node:
        """The node of the parent that the reference leads to."""
        key = step.relationship or ""
        if key not in self._parents:
            kind = None if step.polymorphic else self._org.objects[step.refers_to[0]]
            node = Node(self._org, self._version, kind)
            self._parents[key] = node
            self._parts[key] = lambda kind, row: node.once(parent(self._org, kind, row, step))
        return self._parents[key]

    def beside(self, kind: SObject | None) -> Node:
        """A new node for a record of another object, in the same answer."""
        return Node(self._org, self._version, kind)

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
        if name == "Type":
            return kind_of(kind, row)
        if name not in kind.fields:
            return None
        return self._org.value(kind, row, name)


def expand(node: Node, column: Column, scope: Scope, *, limit: int | None) -> None:
    """Adds a selected expression to the node."""
    asked = column.expression
    if isinstance(asked, Call):
        _expand_call(node, asked, column.alias, scope, limit)
    elif isinstance(asked, Distance):
        read = scope.operand(asked, use="selected").read
        _add(node, column.alias, lambda _, row: plain(read(row)))
    elif column.alias is not None:
        raise Refusal("MALFORMED_QUERY", "only aggregate expressions use field aliasing")
    else:
        bound = scope.bind(asked)
        for step in bound.steps:
            node = node.parent(step)
        node.field(bound.field.name)


def expand_typeof(node: Node, asked: TypeOf, scope: Scope) -> None:
    """Adds what is selected of a parent that may be of several objects: by object, and of all others."""
    step = scope.relationship(asked.path)
    if not step.polymorphic:
        message = f"TYPEOF needs a polymorphic relationship: {step.relationship}"
        raise scope.fail("INVALID_FIELD", asked.path.place, message)
    cases: dict[str, Node] = {}
    for word, paths in asked.cases:
        kind = source_object(scope.org, Path((word,)), scope.text)
        if kind.name not in step.refers_to:
            message = f"{step.relationship} does not refer to {kind.name}"
            raise scope.fail("INVALID_FIELD", word, message)
        cases[kind.name] = _case(node.beside(kind), paths, replace(scope, kind=kind, alias=None))
    otherwise = None
    if asked.otherwise is not None:
        otherwise = node.beside(None)
        for path in asked.otherwise:
            otherwise.field(scope.name_field(path.parts[-1]).name)

    def read(kind: SObject, row: Row) -> dict[str, Any] | None:
        found = parent(scope.org, kind, row, step)
        chosen = None if found is None else cases.get(found[0].name, otherwise)
        return None if found is None or chosen is None else chosen.render(*found)

    node.add(step.relationship or "", read)


def _case(node: Node, paths: tuple[Path, ...], scope: Scope) -> Node:
    for path in paths:
        expand(node, Column(path, None), scope, limit=None)
    return node


def _expand_call(node: Node, call: Call, alias: str | None, scope: Scope, limit: int | None) -> None:
    if call.name.lower() == "fields":
        _expand_fields(node, str(call.arguments[0].place).lower(), scope, limit)
        return
    path = call.arguments[0]
    if alias is None and isinstance(path, Path):
        # Without an alias the result stands where the field itself would stand.
        steps = scope.bind(path).steps
        for step in steps:
            node = node.parent(step)
        if steps and not steps[-1].polymorphic:
            scope = replace(scope, kind=scope.org.objects[steps[-1].refers_to[0]], alias=None)
            call = Call(call.name, (Path(path.parts[-1:]),))
    operand = scope.operand(call, use="selected")
    _add(node, alias or operand.name, lambda _, row: plain(operand.read(row)))


def _add(node: Node, key: str | None, read: Callable[[SObject, Row], Any]) -> None:
    if key is None:
        node.unnamed(read)
    else:
        node.add(key, read)


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
    shown = attributes(kind, row["Id"], version, shown=kind.name)
    record: dict[str, Any] = {"attributes": shown, **kind.blank}
    # A row holds what is not null, be it seen by the caller or not.
    for name, value in row.items():
        if name in record:
            record[name] = value if type(value) is str else to_json(value)
    for name, value in computed(org.tables, kind, row).items():
        record[name] = plain(value)
    if kind.name in _WITH_FILES:
        record["Body"] = _address(kind, row, "Body", version)
    return record


_WITH_FILES = frozenset({"Attachment"})


def _address(kind: SObject, row: Row, name: str, version: str) -> str | None:
    """Where the file in a field is got (REST API Developer Guide, "sObject Blob Retrieve")."""
    return f"/services/data/v{version}/sobjects/{kind.name}/{row['Id']}/{name}" if row[name] else None
