"""How to reach and enter one Salesforce org."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass, field
from urllib.parse import SplitResult, urlsplit

from closedloop.errors import SettingsError

_SHARED_HOSTS = frozenset({"login.salesforce.com", "test.salesforce.com"})


@dataclass(frozen=True, slots=True, kw_only=True)
class SalesforceCredentials:
    """The org's own address and either an External Client App's id and secret, or an access token.

    `login_url` is `https://<my domain>.my.salesforce.com`. With a client id and secret the token is
    fetched, and fetched again when it expires; an access token alone works until it expires.
    `currency` is the ISO code of an org that has a single one: such an org names it nowhere over REST.
    Raises SettingsError when they cannot work.
    """

    login_url: str
    client_id: str | None = None
    client_secret: str | None = field(default=None, repr=False)
    access_token: str | None = field(default=None, repr=False)
    api_version: str = "62.0"
    currency: str | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "login_url", checked_origin(self.login_url, "login_url"))
        if not re.fullmatch(r"\d{2}\.0", self.api_version):
            raise SettingsError(
                f"api_version is {self.api_version!r}: write it like '62.0'", reason="bad_api_version"
            )
        if self.currency is not None and not re.fullmatch(r"[A-Z]{3}", self.currency):
            raise SettingsError(
                f"currency is {self.currency!r}: write its ISO code, like 'EUR'", reason="bad_currency"
            )
        if bool(self.client_id) != bool(self.client_secret):
            raise SettingsError(
                "client_id and client_secret belong together: give both or neither", reason="half_credentials"
            )
        if not (self.client_id or self.access_token):
            raise SettingsError(
                "no credentials: give client_id and client_secret, or access_token", reason="no_credentials"
            )
        # The client-credentials flow exists on My Domain only (reference of the OAuth flow).
        if self.client_id and urlsplit(self.login_url).hostname in _SHARED_HOSTS:
            raise SettingsError(
                "login_url is every org's: give this org's own, https://<my domain>.my.salesforce.com",
                reason="shared_login_url",
            )

    @property
    def renewable(self) -> bool:
        """Whether a new token can be fetched when the present one expires."""
        return bool(self.client_id)


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
