"""The first API of activities, which connectors still call: `/engagements/v1/engagements`.

Source: HubSpot's legacy documentation ("Get all engagements", "Get recent engagements", "Create an
engagement" …); `modified/after` is known from singer-io/tap-hubspot alone. Not confirmed by a recording.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from closedloop.sandbox.hubspot.errors import HubSpotError, not_found
from closedloop.sandbox.hubspot.records.record import CrmObject, End, milliseconds
from closedloop.sandbox.hubspot.records.writing import Wish
from closedloop.sandbox.hubspot.rest.asking import Answer, Call, Routes, mapping, whole
from closedloop.sandbox.hubspot.rest.engagement_shape import LINKED, TYPES, kind_of, shown, values_of

_PAGE, _LARGEST_PAGE, _LARGEST_RECENT = 100, 250, 100
_KINDS = frozenset(TYPES.values())


def list_engagements(call: Call) -> Answer:
    """GET: a page of all engagements by id; `offset` is the id that the next one starts with."""
    size = _size(call, "limit" if "limit" in call.request.args else "count")
    start = whole(call.request.args.get("offset"), "offset", default=0)
    pages = (call.portal.store.page(kind, start, size + 1, archived=False) for kind in TYPES.values())
    found = sorted((r for page in pages for r in page), key=lambda record: record.number)[: size + 1]
    offset = found[size].number if len(found) > size else 0
    return 200, _rows(call, found[:size]) | {"hasMore": len(found) > size, "offset": offset}


def list_recent(call: Call) -> Answer:
    """GET: a page of the engagements that changed last, newest first."""
    # More than the most are not refused: the most are given (airbytehq/airbyte, source-hubspot).
    size = min(_size(call, "count"), _LARGEST_RECENT)
    start = whole(call.request.args.get("offset"), "offset", default=0)
    since = whole(call.request.args.get("since"), "since", default=0)
    found = sorted(_changed(call, since), key=lambda record: record.updated_at, reverse=True)
    end = min(start + size, len(found))
    more = {"hasMore": end < len(found), "offset": end, "total": len(found)}
    return 200, _rows(call, found[start:end]) | more


def list_modified_after(call: Call) -> Answer:
    """GET: a page of the engagements that changed after a time, oldest first; `after` is that time in
    milliseconds, or what the last page said."""
    size = _size(call, "limit")
    moment, _, last = call.request.args.get("after", "0").partition("-")
    begin = (whole(moment, "after", default=0), whole(last or None, "after", default=0))
    keyed = {(milliseconds(record.updated_at), record.number): record for record in _changed(call, begin[0])}
    keys = sorted(key for key in keyed if key > begin)
    page = keys[:size]
    after = {"after": f"{page[-1][0]}-{page[-1][1]}"} if page else {}
    return 200, _rows(call, [keyed[key] for key in page]) | {"hasMore": len(keys) > size} | after


def list_associated(call: Call) -> Answer:
    """GET: a page of the engagements of one record."""
    kind = call.portal.kinds.get(call.path["type"])
    owner = call.portal.require(kind, call.path["id"])
    size = _size(call, "limit")
    start = whole(call.request.args.get("offset"), "offset", default=0)
    ends = sorted((e for e in call.portal.associations.ends(owner.end) if e.kind in _KINDS), key=_number)
    found = [call.portal.require(end.kind, end.id) for end in ends[start : start + size]]
    more = start + size < len(ends)
    return 200, _rows(call, found) | {"hasMore": more, "offset": start + len(found)}


def get_engagement(call: Call) -> Answer:
    """GET: one engagement."""
    return 200, _shown(call, _found(call))


def create_engagement(call: Call) -> Answer:
    """POST: makes an engagement, associated with what its body names."""
    body = call.body
    kind = kind_of(body)
    values = {"hs_timestamp": str(milliseconds(call.at))} | values_of(kind, body)
    record = call.portal.writer.create(kind, values, _wishes(call, body), call.at, call.origin)
    # Recorded: `engagement_create` of sensadrome/hubspot-api-ruby.
    return 200, {"associationCreateFailures": []} | _shown(call, record)


def update_engagement(call: Call) -> Answer:
    """PATCH: changes what the body names of an engagement."""
    record = _found(call)
    call.portal.writer.update(record, values_of(record.kind, call.body), call.at, call.origin)
    return 200, _shown(call, record)


def archive_engagement(call: Call) -> Answer:
    """DELETE: archives an engagement."""
    call.portal.writer.archive(_found(call), call.at, call.origin)
    return 204, None


def associate(call: Call) -> Answer:
    """PUT: associates an engagement with a record."""
    other = call.portal.require(call.portal.kinds.get(call.path["type"]), call.path["other"])
    call.portal.writer.link(_found(call), other, None, call.at, call.origin)
    return 204, None


def dissociate(call: Call) -> Answer:
    """DELETE: takes an engagement from a record."""
    other = End(call.portal.kinds.get(call.path["type"]), call.path["other"])
    call.portal.writer.unlink(_found(call).end, other, None, call.at, call.origin)
    return 204, None


def list_outcomes(call: Call) -> Answer:
    """GET: how a call can end."""
    options = call.portal.catalogue.get(TYPES["CALL"], "hs_call_disposition").options
    return 200, [{"id": option.value, "label": option.label, "deleted": False} for option in options]


def _size(call: Call, name: str) -> int:
    return whole(call.request.args.get(name), name, default=_PAGE, least=1, most=_LARGEST_PAGE)


def _number(end: End) -> int:
    return int(end.id)


def _changed(call: Call, since: int) -> Iterable[CrmObject]:
    records = (record for kind in TYPES.values() for record in call.portal.store.all(kind))
    return (record for record in records if milliseconds(record.updated_at) >= since)


def _found(call: Call) -> CrmObject:
    """The engagement that the path names; 404 when there is none."""
    found = (call.portal.store.find(kind, call.path["id"]) for kind in TYPES.values())
    record = next((each for each in found if each is not None), None)
    if record is None:
        raise not_found()
    return record


def _wishes(call: Call, body: dict[str, Any]) -> list[Wish]:
    named = mapping(body, "associations")
    if any(not isinstance(named.get(key, []), list) for key in LINKED):
        raise HubSpotError("Invalid input JSON: associations are lists of ids")
    return [
        (call.portal.associable(kind, str(each)), None)
        for key, kind in LINKED.items()
        for each in named.get(key, [])
    ]


def _rows(call: Call, records: Iterable[CrmObject]) -> dict[str, Any]:
    return {"results": [_shown(call, record) for record in records]}


def _shown(call: Call, record: CrmObject) -> dict[str, Any]:
    return shown(record, call.portal.id, call.portal.associations.ends(record.end))


ROUTES: Routes = (
    ("GET", "first engagements", "/paged", list_engagements),
    ("GET", "first engagements", "/recent/modified", list_recent),
    ("GET", "first engagements", "/modified/after", list_modified_after),
    ("GET", "first engagements", "/associated/<type>/<id>/paged", list_associated),
    ("GET", "first engagements", "/<id>", get_engagement),
    ("POST", "first engagements", "", create_engagement),
    ("PATCH", "first engagements", "/<id>", update_engagement),
    ("DELETE", "first engagements", "/<id>", archive_engagement),
    ("PUT", "first engagements", "/<id>/associations/<type>/<other>", associate),
    ("DELETE", "first engagements", "/<id>/associations/<type>/<other>", dissociate),
    ("GET", "call outcomes", "", list_outcomes),
)
