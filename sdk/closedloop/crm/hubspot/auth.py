"""How a HubSpot connection comes by its access token.

An OAuth app's refresh token is changed for an access token that lasts half an hour: "Manage OAuth access
tokens using the v3 APIs" (developers.hubspot.com/docs/api-reference/auth-oauth-v3/guide). The secrets are
in the form's body, never in a URL that somebody logs.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from closedloop.crm.hubspot.credentials import HubSpotCredentials, TokenSource
from closedloop.crm.raw import Answer
from closedloop.crm.tokens import Fetch, OwnRefreshToken, RefreshTokens, Token, Tokens
from closedloop.errors import AnswerError, AuthenticationError, RefusedError

Post = Callable[[Mapping[str, str]], Answer]
_LONGEST_LIFE = 366 * 86_400
"""Seconds; what is said to last longer is somebody's mistake."""
"""Sends a form to the token endpoint, without a token, and gives the successful answer."""

_VALUE = re.compile(r"[!-~]+", re.ASCII)


def tokens_of(credentials: HubSpotCredentials, post: Post, *, clock: Callable[[], float]) -> Tokens:
    """The connection's tokens, by whichever way the credentials give."""
    given = Token(value=credentials.access_token) if credentials.access_token else None
    return Tokens(given, _fetch_of(credentials, post), on_new=credentials.on_new_token, clock=clock)


def _fetch_of(credentials: HubSpotCredentials, post: Post) -> Fetch | None:
    if credentials.token_source is not None:
        return _Asked(credentials.token_source)
    kept = credentials.refresh_tokens or OwnRefreshToken()
    return None if credentials.oauth is None else _Refreshed(*credentials.oauth, post, kept)


class _Refreshed:
    """Changes a refresh token for an access token; `Tokens` lets one thread at a time do so."""

    def __init__(
        self, client_id: str, client_secret: str, refresh_token: str, post: Post, kept: RefreshTokens
    ) -> None:
        self._app = {"client_id": client_id, "client_secret": client_secret}
        self._given = refresh_token
        self._post = post
        self._kept = kept

    def __call__(self) -> Token:
        with self._kept.using(self._given) as used:
            token = self._changed(used.value)
            if token.refresh_token:
                used.keep(token.refresh_token)
        return token

    def _changed(self, refresh_token: str) -> Token:
        form = {"grant_type": "refresh_token", **self._app, "refresh_token": refresh_token}
        refusal: AuthenticationError | None = None
        try:
            answer = self._post(form)
        except (RefusedError, AuthenticationError) as error:
            refusal = AuthenticationError(
                "HubSpot gives no access token for this refresh token, client id and secret "
                f"({error.code or error.status}): install the app in the portal anew",
                reason="refresh_refused",
                status=error.status,
                code=error.code,
                correlation_id=error.correlation_id,
            )
        if refusal is not None:
            raise refusal
        return self._read(answer.json(), refresh_token)

    @staticmethod
    def _read(told: Any, used: str) -> Token:
        value = told.get("access_token") if isinstance(told, dict) else None
        if not isinstance(value, str) or not _VALUE.fullmatch(value):
            raise AnswerError(
                "HubSpot's answer holds no access token: check the base URL", reason="no_access_token"
            )
        changed = told.get("refresh_token")
        if not isinstance(changed, str) or not changed or changed == used:
            changed = None
        return Token(value=value, expires_in=_seconds(told.get("expires_in")), refresh_token=changed)


class _Asked:
    """Asks the user's own function."""

    def __init__(self, source: TokenSource) -> None:
        self._source = source

    def __call__(self) -> Token:
        given: object = self._source()
        token = Token(value=given) if isinstance(given, str) else given
        if not isinstance(token, Token) or not _VALUE.fullmatch(token.value):
            raise AuthenticationError(
                "token_source gave no token: it must return the access token as text or as a Token",
                reason="no_access_token",
            )
        return token


def _seconds(value: Any) -> float | None:
    is_number = isinstance(value, int | Decimal) and not isinstance(value, bool)
    return float(value) if is_number and 0 < value <= _LONGEST_LIFE else None
