"""What a running server is made of; in Flask under `current_app.extensions["closedloop"]`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime

from sqlalchemy import Connection, Engine

from closedloop.crm.base import Crm
from closedloop.crm.registry import connect
from closedloop.mapping import Mappings
from closedloop_server.settings import ConnectionSettings, Settings
from closedloop_server.store.engine import writing
from closedloop_server.work.kinds import Work


def connect_all(settings: Settings, mappings: Mappings) -> dict[str, Crm]:
    """Every CRM of the settings, by the connection's name. Nothing is called yet."""
    return {
        each.name: connect(each.crm, mappings=mappings, **asdict(each.credentials))
        for each in settings.connections
    }


def now() -> datetime:
    """The present time in UTC."""
    return datetime.now(UTC)


def _nobody(*_: Work) -> None:
    """Wakes nobody: without a runtime there are no workers."""


def _anybody(_: Connection) -> None:
    """Lets everybody write: who takes no turns owns no work that another could take over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """The database, the settings, the mappings and the connected CRMs by connection name.

    `wake` has workers look whether there is something to do; it may be called from any thread. `fence`
    fails with SupersededError when another worker has taken over the work that these services are for.
    """

    engine: Engine
    settings: Settings
    mappings: Mappings
    crms: Mapping[str, Crm]
    clock: Callable[[], datetime] = now
    wake: Callable[..., None] = field(default=_nobody)
    fence: Callable[[Connection], None] = field(default=_anybody)

    def connection(self, name: str) -> ConnectionSettings | None:
        """The settings of the connection with that name, or None."""
        return next((each for each in self.settings.connections if each.name == name), None)

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction of the work that these services are for: it commits when the block ends, and leaves
        nothing when it fails, or when the work is another worker's by now."""
        with writing(self.engine) as connection:
            self.fence(connection)
            yield connection
