"""The endpoints of single records.

REST API Developer Guide: "Working with Records", "Upsert a Record Using an External ID".
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from werkzeug.http import http_date

from closedloop.sandbox.salesforce.ids import long_id
from closedloop.sandbox.salesforce.org import Org
from closedloop.sandbox.salesforce.records.derive_catalogue import content
from closedloop.sandbox.salesforce.records.references import resolved
from closedloop.sandbox.salesforce.records.tables import Row
from closedloop.sandbox.salesforce.refusal import Refusal, not_found, unknown_column
from closedloop.sandbox.salesforce.rest.call import Answer, Call, writeable
from closedloop.sandbox.salesforce.rest.lookups import found, lookup_field, matching
from closedloop.sandbox.salesforce.rest.relationships import related
from closedloop.sandbox.salesforce.rest.render import Node, whole
from closedloop.sandbox.salesforce.schema import describe
from closedloop.sandbox.salesforce.schema.sobject import Field, SObject


def every(call: Call) -> Answer:
    """describeGlobal."""
    changed = call.org.schema.changed
    return _unless_known(call, changed, lambda: describe.describe_global(call.org.objects, call.version))


def described(call: Call) -> Answer:
    """One object with its fields."""
    kind, tables = call.kind(), call.org.tables
    changed = describe.last_change(kind, tables, call.org.schema.changed)
    return _unless_known(call, changed, lambda: describe.describe(kind, call.version, tables, call.url))


def _unless_known(call: Call, changed: datetime, body: Callable[[], Any]) -> Answer:
    """The description, unless the caller has it (REST API Developer Guide, "Conditional Requests")."""
    known = call.request.if_modified_since
    headers = {"Last-Modified": http_date(changed), "ETag": f'"{int(changed.timestamp()):08x}"'}
    if known is not None and known >= changed:
        return Answer(status=304, headers=headers)
    return Answer(body=body(), headers=headers)


def table(call: Call) -> Answer:
    """GET: the object in short. POST: a new record."""
    kind = call.kind()
    if call.method == "GET":
        return Answer(
            body={"objectDescribe": describe.describe_briefly(kind, call.version), "recentItems": []}
        )
    writeable(kind, "create")
    record_id = call.org.insert(kind.name, _data(call, kind), by=call.user)
    return _created(call, kind, record_id)


def record(call: Call) -> Answer:
    """GET, PATCH or DELETE of a record by its id."""
    kind, given = call.kind(), call.path["id"]
    if call.method == "GET":
        return Answer(body=_shown(call, kind, found(call.org, kind, given)))
    record_id = long_id(given)
    if record_id is None or not record_id.startswith(kind.prefix):
        raise not_found(f"Provided external ID field does not exist or is not accessible: {given}")
    return _write(call, kind, record_id)


def by_key(call: Call) -> Answer:
    """GET, PATCH (upsert) or DELETE of a record by an external id."""
    kind, value = call.kind(), call.path["value"]
    if call.method == "GET" and (answer := related(call, _shown)) is not None:
        return answer
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


def blob(call: Call) -> Answer:
    """GET of the file in a record ("sObject Blob Retrieve"); elsewhere the address ends in an external id."""
    kind = call.kind()
    field = kind.field("Body")
    if field is None or field.type != "base64":
        return by_key(
            replace(
                call,
                path={**call.path, "field": call.path["id"], "value": call.request.path.rpartition("/")[2]},
            )
        )
    row = found(call.org, kind, call.path["id"])
    return Answer(raw=content(row), kind=row["ContentType"] or "application/octet-stream")


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
        call.org.update(kind.name, record_id, _data(call, kind), by=call.user)
    return Answer(status=204)


def _upsert(call: Call, kind: SObject, field: Field, value: str, matches: list[Row]) -> Answer:
    writeable(kind, "upsert")
    data = _data(call, kind)
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


def _data(call: Call, kind: SObject) -> dict[str, Any]:
    body = call.body()
    if any(name.lower() == "id" for name in body):
        raise Refusal("INVALID_FIELD", "The Id field should not be specified in the sobject data.")
    return resolved(call.org, kind, body)
