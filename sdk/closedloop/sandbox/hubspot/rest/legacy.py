"""The first APIs, which older connectors still call: `/properties/v2`, `/companies/v2`, `/deals/v1`.

Source: HubSpot's legacy documentation ("Get all companies", "Get all deals", "Get all deal pipelines", "Get
all properties") and what singer-io/tap-hubspot and airbytehq/airbyte's source-hubspot ask for. Not confirmed
by a recording. They only read here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from closedloop.sandbox.hubspot.records.record import CrmObject, Version, milliseconds
from closedloop.sandbox.hubspot.records.values import parse_moment
from closedloop.sandbox.hubspot.rest.asking import Answer, Call, Routes
from closedloop.sandbox.hubspot.rest.reading import whole
from closedloop.sandbox.hubspot.settings.definitions import PropertyDefinition
from closedloop.sandbox.hubspot.settings.kinds import COMPANIES, CONTACTS, DEALS, ObjectKind

_PAGE, _LARGEST_PAGE = 100, 250
# What the rows of a page are called, and the flag for more; the two APIs do not agree.
_WORDS: Mapping[ObjectKind, tuple[str, str, str]] = {
    COMPANIES: ("companies", "has-more", "companyId"),
    DEALS: ("deals", "hasMore", "dealId"),
}


def list_definitions(call: Call) -> Answer:
    """GET: every property of an object type, as a bare list."""
    return 200, [_definition(p) for p in call.portal.catalogue.all(call.kind)]


def list_company_definitions(call: Call) -> Answer:
    """GET: every property of companies."""
    return 200, [_definition(p) for p in call.portal.catalogue.all(COMPANIES)]


def list_deal_pipelines(call: Call) -> Answer:
    """GET: the pipelines of deals, as a bare list."""
    rows = []
    for line in call.portal.pipelines.of(DEALS):
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
        rows.append(row | {"active": True, "stages": stages})
    return 200, rows


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


def get_company(call: Call) -> Answer:
    """GET: one company with all its values."""
    return 200, _shown(call, call.portal.require(COMPANIES, call.path["id"]), None)


def get_deal(call: Call) -> Answer:
    """GET: one deal with all its values."""
    return 200, _shown(call, call.portal.require(DEALS, call.path["id"]), None)


def _page(call: Call, kind: ObjectKind) -> Answer:
    rows, more, _ = _WORDS[kind]
    arguments = call.request.args
    size = whole(arguments.get("limit"), "limit", default=_PAGE, least=1, most=_LARGEST_PAGE)
    start = whole(arguments.get("offset"), "offset", default=0)
    page = call.portal.store.page(kind, start, size + 1, archived=False)
    names = {*call.listed("properties"), *call.listed("propertiesWithHistory")}
    shown = [_shown(call, record, names) for record in page[:size]]
    offset = page[size].number if len(page) > size else 0
    return 200, {rows: shown, more: len(page) > size, "offset": offset}


def _recent(call: Call, kind: ObjectKind) -> Answer:
    arguments = call.request.args
    size = whole(arguments.get("count"), "count", default=_PAGE, least=1, most=_LARGEST_PAGE)
    start = whole(arguments.get("offset"), "offset", default=0)
    since = parse_moment(str(whole(arguments.get("since"), "since", default=100_000)))
    found = [record for record in call.portal.store.all(kind) if record.updated_at >= since]
    found.sort(key=lambda record: record.updated_at, reverse=True)
    shown = [_shown(call, record, None) for record in found[start : start + size]]
    end = start + len(shown)
    return 200, {"results": shown, "hasMore": end < len(found), "offset": end, "total": len(found)}


def _shown(call: Call, record: CrmObject, names: set[str] | None) -> dict[str, Any]:
    """A record: each value with its time and source; of all properties, or of those that are named."""
    kept = record.properties if names is None else [name for name in record.properties if name in names]
    wire: dict[str, Any] = {
        "portalId": call.portal.id,
        _WORDS[record.kind][2]: record.number,
        "isDeleted": False,
        "properties": {name: _value(record, name) for name in kept},
        "stateChanges": [],
    }
    if record.kind is COMPANIES:
        return wire | {"additionalDomains": [], "mergeAudits": []}
    linked = call.portal.associations.of
    associations = {
        "associatedVids": [int(link.id) for link in linked(record.end, CONTACTS)],
        "associatedCompanyIds": [int(link.id) for link in linked(record.end, COMPANIES)],
        "associatedDealIds": [],
    }
    return wire | {"associations": associations, "imports": []}


def _value(record: CrmObject, name: str) -> dict[str, Any]:
    versions = [_version(name, version) for version in record.versions(name)]
    newest = versions[0] if versions else {"timestamp": 0, "source": "CALCULATED", "sourceId": None}
    told = {key: newest[key] for key in ("timestamp", "source", "sourceId")}
    return {"value": record.properties[name], **told, "versions": versions}


def _version(name: str, version: Version) -> dict[str, Any]:
    return {
        "name": name,
        "value": version.value,
        "timestamp": milliseconds(version.at),
        "source": version.origin.type,
        "sourceId": version.origin.id,
    }


def _definition(definition: PropertyDefinition) -> dict[str, Any]:
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
    ("GET", "first companies", "/companies/<id>", get_company),
    ("GET", "first deals", "/deal/paged", list_deals),
    ("GET", "first deals", "/deal/recent/modified", list_recent_deals),
    ("GET", "first deals", "/deal/<id>", get_deal),
    ("GET", "first deals", "/pipelines", list_deal_pipelines),
)
