"""What a caller gives to be written: a mapping of our names, or a record of either CRM."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields
from typing import Any

from closedloop.errors import BadValueError
from closedloop.mapping.inverse import NEVER_WRITTEN
from closedloop.mapping.shape import slots
from closedloop.schema.records import Record, Utm
from closedloop.schema.vocabulary import CrmName, ObjectType

# What each CRM works out from other fields, which a copy of a record carries along.
_DERIVED = frozenset(
    {
        *("stage_changed_at", "stage_changed_by", "closed", "won", "responded", "responded_on", "touched_at"),
        *("completed", "converted", "converted_on", "meaning"),
    }
)
_PARTS = tuple(part.name for part in fields(Utm))


def flat(of: ObjectType, values: Any, has: Callable[[str], bool]) -> dict[str, Any]:
    """The values under the names of `slots`, those of custom fields as `custom.<name>` or as they are.

    `has` says which fields the mapping has.
    """
    if not isinstance(values, Mapping):
        raise BadValueError("expected a mapping of our field names, or a record", reason="wrong_type")
    found: dict[str, Any] = {}
    for name, value in values.items():
        if not isinstance(name, str):
            raise BadValueError("expected our field names, which are texts", reason="wrong_type")
        if name == "custom":
            found.update(_custom(value))
        elif name == "utm" and "utm.source" in slots(of):
            found.update(_utm(value, has))
        else:
            found[name] = value
    return found


def of_record(of: ObjectType, record: Record, crm: CrmName) -> dict[str, Any]:
    """What a record holds that can be carried into another record: no identity, no times of its own.

    From another CRM the ids of other records are left behind too, because they name nothing in `crm`, and
    what a CRM works out by itself.
    """
    if record.object is not of:
        raise BadValueError(f"expected {of.one}, got {record.object.one}", reason="wrong_record")
    foreign = record.crm is not crm
    known = slots(of)
    held = {name: held_by(record, name) for name in known if name not in NEVER_WRITTEN}
    found = {
        name: value
        for name, value in held.items()
        if value is not None
        and value != known[name].default
        and not (foreign and (name in _DERIVED or known[name].default_type == "id"))
    }
    return found | {f"custom.{name}": value for name, value in record.custom.items() if value is not None}


def held_by(record: Record, name: str) -> Any:
    """The record's value of the field of that name."""
    head, _, tail = name.partition(".")
    if head == "custom":
        return record.custom.get(tail)
    found = getattr(record, head, None)
    return getattr(found, tail, None) if tail else found


def _custom(value: Any) -> Iterator[tuple[str, Any]]:
    if not isinstance(value, Mapping):
        raise BadValueError(
            "`custom`: expected a mapping of custom fields", field="custom", reason="wrong_type"
        )
    return ((f"custom.{name}", item) for name, item in value.items())


def _utm(value: Any, has: Callable[[str], bool]) -> dict[str, Any]:
    """A whole Utm, or None, says all that the CRM has a place for; a mapping only those that it names."""
    if value is None or isinstance(value, Utm):
        parts = {f"utm.{part}": getattr(value, part, None) for part in _PARTS}
        held = {name: part for name, part in parts.items() if part is not None or has(name)}
        return held or {"utm.source": None}
    if not isinstance(value, Mapping):
        raise BadValueError("`utm`: expected UTM parameters", field="utm", reason="wrong_type")
    return {f"utm.{name}": item for name, item in value.items()}
