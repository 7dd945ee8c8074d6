"""The first APIs of properties, their groups, and of the account: `/properties/v1`, `/integrations/v1`.

Source: HubSpot's legacy documentation ("Create a contact property", "Get contact property groups", "Get
account information", "Check daily API usage"). Not confirmed by a recording.
"""

from __future__ import annotations

from typing import Any

from closedloop.sandbox.hubspot.records.record import milliseconds, stamp
from closedloop.sandbox.hubspot.rest.asking import Answer, Call, Routes, is_true
from closedloop.sandbox.hubspot.rest.first_refusals import no_group, no_property, unless_there
from closedloop.sandbox.hubspot.rest.legacy import definition_to_wire
from closedloop.sandbox.hubspot.rest.properties import refuse_campaign_properties
from closedloop.sandbox.hubspot.rest.settings import account_details
from closedloop.sandbox.hubspot.settings.catalogue import Group


def create_definition(call: Call) -> Answer:
    """POST: makes a property."""
    refuse_campaign_properties(call)
    return 200, definition_to_wire(call.portal.catalogue.add(call.kind, call.body, stamp(call.at)))


def get_definition(call: Call) -> Answer:
    """GET: one property."""
    with unless_there(no_property(call.path["name"])):
        return 200, definition_to_wire(call.portal.catalogue.get(call.kind, call.path["name"]))


def change_definition(call: Call) -> Answer:
    """PUT: changes a property."""
    refuse_campaign_properties(call)
    with unless_there(no_property(call.path["name"])):
        changed = call.portal.catalogue.change(call.kind, call.path["name"], call.body, stamp(call.at))
    return 200, definition_to_wire(changed)


def delete_definition(call: Call) -> Answer:
    """DELETE: archives a property."""
    refuse_campaign_properties(call)
    with unless_there(no_property(call.path["name"])):
        call.portal.catalogue.remove(call.kind, call.path["name"], stamp(call.at))
    return 204, None


def list_groups(call: Call) -> Answer:
    """GET: the groups of properties, as a bare list; with their properties where those are asked for."""
    inside = is_true(call.request, "includeProperties")
    return 200, [_group(call, group, inside=inside) for group in call.portal.catalogue.groups(call.kind)]


def create_group(call: Call) -> Answer:
    """POST: makes a group; what others call its label is its `displayName` here."""
    refuse_campaign_properties(call)
    return 200, _group(call, call.portal.catalogue.add_group(call.kind, _labelled(call)))


def get_group(call: Call) -> Answer:
    """GET: one group with its properties."""
    found = call.portal.catalogue.group(call.kind, call.path["name"])
    if found is None:
        raise no_group(call.path["name"])
    return 200, _group(call, found, inside=True)


def change_group(call: Call) -> Answer:
    """PUT: changes a group."""
    refuse_campaign_properties(call)
    with unless_there(no_group(call.path["name"])):
        changed = call.portal.catalogue.change_group(call.kind, call.path["name"], _labelled(call))
    return 200, _group(call, changed)


def delete_group(call: Call) -> Answer:
    """DELETE: archives a group."""
    refuse_campaign_properties(call)
    with unless_there(no_group(call.path["name"])):
        call.portal.catalogue.remove_group(call.kind, call.path["name"])
    return 204, None


def about_account(call: Call) -> Answer:
    """GET: which portal this is."""
    _, told = account_details(call)
    return 200, {
        "portalId": told["portalId"],
        "timeZone": told["timeZone"],
        "currency": told["companyCurrency"],
        "utcOffsetMilliseconds": told["utcOffsetMilliseconds"],
        "utcOffset": told["utcOffset"],
    }


def daily_usage(call: Call) -> Answer:
    """GET: how many calls were made today, and how many may be."""
    limits = call.portal.limits
    return 200, [
        {
            "name": "api-calls-daily",
            "usageLimit": limits.daily,
            "currentUsage": limits.used,
            "collectedAt": milliseconds(call.at),
            "fetchStatus": "SUCCESS",
            "resetsAt": milliseconds(limits.resets_at()),
        }
    ]


def _labelled(call: Call) -> dict[str, Any]:
    body = call.body
    return {"label": body.get("displayName"), **body}


def _group(call: Call, group: Group, *, inside: bool = False) -> dict[str, Any]:
    shown = {"name": group.name, "displayName": group.label, "displayOrder": group.display_order}
    if not inside:
        return shown
    own = [p for p in call.portal.catalogue.all(call.kind) if p.group == group.name]
    return shown | {"properties": [definition_to_wire(definition) for definition in own]}


ROUTES: Routes = (
    ("POST", "first properties", "/<type>/properties", create_definition),
    ("GET", "first properties", "/<type>/properties/named/<name>", get_definition),
    ("PUT", "first properties", "/<type>/properties/named/<name>", change_definition),
    ("DELETE", "first properties", "/<type>/properties/named/<name>", delete_definition),
    ("GET", "first properties", "/<type>/groups", list_groups),
    ("POST", "first properties", "/<type>/groups", create_group),
    ("GET", "first properties", "/<type>/groups/named/<name>", get_group),
    ("PUT", "first properties", "/<type>/groups/named/<name>", change_group),
    ("DELETE", "first properties", "/<type>/groups/named/<name>", delete_group),
    ("GET", "first account", "/me", about_account),
    ("GET", "first account", "/limit/daily", daily_usage),
)
