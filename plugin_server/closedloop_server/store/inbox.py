"""The deliveries as they came, until they are read into hints and after.

Whoever looks at deliveries, or has them read again, uses `store/deliveries.py`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from operator import attrgetter
from typing import Any

from sqlalchemy import ColumnElement, Connection, bindparam, delete, func, select, update

from closedloop.crm.base import Ignored
from closedloop_server.store.rows import chunks, insert_new
from closedloop_server.store.tables import inbox


class Emptied(StrEnum):
    """Why a delivery's body is kept no more."""

    PRIVACY = "privacy"  # it named a person who was erased
    RETENTION = "retention"  # it was older than bodies are kept


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """A delivery to a connection that is to be stored. `digest` tells whether its bytes came before."""

    connection: str
    content_type: str
    body: bytes
    received_at: datetime
    digest: str = field(init=False)

    def __post_init__(self) -> None:
        # Here, and not in the transaction: that one is waited for.
        object.__setattr__(self, "digest", hashlib.sha256(self.body).hexdigest())


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One webhook delivery, its body as it was sent."""

    id: int
    connection: str
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of a delivery: how many objects it pointed at, what was ignored and why, or why it is
    unreadable."""

    id: int
    hints: int = 0
    ignored: Sequence[Ignored] = ()
    error: str | None = None


def keep(connection: Connection, name: str, *, content_type: str, body: bytes, now: datetime) -> bool:
    """Stores a delivery to the connection `name`; False when these bytes are there already."""
    (new,) = keep_all(
        connection, [Arrival(connection=name, content_type=content_type, body=body, received_at=now)]
    )
    return new


def keep_all(connection: Connection, arrivals: Sequence[Arrival]) -> list[bool]:
    """Stores deliveries with one statement; for each whether it is new, or its bytes are there already.

    Two processes that store the same bytes at the same moment may disagree which of them was first.
    """
    new: dict[tuple[str, str], dict[str, Any]] = {}
    first = []
    for each in arrivals:
        key = (each.connection, each.digest)
        first.append(key not in new)
        new.setdefault(key, _row(each))
    # In one order everywhere: two web processes that are sent the same ones would wait for each other.
    keys = sorted(new)
    inserted = insert_new(connection, inbox, [new[key] for key in keys])
    if inserted < len(keys):
        stored = _latest(connection, keys, inserted)
        return [
            one and (each.connection, each.digest) in stored
            for each, one in zip(arrivals, first, strict=True)
        ]
    return first


def _row(arrival: Arrival) -> dict[str, Any]:
    return {
        "connection": arrival.connection,
        "digest": arrival.digest,
        "received_at": arrival.received_at,
        "content_type": arrival.content_type,
        "body": arrival.body,
    }


def _latest(connection: Connection, keys: Sequence[tuple[str, str]], count: int) -> set[tuple[str, str]]:
    """Those of the stored deliveries that were stored last, so many: ids only grow."""
    if not count:
        return set()
    names, digests = zip(*keys, strict=True)
    found = connection.execute(_STORED, {"names": names, "digests": digests, "count": count})
    return {(row.connection, row.digest) for row in found}


_STORED = (
    select(inbox.c.connection, inbox.c.digest)
    .where(
        inbox.c.connection.in_(bindparam("names", expanding=True)),
        inbox.c.digest.in_(bindparam("digests", expanding=True)),
    )
    .order_by(inbox.c.id.desc())
    .limit(bindparam("count"))
)


def unread(connection: Connection, *, limit: int, most_bytes: int) -> list[Delivery]:
    """The deliveries that wait to be read, the oldest first: so many at most, and at least one, but no more
    bytes than that."""
    waiting = (
        select(inbox.c.id, inbox.c.connection, inbox.c.body)
        .where(inbox.c.read_at.is_(None))
        .order_by(inbox.c.id)
        .limit(limit)
        .execution_options(yield_per=10)
    )
    found: list[Delivery] = []
    size = 0
    with connection.execute(waiting) as rows:
        for row in rows:
            size += len(row.body)
            if found and size > most_bytes:
                break
            found.append(Delivery(id=row.id, connection=row.connection, body=row.body))
    return found


