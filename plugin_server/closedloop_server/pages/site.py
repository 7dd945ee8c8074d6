"""The blueprint of the pages: who gets in, and what a browser is told about every answer."""

from __future__ import annotations

import hashlib
import logging
from datetime import timedelta
from pathlib import Path
from typing import Any

from flask import Blueprint, Response, g, redirect, render_template, request, url_for
from werkzeug.exceptions import HTTPException, NotFound
from werkzeug.wrappers import Response as AnyResponse

from closedloop.errors import ClosedLoopError
from closedloop.loop.attribution import CAUSES
from closedloop.schema.vocabulary import OUTCOME_LABELS, OUTCOMES, REASONS, AttributionModel
from closedloop_server.access import Scope, form_token, identify_session, may, services
from closedloop_server.api.problems import RequestError, of_refusal
from closedloop_server.failure import as_json, for_programs, headers_of, where
from closedloop_server.operating.connections import UnknownConnectionError
from closedloop_server.pages import words
from closedloop_server.pages.bars import segments
from closedloop_server.subscriptions import admin
from closedloop_server.subscriptions.problems import SubscriptionError
from closedloop_server.subscriptions.subscription import Subscription

log = logging.getLogger(__name__)

blueprint = Blueprint(
    "pages",
    __name__,
    template_folder="templates",
    static_folder="static",
    # Not /static: that is the application's own.
    static_url_path="/assets",
)

# The application's own policy leaves room for scripts; here are none.
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none';"
    " frame-ancestors 'none'"
)
_OPEN_TO_ALL = frozenset({"pages.login", "pages.submit", "pages.logout", "pages.static"})
_ASSETS_LIFETIME = timedelta(days=30)


@blueprint.before_request
def _require_session() -> AnyResponse | None:
    if identify_session() is not None or request.endpoint in _OPEN_TO_ALL:
        return None
    return redirect(url_for("pages.login", next=request.full_path.rstrip("?")), code=303)


@blueprint.after_request
def _guarded(response: Response) -> Response:
    response.headers["Content-Security-Policy"] = CONTENT_SECURITY_POLICY
    if request.endpoint == "pages.static" and response.status_code < 400:
        response.cache_control.no_cache = None
        response.cache_control.public = True
        response.cache_control.max_age = int(_ASSETS_LIFETIME.total_seconds())
    else:
        response.headers["Cache-Control"] = "private, no-store"
    return response


@blueprint.errorhandler(RequestError)
def _refused(problem: RequestError) -> tuple[str, int]:
    return render_template("problem.html", message=problem.message), problem.status


@blueprint.errorhandler(UnknownConnectionError)
@blueprint.errorhandler(SubscriptionError)
def _not_done(error: ClosedLoopError) -> tuple[str, int]:
    return _refused(of_refusal(error))


@blueprint.errorhandler(HTTPException)
def _http_error(exc: HTTPException) -> tuple[str, int, list[tuple[str, str]]]:
    told = render_template("problem.html", message=exc.description or exc.name)
    return told, exc.code or 500, headers_of(exc)


@blueprint.errorhandler(Exception)
def _failed(error: Exception) -> tuple[str, int]:
    log.error("a page failed: %s", where(error))
    return render_template("problem.html", message="The server failed; its log says where."), 500


@blueprint.app_errorhandler(NotFound)
def _no_such_page(exc: NotFound) -> AnyResponse:
    """An address that no route knows: a page for people, a reason for programs."""
    if for_programs(request.path):
        return as_json(exc)
    message = "There is no page at this address. The campaigns are a click on “Closed Loop” away."
    return _guarded(Response(render_template("problem.html", message=message), status=404))


def _disabled_subscriptions() -> list[Subscription]:
    """The subscribers that are told nothing any more, because nothing reached them for too long."""
    return admin.announcements(services())


def _version() -> str:
    """Changes when the style sheet does, so that a browser that kept the old one fetches the new one."""
    sheet = Path(__file__).parent / "static" / "closedloop.css"
    return hashlib.sha256(sheet.read_bytes()).hexdigest()[:12]


@blueprint.app_context_processor
def _vocabulary() -> dict[str, Any]:
    """What every template may use."""
    return {
        "outcome_labels": OUTCOME_LABELS,
        "outcome_meanings": OUTCOMES,
        "reason_words": REASONS,
        "cause_meanings": CAUSES,
        "models": AttributionModel,
        "words": words,
        "segments": segments,
        "form_token": form_token,
        "may": lambda scope: may(Scope(scope)),
        "disabled_subscriptions": _disabled_subscriptions,
        "viewer": g.get("viewer"),
        "style_version": _STYLE_VERSION,
    }


_STYLE_VERSION = _version()

for _name, _filter in words.FILTERS.items():
    blueprint.add_app_template_filter(_filter, _name)
