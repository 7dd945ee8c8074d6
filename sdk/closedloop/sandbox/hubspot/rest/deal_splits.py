"""How deals are split among owners: `/crm/v3/objects/deals/splits`.

Source: HubSpot's OpenAPI description, as hubspot-api-client knows it (`crm.objects.deal_splits`). The words
of the refusals are ours.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from closedloop.sandbox.hubspot.errors import HubSpotError, no_such_object
from closedloop.sandbox.hubspot.records.record import CrmObject
from closedloop.sandbox.hubspot.records.values import as_text
from closedloop.sandbox.hubspot.rest.asking import Answer, Call, Routes, an_id, inputs_of, objects
from closedloop.sandbox.hubspot.rest.wire import attempted, batch, created
from closedloop.sandbox.hubspot.settings.kinds import DEAL_SPLITS, DEALS

_MOST = 100
_ALL = Decimal(100)


def read_splits(call: Call) -> Answer:
    """POST: the splits of deals by the ids of the deals."""
    rows = inputs_of(call.body, _MOST)
    results, problems = attempted(rows, lambda row: _shown(call, _deal(call, row)))
    return batch(results, problems, call.at, call.portal.clock())


def put_splits(call: Call) -> Answer:
    """POST: splits deals anew; the shares of one deal make a hundred."""
    rows = inputs_of(call.body, _MOST)
    results, problems = attempted(rows, lambda row: _split(call, _deal(call, row), row))
    return batch(results, problems, call.at, call.portal.clock())


def _deal(call: Call, row: Mapping[str, Any]) -> CrmObject:
    found = call.portal.store.find(DEALS, an_id(row))
    if found is None:
        raise no_such_object(an_id(row))
    return found


def _split(call: Call, deal: CrmObject, row: Mapping[str, Any]) -> dict[str, Any]:
    shares = [_share(each) for each in objects(row, "splits")]
    if sum((Decimal(each["hs_deal_split_percentage"]) for each in shares), Decimal()) != _ALL:
        raise HubSpotError(f"The splits of deal {deal.id} have to add up to 100 percent")
    writer = call.portal.writer
    checked = [call.portal.catalogue.check(DEAL_SPLITS, share, by_api=True) for share in shares]
    for old in _of(call, deal):
        writer.archive(old, call.at, call.origin)
    for values in checked:
        writer.create(DEAL_SPLITS, values, [(deal, None)], call.at, call.origin)
    return _shown(call, deal)


def _share(row: Mapping[str, Any]) -> dict[str, str]:
    percentage = row.get("percentage")
    if isinstance(percentage, bool) or not isinstance(percentage, int | float) or not 0 < percentage <= 100:
        raise HubSpotError("The percentage of a split has to be a number up to 100")
    return {"hs_deal_split_percentage": str(percentage), "hubspot_owner_id": as_text(row.get("ownerId"))}


def _of(call: Call, deal: CrmObject) -> list[CrmObject]:
    links = call.portal.associations.of(deal.end, DEAL_SPLITS)
    return [call.portal.require(DEAL_SPLITS, link.id) for link in links]


def _shown(call: Call, deal: CrmObject) -> dict[str, Any]:
    return {"id": deal.id, "splits": [created(call.portal, each) for each in _of(call, deal)]}


ROUTES: Routes = (
    ("POST", "deal splits", "/batch/read", read_splits),
    ("POST", "deal splits", "/batch/upsert", put_splits),
)
