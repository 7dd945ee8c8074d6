"""What it takes to call a HubSpot portal."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from closedloop.errors import SettingsError

# The smallest published allowances (private app on Free or Starter; search has a bucket of its own):
# developers.hubspot.com/docs/developer-tooling/platform/usage-guidelines
CALLS_PER_10_SECONDS = 100
SEARCHES_PER_SECOND = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class HubSpotCredentials:
    """The token of a service key or private app, and where to use it.

    `calls_per_10_seconds` and `searches_per_second` say how fast to call: None is HubSpot's smallest
    allowance (100 and 5), or no limit at all towards this machine; a Professional or Enterprise portal
    may set 190. `report_calls_per_poll` is how many calls one poll may spend on re-reading the
    campaigns' contact reports; it is passed over for one campaign at most, so that every poll gets on.
    """

    access_token: str = field(repr=False)
    base_url: str = "https://api.hubapi.com"
    calls_per_10_seconds: int | None = None
    searches_per_second: int | None = None
    report_calls_per_poll: int = 100

    def __post_init__(self) -> None:
        if not self.access_token.strip() or not self.access_token.isascii():
            raise SettingsError("the HubSpot access token is empty or not ASCII: copy it from the app's page")
        for name in ("calls_per_10_seconds", "searches_per_second"):
            if (getattr(self, name) or 1) < 1:
                raise SettingsError(f"{name} must be 1 or more, or left out")
        _check_url(self.base_url)

    @property
    def call_limit(self) -> int | None:
        """How many calls ten seconds allow; None for any number."""
        return self.calls_per_10_seconds or (None if self._is_local else CALLS_PER_10_SECONDS)

    @property
    def search_limit(self) -> int | None:
        """How many searches a second allows; None for any number."""
        return self.searches_per_second or (None if self._is_local else SEARCHES_PER_SECOND)

    @property
    def _is_local(self) -> bool:
        return _is_loopback(urlsplit(self.base_url).hostname or "")


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
