"""Where a webhook goes: a subscriber's URL, taken apart and checked before anything is looked up."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from closedloop_server.subscriptions.problems import SubscriptionError

_LONGEST = 2000
_PLAIN = re.compile(r"[!-~]+\Z")
_NAME = re.compile(
    r"(?=.{1,253}\Z)[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)*\Z"
)
_NUMBER = re.compile(r"(0x[0-9a-f]*|[0-9]+)\Z")
_WEB = (80, 443)
_DEFAULTS = {"https": 443, "http": 80}


@dataclass(frozen=True, slots=True, kw_only=True)
class Destination:
    """A URL in its parts; `host` is a name in lower case or an IP address without brackets."""

    secure: bool
    host: str
    port: int
    target: str

    @property
    def host_header(self) -> str:
        """The Host header: the port only where it is not the scheme's own."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == (443 if self.secure else 80) else f"{host}:{self.port}"


def destination(url: str) -> Destination:
    """The parts of a subscriber's URL; SubscriptionError for one that no webhook should go to."""
    if len(url) > _LONGEST or not _PLAIN.match(url) or "\\" in url:
        raise _bad(
            f"it must be at most {_LONGEST} characters of ASCII without blanks and backslashes, a name "
            "with other letters in its xn-- form"
        )
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as exc:
        raise _bad("it is no URL, or its port is no number") from exc
    if parts.scheme not in _DEFAULTS:
        raise _bad("it must start with https://")
    if "@" in parts.netloc:
        raise _bad("it must not hold a user or a password: the signature says who calls")
    if "#" in url:
        raise _bad("it must not have a fragment (#…): no server ever sees one")
    host = _host(parts.hostname or "")
    port = _DEFAULTS[parts.scheme] if port is None else port
    if port not in _WEB and port < 1024:
        raise _bad("its port must be 80, 443 or from 1024 on: the others are not for the web")
    query = f"?{parts.query}" if parts.query else ""
    return Destination(
        secure=parts.scheme == "https", host=host, port=port, target=(parts.path or "/") + query
    )


def _host(host: str) -> str:
    """The host in the one form that is compared, looked up and shown to the other side."""
    if ":" in host:
        return _address(host)
    name = host.lower().removesuffix(".")
    if _NUMBER.match(name.rpartition(".")[2]):
        return _address(name)
    if not _NAME.match(name):
        raise _bad("its host is no name and no address")
    return name


def _address(host: str) -> str:
    # A resolver takes 2130706433, 0x7f.1 and 0177.0.0.1 for addresses too: here only the plain form is one.
    try:
        return str(ipaddress.ip_address(host))
    except ValueError as exc:
        raise _bad("its host is a number, but no address in the usual form, such as 203.0.113.7") from exc


def _bad(why: str) -> SubscriptionError:
    return SubscriptionError(
        f"the URL cannot be used: {why}. Expected one such as https://example.com/webhooks", reason="bad_url"
    )
