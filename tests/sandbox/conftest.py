"""Both sandboxes, running, whose faults each test sets by itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests

from closedloop.sandbox.hubspot import HubSpotSandbox
from closedloop.sandbox.salesforce import SalesforceSandbox, Timing

Call = Callable[..., requests.Response]


@pytest.fixture(scope="module")
def _salesforce() -> Iterator[SalesforceSandbox]:
    with SalesforceSandbox(timing=Timing(first_retry=0.001, longest_retry=0.01)) as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
def _hubspot() -> Iterator[HubSpotSandbox]:
    with HubSpotSandbox(webhook_backoff=0.001) as sandbox:
        yield sandbox


@pytest.fixture
def salesforce(_salesforce: SalesforceSandbox) -> Iterator[SalesforceSandbox]:
    """The module's org; what is wrong with it ends with the test."""
    yield _salesforce
    _salesforce.faults.clear()


@pytest.fixture
def hubspot(_hubspot: HubSpotSandbox) -> Iterator[HubSpotSandbox]:
    """The module's portal; what is wrong with it ends with the test."""
    yield _hubspot
    _hubspot.faults.clear()


@pytest.fixture(scope="module")
def _session() -> Iterator[requests.Session]:
    with requests.Session() as session:
        session.trust_env = False
        yield session


@pytest.fixture
def sf(salesforce: SalesforceSandbox, _session: requests.Session) -> Call:
    """Calls the org: `sf("GET", "/limits")`."""
    return _caller(_session, f"{salesforce.url}/services/data/v62.0", salesforce.access_token)


@pytest.fixture
def hs(hubspot: HubSpotSandbox, _session: requests.Session) -> Call:
    """Calls the portal: `hs("GET", "/crm/v3/objects/contacts")`."""
    return _caller(_session, hubspot.url, hubspot.access_token)


def _caller(session: requests.Session, base: str, token: str) -> Call:
    def call(method: str, path: str, **more: Any) -> requests.Response:
        more.setdefault("headers", {"Authorization": f"Bearer {token}"})
        more.setdefault("timeout", 10)
        return session.request(method, base + path, **more)

    return call
