"""What a running server is made of; in Flask under `current_app.extensions["closedloop"]`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime

from sqlalchemy import Connection, Engine

from closedloop.crm.base import Crm
from closedloop.crm.budget import Budget
from closedloop.crm.registry import connect
from closedloop.crm.tokens import RefreshTokens
from closedloop.mapping import Mappings
from closedloop_server.encryption import Cipher
from closedloop_server.settings import ConnectionSettings, Settings
from closedloop_server.store.credentials import KeptRefreshTokens
from closedloop_server.store.engine import writing
from closedloop_server.store.usage import SharedBudget
from closedloop_server.work.kinds import Work


def now() -> datetime:
    """The present time in UTC."""
    return datetime.now(UTC)


def connect_all(
    settings: Settings,
    mappings: Mappings,
    *,
    engine: Engine | None = None,
    clock: Callable[[], datetime] = now,
) -> dict[str, Crm]:
    """Every CRM of the settings, by the connection's name. Nothing is called yet.

    With an `engine`, the calls are counted in its database, for all processes together.
    """
    return {
        each.name: connect(
            each.crm,
            mappings=mappings,
            budget=_budget(settings, each, engine, clock) if engine is not None else None,
            **asdict(each.credentials) | _refresh_tokens(settings, each, engine, clock),
        )
        for each in settings.connections
    }


def _budget(
    settings: Settings, connection: ConnectionSettings, engine: Engine, clock: Callable[[], datetime]
) -> Budget:
    calls, share = connection.credentials.daily_budget, settings.bulk_share
    return SharedBudget(engine, connection.name, calls, bulk_share=share, clock=clock)


def _refresh_tokens(
    settings: Settings,
    connection: ConnectionSettings,
    engine: Engine | None,
    clock: Callable[[], datetime],
) -> dict[str, RefreshTokens]:
    """Has refresh tokens that a CRM changes kept in the database, where there is one."""
    if engine is None or not connection.credentials.refresh_token:
        return {}
    cipher = cipher_of(settings)
    return {"refresh_tokens": KeptRefreshTokens(engine, cipher, connection.name, clock=clock)}


def cipher_of(settings: Settings) -> Cipher:
    """What encrypts the secrets that the database keeps."""
    return Cipher((settings.secret_key, *settings.previous_secret_keys))


def _nobody(*_: Work) -> None:
    """Wakes nobody: without a runtime there are no workers."""


def _anybody(_: Connection) -> None:
    """Lets everybody write: who takes no turns owns no work that another could take over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """The database, the settings, the mappings and the connected CRMs by connection name.

    `wake` has workers look whether there is something to do; it may be called from any thread. `fence`
    fails with SupersededError when another worker has taken over the work that these services are for, and
    `lease` is the number under which this worker has it.
    """

    engine: Engine
    settings: Settings
    mappings: Mappings
    crms: Mapping[str, Crm]
    clock: Callable[[], datetime] = now
    wake: Callable[..., None] = field(default=_nobody)
    fence: Callable[[Connection], None] = field(default=_anybody)
    lease: int | None = None

    @property
    def cipher(self) -> Cipher:
        """What encrypts the secrets that the database keeps."""
        return cipher_of(self.settings)

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
