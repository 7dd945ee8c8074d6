"""Custom objects: the object types that a portal defines itself, and how schemas show any type.

Source: HubSpot documentation, "Schemas API guide", and its OpenAPI description. Seen in others' recordings:
a custom schema (test_source.py of airbytehq/airbyte's source-hubspot) and that of contacts (`internal/
associations/test/contacts-schema-resp.json` of amp-labs/connectors). The words of refusals are ours.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import count
from typing import Any

from closedloop.sandbox.hubspot.errors import HubSpotError, not_found
from closedloop.sandbox.hubspot.rest.reading import objects, words
from closedloop.sandbox.hubspot.settings.association_types import AssociationType, AssociationTypes
from closedloop.sandbox.hubspot.settings.catalogue import Catalogue
from closedloop.sandbox.hubspot.settings.kinds import KINDS, Kinds, ObjectKind
from closedloop.sandbox.hubspot.settings.property_forms import required
from closedloop.sandbox.hubspot.settings.property_tables import common_properties

_FIRST_TYPE = 30_931_773
_NAME = re.compile(r"[A-Za-z]\w*", re.ASCII)
_ALWAYS = ("hs_createdate", "hs_lastmodifieddate", "hs_object_id")
_EVERY_ACTIVITY = ("calls", "emails", "meetings", "notes", "tasks", "communications")
_BUILT_IN_AT = "1970-01-01T00:00:00Z"
_NAMES = {"0-1": "firstname", "0-2": "name", "0-3": "dealname", "0-5": "subject", "0-136": "hs_lead_name"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Schema:
    """What defines a custom object type, beside its properties."""

    kind: ObjectKind
    singular: str
    plural: str
    primary: str
    secondary: tuple[str, ...]
    searchable: tuple[str, ...]
    required: tuple[str, ...]
    description: str | None
    sensitive: bool
    created_at: str
    updated_at: str
    user_id: int | None = None
    archived: bool = False

    def to_wire(self) -> dict[str, Any]:
        """The definition without properties and associations, as a change answers with it."""
        return {
            "labels": {"singular": self.singular, "plural": self.plural},
            "requiredProperties": list(self.required),
            "searchableProperties": list(self.searchable),
            "primaryDisplayProperty": self.primary,
            "secondaryDisplayProperties": list(self.secondary),
            "description": self.description,
            "allowsSensitiveProperties": self.sensitive,
            "archived": self.archived,
            "restorable": True,
            "metaType": "PORTAL_SPECIFIC",
            "id": self.kind.type_id.partition("-")[2],
            "fullyQualifiedName": self.kind.name,
            "createdAt": self.created_at,
            "updatedAt": self.updated_at,
            "createdByUserId": self.user_id,
            "updatedByUserId": self.user_id,
            "objectTypeId": self.kind.type_id,
            "name": self.kind.singular,
        }


class Schemas:
    """The custom object types of one portal. Whoever calls holds the portal's lock."""

    def __init__(
        self, portal_id: int, kinds: Kinds, catalogue: Catalogue, associations: AssociationTypes
    ) -> None:
        self._portal_id = portal_id
        self._kinds = kinds
        self._catalogue = catalogue
        self._types = associations
        self._schemas: dict[ObjectKind, Schema] = {}
        self._ids = count(_FIRST_TYPE)

    def all(self, *, archived: bool = False) -> list[Schema]:
        """The custom object types, or those that were deleted."""
        return [schema for schema in self._schemas.values() if schema.archived is archived]

    def get(self, name: str) -> Schema:
        """The custom object type of that type id or name; 404 for HubSpot's own, 400 for none at all."""
        found = self._schemas.get(self._kinds.get(name))
        if found is None:
            raise not_found()
        return found

    def create(self, body: Mapping[str, Any], at: str, user_id: int | None = None) -> Schema:
        """Defines an object type."""
        name = required(body, "name")
        if not _NAME.fullmatch(name):
            raise HubSpotError(f"Invalid object type name {name}: letters, digits and underscores only")
        if any(known.kind.singular.lower() == name.lower() for known in self._schemas.values()):
            raise HubSpotError(f"An object type with the name {name} already exists", status=409)
        rows = objects(body, "properties")
        others = [self._kinds.get(other) for other in (*words(body, "associatedObjects"), *_EVERY_ACTIVITY)]
        schema = self._drawn(body, name, [required(row, "name") for row in rows], at, user_id)
        self._open(schema, rows, at)
        for other in others:
            self._types.define(schema.kind, other)
        return schema

    def change(self, schema: Schema, body: Mapping[str, Any], at: str) -> Schema:
        """Changes labels, the description and which properties are required, searched and shown."""
        known = [definition.name for definition in self._catalogue.all(schema.kind)]
        labels = body.get("labels") if isinstance(body.get("labels"), dict) else {}
        listed: dict[str, Any] = {
            field: _named(body, word, known) for word, field in _LISTS.items() if body.get(word) is not None
        }
        made = replace(
            schema,
            **listed,
            singular=str((labels or {}).get("singular") or schema.singular),
            plural=str((labels or {}).get("plural") or schema.plural),
            primary=_of(str(body.get("primaryDisplayProperty") or schema.primary), known),
            description=None
            if body.get("clearDescription")
            else body.get("description") or schema.description,
            updated_at=at,
        )
        self._schemas[schema.kind] = made
        return made

    def remove(self, schema: Schema, *, records: int, purge: bool) -> None:
        """Deletes an object type; HubSpot demands that its records are gone first."""
        if records:
            raise HubSpotError(
                f"Cannot delete object type {schema.kind.type_id}: {records} records of it still exist"
            )
        self._kinds.remove(schema.kind)
        if purge:
            del self._schemas[schema.kind]
        else:
            self._schemas[schema.kind] = replace(schema, archived=True)

    def required(self, kind: ObjectKind) -> Sequence[str]:
        """The properties that a new record of a type has to have."""
        return self._schemas[kind].required if kind in self._schemas else ()

    def links(self, kind: ObjectKind, at: str | None) -> list[dict[str, Any]]:
        """The associations of a type, as schemas show them."""
        others = (*KINDS, *(schema.kind for schema in self.all()))
        return [_link(kind, other, each, at) for other in others for each in self._types.between(kind, other)]

    def shown(self, schema: Schema) -> dict[str, Any]:
        """The whole schema."""
        wire = schema.to_wire()
        return {
            **{key: value for key, value in wire.items() if key != "name"},
            "properties": [definition.to_wire() for definition in self._catalogue.all(schema.kind)],
            "associations": self.links(schema.kind, schema.created_at),
            "name": wire["name"],
        }

    def standard(self, kind: ObjectKind) -> dict[str, Any]:
        """The schema of one of HubSpot's own types (recorded for contacts)."""
        name = kind.singular.upper()
        return {
            "labels": {"singular": _label(kind.singular), "plural": _label(kind.name)},
            "requiredProperties": list(kind.required),
            "searchableProperties": [],
            "primaryDisplayProperty": _NAMES.get(kind.type_id, "hs_object_id"),
            "secondaryDisplayProperties": [],
            "description": f"HubSpot's own object type {name}.",
            "allowsSensitiveProperties": True,
            "archived": False,
            "restorable": True,
            "metaType": "HUBSPOT",
            "id": kind.type_id.partition("-")[2],
            "fullyQualifiedName": name,
            "createdAt": _BUILT_IN_AT,
            "updatedAt": _BUILT_IN_AT,
            "createdByUserId": None,
            "updatedByUserId": None,
            "objectTypeId": kind.type_id,
            "properties": [definition.to_wire() for definition in self._catalogue.all(kind)],
            "associations": self.links(kind, None),
            "name": name,
        }

    def _drawn(
        self, body: Mapping[str, Any], name: str, names: list[str], at: str, user_id: int | None
    ) -> Schema:
        labels = body.get("labels")
        if not isinstance(labels, dict):
            raise HubSpotError("Some required fields were not set: [labels]")
        known = [*names, *_ALWAYS]
        searchable = _named(body, "searchableProperties", known)
        return Schema(
            kind=self._kind(name, searchable),
            singular=required(labels, "singular"),
            plural=required(labels, "plural"),
            primary=_of(required(body, "primaryDisplayProperty"), known),
            secondary=_named(body, "secondaryDisplayProperties", known),
            searchable=searchable,
            required=_named(body, "requiredProperties", known),
            description=str(body["description"]) if body.get("description") else None,
            sensitive=bool(body.get("allowsSensitiveProperties")),
            created_at=at,
            updated_at=at,
            user_id=user_id,
        )

    def _kind(self, name: str, searched: tuple[str, ...]) -> ObjectKind:
        return ObjectKind(
            name=f"p{self._portal_id}_{name}",
            singular=name,
            type_id=f"2-{next(self._ids)}",
            created="hs_createdate",
            modified="hs_lastmodifieddate",
            defaults=_ALWAYS,
            search_defaults=_ALWAYS,
            searched=searched,
            custom=True,
        )

    def _open(self, schema: Schema, rows: Iterable[Mapping[str, Any]], at: str) -> None:
        """Makes the type known, with its properties in a group of its own."""
        kind, group = schema.kind, f"{schema.kind.singular.lower()}_information"
        own = [definition.in_group(group) for definition in common_properties(kind)]
        self._catalogue.adopt(kind, own, [(group, f"{schema.singular} Information")])
        defaults = {"type": "string", "fieldType": "text", "groupName": group}
        for row in rows:
            self._catalogue.add(kind, {**defaults, **row}, at)
        self._kinds.add(kind, kind.name, f"p_{kind.singular}")
        self._schemas[kind] = schema


