"""Who registers for, attends and cancels marketing events: a part of `/marketing/v3/marketing-events`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from closedloop.sandbox.hubspot.errors import HubSpotError
from closedloop.sandbox.hubspot.marketing.events import STATES, counts_to_wire, no_event
from closedloop.sandbox.hubspot.records.record import CrmObject, milliseconds, stamp
from closedloop.sandbox.hubspot.records.values import as_text, parse_moment
from closedloop.sandbox.hubspot.rest.asking import Answer, Call, Routes
from closedloop.sandbox.hubspot.rest.marketing_events import by_id, external_event, found_event
from closedloop.sandbox.hubspot.rest.objects import identified
from closedloop.sandbox.hubspot.rest.reading import an_id, inputs_of
from closedloop.sandbox.hubspot.rest.wire import batch
from closedloop.sandbox.hubspot.settings.kinds import CONTACTS, MARKETING_EVENTS
from closedloop.sandbox.hubspot.settings.property_forms import required

_MOST = 500


def count_participations(call: Call) -> Answer:
    """GET: how many people did what, by the event's record id."""
    return 200, call.portal.marketing.participations.counts(by_id(call, call.path["event"]))


def count_external_participations(call: Call) -> Answer:
    """GET: how many people did what, by the event's external ids."""
    event = found_event(call, call.path["account"], call.path["external"])
    if event is None:
        raise no_event(call.path["external"])
    return 200, call.portal.marketing.participations.counts(event)


def list_participations(call: Call) -> Answer:
    """GET: who did what, by the event's record id."""
    return 200, _breakdown(call, by_id(call, call.path["event"]))


def list_external_participations(call: Call) -> Answer:
    """GET: who did what, by the event's external ids."""
    event = found_event(call, call.path["account"], call.path["external"])
    if event is None:
        raise no_event(call.path["external"])
    return 200, _breakdown(call, event)


def list_participations_of_contact(call: Call) -> Answer:
    """GET: what a contact, named by id or e-mail address, did about which events."""
    wanted = call.path["contact"]
    by = "email" if "@" in wanted else None
    contact = identified(call.portal, CONTACTS, wanted, by)
    found = call.portal.marketing.participations.by(contact.id)
    rows = [
        _participation(call, event, contact.id, each.state, each.at)
        for event_id, each in found
        if (event := call.portal.store.find(MARKETING_EVENTS, event_id)) is not None
    ]
    return 200, {"total": len(rows), "results": rows}


def record_by_contact(call: Call) -> Answer:
    """POST: contacts, named by id, register, attend or cancel."""
    event, state = _attended(call), _state(call)
    found = [(row, call.portal.require(CONTACTS, an_id(row, "vid"))) for row in inputs_of(call.body, _MOST)]
    for row, contact in found:
        _participate(call, event, contact, state, row)
    return 200, batch([{"vid": int(contact.id)} for _, contact in found], (), call.at, call.portal.clock())[1]


def record_by_email(call: Call) -> Answer:
    """POST: people, named by their addresses, register, attend or cancel; new ones become contacts."""
    event, state = _attended(call), _state(call)
    results = []
    for row in inputs_of(call.body, _MOST):
        contact = _contact(call, row)
        _participate(call, event, contact, state, row)
        results.append({"vid": int(contact.id), "email": contact.properties["email"]})
    return 200, batch(results, (), call.at, call.portal.clock())[1]


def _breakdown(call: Call, event: CrmObject) -> dict[str, Any]:
    rows = [
        _participation(call, event, each.contact, each.state, each.at)
        for each in call.portal.marketing.participations.of(event.id)
    ]
    return {"total": len(rows), "results": rows}


def _attended(call: Call) -> CrmObject:
    return external_event(call) if "external" in call.path else by_id(call, call.path["event"])


def _state(call: Call) -> str:
    state = STATES.get(call.path["state"])
    if state is None:
        raise HubSpotError(f"Invalid subscriber state: {call.path['state']}")
    return state


def _contact(call: Call, row: Mapping[str, Any]) -> CrmObject:
    email = required(row, "email")
    found = call.portal.store.find_by(CONTACTS, "email", email)
    more = row.get("contactProperties")
    values = {"email": email, **(more if isinstance(more, dict) else {})}
    return found or call.portal.writer.create(CONTACTS, values, (), call.at, call.origin)


def _participate(
    call: Call, event: CrmObject, contact: CrmObject, state: str, row: Mapping[str, Any]
) -> None:
    when = as_text(row.get("interactionDateTime"))
    call.portal.marketing.participations.put(
        event.id, contact.id, state, parse_moment(when) if when else call.at
    )
    counts = counts_to_wire(call.portal.marketing.participations.counts(event))
    shown = {
        "hs_registrations": counts["registrants"],
        "hs_attendees": counts["attendees"],
        "hs_cancellations": counts["cancellations"],
        "hs_no_shows": counts["noShows"],
    }
    call.portal.writer.calculate(event, {name: str(number) for name, number in shown.items()}, call.at)


def _participation(call: Call, event: CrmObject, contact_id: str, state: str, at: Any) -> dict[str, Any]:
    contact = call.portal.store.find(CONTACTS, contact_id)
    values = contact.properties if contact else {}
    return {
        "id": f"{event.id}-{contact_id}",
        "createdAt": stamp(at),
        "properties": {"occurredAt": milliseconds(at), "attendanceState": state},
        "associations": {
            "contact": {
                "contactId": contact_id,
                "email": values.get("email"),
                "firstname": values.get("firstname"),
                "lastname": values.get("lastname"),
            },
            "marketingEvent": {
                "marketingEventId": event.id,
                "name": event.properties.get("hs_event_name"),
                "externalAccountId": event.properties.get("hs_external_account_id"),
                "externalEventId": event.properties.get("hs_external_event_id"),
            },
        },
    }


ROUTES: Routes = (
    ("POST", "marketing events", "/events/<external>/<state>/upsert", record_by_contact),
    ("POST", "marketing events", "/events/<external>/<state>/email-upsert", record_by_email),
    ("POST", "marketing events", "/attendance/<external>/<state>/create", record_by_contact),
    ("POST", "marketing events", "/attendance/<external>/<state>/email-create", record_by_email),
    ("GET", "marketing events", "/participations/<event>", count_participations),
    ("GET", "marketing events", "/participations/<event>/breakdown", list_participations),
    ("GET", "marketing events", "/participations/<account>/<external>", count_external_participations),
    (
        "GET",
        "marketing events",
        "/participations/<account>/<external>/breakdown",
        list_external_participations,
    ),
    (
        "GET",
        "marketing events",
        "/participations/contacts/<contact>/breakdown",
        list_participations_of_contact,
    ),
    ("POST", "marketing events", "/<event>/attendance/<state>/create", record_by_contact),
    ("POST", "marketing events", "/<event>/attendance/<state>/email-create", record_by_email),
)
