"""Watches which CRMs cannot be told what they should show: said once when it begins, noted when it ends."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, select, update

from closedloop_server.services import Services
from closedloop_server.store import deliverers
from closedloop_server.store.deliverers import Failing
from closedloop_server.store.engine import reading
from closedloop_server.store.rows import upsert
from closedloop_server.store.tables import marks, troubles
from closedloop_server.subscriptions import events
from closedloop_server.subscriptions.event_types import EventType
from closedloop_server.subscriptions.events import Event
from closedloop_server.subscriptions.payloads import data_of

EVERY = timedelta(minutes=1)
_MARK = "troubles"
_NOBODY_TRIES = "not_tried"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """A time during which a connection could not be told; `ended_at` is None while it lasts."""

    connection: str
    began_at: datetime
    reason: str
    ended_at: datetime | None


def watch(services: Services) -> None:
    """Looks, at most once a minute, which connections fail and which do so no more."""
    now = services.clock()
    with reading(services.engine) as connection:
        if _looked_at(connection) > now - EVERY:
            return
        failing = {
            each.connection: each for each in deliverers.failing(connection, list(services.crms), now=now)
        }
        known = {each.connection for each in lasting(connection)}
    with services.writing() as connection:
        upsert(connection, marks, [{"name": _MARK, "value": now.isoformat()}])
        _end(connection, known - set(failing), now)
        _begin(connection, services, [failing[name] for name in sorted(set(failing) - known)], now)


def lasting(connection: Connection) -> list[Trouble]:
    """What fails now."""
    query = select(troubles).where(troubles.c.ended_at.is_(None)).order_by(troubles.c.connection)
    return [_trouble(row) for row in connection.execute(query)]


def latest(connection: Connection, *, limit: int = 50) -> list[Trouble]:
    """What failed, what began last first."""
    query = select(troubles).order_by(troubles.c.began_at.desc(), troubles.c.connection).limit(limit)
    return [_trouble(row) for row in connection.execute(query)]


def _looked_at(connection: Connection) -> datetime:
    told = connection.scalar(select(marks.c.value).where(marks.c.name == _MARK))
    return datetime.fromisoformat(told or "1970-01-01T00:00:00+00:00")


def _begin(connection: Connection, services: Services, failing: list[Failing], now: datetime) -> None:
    rows = [
        {
            "connection": each.connection,
            "began_at": each.since,
            "reason": each.code or _NOBODY_TRIES,
            "ended_at": None,
        }
        for each in failing
    ]
    upsert(connection, troubles, rows)
    events.append(connection, [_event(services, each, now) for each in failing])


def _end(connection: Connection, names: set[str], now: datetime) -> None:
    over = (troubles.c.connection.in_(sorted(names)), troubles.c.ended_at.is_(None))
    if names:
        connection.execute(update(troubles).where(*over).values(ended_at=now))


def _event(services: Services, failing: Failing, now: datetime) -> Event:
    known = services.connection(failing.connection)
    return Event(
        id=events.event_id(EventType.DELIVERY_FAILING, failing.connection, failing.since.isoformat()),
        type=EventType.DELIVERY_FAILING,
        occurred_at=failing.since,
        learned_at=now,
        connection=failing.connection,
        data=data_of(
            EventType.DELIVERY_FAILING,
            connection=failing.connection,
            crm=known.crm if known else None,
            since=failing.since,
            reason=failing.code or _NOBODY_TRIES,
            waiting=failing.waiting,
        ),
    )


def _trouble(row: Any) -> Trouble:
    return Trouble(connection=row.connection, began_at=row.began_at, reason=row.reason, ended_at=row.ended_at)
