"""A running portal, HubSpot's own client connected to it, and plain requests for what the client hides."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests
from hubspot import HubSpot

from closedloop.sandbox.hubspot import HubSpotSandbox, Portal

Call = Callable[..., requests.Response]
NOW = datetime(2026, 11, 20, 14, 3, tzinfo=UTC)


class Clock:
    """Stands still until a test moves it."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now

    def passes(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def sandbox() -> Iterator[HubSpotSandbox]:
    with HubSpotSandbox(webhook_backoff=0.0002) as running:
        yield running


@pytest.fixture
def portal(sandbox: HubSpotSandbox) -> Portal:
    return sandbox.portal


@pytest.fixture
def hub(sandbox: HubSpotSandbox) -> Any:
    """HubSpot's own client, unmodified."""
    return HubSpot(access_token=sandbox.access_token, host=sandbox.url, base_url=sandbox.url, retry=False)


@pytest.fixture
def call(sandbox: HubSpotSandbox) -> Iterator[Call]:
    """Calls the API: `call("POST", "/crm/v3/objects/contacts", json={...})`."""
    with requests.Session() as session:
        session.trust_env = False
        session.headers["Authorization"] = f"Bearer {sandbox.access_token}"

        def send(method: str, path: str, **more: Any) -> requests.Response:
            return session.request(method, sandbox.url + path, timeout=10, **more)

        yield send


@pytest.fixture
def contact(portal: Portal) -> str:
    return portal.create("contacts", {"email": "ada@example.com", "firstname": "Ada"}, at=NOW)
