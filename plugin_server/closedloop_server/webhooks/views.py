"""Who -> verify -> store -> answer; everything else happens behind it.

What cannot be verified leaves no trace but its answer.
"""

from __future__ import annotations

import logging
from http import HTTPStatus

from flask import Blueprint, Response, current_app, jsonify, make_response, request
from flask.blueprints import BlueprintSetupState

from closedloop.crm.hubspot import events as hubspot
from closedloop.crm.salesforce import events as salesforce
from closedloop.errors import DeliveryRefusedError
from closedloop.schema.vocabulary import CrmName
from closedloop_server.services import Services
from closedloop_server.settings import ConnectionSettings
from closedloop_server.store.inbox import Arrival
from closedloop_server.webhooks import checks
from closedloop_server.webhooks.committing import RETRY_AFTER, SharedCommits

blueprint = Blueprint("webhooks", __name__, url_prefix="/webhooks")
log = logging.getLogger(__name__)

_COMMITS = "closedloop.webhooks"
_STORED = b'{"known":false,"stored":true}\n'
_KNOWN = b'{"known":true,"stored":true}\n'


@blueprint.record
def _prepare(setup: BlueprintSetupState) -> None:
    """Every application commits for itself: all its threads together."""
    setup.app.extensions[_COMMITS] = SharedCommits(setup.app.extensions["closedloop"])


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
    hubspot.check(body, portal_id=connection.organisation_id, app_id=connection.app_id)
    return Response(_STORED if _store(connection, body) else _KNOWN, content_type="application/json")


@blueprint.errorhandler(DeliveryRefusedError)
def refuse(error: DeliveryRefusedError) -> Response:
    """Says why a delivery is refused; the reason goes unchanged into the log."""
    log.warning("%s refused: %s", request.endpoint, error.reason)
    answer = make_response(jsonify(error=error.reason, message=error.message), error.status)
    if error.status == HTTPStatus.SERVICE_UNAVAILABLE:
        answer.headers["Retry-After"] = str(RETRY_AFTER)
    if error.reason == "wrong_content_encoding":
        answer.headers["Accept-Encoding"] = "identity"  # RFC 9110, 15.5.16
    return answer


def _services() -> Services:
    services: Services = current_app.extensions["closedloop"]
    return services


def _connection(name: str, crm: CrmName) -> ConnectionSettings | None:
    settings = _services().connection(name)
    return settings if settings is not None and settings.crm is crm else None


def _store(connection: ConnectionSettings, body: bytes) -> bool:
    """Returns when the body is on the disk; False for bytes that were delivered before."""
    commits: SharedCommits = current_app.extensions[_COMMITS]
    return commits.store(
        Arrival(
            connection=connection.name,
            content_type=request.mimetype,
            body=body,
            received_at=_services().clock(),
        )
    )
