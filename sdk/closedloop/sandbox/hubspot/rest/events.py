"""The events API: `/events/v3/events`, what happened to records."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from typing import Any
from urllib.parse import quote, unquote

from closedloop.sandbox.hubspot.errors import HubSpotError
from closedloop.sandbox.hubspot.records.occurrences import TYPES, Occurrence
from closedloop.sandbox.hubspot.records.record import milliseconds
from closedloop.sandbox.hubspot.records.values import NotOfItsTypeError, parse_moment
from closedloop.sandbox.hubspot.rest.asking import Answer, Call, Routes
from closedloop.sandbox.hubspot.rest.objects import next_link
from closedloop.sandbox.hubspot.rest.reading import whole
from closedloop.sandbox.hubspot.rest.wire import paging

_PAGE, _LARGEST_PAGE = 20, 1000
_Test = Callable[[Occurrence], bool]


def list_events(call: Call) -> Answer:
    """GET: a page of what happened, newest first unless `sort` says otherwise."""
    tests = _tests(call)
    happened = call.portal.occurrences.all(call.request.args.get("eventType"))
    found = [each for each in happened if all(test(each) for test in tests)]
    if _descending(call):
        found.reverse()
    size = whole(call.request.args.get("limit"), "limit", default=_PAGE, least=1, most=_LARGEST_PAGE)
    start = _position(call.request.args.get("after"))
    answer: dict[str, Any] = {"results": [each.to_wire() for each in found[start : start + size]]}
    if start + size < len(found):
        after = _cursor(found[start + size - 1], start + size)
        answer |= paging(after, next_link(call, unquote(after)))
    return 200, answer


def list_event_types(call: Call) -> Answer:
    """GET: the names of the kinds of events that the portal has."""
    del call
    return 200, {"eventTypes": list(TYPES)}


def _tests(call: Call) -> list[_Test]:
    tests: list[_Test] = []
    arguments = call.request.args
    if name := arguments.get("objectType"):
        kind = call.portal.kinds.get(name)
        tests.append(lambda each: each.kind is kind)
    if object_id := arguments.get("objectId"):
        tests.append(lambda each: each.object_id == object_id)
    if ids := set(call.listed("id")):
        tests.append(lambda each: each.id in ids)
    return [*tests, *_times(call)]


def _times(call: Call) -> list[_Test]:
    tests: list[_Test] = []
    if after := call.request.args.get("occurredAfter"):
        first = _moment(after, "occurredAfter")
        tests.append(lambda each: each.at >= first)
    if before := call.request.args.get("occurredBefore"):
        last = _moment(before, "occurredBefore")
        tests.append(lambda each: each.at < last)
    return tests


def _moment(text: str, name: str) -> Any:
    try:
        return parse_moment(text.replace(" ", "+"))
    except NotOfItsTypeError:
        raise HubSpotError(f"Invalid {name}: expected a time in ISO 8601") from None


def _descending(call: Call) -> bool:
    sorts = call.listed("sort")
    if sorts not in ([], ["occurredAt"], ["-occurredAt"]):
        raise HubSpotError("Invalid sort: only occurredAt and -occurredAt are supported")
    return sorts != ["occurredAt"]


def _cursor(last: Occurrence, place: int) -> str:
    """Where the next page starts: time, object and place in base 64, URL-encoded already (recorded)."""
    text = f"{milliseconds(last.at)}|{last.kind.type_id}|{last.object_id}|{place}|"
    return quote(base64.b64encode(text.encode()).decode(), safe="")


def _position(after: str | None) -> int:
    if not after:
        return 0
    try:
        return int(base64.b64decode(after, validate=True).decode().split("|")[3])
    except (binascii.Error, ValueError, IndexError):
        raise HubSpotError(f"Invalid paging cursor: {after}") from None


ROUTES: Routes = (
    ("GET", "events", "", list_events),
    ("GET", "events", "/event-types", list_event_types),
)
