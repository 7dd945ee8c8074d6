"""How a connection comes by its access token: every flow that Salesforce has for programs.

All of them end in a `Fetch` that `Tokens` calls, once for all threads. What is sent and answered:
https://help.salesforce.com/s/articleView?id=xcloud.remoteaccess_oauth_flows.htm
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

from closedloop.crm.raw import Answer
from closedloop.crm.salesforce.answers import decoded, error_of
from closedloop.crm.salesforce.credentials import Flow, SalesforceCredentials, checked_origin
from closedloop.crm.salesforce.soap_login import login_request, token_of_login
from closedloop.crm.tokens import Fetch, OwnRefreshToken, Token, Tokens
from closedloop.errors import AnswerError, AuthenticationError, SettingsError

ASSERTION_LIFE = 180
"""Seconds that the signed assertion of the JWT bearer flow is valid; more than five minutes are refused."""

_TOKEN = re.compile(r"[\x21-\x7e]+")


class Post(Protocol):
    """Sends a form, or bytes, and gives the answer whatever its status."""

    def __call__(
        self, url: str, body: Mapping[str, str] | bytes, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """The answer; RetryableError when none came."""


def tokens(credentials: SalesforceCredentials, post: Post, *, now: Callable[[], float] = time.time) -> Tokens:
    """The tokens of a connection. SettingsError for a private key that cannot be used."""
    given = credentials.access_token
    return Tokens(
        Token(value=given, address=credentials.login_url) if given else None,
        _fetch(credentials, post, now),
        on_new=credentials.on_new_token,
    )


def _fetch(credentials: SalesforceCredentials, post: Post, now: Callable[[], float]) -> Fetch | None:
    match credentials.flow:
        case Flow.GIVEN:
            return None
        case Flow.SOURCE:
            return lambda: _from_source(credentials)
        case Flow.JWT:
            return _jwt_bearer(credentials, post, now)
        case Flow.REFRESH:
            return _Refresh(credentials, post)
        case Flow.SOAP:
            return lambda: _soap(credentials, post)
        case _:
            form = _form(credentials)
            return lambda: _granted(credentials, post, form)


def _form(credentials: SalesforceCredentials) -> dict[str, str]:
    """What the client credentials flow and the username-password flow send."""
    app = {"client_id": credentials.client_id or "", "client_secret": credentials.client_secret or ""}
    if credentials.flow is Flow.CLIENT:
        return {"grant_type": "client_credentials", **app}
    password = (credentials.password or "") + (credentials.security_token or "")
    return {"grant_type": "password", **app, "username": credentials.username or "", "password": password}


def _granted(credentials: SalesforceCredentials, post: Post, form: Mapping[str, str]) -> Token:
    return token_of(post(f"{credentials.login_url}/services/oauth2/token", form))


class _Refresh:
    """The refresh token flow. An app that rotates refresh tokens voids the old one with every use, and takes
    its use as a theft that ends all tokens (Help 005316711): so the newest is used, and handed out."""

    def __init__(self, credentials: SalesforceCredentials, post: Post) -> None:
        self._credentials = credentials
        self._post = post
        self._kept = credentials.refresh_tokens or OwnRefreshToken()

    def __call__(self) -> Token:
        with self._kept.using(self._credentials.refresh_token or "") as used:
            form = {
                "grant_type": "refresh_token",
                "client_id": self._credentials.client_id or "",
                "refresh_token": used.value,
            }
            if self._credentials.client_secret:
                form["client_secret"] = self._credentials.client_secret
            token = _granted(self._credentials, self._post, form)
            if token.refresh_token:
                used.keep(token.refresh_token)
        return token


def _jwt_bearer(credentials: SalesforceCredentials, post: Post, now: Callable[[], float]) -> Fetch:
    """https://help.salesforce.com/s/articleView?id=xcloud.remoteaccess_oauth_jwt_flow.htm"""
    import jwt  # noqa: PLC0415 - it and cryptography take a while to import, and other flows need neither

    key = _private_key(credentials)

    def fetch() -> Token:
        claims = {
            "iss": credentials.client_id,
            "sub": credentials.username,
            "aud": credentials.audience or _audience(credentials.login_url),
            "exp": int(now()) + ASSERTION_LIFE,
        }
        grant = {
            "grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer",
            "assertion": jwt.encode(claims, key, algorithm="RS256"),
        }
        return _granted(credentials, post, grant)

    return fetch