def mark_read(connection: Connection, outcomes: Sequence[Outcome], *, now: datetime) -> None:
    """Notes what became of deliveries."""
    if not outcomes:
        return
    values: dict[str, Any] = {name: bindparam(f"its_{name}") for name in ("hints", "ignored", "error")}
    told = [
        {
            "its_id": each.id,
            "its_hints": each.hints,
            "its_ignored": [{"reason": one.reason, "count": one.count} for one in each.ignored],
            "its_error": each.error,
        }
        for each in sorted(outcomes, key=attrgetter("id"))
    ]
    connection.execute(
        update(inbox).where(inbox.c.id == bindparam("its_id")).values(read_at=now, **values), told
    )


def erase(connection: Connection, name: str, words: Iterable[str], *, now: datetime) -> None:
    """Empties the bodies of the deliveries to a connection that were read and hold one of these words: ids of
    people, e-mail addresses."""
    empty(connection, naming(connection, name, words), why=Emptied.PRIVACY, now=now)


def naming(connection: Connection, name: str, words: Iterable[str]) -> list[int]:
    """The deliveries to a connection that were read and hold one of these words, in any case."""
    wanted = [word.lower().encode() for word in words]
    mine = (inbox.c.connection == name, inbox.c.read_at.is_not(None), inbox.c.emptied_at.is_(None))
    # No operator looks into bytes on every database: so they are looked through here.
    bodies = select(inbox.c.id, inbox.c.body).where(*mine).execution_options(yield_per=100)
    return [
        row.id
        for row in connection.execute(bodies)
        if (body := row.body.lower()) and any(each in body for each in wanted)
    ]


def empty(connection: Connection, ids: Iterable[int], *, why: Emptied, now: datetime) -> None:
    """Empties the bodies of these deliveries. What was told about them stays: when they came, what they
    pointed at, and their digests, so that one that is sent once more is still known."""
    values = {"body": b"", "emptied": why.value, "emptied_at": now}
    for chunk in chunks(sorted(ids)):
        connection.execute(update(inbox).where(inbox.c.id.in_(chunk)).values(values))


def empty_before(connection: Connection, before: datetime, *, limit: int, now: datetime) -> int:
    """Empties the bodies of deliveries that came before then and were read, the oldest first, and so many at
    most; returns how many that were, 0 when there are no more."""
    old = (
        select(inbox.c.id)
        .where(inbox.c.received_at < before, inbox.c.read_at.is_not(None), inbox.c.emptied_at.is_(None))
        .order_by(inbox.c.id)
        .limit(limit)
    )
    ids = list(connection.scalars(old))
    empty(connection, ids, why=Emptied.RETENTION, now=now)
    return len(ids)


def count_bodies_before(connection: Connection, before: datetime) -> int:
    """How many deliveries that came before then, and were read, still have their bodies."""
    old = (inbox.c.received_at < before, inbox.c.read_at.is_not(None), inbox.c.emptied_at.is_(None))
    return connection.scalar(select(func.count()).select_from(inbox).where(*old)) or 0


def forget_before(connection: Connection, before: datetime, *, limit: int) -> int:
    """Removes deliveries that came before then and were read, so many at most; returns how many. One of them
    that is sent once more is read once more."""
    old = select(inbox.c.id).where(*_read_before(before)).order_by(inbox.c.id).limit(limit)
    ids = list(connection.scalars(old))
    connection.execute(delete(inbox).where(inbox.c.id.in_(ids)))
    return len(ids)


def count_before(connection: Connection, before: datetime) -> int:
    """How many deliveries came before then and were read."""
    return connection.scalar(select(func.count()).select_from(inbox).where(*_read_before(before))) or 0


def _read_before(before: datetime) -> tuple[ColumnElement[bool], ...]:
    return (inbox.c.received_at < before, inbox.c.read_at.is_not(None))
