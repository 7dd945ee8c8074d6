"""The resources that show what the pages show: campaigns, decisions, reasons. All of them only read."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from flask import Response, jsonify
from sqlalchemy import Connection

from closedloop.schema.vocabulary import OUTCOME_LABELS, OUTCOMES, REASONS, AttributionModel
from closedloop_server.access import services
from closedloop_server.api import answers
from closedloop_server.api.arguments import (
    AsOfArguments,
    CampaignArguments,
    DispositionArguments,
    ModelArguments,
    UnattributedArguments,
)
from closedloop_server.api.bodies import (
    CampaignDispositionsAnswer,
    CampaignsAnswer,
    OneCampaignAnswer,
    ReasonsAnswer,
    UnattributedAnswer,
)
from closedloop_server.api.campaign_ids import find_campaign
from closedloop_server.api.cursors import from_position, from_rank, to_position, to_rank
from closedloop_server.api.earlier import as_of
from closedloop_server.api.fields import Instant
from closedloop_server.api.site import blueprint
from closedloop_server.store.engine import reading
from closedloop_server.store.reports import (
    DecisionFilter,
    Search,
    campaign_reports,
    dispositions,
    ordered,
    rank,
    reconcile,
    tally_of,
    told,
    unmapped_reasons,
)

_OF_A_CAMPAIGN = (HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT)


def _model(arguments: dict[str, Any]) -> AttributionModel:
    """The model asked for, else the one that is written into the CRMs."""
    return arguments.get("model") or services().settings.attribution


@blueprint.resource("/campaigns", CampaignsAnswer, arguments=CampaignArguments)
def campaigns(arguments: dict[str, Any]) -> dict[str, Any]:
    """The campaigns, a page of them, and what sales did with the people of each."""
    model, sort, limit, at = _model(arguments), arguments["sort"], arguments["limit"], as_of(arguments)
    search = Search(connection=arguments.get("connection"), text=arguments.get("q"))
    after = to_rank(arguments["cursor"]) if "cursor" in arguments else None
    with reading(services().engine) as connection:
        reports = ordered(campaign_reports(connection, model, search, as_of=at), sort)
        totals = reconcile(connection, model, as_of=at)
    rest = [report for report in reports if after is None or rank(report, sort) > after]
    return {
        "model": model,
        "as_of": at,
        "campaigns": rest[:limit],
        "count": len(reports),
        "totals": totals,
        "next_cursor": from_rank(rank(rest[limit - 1], sort)) if len(rest) > limit else None,
    }


@blueprint.resource(
    "/campaigns/<campaign_id>", OneCampaignAnswer, arguments=ModelArguments, refusals=_OF_A_CAMPAIGN
)
def campaign(arguments: dict[str, Any], campaign_id: str) -> Response:
    """One campaign, and what its own record in the CRM was told."""
    model, at = _model(arguments), as_of(arguments)
    with reading(services().engine) as connection:
        report = find_campaign(connection, campaign_id, model, as_of=at)
        # What the CRM was told is kept as it is now alone.
        feedback = told(connection, report.key) if at is None else None
    shown = answers.CampaignAnswer().dump(report)
    shown["told"] = None if feedback is None else answers.ToldAnswer().dump(feedback)
    return jsonify({"model": model, "as_of": Instant().serialize("at", {"at": at}), "campaign": shown})


@blueprint.resource(
    "/campaigns/<campaign_id>/dispositions",
    CampaignDispositionsAnswer,
    arguments=DispositionArguments,
    refusals=_OF_A_CAMPAIGN,
)
def campaign_dispositions(arguments: dict[str, Any], campaign_id: str) -> dict[str, Any]:
    """The decisions that a campaign has credit for."""
    with reading(services().engine) as connection:
        report = find_campaign(connection, campaign_id, _model(arguments), as_of=as_of(arguments))
        wanted = _filter(arguments, Search(campaign=report.key))
        shown = _dispositions(connection, wanted, arguments)
    return {"campaign": report.key, **shown}


@blueprint.resource("/unattributed", UnattributedAnswer, arguments=UnattributedArguments)
def unattributed(arguments: dict[str, Any]) -> dict[str, Any]:
    """What no campaign is credited with and why, and the decisions behind it."""
    wanted = _filter(arguments, Search(), credited=False)
    with reading(services().engine) as connection:
        totals = reconcile(connection, wanted.model, as_of=wanted.as_of)
        shown = _dispositions(connection, wanted, arguments)
    return {"totals": totals, "causes": totals.causes.items(), **shown}


def _filter(arguments: dict[str, Any], search: Search, *, credited: bool = True) -> DecisionFilter:
    return DecisionFilter(
        model=_model(arguments),
        search=search,
        credited=credited,
        cause=arguments.get("cause"),
        outcome=arguments.get("outcome"),
        reason=arguments.get("reason"),
        as_of=as_of(arguments),
    )


def _dispositions(
    connection: Connection, wanted: DecisionFilter, arguments: dict[str, Any]
) -> dict[str, Any]:
    limit = arguments["limit"]
    after = to_position(arguments["cursor"]) if "cursor" in arguments else None
    found = dispositions(connection, wanted, limit=limit + 1, after=after)
    return {
        "model": wanted.model,
        "as_of": wanted.as_of,
        "sum": tally_of(connection, wanted),
        "dispositions": found[:limit],
        "next_cursor": from_position(found[limit - 1].position) if len(found) > limit else None,
    }


@blueprint.resource("/reasons", ReasonsAnswer, arguments=AsOfArguments)
def reasons(arguments: dict[str, Any]) -> dict[str, Any]:
    """The vocabulary: every outcome and reason code with its meaning, and the raw reasons without one."""
    at = as_of(arguments)
    with reading(services().engine) as connection:
        unmapped = unmapped_reasons(connection, as_of=at)
    outcomes = [
        {"code": outcome, "label": OUTCOME_LABELS[outcome], "meaning": meaning}
        for outcome, meaning in OUTCOMES.items()
    ]
    return {
        "as_of": at,
        "outcomes": outcomes,
        "reasons": REASONS.values(),
        "unmapped": unmapped,
    }
