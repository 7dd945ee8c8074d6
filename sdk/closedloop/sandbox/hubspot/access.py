"""Who may call: the private app's token, and the OAuth app whose tokens end after half an hour.

Source: HubSpot documentation, "OAuth tokens" (v1 and v3). Of the refusals only BAD_REFRESH_TOKEN was seen
with its message (issue reports, nango.dev); the messages beside the other statuses are not confirmed, nor is
that v3 and the dated versions refuse in the same words.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from closedloop.sandbox.hubspot.errors import HubSpotError, expired, unauthorised
from closedloop.sandbox.hubspot.records import stamp

SCOPES = (
    *("oauth", "crm.objects.contacts.read", "crm.objects.contacts.write"),
    *("crm.objects.companies.read", "crm.objects.companies.write"),
    *("crm.objects.deals.read", "crm.objects.deals.write"),
    *("crm.objects.leads.read", "crm.objects.leads.write", "crm.objects.owners.read"),
    *("marketing.campaigns.read", "marketing.campaigns.write"),
)


class OAuthError(HubSpotError):
    """The token endpoint refuses: `status` in the body is the reason itself, and there is no category."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message, status=400, category=None)
        self._word = reason

    def body(self, correlation_id: str) -> dict[str, Any]:
        """The answer's body."""
        return {"status": self._word, "message": self.message, "correlationId": correlation_id}


class Access:
    """The portal's tokens. `lifetime` is how many seconds the next OAuth token is good for."""

    def __init__(
        self,
        *,
        token: str,
        client_id: str,
        client_secret: str,
        refresh_token: str,
        lifetime: int,
        clock: Callable[[], datetime],
    ) -> None:
        self.client_id = client_id
        self.refresh_token = refresh_token
        self.lifetime = lifetime
        self._secret = client_secret
        self._token = token
        self._clock = clock
        self._ends: dict[str, datetime] = {}

    def renew(self, token: str) -> None:
        """Makes another token the private app's; the old one is expired from now on."""
        self._ends[self._token] = self._clock()
        self._token = token

    def check(self, header: str) -> bool:
        """Whether the caller is an OAuth app; 401 for a token that is unknown or has expired."""
        scheme, _, token = header.partition(" ")
        if scheme != "Bearer" or (token != self._token and token not in self._ends):
            raise unauthorised()
        if token == self._token:
            return False
        left = self._ends[token] - self._clock()
        if left <= timedelta():
            raise expired(stamp(self._ends[token]), int(-left.total_seconds()))
        return True

    def refresh(self, form: Mapping[str, str]) -> dict[str, Any]:
        """A new access token for the refresh token, which stays the same."""
        self._check_client(form)
        if form.get("grant_type") != "refresh_token":
            raise OAuthError("BAD_GRANT_TYPE", "missing or unknown grant type")
        if form.get("refresh_token") != self.refresh_token:
            raise OAuthError("BAD_REFRESH_TOKEN", "missing or invalid refresh token")
        token = f"CL{secrets.token_urlsafe(48)}"
        self._ends[token] = self._clock() + timedelta(seconds=self.lifetime)
        return {
            "token_type": "bearer",
            "refresh_token": self.refresh_token,
            "access_token": token,
            "expires_in": self.lifetime,
        }

    def described(self, token: str, portal_id: int, app_id: int) -> dict[str, Any]:
        """What an access token is for; 404 for one that is none (the words are not confirmed)."""
        end = self._ends.get(token)
        left = 0 if end is None else int((end - self._clock()).total_seconds())
        if left <= 0:
            raise HubSpotError("access token not found", status=404, category="OBJECT_NOT_FOUND")
        return {
            "token": token,
            "user": "admin@example.com",
            "hub_domain": "sandbox.example.com",
            "scopes": list(SCOPES),
            "hub_id": portal_id,
            "app_id": app_id,
            "expires_in": left,
            "user_id": 60_000_001,
            "token_type": "access",
        }

    def _check_client(self, form: Mapping[str, str]) -> None:
        if form.get("client_id") != self.client_id:
            raise OAuthError("BAD_CLIENT_ID", "missing or unknown client id")
        if form.get("client_secret") != self._secret:
            raise OAuthError("BAD_CLIENT_SECRET", "missing or invalid client secret")
