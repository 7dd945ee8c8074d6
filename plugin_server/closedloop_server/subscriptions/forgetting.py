"""Forgets what was sent long ago, and what receivers answered about somebody who is to be erased."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

from sqlalchemy import Connection, delete, exists, select, update

from closedloop_server.services import Services
from closedloop_server.store.engine import reading
from closedloop_server.store.rows import Key, among_keys, chunks, is_among_keys
from closedloop_server.store.tables import attempts, events, sendings, subscriptions
from closedloop_server.subscriptions.attempts import ERASED
from closedloop_server.subscriptions.sendings import SendingState
from closedloop_server.subscriptions.subscription import State

BATCH = 200


def forget_old(services: Services, check: Callable[[], None]) -> int:
    """Removes the events that are older than the settings keep them, with the log of sending them;
    returns how many. What still waits for a subscription stays."""
    now, removed = services.clock(), 0
    while found := _old(services, now - services.settings.webhooks.keep):
        check()
        with services.writing() as connection:
            forget(connection, found)
        removed += len(found)
    return removed


def forget(connection: Connection, ids: Sequence[str]) -> None:
    """Removes these events and everything about sending them."""
    for portion in chunks(sorted(ids)):
        for table in (attempts, sendings):
            connection.execute(delete(table).where(table.c.event_id.in_(portion)))
        connection.execute(delete(events).where(events.c.id.in_(portion)))


def erase_answers_about(connection: Connection, subjects: Iterable[Key]) -> int:
    """Takes out of the log what receivers answered to events about these leads and opportunities, and out of
    the events the CRM's own text of the reason; returns how many events there are about them."""
    found = 0
    query = select(events.c.id, events.c.payload).where(is_among_keys(events))
    for values in among_keys(subjects):
        for row in connection.execute(query, values).all():
            found += 1
            mine = attempts.c.event_id == row.id
            connection.execute(update(attempts).where(mine).values(answer=""))
            under_way = attempts.c.duration_ms.is_(None)
            connection.execute(update(attempts).where(mine, under_way).values(error=ERASED))
            if row.payload["data"].get("raw_reason") is not None:
                data = {**row.payload["data"], "raw_reason": None}
                changed = {**row.payload, "data": data}
                connection.execute(update(events).where(events.c.id == row.id).values(payload=changed))
    return found


def _old(services: Services, before: datetime) -> list[str]:
    waits = exists().where(
        sendings.c.event_id == events.c.id,
        sendings.c.state == SendingState.WAITING.value,
        subscriptions.c.id == sendings.c.subscription_id,
        subscriptions.c.state != State.REMOVED.value,
    )
    query = select(events.c.id).where(events.c.learned_at < before, ~waits)
    with reading(services.engine) as connection:
        return list(connection.scalars(query.order_by(events.c.learned_at).limit(BATCH)))
