"""The objects of the sandbox org and their fields, read from the tables in the `fields_*` modules.

A table has one field a line, in columns parted by two or more blanks:

    name, type (length or precision,scale), flags, details, label

Flags: `C` createable, `U` updateable, `!` not nillable, `D` defaulted on create, `N` the name field, `L` a
record may be looked up by it in an upsert, `X` unique external id, `R` restricted picklist, `*` derived:
computed whenever it is read, `c` records go with the record they refer to when that is deleted.
Details: for a reference `Object|Object:Relationship:ChildRelationship` (either name may be missing), for a
picklist its values. `-` stands for nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType

_TYPE = re.compile(r"(\w+)(?:\((\d+)(?:,(\d+))?\))?")
_NUMBERS = frozenset({"double", "currency", "percent"})
_LONG_TEXT = 255
_ADDRESS_PARTS = (
    "Street",
    "City",
    "State",
    "PostalCode",
    "Country",
    "Latitude",
    "Longitude",
    "GeocodeAccuracy",
)


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
        return self.createable and not self.nillable and not self.defaulted

    @property
    def derived(self) -> bool:
        return "*" in self.flags

    @property
    def external_id(self) -> bool:
        return "X" in self.flags

    @property
    def id_lookup(self) -> bool:
        return self.external_id or "L" in self.flags

    @property
    def restricted(self) -> bool:
        return "R" in self.flags

    @property
    def cascades(self) -> bool:
        return "c" in self.flags

    @property
    def custom(self) -> bool:
        return self.name.endswith("__c")

    @property
    def long_text(self) -> bool:
        """Can neither be filtered, grouped nor sorted by."""
        return self.type == "textarea" and self.length > _LONG_TEXT

    @property
    def polymorphic(self) -> bool:
        return len(self.refers_to) > 1


@dataclass(frozen=True, kw_only=True)
class SObject:
    """One object. `setup` ones are kept by an administrator, not over the API."""

    name: str
    prefix: str
    label: str
    plural: str
    fields: Mapping[str, Field]
    setup: bool = False

    @property
    def custom(self) -> bool:
        return self.name.endswith("__c")

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
    def relationships(self) -> Mapping[str, Field]:
        """Its references to parents, by the lower-case name under which a query follows them."""
        return {f.relationship.lower(): f for f in self.fields.values() if f.relationship}

    @cached_property
    def required(self) -> tuple[Field, ...]:
        """What a create may not leave out."""
        return tuple(f for f in self.fields.values() if f.required and not f.derived)

    @cached_property
    def blank(self) -> Mapping[str, None]:
        """A row of which nothing is known."""
        return {f.name: None for f in self.fields.values() if not f.derived}

    @cached_property
    def switches(self) -> tuple[str, ...]:
        """The boolean fields that are kept; they are never null."""
        return tuple(name for name in self.blank if self.fields[name].type == "boolean")


def read_fields(table: str) -> Iterator[Field]:
    """The fields of one table, in its order."""
    lines = [re.split(r"\s{2,}", line.strip()) for line in table.strip().splitlines() if line.strip()]
    names = {columns[0] for columns in lines}
    for columns in lines:
        yield _field(columns, compound=_compound(columns[0], names))


def _field(columns: list[str], *, compound: str | None) -> Field:
    name, kind, flags, details, label = (*columns, "-", "-", "-")[:5]
    parts = _TYPE.fullmatch(kind)
    if parts is None:
        raise ValueError(f"the table gives field {name} the type {kind!r}: write name(number) or name(p,s)")
    kind, first, second = parts.groups()
    number = int(first or 0)
    targets, relationship, children = _reference(details) if kind == "reference" else ((), None, None)
    return Field(
        name=name,
        type=kind,
        label=_label(name) if label == "-" else label,
        length=18 if kind in ("id", "reference") else 0 if kind in _NUMBERS else number,
        precision=number if kind in _NUMBERS else 0,
        scale=int(second or 0),
        flags=flags,
        values=() if details == "-" or kind == "reference" else tuple(v.strip() for v in details.split("|")),
        refers_to=targets,
        relationship=relationship,
        child_relationship=children,
        compound=compound,
    )


def _reference(details: str) -> tuple[tuple[str, ...], str | None, str | None]:
    targets, relationship, children = (*details.split(":"), "", "")[:3]
    return tuple(targets.split("|")), relationship or None, children or None


def _compound(name: str, names: set[str]) -> str | None:
    if name in ("FirstName", "LastName", "Salutation"):
        return "Name" if "Salutation" in names else None
    if name in ("FiscalQuarter", "FiscalYear"):
        return "Fiscal"
    for part in _ADDRESS_PARTS:
        if name.endswith(part) and name.removesuffix(part) + "Address" in names:
            return name.removesuffix(part) + "Address"
    return None


def _label(name: str) -> str:
    if name.endswith("__c"):
        return name.removesuffix("__c").replace("_", " ")
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)
    return re.sub(r"Id$", "ID", words)


_SYSTEM = """
CreatedDate       datetime   !D  -
CreatedById       reference  !D  User:CreatedBy             Created By ID
LastModifiedDate  datetime   !D  -
LastModifiedById  reference  !D  User:LastModifiedBy        Last Modified By ID
SystemModstamp    datetime   !D  -                          System Modstamp
"""


def sobject(name: str, prefix: str, table: str, *, plural: str = "", setup: bool = False) -> SObject:
    """The object that the table describes, with the fields every object has."""
    label = _label(name)
    deletable = "" if setup else "\nIsDeleted  boolean  !D  -  Deleted"
    whole = f"Id  id  !DL  -  {label} ID{deletable}\n{table.strip()}\n{_SYSTEM}"
    fields = {f.name: f for f in read_fields(whole)}
    return SObject(
        name=name,
        prefix=prefix,
        label=label,
        plural=plural or f"{label}s",
        setup=setup,
        fields=MappingProxyType(fields),
    )
