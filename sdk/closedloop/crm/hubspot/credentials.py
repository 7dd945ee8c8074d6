"""What it takes to call a HubSpot portal."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from urllib.parse import urlsplit

from closedloop.crm.hubspot.cursor import OVERLAP
from closedloop.crm.hubspot.paths import VERSIONS
from closedloop.crm.tokens import RefreshTokens, Token
from closedloop.errors import SettingsError

# The smallest published allowances (private app on Free or Starter; search has a bucket of its own):
# developers.hubspot.com/docs/developer-tooling/platform/usage-guidelines
CALLS_PER_10_SECONDS = 100
SEARCHES_PER_SECOND = 5

TokenSource = Callable[[], Token | str]
"""Gives a token when one is needed and whenever the last one was not accepted any more."""

_VISIBLE = re.compile(r"[!-~]+", re.ASCII)
_OAUTH = ("client_id", "client_secret", "refresh_token")
_WAYS = (
    "give access_token (of a service key or private app), or client_id, client_secret and refresh_token "
    "(of an OAuth app), or token_source (a function that gives a token)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class HubSpotCredentials:
    """How to come by an access token, and where to use it. SettingsError when that cannot work. One of:

    - `access_token`: of a service key or private app. It does not expire.
    - `client_id`, `client_secret` and `refresh_token`: of an OAuth app. Its access tokens last half an
      hour and are renewed in time.
    - `token_source`: a function without arguments that gives the token, as text or as a `Token`; it is
      called again when the token expires or is refused.

    An `access_token` beside one of the others is merely the first token. `on_new_token` is told every token
    that was fetched: keep its `refresh_token`, where it has one, for HubSpot has changed it.
    `refresh_tokens` keeps the newest refresh token where several processes share a connection.
    `api_version` is "v3" for the numbered paths, or a dated one. `daily_budget` is how many calls this
    connection may make in any 24 hours.

    `calls_per_10_seconds` and `searches_per_second` say how fast to call: None is HubSpot's smallest
    allowance (100 and 5), or no limit at all towards this machine; a Professional or Enterprise portal
    may set 190. `report_calls_per_poll` is how many calls one poll may spend on re-reading the
    campaigns' contact reports; it is passed over for one campaign at most, so that every poll gets on.
    `overlap` is by how much HubSpot's search index may be late: `changes` reads that much again.
    """

    access_token: str | None = field(default=None, repr=False)
    client_id: str | None = None
    client_secret: str | None = field(default=None, repr=False)
    refresh_token: str | None = field(default=None, repr=False)
    token_source: TokenSource | None = field(default=None, repr=False)
    on_new_token: Callable[[Token], None] | None = field(default=None, repr=False)
    refresh_tokens: RefreshTokens | None = field(default=None, repr=False)
    base_url: str = "https://api.hubapi.com"
    api_version: str = "v3"
    daily_budget: int | None = None
    calls_per_10_seconds: int | None = None
    searches_per_second: int | None = None
    report_calls_per_poll: int = 100
    overlap: timedelta = OVERLAP

    def __post_init__(self) -> None:
        self._check_way()
        for name in ("access_token", *_OAUTH):
            value = getattr(self, name)
            if value is not None and not (isinstance(value, str) and _VISIBLE.fullmatch(value)):
                raise SettingsError(
                    f"the HubSpot {name} is empty, not ASCII or holds a space or line break: "
                    "copy it from the app's page"
                )
        for name in ("daily_budget", "calls_per_10_seconds", "searches_per_second"):
            if (1 if (most := getattr(self, name)) is None else most) < 1:
                raise SettingsError(f"{name} must be 1 or more, or left out")
        if self.api_version not in VERSIONS:
            raise SettingsError(
                f"the HubSpot API has no version {self.api_version!r}: use {', '.join(VERSIONS)}"
            )
        _check_url(self.base_url)
        _check_overlap(self.overlap)

    @property
    def call_limit(self) -> int | None:
        """How many calls ten seconds allow; None for any number."""
        return self.calls_per_10_seconds or (None if self._is_local else CALLS_PER_10_SECONDS)

    @property
    def search_limit(self) -> int | None:
        """How many searches a second allows; None for any number."""
        return self.searches_per_second or (None if self._is_local else SEARCHES_PER_SECOND)

    @property
    def oauth(self) -> tuple[str, str, str] | None:
        """Client id, client secret and refresh token of an OAuth app, if these are its credentials."""
        if self.client_id is None or self.client_secret is None or self.refresh_token is None:
            return None
        return self.client_id, self.client_secret, self.refresh_token

    @property
    def _is_local(self) -> bool:
        return _is_loopback(urlsplit(self.base_url).hostname or "")

    def _check_way(self) -> None:
        """Refuses credentials that are none, half, or of two kinds."""
        given = [name for name in _OAUTH if getattr(self, name) is not None]
        missing = [name for name in _OAUTH if name not in given]
        if given and missing:
            raise SettingsError(f"HubSpot's OAuth also needs {' and '.join(missing)}")
        if self.token_source is not None and given:
            raise SettingsError(f"HubSpot's credentials contradict each other: {_WAYS}")
        if not given and self.token_source is None and self.access_token is None:
            raise SettingsError(f"HubSpot needs credentials: {_WAYS}", reason="no_credentials")


def _check_overlap(overlap: object) -> None:
    if not (isinstance(overlap, timedelta) and timedelta() <= overlap <= timedelta(days=1)):
        raise SettingsError(
            "overlap is no timedelta between nothing and a day: give one like timedelta(minutes=5)",
            reason="bad_overlap",
        )


def _check_url(url: str) -> None:
    """Refuses what would send the token in the clear, or elsewhere than it seems."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        _ = parts.port
    except ValueError:
        raise SettingsError("the HubSpot base URL is malformed: expected https://api.hubapi.com") from None
    if not host or parts.username is not None or parts.query or parts.fragment or parts.path.strip("/"):
        raise SettingsError("the HubSpot base URL must be a scheme and a host: https://api.hubapi.com")
    if parts.scheme != "https" and not (parts.scheme == "http" and _is_loopback(host)):
        raise SettingsError("the HubSpot base URL must use https; http is for this machine only")


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
