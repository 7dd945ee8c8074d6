"""The marketing events API: `/marketing/v3/marketing-events`."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, unquote

from closedloop.sandbox.hubspot.errors import HubSpotError
from closedloop.sandbox.hubspot.marketing.events import (
    core_to_wire,
    counts_to_wire,
    dates_to_wire,
    no_event,
    properties_from,
    status_of,
)
from closedloop.sandbox.hubspot.records.record import CrmObject
from closedloop.sandbox.hubspot.rest.asking import Answer, Call, Routes
from closedloop.sandbox.hubspot.rest.objects import next_link
from closedloop.sandbox.hubspot.rest.reading import an_id, inputs_of, whole
from closedloop.sandbox.hubspot.rest.wire import attempted, batch, paging
from closedloop.sandbox.hubspot.settings.kinds import MARKETING_EVENTS
from closedloop.sandbox.hubspot.settings.property_forms import required

_PAGE, _LARGEST_PAGE, _MOST = 10, 100, 500


def list_events(call: Call) -> Answer:
    """GET: a page of the marketing events by id (recorded)."""
    size = whole(call.request.args.get("limit"), "limit", default=_PAGE, least=1, most=_LARGEST_PAGE)
    start = _position(call.request.args.get("after"))
    page = call.portal.store.page(MARKETING_EVENTS, start, size + 1, archived=False)
    answer: dict[str, Any] = {"results": [_shown(call, event) for event in page[:size]]}
    if len(page) > size:
        after = quote(base64.b64encode(page[size].id.encode()).decode(), safe="")
        answer |= paging(after, next_link(call, unquote(after)))
    return 200, answer


def get_event(call: Call) -> Answer:
    """GET: one event by its record id."""
    return 200, _shown(call, by_id(call, call.path["event"]))


def update_event(call: Call) -> Answer:
    """PATCH: changes an event by its record id."""
    return 200, _changed(call, by_id(call, call.path["event"]), call.body)


def delete_event(call: Call) -> Answer:
    """DELETE: archives an event by its record id."""
    call.portal.writer.archive(by_id(call, call.path["event"]), call.at, call.origin)
    return 204, None


def update_events(call: Call) -> Answer:
    """POST: changes events by their record ids."""
    rows = inputs_of(call.body, _MOST)
    results, problems = attempted(rows, lambda row: _changed(call, by_id(call, an_id(row, "objectId")), row))
    return batch(results, problems, call.at, call.portal.clock())


def archive_events(call: Call) -> Answer:
    """POST: archives events by their record ids; ids that are not there are no error."""
    for row in inputs_of(call.body, _MOST):
        event = call.portal.store.find(MARKETING_EVENTS, an_id(row, "objectId"))
        if event is not None:
            call.portal.writer.archive(event, call.at, call.origin)
    return 204, None


def create_event(call: Call) -> Answer:
    """POST: makes an event under the id that it has in the caller's own system."""
    event = _made(call, call.body)
    return 200, core_to_wire(event, call.portal.catalogue) | {"objectId": event.id}


def put_event(call: Call) -> Answer:
    """PUT: makes an event or changes the one with this external id."""
    return 200, _put(call, call.body | {"externalEventId": call.path["external"]})


def upsert_events(call: Call) -> Answer:
    """POST: makes or changes several events by their external ids."""
    results = [_put(call, row) for row in inputs_of(call.body, _MOST)]
    return batch(results, (), call.at, call.portal.clock())


def get_external_event(call: Call) -> Answer:
    """GET: one event by its external id."""
    event = external_event(call)
    counts = call.portal.marketing.participations.counts(event)
    named = {"externalEventId": call.path["external"], "id": event.id, "objectId": event.id}
    return 200, core_to_wire(event, call.portal.catalogue) | named | counts_to_wire(counts) | dates_to_wire(
        event
    )


def update_external_event(call: Call) -> Answer:
    """PATCH: changes an event by its external id."""
    return 200, _updated(call, external_event(call), call.body)


def delete_external_event(call: Call) -> Answer:
    """DELETE: archives an event by its external id."""
    call.portal.writer.archive(external_event(call), call.at, call.origin)
    return 204, None


def delete_external_events(call: Call) -> Answer:
    """POST: archives events by their external ids; those that are not there are no error."""
    for row in inputs_of(call.body, _MOST):
        event = found_event(call, an_id(row, "externalAccountId"), an_id(row, "externalEventId"))
        if event is not None:
            call.portal.writer.archive(event, call.at, call.origin)
    return 204, None


def cancel_event(call: Call) -> Answer:
    """POST: calls an event off."""
    return 200, _flagged(call, {"hs_event_cancelled": "true"})


def complete_event(call: Call) -> Answer:
    """POST: an event has taken place, from when to when the body says."""
    body = call.body
    times = {"hs_start_datetime": body.get("startDateTime"), "hs_end_datetime": body.get("endDateTime")}
    return 200, _flagged(call, {"hs_event_completed": "true", **times})


def search_events(call: Call) -> Answer:
    """GET: the events with this external id."""
    sought = call.request.args.get("q", "")
    held = call.portal.store.all(MARKETING_EVENTS)
    found = [event for event in held if event.properties.get("hs_external_event_id") == sought]
    return 200, {"results": [{**_names(event), "appId": call.portal.app_id} for event in found]}


