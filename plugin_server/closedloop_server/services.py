"""What a running server is made of; in Flask under `current_app.extensions["closedloop"]`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime

from sqlalchemy import Engine

from closedloop.crm.base import Crm
from closedloop.crm.registry import connect
from closedloop.mapping import Mappings
from closedloop_server.settings import ConnectionSettings, Settings


def connect_all(settings: Settings, mappings: Mappings) -> dict[str, Crm]:
    """Every CRM of the settings, by the connection's name. Nothing is called yet."""
    return {
        each.name: connect(each.crm, mappings=mappings, **asdict(each.credentials))
        for each in settings.connections
    }


def now() -> datetime:
    """The present time in UTC."""
    return datetime.now(UTC)


def _nobody() -> None:
    """Wakes nobody: without a runtime there are no workers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """The database, the settings, the mappings and the connected CRMs by connection name.

    `wake` tells the workers that a delivery was stored; it may be called from any thread.
    """

    engine: Engine
    settings: Settings
    mappings: Mappings
    crms: Mapping[str, Crm]
    clock: Callable[[], datetime] = now
    wake: Callable[[], None] = field(default=_nobody)

    def connection(self, name: str) -> ConnectionSettings | None:
        """The settings of the connection with that name, or None."""
        return next((each for each in self.settings.connections if each.name == name), None)
