"""Finds records by the fields that say which record is meant: the id, and external ids."""

from __future__ import annotations

from closedloop.sandbox.salesforce.ids import long_id
from closedloop.sandbox.salesforce.org import Org
from closedloop.sandbox.salesforce.records.tables import Row
from closedloop.sandbox.salesforce.refusal import not_found
from closedloop.sandbox.salesforce.schema.sobject import Field, SObject


def found(org: Org, kind: SObject, given: str) -> Row:
    """The record with the id, which is not deleted."""
    record_id = long_id(given)
    if record_id is None:
        raise not_found(f"Provided external ID field does not exist or is not accessible: {given}")
    row = org.tables.get(kind.name, record_id)
    if row is None or row.get("IsDeleted"):
        raise not_found()
    return row


def lookup_field(kind: SObject, name: str) -> Field:
    """The field, if records may be looked up by it."""
    field = kind.field(name)
    if field is None or not field.id_lookup:
        raise not_found(f"Provided external ID field does not exist or is not accessible: {name}")
    return field


def matching(org: Org, kind: SObject, field: Field, value: str) -> list[Row]:
    """The records that have the external id."""
    if field.name == "Id":
        row = org.tables.get(kind.name, long_id(value) or "")
        return [row] if row and not row.get("IsDeleted") else []
    if org.tables.indexed(kind.name, field.name):
        return org.tables.where(kind.name, field.name, value)
    return [r for r in org.tables.rows(kind.name) if r.get(field.name) == value]
