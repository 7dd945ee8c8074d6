"""Binds the names in a query to objects and fields, and reads them from rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from lark import Token

from closedloop.sandbox.salesforce.derive import reader
from closedloop.sandbox.salesforce.refusal import Refusal
from closedloop.sandbox.salesforce.schema import Field, SObject
from closedloop.sandbox.salesforce.soql import pointed
from closedloop.sandbox.salesforce.syntax import Call, Expression, Path
from closedloop.sandbox.salesforce.tables import Row

if TYPE_CHECKING:
    from closedloop.sandbox.salesforce.org import Org

# What can be read of a parent that may be of several objects: the fields of the Name object.
_NAME_FIELDS = {
    name.lower(): Field(name=name, type="id" if name == "Id" else "string", label=name)
    for name in (
        "Id",
        "Name",
        "FirstName",
        "LastName",
        "Email",
        "Phone",
        "Title",
        "Type",
        "Username",
        "Alias",
    )
}
_ADVICE = (
    "Please reference your WSDL or the describe call for the appropriate names."  # the end of three messages
)

ROW_FUNCTIONS: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "calendar_year": ("int", lambda day: day.year),
    "calendar_quarter": ("int", lambda day: (day.month + 2) // 3),
    "calendar_month": ("int", lambda day: day.month),
    "day_in_month": ("int", lambda day: day.day),
    "day_only": ("date", lambda day: day.date() if isinstance(day, datetime) else day),
    "tolabel": ("string", lambda text: text),
}
"""Functions of one value: the type of their result, and how it is computed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Operand:
    """Something to compare, sort or group by: its type, and how it is read from a row or a group of rows."""

    name: str
    type: str
    read: Callable[[Any], Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """A field at the end of a way over parents."""

    org: Org
    kind: SObject
    steps: tuple[Field, ...]
    field: Field

    def reader(self) -> Callable[[Row], Any]:
        """How the field is read from many rows."""
        if self.steps:
            return self.read
        return reader(self.org.tables, self.kind.name, self.field.name)

    def read(self, row: Row) -> Any:
        """The field's value, seen from the row; None where a parent is missing."""
        kind = self.kind
        for step in self.steps:
            found = parent(self.org, kind, row, step)
            if found is None:
                return None
            kind, row = found
        if self.field.name == "Type" and "Type" not in kind.fields:
            return kind.name
        return self.org.value(kind, row, self.field.name) if self.field.name in kind.fields else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What the names in one query mean: its object, its alias, and the text to point at."""

    org: Org
    kind: SObject
    alias: str | None
    text: str

    def bind(self, path: Path) -> Bound:
        """The field that the path names."""
        parts = self.own(path)
        kind = self.kind
        steps: list[Field] = []
        for part in parts[:-1]:
            if steps and steps[-1].polymorphic:
                raise self.fail("INVALID_FIELD", part, _no_relationship(part))
            step = kind.relationships.get(part.lower())
            if step is None:
                raise self.fail("INVALID_FIELD", part, _no_relationship(part))
            steps.append(step)
            kind = self.org.objects[step.refers_to[0]]
        names = bool(steps) and steps[-1].polymorphic
        field = _NAME_FIELDS.get(parts[-1].lower()) if names else kind.field(parts[-1])
        if field is None:
            raise self.no_column(parts[-1], "Name" if names else kind.name)
        return Bound(org=self.org, kind=self.kind, steps=tuple(steps), field=field)

    def own(self, path: Path) -> tuple[Token, ...]:
        """The path without the object's own name or alias in front."""
        first = path.parts[0].lower()
        mine = first in (self.kind.name.lower(), (self.alias or "").lower())
        if len(path.parts) > 1 and mine and first not in self.kind.relationships:
            return path.parts[1:]
        return path.parts

    def operand(self, expression: Expression, *, use: str) -> Operand:
        """The expression over single rows; `use` is filtered, sorted or grouped, and is checked."""
        if isinstance(expression, Call):
            return self._function(expression, use)
        bound = self.bind(expression)
        unusable = bound.field.long_text or bound.field.type == "address"
        # Recorded describes: numbers and datetimes are not groupable.
        if use == "grouped" and bound.field.type in ("double", "currency", "percent", "datetime"):
            unusable = True
        if unusable:
            message = f"field '{bound.field.name}' can not be {use} in a query call"
            raise self.fail("INVALID_FIELD", expression.parts[-1], message)
        return Operand(name=bound.field.name, type=bound.field.type, read=bound.reader())

    def fail(self, code: str, token: Token, message: str) -> Refusal:
        """The refusal that points at the token."""
        return Refusal(code, pointed(self.text, token.line or 1, token.column or 1, message))

    def no_column(self, token: Token, kind: str) -> Refusal:
        """The refusal of an unknown field, in Salesforce's words."""
        message = (
            f"No such column '{token}' on entity '{kind}'. If you are attempting to use a custom field, be "
            f"sure to append the '__c' after the custom field name. {_ADVICE}"
        )
        return self.fail("INVALID_FIELD", token, message)

    def _function(self, call: Call, use: str) -> Operand:
        known = ROW_FUNCTIONS.get(call.name.lower())
        if known is None or len(call.arguments) != 1:
            raise self.fail("MALFORMED_QUERY", call.name, f"Unknown or misused function: {call.name}")
        argument, (kind, compute) = (
            self.operand(call.arguments[0], use="filtered" if use == "grouped" else use),
            known,
        )

        def read(row: Row) -> Any:
            value = argument.read(row)
            return None if value is None else compute(value)

        return Operand(name=argument.name, type=kind, read=read)


def parent(org: Org, kind: SObject, row: Row, step: Field) -> tuple[SObject, Row] | None:
    """The object and row that the reference leads to."""
    record_id = org.value(kind, row, step.name)
    if record_id is None:
        return None
    for name in step.refers_to:
        target = org.objects.find(name)
        found = org.tables.get(name, record_id) if target else None
        if target is not None and found is not None:
            return target, found
    return None


def source_object(org: Org, path: Path, text: str) -> SObject:
    """The object that a query is from."""
    token = path.parts[0]
    kind = org.objects.find(token) if len(path.parts) == 1 else None
    if kind is None:
        message = (
            f"sObject type '{token}' is not supported. If you are attempting to use a custom object, be sure "
            f"to append the '__c' after the entity name. {_ADVICE}"
        )
        raise Refusal("INVALID_TYPE", pointed(text, token.line or 1, token.column or 1, message))
    return kind


def no_children(token: Token) -> str:
    """The message about an unknown child relationship."""
    return f"Didn't understand relationship '{token}' in FROM part of query call. {_RELATIONSHIP_ADVICE}"


_RELATIONSHIP_ADVICE = (
    "If you are attempting to use a custom relationship, be sure to append the '__r' after the custom "
    f"relationship name. {_ADVICE}"
)


def _no_relationship(token: Token) -> str:
    return f"Didn't understand relationship '{token}' in field path. {_RELATIONSHIP_ADVICE}"


def comparable(kind: str, value: Any) -> Any:
    """The value in the form in which it is compared, sorted and grouped: text without regard to case."""
    if isinstance(value, str) and kind not in ("id", "reference"):
        return value.casefold()
    return value
