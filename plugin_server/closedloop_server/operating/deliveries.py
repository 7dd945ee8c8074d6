"""What the CRMs are told: what waits, what was refused, what people changed by hand; trying again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Select, and_, select, tuple_

from closedloop.loop.feedback import Delivery, FeedbackKind
from closedloop_server.services import Services
from closedloop_server.store import audit, overrides, priority, refused
from closedloop_server.store.engine import reading, writing
from closedloop_server.store.tables import delivered, desired, overridden
from closedloop_server.store.telling import TOLD
from closedloop_server.work.kinds import Kind, Work

PORTION = 500
"""Values that one transaction has tried again: others want to write meanwhile."""


class State(StrEnum):
    """What is to be seen of a value."""

    WAITING = "waiting"  # the CRM is still to be told
    REFUSED = "refused"  # the CRM does not take it
    CHANGED = "changed"  # somebody changed it in the CRM afterwards; it is left alone


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """One value for a target in a CRM. `since` is when it began to wait, was refused, or was seen changed;
    `code` and `message` are the CRM's words; `shows` is what stands in a field instead."""

    connection: str
    key: str
    kind: FeedbackKind
    campaign_id: str | None
    since: datetime
    bulk: bool = False
    code: str | None = None
    message: str | None = None
    attempts: int = 0
    not_before: datetime | None = None
    shows: dict[str, str] | None = None
    place: tuple[Any, ...] = ()

    @property
    def target(self) -> str:
        """The CRM's id of what shows the value, with what distinguishes it from others of the same record."""
        return " ".join(part.replace("_", " ") for part in self.key.split("|")[1:] if part)


def listed(
    connection: Connection,
    name: str,
    state: State,
    *,
    code: str | None = None,
    after: Sequence[Any] | None = None,
    limit: int = 50,
) -> list[Value]:
    """Some values of a connection in a state: those that are told first, or happened last, come first.
    `after` is the `place` of the last one seen."""
    query = _QUERIES[state].where(desired.c.connection == name)
    if code is not None:
        query = query.where(delivered.c.code == code)
    order = _ORDERS[state]
    if after is not None:
        query = query.where(_beyond(state, after))
    rows = connection.execute(query.order_by(*order).limit(limit))
    return [_value(row, state) for row in rows]


def try_again(
    services: Services, name: str, *, code: str | None = None, key: str | None = None, who: str
) -> int:
    """Has the CRM told again what it refused: everything, what it refused with this code, or one value;
    returns how many."""
    total = 0
    while True:
        with writing(services.engine) as connection:
            keys = [key] if key else _refused_keys(connection, name, code)
            count = refused.try_again(connection, name, keys=keys)
            if count and not total:
                details = {"code": code, "key": key}
                audit.note(
                    connection,
                    who=who,
                    action="delivery.try_again",
                    target=name,
                    details={kind: value for kind, value in details.items() if value is not None},
                    now=services.clock(),
                )
        total += count
        if not count or key:
            break
    services.wake(Work(Kind.TELL, name))
    return total


def refusals(services: Services, name: str) -> list[refused.RefusedCount]:
    """What a connection's CRM refused, by its words."""
    with reading(services.engine) as connection:
        return refused.counted(connection, [name])


def changed_by_hand(services: Services, name: str) -> int:
    """How many values people changed in a connection's CRM."""
    with reading(services.engine) as connection:
        return overrides.count(connection, [name]).get(name, 0)


def _refused_keys(connection: Connection, name: str, code: str | None) -> list[str]:
    return [each.key for each in listed(connection, name, State.REFUSED, code=code, limit=PORTION)]


_COLUMNS = (
    desired.c.connection,
    desired.c.key,
    desired.c.kind,
    desired.c.campaign_id,
    desired.c.changed_at,
    desired.c.priority,
    delivered.c.code,
    delivered.c.message,
    delivered.c.attempts,
    delivered.c.not_before,
    delivered.c.at,
)
_REFUSED = and_(delivered.c.delivery == Delivery.REFUSED.value, delivered.c.digest == desired.c.digest)
_SHOWN = and_(delivered.c.delivery == Delivery.DELIVERED.value, delivered.c.digest == desired.c.digest)
_QUERIES: dict[State, Select[Any]] = {
    State.WAITING: select(*_COLUMNS)
    .select_from(desired.outerjoin(delivered, TOLD))
    .where(desired.c.waits.is_(True)),
    State.REFUSED: select(*_COLUMNS).select_from(desired.join(delivered, TOLD)).where(_REFUSED),
    State.CHANGED: select(*_COLUMNS, overridden.c.shows, overridden.c.seen_at)
    .select_from(overridden.join(delivered, overrides.CURRENT).join(desired, TOLD))
    .where(_SHOWN),
}
_ORDERS: dict[State, tuple[Any, ...]] = {
    State.WAITING: (desired.c.priority, desired.c.changed_at, desired.c.key),
    State.REFUSED: (delivered.c.at.desc(), delivered.c.key.desc()),
    State.CHANGED: (overridden.c.seen_at.desc(), overridden.c.key.desc()),
}


def _beyond(state: State, after: Sequence[Any]) -> Any:
    if state is State.WAITING:
        return tuple_(desired.c.priority, desired.c.changed_at, desired.c.key) > tuple_(*after)
    table = delivered if state is State.REFUSED else overridden
    at = delivered.c.at if state is State.REFUSED else overridden.c.seen_at
    return tuple_(at, table.c.key) < tuple_(*after)


def _value(row: Any, state: State) -> Value:
    since = {State.WAITING: row.changed_at, State.REFUSED: row.at}.get(state) or row.seen_at
    return Value(
        connection=row.connection,
        key=row.key,
        kind=FeedbackKind(row.kind),
        campaign_id=row.campaign_id,
        since=since,
        bulk=priority.is_bulk(row.priority),
        code=row.code,
        message=row.message,
        attempts=row.attempts or 0,
        not_before=row.not_before,
        shows=row.shows if state is State.CHANGED else None,
        place=(row.priority, since, row.key) if state is State.WAITING else (since, row.key),
    )
