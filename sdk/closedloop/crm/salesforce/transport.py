"""The HTTP session under the client library: timeouts, no redirects, and plain http to this machine only."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter

from closedloop.crm.salesforce.credentials import is_loopback


class Session(requests.Session):
    """A session with timeouts, without redirects (a token must not travel on) and without ~/.netrc,
    which would replace the token."""

    def __init__(self, timeouts: tuple[float, float], note_usage: Callable[[str], None]) -> None:
        super().__init__()
        self._timeouts = timeouts
        self._note_usage = note_usage
        self.auth = lambda request: request

    def request(self, method: str | bytes, url: str | bytes, *args: Any, **kwargs: Any) -> requests.Response:
        kwargs.setdefault("timeout", self._timeouts)
        response = super().request(method, url, *args, **{**kwargs, "allow_redirects": False})
        self._note_usage(response.headers.get("Sforce-Limit-Info", ""))
        return response

    def reach(self, instance: str) -> None:
        """Lets a plain-http address of this machine be reached: the library knows https only."""
        parts = urlsplit(instance)
        if parts.scheme == "http" and is_loopback(parts.hostname or ""):
            self.trust_env = False
            self.mount(f"https://{parts.netloc}/", PlainHttp())


class PlainHttp(HTTPAdapter):
    """Sends what the library addressed to https:// to http:// instead."""

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        request.url = "http" + (request.url or "").removeprefix("https")
        return super().send(request, *args, **kwargs)


def decoded(response: requests.Response) -> Any:
    """The decoded JSON of an answer, else its text."""
    try:
        return response.json()
    except requests.exceptions.JSONDecodeError:
        return response.text
