"""The lists API: `/crm/v3/lists`."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from closedloop.sandbox.hubspot.errors import HubSpotError, not_found
from closedloop.sandbox.hubspot.records.lists import ObjectList
from closedloop.sandbox.hubspot.records.record import stamp
from closedloop.sandbox.hubspot.rest.asking import Answer, Call, Routes, is_true
from closedloop.sandbox.hubspot.rest.reading import an_id, inputs_of, mapping, parsed, whole, words
from closedloop.sandbox.hubspot.rest.wire import batch, cursor, paging, position
from closedloop.sandbox.hubspot.settings.property_forms import required

_SEARCHED, _MOST_SEARCHED, _MEMBERS, _MOST_MEMBERS, _MOST_CHANGED = 20, 500, 100, 250, 100_000
_MOST_MAPPED = 10_000  # HubSpot's OpenAPI description


def create_list(call: Call) -> Answer:
    """POST: makes a list."""
    body = call.body
    branch = mapping(body, "filterBranch") or None
    kind = call.portal.kinds.get(required(body, "objectTypeId"))
    made = call.portal.marketing.lists.create(
        kind, required(body, "name"), required(body, "processingType"), branch, call.at
    )
    return 200, {"list": _fetched(call, made, filters=True)}


def get_lists(call: Call) -> Answer:
    """GET: the lists whose ids are named."""
    lists = call.portal.marketing.lists
    found = [lists.get(each) for each in call.listed("listIds")]
    return 200, {"lists": [_fetched(call, each) for each in found if each.deleted_at is None]}


def get_list(call: Call) -> Answer:
    """GET: one list by its id, deleted or not."""
    return 200, {"list": _fetched(call, call.portal.marketing.lists.get(call.path["list"]))}


def get_list_by_name(call: Call) -> Answer:
    """GET: one list by its name."""
    found = call.portal.marketing.lists.named(call.kind, call.path["name"])
    if found is None:
        raise not_found()
    return 200, {"list": _fetched(call, found)}


def search_lists(call: Call) -> Answer:
    """POST: a page of the lists whose names hold a text."""
    body = call.body
    start = whole(body.get("offset"), "offset", default=0)
    # airbytehq/airbyte's source-hubspot asks for 1000: more than the most are not refused.
    size = min(whole(body.get("count"), "count", default=_SEARCHED), _MOST_SEARCHED)
    found = [each for each in call.portal.marketing.lists.all() if _sought(body, each)]
    page, end = found[start : start + size], start + min(size, max(0, len(found) - start))
    rows = [
        each.to_wire() | {"additionalProperties": call.portal.marketing.lists.extras(each)} for each in page
    ]
    return 200, {"offset": end, "hasMore": end < len(found), "lists": rows, "total": len(found)}


def delete_list(call: Call) -> Answer:
    """DELETE: deletes a list, which can be restored."""
    call.portal.marketing.lists.live(call.path["list"]).deleted_at = call.at
    return 204, None


def restore_list(call: Call) -> Answer:
    """PUT: brings a deleted list back."""
    call.portal.marketing.lists.get(call.path["list"]).deleted_at = None
    return 204, None


def rename_list(call: Call) -> Answer:
    """PUT: renames a list."""
    each = call.portal.marketing.lists.live(call.path["list"])
    call.portal.marketing.lists.rename(each, required(call.request.args, "listName"), call.at)
    return 200, {"updatedList": _fetched(call, each)}


def refilter_list(call: Call) -> Answer:
    """PUT: changes the filters of a dynamic list."""
    each = call.portal.marketing.lists.live(call.path["list"])
    call.portal.marketing.lists.refilter(each, mapping(call.body, "filterBranch"), call.at)
    return 200, {"updatedList": _fetched(call, each, filters=True)}


def get_members(call: Call) -> Answer:
    """GET: a page of the records in a list, by id."""
    return _member_page(call, _members(call))


def get_members_by_time(call: Call) -> Answer:
    """GET: a page of the records in a list, in the order in which they joined."""
    return _member_page(call, sorted(_members(call), key=lambda row: (row[1], int(row[0]))))


def add_members(call: Call) -> Answer:
    """PUT: adds records, named by a list of ids."""
    return _changed(call, adding=_ids(call), removing=[])


def remove_members(call: Call) -> Answer:
    """PUT: takes records out."""
    return _changed(call, adding=[], removing=_ids(call))


def change_members(call: Call) -> Answer:
    """PUT: adds records and takes others out."""
    body = call.body
    return _changed(call, adding=words(body, "recordIdsToAdd"), removing=words(body, "recordIdsToRemove"))


def add_members_from(call: Call) -> Answer:
    """PUT: adds the records of another list."""
    lists = call.portal.marketing.lists
    source = lists.live(call.path["source"])
    lists.add(lists.live(call.path["list"]), lists.members(source), call.at)
    return 204, None


def clear_members(call: Call) -> Answer:
    """DELETE: takes all records out."""
    each = call.portal.marketing.lists.live(call.path["list"])
    call.portal.marketing.lists.remove(each, list(each.members), call.at)
    return 204, None


def get_memberships(call: Call) -> Answer:
    """GET: the lists that a record is in."""
    rows = _memberships(call, call.path["type"], call.path["id"])
    return 200, {"total": len(rows), "results": rows}


def read_memberships(call: Call) -> Answer:
    """POST: the lists that each of several records is in."""
    rows = [(an_id(row, "objectTypeId"), an_id(row, "recordId")) for row in inputs_of(call.body, 100)]
    results = [
        {
            "recordId": {"objectTypeId": kind, "recordId": each},
            "recordListMemberships": _memberships(call, kind, each),
        }
        for kind, each in rows
    ]
    return batch(results, (), call.at, call.portal.clock())


def map_id(call: Call) -> Answer:
    """GET: the id of a list that has a legacy one; here they are the same."""
    each = call.portal.marketing.lists.get(call.request.args.get("legacyListId", ""))
    return 200, {"listId": each.id, "legacyListId": each.id}


def map_ids(call: Call) -> Answer:
    """POST: the same of many lists, whose legacy ids are sent as a bare list."""
    ids = parsed(call.request.get_data())
    if not isinstance(ids, list) or len(ids) > _MOST_MAPPED:
        raise HubSpotError(f"Invalid input JSON: a list of at most {_MOST_MAPPED} ids is expected")
    known = {each.id for each in call.portal.marketing.lists.all()}
    texts = [str(each) for each in ids]
    return 200, {
        "legacyListIdsToIdsMapping": [{"listId": i, "legacyListId": i} for i in texts if i in known],
        "missingLegacyListIds": [i for i in texts if i not in known],
    }


def _sought(body: dict[str, Any], each: ObjectList) -> bool:
    processings, ids = words(body, "processingTypes"), words(body, "listIds")
    return (
        str(body.get("query") or "").lower() in each.name.lower()
        and str(body.get("objectTypeId") or each.kind.type_id) == each.kind.type_id
        and (not processings or each.processing in processings)
        and (not ids or each.id in ids)
    )


def _fetched(call: Call, each: ObjectList, *, filters: bool = False) -> dict[str, Any]:
    asked = filters or is_true(call.request, "includeFilters")
    return each.fetched(filters=asked, size=len(call.portal.marketing.lists.members(each)))


def _ids(call: Call) -> list[str]:
    ids = parsed(call.request.get_data())
    if not isinstance(ids, list) or not all(isinstance(each, str | int) for each in ids):
        raise HubSpotError("Invalid input JSON on line 1, column 1: expected a list of record ids")
    return [str(each) for each in ids]


def _changed(call: Call, *, adding: list[str], removing: list[str]) -> Answer:
    if len(adding) + len(removing) > _MOST_CHANGED:
        raise HubSpotError(f"At most {_MOST_CHANGED} memberships can be changed at once")
    lists = call.portal.marketing.lists
    each = lists.live(call.path["list"])
    added, missing = lists.add(each, adding, call.at)
    removed = lists.remove(each, removing, call.at)
    return 200, {"recordsIdsAdded": added, "recordIdsRemoved": removed, "recordIdsMissing": missing}


def _members(call: Call) -> list[tuple[str, datetime]]:
    return list(
        call.portal.marketing.lists.members(call.portal.marketing.lists.live(call.path["list"])).items()
    )


def _member_page(call: Call, rows: list[tuple[str, datetime]]) -> Answer:
    size = whole(call.request.args.get("limit"), "limit", default=_MEMBERS, least=1, most=_MOST_MEMBERS)
    start = position(call.request.args.get("after"))
    page = [{"recordId": each, "membershipTimestamp": stamp(at)} for each, at in rows[start : start + size]]
    answer: dict[str, Any] = {"total": len(rows), "results": page}
    return 200, answer | (paging(cursor(start + size)) if start + size < len(rows) else {})


def _memberships(call: Call, kind: str, record_id: str) -> list[dict[str, Any]]:
    found = call.portal.require(call.portal.kinds.get(kind), record_id)
    members = (
        (each, call.portal.marketing.lists.members(each))
        for each in call.portal.marketing.lists.all()
        if each.kind is found.kind
    )
    return [
        {
            "listId": each.id,
            "listVersion": each.version,
            "firstAddedTimestamp": stamp(ids[found.id]),
            "lastAddedTimestamp": stamp(ids[found.id]),
        }
        for each, ids in members
        if found.id in ids
    ]


ROUTES: Routes = (
    ("POST", "lists", "", create_list),
    ("GET", "lists", "", get_lists),
    ("POST", "lists", "/search", search_lists),
    ("GET", "lists", "/idmapping", map_id),
    ("POST", "lists", "/idmapping", map_ids),
    ("GET", "lists", "/object-type-id/<type>/name/<name>", get_list_by_name),
    ("GET", "lists", "/records/<type>/<id>/memberships", get_memberships),
    ("POST", "lists", "/records/memberships/batch/read", read_memberships),
    ("GET", "lists", "/<list>", get_list),
    ("DELETE", "lists", "/<list>", delete_list),
    ("PUT", "lists", "/<list>/restore", restore_list),
    ("PUT", "lists", "/<list>/update-list-name", rename_list),
    ("PUT", "lists", "/<list>/update-list-filters", refilter_list),
    ("GET", "lists", "/<list>/memberships", get_members),
    ("DELETE", "lists", "/<list>/memberships", clear_members),
    ("GET", "lists", "/<list>/memberships/join-order", get_members_by_time),
    ("PUT", "lists", "/<list>/memberships/add", add_members),
    ("PUT", "lists", "/<list>/memberships/remove", remove_members),
    ("PUT", "lists", "/<list>/memberships/add-and-remove", change_members),
    ("PUT", "lists", "/<list>/memberships/add-from/<source>", add_members_from),
)
