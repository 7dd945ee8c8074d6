"""What a record refers to, and what refers to it, by the name of the relationship in the address.

REST API Developer Guide, "Get Records Using sObject Relationships" and "Traverse Relationships with Friendly
URLs": a parent is answered as a record, and 404 where there is none; children as the result of a query.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from closedloop.sandbox.salesforce.ids import long_id
from closedloop.sandbox.salesforce.records.tables import Row
from closedloop.sandbox.salesforce.refusal import not_found
from closedloop.sandbox.salesforce.rest.call import Answer, Call
from closedloop.sandbox.salesforce.rest.lookups import found, matching
from closedloop.sandbox.salesforce.schema.sobject import Field, SObject

Show = Callable[[Call, SObject, Row], dict[str, Any]]
"""Renders a record with the fields asked for."""


def related(call: Call, show: Show) -> Answer | None:
    """The parent or the children; None where the address names no record and relationship of it."""
    kind, name = call.kind(), call.path["value"].lower()
    record_id = long_id(call.path["field"])
    if record_id is None or not record_id.startswith(kind.prefix):
        return None
    up = next((f for f in kind.fields.values() if f.relationship and f.relationship.lower() == name), None)
    down = call.org.objects.children(kind).get(name)
    if up is not None:
        return Answer(body=_parent(call, found(call.org, kind, record_id), up, show))
    if down is not None:
        return Answer(body=_children(call, found(call.org, kind, record_id), *down, show))
    return None


def _parent(call: Call, row: Row, field: Field, show: Show) -> dict[str, Any]:
    given = row[field.name] or ""
    parent = call.org.objects.of_id(given)
    if parent is None:
        raise not_found()
    return show(call, parent, found(call.org, parent, given))


def _children(call: Call, row: Row, kind: SObject, field: Field, show: Show) -> dict[str, Any]:
    rows = matching(call.org, kind, field, row["Id"])
    return {"done": True, "totalSize": len(rows), "records": [show(call, kind, one) for one in rows]}
