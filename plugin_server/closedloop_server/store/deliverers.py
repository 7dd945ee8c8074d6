"""How telling each connection fares: how its calls are numbered, since when it fails, what has to wait."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, bindparam, func, or_, select, update

from closedloop_server.store import priority
from closedloop_server.store.rows import upsert
from closedloop_server.store.tables import delivered, deliverers, desired
from closedloop_server.store.telling import TOLD

FAILING_AFTER = timedelta(minutes=15)
"""How long a CRM takes nothing before somebody has to look."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failing:
    """A connection whose CRM is not told what waits for it. `code` and `message` say why, where the CRM or
    the connection to it said. Not `tried`: no worker does the work."""

    connection: str
    since: datetime
    waiting: int
    code: str | None = None
    message: str | None = None
    tried: bool = True


def last_number(connection: Connection, name: str) -> int:
    """The number that was given last: what is to come has a greater one."""
    return connection.scalar(_CALLS, {"of_name": name}) or 0


def next_number(connection: Connection, name: str) -> int:
    """The number of a call that begins now, or that is over now: each has one for both, in their order."""
    upsert(connection, deliverers, [{"connection": name, "calls": 1}], grow="calls")
    return last_number(connection, name)


def answered(connection: Connection, name: str, *, now: datetime) -> None:
    """Notes that the CRM took or refused something."""
    _set(connection, name, answered_at=now, failing_since=None, code=None, message=None, denied=False)


def failed(
    connection: Connection, name: str, *, code: str | None, message: str | None, denied: bool, now: datetime
) -> None:
    """Notes that a call came to nothing; `denied`: because the CRM does not accept the credentials."""
    since = func.coalesce(deliverers.c.failing_since, now)
    _set(connection, name, failing_since=since, code=code, message=message, denied=denied)


def hold_bulk(connection: Connection, name: str, *, until: datetime) -> None:
    """Has bulk work wait until then: its share of the budget is spent."""
    _set(connection, name, bulk_until=until)


def bulk_until(connection: Connection, name: str) -> datetime | None:
    """Until when bulk work has to wait, if it was told to."""
    return connection.scalar(_BULK_UNTIL, {"of_name": name})


_CALLS = select(deliverers.c.calls).where(deliverers.c.connection == bindparam("of_name"))
_BULK_UNTIL = select(deliverers.c.bulk_until).where(deliverers.c.connection == bindparam("of_name"))


def form(connection: Connection, name: str) -> tuple[str | None, datetime | None]:
    """What the CRM said of the fields that are written to, and when it was asked."""
    row = connection.execute(
        select(deliverers.c.form, deliverers.c.form_at).where(deliverers.c.connection == name)
    ).one_or_none()
    return (row.form, row.form_at) if row else (None, None)


def keep_form(connection: Connection, name: str, told: str | None, *, now: datetime) -> None:
    """Keeps what the CRM says of the fields now; None: it did not say, and what it said before stays."""
    row = {"connection": name, "form_at": now}
    upsert(connection, deliverers, [row if told is None else {**row, "form": told}])


def failing(
    connection: Connection, names: Sequence[str], *, now: datetime, after: timedelta = FAILING_AFTER
) -> list[Failing]:
    """The connections of which something could be told, and has not been for so long; at once where the CRM
    does not accept the credentials."""
    query = select(deliverers).where(deliverers.c.connection.in_(names))
    known = {row.connection: row for row in connection.execute(query)}
    found = (_failing(connection, name, known.get(name), now, after) for name in names)
    return [each for each in found if each is not None]


def _failing(connection: Connection, name: str, row: Any, now: datetime, after: timedelta) -> Failing | None:
    held = row is not None and row.bulk_until is not None and row.bulk_until > now
    waiting, oldest = _waiting(connection, name, with_bulk=not held)
    if not waiting or oldest is None:
        return None
    if row is not None and row.failing_since is not None:
        if row.denied or now - row.failing_since >= after:
            return Failing(
                connection=name, since=row.failing_since, waiting=waiting, code=row.code, message=row.message
            )
        return None
    quiet_since = max(oldest, row.answered_at) if row is not None and row.answered_at else oldest
    untold = _is_due(connection, name, with_bulk=not held, now=now)
    if now - quiet_since >= after and untold:
        return Failing(connection=name, since=quiet_since, waiting=waiting, tried=False)
    return None


def _waiting(connection: Connection, name: str, *, with_bulk: bool) -> tuple[int, datetime | None]:
    query = select(func.count(), func.min(desired.c.changed_at)).where(*_mine(name, with_bulk=with_bulk))
    count, oldest = connection.execute(query).one()
    return count, oldest


def _is_due(connection: Connection, name: str, *, with_bulk: bool, now: datetime) -> bool:
    """Whether something waits for a worker alone, and not for its next try: its own call failed then, while
    others did not."""
    query = (
        select(desired.c.key)
        .outerjoin(delivered, TOLD)
        .where(
            *_mine(name, with_bulk=with_bulk),
            or_(delivered.c.not_before.is_(None), delivered.c.not_before <= now),
        )
    )
    return connection.execute(query.limit(1)).first() is not None


def _mine(name: str, *, with_bulk: bool) -> list[Any]:
    mine = [desired.c.connection == name, desired.c.waits.is_(True)]
    return mine if with_bulk else [*mine, desired.c.priority < priority.BULK]


def _set(connection: Connection, name: str, **values: Any) -> None:
    connection.execute(update(deliverers).where(deliverers.c.connection == name).values(**values))
