"""The connections: how reading and telling each one fares, and holding it or beginning it anew."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select

from closedloop.errors import ClosedLoopError
from closedloop.schema.vocabulary import CrmName
from closedloop_server.operating.backlog import Step, Waiting, backlog
from closedloop_server.services import Services
from closedloop_server.settings import ConnectionSettings
from closedloop_server.store import audit, readings
from closedloop_server.store.engine import reading, writing
from closedloop_server.store.readings import Progress
from closedloop_server.store.tables import deliverers
from closedloop_server.store.usage import spent
from closedloop_server.work.kinds import Kind, Work


class UnknownConnectionError(ClosedLoopError):
    """The settings name no such connection."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Telling:
    """How telling a CRM fares. `failing_since` None: nothing is wrong; `bulk_until`: bulk work waits until
    then, because its share of the daily budget is spent."""

    answered_at: datetime | None = None
    failing_since: datetime | None = None
    code: str | None = None
    message: str | None = None
    bulk_until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Calls:
    """The calls of the last 24 hours, and how many are allowed within as many; None: as many as there are."""

    spent: int
    daily_budget: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Connected:
    """One connection."""

    name: str
    crm: CrmName
    organisation_id: str
    progress: Progress
    telling: Telling
    calls: Calls
    waiting: tuple[Waiting, ...] = ()

    def count(self, step: Step) -> int:
        """How much waits at a step."""
        return sum(each.count for each in self.waiting if each.step == step)


def every(services: Services) -> list[Connected]:
    """Every connection of the settings, by name."""
    with reading(services.engine) as connection:
        waiting = backlog(connection)
        now = services.clock()
        return [_connected(connection, each, waiting, now) for each in services.settings.connections]


def one(services: Services, name: str) -> Connected:
    """One connection; UnknownConnectionError when the settings do not name it."""
    settings = _settings(services, name)
    with reading(services.engine) as connection:
        return _connected(connection, settings, backlog(connection), services.clock())


def pause(services: Services, name: str, *, who: str) -> bool:
    """Holds the polls of a connection; whether they were not held already."""
    _settings(services, name)
    now = services.clock()
    with writing(services.engine) as connection:
        changed = readings.pause(connection, name, by=who, now=now)
        if changed:
            audit.note(connection, who=who, action="connection.pause", target=name, now=now)
    return changed


def resume(services: Services, name: str, *, who: str) -> bool:
    """Lets the polls of a connection go on; whether they were held."""
    _settings(services, name)
    with writing(services.engine) as connection:
        changed = readings.resume(connection, name)
        if changed:
            audit.note(connection, who=who, action="connection.resume", target=name, now=services.clock())
    services.wake(Work(Kind.READ, name))
    return changed


def read_again(services: Services, name: str, *, who: str) -> None:
    """Has everything of a connection read again from the beginning."""
    _settings(services, name)
    with writing(services.engine) as connection:
        readings.start_over(connection, name)
        audit.note(connection, who=who, action="connection.read_again", target=name, now=services.clock())
    services.wake(Work(Kind.READ, name))


def _settings(services: Services, name: str) -> ConnectionSettings:
    found = services.connection(name)
    if found is None:
        raise UnknownConnectionError(
            "there is no such connection: the settings file names those there are",
            reason="unknown_connection",
        )
    return found


def _connected(
    connection: Connection, settings: ConnectionSettings, waiting: list[Waiting], now: datetime
) -> Connected:
    row = connection.execute(select(deliverers).where(deliverers.c.connection == settings.name)).one_or_none()
    return Connected(
        name=settings.name,
        crm=settings.crm,
        organisation_id=settings.organisation_id,
        progress=readings.progress(connection, settings.name),
        telling=Telling()
        if row is None
        else Telling(
            answered_at=row.answered_at,
            failing_since=row.failing_since,
            code=row.code,
            message=row.message,
            bulk_until=row.bulk_until,
        ),
        calls=Calls(
            spent=spent(connection, settings.name, now=now).calls,
            daily_budget=settings.credentials.daily_budget,
        ),
        waiting=tuple(each for each in waiting if each.connection == settings.name),
    )
