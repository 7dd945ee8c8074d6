"""How to reach and enter one Salesforce org."""

from __future__ import annotations

import ipaddress
import re
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from urllib.parse import SplitResult, urlsplit

from closedloop.crm.salesforce.cursor import OVERLAP
from closedloop.crm.tokens import RefreshTokens, Token
from closedloop.errors import SettingsError

TokenSource = Callable[[], Token | str]
"""Gives a token when one is needed and whenever the last one was not accepted any more. Text alone is a
token for the org at `login_url`."""


class Flow(StrEnum):
    """The ways to come by an access token."""

    SOURCE = "token source"
    JWT = "JWT bearer"
    REFRESH = "refresh token"
    PASSWORD = "username and password"  # noqa: S105 - a name
    SOAP = "SOAP login"
    CLIENT = "client credentials"
    GIVEN = "access token"


class BulkUse(StrEnum):
    """When Bulk API 2.0 jobs are used to read and write."""

    AUTO = "auto"
    """Where they take fewer calls."""
    NEVER = "never"
    ALWAYS = "always"


@dataclass(frozen=True, slots=True)
class _Recipe:
    """What a flow needs and may have besides the field that tells that it is meant."""

    needs: tuple[str, ...] = ()
    may: tuple[str, ...] = ()


_RECIPES: Mapping[Flow, _Recipe] = MappingProxyType(
    {
        Flow.SOURCE: _Recipe(may=("token_source",)),
        Flow.JWT: _Recipe(
            needs=("client_id", "username"), may=("private_key", "private_key_file", "audience")
        ),
        Flow.REFRESH: _Recipe(needs=("client_id", "refresh_token"), may=("client_secret",)),
        Flow.PASSWORD: _Recipe(
            needs=("client_id", "client_secret", "username", "password"), may=("security_token",)
        ),
        Flow.SOAP: _Recipe(needs=("username", "password"), may=("security_token",)),
        Flow.CLIENT: _Recipe(needs=("client_id", "client_secret")),
        Flow.GIVEN: _Recipe(),
    }
)

_LEGACY: Mapping[Flow, str] = MappingProxyType(
    {
        # Help 000886201; the org's switch is OauthOidcSettings.blockOAuthUnPwFlow.
        Flow.PASSWORD: "the OAuth username-password flow is deprecated, and orgs can switch it off",
        # Help 005132110.
        Flow.SOAP: "the SOAP login is off in new orgs, absent from API 65.0 on, and ends on 2027-06-01",
    }
)

