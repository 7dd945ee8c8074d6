"""Everything that runs in a demo: both sandboxes with a world in them, and a server connected to them."""

from __future__ import annotations

import secrets
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from closedloop.crm.hubspot import HubSpotCredentials, HubSpotCrm
from closedloop.crm.hubspot.install import apply
from closedloop.crm.salesforce import SalesforceCredentials
from closedloop.sandbox.hubspot import HubSpotSandbox
from closedloop.sandbox.salesforce import SalesforceSandbox
from closedloop.sandbox.watching import watch_hubspot, watch_salesforce
from closedloop.sandbox.world import World
from closedloop.sandbox.world.populate import Population, populate
from closedloop.schema.vocabulary import AttributionModel, CrmName
from closedloop_server.access import Role, create_token
from closedloop_server.demo.clock import DemoClock
from closedloop_server.runtime import Runtime
from closedloop_server.settings import ConnectionSettings, Settings
from closedloop_server.store.engine import writing

SALESFORCE, HUBSPOT = "salesforce", "hubspot"
_LONG = 90 * 86400.0
"""The demo polls when it says so. Its clock leaps, and every leap would otherwise bring a poll."""
_SETTLE_SECONDS = 0.2


@dataclass(kw_only=True)
class Scene:
    """A context manager: starts everything on the loopback interface, and stops it in the end.

    The database lies in a temporary directory that goes with the scene.
    """

    world: World
    model: AttributionModel
    port: int
    clock: DemoClock
    salesforce: SalesforceSandbox = field(init=False)
    hubspot: HubSpotSandbox = field(init=False)
    runtime: Runtime = field(init=False)
    population: Population = field(init=False)
    _stack: ExitStack = field(init=False, default_factory=ExitStack)

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            self._start(stack)
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def subscribe(self) -> None:
        """Has both CRMs tell the server what happens, as an admin would set it up."""
        name, secret = SALESFORCE, self._path_secret
        watch_salesforce(self.salesforce, f"{self.runtime.url}/webhooks/salesforce/{name}/{secret}")
        watch_hubspot(self.hubspot, f"{self.runtime.url}/webhooks/hubspot/{HUBSPOT}")

    def settle(self) -> bool:
        """Waits until both CRMs have told everything; whether they have."""
        return self.salesforce.org.settle(60) and self.hubspot.portal.settle(60)

    def login_url(self) -> str:
        """The address of the pages, with a token that opens them."""
        services = self.runtime.services
        with writing(services.engine) as connection:
            token = create_token(connection, name="demo", role=Role.ADMIN, now=services.clock())
        return f"{self.runtime.url}/login?token={token}"

    def _start(self, stack: ExitStack) -> None:
        world = self.world
        self._path_secret = secrets.token_urlsafe(24)
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="closedloop-demo-")))
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
        self.runtime = Runtime(self._settings(directory), clock=self.clock)
        stack.callback(self.runtime.stop)
        self._install()
        self.runtime.start()

    def _install(self) -> None:
        """Makes the properties that HubSpot needs, those that the portal allows. Salesforce's sandbox has its
        fields from the beginning: they are deployed, not made over the API."""
        crm = self.runtime.services.crms[HUBSPOT]
        if isinstance(crm, HubSpotCrm):
            apply(crm)

    def _settings(self, directory: Path) -> Settings:
        return Settings(
            database_url=f"sqlite:///{directory / 'demo.db'}",
            secret_key=secrets.token_urlsafe(48),
            connections=(self._salesforce_connection(), self._hubspot_connection()),
            attribution=self.model,
            poll_seconds=_LONG,
            settle_seconds=_SETTLE_SECONDS,
            port=self.port,
        )

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
            credentials=HubSpotCredentials(access_token=sandbox.access_token, base_url=sandbox.url),
            webhook_secrets=(sandbox.client_secret,),
            app_id=str(sandbox.app_id),
        )
