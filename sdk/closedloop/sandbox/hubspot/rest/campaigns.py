"""The marketing campaigns API: GUIDs instead of ids, and answers of its own shape.

Source: HubSpot's OpenAPI description of 21 August 2026 and recorded answers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar
from urllib.parse import unquote
from uuid import UUID

from closedloop.sandbox.hubspot.errors import HubSpotError
from closedloop.sandbox.hubspot.marketing.campaigns import CONTACT_TYPES
from closedloop.sandbox.hubspot.records.record import CrmObject, stamp
from closedloop.sandbox.hubspot.rest.asking import (
    Answer,
    Call,
    Routes,
    a_day,
    an_id,
    inputs_of,
    mapping,
    whole,
)
from closedloop.sandbox.hubspot.rest.objects import next_link
from closedloop.sandbox.hubspot.rest.wire import attempted, batch, cursor, paging, position
from closedloop.sandbox.hubspot.settings.kinds import CAMPAIGNS, CONTACTS

_PAGE, _LARGEST_PAGE, _MOST = 50, 100, 50
_CONTACTS_PAGE, _LARGEST_CONTACTS_PAGE = 100, 100
_ASSETS = 10
_GUID_LENGTH = 36
_Row = TypeVar("_Row")


def list_campaigns(call: Call) -> Answer:
    """GET: a page of campaigns; `name` filters, `sort` is a field with "-" before it for descending."""
    name = call.request.args.get("name", "").lower()
    matching = (
        campaign
        for campaign in call.portal.store.all(CAMPAIGNS)
        if name in campaign.properties.get("hs_name", "").lower()
    )
    campaigns = _sorted(matching, call.request.args.get("sort", "hs_name"))
    page, more = page_of(call, campaigns, _PAGE, _LARGEST_PAGE)
    results = [_shown(campaign, call.listed("properties")) for campaign in page]
    return 200, {"total": len(campaigns), "results": results} | more


def get_campaign(call: Call) -> Answer:
    """GET: one campaign with its assets; without `properties` its map of properties is empty."""
    campaign = campaign_of(call)
    return 200, _shown(campaign, call.listed("properties")) | {"assets": _assets(call, campaign)}


def create_campaign(call: Call) -> Answer:
    """POST: makes a campaign."""
    return 201, _create(call, call.body)


def update_campaign(call: Call) -> Answer:
    """PATCH: changes values; an unknown or read-only property is a 400, "" clears."""
    return 200, _update(call, call.path["guid"], call.body)


def delete_campaign(call: Call) -> Answer:
    """DELETE: always 204, whether the campaign existed or not."""
    _delete(call, call.path["guid"])
    return 204, None


def create_campaigns(call: Call) -> Answer:
    """POST: makes several campaigns."""
    return _each(call, lambda row: _create(call, row), status=201)


def read_campaigns(call: Call) -> Answer:
    """POST: several campaigns by GUID, each once; wrong GUIDs are errors of a 207 (recorded)."""
    asked, seen = call.listed("properties"), set()

    def read(row: Mapping[str, Any]) -> dict[str, Any] | None:
        guid = an_id(row)
        if guid in seen:
            return None
        seen.add(guid)
        campaign = _campaign(call, guid)
        return _shown(campaign, asked) | {"assets": _assets(call, campaign)}

    return _each(call, read)


def update_campaigns(call: Call) -> Answer:
    """POST: changes several campaigns."""
    return _each(call, lambda row: _update(call, an_id(row), row))


def archive_campaigns(call: Call) -> Answer:
    """POST: always 204, whatever became of the campaigns."""
    for row in inputs_of(call.body, _MOST):
        _delete(call, an_id(row))
    return 204, None


def report_contacts(call: Call) -> Answer:
    """GET: the contacts whose first, last or any touch was with the campaign."""
    campaign = campaign_of(call)
    contact_type = call.path["contact_type"]
    if contact_type not in CONTACT_TYPES:
        raise invalid(f"Invalid contact type: {contact_type}")
    start, end = a_day(call.request, "startDate"), a_day(call.request, "endDate")
    touched = call.portal.touches.report(campaign.guid, contact_type, start, end)
    contacts = [contact for contact in touched if call.portal.store.find(CONTACTS, contact)]
    page, more = page_of(call, contacts, _CONTACTS_PAGE, _LARGEST_CONTACTS_PAGE)
    return 200, {"results": [{"id": contact} for contact in page]} | more


def campaign_of(call: Call) -> CrmObject:
    """The campaign that the path names by its GUID; 400 for what is no GUID, 404 for an unknown one."""
    return _campaign(call, call.path["guid"])


def _campaign(call: Call, guid: str) -> CrmObject:
    try:
        UUID(guid)
    except ValueError:
        raise invalid(f"Invalid campaign GUID format: {guid}") from None
    if len(guid) != _GUID_LENGTH:
        raise invalid(f"Invalid campaign GUID format: {guid}")
    return call.portal.campaign_record(guid)


def invalid(message: str) -> HubSpotError:
    """The campaigns API's own kind of 400: what went wrong is named in `context.message` only (recorded)."""
    return HubSpotError(
        f"Invalid request: '{message}'",
        sub_category="CampaignApiError.INVALID_REQUEST",
        context={"message": [message]},
    )


