"""The blueprint of the API: who gets in, what every answer carries, and what is at no address."""

from __future__ import annotations

from typing import Any, NoReturn

from flask import Response, current_app, jsonify, request
from flask_smorest import current_api
from werkzeug.exceptions import HTTPException, MethodNotAllowed
from werkzeug.routing import Map

from closedloop.errors import ClosedLoopError
from closedloop_server.access import Scope, bearer, demand, identify_bearer
from closedloop_server.api import problems
from closedloop_server.api.bodies import DocumentAnswer
from closedloop_server.api.problems import RequestError
from closedloop_server.api.resources import Resources
from closedloop_server.operating.connections import UnknownConnectionError
from closedloop_server.subscriptions.problems import SubscriptionError

blueprint = Resources("api", __name__, url_prefix="/api/v1")


@blueprint.before_request
def _require_token() -> None:
    if identify_bearer() is None:
        raise problems.unauthorised(sent=bearer(request.headers.get("Authorization")) is not None)
    demand(Scope.REPORTS)


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


@blueprint.errorhandler(UnknownConnectionError)
@blueprint.errorhandler(SubscriptionError)
def _not_done(error: ClosedLoopError) -> Response:
    return problems.answer(problems.of_refusal(error))


@blueprint.errorhandler(HTTPException)
def _http_error(exc: HTTPException) -> Response:
    return problems.of_http(exc)


@blueprint.resource("/openapi.json", DocumentAnswer, tag="About")
def openapi(_: dict[str, Any]) -> Response:
    """This document."""
    return jsonify(current_api.whole())


def nothing(rest: str) -> NoReturn:
    """Everything else: routing errors would be answered in HTML by the application, and to strangers."""
    allowed = _methods(rest)
    if allowed:
        raise MethodNotAllowed(allowed, f"this resource takes {', '.join(allowed)}")
    raise RequestError(
        "there is nothing here: GET /campaigns, /campaigns/<id>, /campaigns/<id>/dispositions,"
        " /unattributed or /reasons, under /api/v1; /openapi.json describes every resource",
        status=404,
        reason="unknown_resource",
    )


_ANY_METHOD = ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")
blueprint.add_undocumented("/", nothing, methods=_ANY_METHOD, defaults={"rest": ""})
blueprint.add_undocumented("/<path:rest>", nothing, methods=_ANY_METHOD)


def _methods(rest: str) -> list[str]:
    """The methods of the resource at this address, none when there is no resource."""
    known = Map(
        rule.empty()
        for rule in current_app.url_map.iter_rules()
        if rule.endpoint.startswith(f"{blueprint.name}.") and rule.endpoint != f"{blueprint.name}.nothing"
    )
    return sorted(known.bind("").allowed_methods(f"{blueprint.url_prefix}/{rest}"))
