"""Both sandboxes as one thing that runs: filled, connected to a receiver, shown on a page, played on."""

from __future__ import annotations

import errno
import threading
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar
from urllib.parse import urlsplit

from closedloop.errors import SettingsError
from closedloop.sandbox.control import FaultControl
from closedloop.sandbox.filling import Filled, fill, market_of
from closedloop.sandbox.http import LocalServer
from closedloop.sandbox.hubspot import HubSpotSandbox
from closedloop.sandbox.keys import Keys
from closedloop.sandbox.page import SandboxPage
from closedloop.sandbox.salesforce import SalesforceSandbox
from closedloop.sandbox.watching import watch_hubspot, watch_salesforce
from closedloop.sandbox.world.play import play
from closedloop.schema.vocabulary import CrmName

if TYPE_CHECKING:
    from closedloop.sandbox.faults import PlanLike
    from closedloop.sandbox.tls import Certificate
    from closedloop.sandbox.world.market import Market
    from closedloop.sandbox.world.model import Step

_Server = TypeVar("_Server")
NAMES = {CrmName.SALESFORCE: "salesforce", CrmName.HUBSPOT: "hubspot"}
"""How the connections are called where somebody has to call them something."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """Where each listens; 0 is any port that is free."""

    page: int = 0
    salesforce: int = 0
    hubspot: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Receiver:
    """Where both CRMs tell what happens. An address without a path is a Closed Loop server's."""

    url: str
    secret: str

    @property
    def salesforce(self) -> str:
        """Where outbound messages go; their address is the secret."""
        if not self._bare:
            return self.url
        return f"{self.url.rstrip('/')}/webhooks/salesforce/{NAMES[CrmName.SALESFORCE]}/{self.secret}"

    @property
    def hubspot(self) -> str:
        """Where webhooks go; they are signed with the app's client secret."""
        return f"{self.url.rstrip('/')}/webhooks/hubspot/{NAMES[CrmName.HUBSPOT]}" if self._bare else self.url

    @property
    def server(self) -> str | None:
        """The address of the Closed Loop server that is told, if it is one."""
        return self.url.rstrip("/") if self._bare else None

    @property
    def _bare(self) -> bool:
        return not urlsplit(self.url).path.strip("/")


class _EndedError(Exception):
    """The play was ended from outside."""


@dataclass(kw_only=True)
class Running:
    """A context manager that starts what `only` names, both unless it names one, and stops everything.

    `people` None leaves the sandboxes empty. With `webhooks`, an address, they tell it what sales decides.
    """

    keys: Keys
    ports: Ports = field(default_factory=Ports)
    only: CrmName | None = None
    people: int | None = None
    seed: int = 1
    faults: PlanLike | None = None
    certificate: Certificate | None = None
    webhooks: str | None = None
    salesforce: SalesforceSandbox | None = field(init=False, default=None)
    hubspot: HubSpotSandbox | None = field(init=False, default=None)
    page: LocalServer = field(init=False)
    filled: Filled | None = field(init=False, default=None)
    _stack: ExitStack = field(init=False, default_factory=ExitStack)
    _over: threading.Event = field(init=False, default_factory=threading.Event)

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            self._open(stack)
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._stack.close()

    @property
    def webhook_secret(self) -> str:
        """The last part of the address that Salesforce's outbound messages go to."""
        return self.keys.derived("receiver")

    @property
    def receiver(self) -> Receiver | None:
        """Who is told what sales decides."""
        return None if self.webhooks is None else Receiver(url=self.webhooks, secret=self.webhook_secret)

    def play(self, *, every: float, told: Callable[[Step], None]) -> None:
        """Plays what comes after the past of the world, a step every so many seconds.

        It happens in a thread that ends with the rest; `told` hears of each step.
        """
        filled = self.filled
        if filled is None:
            raise SettingsError("nothing can be played in empty sandboxes", reason="nothing_to_play")
        # A market lives in both CRMs, served or not.
        salesforce, hubspot = filled.salesforce, filled.hubspot

        def after(_: int, step: Step) -> None:
            told(step)
            if self._over.wait(every):
                raise _EndedError

        def run() -> None:
            try:
                play(filled.population.sequel, filled.population, salesforce, hubspot, on_step=after)
            except _EndedError:
                return

        thread = threading.Thread(target=run, name="play", daemon=True)
        thread.start()
        self._stack.callback(thread.join)

    def _open(self, stack: ExitStack) -> None:
        more: Mapping[str, Any] = {"faults": self.faults, "certificate": self.certificate}
        ports, keys = self.ports, self.keys
        market = None if self.people is None else market_of(self.people, seed=self.seed)
        if self.only is not CrmName.HUBSPOT:
            self.salesforce = _at(
                ports.salesforce, SalesforceSandbox, **keys.salesforce(), **_habits_of_org(market), **more
            )
            stack.callback(self.salesforce.stop)
        if self.only is not CrmName.SALESFORCE:
            self.hubspot = _at(
                ports.hubspot, HubSpotSandbox, **keys.hubspot(), **_habits_of_portal(market), **more
            )
            stack.callback(self.hubspot.stop)
        shown = SandboxPage(salesforce=self.salesforce, hubspot=self.hubspot)
        served = {"salesforce": self.salesforce, "hubspot": self.hubspot}
        faults = {name: each.faults for name, each in served.items() if each is not None}
        self.page = _at(ports.page, LocalServer, app=FaultControl(shown, faults))
        stack.callback(self.page.stop)
        if market is not None:
            self.filled = fill(market, salesforce=self.salesforce, hubspot=self.hubspot)
        self._start()

    def _start(self) -> None:
        receiver = self.receiver
        if self.salesforce is not None:
            if receiver is not None:
                watch_salesforce(self.salesforce, receiver.salesforce)
            self.salesforce.start()
        if self.hubspot is not None:
            if receiver is not None:
                watch_hubspot(self.hubspot, receiver.hubspot)
            self.hubspot.start()
        self.page.start()


def _habits_of_org(market: Market | None) -> dict[str, Any]:
    """What an org in which the market lives is like."""
    return {} if market is None else {"currency": market.setting.currencies[CrmName.SALESFORCE][0]}


def _habits_of_portal(market: Market | None) -> dict[str, Any]:
    """What a portal in which the market lives is like."""
    if market is None:
        return {}
    setting = market.setting
    return {
        "currency": setting.currencies[CrmName.HUBSPOT][0],
        "campaign_properties": setting.campaign_properties_allowed,
    }


def _at(port: int, make: Callable[..., _Server], **more: Any) -> _Server:
    """What `make` makes at the port; SettingsError where that is not possible."""
    try:
        return make(port=port, **more)
    except OSError as exc:
        taken = exc.errno == errno.EADDRINUSE
        why = (
            "is in use: stop what uses it, or choose another" if taken else f"cannot be used: {exc.strerror}"
        )
        raise SettingsError(f"port {port} {why}", reason="port_taken" if taken else "bad_port") from exc
