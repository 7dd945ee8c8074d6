"""Everything that runs in a demo: both sandboxes with a world in them, and a server connected to them."""

from __future__ import annotations

import secrets
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import Self

from closedloop.sandbox.world import World
from closedloop.schema.vocabulary import AttributionModel
from closedloop_server.access import Role, create_token, digest, make_link
from closedloop_server.demo.clock import DemoClock
from closedloop_server.demo.crms import SandboxCrms
from closedloop_server.runtime import Runtime
from closedloop_server.settings import Settings
from closedloop_server.store.engine import writing

_LONG = 90 * 86400.0
"""The demo polls when it says so. Its clock leaps, and every leap would otherwise bring a poll."""
_SETTLE_SECONDS = 0.2
_LINK_LIFETIME = timedelta(hours=12)
"""Nobody else sees the terminal, and whoever starts a demo may come back to it later."""


@dataclass(kw_only=True)
class Scene:
    """A context manager: starts everything on the loopback interface, and stops it in the end.

    The database lies in a temporary directory that goes with the scene.
    """

    world: World
    model: AttributionModel
    port: int
    clock: DemoClock
    crms: SandboxCrms = field(init=False)
    runtime: Runtime = field(init=False)
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

    def make_token(self) -> str:
        """A token that opens the pages and the API."""
        services = self.runtime.services
        with writing(services.engine) as connection:
            return create_token(connection, name="demo", role=Role.ADMIN, now=services.clock())

    def login_url(self, token: str) -> str:
        """An address that opens the pages once, in place of typing the token in."""
        services = self.runtime.services
        with writing(services.engine) as connection:
            return self.runtime.url + make_link(
                connection, digest(token), now=services.clock(), lifetime=_LINK_LIFETIME
            )

    def _start(self, stack: ExitStack) -> None:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="closedloop-demo-")))
        self.crms = stack.enter_context(SandboxCrms(world=self.world, clock=self.clock))
        self.runtime = Runtime(self._settings(directory), clock=self.clock)
        stack.callback(self.runtime.stop)
        self.runtime.start()

    def _settings(self, directory: Path) -> Settings:
        return Settings(
            database_url=f"sqlite:///{directory / 'demo.db'}",
            secret_key=secrets.token_urlsafe(48),
            connections=self.crms.connections(),
            attribution=self.model,
            poll_seconds=_LONG,
            settle_seconds=_SETTLE_SECONDS,
            port=self.port,
        )
