"""Makes the Flask application: webhooks, API and pages over one set of services."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import cast

from flask import Flask, Response, current_app, jsonify, request
from flask.typing import ResponseReturnValue
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.exceptions import HTTPException

from closedloop_server.api import blueprint as api
from closedloop_server.failure import as_json, for_programs, where
from closedloop_server.pages import blueprint as pages
from closedloop_server.services import Services
from closedloop_server.store.engine import reading
from closedloop_server.webhooks import blueprint as webhooks

log = logging.getLogger(__name__)

HEADERS = {
    # No script and no style that is not a file of ours, and nobody may put our pages in a frame.
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
        "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
}


def create_app(services: Services) -> Flask:
    """The application. It starts nothing: workers and the HTTP server belong to the runtime."""
    app = Flask(__name__)
    app.config.update(
        SECRET_KEY=services.settings.secret_key,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=services.settings.public_url.startswith("https://"),
        PERMANENT_SESSION_LIFETIME=timedelta(hours=12),
        MAX_CONTENT_LENGTH=1_000_000,
    )
    app.extensions["closedloop"] = services
    for blueprint in (webhooks, api, pages):
        app.register_blueprint(blueprint)
    app.add_url_rule("/healthz", "healthz", healthz)
    app.register_error_handler(Exception, _failed)
    app.after_request(_guarded)
    return app


def healthz() -> ResponseReturnValue:
    """Says whether the server is up and its database answers."""
    services = cast("Services", current_app.extensions["closedloop"])
    try:
        with reading(services.engine) as connection:
            connection.execute(text("SELECT 1"))
    except SQLAlchemyError:
        return jsonify(status="no database"), 503
    return jsonify(status="ok")


def _guarded(response: Response) -> Response:
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    return response


def _failed(error: Exception) -> ResponseReturnValue:
    """Answers an error of ours without telling the log or the caller what it was about."""
    if isinstance(error, HTTPException):
        return as_json(error) if for_programs(request.path) else error
    log.error("a request failed: %s", where(error))
    return jsonify(error="internal_error", message="The server failed; its log says where."), 500
