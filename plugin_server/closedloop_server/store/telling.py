"""What each CRM is still to be told, and what of it was told already.

A call that was begun may change what a target shows until it can no longer arrive: its worker may have died
in the middle, have been taken for dead, or have given up waiting while its request was still on its way. So:

- Before the call its values are marked, with the number of the call; in the same transaction the worker
  proves that the work is still its own. Afterwards the results are kept, with the number of the call's end,
  and the marks go.
- A mark that is newer than the last result has no result: whoever finds it does not know what the target
  shows, and tells what it should show at once, whether or not that was told before.
- That is not enough if the lost call said something else: it may still arrive, and last. When it can no
  longer (`until`), the target is told once more what it should show. A call that said the same can arrive as
  late as it likes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    and_,
    bindparam,
    delete,
    func,
    or_,
    select,
    update,
)

from closedloop.loop.feedback import Delivery, DeliveryResult, Feedback
from closedloop.schema.schemas import load_feedback
from closedloop_server.store import priority
from closedloop_server.store.rows import chunks, insert_all, upsert
from closedloop_server.store.tables import delivered, desired, overridden, tellings


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """A feedback value that its CRM is to be told; `digest` is of exactly this value, `state` the value as it
    is stored. `shown` and `before` are what the CRM took last, and before that."""

    feedback: Feedback
    digest: str
    attempts: int
    bulk: bool
    state: Mapping[str, Any]
    shown: Mapping[str, Any] | None
    shown_digest: str | None
    before: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """How a value fared; `again` is when to try again, `until` when a call whose fate is unknown can no
    longer arrive."""

    told: Due
    result: DeliveryResult
    again: datetime | None = None
    until: datetime | None = None


def due(connection: Connection, name: str, *, now: datetime, limit: int, with_bulk: bool = True) -> list[Due]:
    """What a connection's CRM has to be told now: what was just decided first, people first. Never bulk
    together with something else: a decision does not wait for it, nor spend its share of the calls."""
    doubtful = connection.execute(_DOUBTFUL, {"of_name": name, "at": now, "most": limit})
    found = [_due(row) for row in doubtful]
    if len(found) < limit:
        found += _waiting(connection, name, now=now, limit=limit - len(found), with_bulk=with_bulk)
    by_key: dict[str, Due] = {}
    for each in found:
        by_key.setdefault(each.feedback.key, each)
    live = [each for each in by_key.values() if not each.bulk]
    return live or ([*by_key.values()] if with_bulk else [])


def begin(
    connection: Connection,
    name: str,
    batch: Sequence[Due],
    *,
    call: int,
    lease: int,
    until: datetime,
) -> None:
    """Marks that these values are being told by this call of the lease with this number."""
    mark = {"connection": name, "call": call, "lease": lease, "until": until}
    rows = [{**mark, "key": each.feedback.key, "digest": each.digest} for each in batch]
    insert_all(connection, tellings, sorted(rows, key=lambda row: str(row["key"])))


def record(
    connection: Connection,
    name: str,
    results: Iterable[Result],
    *,
    call: int,
    began: datetime,
    ended: int,
    now: datetime,
) -> None:
    """Keeps how each of these values fared in this call, which is over and has the number `ended` for it."""
    by_key = {each.told.feedback.key: each for each in results}
    kept = [by_key[key] for key in _still_marked(connection, name, by_key, call=call)]
    fresh = [each for each in kept if each.result.delivery is Delivery.DELIVERED]
    upsert(connection, delivered, [{**_row(name, each, ended, now), **_shown(each, now)} for each in fresh])
    others = [_row(name, each, ended, now) for each in kept if each.result.delivery is not Delivery.DELIVERED]
    upsert(connection, delivered, others)
    _settle(connection, name, [each for each in kept if each.result.delivery is not Delivery.RETRY])
    _unmark(connection, name, by_key.values(), call=call)
    _unmark_older(connection, name, fresh, began=began)


def abandon(connection: Connection, name: str, batch: Iterable[Due], *, call: int) -> None:
    """Takes back the marks of a call of which nothing was sent: all is as if it had not been begun."""
    keys = sorted(each.feedback.key for each in batch)
    for chunk in chunks(keys):
        mine = (tellings.c.call == call, tellings.c.key.in_(chunk))
        connection.execute(delete(tellings).where(tellings.c.connection == name, *mine))


def forget_calls(connection: Connection, name: str, keys: Iterable[str]) -> None:
    """Has nothing kept of what these targets are being told just now: it names somebody who is erased. Call
    it before anything else about them is written; they have to be told anew."""
    for chunk in chunks(_held(connection, name, keys)):
        mine = (tellings.c.connection == name, tellings.c.key.in_(chunk))
        connection.execute(delete(tellings).where(*mine))


def forget(connection: Connection, name: str) -> None:
    """Forgets all that a connection was told: another organisation is behind it now."""
    connection.execute(update(desired).where(desired.c.connection == name).values(waits=True))
    for table in (delivered, tellings, overridden):
        connection.execute(delete(table).where(table.c.connection == name))


def tidy(connection: Connection, name: str, *, now: datetime) -> None:
    """Forgets what waits for nothing: the marks of calls that can no longer arrive, and values that went back
    to what was told last before anybody told them. Only when nothing is due."""
    connection.execute(delete(tellings).where(tellings.c.connection == name, tellings.c.until <= now))
    mine = (desired.c.connection == name, desired.c.waits.is_(True))
    connection.execute(update(desired).where(*mine, _is_told()).values(waits=False))


def is_tidy(connection: Connection, name: str, *, now: datetime) -> bool:
    """Whether `tidy` would do nothing."""
    values = {"of_name": name, "at": now}
    return all(connection.execute(query, values).first() is None for query in (_OVER, _WAITS_IN_VAIN))


def next_due(connection: Connection, name: str, *, now: datetime) -> datetime | None:
    """When the next value that waits for another try, or is to be told once more, may be told."""
    values = {"of_name": name, "at": now}
    times = (connection.scalar(_NEXT_TRY, values), connection.scalar(_NEXT_DOUBT, values))
    return min((time for time in times if time is not None), default=None)


def waiting(connection: Connection, names: Sequence[str], *, bulk: bool = True) -> bool:
    """Whether anything is still to be told to one of these connections, be it later; bulk too, or not."""
    before = priority.NEVER if bulk else priority.BULK
    return connection.execute(_ANY_WAITING, {"names": names, "before": before}).first() is not None


def count_waiting(connection: Connection, name: str) -> int:
    """How many values a connection's CRM is still to be told, be it later."""
    query = select(func.count()).where(desired.c.connection == name, desired.c.waits.is_(True))
    return connection.scalar(query) or 0


