"""Custom fields and objects as an administrator defines them, in the words of the Metadata API.

Metadata API Developer Guide, "CustomField" and "CustomObject"; what describe says of them is that of recorded
describes (amp-labs/connectors, `metadata/read/custom-object-with-custom-fields.json`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

from closedloop.sandbox.salesforce.schema.field_tables import sobject
from closedloop.sandbox.salesforce.schema.sobject import Field, SObject

_SUFFIX = "__c"
# What each type of custom field is called in describe, and its length where the type has one of its own.
_TYPES: Mapping[str, tuple[str, int]] = {
    "AutoNumber": ("string", 30),
    "Checkbox": ("boolean", 0),
    "Currency": ("currency", 0),
    "Date": ("date", 0),
    "DateTime": ("datetime", 0),
    "Email": ("email", 80),
    "EncryptedText": ("encryptedstring", 175),
    "ExternalLookup": ("reference", 18),
    "Hierarchy": ("reference", 18),
    "Html": ("textarea", 32768),
    "Location": ("location", 0),
    "LongTextArea": ("textarea", 32768),
    "Lookup": ("reference", 18),
    "MasterDetail": ("reference", 18),
    "MultiselectPicklist": ("multipicklist", 4099),
    "Number": ("double", 0),
    "Percent": ("percent", 0),
    "Phone": ("phone", 40),
    "Picklist": ("picklist", 255),
    "Summary": ("double", 0),
    "Text": ("string", 255),
    "TextArea": ("textarea", 255),
    "Time": ("time", 0),
    "Url": ("url", 255),
}
_WITH_LENGTH = frozenset({"EncryptedText", "Html", "LongTextArea", "Text"})
_NUMBERS = frozenset({"Currency", "Number", "Percent", "Summary"})
_REFERENCES = frozenset({"ExternalLookup", "Hierarchy", "Lookup", "MasterDetail"})
_COMPUTED = frozenset({"AutoNumber", "Summary"})
_HIDEABLE = frozenset({"MasterDetail"})


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomField:
    """One custom field: `type` is the Metadata API's, `values` are pairs of value and label.

    With a `formula` the type is that of its result, and the field is described, but never has a value.
    `default` is a value (Checkbox, Picklist, Number, Text), not a formula.
    """

    name: str
    type: str
    label: str = ""
    length: int | None = None
    precision: int = 18
    scale: int = 0
    required: bool = False
    unique: bool = False
    external_id: bool = False
    case_sensitive: bool = False
    values: Sequence[tuple[str, str]] = ()
    restricted: bool = False
    default: Any = None
    refers_to: Sequence[str] = ()
    relationship: str | None = None
    delete_constraint: str = "SetNull"
    formula: str | None = None
    number_format: str = "{0}"
    visible_lines: int = 0
    help_text: str | None = None
    order: int = 0

    def __post_init__(self) -> None:
        if self.type not in _TYPES:
            raise ValueError(f"{self.type!r} is no type of custom field: use one of {', '.join(_TYPES)}")
        if not self.name.endswith(_SUFFIX):
            raise ValueError(f"the name of a custom field ends in __c: {self.name!r} does not")
        if self.type in _REFERENCES - {"Hierarchy"} and not self.refers_to:
            raise ValueError(f"{self.name}: a {self.type} needs the object that it refers to")

    @property
    def always_visible(self) -> bool:
        """Whether no permission hides it: required fields and master-detail fields."""
        return self.required or self.type in _HIDEABLE

    def fields(self) -> tuple[Field, ...]:
        """What an object has of it: one field, of a Location three."""
        if self.type != "Location":
            return (self._main(),)
        parts = (("Latitude", self._part("Latitude")), ("Longitude", self._part("Longitude")))
        return (self._main(), *(part for _, part in parts))

    def _main(self) -> Field:
        kind, length = _TYPES[self.type]
        numeric = self.type in _NUMBERS
        return Field(
            name=self.name,
            type=kind,
            label=self.label or self.name.removesuffix(_SUFFIX).replace("_", " "),
            length=(self.length or length) if self.type in _WITH_LENGTH else length,
            precision=self.precision if numeric else self.visible_lines if kind == "multipicklist" else 0,
            scale=self.scale if numeric else 0,
            flags=self._flags(),
            values=tuple(value for value, _ in self.values),
            labels=tuple(label for _, label in self.values),
            refers_to=self._targets(),
            relationship=self._relationship(),
            child_relationship=f"{self.relationship}__r" if self.relationship else None,
            default=False if self.type == "Checkbox" and self.default is None else self.default,
            formula=self.formula,
            help_text=self.help_text,
            number_format=self.number_format if self.type == "AutoNumber" else "",
            order=self.order if self.type == "MasterDetail" else None,
        )

    def _flags(self) -> str:
        reads_only = self.formula is not None or self.type in _COMPUTED or self.type == "Location"
        flags = "" if reads_only else "CU"
        if self.type == "MasterDetail":
            flags = "C!cm"  # that it may be given another parent is a setting of its own: not by default
        elif self.type in ("Checkbox", "AutoNumber") or self.required:
            flags += "!"
        if self.type in ("Checkbox", "AutoNumber") or self.default is not None:
            flags += "D"
        if self.type == "Lookup" and self.delete_constraint != "SetNull":
            flags += "c" if self.delete_constraint == "Cascade" else "d"
        if self.formula is not None or self.type == "Summary":
            flags += "f"
        if self.external_id:
            flags += "X" if self.unique else "x"
        elif self.unique:
            flags += "u"
        marks = {"k": self.case_sensitive and self.unique, "R": self.restricted}
        marks |= {"A": self.type == "AutoNumber", "h": self.type == "Html"}
        if self.type in ("MultiselectPicklist", "EncryptedText", "Location"):
            flags += "SGa"
        return flags + "".join(mark for mark, there in marks.items() if there)

    def _targets(self) -> tuple[str, ...]:
        return ("User",) if self.type == "Hierarchy" else tuple(self.refers_to)

    def _relationship(self) -> str | None:
        return self.name.removesuffix("c") + "r" if self.type in _REFERENCES else None

    def _part(self, part: str) -> Field:
        stem = self.name.removesuffix("c")
        return Field(
            name=f"{stem.removesuffix('__')}__{part}__s",
            type="double",
            label=f"{self.label or stem.removesuffix('__').replace('_', ' ')} ({part})",
            precision=self.scale + 3,
            scale=self.scale,
            flags="CU!" if self.required else "CU",
            compound=self.name,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomObject:
    """One custom object. Its name field is text, or counted up where `number_format` is given."""

    name: str
    label: str = ""
    plural: str = ""
    name_label: str = ""
    number_format: str | None = None
    sharing: str = "ReadWrite"

    def __post_init__(self) -> None:
        if not self.name.endswith(_SUFFIX):
            raise ValueError(f"the name of a custom object ends in __c: {self.name!r} does not")

    def sobject(self, prefix: str) -> SObject:
        """The object, with the fields that every custom object has."""
        label = self.label or self.name.removesuffix(_SUFFIX).replace("_", " ")
        name = self.name_label or f"{label} Name"
        counted = self.number_format is not None
        flags = "!DNLA" if counted else "CUDNLp"
        owner = "" if self.sharing == "ControlledByParent" else "OwnerId  reference  CU!D  Group|User:Owner"
        made = sobject(
            self.name,
            prefix,
            f"Name  string(80)  {flags}  -  {name}\n{owner}",
            label=label,
            plural=self.plural or f"{label}s",
        )
        if not counted:
            return made
        return with_fields(made, [_numbered(made.fields["Name"], self.number_format or "")])


def with_fields(kind: SObject, fields: Sequence[Field]) -> SObject:
    """The object with these fields, in place of those of the same names."""
    return _rebuilt(kind, {**kind.fields, **{field.name: field for field in fields}})


def without_fields(kind: SObject, names: Sequence[str]) -> SObject:
    """The object without those fields."""
    return _rebuilt(kind, {name: field for name, field in kind.fields.items() if name not in names})


def _rebuilt(kind: SObject, fields: Mapping[str, Field]) -> SObject:

    return replace(kind, fields=MappingProxyType(dict(fields)))


def _numbered(field: Field, number_format: str) -> Field:

    return replace(field, number_format=number_format)
