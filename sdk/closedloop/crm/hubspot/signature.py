"""Checks HubSpot's request signatures, version 3 only: v1 and v2 say nothing about when they were made.

Source: "Validating requests" in HubSpot's documentation (developers.hubspot.com/docs/apps/developer-
platform/build-apps/authentication/request-validation); its Python SDK's verifier takes a v2 signature by
default, does not decode the URI and accepts timestamps from the future, so it is not used.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Sequence
from datetime import datetime

from closedloop.errors import DeliveryRefusedError
from closedloop.schema.records import utc

FRESH_MILLISECONDS = 300_000
"""How far the timestamp may be from now, back or ahead."""

_ESCAPES = {f"%{ord(sign):02X}": sign for sign in ":/?@!$'()*,;"}
_ESCAPE = re.compile("|".join(_ESCAPES), re.IGNORECASE)
_TIMESTAMP = re.compile(r"[0-9]{1,15}", re.ASCII)


def decoded_uri(uri: str) -> str:
    """The URI as HubSpot signs it: exactly these escapes decoded, in either case, in one pass. %20, %26,
    %3D and %25 stay."""
    return _ESCAPE.sub(lambda found: _ESCAPES[found.group().upper()], uri)


def verify(
    *,
    secrets: Sequence[str],
    method: str,
    uri: str,
    body: bytes,
    signature: str | None,
    timestamp: str | None,
    now: datetime,
) -> None:
    """Returns when one of the secrets has signed this request within five minutes of now; otherwise
    DeliveryRefusedError with status 401.

    `uri` is the whole URL that HubSpot called, with query, as it is known in public; `signature` and
    `timestamp` are the headers X-HubSpot-Signature-v3 and X-HubSpot-Request-Timestamp; `body` is what
    came, byte for byte.
    """
    usable = [secret for secret in secrets if secret]
    if not usable:
        raise _refused("no client secret is configured, so no delivery can be trusted", "no_secret")
    if not signature:
        raise _refused("the header X-HubSpot-Signature-v3 is missing", "no_signature")
    moment = _fresh(timestamp, now)
    message = f"{method}{decoded_uri(uri)}".encode(errors="surrogatepass") + body + moment.encode()
    given = signature.encode(errors="surrogatepass")
    # Every secret is tried, so that the time taken does not tell which one is close.
    matches = [hmac.compare_digest(_signed(secret, message), given) for secret in usable]
    if not any(matches):
        raise _refused(
            "the signature does not match: check the app's client secret and the public URL", "bad_signature"
        )


def _fresh(timestamp: str | None, now: datetime) -> str:
    if timestamp is None or not _TIMESTAMP.fullmatch(timestamp):
        raise _refused("X-HubSpot-Request-Timestamp must be milliseconds in digits", "bad_timestamp")
    if abs(round(utc(now).timestamp() * 1000) - int(timestamp)) > FRESH_MILLISECONDS:
        raise _refused("the request was signed more than five minutes from now: check the clock", "stale")
    return timestamp


def _signed(secret: str, message: bytes) -> bytes:
    return base64.b64encode(hmac.digest(secret.encode(), message, hashlib.sha256))


def _refused(message: str, reason: str) -> DeliveryRefusedError:
    return DeliveryRefusedError(message, status=401, reason=reason)
