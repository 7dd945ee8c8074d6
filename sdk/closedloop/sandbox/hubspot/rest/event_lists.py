"""The lists of people that go with marketing events, and the settings of apps that make such events.

Source: HubSpot's OpenAPI description of `/marketing/v3/marketing-events`, as hubspot-api-client knows it.
"""

from __future__ import annotations

from closedloop.sandbox.hubspot.marketing.events import no_event
from closedloop.sandbox.hubspot.records.record import CrmObject
from closedloop.sandbox.hubspot.rest.asking import Answer, Call, Routes, whole
from closedloop.sandbox.hubspot.rest.marketing_events import by_id, found_event
from closedloop.sandbox.hubspot.settings.property_forms import required

_LARGEST_ID = 2**53


def list_lists(call: Call) -> Answer:
    """GET: the lists that go with an event."""
    lists, ids = call.portal.marketing.lists, call.portal.marketing.participations.lists(_event(call).id)
    found = [each for i in ids if (each := lists.get(i)).deleted_at is None]
    rows = [each.to_wire() | {"size": len(lists.members(each))} for each in found]
    return 200, {"total": len(rows), "results": rows}


def add_list(call: Call) -> Answer:
    """PUT: adds a list to an event."""
    event, each = _event(call), call.portal.marketing.lists.live(call.path["list"])
    call.portal.marketing.participations.add_list(event.id, each.id)
    return 204, None


def remove_list(call: Call) -> Answer:
    """DELETE: takes a list from an event."""
    event, each = _event(call), call.portal.marketing.lists.get(call.path["list"])
    call.portal.marketing.participations.remove_list(event.id, each.id)
    return 204, None


def get_settings(call: Call) -> Answer:
    """GET: where an app shows the details of its events."""
    app = _app(call)
    return 200, {"appId": app, "eventDetailsUrl": call.portal.marketing.participations.pages.get(app, "")}


def put_settings(call: Call) -> Answer:
    """POST: tells where an app shows the details of its events."""
    call.portal.marketing.participations.pages[_app(call)] = required(call.body, "eventDetailsUrl")
    return get_settings(call)


def _event(call: Call) -> CrmObject:
    if "event" in call.path:
        return by_id(call, call.path["event"])
    found = found_event(call, call.path["account"], call.path["external"])
    if found is None:
        raise no_event(call.path["external"])
    return found


def _app(call: Call) -> int:
    return whole(call.path["event"], "appId", default=0, most=_LARGEST_ID)


ROUTES: Routes = (
    *(
        route
        for event in ("<event>", "<account>/<external>")
        for route in (
            ("GET", "marketing events", f"/associations/{event}/lists", list_lists),
            ("PUT", "marketing events", f"/associations/{event}/lists/<list>", add_list),
            ("DELETE", "marketing events", f"/associations/{event}/lists/<list>", remove_list),
        )
    ),
    ("GET", "marketing events", "/<event>/settings", get_settings),
    ("POST", "marketing events", "/<event>/settings", put_settings),
)
