"""References by external id: a record names its parent by an indexed field of it instead of its id.

REST API Developer Guide, "Insert or Update a Record Using an External ID" (`"Account": {"Key__c": "a1"}`);
Bulk API Guide, "Relationship Fields in a Header Row" (`Account.Key__c`, `Lead:Who.Email`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from closedloop.sandbox.salesforce.org import Org
from closedloop.sandbox.salesforce.refusal import Refusal
from closedloop.sandbox.salesforce.rest.lookups import matching
from closedloop.sandbox.salesforce.schema.sobject import Field, SObject


def column(org: Org, kind: SObject, name: str) -> tuple[str, str, str] | None:
    """What a header as `Type:Relationship.Field` means: the object's reference field, the parent's object and
    the parent's field. None where there is no such relationship, or where the field finds no record."""
    path, _, key = name.partition(".")
    wanted, _, relationship = path.rpartition(":")
    field = kind.relationships.get(relationship.lower())
    parent = None if field is None else _parent(org, field, wanted, key)
    if field is None or parent is None:
        return None
    return field.name, parent[0].name, parent[1].name


def resolved(org: Org, kind: SObject, record: Mapping[str, Any]) -> dict[str, Any]:
    """The record with the ids of the parents that it names by an external id."""
    return dict(_entry(org, kind, name, value) for name, value in record.items())


def parent_id(org: Org, parent: SObject, field: Field, key: str) -> str:
    """The id of the one record that has the key."""
    matches = matching(org, parent, field, key)
    if not matches:
        # In these words in the failures that many loaders quote, and in their tests.
        message = f"Foreign key external ID: {key} not found for field {field.name} in entity {parent.name}"
        raise Refusal("INVALID_FIELD", message, fields=[])
    if len(matches) > 1:
        message = (
            f"{field.name}: more than one record found for external id field: {[r['Id'] for r in matches]}"
        )
        raise Refusal("DUPLICATE_EXTERNAL_ID", message, fields=[])
    return str(matches[0]["Id"])


def _entry(org: Org, kind: SObject, name: str, value: Any) -> tuple[str, Any]:
    field = kind.relationships.get(name.lower())
    if field is None or not isinstance(value, dict):
        return name, value
    about = value.get("attributes")
    wanted = str(about.get("type", "")) if isinstance(about, dict) else ""
    keys = [(key, given) for key, given in value.items() if key not in ("attributes", "type")]
    found = _parent(org, field, wanted or str(value.get("type", "")), keys[0][0]) if len(keys) == 1 else None
    if found is None:
        # The words for a parent that is named by several fields, or by one that finds nothing, are not known.
        message = f"{name} must be named by one external id of the record that it refers to"
        raise Refusal("INVALID_FIELD", message, fields=[field.name])
    return field.name, parent_id(org, *found, str(keys[0][1]))


def _parent(org: Org, field: Field, wanted: str, key: str) -> tuple[SObject, Field] | None:
    """The object that is referred to, and its field of that name by which records are found."""
    names = [name for name in field.refers_to if not wanted or name.lower() == wanted.lower()]
    for parent in filter(None, map(org.objects.find, names)):
        found = parent.field(key)
        if found is not None and (found.id_lookup or found.type == "id"):
            return parent, found
    return None
