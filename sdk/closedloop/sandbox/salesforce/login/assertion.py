"""Checks the assertions of the JWT bearer flow.

Help, "OAuth 2.0 JWT Bearer Flow for Server-to-Server Integration": RS256, `iss` the client id, `aud` the
login server (or the org's own address), `sub` the username, `exp` in the future, or past for less than the
three minutes by which clocks may differ (CumulusCI sends the present moment). The refusals are those that
users of the flow report.
"""

from __future__ import annotations

import re
from typing import Any

_LOGIN = re.compile(r"https://(?:login|test|[a-z0-9-]+(?:\.[a-z]+)*\.my)\.salesforce\.com/?")

_SKEW = 180

Fault = tuple[str, str]
"""The error and its description."""


def fault_of(
    assertion: str, *, key: str | None, issuer: str, subject: str | None, url: str, now: float
) -> Fault | None:
    """What is wrong with the assertion; None where nothing is. Without `subject` nobody is approved."""
    claims = _claims(assertion, key)
    if claims is None:
        return "invalid_grant", "invalid assertion"
    if claims.get("iss") != issuer:
        return "invalid_client_id", "client identifier invalid"
    if not _addressed(claims.get("aud"), url):
        return "invalid_grant", "audience is invalid"
    if not _later(claims.get("exp"), now):
        return "invalid_grant", "expired authorization code"
    if subject is None or claims.get("sub") != subject:
        return "invalid_grant", "user hasn't approved this consumer"
    return None


def _claims(assertion: str, key: str | None) -> dict[str, Any] | None:
    import jwt  # noqa: PLC0415 - it takes cryptography, which few ever need

    # The claims are judged above, by the org's clock; the signature alone is judged here.
    options: Any = {"verify_signature": True, "require": [], "verify_exp": False, "verify_aud": False}
    options |= {"verify_iat": False, "verify_nbf": False, "verify_sub": False, "verify_iss": False}
    try:
        return dict(jwt.decode(assertion, key or "", algorithms=["RS256"], options=options))
    except (jwt.PyJWTError, ValueError):
        return None


def _addressed(audience: Any, url: str) -> bool:
    return isinstance(audience, str) and (audience.rstrip("/") == url or bool(_LOGIN.fullmatch(audience)))


def _later(expiry: Any, now: float) -> bool:
    try:
        return float(expiry) > now - _SKEW
    except (TypeError, ValueError):
        return False
