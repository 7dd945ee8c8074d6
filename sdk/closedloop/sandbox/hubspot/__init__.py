"""A HubSpot portal on 127.0.0.1 that speaks HubSpot's real wire protocol.

with HubSpotSandbox() as sandbox:
    contact = sandbox.portal.create("contacts", {"email": "ada@example.com"})
    client = HubSpot(access_token=sandbox.access_token, host=sandbox.url, base_url=sandbox.url)
"""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from types import TracebackType
from typing import TYPE_CHECKING, Self

from closedloop.sandbox.faults import PlanLike, SkewedClock
from closedloop.sandbox.http import LocalServer
from closedloop.sandbox.hubspot.access.limits import EASTERN
from closedloop.sandbox.hubspot.access.tokens import Access
from closedloop.sandbox.hubspot.errors import HubSpotError
from closedloop.sandbox.hubspot.faults import HubSpotFaults
from closedloop.sandbox.hubspot.portal import Past, Portal
from closedloop.sandbox.hubspot.records.index import random_lag
from closedloop.sandbox.hubspot.rest.app import PortalApp
from closedloop.sandbox.hubspot.webhooks.sender import WebhookSender

if TYPE_CHECKING:
    from closedloop.sandbox.tls import Certificate

__all__ = ["HubSpotError", "HubSpotSandbox", "Past", "Portal", "random_lag"]


def _now() -> datetime:
    return datetime.now(UTC)


class HubSpotSandbox:
    """A portal, its HTTP server and its webhook sender: a context manager that starts and stops both.

    With `campaign_properties` False the API refuses to define campaign properties (403), as it may in a
    portal where an admin has to make them by hand. `webhook_backoff` is the wait in seconds before the
    first retry of a refused delivery. `access_token` is a private app's; an OAuth app has `client_id`,
    `client_secret` and `refresh_token`, and its access tokens end after `token_lifetime` seconds; it is let
    in at `/oauth/authorize`, for one of `redirect_uris` or, where there are none, for any. `developer_key`
    is what the webhooks API is called with.
    `disturbances` are what goes wrong with answers on their way, one by one; `faults` what goes wrong by rule
    and by chance: a plan, or the path of a YAML file with one.
    """

    def __init__(
        self,
        *,
        portal_id: int = 44237313,
        app_id: int = 1160452,
        client_id: str | None = None,
        client_secret: str | None = None,
        refresh_token: str | None = None,
        token_lifetime: int = 1800,
        access_token: str | None = None,
        developer_key: str | None = None,
        redirect_uris: Sequence[str] = (),
        currency: str = "USD",
        campaign_properties: bool = True,
        time_zone: str = EASTERN,
        port: int = 0,
        certificate: Certificate | None = None,
        clock: Callable[[], datetime] = _now,
        webhook_backoff: float = 0.05,
        faults: PlanLike | None = None,
    ) -> None:
        clock = SkewedClock(clock)
        self.faults = HubSpotFaults(clock)
        if faults is not None:
            self.faults.use(faults)
        self.portal_id = portal_id
        self.app_id = app_id
        self.client_id = client_id or str(uuid.uuid4())
        self.client_secret = client_secret or secrets.token_urlsafe(24)
        self.access_token = access_token or f"pat-na1-{secrets.token_hex(16)}"
        self.developer_key = developer_key or str(uuid.uuid4())
        self._sender = WebhookSender(
            secret=self.client_secret,
            faults=self.faults,
            clock=clock,
            backoff_seconds=webhook_backoff,
        )
        self.portal = Portal(
            portal_id=portal_id,
            app_id=app_id,
            currency=currency,
            campaign_properties=campaign_properties,
            time_zone=time_zone,
            sender=self._sender,
            faults=self.faults,
            clock=clock,
        )
        self._access = Access(
            token=self.access_token,
            client_id=self.client_id,
            client_secret=self.client_secret,
            refresh_token=refresh_token or str(uuid.uuid4()),
            lifetime=token_lifetime,
            clock=clock,
            developer_key=self.developer_key,
            redirect_uris=redirect_uris,
        )
        self._app = PortalApp(self.portal, self._access)
        self.received = self._app.received
        self._server = LocalServer(self._app, port=port, faults=self.faults, certificate=certificate)
        self.url = self._server.url
        self.disturbances = self._server.disturbances

    def start(self) -> None:
        """Starts to answer requests and to send webhooks."""
        self._sender.start()
        self._server.start()

    def stop(self) -> None:
        """Stops both. Safe to repeat."""
        self._server.stop()
        self._sender.stop()

    def renew_token(self) -> str:
        """Makes a new access token and returns it; calls with the old one get EXPIRED_AUTHENTICATION."""
        self.access_token = f"pat-na1-{secrets.token_hex(16)}"
        with self.portal.lock:
            self._access.renew(self.access_token)
        return self.access_token

    def create_token(self, scopes: Sequence[str]) -> str:
        """The token of another private app, which has these scopes only."""
        token = f"pat-na1-{secrets.token_hex(16)}"
        with self.portal.lock:
            self._access.add_private(token, scopes)
        return token

    @property
    def refresh_token(self) -> str:
        """The OAuth app's refresh token, which every new access token is made for."""
        return self._access.refresh_token

    def revoke(self) -> None:
        """Uninstalls the OAuth app and installs it anew: the old refresh token is refused from now on."""
        with self.portal.lock:
            self._access.reinstall(str(uuid.uuid4()))

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