_LISTS = {
    "requiredProperties": "required",
    "searchableProperties": "searchable",
    "secondaryDisplayProperties": "secondary",
}


def _named(body: Mapping[str, Any], word: str, known: Sequence[str]) -> tuple[str, ...]:
    return tuple(_of(name, known) for name in words(body, word))


def _of(name: str, known: Sequence[str]) -> str:
    """A property of the type; the documentation demands that it exists."""
    if name not in known:
        raise HubSpotError(f"Property {name} does not exist on the object type")
    return name


def _label(name: str) -> str:
    return name.replace("_", " ").capitalize()


def _link(left: ObjectKind, right: ObjectKind, each: AssociationType, at: str | None) -> dict[str, Any]:
    """An association as schemas show it; how many of each side there may be is not modelled."""
    name = each.label or f"{left.singular}_to_{right.singular}"
    return {
        "fromObjectTypeId": left.type_id,
        "toObjectTypeId": right.type_id,
        "name": name.replace(" ", "_") if left.custom or right.custom else name.replace(" ", "_").upper(),
        "cardinality": "ONE_TO_MANY",
        "inverseCardinality": "ONE_TO_MANY",
        "hasUserEnforcedMaxToObjectIds": False,
        "hasUserEnforcedMaxFromObjectIds": False,
        "maxToObjectIds": 10000,
        "maxFromObjectIds": 10000,
        "id": str(each.type_id),
        "createdAt": at,
        "updatedAt": at,
    }