_DAY = timedelta(days=1)
_SHARED_HOSTS = frozenset({"login.salesforce.com", "test.salesforce.com"})
_NO_SOAP_LOGIN = 65.0  # the first API version without it (Help 005132110)
_OPAQUE = ("client_id", "client_secret", "access_token", "refresh_token", "security_token")
_TEXTS = (*_OPAQUE, "login_url", "username", "private_key", "audience", "password", "api_version", "currency")
_WAYS = (
    "give one of: client_id + client_secret; client_id + username + private_key; "
    "client_id + refresh_token; token_source; access_token"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SalesforceCredentials:
    """The org's address and one way in. Raises SettingsError when they cannot work.

    `login_url` is `https://<my domain>.my.salesforce.com`; flows that name a user also take
    `https://login.salesforce.com` and `https://test.salesforce.com`. The ways in, best first:

    - client credentials: `client_id`, `client_secret`;
    - JWT bearer: `client_id`, `username`, and `private_key` (PEM text) or `private_key_file`; `audience` is
      that of production or of sandboxes, by the login URL, unless given;
    - refresh token: `client_id`, `refresh_token`, and `client_secret` if the app demands it;
    - `token_source`: a function of yours that gives a token whenever a new one is needed;
    - `access_token` alone, until it expires; with one of the others it is merely the first token;
    - legacy, with a DeprecationWarning: `username`, `password` and `security_token`, with `client_id` and
      `client_secret` as OAuth username-password, without them as SOAP login (ends on 2027-06-01).

    `on_new_token` is called with every token that was fetched: keep its `refresh_token` if it has one, for
    the old one may be void; other threads wait for it, so it must not use the connection itself.
    `refresh_tokens` keeps the newest refresh token where several processes share a connection.
    `daily_budget` is how many API calls this connection may make in any 24 hours.
    `currency` is the ISO code of an org that has a single one: such an org names it nowhere over REST.
    `bulk` says when Bulk 2.0 jobs are used: auto (where they take fewer calls), never or always. `overlap` is
    how long after its time stamp a record may still appear, because its transaction took that long.
    """

    login_url: str
    client_id: str | None = None
    client_secret: str | None = field(default=None, repr=False)
    access_token: str | None = field(default=None, repr=False)
    username: str | None = field(default=None, repr=False)
    private_key: str | None = field(default=None, repr=False)
    private_key_file: Path | str | None = None
    audience: str | None = None
    refresh_token: str | None = field(default=None, repr=False)
    password: str | None = field(default=None, repr=False)
    security_token: str | None = field(default=None, repr=False)
    token_source: TokenSource | None = field(default=None, repr=False)
    on_new_token: Callable[[Token], None] | None = field(default=None, repr=False)
    refresh_tokens: RefreshTokens | None = field(default=None, repr=False)
    daily_budget: int | None = None
    api_version: str = "62.0"
    currency: str | None = None
    bulk: BulkUse | str = BulkUse.AUTO
    overlap: timedelta = OVERLAP

    def __post_init__(self) -> None:
        _check_forms(self)
        object.__setattr__(self, "login_url", checked_origin(self.login_url, "login_url"))
        _check_complete(self)
        _check_host(self)
        if self.flow is Flow.SOAP and float(self.api_version) >= _NO_SOAP_LOGIN:
            raise SettingsError(
                f"api_version {self.api_version} has no SOAP login: use client_id and client_secret",
                reason="no_soap_login",
            )
        if legacy := _LEGACY.get(self.flow):
            # 1 is this line, 2 the generated __init__, 3 who makes the credentials.
            warnings.warn(f"{legacy}: use client credentials or JWT bearer", DeprecationWarning, stacklevel=3)

    @property
    def flow(self) -> Flow:
        """The way in that these credentials mean."""
        if self.token_source is not None:
            return Flow.SOURCE
        if self.private_key or self.private_key_file:
            return Flow.JWT
        if self.refresh_token:
            return Flow.REFRESH
        if self.password:
            return Flow.PASSWORD if self.client_id or self.client_secret else Flow.SOAP
        return Flow.CLIENT if self.client_id or self.client_secret else Flow.GIVEN

    @property
    def renewable(self) -> bool:
        """Whether a new token can be fetched when the present one expires."""
        return self.flow is not Flow.GIVEN


def _check_forms(credentials: SalesforceCredentials) -> None:
    """Each value by itself."""
    for name in _TEXTS:
        value = getattr(credentials, name)
        if value is not None and not isinstance(value, str):
            raise SettingsError(f"{name} is {type(value).__name__}: give text", reason="not_text")
        if name in _OPAQUE and value and not re.fullmatch(r"[\x21-\x7e]+", value):
            raise SettingsError(
                f"{name} holds a space, a line break or another character that none has: copy it again",
                reason="bad_characters",
            )
    if not re.fullmatch(r"\d{2}\.0", credentials.api_version):
        raise SettingsError(
            f"api_version is {credentials.api_version!r}: write it like '62.0'", reason="bad_api_version"
        )
    if credentials.currency is not None and not re.fullmatch(r"[A-Z]{3}", credentials.currency):
        raise SettingsError(
            f"currency is {credentials.currency!r}: write its ISO code, like 'EUR'", reason="bad_currency"
        )
    if credentials.audience and not credentials.audience.startswith("https://"):
        raise SettingsError(
            "audience is not a URL: leave it out, or give https://login.salesforce.com, "
            "https://test.salesforce.com or the address of a site",
            reason="bad_audience",
        )
    budget: object = credentials.daily_budget
    if budget is not None and (isinstance(budget, bool) or not isinstance(budget, int) or budget < 1):
        raise SettingsError(
            f"daily_budget is {budget!r}: give a number of calls, at least 1, or nothing", reason="bad_budget"
        )
    if credentials.bulk not in set(BulkUse):
        raise SettingsError(
            f"bulk is {credentials.bulk!r}: choose one of {', '.join(BulkUse)}", reason="bad_bulk"
        )
    overlap: object = credentials.overlap
    if not (isinstance(overlap, timedelta) and timedelta() <= overlap <= _DAY):
        raise SettingsError(
            "overlap is no timedelta between nothing and a day: give one like timedelta(minutes=5)",
            reason="bad_overlap",
        )


def _check_complete(credentials: SalesforceCredentials) -> None:
    """All that the flow needs, and nothing that means another one."""
    flow, recipe = credentials.flow, _RECIPES[credentials.flow]
    known = {name for each in _RECIPES.values() for name in (*each.needs, *each.may)}
    given = {name for name in known if getattr(credentials, name)}
    if missing := [name for name in recipe.needs if name not in given]:
        raise SettingsError(f"{flow} lacks {' and '.join(missing)}: {_WAYS}", reason="half_credentials")
    if extra := sorted(given.difference(recipe.needs, recipe.may)):
        meant = f"{flow} does not take {' and '.join(extra)}"
        if flow is Flow.GIVEN:
            raise SettingsError(f"{', '.join(extra)} alone is no way in: {_WAYS}", reason="half_credentials")
        raise SettingsError(f"{meant}: {_WAYS}", reason="contradictory_credentials")
    if flow is Flow.GIVEN and not credentials.access_token:
        raise SettingsError(f"no credentials: {_WAYS}", reason="no_credentials")
    if credentials.private_key and credentials.private_key_file:
        raise SettingsError(
            "private_key and private_key_file are both given: keep one", reason="contradictory_credentials"
        )


def _check_host(credentials: SalesforceCredentials) -> None:
    """The client-credentials flow exists on My Domain only (reference of the OAuth flow), and a token that
    was given without its address is one for the login URL."""
    if urlsplit(credentials.login_url).hostname not in _SHARED_HOSTS:
        return
    if credentials.flow is Flow.CLIENT or credentials.access_token:
        raise SettingsError(
            "login_url is every org's: give this org's own, https://<my domain>.my.salesforce.com",
            reason="shared_login_url",
        )


def checked_origin(url: str, name: str) -> str:
    """The scheme, host and port of `url`; plain http only to this machine. SettingsError otherwise."""
    try:
        parts = urlsplit(url)
        origin = _origin(parts)
    except ValueError as exc:
        raise SettingsError(f"{name} is not a URL: expected https://<host>", reason="bad_url") from exc
    if parts.scheme == "http" and not is_loopback(parts.hostname or ""):
        raise SettingsError(
            f"{name} is plain http: use https (http is allowed to this machine only)", reason="plain_http"
        )
    return origin


def _origin(parts: SplitResult) -> str:
    """Raises ValueError for anything but http(s)://host[:port][/]; a path or user would be lost silently."""
    extras = (parts.username, parts.password, parts.query, parts.fragment, parts.path.strip("/"))
    if parts.scheme not in {"http", "https"} or not parts.hostname or any(extras):
        raise ValueError(parts.scheme)
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{parts.scheme}://{host}" + (f":{parts.port}" if parts.port else "")


def is_loopback(host: str) -> bool:
    """Whether the host is this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
