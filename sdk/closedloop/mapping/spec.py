"""What a mapping file says, checked and typed, before it is compiled."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from closedloop.mapping.path import PayloadPath
from closedloop.schema.vocabulary import CrmName, ObjectType


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldSpec:
    """Where one field of ours comes from.

    The first of `paths` that holds something wins. `values` turns the CRM's words into ours, `otherwise`
    stands for those it does not list. `join` makes one text of several paths, `separator` between them.
    `always` needs no payload. `starts_with` skips values that start otherwise.
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
    of the other sources of the same object."""

    object: ObjectType
    source: str
    also_called: tuple[str, ...] = ()
    when: PayloadPath | None = None
    fields: tuple[FieldSpec, ...]
    custom: tuple[FieldSpec, ...] = ()
    links: tuple[LinkSpec, ...] = ()

    @property
    def paths(self) -> tuple[PayloadPath, ...]:
        """Every path that the object reads, in the file's order."""
        found = [path for spec in (*self.fields, *self.custom) for path in spec.all_paths]
        return tuple(dict.fromkeys([*found, *(link.path for link in self.links)]))


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Where one kind of feedback is written: the CRM's object, the external id that finds the row if it
    has one, and its field for each of ours."""

    source: str
    key: str | None = None
    fields: Mapping[str, str] = field(default_factory=dict)
