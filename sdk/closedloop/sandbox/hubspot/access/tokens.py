"""Who may call: private apps, the developer by a key, and the OAuth app, whose tokens end after half an hour.

Source: HubSpot documentation, "OAuth tokens" (v1, v3 and dated). Seen with their messages: BAD_REFRESH_TOKEN
(issue reports, nango.dev), BAD_AUTH_CODE (issue 87 of HGData/mk-node-hubspot), BAD_CLIENT_ID with the fields
of OAuth 2 beside it (a dated article on app governance); MISMATCH_REDIRECT_URI_AUTH_CODE and
EXPIRED_AUTH_CODE only by name. The other messages are not confirmed, nor are the other words of OAuth 2.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from closedloop.sandbox.hubspot.errors import HubSpotError, expired, unauthorised
from closedloop.sandbox.hubspot.records.record import stamp

# The user who installed the app.
USER_ID = 60_000_001
_USER, _DOMAIN = "admin@example.com", "sandbox.example.com"
_OBJECTS = ("contacts", "companies", "deals", "leads", "tickets", "custom")
_SOLD = ("products", "line_items", "quotes", "invoices", "orders", "carts")
SCOPES = (
    "oauth",
    *(f"crm.objects.{name}.{what}" for name in _OBJECTS for what in ("read", "write")),
    *(f"crm.schemas.{name}.{what}" for name in _OBJECTS for what in ("read", "write")),
    *("crm.objects.owners.read", "crm.lists.read", "crm.lists.write"),
    *("marketing.campaigns.read", "marketing.campaigns.write", "marketing.campaigns.revenue.read"),
    # airbytehq/airbyte's source-hubspot reads only the streams whose scopes a token names.
    *("automation", "content", "e-commerce", "forms", "sales-email-read", "tickets", "timeline"),
    *(f"crm.objects.{name}.{what}" for name in _SOLD for what in ("read", "write")),
    *("crm.objects.goals.read", "crm.objects.marketing_events.read", "crm.objects.marketing_events.write"),
    "crm.objects.feedback_submissions.read",
)
# Not documented; long enough for a person to come back from HubSpot's page.
_CODE_LIFETIME = timedelta(minutes=30)


class CallerKind(StrEnum):
    """By what somebody calls."""

    PRIVATE = "private app"
    OAUTH = "OAuth app"
    DEVELOPER = "developer"


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who calls, under what name the calls are counted, and with which scopes; None: with all there are."""

    kind: CallerKind
    name: str = ""
    scopes: frozenset[str] | None = None

    @property
    def oauth(self) -> bool:
        """Whether it is an OAuth app."""
        return self.kind is CallerKind.OAUTH


@dataclass(frozen=True, slots=True, kw_only=True)
class _Grant:
    """What an installation of the OAuth app allows."""

    scopes: frozenset[str] | None = None

    @property
    def listed(self) -> list[str]:
        return list(SCOPES) if self.scopes is None else sorted(self.scopes)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Code:
    redirect_uri: str
    grant: _Grant
    ends: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class _Token:
    ends: datetime
    grant: _Grant


class OAuthError(HubSpotError):
    """The token endpoint refuses: `status` in the body is the reason itself, and there is no category."""

    def __init__(self, reason: str, message: str, *, error: str = "invalid_request") -> None:
        super().__init__(message, status=400, category=None)
        self._word = reason
        self._error = error
        self.dated = False

    def body(self, correlation_id: str) -> dict[str, Any]:
        """The answer's body; that of a dated version has the fields of OAuth 2 beside HubSpot's own."""
        body = {"status": self._word, "message": self.message}
        if self.dated:
            return body | {"error": self._error, "error_description": self.message}
        return body | {"correlationId": correlation_id}


