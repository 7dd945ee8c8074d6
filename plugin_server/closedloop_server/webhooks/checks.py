"""What a delivery must pass. Each check returns what the next one needs, or refuses."""

from __future__ import annotations

import hmac
from urllib.parse import quote, urlsplit

from flask import Request
from werkzeug.exceptions import RequestEntityTooLarge

from closedloop.crm.salesforce.ids import full_id
from closedloop.errors import DeliveryRefusedError
from closedloop_server.settings import ConnectionSettings


def known(connection: ConnectionSettings | None) -> ConnectionSettings:
    """The connection, if there is one."""
    if connection is None:
        raise _unknown()
    return connection


def by_path_secret(connection: ConnectionSettings | None, secret: str) -> ConnectionSettings:
    """The connection whose webhook address ends in this secret.

    An unknown connection, and one without any secret, answer like a wrong secret, after the same work.
    """
    told = secret.encode("utf-8", "surrogatepass")
    valid = [each for each in connection.webhook_secrets if each] if connection else []
    matches = [hmac.compare_digest(told, each.encode()) for each in valid or ["\x00"]]
    if connection is None or not valid or not any(matches):
        raise _unknown()
    return connection


def body(request: Request, mimetype: str, *, largest: int) -> bytes:
    """The bytes as they were sent, at most `largest`."""
    if request.mimetype != mimetype:
        raise DeliveryRefusedError(
            f"the content type must be {mimetype}", status=415, reason="wrong_content_type"
        )
    # Neither CRM's documentation knows of one, and what is unpacked can be a thousand times as large.
    if request.headers.get("Content-Encoding", "identity").strip().lower() != "identity":
        raise DeliveryRefusedError(
            "the body must be sent as it is: no content encoding is taken",
            status=415,
            reason="wrong_content_encoding",
        )
    # Werkzeug cuts a body that does not say its length at the limit, without a word: one more tells.
    request.max_content_length = largest + 1
    try:
        sent = request.get_data(cache=False)
    except RequestEntityTooLarge as exc:
        raise _too_large(largest) from exc
    if len(sent) > largest:
        raise _too_large(largest)
    return sent


def organisation(connection: ConnectionSettings, told: str) -> None:
    """Refuses a message of another Salesforce organisation."""
    if full_id(told) != full_id(connection.organisation_id):
        raise DeliveryRefusedError(
            "the message is from another Salesforce organisation than this connection's",
            status=403,
            reason="foreign_organisation",
        )


def called_uri(request: Request, public_url: str) -> str:
    """The address as HubSpot called it, which a proxy may have changed on its way here.

    https://developers.hubspot.com/docs/apps/legacy-apps/authentication/validating-requests
    """
    environ = request.environ
    target = str(environ.get("REQUEST_URI") or environ.get("RAW_URI") or "")
    if not target.startswith("/"):
        # No server at hand tells the target as it was sent, or it was sent in absolute form.
        parts = urlsplit(target)
        path = parts.path or quote(request.path)
        query = parts.query or request.query_string.decode("latin-1")
        target = path + (f"?{query}" if query else "")
    return public_url + target


def _too_large(largest: int) -> DeliveryRefusedError:
    return DeliveryRefusedError(f"the body is larger than {largest} bytes", status=413, reason="too_large")


def _unknown() -> DeliveryRefusedError:
    return DeliveryRefusedError(
        "no connection has this webhook address: compare it with the one that the settings make",
        status=404,
        reason="unknown_webhook",
    )
