"""Both sandboxes with a world in them, and what a server needs to be connected to them."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime
from types import TracebackType
from typing import Self

from closedloop.crm.hubspot import HubSpotCredentials, HubSpotCrm
from closedloop.crm.hubspot.install import apply
from closedloop.crm.salesforce import SalesforceCredentials
from closedloop.mapping import load_mappings
from closedloop.sandbox.faults import PlanLike
from closedloop.sandbox.hubspot import HubSpotSandbox
from closedloop.sandbox.salesforce import SalesforceSandbox
from closedloop.sandbox.watching import watch_hubspot, watch_salesforce
from closedloop.sandbox.world import World
from closedloop.sandbox.world.populate import Population, populate
from closedloop.schema.vocabulary import CrmName
from closedloop_server.settings import ConnectionSettings

SALESFORCE, HUBSPOT = "salesforce", "hubspot"


@dataclass(kw_only=True)
class SandboxCrms:
    """A context manager: starts both sandboxes on the loopback interface with a world's records in them.

    `faults` are what goes wrong in either of them, once everything is installed.
    """

    world: World
    clock: Callable[[], datetime]
    faults: PlanLike | None = None
    salesforce: SalesforceSandbox = field(init=False)
    hubspot: HubSpotSandbox = field(init=False)
    population: Population = field(init=False)
    _stack: ExitStack = field(init=False, default_factory=ExitStack)
    _path_secret: str = field(init=False, default_factory=lambda: secrets.token_urlsafe(24), repr=False)

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            self._start(stack)
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def subscribe(self, url: str) -> None:
        """Has both CRMs tell the server at this address what happens, as an admin would set it up."""
        watch_salesforce(self.salesforce, f"{url}/webhooks/salesforce/{SALESFORCE}/{self._path_secret}")
        watch_hubspot(self.hubspot, f"{url}/webhooks/hubspot/{HUBSPOT}")

    def settle(self, timeout: float = 60) -> bool:
        """Waits until both CRMs have told everything; whether they have."""
        return self.salesforce.org.settle(timeout) and self.hubspot.portal.settle(timeout)

    def connections(self) -> tuple[ConnectionSettings, ConnectionSettings]:
        """The settings of a connection to each."""
        return self._salesforce_connection(), self._hubspot_connection()

    def _start(self, stack: ExitStack) -> None:
        world = self.world
        self.salesforce = stack.enter_context(
            SalesforceSandbox(currency=world.currencies[CrmName.SALESFORCE], clock=self.clock)
        )
        self.hubspot = stack.enter_context(
            HubSpotSandbox(
                currency=world.currencies[CrmName.HUBSPOT],
                campaign_properties=world.campaign_properties_allowed,
                clock=self.clock,
            )
        )
        self.population = populate(world, self.salesforce, self.hubspot)
        self._install()
        if self.faults is not None:
            self.salesforce.faults.use(self.faults)
            self.hubspot.faults.use(self.faults)

    def _install(self) -> None:
        """Makes the properties that HubSpot needs, those that the portal allows. Salesforce's sandbox has its
        fields from the beginning: they are deployed, not made over the API."""
        apply(HubSpotCrm(self._hubspot_credentials(), load_mappings()))

    def _hubspot_credentials(self) -> HubSpotCredentials:
        return HubSpotCredentials(access_token=self.hubspot.access_token, base_url=self.hubspot.url)

    def _salesforce_connection(self) -> ConnectionSettings:
        sandbox = self.salesforce
        return ConnectionSettings(
            name=SALESFORCE,
            crm=CrmName.SALESFORCE,
            organisation_id=sandbox.organization_id,
            credentials=SalesforceCredentials(
                login_url=sandbox.url,
                client_id=sandbox.client_id,
                client_secret=sandbox.client_secret,
                currency=self.world.currencies[CrmName.SALESFORCE],
            ),
            webhook_secrets=(self._path_secret,),
        )

    def _hubspot_connection(self) -> ConnectionSettings:
        sandbox = self.hubspot
        return ConnectionSettings(
            name=HUBSPOT,
            crm=CrmName.HUBSPOT,
            organisation_id=str(sandbox.portal_id),
            credentials=self._hubspot_credentials(),
            webhook_secrets=(sandbox.client_secret,),
            app_id=str(sandbox.app_id),
        )
