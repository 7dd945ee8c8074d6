"""What campaigns and people should show, and what their CRM was told of it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, case, delete, func, or_, select

from closedloop.loop.feedback import Delivery, DeliveryResult, Feedback, FeedbackKind, ReasonFeedback
from closedloop.schema.schemas import dump_feedback, load_feedback
from closedloop_server.store.rows import chunks, upsert
from closedloop_server.store.tables import delivered, desired

_FIRST = (FeedbackKind.PERSON, FeedbackKind.CAMPAIGN, FeedbackKind.REASON)
"""What is delivered first when there is much to deliver."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """A feedback value that its CRM was not told yet; `digest` is of exactly this value."""

    feedback: Feedback
    digest: str
    attempts: int


def desire(connection: Connection, name: str, values: Iterable[Feedback], *, now: datetime) -> int:
    """Makes these values what targets in a connection should show; returns how many differ from before."""
    rows = {value.key: _desired(name, value, now) for value in values}
    known = digests(connection, name, rows)
    news = [row for key, row in rows.items() if known.get(key) != row["digest"]]
    upsert(connection, desired, news)
    return len(news)


def digests(connection: Connection, name: str, keys: Iterable[str]) -> dict[str, str]:
    """The digests of what these targets of a connection should show, where that is known."""
    columns = (desired.c.key, desired.c.digest)
    return {
        row.key: row.digest
        for chunk in chunks(sorted(set(keys)))
        for row in connection.execute(
            select(*columns).where(desired.c.connection == name, desired.c.key.in_(chunk))
        )
    }


def shown_rows(
    connection: Connection, name: str, campaigns: Iterable[str]
) -> dict[str, list[ReasonFeedback]]:
    """The rows by reason that these campaigns should show."""
    found: dict[str, list[ReasonFeedback]] = {}
    for chunk in chunks(sorted(set(campaigns))):
        query = select(desired.c.campaign_id, desired.c.state).where(
            desired.c.connection == name,
            desired.c.kind == FeedbackKind.REASON.value,
            desired.c.campaign_id.in_(chunk),
        )
        for row in connection.execute(query):
            value = load_feedback(row.state)
            if isinstance(value, ReasonFeedback):
                found.setdefault(row.campaign_id, []).append(value)
    return found


def drop(connection: Connection, name: str, keys: Iterable[str]) -> None:
    """Forgets targets of a connection that are no longer there to show anything."""
    for chunk in chunks(sorted(set(keys))):
        connection.execute(delete(desired).where(desired.c.connection == name, desired.c.key.in_(chunk)))


def due(connection: Connection, name: str, *, now: datetime, limit: int) -> list[Due]:
    """What a connection's CRM has to be told now, people first."""
    order = case({kind.value: place for place, kind in enumerate(_FIRST)}, value=desired.c.kind)
    query = (
        select(desired.c.state, desired.c.digest, func.coalesce(delivered.c.attempts, 0).label("attempts"))
        .outerjoin(delivered, _told())
        .where(
            desired.c.connection == name,
            _untold(),
            or_(delivered.c.not_before.is_(None), delivered.c.not_before <= now),
        )
        .order_by(order, desired.c.changed_at, desired.c.key)
        .limit(limit)
    )
    return [
        Due(feedback=load_feedback(row.state), digest=row.digest, attempts=row.attempts)
        for row in connection.execute(query)
    ]


def next_due(connection: Connection, name: str) -> datetime | None:
    """When the next value that waits for another try may be told."""
    found: datetime | None = connection.scalar(
        select(func.min(delivered.c.not_before))
        .select_from(desired.outerjoin(delivered, _told()))
        .where(desired.c.connection == name, _untold())
    )
    return found


def waiting(connection: Connection, names: Sequence[str]) -> bool:
    """Whether anything is still to be told to one of these connections, be it later."""
    query = (
        select(desired.c.key)
        .outerjoin(delivered, _told())
        .where(desired.c.connection.in_(names), _untold())
        .limit(1)
    )
    return connection.execute(query).first() is not None


def record(
    connection: Connection,
    name: str,
    told: Mapping[str, Due],
    results: Iterable[tuple[DeliveryResult, datetime | None]],
    *,
    now: datetime,
) -> None:
    """Keeps how each of these values fared; a time with a result is when to try again."""
    rows = [
        {
            "connection": name,
            "key": result.key,
            "digest": told[result.key].digest,
            "delivery": result.delivery.value,
            "code": result.code,
            "message": result.message,
            "attempts": told[result.key].attempts + 1 if result.delivery is Delivery.RETRY else 0,
            "not_before": not_before,
            "at": now,
        }
        for result, not_before in results
    ]
    upsert(connection, delivered, rows)


def _told() -> ColumnElement[bool]:
    return and_(delivered.c.connection == desired.c.connection, delivered.c.key == desired.c.key)


def _untold() -> ColumnElement[bool]:
    """A refused value is told again only when it changes; one that is to be retried is not told yet."""
    return or_(
        delivered.c.digest.is_(None),
        delivered.c.digest != desired.c.digest,
        delivered.c.delivery == Delivery.RETRY.value,
    )


def _desired(name: str, value: Feedback, now: datetime) -> dict[str, Any]:
    state = dump_feedback(value)
    return {
        "connection": name,
        "key": value.key,
        "kind": value.kind.value,
        "campaign_id": getattr(value, "campaign_id", None),
        "state": state,
        "digest": hashlib.sha256(json.dumps(state, sort_keys=True).encode()).hexdigest(),
        "changed_at": now,
    }
