"""The fields of our records, as mapping files may name them: their types, read off the dataclasses."""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from functools import cache
from typing import Any, Union, get_args, get_origin, get_type_hints

from closedloop.schema.records import RECORDS, Money, Record, Utm
from closedloop.schema.vocabulary import ObjectType

# Set by the library or mapped by a section of their own.
_NOT_MAPPED = frozenset({"crm", "raw", "custom", "linked_ids", "utm", "meaning"})

# What a mapping's type becomes in a record.
BECOMES: Mapping[str, type] = {
    "string": str,
    "id": str,
    "guid": str,
    "email": str,
    "bool": bool,
    "int": int,
    "decimal": Decimal,
    "money": Money,
    "date": date,
    "datetime": datetime,
    "list": tuple,
}
_DEFAULT_TYPES: Mapping[type, str] = {
    str: "string",
    bool: "bool",
    int: "int",
    Decimal: "decimal",
    Money: "money",
    date: "date",
    datetime: "datetime",
}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """One field of a record that a mapping may fill; `default` is what stands there without it."""

    name: str
    type: type
    required: bool = False
    default: Any = None

    @property
    def default_type(self) -> str:
        """The mapping's type for it when the file names none."""
        if self.name in {"id", "merged_into"} or self.name.endswith("_id"):
            return "id"
        if self.name == "email":
            return "email"
        return _DEFAULT_TYPES.get(self.type, "string")


def plain(hint: Any) -> Any:
    """The type without its `| None`."""
    if get_origin(hint) in {Union, types.UnionType}:
        inner = [arg for arg in get_args(hint) if arg is not type(None)]
        return inner[0] if len(inner) == 1 else hint
    return hint


@cache
def slots(object_type: ObjectType) -> Mapping[str, Slot]:
    """Every field that a mapping of this object may fill, by name; those of UTM as `utm.source` and so on."""
    record = RECORDS[object_type]
    hints = get_type_hints(record)
    found = {
        field.name: _slot(field, plain(hints[field.name]))
        for field in dataclasses.fields(record)
        if field.name not in _NOT_MAPPED
    }
    if "utm" in hints:
        found |= {
            f"utm.{field.name}": Slot(name=f"utm.{field.name}", type=str) for field in dataclasses.fields(Utm)
        }
    return found


def _slot(field: dataclasses.Field[Any], hint: type) -> Slot:
    required = field.default is dataclasses.MISSING
    return Slot(name=field.name, type=hint, required=required, default=None if required else field.default)


def has_links(object_type: ObjectType) -> bool:
    """Whether the object can carry ids of other CRMs."""
    return "linked_ids" in {field.name for field in dataclasses.fields(RECORDS[object_type])}


def word(slot_type: type, text: Any) -> Any:
    """The value of ours that a word of the file stands for; ValueError or TypeError when there is none."""
    if issubclass(slot_type, StrEnum):
        return slot_type(text)
    if slot_type is bool:
        if not isinstance(text, bool):
            raise ValueError("expected true or false")
        return text
    if not isinstance(text, str):
        raise TypeError("expected text")
    converters: Mapping[type, Callable[[str], Any]] = {str: str, int: int, Decimal: Decimal}
    return converters[slot_type](text)


def record_type(object_type: ObjectType) -> type[Record]:
    """The record class of an object."""
    return RECORDS[object_type]
