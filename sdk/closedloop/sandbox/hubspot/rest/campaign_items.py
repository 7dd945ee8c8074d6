"""The campaigns API: what belongs to one campaign (assets, budget, spend) and what came of it (reports)."""

from __future__ import annotations

from closedloop.sandbox.hubspot.errors import HubSpotError
from closedloop.sandbox.hubspot.marketing.attribution import MODELS
from closedloop.sandbox.hubspot.marketing.campaign_assets import ASSET_TYPES
from closedloop.sandbox.hubspot.marketing.campaign_items import CampaignItem, as_number
from closedloop.sandbox.hubspot.marketing.campaign_reports import metrics, revenue
from closedloop.sandbox.hubspot.records.record import CrmObject, milliseconds
from closedloop.sandbox.hubspot.rest.asking import Answer, Call, Routes, a_day
from closedloop.sandbox.hubspot.rest.campaigns import campaign_of, invalid, page_of

_PAGE, _LARGEST_PAGE = 10, 100


def list_assets(call: Call) -> Answer:
    """GET: a page of the campaign's assets of a type, with their metrics where both dates are named."""
    campaign, asset_type = campaign_of(call), _asset_type(call)
    both = a_day(call.request, "startDate") is not None and a_day(call.request, "endDate") is not None
    rows = call.portal.assets.of(campaign.guid, asset_type, metrics=both)
    page, more = page_of(call, rows, _PAGE, _LARGEST_PAGE)
    return 200, {"results": list(page)} | more


def put_asset(call: Call) -> Answer:
    """PUT: associates an asset. Whether there is such an asset is not looked at."""
    call.portal.assets.add(campaign_of(call).guid, _asset_type(call), call.path["asset"])
    return 204, None


def delete_asset(call: Call) -> Answer:
    """DELETE: takes an asset's association back."""
    call.portal.assets.remove(campaign_of(call).guid, _asset_type(call), call.path["asset"])
    return 204, None


def create_budget_item(call: Call) -> Answer:
    """POST: adds to what the campaign is to cost."""
    return _create(call, "budget")


def get_budget_item(call: Call) -> Answer:
    """GET: one budget item."""
    return 200, _item(call, "budget")[1].to_wire()


def replace_budget_item(call: Call) -> Answer:
    """PUT: changes a budget item."""
    return _replace(call, "budget")


def delete_budget_item(call: Call) -> Answer:
    """DELETE: takes a budget item out."""
    return _delete(call, "budget")


def create_spend_item(call: Call) -> Answer:
    """POST: adds to what the campaign did cost."""
    return _create(call, "spend")


def get_spend_item(call: Call) -> Answer:
    """GET: one spend item."""
    return 200, _item(call, "spend")[1].to_wire()


def replace_spend_item(call: Call) -> Answer:
    """PUT: changes a spend item."""
    return _replace(call, "spend")


def delete_spend_item(call: Call) -> Answer:
    """DELETE: takes a spend item out."""
    return _delete(call, "spend")


def budget_totals(call: Call) -> Answer:
    """GET: every budget and spend item, their sums and what is left."""
    campaign = campaign_of(call)
    budget, spend = call.portal.budget, call.portal.spend
    planned, spent = budget.total(campaign.guid), spend.total(campaign.guid)
    return 200, {
        "currencyCode": campaign.properties.get("hs_currency_code") or call.portal.currency,
        "budgetItems": [item.to_wire() for item in budget.of(campaign.guid)],
        "spendItems": [item.to_wire() for item in spend.of(campaign.guid)],
        "budgetTotal": as_number(planned),
        "spendTotal": as_number(spent),
        "remainingBudget": as_number(planned - spent),
    }


def report_metrics(call: Call) -> Answer:
    """GET: how many sessions and contacts the campaign brought."""
    campaign = campaign_of(call)
    start, end = a_day(call.request, "startDate"), a_day(call.request, "endDate")
    return 200, metrics(call.portal, campaign.guid, start, end)


def report_revenue(call: Call) -> Answer:
    """GET: the campaign's part of the won deals under an attribution model, LINEAR unless told."""
    campaign = campaign_of(call)
    model = call.request.args.get("attributionModel") or "LINEAR"
    if model not in MODELS:
        raise invalid(f"Invalid attribution model: {model}")
    start, end = a_day(call.request, "startDate"), a_day(call.request, "endDate")
    return 200, revenue(call.portal, campaign.guid, model, start, end)


def _asset_type(call: Call) -> str:
    asset_type = call.path["asset_type"]
    if asset_type not in ASSET_TYPES:
        raise invalid(f"Invalid asset type: {asset_type}")
    return asset_type


def _item(call: Call, what: str) -> tuple[CrmObject, CampaignItem]:
    campaign = campaign_of(call)
    found = call.portal.items(what).get(campaign.guid, call.path["item"])
    if found is None:
        item = call.path["item"]
        raise HubSpotError(
            f"{what.capitalize()} item with id {item} not found", status=404, category="OBJECT_NOT_FOUND"
        )
    return campaign, found


def _create(call: Call, what: str) -> Answer:
    campaign = campaign_of(call)
    made = call.portal.items(what).add(campaign.guid, call.body, milliseconds(call.at))
    call.portal.sum_up(campaign, what, call.at)
    return 201, made.to_wire()


def _replace(call: Call, what: str) -> Answer:
    campaign, old = _item(call, what)
    changed = call.portal.items(what).replace(campaign.guid, old, call.body, milliseconds(call.at))
    call.portal.sum_up(campaign, what, call.at)
    return 200, changed.to_wire()


def _delete(call: Call, what: str) -> Answer:
    campaign, old = _item(call, what)
    call.portal.items(what).remove(campaign.guid, old.id)
    call.portal.sum_up(campaign, what, call.at)
    return 204, None


ROUTES: Routes = (
    ("GET", "campaigns", "/<guid>/assets/<asset_type>", list_assets),
    ("PUT", "campaigns", "/<guid>/assets/<asset_type>/<asset>", put_asset),
    ("DELETE", "campaigns", "/<guid>/assets/<asset_type>/<asset>", delete_asset),
    ("POST", "campaigns", "/<guid>/budget", create_budget_item),
    ("GET", "campaigns", "/<guid>/budget/totals", budget_totals),
    ("GET", "campaigns", "/<guid>/budget/<item>", get_budget_item),
    ("PUT", "campaigns", "/<guid>/budget/<item>", replace_budget_item),
    ("DELETE", "campaigns", "/<guid>/budget/<item>", delete_budget_item),
    ("POST", "campaigns", "/<guid>/spend", create_spend_item),
    ("GET", "campaigns", "/<guid>/spend/<item>", get_spend_item),
    ("PUT", "campaigns", "/<guid>/spend/<item>", replace_spend_item),
    ("DELETE", "campaigns", "/<guid>/spend/<item>", delete_spend_item),
    ("GET", "campaigns", "/<guid>/reports/metrics", report_metrics),
    ("GET", "campaigns", "/<guid>/reports/revenue", report_revenue),
)
