"""The properties API: definitions and the groups that they stand in."""

from __future__ import annotations

from typing import Any

from closedloop.sandbox.hubspot.access.tokens import USER_ID
from closedloop.sandbox.hubspot.errors import HubSpotError, missing_scopes, not_found
from closedloop.sandbox.hubspot.records.record import stamp
from closedloop.sandbox.hubspot.rest.asking import Answer, Call, Routes, inputs_of, is_true
from closedloop.sandbox.hubspot.rest.wire import attempted, batch
from closedloop.sandbox.hubspot.settings.definitions import NON_SENSITIVE, PropertyDefinition
from closedloop.sandbox.hubspot.settings.kinds import CAMPAIGNS
from closedloop.sandbox.hubspot.settings.property_forms import required

_MOST = 100


def list_properties(call: Call) -> Answer:
    """GET: every property of an object type, or every archived one, of one sensitivity."""
    found = call.portal.catalogue.all(call.kind, archived=is_true(call.request, "archived"))
    wanted = call.request.args.get("dataSensitivity") or NON_SENSITIVE
    return 200, {"results": [_shown(p) for p in found if p.sensitivity == wanted]}


def get_property(call: Call) -> Answer:
    """GET: one property. One of another sensitivity than asked for is not found either."""
    definition = _named(call, call.path["name"])
    if definition.sensitivity != (call.request.args.get("dataSensitivity") or NON_SENSITIVE):
        raise not_found()
    return 200, _shown(definition)


def create_property(call: Call) -> Answer:
    """POST: makes a property."""
    refuse_campaign_properties(call)
    return 201, _shown(call.portal.catalogue.add(call.kind, call.body, stamp(call.at)))


def update_property(call: Call) -> Answer:
    """PATCH: changes a property's definition."""
    refuse_campaign_properties(call)
    changed = call.portal.catalogue.change(call.kind, call.path["name"], call.body, stamp(call.at))
    return 200, _shown(changed)


def archive_property(call: Call) -> Answer:
    """DELETE: archives a property."""
    refuse_campaign_properties(call)
    call.portal.catalogue.remove(call.kind, call.path["name"], stamp(call.at))
    return 204, None


def read_properties(call: Call) -> Answer:
    """POST: several properties by name; unknown ones are left out (not confirmed)."""
    body = call.body
    archived = body.get("archived") is True
    wanted = body.get("dataSensitivity") or NON_SENSITIVE
    names = {required(row, "name") for row in inputs_of(body, _MOST)}
    found = call.portal.catalogue.all(call.kind, archived=archived)
    results = [_shown(p) for p in found if p.name in names and p.sensitivity == wanted]
    return batch(results, (), call.at, call.portal.clock())


def create_properties(call: Call) -> Answer:
    """POST: makes several properties; the ones that exist are errors of a 207 (recorded)."""
    refuse_campaign_properties(call)

    def add(row: dict[str, Any]) -> dict[str, Any]:
        return call.portal.catalogue.add(call.kind, row, stamp(call.at)).core_to_wire()

    results, problems = attempted(inputs_of(call.body, _MOST), add)
    return batch(results, problems, call.at, call.portal.clock(), status=201)


def archive_properties(call: Call) -> Answer:
    """POST: archives several properties, whatever state they are in (documented); those of HubSpot's own and
    those in use stay."""
    refuse_campaign_properties(call)
    for name in [required(row, "name") for row in inputs_of(call.body, _MOST)]:
        try:
            call.portal.catalogue.remove(call.kind, name, stamp(call.at))
        except HubSpotError as problem:
            if problem.status != 404:
                raise
    return 204, None


def list_groups(call: Call) -> Answer:
    """GET: every property group."""
    return 200, {"results": [group.to_wire() for group in call.portal.catalogue.groups(call.kind)]}


def get_group(call: Call) -> Answer:
    """GET: one group; a missing one is a 404 without a body."""
    group = call.portal.catalogue.group(call.kind, call.path["name"])
    return (404, None) if group is None else (200, group.to_wire())


def create_group(call: Call) -> Answer:
    """POST: makes a group."""
    refuse_campaign_properties(call)
    return 201, call.portal.catalogue.add_group(call.kind, call.body).to_wire()


def update_group(call: Call) -> Answer:
    """PATCH: changes a group's label or place."""
    refuse_campaign_properties(call)
    return 200, call.portal.catalogue.change_group(call.kind, call.path["name"], call.body).to_wire()


def archive_group(call: Call) -> Answer:
    """DELETE: archives a group that holds no properties."""
    refuse_campaign_properties(call)
    call.portal.catalogue.remove_group(call.kind, call.path["name"])
    return 204, None


def _shown(definition: PropertyDefinition) -> dict[str, Any]:
    """The definition as a read answers it: one of the portal's own names the app's user (recorded:
    `custom/update/5-response-update-property-age.json` of amp-labs/connectors)."""
    if definition.built_in:
        return definition.to_wire()
    return definition.to_wire() | {"createdUserId": str(USER_ID), "updatedUserId": str(USER_ID)}


def _named(call: Call, name: str) -> PropertyDefinition:
    return call.portal.catalogue.get(call.kind, name, archived=is_true(call.request, "archived"))


def refuse_campaign_properties(call: Call) -> None:
    """Some portals' apps cannot change campaign definitions: no scope of HubSpot's list covers it."""
    if call.kind is CAMPAIGNS and not call.portal.campaign_properties:
        raise missing_scopes("marketing.campaigns.write")


ROUTES: Routes = (
    ("GET", "properties", "/<type>", list_properties),
    ("POST", "properties", "/<type>", create_property),
    ("POST", "properties", "/<type>/batch/read", read_properties),
    ("POST", "properties", "/<type>/batch/create", create_properties),
    ("POST", "properties", "/<type>/batch/archive", archive_properties),
    ("GET", "properties", "/<type>/groups", list_groups),
    ("POST", "properties", "/<type>/groups", create_group),
    ("GET", "properties", "/<type>/groups/<name>", get_group),
    ("PATCH", "properties", "/<type>/groups/<name>", update_group),
    ("DELETE", "properties", "/<type>/groups/<name>", archive_group),
    ("GET", "properties", "/<type>/<name>", get_property),
    ("PATCH", "properties", "/<type>/<name>", update_property),
    ("DELETE", "properties", "/<type>/<name>", archive_property),
)
