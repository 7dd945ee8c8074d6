"""The calls of each connection, counted for all processes together and across restarts.

Calls are reserved in small blocks, so that a hundred calls do not take a hundred transactions. A block holds
within its slice of time; what is left of it then is lost. So in any 24 hours no more calls are made than the
budget allows, and a few less where several processes share it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import ColumnElement, Connection, Engine, delete, func, select, update

from closedloop.crm.budget import allowed, exhausted, is_bulk_work
from closedloop_server.store.engine import reading, writing
from closedloop_server.store.rows import upsert
from closedloop_server.store.tables import usage

SLICE = timedelta(minutes=10)
_DAY = timedelta(hours=24)
LARGEST_BLOCK = 32
_GATE = 0
"""The slice whose row is taken first by everybody who reserves: one at a time."""
_SMALLEST_SHARE = 500
"""No block is larger than this part of the budget."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """What of a connection's budget is spent; `back_at` is when the oldest calls of the last 24 hours count
    no longer, None where there are none."""

    calls: int
    back_at: datetime | None = None


def spent(connection: Connection, name: str, *, now: datetime) -> Spent:
    """The calls of the last 24 hours, with those that are reserved."""
    query = select(func.coalesce(func.sum(usage.c.calls), 0), func.min(usage.c.slice))
    calls, first = connection.execute(query.where(*_counted(name, now))).one()
    return Spent(calls=int(calls), back_at=None if first is None else _over_at(first))


class SharedBudget:
    """The budget of one connection, whichever process spends it; a `closedloop.crm.budget.Budget`.

    `bulk_share` is how much of it bulk work may spend. Threads may share it.
    """

    def __init__(
        self,
        engine: Engine,
        name: str,
        calls: int | None,
        *,
        bulk_share: float,
        clock: Callable[[], datetime],
    ) -> None:
        self._engine = engine
        self._name = name
        self._calls = calls
        self._bulk_share = bulk_share
        self._clock = clock
        self._lock = threading.Lock()
        self._slice = -1
        self._left = {False: 0, True: 0}
        self._block = 1

    @property
    def calls(self) -> int | None:
        """How many calls are allowed within 24 hours."""
        return self._calls

    @property
    def spent(self) -> int:
        """The calls of the last 24 hours, of all processes."""
        with reading(self._engine) as connection:
            return spent(connection, self._name, now=self._clock()).calls

    def spend(self) -> None:
        """Takes one call off; QuotaError when none is left for the work at hand."""
        bulk = is_bulk_work()
        with self._lock:
            now = self._clock()
            if _slice_of(now) != self._slice:
                self._slice, self._left, self._block = _slice_of(now), {False: 0, True: 0}, 1
            if not self._left[bulk]:
                self._left[bulk] = self._reserve(now)
                self._block = min(self._block * 2, self._largest())
            self._left[bulk] -= 1

    def _largest(self) -> int:
        most = LARGEST_BLOCK if self._calls is None else self._calls // _SMALLEST_SHARE
        return max(1, min(most, LARGEST_BLOCK))

    def _reserve(self, now: datetime) -> int:
        with writing(self._engine) as connection:
            _take_gate(connection, self._name)
            block = self._block
            if self._calls is not None:
                known = spent(connection, self._name, now=now)
                block = min(block, allowed(self._calls, self._bulk_share) - known.calls)
                if block <= 0:
                    back_at = known.back_at or now + _DAY
                    raise exhausted(self._calls, wait=max(1.0, (back_at - now).total_seconds()))
            _count(connection, self._name, self._slice, block, now)
        return block


def _take_gate(connection: Connection, name: str) -> None:
    upsert(connection, usage, [{"connection": name, "slice": _GATE, "calls": 0}])


def _count(connection: Connection, name: str, slice_: int, calls: int, now: datetime) -> None:
    mine = (usage.c.connection == name, usage.c.slice == slice_)
    more = update(usage).where(*mine).values(calls=usage.c.calls + calls)
    if connection.execute(more).rowcount:
        return
    upsert(connection, usage, [{"connection": name, "slice": slice_, "calls": calls}])
    old = (usage.c.connection == name, usage.c.slice != _GATE, usage.c.slice < _first(now))
    connection.execute(delete(usage).where(*old))


def _counted(name: str, now: datetime) -> tuple[ColumnElement[bool], ...]:
    return (usage.c.connection == name, usage.c.slice != _GATE, usage.c.slice >= _first(now))


def _slice_of(moment: datetime) -> int:
    return int(moment.timestamp() // SLICE.total_seconds())


def _first(now: datetime) -> int:
    """The first slice of which a call may lie within the last 24 hours."""
    return _slice_of(now - _DAY)


def _over_at(slice_: int) -> datetime:
    """When no call of the slice lies within the last 24 hours any more."""
    return datetime.fromtimestamp((slice_ + 1) * SLICE.total_seconds(), UTC) + _DAY
