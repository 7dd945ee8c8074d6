"""How a session is got and ended: the endpoints under `/services/oauth2`, and what tells of them.

Help, "OAuth Endpoints", "OAuth 2.0 Web Server Flow", "OAuth 2.0 User-Agent Flow", "Revoke OAuth Tokens",
"OpenID Connect Token Introspection Endpoint". Nobody is asked to log in: the sandbox approves at once, or
refuses where `Login.approved` says so.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from closedloop.sandbox.salesforce.login.codes import Codes, OAuthError
from closedloop.sandbox.salesforce.login.identity import Identity
from closedloop.sandbox.salesforce.login.oauth import TokenEndpoint
from closedloop.sandbox.salesforce.login.sessions import Session
from closedloop.sandbox.salesforce.rest.call import Answer, Call
from closedloop.sandbox.salesforce.rest.route import Route, Services

_SCOPES = "refresh_token api"
# Scopes that an app may ask for (Help, "OAuth Tokens and Scopes"), as far as they mean something here.
_KNOWN = frozenset({"api", "full", "id", "offline_access", "openid", "profile", "refresh_token", "web"})
_BASE = "/services/oauth2"
# What can stand in the Location of an answer.
_ADDRESS = re.compile(r"[!-~]+")


class Access:
    """The endpoints."""

    def __init__(self, services: Services) -> None:
        org = services.org
        self._services = services
        self._identity = f"{org.organization_id}/{org.integration_user_id}"
        self._codes = Codes(org.clock)
        self._token = TokenEndpoint(
            services.sessions, services.login, identity=self._identity, clock=org.clock, codes=self._codes
        )

    def routes(self) -> tuple[Route, ...]:
        """Where each endpoint is."""
        identity = Identity(self._services.sessions)
        either, post = "GET POST", "POST"
        return tuple(
            Route(methods=methods, path=path, handler=handler, public=True)
            for methods, path, handler in (
                (post, f"{_BASE}/token", self.issue),
                (either, f"{_BASE}/authorize", self.authorize),
                (either, f"{_BASE}/revoke", self.revoke),
                (post, f"{_BASE}/introspect", self.introspect),
                (either, f"{_BASE}/userinfo", identity.user_info),
                (either, "/id/<organization>/<user>", identity.show),
                ("GET", "/id/keys", _keys),
                ("GET", "/.well-known/openid-configuration", _configuration),
            )
        )

    def issue(self, call: Call) -> Answer:
        """POST for a token, by any of the flows."""
        request = call.request
        authorization = request.headers.get("Authorization", "")
        status, body = self._token.answer(request.values, authorization, call.url, host=request.host)
        return Answer(status=status, body=body, headers={"Cache-Control": "no-store"})

    def authorize(self, call: Call) -> Answer:
        """Sends the browser back to the app, with a code or with a token."""
        asked = call.request.values
        try:
            redirect = self._redirect(asked)
        except OAuthError as refused:
            # There is nowhere to send this to: it is told to whoever looks.
            page = f"error={refused.body['error']}&error_description={refused.body['error_description']}"
            return Answer(status=400, raw=page.encode(), kind="text/html;charset=UTF-8")
        given = {"state": asked["state"]} if "state" in asked else {}
        mark = "#" if asked.get("response_type") == "token" else "?"
        try:
            given = self._granted(call, asked, redirect) | given
        except OAuthError as refused:
            given = refused.body | given
        joint = "&" if mark in redirect else mark
        return Answer(status=302, headers={"Location": f"{redirect}{joint}{urlencode(given)}"})

    def revoke(self, call: Call) -> Answer:
        """Ends an access token, or the refresh token and what it got."""
        token = call.request.values.get("token", "")
        sessions, login = self._services.sessions, self._services.login
        if token and token == login.refresh_token:
            login.refresh_token = None
            sessions.end_all()
        elif sessions.about(token) is not None:
            sessions.end(token)
        else:
            body = {"error": "invalid_token", "error_description": f"invalid token: {token}"}
            return Answer(status=400, body=body)
        return Answer()

    def introspect(self, call: Call) -> Answer:
        """POST: what is known of a token. Of one that does not hold nothing is."""
        form = call.request.values
        try:
            self._token.check_client(form, call.request.headers.get("Authorization", ""))
        except OAuthError as refused:
            return Answer(status=401, body=refused.body)
        token, login = form.get("token", ""), self._services.login
        if token and token == login.refresh_token:
            return Answer(body=self._known(call, scope=_SCOPES, kind="refresh_token"))
        session = self._services.sessions.about(token)
        if session is None:
            return Answer(body={"active": False})
        known = self._known(call, scope=session.scope, kind="access_token")
        return Answer(body=known | _times(session))

    def _redirect(self, asked: Mapping[str, str]) -> str:
        login, redirect = self._services.login, asked.get("redirect_uri", "")
        if asked.get("client_id") != login.client_id:
            raise OAuthError("invalid_client_id", "client identifier invalid")
        if not _ADDRESS.fullmatch(redirect) or (login.callbacks and redirect not in login.callbacks):
            raise OAuthError("redirect_uri_mismatch", "redirect_uri must match configuration")
        return redirect

    def _granted(self, call: Call, asked: Mapping[str, str], redirect: str) -> dict[str, Any]:
        wanted = asked.get("scope") or _SCOPES
        if not set(wanted.split()) <= _KNOWN:
            raise OAuthError("invalid_scope", "the requested scope is invalid, unknown, or malformed")
        if not self._services.login.approved:
            raise OAuthError("access_denied", "end-user denied authorization")
        challenge = asked.get("code_challenge") or None
        if asked.get("response_type") == "code":
            return {"code": self._codes.issue(redirect=redirect, scope=wanted, challenge=challenge)}
        if asked.get("response_type") != "token":
            raise OAuthError("unsupported_response_type", "response type not supported")
        granted = {"access_token": self._services.sessions.issue(wanted)}
        if "refresh_token" in wanted.split():
            granted["refresh_token"] = self._token.refresh_token()
        return granted | {"scope": wanted} | self._token.token(call.url)

    def _known(self, call: Call, *, scope: str, kind: str) -> dict[str, Any]:
        return {
            "active": True,
            "scope": scope,
            "client_id": self._services.login.client_id,
            "username": self._services.login.username,
            "sub": f"{call.url}/id/{self._identity}",
            "token_type": kind,
        }


def _times(session: Session) -> dict[str, int]:
    issued = int(session.issued.timestamp())
    return {"exp": int(session.ends.timestamp()), "iat": issued, "nbf": issued}


def _keys(_: Call) -> Answer:
    """The keys that identity tokens are signed with: the sandbox issues none."""
    return Answer(body={"keys": []})


def _configuration(call: Call) -> Answer:
    """OpenID Connect's description of the server."""
    base = f"{call.url}{_BASE}"
    return Answer(
        body={
            "issuer": call.url,
            "authorization_endpoint": f"{base}/authorize",
            "token_endpoint": f"{base}/token",
            "revocation_endpoint": f"{base}/revoke",
            "userinfo_endpoint": f"{base}/userinfo",
            "jwks_uri": f"{call.url}/id/keys",
            "introspection_endpoint": f"{base}/introspect",
            "scopes_supported": sorted(_KNOWN),
            "response_types_supported": ["code", "token"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "display_values_supported": ["page", "popup", "touch"],
            "token_endpoint_auth_methods_supported": ["client_secret_post", "client_secret_basic"],
        }
    )
