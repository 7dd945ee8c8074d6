"""The objects API, one record at a time: `/crm/v3/objects/{type}`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from closedloop.sandbox.hubspot.errors import HubSpotError, no_such_object, not_found, nothing_to_update
from closedloop.sandbox.hubspot.portal import Portal
from closedloop.sandbox.hubspot.records.record import CrmObject
from closedloop.sandbox.hubspot.records.search import Search, paged
from closedloop.sandbox.hubspot.records.values import as_text
from closedloop.sandbox.hubspot.records.writing import Wish
from closedloop.sandbox.hubspot.rest.asking import (
    Answer,
    Call,
    Routes,
    an_id,
    is_true,
    mapping,
    objects,
    whole,
    words,
)
from closedloop.sandbox.hubspot.rest.wire import View, created, paging, shown, updated, view_of
from closedloop.sandbox.hubspot.settings.association_types import not_a_type
from closedloop.sandbox.hubspot.settings.kinds import CAMPAIGNS, CONTACTS, ObjectKind

_PAGE, _LARGEST_PAGE, _LARGEST_WITH_HISTORY = 10, 100, 50
_HELD_TO_DEMANDS = "/2026-09/"


def list_objects(call: Call) -> Answer:
    """GET: a page of records by id; `after` is the id that the next page starts with."""
    view = _asked_view(call)
    most = _LARGEST_WITH_HISTORY if view.history else _LARGEST_PAGE
    limit = whole(call.request.args.get("limit"), "limit", default=_PAGE, least=1, most=most)
    start = whole(call.request.args.get("after"), "after", default=0)
    archived = is_true(call.request, "archived")
    page = call.portal.store.page(call.kind, start, limit + 1, archived=archived)
    answer: dict[str, Any] = {"results": [shown(call.portal, r, view) for r in page[:limit]]}
    if len(page) > limit:
        answer |= paging(page[limit].id, next_link(call, page[limit].id))
    return 200, answer


def next_link(call: Call, after: str) -> str:
    """The URL of the next page, which carries the request's own parameters."""
    arguments = [(k, v) for k, v in call.request.args.items(multi=True) if k != "after"]
    return f"{call.request.base_url}?{urlencode([*arguments, ('after', after)])}"


def get_object(call: Call) -> Answer:
    """GET: one record by its id, or by the unique property that `idProperty` names."""
    if is_true(call.request, "archived"):
        record = call.portal.store.archived(call.kind, call.path["id"])
        if record is None:
            raise not_found()
    else:
        record = identified(call.portal, call.kind, call.path["id"], call.request.args.get("idProperty"))
    return 200, shown(call.portal, record, _asked_view(call))


def create_object(call: Call) -> Answer:
    """POST: makes a record."""
    record = create_from(call, call.body)
    return 201, created(call.portal, record)


def create_from(call: Call, body: Mapping[str, Any]) -> CrmObject:
    """The record made from one input, alone or in a batch."""
    refuse_campaigns(call.kind)
    values = mapping(body, "properties")
    refuse_undemanded(call, None, values)
    return call.portal.writer.create(call.kind, values, wishes_of(call, body), call.at, call.origin)


def wishes_of(call: Call, body: Mapping[str, Any]) -> list[Wish]:
    """What a new record is to be associated with."""
    return [wish for row in objects(body, "associations") for wish in _wishes(call, row)]


def refuse_undemanded(call: Call, record: CrmObject | None, values: Mapping[str, Any]) -> None:
    """Refuses a write that goes against what admins demand, where the path's version asks for that."""
    if _HELD_TO_DEMANDS in call.request.path:
        written = {name: as_text(value) for name, value in values.items()}
        call.portal.demands.check(call.kind, record, written)


def update_object(call: Call) -> Answer:
    """PATCH: changes values of a record."""
    refuse_campaigns(call.kind)
    values = mapping(call.body, "properties")
    if not values:
        raise nothing_to_update()
    record = _to_change(call)
    refuse_undemanded(call, record, values)
    call.portal.writer.update(record, values, call.at, call.origin)
    return 200, updated(call.portal, record, values)


def _to_change(call: Call) -> CrmObject:
    try:
        return identified(call.portal, call.kind, call.path["id"], call.request.args.get("idProperty"))
    except HubSpotError as problem:
        if problem.status == 404:
            raise no_such_object(call.path["id"]) from None
        raise