def _assets(call: Call, campaign: CrmObject) -> dict[str, Any]:
    """The campaign's assets by type, the first page of each, with metrics where both dates are named."""
    both = a_day(call.request, "startDate") is not None and a_day(call.request, "endDate") is not None
    found = {}
    for asset_type in call.portal.assets.types(campaign.guid):
        rows = call.portal.assets.of(campaign.guid, asset_type, metrics=both)
        found[asset_type] = {"results": rows[:_ASSETS]}
        if len(rows) > _ASSETS:
            path = f"/marketing/v3/campaigns/{campaign.guid}/assets/{asset_type}"
            after = cursor(_ASSETS)
            found[asset_type] |= paging(after, f"{call.host}{path}?after={after}")
    return found


def _create(call: Call, body: Mapping[str, Any]) -> dict[str, Any]:
    values = _values(body)
    made = call.portal.writer.create(CAMPAIGNS, values, [], call.at, call.origin)
    return _shown(made, list(values))


def _update(call: Call, guid: str, body: Mapping[str, Any]) -> dict[str, Any]:
    campaign, values = _campaign(call, guid), _values(body)
    call.portal.writer.update(campaign, values, call.at, call.origin)
    return _shown(campaign, list(values))


def _values(body: Mapping[str, Any]) -> dict[str, Any]:
    values = mapping(body, "properties")
    if "id" in values:
        raise invalid("id cannot be set as a property")
    return values


def _delete(call: Call, guid: str) -> None:
    campaign = call.portal.store.campaign(guid)
    if campaign is not None:
        call.portal.writer.archive(campaign, call.at, call.origin)


def _each(call: Call, work: Any, *, status: int = 200) -> Answer:
    """Does the work for every input; one that fails does not hold up the others."""
    found, problems = attempted(inputs_of(call.body, _MOST), work)
    results = [result for result in found if result is not None]
    named = [_named(problem) for problem in problems]
    return batch(results, named, call.at, call.portal.clock(), status=status)


def _named(problem: HubSpotError) -> HubSpotError:
    """The problem with the message in its context, which is all that names the input (recorded)."""
    return HubSpotError(
        problem.message,
        category=problem.category,
        sub_category=problem.sub_category,
        context=problem.context or {"message": [problem.message]},
    )


def _shown(campaign: CrmObject, asked: Iterable[str]) -> dict[str, Any]:
    """A campaign in an answer: a property without a value is left out."""
    values = campaign.properties
    return {
        "id": campaign.guid,
        "properties": {name: values[name] for name in sorted(set(asked)) if name in values},
        "createdAt": stamp(campaign.created_at),
        "updatedAt": stamp(campaign.updated_at),
        "businessUnits": [{"id": 0}],
    }


def _sorted(campaigns: Iterable[CrmObject], sort: str) -> list[CrmObject]:
    fields = {
        "hs_name": lambda c: (c.properties.get("hs_name", ""), c.guid),
        "createdAt": lambda c: (c.created_at, c.guid),
        "updatedAt": lambda c: (c.updated_at, c.guid),
    }
    field = sort.removeprefix("-")
    if field not in fields:
        raise invalid(f"Invalid sort: {sort}")
    return sorted(campaigns, key=fields[field], reverse=sort.startswith("-"))


def page_of(
    call: Call, rows: Sequence[_Row], default: int, most: int
) -> tuple[Sequence[_Row], dict[str, Any]]:
    """One page of the rows, and what leads to the next."""
    arguments = call.request.args
    limit = whole(arguments.get("limit"), "limit", default=default, least=1, most=most)
    start = position(arguments.get("after"))
    more = _next(call, start + limit) if start + limit < len(rows) else {}
    return rows[start : start + limit], more


def _next(call: Call, place: int) -> dict[str, Any]:
    """The way on. `after` is URL-encoded already, as the real API sends it: "Mg%3D%3D" (recorded)."""
    after = cursor(place)
    return paging(after, next_link(call, unquote(after)))


ROUTES: Routes = (
    ("GET", "campaigns", "", list_campaigns),
    ("POST", "campaigns", "", create_campaign),
    ("POST", "campaigns", "/batch/create", create_campaigns),
    ("POST", "campaigns", "/batch/read", read_campaigns),
    ("POST", "campaigns", "/batch/update", update_campaigns),
    ("POST", "campaigns", "/batch/archive", archive_campaigns),
    ("GET", "campaigns", "/<guid>", get_campaign),
    ("PATCH", "campaigns", "/<guid>", update_campaign),
    ("DELETE", "campaigns", "/<guid>", delete_campaign),
    ("GET", "campaigns", "/<guid>/reports/contacts/<contact_type>", report_contacts),
)