def _audience(login_url: str) -> str:
    """Whom the assertion is for: production, or the sandboxes, whose My Domain says so."""
    host = urlsplit(login_url).hostname or ""
    sandbox = host == "test.salesforce.com" or host.endswith(".sandbox.my.salesforce.com")
    return "https://test.salesforce.com" if sandbox else "https://login.salesforce.com"


def _private_key(credentials: SalesforceCredentials) -> Any:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey  # noqa: PLC0415 - see above
    from cryptography.hazmat.primitives.serialization import load_pem_private_key  # noqa: PLC0415

    text = credentials.private_key or _read(credentials.private_key_file or "")
    try:
        key = load_pem_private_key(text.encode(), password=None)
    except (ValueError, TypeError, UnicodeEncodeError):
        key = None
    if not isinstance(key, RSAPrivateKey):
        # Not "from": what the library quotes may be a part of the key.
        raise SettingsError(
            "the private key cannot be used: expected an RSA key in PEM (-----BEGIN PRIVATE KEY-----), "
            "without a passphrase, and not the certificate that was uploaded to Salesforce",
            reason="bad_private_key",
        ) from None
    return key


def _read(path: Path | str) -> str:
    try:
        return Path(path).read_text(encoding="ascii")
    except (OSError, ValueError) as exc:
        raise SettingsError(
            f"private_key_file {path} cannot be read ({type(exc).__name__}): check the path and the rights",
            reason="bad_private_key",
        ) from exc


def _from_source(credentials: SalesforceCredentials) -> Token:
    source = credentials.token_source
    given: object = source() if source else None
    token = Token(value=given) if isinstance(given, str) else given
    if not isinstance(token, Token) or not _TOKEN.fullmatch(token.value):
        raise AuthenticationError(
            "token_source gave no token: return its text, or closedloop.crm.tokens.Token with its address",
            reason="no_token",
        )
    if token.address is None:
        return Token(value=token.value, address=credentials.login_url, expires_in=token.expires_in)
    checked_origin(token.address, "the address of token_source's token")
    return token


def _soap(credentials: SalesforceCredentials, post: Post) -> Token:
    password = (credentials.password or "") + (credentials.security_token or "")
    body = login_request(credentials.username or "", password)
    answer = post(
        f"{credentials.login_url}/services/Soap/u/{credentials.api_version}",
        body,
        {"Content-Type": "text/xml; charset=utf-8", "SOAPAction": '""'},
    )
    value, address = token_of_login(answer)
    return _checked(value, address)


def token_of(answer: Answer) -> Token:
    """The token in an answer of the token endpoint; the error that it is, if it is one."""
    body = decoded(answer.body)
    if answer.status != 200:
        raise error_of(answer.status, body, answer.headers)
    told = body if isinstance(body, dict) else {}
    token = _checked(told.get("access_token"), told.get("instance_url"))
    life, refresh = told.get("expires_in"), told.get("refresh_token")
    return Token(
        value=token.value,
        address=token.address,
        expires_in=float(life) if isinstance(life, int) and life > 0 else None,
        refresh_token=refresh if isinstance(refresh, str) and refresh else None,
    )


def _checked(value: object, address: object) -> Token:
    if not (isinstance(value, str) and _TOKEN.fullmatch(value) and isinstance(address, str)):
        raise AnswerError(
            "this is not the answer of Salesforce's login: expected a token and the address it is for; "
            "check login_url and any proxy",
            reason="not_the_api",
        )
    try:
        return Token(value=value, address=checked_origin(address, "instance_url"))
    except SettingsError as exc:
        raise AnswerError(
            f"Salesforce sent an unusable address: {exc.message}", reason="bad_instance"
        ) from exc
