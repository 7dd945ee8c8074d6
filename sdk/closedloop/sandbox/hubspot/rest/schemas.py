"""The schemas API: `/crm/v3/schemas`, `/crm-object-schemas/v3/schemas`."""

from __future__ import annotations

from typing import Any

from closedloop.sandbox.hubspot.errors import HubSpotError, not_found
from closedloop.sandbox.hubspot.records.record import stamp
from closedloop.sandbox.hubspot.rest.asking import Answer, Call, Routes, is_true
from closedloop.sandbox.hubspot.rest.reading import words
from closedloop.sandbox.hubspot.settings.property_forms import required


def list_schemas(call: Call) -> Answer:
    """GET: the custom object types; HubSpot's own are not among them."""
    schemas = call.portal.schemas
    found = schemas.all(archived=is_true(call.request, "archived"))
    return 200, {"results": [schemas.shown(schema) for schema in found]}


def create_schema(call: Call) -> Answer:
    """POST: defines an object type."""
    schemas = call.portal.schemas
    return 201, schemas.shown(schemas.create(call.body, stamp(call.at)))


def read_schemas(call: Call) -> Answer:
    """POST: several object types by id or name."""
    return 200, {"results": [_shown(call, name) for name in words(call.body, "inputs")]}


def get_schema(call: Call) -> Answer:
    """GET: one object type, HubSpot's own included."""
    return 200, _shown(call, call.path["type"])


def update_schema(call: Call) -> Answer:
    """PATCH: changes labels and which properties are required, searched and shown."""
    schemas = call.portal.schemas
    changed = schemas.change(schemas.get(call.path["type"]), call.body, stamp(call.at))
    return 200, changed.to_wire() | {"portalId": call.portal.id}


def delete_schema(call: Call) -> Answer:
    """DELETE: deletes an object type without records; for good with `archived=true`."""
    schema = call.portal.schemas.get(call.path["type"])
    records = sum(1 for _ in call.portal.store.all(schema.kind))
    call.portal.schemas.remove(schema, records=records, purge=is_true(call.request, "archived"))
    return 204, None


def create_association(call: Call) -> Answer:
    """POST: lets records of the type be associated with those of another."""
    kind, body = call.portal.kinds.get(call.path["type"]), call.body
    other = call.portal.kinds.get(required(body, "toObjectTypeId"))
    if call.portal.kinds.get(required(body, "fromObjectTypeId")) is not kind:
        raise HubSpotError("fromObjectTypeId is not the object type of the path")
    made = call.portal.associations.types.define(kind, other)
    row = {
        "fromObjectTypeId": kind.type_id,
        "toObjectTypeId": other.type_id,
        "name": str(body.get("name") or f"{kind.singular}_to_{other.singular}"),
        "id": str(made.type_id),
        "createdAt": stamp(call.at),
        "updatedAt": stamp(call.at),
    }
    return 201, row


def delete_association(call: Call) -> Answer:
    """DELETE: takes the kind of association back."""
    kind = call.portal.kinds.get(call.path["type"])
    if not call.portal.associations.types.undefine(kind, call.path["association"]):
        raise not_found()
    return 204, None


def _shown(call: Call, name: str) -> dict[str, Any]:
    kind = call.portal.kinds.get(name)
    schemas = call.portal.schemas
    return schemas.shown(schemas.get(name)) if kind.custom else schemas.standard(kind)


ROUTES: Routes = (
    ("GET", "schemas", "", list_schemas),
    ("POST", "schemas", "", create_schema),
    ("POST", "schemas", "/batch/read", read_schemas),
    ("GET", "schemas", "/<type>", get_schema),
    ("PATCH", "schemas", "/<type>", update_schema),
    ("DELETE", "schemas", "/<type>", delete_schema),
    ("POST", "schemas", "/<type>/associations", create_association),
    ("DELETE", "schemas", "/<type>/associations/<association>", delete_association),
)
