"""The pages: all campaigns, one campaign, the decisions behind a figure, and what fell through."""

from __future__ import annotations

from typing import Any

from flask import render_template, request

from closedloop.loop.attribution import CampaignKey
from closedloop.schema.vocabulary import AttributionModel
from closedloop_server.access import services
from closedloop_server.api.arguments import (
    CampaignPageArguments,
    DecisionPageArguments,
    ModelArguments,
    load_arguments,
)
from closedloop_server.api.campaign_ids import report
from closedloop_server.api.cursors import from_position, to_position
from closedloop_server.api.earlier import as_of
from closedloop_server.pages.bars import part
from closedloop_server.pages.site import blueprint
from closedloop_server.pages.told import lines
from closedloop_server.store.engine import reading
from closedloop_server.store.reports import (
    ZERO,
    DecisionFilter,
    DeliveryState,
    Search,
    campaign_reports,
    connections,
    dispositions,
    ordered,
    reconcile,
    tally_of,
    told,
    unmapped_reasons,
)

CAMPAIGNS_A_PAGE = 25
DECISIONS_A_PAGE = 50


def _model(arguments: dict[str, Any]) -> AttributionModel:
    return arguments.get("model") or services().settings.attribution


@blueprint.get("/")
def campaigns() -> str:
    """What sales did with each campaign's people."""
    arguments = load_arguments(CampaignPageArguments, request.args, strict=False)
    model, at = _model(arguments), as_of(arguments)
    search = Search(connection=arguments.get("connection"), text=arguments.get("q"))
    with reading(services().engine) as connection:
        reports = ordered(campaign_reports(connection, model, search, as_of=at), arguments["sort"])
        totals = reconcile(connection, model, as_of=at)
        wanted = DecisionFilter(model=model, search=search, credited=True, as_of=at)
        tally = tally_of(connection, wanted) if search.narrows else totals.credited
        unmapped = sum(reason.decisions for reason in unmapped_reasons(connection, as_of=at))
        known = connections(connection)
    refused = [each for each in reports if each.deliveries.state is DeliveryState.REFUSED]
    if arguments.get("delivery") and at is None:
        reports = [each for each in reports if each.deliveries.state is arguments["delivery"]]
    start = (arguments["page"] - 1) * CAMPAIGNS_A_PAGE
    return render_template(
        "campaigns.html",
        model=model,
        as_of=at,
        search=search,
        sort=arguments["sort"],
        delivery=arguments.get("delivery"),
        page=arguments["page"],
        pages=max(1, -(-len(reports) // CAMPAIGNS_A_PAGE)),
        count=len(reports),
        reports=reports[start : start + CAMPAIGNS_A_PAGE],
        totals=totals,
        tally=tally,
        unmapped=unmapped,
        refused=len(refused),
        connections=known,
        own=services().settings.attribution,
    )


@blueprint.get("/campaigns/<connection>/<crm_id>")
def campaign(connection: str, crm_id: str) -> str:
    """One campaign: the figures, the reasons, the decisions behind them, and what the CRM was told."""
    arguments = load_arguments(DecisionPageArguments, request.args, strict=False)
    model, key = _model(arguments), CampaignKey(connection, crm_id)
    wanted = _filter(arguments, Search(campaign=key), credited=True)
    with reading(services().engine) as database:
        found = report(database, key, model, as_of=wanted.as_of)
        # What the CRM was told is kept as it is now alone.
        feedback = told(database, key) if wanted.as_of is None else None
        shown = _decisions(database, wanted, arguments)
    return render_template(
        "campaign.html",
        model=model,
        own=services().settings.attribution,
        report=found,
        most=max((line.credit for line in found.tally.top_reasons), default=ZERO),
        part=part,
        feedback=feedback,
        told_lines=lines(services(), connection, feedback.feedback) if feedback else (),
        **shown,
    )


@blueprint.get("/decisions")
def decisions() -> str:
    """Decisions over all campaigns: what the totals are made of."""
    arguments = load_arguments(DecisionPageArguments, request.args, strict=False)
    search = Search(connection=arguments.get("connection"), text=arguments.get("q"))
    everything = arguments.get("raw") is not None
    wanted = _filter(arguments, search, credited=None if everything else True)
    with reading(services().engine) as connection:
        shown = _decisions(connection, wanted, arguments)
    return render_template("decisions.html", model=wanted.model, search=search, **shown)


@blueprint.get("/unattributed")
def unattributed() -> str:
    """What no campaign is credited with, and why."""
    arguments = load_arguments(DecisionPageArguments, request.args, strict=False)
    wanted = _filter(arguments, Search(), credited=False)
    with reading(services().engine) as connection:
        totals = reconcile(connection, wanted.model, as_of=wanted.as_of)
        shown = _decisions(connection, wanted, arguments)
    return render_template("unattributed.html", model=wanted.model, totals=totals, **shown)


@blueprint.get("/unmapped")
def unmapped() -> str:
    """The raw reasons that no rule knows."""
    arguments = load_arguments(ModelArguments, request.args, strict=False)
    model, at = _model(arguments), as_of(arguments)
    with reading(services().engine) as connection:
        found = unmapped_reasons(connection, as_of=at)
    return render_template("unmapped.html", model=model, as_of=at, reasons=found)


def _filter(arguments: dict[str, Any], search: Search, *, credited: bool | None) -> DecisionFilter:
    return DecisionFilter(
        model=_model(arguments),
        search=search,
        credited=credited,
        cause=arguments.get("cause"),
        outcome=arguments.get("outcome"),
        reason=arguments.get("reason"),
        raw_reason=arguments.get("raw"),
        source=arguments.get("source"),
        as_of=as_of(arguments),
    )


def _decisions(connection: Any, wanted: DecisionFilter, arguments: dict[str, Any]) -> dict[str, Any]:
    """What a list of decisions needs: a page of them, what all of them add up to, and the way on."""
    after = to_position(arguments["cursor"]) if "cursor" in arguments else None
    found = dispositions(connection, wanted, limit=DECISIONS_A_PAGE + 1, after=after)
    more = len(found) > DECISIONS_A_PAGE
    return {
        "wanted": wanted,
        "as_of": wanted.as_of,
        "found": found[:DECISIONS_A_PAGE],
        "sum": tally_of(connection, wanted),
        "next_cursor": from_position(found[DECISIONS_A_PAGE - 1].position) if more else None,
        "later_page": after is not None,
    }