def archive_object(call: Call) -> Answer:
    """DELETE: archives a record; one that is not there any more is no error."""
    refuse_campaigns(call.kind)
    record = call.portal.store.find(call.kind, call.path["id"])
    if record is not None:
        call.portal.writer.archive(record, call.at, call.origin)
    return 204, None


def search_objects(call: Call) -> Answer:
    """POST: a page of the records that match."""
    body = call.body
    start, limit = paged(body, len(call.request.get_data()))
    hits = _search(call).found(body)
    asked, defaults = words(body, "properties"), call.kind.search_defaults
    view = view_of(call.portal, call.kind, properties=asked, defaults=defaults)
    page = [shown(call.portal, record, view) for record in hits[start : start + limit]]
    answer: dict[str, Any] = {"total": len(hits), "results": page}
    more = limit > 0 and start + limit < len(hits)
    return 200, answer | (paging(str(start + limit)) if more else {})


def _search(call: Call) -> Search:
    portal = call.portal
    return Search(
        kind=call.kind,
        kinds=portal.kinds,
        index=portal.index,
        catalogue=portal.catalogue,
        associations=portal.associations,
        text=call.request.get_data(as_text=True),
    )


def merge_objects(call: Call) -> Answer:
    """POST: merges one record into another and answers with the survivor."""
    primary, merged = an_id(call.body, "primaryObjectId"), an_id(call.body, "objectIdToMerge")
    record, gone = call.portal.require(call.kind, primary), call.portal.require(call.kind, merged)
    survivor = call.portal.absorb(record, gone, call.at, call.origin)
    return 200, shown(call.portal, survivor, view_of(call.portal, call.kind, properties=()))


def forget_contact(call: Call) -> Answer:
    """POST: erases a contact for good."""
    if call.kind is not CONTACTS:
        raise not_found()
    contact = identified(call.portal, CONTACTS, an_id(call.body, "objectId"), call.body.get("idProperty"))
    call.portal.erase(contact, call.at, call.origin)
    return 204, None


def identified(portal: Portal, kind: ObjectKind, value: str, by: Any) -> CrmObject:
    """The record with this id, or with this value in a unique property; 404 when there is none."""
    if not by or by == "hs_object_id":
        if not value.isdecimal():
            raise no_such_object(value)
        return portal.require(kind, value)
    if not portal.catalogue.knows(kind, str(by)) or not portal.catalogue.get(kind, str(by)).unique:
        raise HubSpotError(f"{by} is not a unique identifier property")
    record = portal.store.find_by(kind, str(by), value)
    if record is None:
        raise not_found()
    return record


def refuse_campaigns(kind: ObjectKind) -> None:
    """Campaigns are written through the marketing API; here they can only be read (400, words ours)."""
    if kind is CAMPAIGNS:
        raise HubSpotError("Campaigns cannot be written through the objects API")


def _asked_view(call: Call) -> View:
    associations = call.listed("associations")
    return view_of(
        call.portal,
        call.kind,
        properties=call.listed("properties"),
        history=call.listed("propertiesWithHistory"),
        associations=associations,
        host=call.host if associations else "",
    )


def _wishes(call: Call, row: Mapping[str, Any]) -> list[Wish]:
    """The associations of a new record: `{to: {id}, types: [{associationCategory, associationTypeId}]}`."""
    target = an_id(mapping(row, "to"))
    wishes: list[Wish] = []
    for spec in objects(row, "types"):
        number = whole(spec.get("associationTypeId"), "associationTypeId", default=0)
        kind, kind_of_link = call.portal.associations.types.named(call.kind, number)
        category = spec.get("associationCategory")
        if category is not None and category != kind_of_link.category:
            raise not_a_type(call.kind, kind, f"{category}-{number}")
        wishes.append((call.portal.associable(kind, target), kind_of_link))
    return wishes


ROUTES: Routes = (
    ("GET", "objects", "/<type>", list_objects),
    ("POST", "objects", "/<type>", create_object),
    ("POST", "objects", "/<type>/search", search_objects),
    ("POST", "objects", "/<type>/merge", merge_objects),
    ("POST", "objects", "/<type>/gdpr-delete", forget_contact),
    ("GET", "objects", "/<type>/<id>", get_object),
    ("PATCH", "objects", "/<type>/<id>", update_object),
    ("DELETE", "objects", "/<type>/<id>", archive_object),
)
