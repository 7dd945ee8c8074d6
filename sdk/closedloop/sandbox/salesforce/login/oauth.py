"""The token endpoint: client credentials, JWT bearer, authorization code, refresh token, and password.

Bodies: Help, the pages of the four flows and "OAuth 2.0 Authorization Errors"; where the Help gives none, the
answers that their users report (Stack Exchange 184363, 282513). Only what they agree on is imitated: which of
several wrong things Salesforce names first is not known.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from closedloop.sandbox.salesforce.login.assertion import fault_of
from closedloop.sandbox.salesforce.login.codes import Codes, OAuthError
from closedloop.sandbox.salesforce.login.sessions import Sessions

# Help, "OAuth 2.0 Client Credentials Flow": it needs the org's own address.
_COMMON = ("login.salesforce.com", "test.salesforce.com")
_JWT = "urn:ietf:params:oauth:grant-type:jwt-bearer"


@dataclass(slots=True, kw_only=True)
class Login:
    """What the org accepts from those who want a session. Tests change it as an administrator would.

    `public_key` is the PEM key that JWT assertions are verified with. `refresh_token` is the one that is
    valid now, None when it was revoked; with `rotates` every use replaces it; `secret_for_refresh` is the
    app's setting that the refresh flow needs the client secret. `approved` says whether the app is
    approved for the user. `domain_user` says whether a user runs the client credentials flow.
    `callbacks` are the addresses that the app is registered with; any will do where there are none.
    """

    client_id: str
    client_secret: str
    username: str
    password: str
    security_token: str
    public_key: str | None
    refresh_token: str | None
    rotates: bool = False
    secret_for_refresh: bool = True
    approved: bool = True
    domain_user: bool = True
    callbacks: tuple[str, ...] = ()

    def knows(self, username: str, password: str) -> bool:
        """Whether that is the user's password, with the security token behind it or without."""
        right = (self.password, self.password + self.security_token)
        return _same(username, self.username) and any(_same(password, p) for p in right)


class TokenEndpoint:
    """Gives tokens to the one client it knows, for the one user who is the integration's."""

    def __init__(
        self,
        sessions: Sessions,
        login: Login,
        *,
        identity: str,
        clock: Callable[[], datetime],
        codes: Codes | None = None,
    ) -> None:
        self._sessions = sessions
        self._login = login
        self._identity = identity
        self._clock = clock
        self._codes = codes or Codes(clock)
        self._grants: Mapping[str, Callable[[Mapping[str, str], tuple[str, str], str], dict[str, Any]]] = {
            "authorization_code": self._code,
            "client_credentials": self._client_credentials,
            "password": self._password,
            "refresh_token": self._refresh,
            _JWT: self._jwt,
        }

    def answer(
        self, form: Mapping[str, str], authorization: str, url: str, *, host: str = ""
    ) -> tuple[int, dict[str, Any]]:
        """Status and body. `host` is the one that was asked: the common login servers have not every flow."""
        client = _basic(authorization) or (form.get("client_id", ""), form.get("client_secret", ""))
        grant = self._grants.get(form.get("grant_type", ""), self._unknown)
        if form.get("grant_type") == "client_credentials" and host.startswith(_COMMON):
            grant = self._elsewhere
        try:
            return 200, grant(form, client, url) | self.token(url)
        except OAuthError as refused:
            return 400, refused.body

    def _unknown(self, _: Mapping[str, str], __: tuple[str, str], ___: str) -> dict[str, Any]:
        raise OAuthError("unsupported_grant_type", "grant type not supported")

    def _elsewhere(self, _: Mapping[str, str], __: tuple[str, str], ___: str) -> dict[str, Any]:
        raise OAuthError("invalid_grant", "request not supported on this domain")

    def _client_credentials(self, _: Mapping[str, str], client: tuple[str, str], __: str) -> dict[str, Any]:
        self._check_client(client, secret=True)
        if not self._login.domain_user:
            raise OAuthError("invalid_grant", "no client credentials user enabled")
        return {"access_token": self._sessions.issue(), "scope": "api"}

    def _code(self, form: Mapping[str, str], client: tuple[str, str], _: str) -> dict[str, Any]:
        code = self._codes.redeem(
            form.get("code", ""), redirect=form.get("redirect_uri", ""), verifier=form.get("code_verifier")
        )
        # Help, "OAuth 2.0 Web Server Flow": an app may do without the secret where it proves its code.
        self._check_client(client, secret=code.challenge is None)
        granted: dict[str, Any] = {"access_token": self._sessions.issue(code.scope)}
        if "refresh_token" in code.scope.split():
            granted["refresh_token"] = self.refresh_token()
        return granted | {"scope": code.scope}

    def _password(self, form: Mapping[str, str], client: tuple[str, str], _: str) -> dict[str, Any]:
        self._check_client(client, secret=True)
        if not self._login.knows(form.get("username", ""), form.get("password", "")):
            raise OAuthError("invalid_grant", "authentication failure")
        return {"access_token": self._sessions.issue()}

    def _refresh(self, form: Mapping[str, str], client: tuple[str, str], _: str) -> dict[str, Any]:
        self._check_client(client, secret=self._login.secret_for_refresh)
        valid = self._login.refresh_token
        if valid is None or not _same(form.get("refresh_token", ""), valid):
            raise OAuthError("invalid_grant", "expired access/refresh token")
        rotated = {}
        if self._login.rotates:
            self._login.refresh_token = secrets.token_urlsafe(48)
            rotated = {"refresh_token": self._login.refresh_token}
        token = self._sessions.issue("api refresh_token")
        return {"access_token": token} | rotated | {"scope": "api refresh_token"}

    def _jwt(self, form: Mapping[str, str], _: tuple[str, str], url: str) -> dict[str, Any]:
        fault = fault_of(
            form.get("assertion", ""),
            key=self._login.public_key,
            issuer=self._login.client_id,
            subject=self._login.username if self._login.approved else None,
            url=url,
            now=self._clock().timestamp(),
        )
        if fault is not None:
            raise OAuthError(*fault)
        return {"access_token": self._sessions.issue(), "scope": "api"}

    def refresh_token(self) -> str:
        """The refresh token that holds, or a new one after it was revoked."""
        if self._login.refresh_token is None:
            self._login.refresh_token = secrets.token_urlsafe(48)
        return self._login.refresh_token

    def check_client(self, form: Mapping[str, str], authorization: str) -> None:
        """Refuses whoever is not the app, with its secret."""
        client = _basic(authorization) or (form.get("client_id", ""), form.get("client_secret", ""))
        self._check_client(client, secret=True)

    def _check_client(self, client: tuple[str, str], *, secret: bool) -> None:
        name, given = client
        if not _same(name, self._login.client_id):
            raise OAuthError("invalid_client_id", "client identifier invalid")
        if (secret or given) and not _same(given, self._login.client_secret):
            raise OAuthError("invalid_client", "invalid client credentials")

    def token(self, url: str) -> dict[str, Any]:
        """What comes with every token."""
        return {
            "signature": base64.b64encode(secrets.token_bytes(32)).decode(),
            "instance_url": url,
            "id": f"{url}/id/{self._identity}",
            "token_type": "Bearer",
            "issued_at": str(int(self._clock().timestamp() * 1000)),
        }


def _basic(authorization: str) -> tuple[str, str] | None:
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        name, _, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return name, secret


def _same(given: str, expected: str) -> bool:
    return hmac.compare_digest(given.encode(), expected.encode())
