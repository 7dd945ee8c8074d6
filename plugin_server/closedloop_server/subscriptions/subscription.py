"""Who is told what: subscriptions and their secrets."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, delete, insert, or_, select, update

from closedloop_server.encryption import Cipher
from closedloop_server.store.tables import subscription_secrets, subscriptions
from closedloop_server.subscriptions.event_types import EventType
from closedloop_server.subscriptions.problems import SubscriptionError

OVERLAP = timedelta(hours=24)
"""How long an old secret signs beside the new one."""


_ID = re.compile(r"sub_[0-9a-f]{24}\Z")


class State(StrEnum):
    """What becomes of an event for a subscription."""

    ACTIVE = "active"  # it is sent
    PAUSED = "paused"  # it waits until an admin lets it go on
    DISABLED = (
        "disabled"  # it is not sent; nothing got through for long, or the subscriber said that it is gone
    )
    REMOVED = "removed"  # kept for the log alone


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """A subscriber; empty `types` or `connections` mean all. `why` says why it is disabled."""

    id: str
    name: str
    description: str
    url: str
    types: tuple[EventType, ...]
    connections: tuple[str, ...]
    state: State
    why: str
    state_since: datetime
    created_at: datetime
    failures: int
    failing_since: datetime | None
    held_until: datetime | None

    def concerns(self, type_: EventType, connection: str) -> bool:
        """Whether an event is for this subscription; one that is about no connection is for all of them."""
        wanted = not self.types or type_ in self.types
        return wanted and (not self.connections or not connection or connection in self.connections)


def create(
    connection: Connection,
    *,
    name: str,
    description: str,
    url: str,
    types: Sequence[EventType],
    connections: Sequence[str],
    now: datetime,
) -> str:
    """Adds an active subscription and returns its id; it has no secret yet."""
    id_ = f"sub_{secrets.token_hex(12)}"
    connection.execute(
        insert(subscriptions).values(
            id=id_,
            name=name,
            description=description,
            url=url,
            types=list(types),
            connections=list(connections),
            state=State.ACTIVE.value,
            why="",
            state_since=now,
            created_at=now,
            failures=0,
        )
    )
    return id_


def every(connection: Connection) -> list[Subscription]:
    """Every subscription that was not removed, by name."""
    query = select(subscriptions).where(subscriptions.c.state != State.REMOVED.value)
    return [
        _subscription(row)
        for row in connection.execute(query.order_by(subscriptions.c.name, subscriptions.c.id))
    ]


def fetch(connection: Connection, id_: str, *, lock: bool = False) -> Subscription:
    """One subscription; SubscriptionError when there is none, or none any more.

    Whoever writes about a subscription locks it before anything else: two that met in another order would
    wait for each other for ever.
    """
    query = select(subscriptions).where(subscriptions.c.id == id_)
    if lock:
        query = query.with_for_update(key_share=True)
    # What is no id of ours is not looked for: PostgreSQL refuses some texts altogether.
    row = connection.execute(query).one_or_none() if _ID.match(id_) else None
    if row is None or row.state == State.REMOVED:
        raise SubscriptionError(
            "there is no such subscription: `closedloop subscriptions list` shows them all",
            reason="unknown_subscription",
        )
    return _subscription(row)


def lock(connection: Connection, ids: Iterable[str]) -> None:
    """Keeps others from writing about these subscriptions until the transaction ends."""
    query = select(subscriptions.c.id).where(subscriptions.c.id.in_(sorted(set(ids))))
    connection.execute(query.order_by(subscriptions.c.id).with_for_update(key_share=True)).all()


def change(connection: Connection, id_: str, **values: Any) -> None:
    """Writes these columns of a subscription."""
    connection.execute(update(subscriptions).where(subscriptions.c.id == id_).values(**values))


def set_state(connection: Connection, id_: str, state: State, *, why: str = "", now: datetime) -> None:
    """Puts a subscription into a state; one that is made active begins without failures."""
    fresh = {"failures": 0, "failing_since": None, "held_until": None} if state is State.ACTIVE else {}
    change(connection, id_, state=state.value, why=why, state_since=now, **fresh)


def keep_secret(connection: Connection, id_: str, secret: str, cipher: Cipher, *, now: datetime) -> None:
    """Adds a secret; those before it go on signing for a day. Those that have done so are removed, and those
    that cannot be read any more."""
    forget_secrets(connection, id_, ended_by=now)
    _forget_unreadable(connection, id_, cipher)
    mine = subscription_secrets.c.subscription_id == id_
    still = or_(subscription_secrets.c.ends_at.is_(None), subscription_secrets.c.ends_at > now + OVERLAP)
    connection.execute(update(subscription_secrets).where(mine, still).values(ends_at=now + OVERLAP))
    connection.execute(
        insert(subscription_secrets).values(
            subscription_id=id_, secret=cipher.encrypt(secret), created_at=now
        )
    )


def valid_secrets(connection: Connection, id_: str, cipher: Cipher, *, now: datetime) -> list[str]:
    """The secrets that sign now, the newest first; SettingsError when one cannot be read."""
    query = (
        select(subscription_secrets.c.secret)
        .where(subscription_secrets.c.subscription_id == id_)
        .where(or_(subscription_secrets.c.ends_at.is_(None), subscription_secrets.c.ends_at > now))
        .order_by(subscription_secrets.c.id.desc())
    )
    return [cipher.decrypt(secret) for secret in connection.scalars(query)]


def forget_secrets(connection: Connection, id_: str, *, ended_by: datetime | None = None) -> None:
    """Removes every secret of a subscription, or those that had ended by then."""
    mine = [subscription_secrets.c.subscription_id == id_]
    if ended_by is not None:
        mine.append(subscription_secrets.c.ends_at <= ended_by)
    connection.execute(delete(subscription_secrets).where(*mine))


def _forget_unreadable(connection: Connection, id_: str, cipher: Cipher) -> None:
    """Removes the secrets whose key is lost: they can sign nothing, and would keep the new one from it."""
    query = select(subscription_secrets.c.id, subscription_secrets.c.secret)
    found = connection.execute(query.where(subscription_secrets.c.subscription_id == id_)).all()
    lost = [row.id for row in found if not cipher.can_read(row.secret)]
    connection.execute(delete(subscription_secrets).where(subscription_secrets.c.id.in_(lost)))


def _subscription(row: Any) -> Subscription:
    return Subscription(
        id=row.id,
        name=row.name,
        description=row.description,
        url=row.url,
        types=tuple(EventType(each) for each in row.types if each in set(EventType)),
        connections=tuple(row.connections),
        state=State(row.state),
        why=row.why,
        state_since=row.state_since,
        created_at=row.created_at,
        failures=row.failures,
        failing_since=row.failing_since,
        held_until=row.held_until,
    )


def told(subscribers: Iterable[Subscription], type_: EventType, connection: str) -> list[Subscription]:
    """Those of the subscribers whom a new event is for: a disabled one has to ask for what it missed."""
    return [
        each for each in subscribers if each.state is not State.DISABLED and each.concerns(type_, connection)
    ]
