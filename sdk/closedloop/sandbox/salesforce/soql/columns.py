"""Binds the names in a query to objects and fields, and reads them from rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from closedloop.sandbox.salesforce.records.derive import reader
from closedloop.sandbox.salesforce.records.tables import Row
from closedloop.sandbox.salesforce.refusal import Refusal
from closedloop.sandbox.salesforce.schema.sobject import Field, SObject
from closedloop.sandbox.salesforce.soql.functions import FUNCTIONS, distance
from closedloop.sandbox.salesforce.soql.syntax import Call, Distance, Expression, Path
from closedloop.sandbox.salesforce.soql.words import Word, pointed

if TYPE_CHECKING:
    from closedloop.sandbox.salesforce.org import Org

_NAME_TYPES = {"Id": "id", "IsActive": "boolean"}
# What can be read of a parent that may be of several objects (Object Reference, Name).
_NAME_FIELDS = {
    name.lower(): Field(name=name, type=_NAME_TYPES.get(name, "string"), label=name)
    for name in (
        *("Id", "Name", "FirstName", "LastName", "MiddleName", "NameOrAlias", "Email", "Phone", "Title"),
        *("Type", "Username", "Alias", "IsActive", "ProfileId", "UserRoleId", "RecordTypeId"),
    )
}
# The end of three messages.
_ADVICE = "Please reference your WSDL or the describe call for the appropriate names."
_COMPOUND = frozenset({"address", "location"})
_USES: Mapping[str, Callable[[Field], bool]] = {
    # A compound field is compared by its parts only.
    "filtered": lambda one: one.filterable and one.type not in _COMPOUND,
    "sorted": lambda one: one.sortable,
    "grouped": lambda one: one.groupable,
    "selected": lambda _: True,
    "measured": lambda one: one.type in _COMPOUND,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Operand:
    """Something to compare, sort or group by: its type, and how it is read from a row or a group of rows."""

    name: str
    type: str
    read: Callable[[Any], Any]
    place: Word


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
        if self.steps and self.steps[-1].polymorphic and self.field.name == "Type":
            return kind_of(kind, row)
        return self.org.value(kind, row, self.field.name) if self.field.name in kind.fields else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What the names in one query mean: its object, its aliases, and the text to point at."""

    org: Org
    kind: SObject
    alias: str | None
    text: str
    joined: Mapping[str, Path] = field(default_factory=dict)
    """What else FROM names: the ways over parents, by their aliases in lower case."""

    def bind(self, path: Path) -> Bound:
        """The field that the path names."""
        *way, last = self.own(path)
        steps = self._steps(way)
        if steps and steps[-1].polymorphic:
            found = self.name_field(last)
        else:
            kind = self.org.objects[steps[-1].refers_to[0]] if steps else self.kind
            known = kind.field(last)
            if known is None:
                raise self.no_column(last, kind.name)
            found = known
        return Bound(org=self.org, kind=self.kind, steps=steps, field=found)

    def relationship(self, path: Path) -> Field:
        """The reference that the path follows in its last step."""
        return self._steps(self.own(path))[-1]

    def name_field(self, word: Word) -> Field:
        """The field that every parent has which may be of several objects."""
        found = _NAME_FIELDS.get(word.lower())
        if found is None:
            raise self.no_column(word, "Name")
        return found

    def _steps(self, way: Sequence[Word]) -> tuple[Field, ...]:
        kind, steps = self.kind, list[Field]()
        for part in way:
            step = kind.relationships.get(part.lower())
            if step is None or (steps and steps[-1].polymorphic):
                raise self.fail("INVALID_FIELD", part, _no_relationship(part))
            steps.append(step)
            kind = self.org.objects[step.refers_to[0]]
        return tuple(steps)

    def own(self, path: Path) -> tuple[Word, ...]:
        """The path without the object's own name or alias in front; other aliases give way to their paths."""
        first = path.parts[0].lower()
        if len(path.parts) == 1 or first in self.kind.relationships:
            return path.parts
        if first in (self.kind.name.lower(), (self.alias or "").lower()):
            return path.parts[1:]
        way = self.joined.get(first)
        return path.parts if way is None else (*self.own(way), *path.parts[1:])

    def operand(self, expression: Expression, *, use: str) -> Operand:
        """The expression over single rows; `use` is filtered, sorted or grouped, and is checked."""
        if isinstance(expression, Call):
            return self._function(expression, use)
        if isinstance(expression, Distance):
            return self._distance(expression)
        bound = self.bind(expression)
        self.check(bound.field, expression.place, use)
        return Operand(
            name=bound.field.name, type=bound.field.type, read=bound.reader(), place=expression.parts[0]
        )

    def check(self, one: Field, place: Word, use: str) -> None:
        """Refuses a field that describe says cannot be used so."""
        if not _USES[use](one):
            raise self.fail("INVALID_FIELD", place, f"field '{one.name}' can not be {use} in a query call")

    def fail(self, code: str, word: Word, message: str) -> Refusal:
        """The refusal that points at the word."""
        return Refusal(code, pointed(self.text, word.start, message))

    def no_column(self, word: Word, kind: str) -> Refusal:
        """The refusal of an unknown field, in Salesforce's words."""
        message = (
            f"No such column '{word}' on entity '{kind}'. If you are attempting to use a custom field, be "
            f"sure to append the '__c' after the custom field name. {_ADVICE}"
        )
        return self.fail("INVALID_FIELD", word, message)

    def applied(self, call: Call, argument: Operand) -> Operand:
        """The function of what the argument reads, be it a row or a group."""
        function = FUNCTIONS[call.name.lower()]
        if function.takes and argument.type not in function.takes:
            message = f"field '{argument.name}' can not be used with {call.name.upper()}"
            raise self.fail("INVALID_FIELD", call.name, message)
        compute = function.compute
        if call.name.lower() == "tolabel" and isinstance(call.arguments[0], Path):
            compute = _labels(self.bind(call.arguments[0]).field)
        return Operand(
            name=argument.name,
            type=function.type or argument.type,
            read=partial(_computed, compute, argument.read),
            place=call.name,
        )

    def _function(self, call: Call, use: str) -> Operand:
        if not call.arguments or call.name.lower() not in FUNCTIONS:
            raise self.fail("MALFORMED_QUERY", call.name, f"unexpected token: '{call.name}'")
        # An instant cannot be grouped by, its year can: only what the function gives is used.
        return self.applied(
            call, self.operand(call.arguments[0], use="filtered" if use == "grouped" else use)
        )

    def _distance(self, asked: Distance) -> Operand:
        bound = self.bind(asked.field)
        self.check(bound.field, asked.field.place, "measured")
        read, latitude, longitude = bound.reader(), float(asked.latitude), float(asked.longitude)
        return Operand(
            name=bound.field.name,
            type="distance",
            read=lambda row: distance(read(row), latitude, longitude, asked.unit),
            place=asked.name,
        )


