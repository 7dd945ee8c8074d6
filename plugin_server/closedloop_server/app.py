"""Makes the Flask application: webhooks, API and pages over one set of services."""

from __future__ import annotations

import logging
from typing import cast

from flask import Flask, current_app, jsonify, request
from flask.typing import ResponseReturnValue
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.exceptions import HTTPException

from closedloop_server import api
from closedloop_server.failure import as_json, for_programs, where
from closedloop_server.hardening import harden
from closedloop_server.metrics import blueprint as metrics
from closedloop_server.pages import blueprint as pages
from closedloop_server.services import Services
from closedloop_server.store.engine import is_away, reading
from closedloop_server.webhooks import blueprint as webhooks

log = logging.getLogger(__name__)

RETRY_AFTER = 5
"""Seconds after which somebody may ask again who came while the database was away."""


def create_app(services: Services) -> Flask:
    """The application. It starts nothing: workers and the HTTP server belong to the runtime."""
    app = Flask(__name__, static_folder=None)
    app.extensions["closedloop"] = services
    harden(app, services.settings)
    for blueprint in (webhooks, metrics, pages):
        app.register_blueprint(blueprint)
    api.register(app)
    app.add_url_rule("/healthz", "healthz", healthz)
    app.register_error_handler(RecursionError, _too_deep)
    app.register_error_handler(Exception, _failed)
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


def _too_deep(error: RecursionError) -> ResponseReturnValue:
    """Answers what is nested so deeply that no reader of JSON follows."""
    log.warning("a request was nested too deeply: %s", where(error)[:200])
    return jsonify(error="too_deep", message="The body is nested too deeply."), 400


def _failed(error: Exception) -> ResponseReturnValue:
    """Answers an error of ours without telling the log or the caller what it was about."""
    if isinstance(error, HTTPException):
        return as_json(error) if for_programs(request.path) else error
    if is_away(error):
        log.warning("a request found no database: %s", where(error))
        told = jsonify(error="no_database", message="The database cannot be reached now. Try again soon.")
        return told, 503, {"Retry-After": str(RETRY_AFTER)}
    log.error("a request failed: %s", where(error))
    return jsonify(error="internal_error", message="The server failed; its log says where."), 500
