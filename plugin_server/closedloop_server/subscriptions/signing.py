"""Signs a webhook as the Standard Webhooks specification says, with every secret that is valid.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Iterable
from datetime import datetime

_PREFIX = "whsec_"
_BYTES = 32
"""The specification asks for 24 to 64."""


def new_secret() -> str:
    """A secret that nobody knows yet, as subscribers are given it."""
    return _PREFIX + base64.b64encode(secrets.token_bytes(_BYTES)).decode("ascii")


def signed_headers(id_: str, at: datetime, body: bytes, secrets_: Iterable[str]) -> dict[str, str]:
    """The headers by which a subscriber knows that the body is ours, told once, and new.

    There is a signature for every secret: whoever knows one of them during a rotation can verify.
    """
    seconds = str(int(at.timestamp()))
    signed = b".".join((id_.encode("ascii"), seconds.encode("ascii"), body))
    return {
        "webhook-id": id_,
        "webhook-timestamp": seconds,
        "webhook-signature": " ".join(_signature(secret, signed) for secret in secrets_),
    }


def _signature(secret: str, signed: bytes) -> str:
    key = base64.b64decode(secret.removeprefix(_PREFIX))
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode("ascii")
