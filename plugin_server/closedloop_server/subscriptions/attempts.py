"""The log of calls to subscribers: each is noted before it is made, and what came of it afterwards."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, case, insert, select, update

from closedloop_server.store.tables import attempts, events
from closedloop_server.subscriptions.calling import Answer
from closedloop_server.subscriptions.event_types import EventType

ERASED = "erased"
"""The error of a call under way, of whose answer nothing is to be kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One call. Without a duration it is under way, or ended with the process that made it."""

    number: int
    event_id: str
    type: EventType
    at: datetime
    duration_ms: int | None
    status: int | None
    error: str
    answer: str

    @property
    def accepted(self) -> bool:
        """Whether the subscriber has the event."""
        return self.status is not None and 200 <= self.status < 300


def begin(connection: Connection, event_id: str, subscription_id: str, *, now: datetime) -> int:
    """Notes that a call is about to be made; returns its number."""
    made = connection.execute(
        insert(attempts)
        .values(event_id=event_id, subscription_id=subscription_id, at=now, error="", answer="")
        .returning(attempts.c.id)
    )
    return int(made.scalar_one())


def finish(connection: Connection, number: int, answer: Answer) -> None:
    """Notes what came of it, without the words if whom it is about was erased meanwhile."""
    connection.execute(
        update(attempts)
        .where(attempts.c.id == number)
        .values(
            duration_ms=round(answer.seconds * 1000),
            status=answer.status,
            error=answer.error,
            answer=case((attempts.c.error == ERASED, ""), else_=answer.body),
        )
    )


def of_subscription(
    connection: Connection, subscription_id: str, *, limit: int = 50, before: int | None = None
) -> list[Attempt]:
    """The calls of a subscription, the latest first; `before` is the number of the last one shown."""
    query = (
        select(attempts, events.c.type)
        .join(events, events.c.id == attempts.c.event_id)
        .where(attempts.c.subscription_id == subscription_id)
        .order_by(attempts.c.id.desc())
        .limit(limit)
    )
    if before is not None:
        query = query.where(attempts.c.id < before)
    return [_attempt(row) for row in connection.execute(query)]


def one(connection: Connection, number: int) -> Attempt:
    """One call."""
    query = select(attempts, events.c.type).join(events, events.c.id == attempts.c.event_id)
    return _attempt(connection.execute(query.where(attempts.c.id == number)).one())


def _attempt(row: Any) -> Attempt:
    return Attempt(
        number=row.id,
        event_id=row.event_id,
        type=EventType(row.type),
        at=row.at,
        duration_ms=row.duration_ms,
        status=row.status,
        error=row.error,
        answer=row.answer,
    )
