"""The pytest plugin: sandboxes of Salesforce and HubSpot as fixtures. It costs nothing until a test asks.

def test_a_lead_is_disqualified(closedloop_sandbox):
    lead = closedloop_sandbox.salesforce.org.insert("Lead", {"LastName": "Meyer", "Company": "Acme"})
    disqualify(closedloop_sandbox.salesforce.client, lead)  # a simple_salesforce.Salesforce

@pytest.mark.closedloop(world=1000, seed=7, faults={"rules": [{"fault": "rate_limit", "every": 10}]})
def test_a_sync_survives(closedloop_hubspot): ...
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from closedloop.testing.ready import ReadyHubSpot, ReadySalesforce, ReadySandboxes, Wishes

# Nothing else of ours at the top: pytest imports this module wherever the package is installed.

_MARKER = (
    "closedloop(world=None, seed=1, faults=None, salesforce=None, hubspot=None): how the sandboxes of a test "
    "are: the number of people of the world in them, its seed, a fault plan, and further arguments of each."
)


def pytest_configure(config: pytest.Config) -> None:
    """Tells pytest about the marker."""
    config.addinivalue_line("markers", _MARKER)


@pytest.fixture
def closedloop_sandbox(request: pytest.FixtureRequest) -> Iterator[ReadySandboxes]:
    """Both sandboxes, running and fresh: `.salesforce`, `.hubspot`, and `.session` for both."""
    with _module().ready_sandboxes(_wishes(request)) as ready:
        yield ready


@pytest.fixture
def closedloop_salesforce(request: pytest.FixtureRequest) -> Iterator[ReadySalesforce]:
    """A Salesforce org, running and fresh: `.org`, `.url`, `.crm`, `.client`, `.session`, `.faults`."""
    with _module().ready_salesforce(_wishes(request)) as ready:
        yield ready


@pytest.fixture
def closedloop_hubspot(request: pytest.FixtureRequest) -> Iterator[ReadyHubSpot]:
    """A HubSpot portal, running and fresh: `.portal`, `.url`, `.crm`, `.client`, `.session`, `.faults`."""
    with _module().ready_hubspot(_wishes(request)) as ready:
        yield ready


@pytest.fixture
def closedloop_detour(closedloop_sandbox: ReadySandboxes) -> Iterator[ReadySandboxes]:
    """Both sandboxes, and every client in the process that calls the real addresses is taken to them."""
    with closedloop_sandbox.detour.everywhere():
        yield closedloop_sandbox


def _module() -> ModuleType:
    try:
        return import_module("closedloop.testing.ready")  # only now: see above
    except ModuleNotFoundError as missing:
        if (missing.name or "").startswith("closedloop"):
            raise
        raise pytest.UsageError(
            f'the fixtures of closedloop need {missing.name}: pip install "closedloop[sandbox]"'
        ) from None


def _wishes(request: pytest.FixtureRequest) -> Wishes:
    marker = request.node.get_closest_marker("closedloop")
    if marker is None:
        wishes: Wishes = _module().Wishes()
        return wishes
    try:
        wishes = _module().Wishes(*marker.args, **marker.kwargs)
    except TypeError:
        raise pytest.UsageError(f"@pytest.mark.closedloop takes only these, by name: {_MARKER}") from None
    except ValueError as wrong:
        raise pytest.UsageError(f"@pytest.mark.closedloop: {wrong}") from None
    return wishes
