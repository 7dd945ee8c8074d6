"""The first APIs, which older connectors still call: `/properties/v2`, `/companies/v2`, `/deals/v1`.

Source: HubSpot's legacy documentation ("Get all companies", "Get all deals", "Get all deal pipelines", "Get
all properties") and what singer-io/tap-hubspot and airbytehq/airbyte's source-hubspot ask for. Not confirmed
by a recording. What writes is in `first_writes`.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from typing import Any

from closedloop.sandbox.hubspot.errors import HubSpotError, not_found
from closedloop.sandbox.hubspot.portal import Portal
from closedloop.sandbox.hubspot.records.associations import Link
from closedloop.sandbox.hubspot.records.record import CrmObject, End, Version, milliseconds
from closedloop.sandbox.hubspot.records.values import parse_moment
from closedloop.sandbox.hubspot.rest.asking import Answer, Call, Routes, is_true
from closedloop.sandbox.hubspot.rest.contact_shape import first_value
from closedloop.sandbox.hubspot.rest.first_refusals import unless_there
from closedloop.sandbox.hubspot.rest.reading import whole
from closedloop.sandbox.hubspot.settings.definitions import PropertyDefinition
from closedloop.sandbox.hubspot.settings.kinds import COMPANIES, CONTACTS, DEALS, TICKETS, ObjectKind
from closedloop.sandbox.hubspot.settings.people import Owner
from closedloop.sandbox.hubspot.settings.pipelines import Pipeline, PipelineStage

_PAGE, _LARGEST_PAGE = 100, 250
# What the rows of a page are called, and the flag for more; the two APIs do not agree.
_WORDS: Mapping[ObjectKind, tuple[str, str, str]] = {
    COMPANIES: ("companies", "has-more", "companyId"),
    DEALS: ("deals", "hasMore", "dealId"),
}


def list_definitions(call: Call) -> Answer:
    """GET: every property of an object type, as a bare list."""
    return 200, [definition_to_wire(p) for p in call.portal.catalogue.all(call.kind)]


def list_company_definitions(call: Call) -> Answer:
    """GET: every property of companies."""
    return 200, [definition_to_wire(p) for p in call.portal.catalogue.all(COMPANIES)]


def list_deal_pipelines(call: Call) -> Answer:
    """GET: the pipelines of deals, as a bare list."""
    return 200, [_deal_pipeline(line) for line in call.portal.pipelines.of(DEALS)]


def get_deal_pipeline(call: Call) -> Answer:
    """GET: one pipeline of deals."""
    lines = call.portal.pipelines.of(DEALS)
    found = next((line for line in lines if line.id == call.path["id"]), None)
    if found is None:
        raise not_found()
    return 200, _deal_pipeline(found)


def list_pipelines(call: Call) -> Answer:
    """GET: the pipelines of deals or tickets (legacy documentation, "Pipelines overview")."""
    return 200, {"results": [_pipeline(call.kind, line) for line in call.portal.pipelines.of(call.kind)]}


def list_owners(call: Call) -> Answer:
    """GET: the owners, as a bare list, or the one with an e-mail address; inactive ones where asked for."""
    arguments, owners = call.request.args, call.portal.owners
    found = owners.all() + (owners.all(archived=True) if is_true(call.request, "includeInactive") else [])
    email = arguments.get("email", "").lower()
    return 200, [_owner(call, owner) for owner in found if email in {"", owner.email.lower()}]


def get_owner(call: Call) -> Answer:
    """GET: one owner."""
    found = call.portal.owners.get(call.path["id"])
    if found is None:
        raise not_found()
    return 200, _owner(call, found)


def list_companies(call: Call) -> Answer:
    """GET: a page of companies by id; `offset` is the id that the next one starts with."""
    return _page(call, COMPANIES)


def list_deals(call: Call) -> Answer:
    """GET: a page of deals by id; `offset` is the id that the next one starts with."""
    return _page(call, DEALS)


def list_recent_companies(call: Call) -> Answer:
    """GET: a page of the companies that changed last, newest first."""
    return _recent(call, COMPANIES)


def list_recent_deals(call: Call) -> Answer:
    """GET: a page of the deals that changed last, newest first."""
    return _recent(call, DEALS)


def list_new_companies(call: Call) -> Answer:
    """GET: a page of the companies that were made last, newest first."""
    return _recent(call, COMPANIES, lambda record: record.created_at)


def list_new_deals(call: Call) -> Answer:
    """GET: a page of the deals that were made last, newest first."""
    return _recent(call, DEALS, lambda record: record.created_at)


def get_company(call: Call) -> Answer:
    """GET: one company with all its values; a missing one is a 404 without a category (recorded)."""
    with unless_there(HubSpotError("resource not found", status=404, category=None)):
        return 200, first_shape(call, call.portal.require(COMPANIES, call.path["id"]))


def get_deal(call: Call) -> Answer:
    """GET: one deal with all its values."""
    return 200, first_shape(call, call.portal.require(DEALS, call.path["id"]))


def _deal_pipeline(line: Pipeline) -> dict[str, Any]:
    stages = [
        {
            "stageId": stage.id,
            "label": stage.label,
            "displayOrder": stage.display_order,
            "probability": float(stage.metadata["probability"]),
            "closedWon": stage.won,
            "active": True,
        }
        for stage in line.stages
    ]
    row = {"pipelineId": line.id, "label": line.label, "displayOrder": line.display_order}
    row["staticDefault"] = line.id == "default"  # recorded by sensadrome/hubspot-api-ruby
    return row | {"active": True, "stages": stages}


def _pipeline(kind: ObjectKind, line: Pipeline) -> dict[str, Any]:
    stages = [
        {"stageId": stage.id, "label": stage.label, "displayOrder": stage.display_order, "active": True}
        | {"metadata": dict(stage.metadata), **_dates(stage)}
        for stage in line.stages
    ]
    return {
        "pipelineId": line.id,
        **_dates(line),
        "objectType": kind.singular.upper(),
        "objectTypeId": kind.type_id,
        "label": line.label,
        "displayOrder": line.display_order,
        "active": True,
        "default": line.display_order == 0,
        "stages": stages,
    }


def _owner(call: Call, owner: Owner) -> dict[str, Any]:
    number = int(owner.id)
    remote = {"id": number, "portalId": call.portal.id, "ownerId": number, "remoteId": str(owner.user_id)}
    return {
        "portalId": call.portal.id,
        "ownerId": number,
        "type": "PERSON",
        "firstName": owner.first_name,
        "lastName": owner.last_name,
        "email": owner.email,
        **_dates(owner),
        "remoteList": [remote | {"remoteType": "HUBSPOT", "active": not owner.archived}],
        "hasContactsAccess": not owner.archived,
        "activeUserId": None if owner.archived else owner.user_id,
        "userIdIncludingInactive": owner.user_id,
        "isActive": not owner.archived,
    }


def _dates(each: Pipeline | PipelineStage | Owner) -> dict[str, int]:
    return {
        "createdAt": milliseconds(parse_moment(each.created_at)),
        "updatedAt": milliseconds(parse_moment(each.updated_at)),
    }


def _page(call: Call, kind: ObjectKind) -> Answer:
    rows, more, _ = _WORDS[kind]
    arguments = call.request.args
    size = whole(arguments.get("limit"), "limit", default=_PAGE, least=1, most=_LARGEST_PAGE)
    start = whole(arguments.get("offset"), "offset", default=0)
    page = call.portal.store.page(kind, start, size + 1, archived=False)
    asked = {*call.listed("properties"), *call.listed("propertiesWithHistory")}
    names = None if is_true(call.request, "includeAllProperties") else asked
    linked = is_true(call.request, "includeAssociations")
    shown = [first_shape(call, record, names, linked=linked) for record in page[:size]]
    offset = page[size].number if len(page) > size else 0
    return 200, {rows: shown, more: len(page) > size, "offset": offset}


def _changed(record: CrmObject) -> datetime:
    return record.updated_at


def _recent(call: Call, kind: ObjectKind, when: Callable[[CrmObject], datetime] = _changed) -> Answer:
    arguments = call.request.args
    size = whole(arguments.get("count"), "count", default=_PAGE, least=1, most=_LARGEST_PAGE)
    start = whole(arguments.get("offset"), "offset", default=0)
    since = whole(arguments.get("since"), "since", default=0)
    found = [r for r in call.portal.store.all(kind) if milliseconds(when(r)) >= since]
    found.sort(key=when, reverse=True)
    shown = [first_shape(call, record) for record in found[start : start + size]]
    end = start + len(shown)
    return 200, {"results": shown, "hasMore": end < len(found), "offset": end, "total": len(found)}


def first_shape(
    call: Call, record: CrmObject, names: set[str] | None = None, *, linked: bool = True
) -> dict[str, Any]:
    """A record: each value with its time and source; of all properties, or of those that are named; a deal
    with what it is associated with, where `linked`."""
    wire: dict[str, Any] = {
        "portalId": call.portal.id,
        _WORDS[record.kind][2]: record.number,
        "isDeleted": False,
        "properties": first_values(call.portal, record, names),
        "stateChanges": [],
    }
    if record.kind is COMPANIES:
        return wire | {"additionalDomains": [], "mergeAudits": []}
    others = call.portal.associations.of if linked else _nothing
    associations = {
        "associatedVids": [int(link.id) for link in others(record.end, CONTACTS)],
        "associatedCompanyIds": [int(link.id) for link in others(record.end, COMPANIES)],
        "associatedDealIds": [],
        "associatedTicketIds": [int(link.id) for link in others(record.end, TICKETS)],
    }
    return wire | {"associations": associations, "imports": []}


def _nothing(record: End, kind: ObjectKind) -> list[Link]:
    del record, kind
    return []


def first_values(portal: Portal, record: CrmObject, names: Collection[str] | None) -> dict[str, Any]:
    """A record's values by name, each with its time and source; of all properties, or those named."""
    kept = [name for name in record.properties if names is None or name in names]
    return {name: _value(portal, record, name) for name in kept}


