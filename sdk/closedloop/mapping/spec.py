"""What a mapping file says, checked and typed, before it is compiled."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from closedloop.mapping.path import PayloadPath
from closedloop.mapping.shape import slots
from closedloop.schema.vocabulary import CrmName, ObjectType


def path_text(path: PayloadPath) -> str:
    """The path as the mapping files write it."""
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path).lstrip(".")


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldSpec:
    """Where one field of ours comes from.

    The first of `paths` that holds something wins. `values` turns the CRM's words into ours, `otherwise`
    stands for those it does not list. `join` makes one text of several paths, `separator` between them.
    `always` needs no payload. `starts_with` skips values that start otherwise.

    Written is what can be read back: to the first path that can be written, or to `to`. `writes` says which
    of the CRM's words stands for ours where `values` alone does not. `also` are further words that stand
    for `always` when a new record is written. `read_only` fields are never written, `create_only` ones only
    when the record is created.
    """

    name: str
    type: str
    paths: tuple[PayloadPath, ...] = ()
    currency: PayloadPath | None = None
    values: Mapping[str, Any] | None = None
    otherwise: Any = None
    starts_with: str | None = None
    always: Any = None
    join: tuple[PayloadPath, ...] = ()
    separator: str = "/"
    to: PayloadPath | None = None
    writes: Mapping[Any, str] = field(default_factory=dict)
    also: tuple[str, ...] = ()
    read_only: bool = False
    create_only: bool = False

    @property
    def all_paths(self) -> tuple[PayloadPath, ...]:
        """Every path that the field reads."""
        return (*self.paths, *self.join, *((self.currency,) if self.currency else ()))


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkSpec:
    """Where the id that a record has in another CRM stands."""

    crm: CrmName
    object: ObjectType
    path: PayloadPath


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectSpec:
    """How one object of a CRM becomes one of ours. `when` is a path that tells its payloads from those
    of the other sources of the same object. Nothing of a `read_only` one can be written."""

    object: ObjectType
    source: str
    also_called: tuple[str, ...] = ()
    when: PayloadPath | None = None
    fields: tuple[FieldSpec, ...]
    custom: tuple[FieldSpec, ...] = ()
    links: tuple[LinkSpec, ...] = ()
    read_only: bool = False

    @property
    def paths(self) -> tuple[PayloadPath, ...]:
        """Every path that the object reads, in the file's order."""
        found = [path for spec in (*self.fields, *self.custom) for path in spec.all_paths]
        return tuple(dict.fromkeys([*found, *(link.path for link in self.links)]))

    def paths_of(self, names: frozenset[str]) -> tuple[PayloadPath, ...]:
        """The paths that these fields read, `custom.…` among them, and those that every record needs."""
        needed = {slot.name for slot in slots(self.object).values() if slot.required}
        found = [path for spec in self.fields if spec.name in names | needed for path in spec.all_paths]
        found += [path for spec in self.custom if f"custom.{spec.name}" in names for path in spec.all_paths]
        return tuple(dict.fromkeys(found))


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Where one kind of feedback is written: the CRM's object, the external id that finds the row if it
    has one, and its field for each of ours."""

    source: str
    key: str | None = None
    fields: Mapping[str, str] = field(default_factory=dict)
