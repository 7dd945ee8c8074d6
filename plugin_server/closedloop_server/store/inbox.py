"""The deliveries as they came, until they are read into hints and after."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, insert, select, update
from sqlalchemy.exc import IntegrityError

from closedloop.crm.base import Ignored
from closedloop_server.store.rows import chunks
from closedloop_server.store.tables import inbox


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One webhook delivery, its body as it was sent."""

    id: int
    connection: str
    body: bytes


def keep(connection: Connection, name: str, *, content_type: str, body: bytes, now: datetime) -> bool:
    """Stores a delivery to the connection `name`; False when these bytes are there already."""
    digest = hashlib.sha256(body).hexdigest()
    known = select(inbox.c.id).where(inbox.c.connection == name, inbox.c.digest == digest)
    if connection.execute(known).first() is not None:
        return False
    row = {
        "connection": name,
        "digest": digest,
        "received_at": now,
        "content_type": content_type,
        "body": body,
    }
    try:
        with connection.begin_nested():
            connection.execute(insert(inbox).values(row))
    except IntegrityError:  # another process stored the same bytes in between
        return False
    return True


def unread(connection: Connection, *, limit: int) -> list[Delivery]:
    """The deliveries that wait to be read, the oldest first."""
    waiting = (
        select(inbox.c.id, inbox.c.connection, inbox.c.body)
        .where(inbox.c.read_at.is_(None))
        .order_by(inbox.c.id)
        .limit(limit)
    )
    return [
        Delivery(id=row.id, connection=row.connection, body=row.body) for row in connection.execute(waiting)
    ]


def erase(connection: Connection, name: str, ids: Iterable[str]) -> None:
    """Empties the bodies of the deliveries to a connection that were read and name one of these ids."""
    wanted = [id_.encode() for id_ in ids]
    mine = (inbox.c.connection == name, inbox.c.read_at.is_not(None))
    # No operator looks into bytes on every database: so they are looked through here.
    bodies = select(inbox.c.id, inbox.c.body).where(*mine).execution_options(yield_per=100)
    naming = [row.id for row in connection.execute(bodies) if any(each in row.body for each in wanted)]
    for chunk in chunks(naming):
        connection.execute(update(inbox).where(inbox.c.id.in_(chunk)).values(body=b""))


def mark_read(
    connection: Connection,
    delivery: Delivery,
    *,
    now: datetime,
    hints: int = 0,
    ignored: Sequence[Ignored] = (),
    error: str | None = None,
) -> None:
    """Notes what became of a delivery: how many hints, what was ignored and why, or why it is unreadable."""
    told = [{"reason": each.reason, "count": each.count} for each in ignored]
    connection.execute(
        update(inbox)
        .where(inbox.c.id == delivery.id)
        .values(read_at=now, hints=hints, ignored=told, error=error)
    )
