"""Values that somebody changed in the CRM after they were told: noticed, shown, and left alone.

They are not written again: a value is told when it differs from what was told last, and that has not
changed. A new decision changes it, is told, and takes the note away with the next call's number.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    and_,
    bindparam,
    delete,
    func,
    null,
    or_,
    select,
    update,
)

from closedloop.loop.feedback import Delivery, Feedback
from closedloop.schema.schemas import load_feedback
from closedloop_server.store.rows import chunks, upsert
from closedloop_server.store.tables import delivered, desired, overridden, tellings
from closedloop_server.store.telling import TOLD


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What a target was told last, when nothing else is on its way to it. `before` is what it had been told
    before that; `noted` is what was seen of a change already."""

    key: str
    feedback: Feedback
    before: Feedback | None
    call: int
    noted: Mapping[str, str] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Unclear:
    """A target of which a reading cannot tell whose the value is that it shows; one from `again` on can.
    `wanted` is what it should show."""

    key: str
    wanted: Feedback
    again: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Override:
    """A value that somebody changed in the CRM: `shows` is what stands in each changed field of ours, ""
    for nothing; `told` is what stood there before."""

    connection: str
    key: str
    told: Feedback
    shows: Mapping[str, str]
    seen_at: datetime


CURRENT = and_(
    overridden.c.connection == delivered.c.connection,
    overridden.c.key == delivered.c.key,
    overridden.c.call == delivered.c.call,
)
"""Joins the notes that still hold with what was delivered."""

_PATIENCE = timedelta(minutes=1)
"""A target whose marks should be gone by now is read again after this."""

_SHOWN: ColumnElement[bool] = and_(
    delivered.c.digest == desired.c.digest, delivered.c.delivery == Delivery.DELIVERED.value
)


def standing(
    connection: Connection, name: str, keys: Iterable[str], *, as_of: int, now: datetime
) -> list[Standing | Unclear]:
    """What those of the targets were told last that were told anything, and of which it is known. A reading
    begun after the number `as_of` can be compared with it if the call was over by then, and if no other was
    begun whose fate is unknown. What they should show by now does not matter."""
    rows = (
        row
        for chunk in chunks(sorted(set(keys)))
        for row in connection.execute(_TOLD_LAST, {"of_connection": name, "of_keys": chunk})
    )
    return [each for row in rows if (each := _standing(row, as_of, now)) is not None]


def note(
    connection: Connection, name: str, found: Mapping[str, tuple[int, Mapping[str, str]]], *, now: datetime
) -> None:
    """Keeps what these targets show instead of what the call with this number told them; nothing: they show
    again what they were told. Not of those of which that is known no more: somebody was erased meanwhile."""
    known = _known(connection, name, found)
    rows = [
        {"connection": name, "key": key, "call": call, "shows": dict(shows), "seen_at": now}
        for key, (call, shows) in found.items()
        if shows and known.get(key) == call
    ]
    upsert(connection, overridden, rows)
    for chunk in chunks(sorted(key for key, (_, shows) in found.items() if not shows)):
        mine = (overridden.c.connection == name, overridden.c.key.in_(chunk))
        connection.execute(delete(overridden).where(*mine))


def _known(connection: Connection, name: str, keys: Iterable[str]) -> dict[str, int | None]:
    """The last call to those of the targets of which it is known what it told them, as in `_standing`."""
    still = or_(delivered.c.shown.is_not(null()), delivered.c.digest == desired.c.digest)
    query = select(desired.c.key, delivered.c.call).select_from(desired.join(delivered, TOLD))
    return {
        row.key: row.call
        for chunk in chunks(sorted(keys))
        for row in connection.execute(
            query.where(desired.c.connection == name, desired.c.key.in_(chunk), still)
        )
    }


def tell_again(connection: Connection, name: str, targets: Iterable[tuple[str, int]]) -> None:
    """Has these targets told once more what they were told by the call with this number, if that was the
    last. What they had been told before it is forgotten: the next time it is somebody's change."""
    rows = [{"of_key": key, "of_call": call} for key, call in sorted(targets)]
    if not rows:
        return
    last = select(delivered.c.key).where(TOLD, delivered.c.call == bindparam("of_call")).exists()
    mine = (desired.c.connection == name, desired.c.key == bindparam("of_key"))
    connection.execute(update(desired).where(*mine, last).values(waits=True), rows)
    told = (
        delivered.c.connection == name,
        delivered.c.key == bindparam("of_key"),
        delivered.c.call == bindparam("of_call"),
    )
    again = {"delivery": Delivery.RETRY.value, "code": "older_value", "before": None}
    connection.execute(update(delivered).where(*told).values(again), rows)


def listed(
    connection: Connection, names: Sequence[str], *, campaign_id: str | None = None, limit: int = 100
) -> list[Override]:
    """The values that somebody changed, the latest first; of one campaign's own record, if given."""
    query = (
        select(overridden, desired.c.state)
        .select_from(_JOINED)
        .where(overridden.c.connection.in_(names), _SHOWN)
        .order_by(overridden.c.seen_at.desc(), overridden.c.connection, overridden.c.key)
        .limit(limit)
    )
    if campaign_id is not None:
        query = query.where(desired.c.campaign_id == campaign_id)
    return [_override(row) for row in connection.execute(query)]


def count(connection: Connection, names: Sequence[str]) -> dict[str, int]:
    """How many values somebody changed, by connection."""
    query = (
        select(overridden.c.connection, func.count().label("number"))
        .select_from(_JOINED)
        .where(overridden.c.connection.in_(names), _SHOWN)
        .group_by(overridden.c.connection)
    )
    return {row.connection: row.number for row in connection.execute(query)}


_TOLD_LAST = (
    select(
        desired.c.key,
        desired.c.state,
        (delivered.c.digest == desired.c.digest).label("is_wanted"),
        delivered.c.delivery,
        delivered.c.shown,
        delivered.c.before,
        delivered.c.call,
        overridden.c.shows,
        select(func.max(tellings.c.until))
        .where(tellings.c.connection == desired.c.connection, tellings.c.key == desired.c.key)
        .scalar_subquery()
        .label("marked_until"),
    )
    .select_from(desired.outerjoin(delivered, TOLD).outerjoin(overridden, CURRENT))
    .where(
        desired.c.connection == bindparam("of_connection"),
        desired.c.key.in_(bindparam("of_keys", expanding=True)),
    )
)


def _standing(row: Any, as_of: int, now: datetime) -> Standing | Unclear | None:
    if row.marked_until is not None:
        # Whoever tells takes the mark away when it is over; if it is still there, nobody has told since.
        again = max(row.marked_until, now + _PATIENCE)
        return Unclear(key=row.key, wanted=load_feedback(row.state), again=again)
    if row.call is not None and row.call > as_of:
        return Unclear(key=row.key, wanted=load_feedback(row.state), again=now)
    state = row.shown or (row.state if row.is_wanted else None)
    if row.delivery != Delivery.DELIVERED.value or state is None:
        return None
    return Standing(
        key=row.key,
        feedback=load_feedback(state),
        before=None if row.before is None else load_feedback(row.before),
        call=row.call,
        noted=row.shows,
    )


_JOINED = overridden.join(delivered, CURRENT).join(desired, TOLD)


def _override(row: Any) -> Override:
    return Override(
        connection=row.connection,
        key=row.key,
        told=load_feedback(row.state),
        shows=row.shows,
        seen_at=row.seen_at,
    )