def _value(portal: Portal, record: CrmObject, name: str) -> dict[str, Any]:
    def written(value: str) -> str:
        return first_value(portal, record.kind, name, value)

    versions = [_version(name, version, written(version.value)) for version in record.versions(name)]
    newest = versions[0] if versions else {"timestamp": 0, "source": "CALCULATED", "sourceId": None}
    told = {key: newest[key] for key in ("timestamp", "source", "sourceId")}
    # Recorded: `updatedByUserId` and `sourceVid` in the cassettes of sensadrome/hubspot-api-ruby.
    told["updatedByUserId"] = None if not versions else record.versions(name)[0].origin.user_id
    return {"value": written(record.properties[name]), **told, "versions": versions}


def _version(name: str, version: Version, value: str) -> dict[str, Any]:
    return {
        "name": name,
        "value": value,
        "timestamp": milliseconds(version.at),
        "source": version.origin.type,
        "sourceId": version.origin.id,
        "sourceVid": [],
        "requestId": str(uuid.uuid5(uuid.NAMESPACE_OID, f"{version.origin.id} {version.at.isoformat()}")),
    }


def definition_to_wire(definition: PropertyDefinition) -> dict[str, Any]:
    """A property as the first APIs show it."""
    return {
        "name": definition.name,
        "label": definition.label,
        "description": definition.description,
        "groupName": definition.group,
        "type": definition.type,
        "fieldType": definition.field_type,
        "hubspotDefined": definition.built_in,
        "options": [option.to_wire() for option in definition.options],
        "displayOrder": definition.display_order,
        "readOnlyValue": definition.read_only,
        "readOnlyDefinition": definition.built_in,
        "calculated": definition.calculated,
        "externalOptions": definition.external_options,
        "formField": definition.form_field,
        "hidden": definition.hidden,
        "deleted": False,
        "createdAt": milliseconds(parse_moment(definition.created_at)),
        "updatedAt": milliseconds(parse_moment(definition.updated_at)),
    }


ROUTES: Routes = (
    ("GET", "first properties", "/<type>/properties", list_definitions),
    ("GET", "first companies", "/properties", list_company_definitions),
    ("GET", "first companies", "/companies/paged", list_companies),
    ("GET", "first companies", "/companies/recent/modified", list_recent_companies),
    ("GET", "first companies", "/companies/recent/created", list_new_companies),
    ("GET", "first companies", "/companies/<id>", get_company),
    ("GET", "first deals", "/deal/paged", list_deals),
    ("GET", "first deals", "/deal/recent/modified", list_recent_deals),
    ("GET", "first deals", "/deal/recent/created", list_new_deals),
    ("GET", "first deals", "/deal/<id>", get_deal),
    ("GET", "first deals", "/pipelines", list_deal_pipelines),
    ("GET", "first deals", "/pipelines/<id>", get_deal_pipeline),
    ("GET", "first pipelines", "/<type>", list_pipelines),
    ("GET", "first owners", "", list_owners),
    ("GET", "first owners", "/<id>", get_owner),
)
