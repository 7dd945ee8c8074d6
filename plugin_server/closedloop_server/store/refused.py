"""What a CRM refused for good: listed with its words, and told again when something has changed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, bindparam, func, select, update

from closedloop.loop.feedback import Delivery, FeedbackKind
from closedloop_server.store.rows import chunks
from closedloop_server.store.tables import delivered, desired
from closedloop_server.store.telling import TOLD


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """A value that a CRM refused, with the CRM's code and message."""

    connection: str
    key: str
    kind: FeedbackKind
    campaign_id: str | None
    code: str | None
    message: str | None
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedCount:
    """How many values a CRM refused for one reason. `since` is when it refused the first of them."""

    connection: str
    kind: FeedbackKind
    code: str | None
    message: str | None
    count: int
    since: datetime


_REFUSED = and_(
    delivered.c.delivery == Delivery.REFUSED.value,
    delivered.c.digest == desired.c.digest,  # another value was not refused yet
)
_JOINED = desired.join(delivered, TOLD)


def listed(
    connection: Connection, names: Sequence[str], *, code: str | None = None, limit: int = 100
) -> list[Refused]:
    """Some of what was refused, the latest first."""
    columns = (delivered.c.connection, delivered.c.key, delivered.c.code, delivered.c.message, delivered.c.at)
    query = (
        select(*columns, desired.c.kind, desired.c.campaign_id)
        .select_from(_JOINED)
        .where(desired.c.connection.in_(names), _REFUSED)
        .order_by(delivered.c.at.desc(), delivered.c.connection, delivered.c.key)
        .limit(limit)
    )
    if code is not None:
        query = query.where(delivered.c.code == code)
    return [
        Refused(**{**row._mapping, "kind": FeedbackKind(row.kind)})  # noqa: SLF001 - SQLAlchemy's public name
        for row in connection.execute(query)
    ]


def counted(connection: Connection, names: Sequence[str]) -> list[RefusedCount]:
    """How much was refused, by connection, kind and the CRM's words."""
    by = (delivered.c.connection, desired.c.kind, delivered.c.code, delivered.c.message)
    query = (
        select(*by, func.count().label("count"), func.min(delivered.c.at).label("since"))
        .select_from(_JOINED)
        .where(desired.c.connection.in_(names), _REFUSED)
        .group_by(*by)
        .order_by(*by)
    )
    return [
        RefusedCount(**{**row._mapping, "kind": FeedbackKind(row.kind)})  # noqa: SLF001 - as above
        for row in connection.execute(query)
    ]


def anything(connection: Connection, name: str) -> bool:
    """Whether a connection's CRM refused anything."""
    return connection.execute(_ANYTHING, {"of_name": name}).first() is not None


_ANYTHING = (
    select(delivered.c.key)
    .where(delivered.c.connection == bindparam("of_name"), delivered.c.delivery == Delivery.REFUSED.value)
    .limit(1)
)


def about(connection: Connection, name: str, keys: Iterable[str], campaigns: Iterable[str]) -> dict[str, str]:
    """Those of these targets that refused something, and the rows by reason of these campaigns; to each the
    campaign's id, or ""."""
    found: dict[str, str] = {}
    if not anything(connection, name):  # nearly always, and quickly told
        return found
    query = select(desired.c.key, desired.c.campaign_id).select_from(_JOINED)
    for column, values in ((desired.c.key, keys), (desired.c.campaign_id, campaigns)):
        for chunk in chunks(sorted(set(values))):
            mine = (desired.c.connection == name, column.in_(chunk), _REFUSED)
            found |= {row.key: row.campaign_id or "" for row in connection.execute(query.where(*mine))}
    return found


def try_again(
    connection: Connection,
    name: str,
    *,
    keys: Iterable[str] | None = None,
    code: str | None = None,
    limit: int | None = None,
) -> int:
    """Has the CRM told again what it refused: everything, or only these targets, or what it refused with this
    code, at most so many; returns how many values. Whoever calls it wakes the worker."""
    conditions: list[ColumnElement[bool]] = [desired.c.connection == name, _REFUSED]
    if code is not None:
        conditions.append(delivered.c.code == code)
    query = select(desired.c.key).select_from(_JOINED).where(*conditions)
    found = sorted(key for part in _parts(keys, query) for key in connection.scalars(part))[:limit]
    for chunk in chunks(found):
        _ask(connection, name, chunk)
    return len(found)


def _parts(keys: Iterable[str] | None, query: Any) -> Iterator[Any]:
    if keys is None:
        yield query
        return
    for chunk in chunks(sorted(set(keys))):
        yield query.where(desired.c.key.in_(chunk))


def _ask(connection: Connection, name: str, keys: Sequence[str]) -> None:
    """In the order in which everybody takes these rows: `desired` first, by their keys."""
    rows = [{"of_key": key} for key in keys]
    mine = (desired.c.connection == name, desired.c.key == bindparam("of_key"))
    connection.execute(update(desired).where(*mine).values(waits=True), rows)
    told = (
        delivered.c.connection == name,
        delivered.c.key == bindparam("of_key"),
        delivered.c.delivery == Delivery.REFUSED.value,
    )
    again = {"delivery": Delivery.RETRY.value, "attempts": 0, "not_before": None}
    connection.execute(update(delivered).where(*told).values(again), rows)
