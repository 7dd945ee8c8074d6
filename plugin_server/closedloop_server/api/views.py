"""The resources of the API. Each needs a token in the Authorization header; all of them only read."""

from __future__ import annotations

from typing import Any, NoReturn

from flask import Blueprint, Response, jsonify, request
from sqlalchemy import Connection
from werkzeug.exceptions import HTTPException

from closedloop.loop.attribution import CAUSES
from closedloop.schema.vocabulary import OUTCOME_LABELS, OUTCOMES, REASONS, AttributionModel
from closedloop_server.access import bearer, check_token, services
from closedloop_server.api import answers, problems
from closedloop_server.api.arguments import (
    CampaignArguments,
    DispositionArguments,
    ModelArguments,
    NoArguments,
    UnattributedArguments,
    load_arguments,
)
from closedloop_server.api.campaign_ids import find_campaign
from closedloop_server.api.cursors import from_position, from_rank, to_position, to_rank
from closedloop_server.api.problems import RequestError
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

blueprint = Blueprint("api", __name__, url_prefix="/api/v1")


@blueprint.before_request
def _require_token() -> None:
    token = bearer(request.headers.get("Authorization"))
    with reading(services().engine) as connection:
        if token is None or check_token(connection, token) is None:
            raise problems.unauthorised(sent=token is not None)


@blueprint.after_request
def _private(response: Response) -> Response:
    """Keeps answers out of shared caches; a client that kept one itself can ask whether it still holds."""
    response.headers["Cache-Control"] = "private, no-store"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.vary.add("Authorization")
    if response.status_code == 200:
        response.add_etag()
        response.make_conditional(request)
    return response


@blueprint.errorhandler(RequestError)
def _refused(problem: RequestError) -> Response:
    return problems.answer(problem)


@blueprint.errorhandler(HTTPException)
def _http_error(exc: HTTPException) -> Response:
    return problems.of_http(exc)


def _model(arguments: dict[str, Any]) -> AttributionModel:
    """The model asked for, else the one that is written into the CRMs."""
    return arguments.get("model") or services().settings.attribution


@blueprint.get("/campaigns")
def campaigns() -> Response:
    """The campaigns, a page of them, and what sales did with the people of each."""
    arguments = load_arguments(CampaignArguments, request.args)
    model, sort, limit = _model(arguments), arguments["sort"], arguments["limit"]
    search = Search(connection=arguments.get("connection"), text=arguments.get("q"))
    after = to_rank(arguments["cursor"]) if "cursor" in arguments else None
    with reading(services().engine) as connection:
        reports = ordered(campaign_reports(connection, model, search), sort)
        totals = reconcile(connection, model)
    rest = [report for report in reports if after is None or rank(report, sort) > after]
    return jsonify(
        {
            "model": model,
            "campaigns": answers.CampaignAnswer(many=True).dump(rest[:limit]),
            "count": len(reports),
            "totals": answers.ReconciliationAnswer().dump(totals),
            "next_cursor": from_rank(rank(rest[limit - 1], sort)) if len(rest) > limit else None,
        }
    )


@blueprint.get("/campaigns/<campaign_id>")
def campaign(campaign_id: str) -> Response:
    """One campaign, and what its own record in the CRM was told."""
    model = _model(load_arguments(ModelArguments, request.args))
    with reading(services().engine) as connection:
        report = find_campaign(connection, campaign_id, model)
        feedback = told(connection, report.key)
    shown = answers.CampaignAnswer().dump(report)
    shown["told"] = None if feedback is None else answers.ToldAnswer().dump(feedback)
    return jsonify({"model": model, "campaign": shown})


@blueprint.get("/campaigns/<campaign_id>/dispositions")
def campaign_dispositions(campaign_id: str) -> Response:
    """The decisions that a campaign has credit for."""
    arguments = load_arguments(DispositionArguments, request.args)
    with reading(services().engine) as connection:
        report = find_campaign(connection, campaign_id, _model(arguments))
        wanted = _filter(arguments, Search(campaign=report.key))
        shown = _dispositions(connection, wanted, arguments)
    return jsonify({"campaign": answers.campaign_name(report.key), **shown})


@blueprint.get("/unattributed")
def unattributed() -> Response:
    """What no campaign is credited with and why, and the decisions behind it."""
    arguments = load_arguments(UnattributedArguments, request.args)
    with reading(services().engine) as connection:
        totals = reconcile(connection, _model(arguments))
        shown = _dispositions(connection, _filter(arguments, Search(), credited=False), arguments)
    causes = [
        {"cause": cause, "meaning": CAUSES[cause], **answers.TallyAnswer().dump(tally)}
        for cause, tally in totals.causes.items()
    ]
    return jsonify({"totals": answers.ReconciliationAnswer().dump(totals), "causes": causes, **shown})


def _filter(arguments: dict[str, Any], search: Search, *, credited: bool = True) -> DecisionFilter:
    return DecisionFilter(
        model=_model(arguments),
        search=search,
        credited=credited,
        cause=arguments.get("cause"),
        outcome=arguments.get("outcome"),
        reason=arguments.get("reason"),
    )


def _dispositions(
    connection: Connection, wanted: DecisionFilter, arguments: dict[str, Any]
) -> dict[str, Any]:
    limit = arguments["limit"]
    after = to_position(arguments["cursor"]) if "cursor" in arguments else None
    found = dispositions(connection, wanted, limit=limit + 1, after=after)
    return {
        "model": wanted.model,
        "sum": answers.TallyAnswer().dump(tally_of(connection, wanted)),
        "dispositions": answers.DispositionAnswer(many=True).dump(found[:limit]),
        "next_cursor": from_position(found[limit - 1].position) if len(found) > limit else None,
    }


@blueprint.get("/reasons")
def reasons() -> Response:
    """The vocabulary: every outcome and reason code with its meaning, and the raw reasons without one."""
    load_arguments(NoArguments, request.args)
    with reading(services().engine) as connection:
        unmapped = unmapped_reasons(connection)
    return jsonify(
        {
            "outcomes": [
                {"code": outcome, "label": OUTCOME_LABELS[outcome], "meaning": meaning}
                for outcome, meaning in OUTCOMES.items()
            ],
            "reasons": [
                {
                    "code": reason.code,
                    "label": reason.label,
                    "meaning": reason.meaning,
                    "next_action": reason.next_action,
                    "category": reason.category,
                }
                for reason in REASONS.values()
            ],
            "unmapped": answers.UnmappedAnswer(many=True).dump(unmapped),
        }
    )


@blueprint.route("/", defaults={"rest": ""}, methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
@blueprint.route("/<path:rest>", methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
def nothing(rest: str) -> NoReturn:  # noqa: ARG001 - the route names it
    """Everything else: routing errors would be answered in HTML by the application."""
    raise RequestError(
        "there is nothing here: GET /campaigns, /campaigns/<id>, /campaigns/<id>/dispositions,"
        " /unattributed or /reasons, under /api/v1",
        status=404,
        reason="unknown_resource",
    )
