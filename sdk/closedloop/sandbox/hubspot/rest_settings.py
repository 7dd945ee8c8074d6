"""The APIs that describe the portal: properties, pipelines, owners, the account."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from closedloop.sandbox.hubspot.asking import Answer, Call, inputs_of, is_true, whole
from closedloop.sandbox.hubspot.catalogue import required
from closedloop.sandbox.hubspot.errors import missing_scopes, not_found
from closedloop.sandbox.hubspot.kinds import CAMPAIGNS, kind_of
from closedloop.sandbox.hubspot.pipelines import Pipeline, pipeline_to_wire, pipelines_of, stage_to_wire
from closedloop.sandbox.hubspot.records import stamp
from closedloop.sandbox.hubspot.rest_objects import next_link
from closedloop.sandbox.hubspot.wire import attempted, batch, paging

_MOST, _OWNERS_PAGE, _LARGEST_OWNERS_PAGE = 100, 100, 500


def list_properties(call: Call) -> Answer:
    """GET: every property of an object type. Archived ones are gone for good here."""
    archived = is_true(call.request, "archived")
    found = [] if archived else call.portal.catalogue.all(call.kind)
    return 200, {"results": [definition.to_wire() for definition in found]}


def get_property(call: Call) -> Answer:
    """GET: one property."""
    return 200, call.portal.catalogue.get(call.kind, call.path["name"]).to_wire()


def create_property(call: Call) -> Answer:
    """POST: makes a property."""
    _refuse_campaign_properties(call)
    return 201, call.portal.catalogue.add(call.kind, call.body, stamp(call.at)).to_wire()


def update_property(call: Call) -> Answer:
    """PATCH: changes a property's definition."""
    _refuse_campaign_properties(call)
    changed = call.portal.catalogue.change(call.kind, call.path["name"], call.body, stamp(call.at))
    return 200, changed.to_wire()


def archive_property(call: Call) -> Answer:
    """DELETE: archives a property."""
    _refuse_campaign_properties(call)
    call.portal.catalogue.remove(call.kind, call.path["name"])
    return 204, None


def read_properties(call: Call) -> Answer:
    """POST: several properties by name; unknown ones are left out."""
    names = [required(row, "name") for row in inputs_of(call.body, _MOST)]
    known = call.portal.catalogue.known(call.kind, names)
    results = [call.portal.catalogue.get(call.kind, name).to_wire() for name in known]
    return batch(results, (), call.at, call.portal.clock())


def create_properties(call: Call) -> Answer:
    """POST: makes several properties; the ones that exist are errors of a 207 (recorded)."""
    _refuse_campaign_properties(call)

    def add(row: dict[str, Any]) -> dict[str, Any]:
        return call.portal.catalogue.add(call.kind, row, stamp(call.at)).core_to_wire()

    results, problems = attempted(inputs_of(call.body, _MOST), add)
    return batch(results, problems, call.at, call.portal.clock(), status=201)


def list_groups(call: Call) -> Answer:
    """GET: every property group."""
    return 200, {"results": [group.to_wire() for group in call.portal.catalogue.groups(call.kind)]}


def get_group(call: Call) -> Answer:
    """GET: one group; a missing one is a 404 without a body."""
    group = call.portal.catalogue.group(call.kind, call.path["name"])
    return (404, None) if group is None else (200, group.to_wire())


def create_group(call: Call) -> Answer:
    """POST: makes a group."""
    _refuse_campaign_properties(call)
    return 201, call.portal.catalogue.add_group(call.kind, call.body).to_wire()


def list_pipelines(call: Call) -> Answer:
    """GET: every pipeline of an object type with its stages."""
    lines = enumerate(pipelines_of(call.kind))
    return 200, {"results": [pipeline_to_wire(line, order) for order, line in lines]}


def get_pipeline(call: Call) -> Answer:
    """GET: one pipeline."""
    order, line = _pipeline(call)
    return 200, pipeline_to_wire(line, order)


def list_stages(call: Call) -> Answer:
    """GET: the stages of one pipeline."""
    stages = enumerate(_pipeline(call)[1].stages)
    return 200, {"results": [stage_to_wire(stage, order) for order, stage in stages]}


def list_owners(call: Call) -> Answer:
    """GET: a page of the live or the archived owners, or the one with an e-mail address."""
    email, archived = call.request.args.get("email", "").lower(), is_true(call.request, "archived")
    owners = [o for o in call.portal.owners.all(archived=archived) if email in {"", o.email.lower()}]
    arguments = call.request.args
    limit = whole(arguments.get("limit"), "limit", default=_OWNERS_PAGE, least=1, most=_LARGEST_OWNERS_PAGE)
    start = whole(arguments.get("after"), "after", default=0)
    answer: dict[str, Any] = {"results": [owner.to_wire() for owner in owners[start : start + limit]]}
    if start + limit < len(owners):
        answer |= paging(str(start + limit), next_link(call, str(start + limit)))
    return 200, answer


def get_owner(call: Call) -> Answer:
    """GET: one owner, by the owner id or, with `idProperty=userId`, by the user id."""
    by_user = call.request.args.get("idProperty") == "userId"
    owners, archived = call.portal.owners, is_true(call.request, "archived")
    wanted = call.path["id"]
    owner = owners.of_user(wanted) if by_user else owners.get(wanted, archived=archived)
    if owner is None:
        raise not_found()
    return 200, owner.to_wire()


def account_details(call: Call) -> Answer:
    """GET: which portal this is (recorded). The offset is today's, summer time included."""
    offset = call.portal.limits.utc_offset()
    sign, minutes = "-" if offset < timedelta() else "+", abs(offset) // timedelta(minutes=1)
    return 200, {
        "portalId": call.portal.id,
        "accountType": "STANDARD",
        "timeZone": call.portal.limits.time_zone,
        "companyCurrency": call.portal.currency,
        "additionalCurrencies": [],
        "utcOffset": f"{sign}{minutes // 60:02d}:{minutes % 60:02d}",
        "utcOffsetMilliseconds": offset // timedelta(milliseconds=1),
        "uiDomain": "app.hubspot.com",
        "dataHostingLocation": "na1",
    }


def _pipeline(call: Call) -> tuple[int, Pipeline]:
    lines = enumerate(pipelines_of(call.kind))
    found = next((row for row in lines if row[1].id == call.path["pipeline"]), None)
    if found is None:
        raise not_found()
    return found


def _refuse_campaign_properties(call: Call) -> None:
    """Some portals' apps cannot change campaign definitions: no scope of HubSpot's list covers it."""
    if kind_of(call.path["type"]) is CAMPAIGNS and not call.portal.campaign_properties:
        raise missing_scopes("marketing.campaigns.write")