TOLD = and_(delivered.c.connection == desired.c.connection, delivered.c.key == desired.c.key)
"""Joins what is desired with what was delivered."""

_OF_MARK = and_(delivered.c.connection == tellings.c.connection, delivered.c.key == tellings.c.key)
_OTHER = and_(tellings.c.digest != delivered.c.digest, delivered.c.delivery == Delivery.DELIVERED.value)
"""A call that said something else than what the CRM took last."""

_COLUMNS = (
    desired.c.key,
    desired.c.state,
    desired.c.digest,
    desired.c.priority,
    func.coalesce(delivered.c.attempts, 0).label("attempts"),
    delivered.c.digest.label("told_digest"),
    delivered.c.delivery,
    delivered.c.shown,
    delivered.c.shown_digest,
    delivered.c.before,
)


def _is_told() -> ColumnElement[bool]:
    """Whether exactly this was told last, and taken or refused for good."""
    same = (delivered.c.digest == desired.c.digest, delivered.c.delivery != Delivery.RETRY.value)
    return select(delivered.c.key).where(TOLD, *same).correlate(desired).exists()


def _is_untold() -> ColumnElement[bool]:
    other = delivered.c.digest != desired.c.digest
    return or_(delivered.c.key.is_(None), other, delivered.c.delivery == Delivery.RETRY.value)


# Put together once: that takes longer than most of them take to run, and workers ask all the time.

_MINE = (desired.c.connection == bindparam("of_name"), desired.c.waits.is_(True))
_MARKED = tellings.c.connection == bindparam("of_name")

_QUERY = (
    select(*_COLUMNS)
    .select_from(desired.outerjoin(delivered, TOLD))
    .order_by(desired.c.priority, desired.c.changed_at, desired.c.key)
    .limit(bindparam("most"))
)

_DOUBTFUL = _QUERY.where(
    desired.c.connection == bindparam("of_name"),
    desired.c.key.in_(
        select(tellings.c.key)
        .select_from(tellings.outerjoin(delivered, _OF_MARK))
        .where(
            _MARKED,
            or_(
                tellings.c.call > func.coalesce(delivered.c.call, 0),
                and_(tellings.c.until <= bindparam("at"), _OTHER),
            ),
        )
    ),
)
"""The targets of which nobody knows what they show: a call has no result, or one that said something else may
have arrived after the last."""

_UNTOLD = _QUERY.where(
    *_MINE,
    _is_untold(),
    or_(delivered.c.not_before.is_(None), delivered.c.not_before <= bindparam("at")),
    desired.c.priority < bindparam("before"),
)

_OVER = select(tellings.c.key).where(_MARKED, tellings.c.until <= bindparam("at")).limit(1)
_WAITS_IN_VAIN = select(desired.c.key).where(*_MINE, _is_told()).limit(1)

