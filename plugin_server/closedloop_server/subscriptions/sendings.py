"""What has to be sent to whom: one row for each event and subscription."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, func, select, update

from closedloop_server.store.rows import chunks, upsert
from closedloop_server.store.tables import events, sendings, subscriptions
from closedloop_server.subscriptions.event_types import EventType
from closedloop_server.subscriptions.subscription import State, Subscription


class SendingState(StrEnum):
    """How far an event has come with a subscription."""

    WAITING = "waiting"  # for its time, or for the subscription to go on
    SENT = "sent"  # the subscriber has accepted it
    FAILED = "failed"  # given up: only a replay sends it


@dataclass(frozen=True, slots=True, kw_only=True)
class Sending:
    """One event for one subscription. `attempts` counts since it was last asked for."""

    event_id: str
    type: EventType
    subject: str
    state: SendingState
    attempts: int
    asked_at: datetime
    next_at: datetime | None
    status: int | None
    error: str
    learned_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """A sending whose time has come."""

    event_id: str
    subscription: Subscription
    attempts: int


def ask(connection: Connection, pairs: Sequence[tuple[str, str]], *, now: datetime) -> None:
    """Has these events sent to these subscriptions as soon as possible, whatever became of them before."""
    rows = [
        {
            "event_id": event_id,
            "subscription_id": subscription_id,
            "state": SendingState.WAITING.value,
            "attempts": 0,
            "asked_at": now,
            "next_at": now,
            "status": None,
            "error": "",
        }
        for event_id, subscription_id in pairs
    ]
    for portion in chunks(rows):
        upsert(connection, sendings, portion)


def due(connection: Connection, subscriber: Subscription, *, now: datetime, limit: int) -> list[Due]:
    """What a subscription has to be told now, what waits longest first."""
    query = (
        select(sendings.c.event_id, sendings.c.attempts)
        .where(_waiting(subscriber.id), sendings.c.next_at <= now)
        .order_by(sendings.c.next_at, sendings.c.event_id)
        .limit(limit)
    )
    return [
        Due(event_id=row.event_id, subscription=subscriber, attempts=row.attempts)
        for row in connection.execute(query)
    ]


def next_due(connection: Connection) -> datetime | None:
    """When the next event may be sent to anybody."""
    earliest = (
        select(func.min(sendings.c.next_at), subscriptions.c.held_until)
        .join(subscriptions, subscriptions.c.id == sendings.c.subscription_id)
        .where(subscriptions.c.state == State.ACTIVE.value, sendings.c.state == SendingState.WAITING.value)
        .group_by(subscriptions.c.id, subscriptions.c.held_until)
    )
    times = [max(at, held or at) for at, held in connection.execute(earliest) if at is not None]
    return min(times, default=None)


def begin(connection: Connection, sending: Due, *, next_at: datetime | None) -> None:
    """Counts an attempt before it is made, and sets the next: a crash in between is a failure like others."""
    connection.execute(
        update(sendings)
        .where(_one(sending.event_id, sending.subscription.id))
        .values(attempts=sending.attempts + 1, next_at=next_at)
    )


def finish(
    connection: Connection,
    sending: Due,
    state: SendingState,
    *,
    status: int | None,
    error: str,
    next_at: datetime | None,
) -> None:
    """Notes what came of an attempt, unless the event was asked for anew meanwhile."""
    same = (_one(sending.event_id, sending.subscription.id), sendings.c.attempts == sending.attempts + 1)
    values = {"state": state.value, "status": status, "error": error, "next_at": next_at}
    connection.execute(update(sendings).where(*same).values(**values))


def give_up(connection: Connection, subscription_id: str, *, error: str) -> int:
    """Gives up whatever waits for a subscription; returns how much that is."""
    values = {"state": SendingState.FAILED.value, "next_at": None, "error": error}
    return connection.execute(update(sendings).where(_waiting(subscription_id)).values(**values)).rowcount


def of_subscription(
    connection: Connection,
    subscription_id: str,
    *,
    state: SendingState | None = None,
    before: tuple[datetime, str] | None = None,
    limit: int = 50,
) -> list[Sending]:
    """What a subscription is or was told, the newest event first."""
    order = (events.c.learned_at.desc(), events.c.id.desc())
    query = (
        select(sendings, events.c.type, events.c.connection, events.c.crm_id, events.c.learned_at)
        .join(events, events.c.id == sendings.c.event_id)
        .where(sendings.c.subscription_id == subscription_id)
        .order_by(*order)
        .limit(limit)
    )
    if state is not None:
        query = query.where(sendings.c.state == state.value)
    if before is not None:
        at, id_ = before
        older = and_(events.c.learned_at == at, events.c.id < id_)
        query = query.where((events.c.learned_at < at) | older)
    return [_sending(row) for row in connection.execute(query)]


def counts(connection: Connection, subscription_id: str) -> dict[SendingState, int]:
    """How many events of a subscription are in each state."""
    query = (
        select(sendings.c.state, func.count())
        .where(sendings.c.subscription_id == subscription_id)
        .group_by(sendings.c.state)
    )
    found = {SendingState(state): count for state, count in connection.execute(query)}
    return {state: found.get(state, 0) for state in SendingState}


def missed(connection: Connection, subscriber: Subscription) -> list[str]:
    """The events that a subscription should have accepted since it was made, and has not."""
    joined = events.outerjoin(
        sendings,
        and_(sendings.c.event_id == events.c.id, sendings.c.subscription_id == subscriber.id),
    )
    query = (
        select(events.c.id, events.c.type, events.c.connection, events.c.crm_id)
        .select_from(joined)
        .where(events.c.learned_at >= subscriber.created_at)
        .where(sendings.c.state.is_(None) | (sendings.c.state == SendingState.FAILED.value))
    )
    return _concerning(connection.execute(query), subscriber)


def between(connection: Connection, subscriber: Subscription, since: datetime, until: datetime) -> list[str]:
    """The events learned in this time that a subscription is for, accepted or not."""
    query = select(events.c.id, events.c.type, events.c.connection, events.c.crm_id).where(
        events.c.learned_at >= since, events.c.learned_at < until
    )
    return _concerning(connection.execute(query), subscriber)


def _concerning(rows: Iterable[Any], subscriber: Subscription) -> list[str]:
    return [
        row.id
        for row in rows
        # Neither a test nor that it was disabled itself is something that it missed.
        if row.type != EventType.SUBSCRIPTION_TEST
        and row.crm_id != subscriber.id
        and subscriber.concerns(EventType(row.type), row.connection)
    ]


def _one(event_id: str, subscription_id: str) -> ColumnElement[bool]:
    return and_(sendings.c.event_id == event_id, sendings.c.subscription_id == subscription_id)


def _waiting(subscription_id: str) -> ColumnElement[bool]:
    return and_(sendings.c.subscription_id == subscription_id, sendings.c.state == SendingState.WAITING.value)


def _sending(row: Any) -> Sending:
    return Sending(
        event_id=row.event_id,
        type=EventType(row.type),
        subject=f"{row.connection}:{row.crm_id}" if row.connection and row.crm_id else "",
        state=SendingState(row.state),
        attempts=row.attempts,
        asked_at=row.asked_at,
        next_at=row.next_at,
        status=row.status,
        error=row.error,
        learned_at=row.learned_at,
    )
