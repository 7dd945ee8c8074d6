"""Takes requests for the CRMs' real addresses to sandboxes, so that code under test runs as it is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch
from urllib.parse import SplitResult, urlsplit, urlunsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3 import PoolManager

SALESFORCE_HOSTS = (".salesforce.com", ".force.com")
HUBSPOT_HOSTS = ("api.hubapi.com", "api.hubspot.com")


class Detour:
    """Where the hosts of Salesforce and of HubSpot really are: at the URLs of sandboxes.

    `targets` are the sandboxes' URLs by the ends of host names. A sandbox's own address is taken to it with
    https too: some clients make that of whatever address they are given.
    """

    def __init__(self, targets: Mapping[str, str]) -> None:
        self._targets = targets
        self._own = {urlsplit(url).netloc: url for url in targets.values()}

    def of(self, url: str) -> str:
        """The address to call instead; the same one for a host of nobody's."""
        parts = urlsplit(url)
        target = self._own.get(parts.netloc) or self._target(parts)
        if target is None:
            return url
        there = urlsplit(target)
        return urlunsplit((there.scheme, there.netloc, parts.path, parts.query, parts.fragment))

    def session(self) -> requests.Session:
        """A session that goes this way, whatever proxies this machine has."""
        session = requests.Session()
        session.trust_env = False
        adapter = _Adapter(self)
        session.mount("https://", adapter)
        session.mount("http://", adapter)
        return session

    @contextmanager
    def everywhere(self) -> Iterator[None]:
        """Sends every client of `requests` and of urllib3's PoolManager in this process this way."""
        send, urlopen = HTTPAdapter.send, PoolManager.urlopen

        def sent(adapter: HTTPAdapter, request: requests.PreparedRequest, *args: Any, **more: Any) -> Any:
            return _sent(self, lambda changed: send(adapter, changed, *args, **more), request)

        def opened(pool: PoolManager, method: str, url: str, *args: Any, **more: Any) -> Any:
            return urlopen(pool, method, self.of(url), *args, **more)

        with patch.object(HTTPAdapter, "send", sent), patch.object(PoolManager, "urlopen", opened):
            yield

    def _target(self, parts: SplitResult) -> str | None:
        host = f".{parts.hostname or ''}"
        return next((url for end, url in self._targets.items() if host.endswith(f".{end.lstrip('.')}")), None)


class _Adapter(HTTPAdapter):
    """Calls the sandbox, and answers as the address that was asked for."""

    def __init__(self, detour: Detour) -> None:
        self._detour = detour
        super().__init__()

    def send(self, request: requests.PreparedRequest, *args: Any, **more: Any) -> requests.Response:
        """Sends the request to the sandbox if it is for one."""
        return _sent(
            self._detour, lambda changed: super(_Adapter, self).send(changed, *args, **more), request
        )


def _sent(detour: Detour, send: Any, request: requests.PreparedRequest) -> requests.Response:
    asked = request.url or ""
    changed = request.copy()
    changed.url = detour.of(asked)
    answer: requests.Response = send(changed)
    answer.request, answer.url = request, asked
    return answer
