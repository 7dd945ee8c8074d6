"""Who -> verify -> parse -> store -> answer. What cannot be verified leaves no trace but its answer."""

from __future__ import annotations

import logging

from flask import Blueprint, Response, current_app, jsonify, make_response, request

from closedloop.crm.hubspot import events as hubspot
from closedloop.crm.salesforce import events as salesforce
from closedloop.errors import DeliveryRefusedError
from closedloop.schema.vocabulary import CrmName
from closedloop_server.pipeline.inbox import hints_of
from closedloop_server.services import Services
from closedloop_server.settings import ConnectionSettings
from closedloop_server.store import inbox
from closedloop_server.store.engine import writing
from closedloop_server.webhooks import checks
from closedloop_server.work.kinds import Kind, Work

blueprint = Blueprint("webhooks", __name__, url_prefix="/webhooks")
log = logging.getLogger(__name__)


@blueprint.post("/salesforce/<name>/<secret>")
def salesforce_delivery(name: str, secret: str) -> Response:
    """Takes an outbound message. It carries no signature: what proves it is the secret in the path."""
    connection = checks.by_path_secret(_connection(name, CrmName.SALESFORCE), secret)
    body = checks.body(request, "text/xml", largest=salesforce.LARGEST)
    message = salesforce.parse(body)
    checks.organisation(connection, message.organization_id)
    _store(connection, body)
    return Response(salesforce.ACKNOWLEDGEMENT, content_type="text/xml; charset=utf-8")


@blueprint.post("/hubspot/<name>")
def hubspot_delivery(name: str) -> Response:
    """Takes a batch of events, signed with the app's client secret."""
    connection = checks.known(_connection(name, CrmName.HUBSPOT))
    body = checks.body(request, "application/json", largest=hubspot.LARGEST)
    hubspot.verify(
        secrets=connection.webhook_secrets,
        method=request.method,
        uri=checks.called_uri(request, _services().settings.public_url),
        body=body,
        signature=request.headers.get("X-HubSpot-Signature-v3"),
        timestamp=request.headers.get("X-HubSpot-Request-Timestamp"),
        now=_services().clock(),
    )
    # Refuses what is not a batch of events, or is one of another portal.
    hints_of(_services(), connection, body)
    return jsonify(stored=True, known=not _store(connection, body))


@blueprint.errorhandler(DeliveryRefusedError)
def refuse(error: DeliveryRefusedError) -> Response:
    """Says why a delivery is refused; the reason goes unchanged into the log."""
    log.warning("%s refused: %s", request.endpoint, error.reason)
    return make_response(jsonify(error=error.reason, message=error.message), error.status)


def _services() -> Services:
    services: Services = current_app.extensions["closedloop"]
    return services


def _connection(name: str, crm: CrmName) -> ConnectionSettings | None:
    settings = _services().connection(name)
    return settings if settings is not None and settings.crm is crm else None


def _store(connection: ConnectionSettings, body: bytes) -> bool:
    """Commits the body, then wakes the reader; False for bytes that were delivered before."""
    services = _services()
    with writing(services.engine) as database:
        new = inbox.keep(
            database,
            connection.name,
            content_type=request.mimetype,
            body=body,
            now=services.clock(),
        )
    services.wake(Work(Kind.LOOP))
    return new