_NEXT_TRY = (
    select(func.min(delivered.c.not_before))
    .select_from(desired.join(delivered, TOLD))
    .where(
        # Only what is tried again has a time; the index leads to these few.
        delivered.c.connection == bindparam("of_name"),
        delivered.c.delivery == Delivery.RETRY.value,
        *_MINE,
    )
)

_NEXT_DOUBT = (
    select(func.min(tellings.c.until))
    .select_from(tellings.join(delivered, _OF_MARK))
    .where(_MARKED, tellings.c.until > bindparam("at"), _OTHER)
)

_ANY_WAITING = (
    select(desired.c.key)
    .where(
        desired.c.connection.in_(bindparam("names", expanding=True)),
        desired.c.waits.is_(True),
        desired.c.priority < bindparam("before"),
    )
    .limit(1)
)


def _waiting(connection: Connection, name: str, *, now: datetime, limit: int, with_bulk: bool) -> list[Due]:
    before = priority.NEVER if with_bulk else priority.BULK
    values = {"of_name": name, "at": now, "most": limit, "before": before}
    return [_due(row) for row in connection.execute(_UNTOLD, values)]


def _due(row: Any) -> Due:
    return Due(
        feedback=load_feedback(row.state),
        digest=row.digest,
        attempts=row.attempts,
        bulk=priority.is_bulk(row.priority),
        state=row.state,
        shown=row.shown,
        shown_digest=row.shown_digest,
        before=row.before,
    )


def _still_marked(connection: Connection, name: str, keys: Iterable[str], *, call: int) -> list[str]:
    """Those of the targets that are still to show something, and whose marks nobody took away: what was told
    about a person who was erased meanwhile must not be kept."""
    found: list[str] = []
    for chunk in chunks(_held(connection, name, keys)):
        mine = (tellings.c.connection == name, tellings.c.call == call, tellings.c.key.in_(chunk))
        found += connection.scalars(select(tellings.c.key).where(*mine).order_by(tellings.c.key))
    return found


def _held(connection: Connection, name: str, keys: Iterable[str]) -> list[str]:
    """Those of the targets that are to show something. Nobody else writes about them until the transaction
    ends: all who write about what was told take these rows first."""
    found: list[str] = []
    for chunk in chunks(sorted(keys)):
        mine = (desired.c.connection == name, desired.c.key.in_(chunk))
        query = select(desired.c.key).where(*mine).order_by(desired.c.key).with_for_update()
        found += connection.scalars(query)
    return found


def _row(name: str, each: Result, ended: int, now: datetime) -> dict[str, Any]:
    result = each.result
    return {
        "connection": name,
        "key": result.key,
        "digest": each.told.digest,
        "delivery": result.delivery.value,
        "code": result.code,
        "message": result.message,
        "attempts": each.told.attempts + 1 if result.delivery is Delivery.RETRY else 0,
        "not_before": each.again,
        "at": now,
        "call": ended,
    }


def _shown(each: Result, now: datetime) -> dict[str, Any]:
    told = each.told
    changed = told.shown_digest != told.digest
    return {
        "shown": dict(told.state),
        "shown_digest": told.digest,
        "shown_at": now,
        "before": told.shown if changed else told.before,
    }


def _settle(connection: Connection, name: str, told: Iterable[Result]) -> None:
    """Has these wait no longer, unless they are to show something else by now."""
    rows = [{"of_key": each.result.key, "of_digest": each.told.digest} for each in told]
    if rows:
        one = (desired.c.key == bindparam("of_key"), desired.c.digest == bindparam("of_digest"))
        settled = update(desired).where(desired.c.connection == name, *one).values(waits=False)
        connection.execute(settled, sorted(rows, key=lambda row: row["of_key"]))


def _unmark(connection: Connection, name: str, results: Iterable[Result], *, call: int) -> None:
    mine = (tellings.c.connection == name, tellings.c.call == call, tellings.c.key == bindparam("of_key"))
    ordered = sorted(results, key=lambda each: each.result.key)
    known = [{"of_key": each.result.key} for each in ordered if each.until is None]
    if known:
        connection.execute(delete(tellings).where(*mine), known)
    doubted = [{"of_key": each.result.key, "at": each.until} for each in ordered if each.until is not None]
    if doubted:
        connection.execute(update(tellings).where(*mine).values(until=bindparam("at")), doubted)


def _unmark_older(connection: Connection, name: str, taken: Iterable[Result], *, began: datetime) -> None:
    """What could arrive only until this call began has arrived, and the CRM took what came after it."""
    for chunk in chunks(sorted(each.result.key for each in taken)):
        over = (tellings.c.key.in_(chunk), tellings.c.until <= began)
        connection.execute(delete(tellings).where(tellings.c.connection == name, *over))
