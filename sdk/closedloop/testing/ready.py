"""Sandboxes that are running, with what a test needs to talk to them, made when it is asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from typing import TYPE_CHECKING, Any

from closedloop.crm.registry import connect
from closedloop.sandbox.hubspot import HubSpotSandbox, Portal
from closedloop.sandbox.salesforce import Org, SalesforceSandbox
from closedloop.testing.detour import HUBSPOT_HOSTS, SALESFORCE_HOSTS, Detour

if TYPE_CHECKING:
    import requests

    from closedloop.crm.hubspot import HubSpotCrm
    from closedloop.crm.salesforce import SalesforceCrm
    from closedloop.sandbox.faults import PlanLike
    from closedloop.sandbox.filling import Filled
    from closedloop.sandbox.hubspot.faults import HubSpotFaults
    from closedloop.sandbox.salesforce.faults import SalesforceFaults


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """How a test wants its sandboxes: what `@pytest.mark.closedloop` may say.

    `world` is how many people live in the market that they are filled with, drawn from `seed`; None leaves
    them empty. `faults` is a plan, or the path of a file with one. `salesforce` and `hubspot` are further
    arguments of `SalesforceSandbox` and `HubSpotSandbox`.
    """

    world: int | None = None
    seed: int = 1
    faults: PlanLike | None = None
    salesforce: Mapping[str, Any] | None = None
    hubspot: Mapping[str, Any] | None = None

    def __post_init__(self) -> None:
        for name, least in (("world", 1), ("seed", 0)):
            value = getattr(self, name)
            whole = isinstance(value, int) and not isinstance(value, bool) and value >= least
            if not whole and not (name == "world" and value is None):
                raise ValueError(f"{name} must be a whole number from {least}, not {value!r}")
        for name in ("salesforce", "hubspot"):
            if not isinstance(getattr(self, name), Mapping | None):
                raise ValueError(f"{name} must be a mapping of further arguments")  # noqa: TRY004 - as above


class _Ready:
    """What all of them have. `detour` is the way from the CRM's real addresses to the sandbox."""

    def __init__(self, targets: Mapping[str, str]) -> None:
        self.detour = Detour(targets)
        self._open = ExitStack()

    @cached_property
    def session(self) -> requests.Session:
        """A session of `requests` that takes the CRM's real addresses to the sandbox."""
        return self._open.enter_context(self.detour.session())

    def close(self) -> None:
        """Ends the clients that were asked for."""
        self._open.close()


class ReadySalesforce(_Ready):
    """An org that is running. `sandbox` is all of it; `url` and `credentials` are what a client needs."""

    def __init__(self, sandbox: SalesforceSandbox) -> None:
        super().__init__(dict.fromkeys(SALESFORCE_HOSTS, sandbox.url))
        self.sandbox = sandbox
        self.url = sandbox.url
        self.org: Org = sandbox.org
        self.faults: SalesforceFaults = sandbox.faults
        self.access_token = sandbox.access_token

    @property
    def credentials(self) -> dict[str, Any]:
        """What `closedloop.connect("salesforce", …)` takes: an app's id and secret."""
        return {
            "login_url": self.url,
            "client_id": self.sandbox.client_id,
            "client_secret": self.sandbox.client_secret,
        }

    @cached_property
    def crm(self) -> SalesforceCrm:
        """The SDK, connected."""
        connected: SalesforceCrm = connect("salesforce", **self.credentials)
        return self._open.enter_context(connected)

    @cached_property
    def client(self) -> Any:
        """A `simple_salesforce.Salesforce`, logged in."""
        # By name: nothing of a vendor's is imported before a test asks for it.
        vendor = import_module("simple_salesforce")
        return vendor.Salesforce(
            instance_url=self.url, session_id=self.access_token, session=self.session, version="62.0"
        )


class ReadyHubSpot(_Ready):
    """A portal that is running. `sandbox` is all of it; `url` and `credentials` are what a client needs."""

    def __init__(self, sandbox: HubSpotSandbox) -> None:
        super().__init__(dict.fromkeys(HUBSPOT_HOSTS, sandbox.url))
        self.sandbox = sandbox
        self.url = sandbox.url
        self.portal: Portal = sandbox.portal
        self.faults: HubSpotFaults = sandbox.faults
        self.access_token = sandbox.access_token

    @property
    def credentials(self) -> dict[str, Any]:
        """What `closedloop.connect("hubspot", …)` takes: a private app's token."""
        return {"base_url": self.url, "access_token": self.access_token}

    @cached_property
    def crm(self) -> HubSpotCrm:
        """The SDK, connected."""
        connected: HubSpotCrm = connect("hubspot", **self.credentials)
        return self._open.enter_context(connected)

    @cached_property
    def client(self) -> Any:
        """A `hubspot.HubSpot` with the portal's token."""
        vendor = import_module("hubspot")  # by name, as above
        return vendor.HubSpot(access_token=self.access_token, host=self.url, base_url=self.url)


class ReadySandboxes(_Ready):
    """Both, running. `filled` tells what world is in them, if one is."""

    def __init__(self, *, salesforce: ReadySalesforce, hubspot: ReadyHubSpot, filled: Filled | None) -> None:
        targets = dict.fromkeys(SALESFORCE_HOSTS, salesforce.url)
        super().__init__(targets | dict.fromkeys(HUBSPOT_HOSTS, hubspot.url))
        self.salesforce = salesforce
        self.hubspot = hubspot
        self.filled = filled


@contextmanager
def ready_salesforce(wishes: Wishes) -> Iterator[ReadySalesforce]:
    """Runs an org as wished."""
    sandbox = _salesforce(wishes)
    _fill(wishes, sandbox, None)
    with sandbox, closing(ReadySalesforce(sandbox)) as ready:
        yield ready


@contextmanager
def ready_hubspot(wishes: Wishes) -> Iterator[ReadyHubSpot]:
    """Runs a portal as wished."""
    sandbox = _hubspot(wishes)
    _fill(wishes, None, sandbox)
    with sandbox, closing(ReadyHubSpot(sandbox)) as ready:
        yield ready


@contextmanager
def ready_sandboxes(wishes: Wishes) -> Iterator[ReadySandboxes]:
    """Runs both as wished."""
    salesforce, hubspot = _salesforce(wishes), _hubspot(wishes)
    filled = _fill(wishes, salesforce, hubspot)
    with (
        salesforce,
        hubspot,
        closing(ReadySalesforce(salesforce)) as org,
        closing(ReadyHubSpot(hubspot)) as portal,
        closing(ReadySandboxes(salesforce=org, hubspot=portal, filled=filled)) as ready,
    ):
        yield ready


def _salesforce(wishes: Wishes) -> SalesforceSandbox:
    return SalesforceSandbox(faults=wishes.faults, **wishes.salesforce or {})


def _hubspot(wishes: Wishes) -> HubSpotSandbox:
    return HubSpotSandbox(faults=wishes.faults, **wishes.hubspot or {})


def _fill(
    wishes: Wishes, salesforce: SalesforceSandbox | None, hubspot: HubSpotSandbox | None
) -> Filled | None:
    if wishes.world is None:
        return None
    from closedloop.sandbox.filling import fill, market_of  # noqa: PLC0415 - the world is only for those who want one

    return fill(market_of(wishes.world, seed=wishes.seed), salesforce=salesforce, hubspot=hubspot)
