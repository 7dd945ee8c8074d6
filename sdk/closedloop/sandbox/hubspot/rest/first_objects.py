"""The first API of tickets, products and line items: `/crm-objects/v1/objects`.

Source: HubSpot's legacy documentation, "CRM objects" ("Create a ticket", "Get all tickets", "Get a group of
tickets by ID" …). Not confirmed by a recording.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from closedloop.sandbox.hubspot.errors import HubSpotError
from closedloop.sandbox.hubspot.records.record import CrmObject
from closedloop.sandbox.hubspot.rest.asking import Answer, Call, Routes, an_id, whole, words
from closedloop.sandbox.hubspot.rest.contact_shape import written
from closedloop.sandbox.hubspot.rest.legacy import first_values
from closedloop.sandbox.hubspot.rest.objects import refuse_campaigns
from closedloop.sandbox.hubspot.rest.reading import parsed

_PAGE, _LARGEST_BATCH = 100, 100


def list_objects(call: Call) -> Answer:
    """GET: a page of 100 records by id; `offset` is the id that the next one starts after."""
    start = whole(call.request.args.get("offset"), "offset", default=0)
    page = call.portal.store.page(call.kind, start + 1, _PAGE + 1, archived=False)
    shown = page[:_PAGE]
    rows = [_shown(call, record, _asked(call)) for record in shown]
    return 200, {
        "objects": rows,
        "hasMore": len(page) > _PAGE,
        "offset": shown[-1].number if shown else 0,
    }


def get_object(call: Call) -> Answer:
    """GET: one record."""
    record = call.portal.require(call.kind, call.path["id"])
    return 200, _shown(call, record, _asked(call))


def read_objects(call: Call) -> Answer:
    """POST: records by their ids, under which they stand; unknown ids are left out."""
    ids = words(call.body, "ids")
    _refuse_many(ids)
    found = (call.portal.store.find(call.kind, each) for each in ids)
    return 200, {record.id: _shown(call, record, _asked(call)) for record in found if record is not None}


def create_object(call: Call) -> Answer:
    """POST: makes a record; the body is a bare list of values."""
    return 200, _shown(call, _created(call, _listed(call)), None)


def create_objects(call: Call) -> Answer:
    """POST: makes records; the body is a list of lists of values."""
    rows = _listed(call)
    _refuse_many(rows)
    return 200, [_shown(call, _created(call, row), None) for row in rows]


def update_object(call: Call) -> Answer:
    """PUT: changes values of a record; the body is a bare list of values."""
    record = call.portal.require(call.kind, call.path["id"])
    _update(call, record, {"properties": _listed(call)})
    return 200, _shown(call, record, None)


def update_objects(call: Call) -> Answer:
    """POST: changes values of records."""
    rows = _listed(call)
    _refuse_many(rows)
    for row in rows:
        if not isinstance(row, dict):
            raise HubSpotError("Invalid input JSON: a list of objects is expected")
        _update(call, call.portal.require(call.kind, an_id(row, "objectId")), row)
    return 204, None


def delete_object(call: Call) -> Answer:
    """DELETE: archives a record."""
    refuse_campaigns(call.kind)
    call.portal.writer.archive(call.portal.require(call.kind, call.path["id"]), call.at, call.origin)
    return 204, None


def delete_objects(call: Call) -> Answer:
    """POST: archives records."""
    refuse_campaigns(call.kind)
    ids = words(call.body, "ids")
    _refuse_many(ids)
    for each in ids:
        if (record := call.portal.store.find(call.kind, each)) is not None:
            call.portal.writer.archive(record, call.at, call.origin)
    return 204, None


def _asked(call: Call) -> list[str]:
    return [*call.listed("properties"), *call.listed("propertiesWithHistory")]


def _listed(call: Call) -> list[Any]:
    rows = parsed(call.request.get_data())
    if not isinstance(rows, list):
        raise HubSpotError("Invalid input JSON: a list is expected")
    return rows


def _refuse_many(rows: list[Any]) -> None:
    if len(rows) > _LARGEST_BATCH:
        raise HubSpotError(f"A batch has at most {_LARGEST_BATCH} objects")


def _created(call: Call, values: Any) -> CrmObject:
    refuse_campaigns(call.kind)
    return call.portal.writer.create(call.kind, written({"properties": values}), [], call.at, call.origin)


def _update(call: Call, record: CrmObject, body: Mapping[str, Any]) -> None:
    refuse_campaigns(call.kind)
    call.portal.writer.update(record, written(body), call.at, call.origin)


def _shown(call: Call, record: CrmObject, names: list[str] | None) -> dict[str, Any]:
    return {
        "objectType": record.kind.singular.upper(),
        "portalId": call.portal.id,
        "objectId": record.number,
        "properties": first_values(call.portal, record, names),
        "version": len(record.changes),
        "isDeleted": False,
    }


ROUTES: Routes = (
    ("GET", "first objects", "/<type>/paged", list_objects),
    ("POST", "first objects", "/<type>", create_object),
    ("POST", "first objects", "/<type>/batch-read", read_objects),
    ("POST", "first objects", "/<type>/batch-create", create_objects),
    ("POST", "first objects", "/<type>/batch-update", update_objects),
    ("POST", "first objects", "/<type>/batch-delete", delete_objects),
    ("GET", "first objects", "/<type>/<id>", get_object),
    ("PUT", "first objects", "/<type>/<id>", update_object),
    ("DELETE", "first objects", "/<type>/<id>", delete_object),
)
