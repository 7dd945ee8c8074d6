"""The endpoints of single records.

REST API Developer Guide: "Working with Records", "Upsert a Record Using an External ID".
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from closedloop.sandbox.salesforce import describe
from closedloop.sandbox.salesforce.call import Answer, Call, writeable
from closedloop.sandbox.salesforce.ids import long_id
from closedloop.sandbox.salesforce.org import Org
from closedloop.sandbox.salesforce.refusal import Refusal, not_found, unknown_column
from closedloop.sandbox.salesforce.render import Node, whole
from closedloop.sandbox.salesforce.schema import Field, SObject
from closedloop.sandbox.salesforce.tables import Row


def every(call: Call) -> Answer:
    """describeGlobal."""
    return Answer(body=describe.describe_global(call.org.objects, call.version))


def described(call: Call) -> Answer:
    """One object with its fields."""
    return Answer(body=describe.describe(call.kind(), call.version, call.org.tables))


def table(call: Call) -> Answer:
    """GET: the object in short. POST: a new record."""
    kind = call.kind()
    if call.method == "GET":
        return Answer(
            body={"objectDescribe": describe.describe_briefly(kind, call.version), "recentItems": []}
        )
    writeable(kind, "create")
    record_id = call.org.insert(kind.name, _data(call.body()), by=call.user)
    return _created(call, kind, record_id)


def record(call: Call) -> Answer:
    """GET, PATCH or DELETE of a record by its id."""
    kind, given = call.kind(), call.path["id"]
    if call.method == "GET":
        return Answer(body=_shown(call, kind, _found(call.org, kind, given)))
    record_id = long_id(given)
    if record_id is None or not record_id.startswith(kind.prefix):
        raise not_found(f"Provided external ID field does not exist or is not accessible: {given}")
    return _write(call, kind, record_id)


def by_key(call: Call) -> Answer:
    """GET, PATCH (upsert) or DELETE of a record by an external id."""
    kind, value = call.kind(), call.path["value"]
    field = lookup_field(kind, call.path["field"])
    matches = matching(call.org, kind, field, value)
    if len(matches) > 1:
        base = f"/services/data/v{call.version}/sobjects/{kind.name}"
        return Answer(status=300, body=[f"{base}/{row['Id']}" for row in matches])
    if call.method == "PATCH":
        return _upsert(call, kind, field, value, matches)
    if not matches:
        raise not_found()
    if call.method == "GET":
        return Answer(body=_shown(call, kind, matches[0]))
    return _write(call, kind, matches[0]["Id"])


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


def chosen(org: Org, kind: SObject, row: Row, names: Sequence[str], version: str) -> dict[str, Any]:
    """The record with only those fields; its Id is always there."""
    node = Node(org, version, kind)
    proper = {}
    for name in names:
        field = kind.field(name)
        if field is None:
            raise unknown_column(name, kind.name)
        proper[field.name] = field
    for name in proper | ({} if "Id" in proper else {"Id": None}):
        node.field(name)
    return node.render(kind, row)


def _found(org: Org, kind: SObject, given: str) -> Row:
    record_id = long_id(given)
    if record_id is None:
        raise not_found(f"Provided external ID field does not exist or is not accessible: {given}")
    row = org.tables.get(kind.name, record_id)
    if row is None or row.get("IsDeleted"):
        raise not_found()
    return row


def _shown(call: Call, kind: SObject, row: Row) -> dict[str, Any]:
    fields = call.argument("fields")
    if fields is None:
        return whole(call.org, kind, row, call.version)
    names = [name.strip() for name in fields.split(",") if name.strip()]
    return chosen(call.org, kind, row, names, call.version)


def _write(call: Call, kind: SObject, record_id: str) -> Answer:
    if call.method == "DELETE":
        writeable(kind, "delete")
        call.org.delete(kind.name, record_id, by=call.user)
    else:
        writeable(kind, "update")
        call.org.update(kind.name, record_id, _data(call.body()), by=call.user)
    return Answer(status=204)


def _upsert(call: Call, kind: SObject, field: Field, value: str, matches: list[Row]) -> Answer:
    writeable(kind, "upsert")
    data = _data(call.body())
    if field.name in data:
        # The key is in the address alone.
        raise Refusal("INVALID_FIELD", f"The {field.name} field should not be specified in the sobject data.")
    if matches:
        call.org.update(kind.name, matches[0]["Id"], data, by=call.user)
        # Since version 46.0 an update says so in a body (reference: Error and result bodies).
        return Answer(body={"id": matches[0]["Id"], "success": True, "errors": [], "created": False})
    if field.name == "Id":
        raise not_found()
    created = _created(call, kind, call.org.insert(kind.name, {**data, field.name: value}, by=call.user))
    return Answer(status=201, body=created.body | {"created": True}, headers=created.headers)


def _created(call: Call, kind: SObject, record_id: str) -> Answer:
    location = f"/services/data/v{call.version}/sobjects/{kind.name}/{record_id}"
    body = {"id": record_id, "success": True, "errors": []}
    return Answer(status=201, body=body, headers={"Location": location})


def _data(body: dict[str, Any]) -> dict[str, Any]:
    if any(name.lower() == "id" for name in body):
        raise Refusal("INVALID_FIELD", "The Id field should not be specified in the sobject data.")
    return body
