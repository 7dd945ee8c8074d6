"""HubSpot's request signatures, as HubSpot itself makes them.

Source: HubSpot documentation, "Validating requests"; the escapes are those of its own SDKs.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re

# Exactly these are decoded, once, in either case; %20, %26, %3D and %25 stay as they are.
_DECODED = {
    escape: character
    for character in ":/?@!$'()*,;"
    for escape in (f"%{ord(character):02X}", f"%{ord(character):02x}")
}
_ESCAPE = re.compile("|".join(sorted(_DECODED)))


def decode_uri(uri: str) -> str:
    """The URI as it goes into a v3 signature."""
    return _ESCAPE.sub(lambda match: _DECODED[match.group()], uri)


def signature_v1(secret: str, body: bytes) -> str:
    """Hex SHA-256 of secret and body: `X-HubSpot-Signature` with version v1."""
    return hashlib.sha256(secret.encode() + body).hexdigest()


def signature_v3(secret: str, method: str, uri: str, body: bytes, timestamp: str) -> str:
    """Base64 HMAC-SHA-256 of method, decoded URI, body and timestamp: `X-HubSpot-Signature-v3`."""
    message = (method + decode_uri(uri)).encode() + body + timestamp.encode()
    return base64.b64encode(hmac.digest(secret.encode(), message, "sha256")).decode()


def signed_headers(secret: str, method: str, uri: str, body: bytes, timestamp: str) -> dict[str, str]:
    """The headers of a delivery, which is reported to carry a v1 and a v3 signature at once."""
    return {
        "X-HubSpot-Signature": signature_v1(secret, body),
        "X-HubSpot-Signature-Version": "v1",
        "X-HubSpot-Signature-v3": signature_v3(secret, method, uri, body, timestamp),
        "X-HubSpot-Request-Timestamp": timestamp,
    }
