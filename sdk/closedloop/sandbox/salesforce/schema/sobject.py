"""Objects and their fields: what describe says of them, and what the org needs to keep them.

What the flags of a field mean is told in `field_tables`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

_LETTERS = {"create": "C", "update": "U", "upsert": "CU", "delete": "D"}
_LONG_TEXT = 255
_COMPOUND = frozenset({"address", "location"})
_UNGROUPABLE = _COMPOUND | {"double", "currency", "percent", "datetime", "time", "base64", "anyType"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One field: what describe says of it, and what the org needs to keep it."""

    name: str
    type: str
    label: str
    length: int = 0
    precision: int = 0
    scale: int = 0
    flags: str = ""
    values: tuple[str, ...] = ()
    refers_to: tuple[str, ...] = ()
    relationship: str | None = None
    child_relationship: str | None = None
    compound: str | None = None
    labels: tuple[str, ...] = ()
    """The labels of the values, where they differ from them."""
    default: Any = None
    """What a new record has when the field is left out."""
    formula: str | None = None
    help_text: str | None = None
    number_format: str = ""
    """How an AutoNumber shows its number, as `A-{0000}`."""
    order: int | None = None
    """Of a master-detail field: 0 for the first of its object, 1 for the second."""

    @property
    def createable(self) -> bool:
        return "C" in self.flags

    @property
    def updateable(self) -> bool:
        return "U" in self.flags

    @property
    def nillable(self) -> bool:
        return "!" not in self.flags

    @property
    def defaulted(self) -> bool:
        return "D" in self.flags

    @property
    def required(self) -> bool:
        """A create that leaves it out is refused."""
        return self.createable and not (self.nillable or self.defaulted or self.switch)

    @property
    def switch(self) -> bool:
        """One of the many settings of a user, a permission set or the org: false unless it is said."""
        return "B" in self.flags

    @property
    def derived(self) -> bool:
        return "*" in self.flags

    @property
    def external_id(self) -> bool:
        return "X" in self.flags or "x" in self.flags

    @property
    def unique(self) -> bool:
        return "X" in self.flags or "u" in self.flags

    @property
    def case_sensitive(self) -> bool:
        return "k" in self.flags

    @property
    def id_lookup(self) -> bool:
        return self.external_id or self.unique or "L" in self.flags

    @property
    def auto_number(self) -> bool:
        return "A" in self.flags

    @property
    def master_detail(self) -> bool:
        return "m" in self.flags

    @property
    def calculated(self) -> bool:
        return "f" in self.flags

    @property
    def html(self) -> bool:
        return "h" in self.flags

    @property
    def restricts(self) -> bool:
        """What it refers to cannot be deleted."""
        return "d" in self.flags

    @property
    def restricted(self) -> bool:
        return "R" in self.flags

    @property
    def cascades(self) -> bool:
        return "c" in self.flags

    @property
    def custom(self) -> bool:
        return self.name.endswith(("__c", "__s"))

    @property
    def long_text(self) -> bool:
        """Can neither be filtered, grouped nor sorted by."""
        return self.type == "textarea" and self.length > _LONG_TEXT

    @property
    def polymorphic(self) -> bool:
        return len(self.refers_to) > 1

    @property
    def filterable(self) -> bool:
        return not (self.long_text or self.type == "base64" or "F" in self.flags)

    @property
    def sortable(self) -> bool:
        unfit = self.type in _COMPOUND or self.long_text or self.type == "base64" or self.switch
        return not (unfit or "S" in self.flags)

    @property
    def groupable(self) -> bool:
        if "g" in self.flags:
            return True
        unfit = self.type in _UNGROUPABLE or self.long_text or self.switch
        return not (unfit or "G" in self.flags or "F" in self.flags)

    @property
    def aggregatable(self) -> bool:
        unfit = self.type in ("boolean", "time", "base64") or self.type in _COMPOUND
        return not (unfit or self.long_text or "a" in self.flags)


@dataclass(frozen=True, kw_only=True)
class SObject:
    """One object. `setup` ones are kept by an administrator; `can` says what is done to records over the API:
    `C` create, `U` update, `D` delete."""

    name: str
    prefix: str
    label: str
    plural: str
    fields: Mapping[str, Field]
    setup: bool = False
    can: str = "CUD"

    @property
    def custom(self) -> bool:
        return self.name.endswith("__c")

    @property
    def recycled(self) -> bool:
        """Whether what is deleted of it goes to the recycle bin."""
        return "IsDeleted" in self.fields

    def may(self, verb: str) -> bool:
        """Whether records can be created, updated, upserted or deleted over the API."""
        return all(letter in self.can for letter in _LETTERS[verb])

    @property
    def replicable(self) -> bool:
        """Whether it can be asked what changed of it (Object Reference: its getUpdated() is supported)."""
        return not self.setup or self.name == "User"

    def field(self, name: str) -> Field | None:
        """The field of that name, in whatever case it is written."""
        return self._lower.get(name.lower())

    @cached_property
    def _lower(self) -> Mapping[str, Field]:
        return {name.lower(): f for name, f in self.fields.items()}

    @cached_property
    def blank(self) -> Mapping[str, None]:
        """Its fields, in order, without any value."""
        return dict.fromkeys(self.fields)

    @cached_property
    def locations(self) -> tuple[str, ...]:
        """The custom fields that are a place on earth, made up of two others."""
        return tuple(f.name for f in self.fields.values() if f.type == "location" and f.custom)

    @cached_property
    def relationships(self) -> Mapping[str, Field]:
        """Its references to parents, by the lower-case name under which a query follows them."""
        return {f.relationship.lower(): f for f in self.fields.values() if f.relationship}

    @cached_property
    def required(self) -> tuple[Field, ...]:
        """What a create may not leave out."""
        return tuple(f for f in self.fields.values() if f.required and not f.derived)

    @cached_property
    def defaults(self) -> Mapping[str, Any]:
        """What new records have where the field is left out."""
        return {f.name: f.default for f in self.fields.values() if f.default is not None}

    @cached_property
    def counted(self) -> tuple[Field, ...]:
        """Its AutoNumber fields."""
        return tuple(f for f in self.fields.values() if f.auto_number)

    @cached_property
    def switches(self) -> tuple[str, ...]:
        """The boolean fields that are kept; they are never null."""
        return tuple(f.name for f in self.fields.values() if f.type == "boolean" and not f.derived)