def _computed(compute: Callable[[Any], Any], read: Callable[[Row], Any], row: Row) -> Any:
    value = read(row)
    return None if value is None else compute(value)


def _labels(one: Field) -> Callable[[Any], Any]:
    """How the values of a picklist become their labels; what has no label stays as it is."""
    labels = dict(zip(one.values, one.labels, strict=False))
    if not labels:
        return lambda value: value
    return lambda value: ";".join(labels.get(part, part) for part in value.split(";"))


def kind_of(kind: SObject, row: Row) -> str:
    """The `Type` of a parent that may be of several objects: its object; a queue says that it is one."""
    return str(row["Type"]) if kind.name == "Group" else kind.name


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
    word = path.parts[0]
    kind = org.objects.find(word) if len(path.parts) == 1 else None
    if kind is None:
        message = (
            f"sObject type '{word}' is not supported. If you are attempting to use a custom object, be sure "
            f"to append the '__c' after the entity name. {_ADVICE}"
        )
        raise Refusal("INVALID_TYPE", pointed(text, word.start, message))
    return kind


def no_children(word: Word) -> str:
    """The message about an unknown child relationship."""
    return f"Didn't understand relationship '{word}' in FROM part of query call. {_RELATIONSHIP_ADVICE}"


_RELATIONSHIP_ADVICE = (
    "If you are attempting to use a custom relationship, be sure to append the '__r' after the custom "
    f"relationship name. {_ADVICE}"
)


def _no_relationship(word: Word) -> str:
    return f"Didn't understand relationship '{word}' in field path. {_RELATIONSHIP_ADVICE}"


def comparable(kind: str, value: Any) -> Any:
    """The value in the form in which it is compared, sorted and grouped: text without regard to case."""
    if isinstance(value, str) and kind not in ("id", "reference"):
        return value.casefold()
    return value