class Access:
    """The portal's tokens. `lifetime` is how many seconds the next OAuth token is good for; `redirect_uris`
    are those that the app registered (none: it takes any)."""

    def __init__(
        self,
        *,
        token: str,
        client_id: str,
        client_secret: str,
        refresh_token: str,
        lifetime: int,
        clock: Callable[[], datetime],
        developer_key: str = "",
        redirect_uris: Iterable[str] = (),
    ) -> None:
        self.client_id = client_id
        self.developer_key = developer_key
        self.refresh_token = refresh_token
        self.redirect_uris = tuple(redirect_uris)
        self.lifetime = lifetime
        self._secret = client_secret
        self._clock = clock
        self._token = token
        self._private = {token: Caller(kind=CallerKind.PRIVATE)}
        self._gone: dict[str, datetime] = {}
        self._tokens: dict[str, _Token] = {}
        self._grants = {refresh_token: _Grant()}
        self._codes: dict[str, _Code] = {}

    def renew(self, token: str) -> None:
        """Makes another token the private app's; the old one is expired from now on."""
        self.end(self._token)
        self._private[token] = Caller(kind=CallerKind.PRIVATE)
        self._token = token

    def end(self, token: str) -> None:
        """Ends a token before its time; one that nobody has is no error."""
        if self._private.pop(token, None) is not None:
            self._gone[token] = self._clock()
        if token in self._tokens:
            self._tokens[token] = replace(self._tokens[token], ends=self._clock())

    def add_private(self, token: str, scopes: Iterable[str]) -> None:
        """Lets another private app call, with these scopes only."""
        self._private[token] = Caller(kind=CallerKind.PRIVATE, name=token, scopes=frozenset(scopes))

    def reinstall(self, refresh_token: str) -> None:
        """Uninstalls the OAuth app and installs it anew: every older refresh token is refused."""
        self.refresh_token = refresh_token
        self._grants = {refresh_token: _Grant()}

    def caller(self, header: str, key: str | None = None) -> Caller:
        """Who calls, by the `Authorization` header or the developer's key; 401 for a token that is unknown or
        has expired."""
        if key and secrets.compare_digest(key.encode(), self.developer_key.encode()):
            return Caller(kind=CallerKind.DEVELOPER)
        scheme, _, token = header.partition(" ")
        if scheme.lower() != "bearer":
            raise unauthorised()
        return self._private.get(token) or self._by_oauth(token)

    def authorise(self, redirect_uri: str, scopes: Iterable[str]) -> str:
        """A code for the OAuth app, as after a person's consent; with no scopes named it gets all it has."""
        named = frozenset(scopes)
        code = secrets.token_hex(16)
        grant = _Grant(scopes=named | {"oauth"} if named else None)
        self._codes[code] = _Code(redirect_uri=redirect_uri, grant=grant, ends=self._clock() + _CODE_LIFETIME)
        return code

    def issue(self, form: Mapping[str, str]) -> dict[str, Any]:
        """Tokens for a code or for a refresh token, which stays the same; a token of the app's own, without a
        portal, for its credentials alone."""
        self.check_client(form)
        give = {
            "authorization_code": self._for_code,
            "refresh_token": self._for_refresh_token,
            "client_credentials": self._for_credentials,
        }.get(form.get("grant_type", ""))
        if give is None:
            raise OAuthError(
                "BAD_GRANT_TYPE", "missing or unknown grant type", error="unsupported_grant_type"
            )
        return give(form)

    def check_client(self, form: Mapping[str, str]) -> None:
        """Refuses another client than the app; the id is looked at before anything else."""
        if form.get("client_id") != self.client_id:
            raise OAuthError("BAD_CLIENT_ID", "missing or unknown client id")
        if form.get("client_secret") != self._secret:
            raise OAuthError("BAD_CLIENT_SECRET", "missing or invalid client secret", error="invalid_client")

    def described(self, token: str, portal_id: int, app_id: int) -> dict[str, Any] | None:
        """What an access token is for; None for one that is none any more."""
        found = self._tokens.get(token)
        left = 0 if found is None else int((found.ends - self._clock()).total_seconds())
        if found is None or left <= 0:
            return None
        return {
            "token": token,
            "user": _USER,
            "hub_domain": _DOMAIN,
            "scopes": found.grant.listed,
            "hub_id": portal_id,
            "app_id": app_id,
            "expires_in": left,
            "user_id": USER_ID,
            "token_type": "access",
            "is_private_distribution": False,
        }

    def described_refresh_token(self, token: str, portal_id: int) -> dict[str, Any] | None:
        """What a refresh token is for; None for one that is none any more."""
        grant = self._grants.get(token)
        if grant is None:
            return None
        return {
            "token": token,
            "client_id": self.client_id,
            "user": _USER,
            "hub_domain": _DOMAIN,
            "scopes": grant.listed,
            "hub_id": portal_id,
            "user_id": USER_ID,
            "token_type": "refresh",
        }

    def forget(self, refresh_token: str) -> bool:
        """Deletes a refresh token, whose access tokens live on until they end; False where there was none."""
        return self._grants.pop(refresh_token, None) is not None

    def private_scopes(self, token: str) -> list[str] | None:
        """The scopes of a private app's token; None where it is none."""
        found = self._private.get(token)
        if found is None:
            return None
        return list(SCOPES) if found.scopes is None else ["oauth", *sorted(found.scopes - {"oauth"})]

    def _by_oauth(self, token: str) -> Caller:
        found = self._tokens.get(token)
        ends = self._gone.get(token) if found is None else found.ends
        if ends is None:
            raise unauthorised()
        left = ends - self._clock()
        if left <= timedelta():
            raise expired(stamp(ends), int(-left.total_seconds()))
        return Caller(kind=CallerKind.OAUTH, scopes=found.grant.scopes if found else None)

    def _for_code(self, form: Mapping[str, str]) -> dict[str, Any]:
        code = self._codes.pop(form.get("code", ""), None)
        if code is None:
            raise OAuthError("BAD_AUTH_CODE", "missing or unknown auth code", error="invalid_grant")
        if form.get("redirect_uri") != code.redirect_uri:
            raise OAuthError(
                "MISMATCH_REDIRECT_URI_AUTH_CODE", "redirect uri does not match that of the auth code"
            )
        if code.ends <= self._clock():
            raise OAuthError("EXPIRED_AUTH_CODE", "auth code has expired", error="invalid_grant")
        refresh_token = secrets.token_hex(18)
        self._grants[refresh_token] = code.grant
        return self._answer(code.grant, refresh_token)

    def _for_refresh_token(self, form: Mapping[str, str]) -> dict[str, Any]:
        refresh_token = form.get("refresh_token", "")
        grant = self._grants.get(refresh_token)
        if grant is None:
            raise OAuthError("BAD_REFRESH_TOKEN", "missing or invalid refresh token", error="invalid_grant")
        return self._answer(grant, refresh_token)

    def _for_credentials(self, form: Mapping[str, str]) -> dict[str, Any]:
        scopes = frozenset(form.get("scope", "").split())
        if not scopes:
            raise OAuthError("BAD_SCOPES", "missing or invalid scopes", error="invalid_scope")
        return self._answer(_Grant(scopes=scopes), None)

    def _answer(self, grant: _Grant, refresh_token: str | None) -> dict[str, Any]:
        token = f"CL{secrets.token_urlsafe(48)}"
        self._tokens[token] = _Token(ends=self._clock() + timedelta(seconds=self.lifetime), grant=grant)
        refresh = {} if refresh_token is None else {"refresh_token": refresh_token}
        answer = {"token_type": "bearer", **refresh, "access_token": token, "expires_in": self.lifetime}
        return answer | {"scopes": grant.listed}