def list_identifiers(call: Call) -> Answer:
    """GET: every event of this external id, with all of its ids."""
    sought = call.path["event"]
    held = call.portal.store.all(MARKETING_EVENTS)
    found = [event for event in held if event.properties.get("hs_external_event_id") == sought]
    rows = [
        {**_names(event), "marketingEventName": event.properties.get("hs_event_name"), "appInfo": _app(call)}
        for event in found
    ]
    return 200, {"total": len(rows), "results": rows}


def _made(call: Call, body: Mapping[str, Any]) -> CrmObject:
    for name in ("eventName", "eventOrganizer", "externalAccountId", "externalEventId"):
        required(body, name)
    made = call.portal.writer.create(MARKETING_EVENTS, properties_from(body), (), call.at, call.origin)
    named = {
        "hs_external_event_id": str(body["externalEventId"]),
        "hs_external_account_id": str(body["externalAccountId"]),
        "hs_app_id": str(call.portal.app_id),
    }
    call.portal.writer.calculate(made, named, call.at)
    return made


def _put(call: Call, body: Mapping[str, Any]) -> dict[str, Any]:
    event = found_event(call, required(body, "externalAccountId"), required(body, "externalEventId"))
    if event is not None:
        return _updated(call, event, body)
    event = _made(call, body)
    return (
        core_to_wire(event, call.portal.catalogue)
        | {"id": event.id, "objectId": event.id}
        | dates_to_wire(event)
    )


def _updated(call: Call, event: CrmObject, body: Mapping[str, Any]) -> dict[str, Any]:
    call.portal.writer.update(event, properties_from(body), call.at, call.origin)
    return (
        core_to_wire(event, call.portal.catalogue)
        | {"id": event.id, "objectId": event.id}
        | dates_to_wire(event)
    )


def _changed(call: Call, event: CrmObject, body: Mapping[str, Any]) -> dict[str, Any]:
    call.portal.writer.update(event, properties_from(body), call.at, call.origin)
    named = {"objectId": event.id, "appInfo": _app(call)}
    return core_to_wire(event, call.portal.catalogue) | named | dates_to_wire(event)


def _flagged(call: Call, values: Mapping[str, Any]) -> dict[str, Any]:
    event = external_event(call)
    call.portal.writer.update(event, values, call.at, call.origin)
    return core_to_wire(event, call.portal.catalogue) | {"objectId": event.id}


def _shown(call: Call, event: CrmObject) -> dict[str, Any]:
    """An event in a read by record id (recorded)."""
    state = status_of(event, call.at)
    return {
        **core_to_wire(event, call.portal.catalogue),
        "objectId": event.id,
        "externalEventId": event.properties.get("hs_external_event_id"),
        "eventStatus": state,
        "eventStatusV2": state.lower(),
        "appInfo": _app(call),
        **counts_to_wire(call.portal.marketing.participations.counts(event)),
        **dates_to_wire(event),
    }


def _app(call: Call) -> dict[str, str]:
    return {"id": str(call.portal.app_id), "name": "Closed Loop"}


def _names(event: CrmObject) -> dict[str, Any]:
    return {
        "objectId": event.id,
        "externalEventId": event.properties.get("hs_external_event_id"),
        "externalAccountId": event.properties.get("hs_external_account_id"),
    }


def by_id(call: Call, event_id: str) -> CrmObject:
    """The event with this record id; 404 when there is none."""
    found = call.portal.store.find(MARKETING_EVENTS, event_id)
    if found is None:
        raise no_event(event_id)
    return found


def external_event(call: Call) -> CrmObject:
    """The event whose external ids path and query name; 404 when there is none."""
    found = found_event(call, call.request.args.get("externalAccountId", ""), call.path["external"])
    if found is None:
        raise no_event(call.path["external"])
    return found


def found_event(call: Call, account: str, external: str) -> CrmObject | None:
    """The event with these external ids; there are few events, so each is looked at."""
    wanted = (account, external)
    names = ("hs_external_account_id", "hs_external_event_id")
    held = call.portal.store.all(MARKETING_EVENTS)
    return next((event for event in held if tuple(map(event.properties.get, names)) == wanted), None)


def _position(after: str | None) -> int:
    """The record id that a page starts with, in base 64 (recorded)."""
    try:
        return int(base64.b64decode(after or "MA==", validate=True))
    except (binascii.Error, ValueError):
        raise HubSpotError(f"Invalid paging cursor: {after}") from None


ROUTES: Routes = (
    ("GET", "marketing events", "", list_events),
    ("POST", "marketing events", "/batch/update", update_events),
    ("POST", "marketing events", "/batch/archive", archive_events),
    ("POST", "marketing events", "/events", create_event),
    ("POST", "marketing events", "/events/upsert", upsert_events),
    ("POST", "marketing events", "/events/delete", delete_external_events),
    ("GET", "marketing events", "/events/search", search_events),
    ("GET", "marketing events", "/events/<external>", get_external_event),
    ("PUT", "marketing events", "/events/<external>", put_event),
    ("PATCH", "marketing events", "/events/<external>", update_external_event),
    ("DELETE", "marketing events", "/events/<external>", delete_external_event),
    ("POST", "marketing events", "/events/<external>/cancel", cancel_event),
    ("POST", "marketing events", "/events/<external>/complete", complete_event),
    ("GET", "marketing events", "/<event>", get_event),
    ("PATCH", "marketing events", "/<event>", update_event),
    ("DELETE", "marketing events", "/<event>", delete_event),
    ("GET", "marketing events", "/<event>/identifiers", list_identifiers),
)
