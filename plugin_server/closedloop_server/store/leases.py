"""Whose each piece of work is: a number that grows with every worker that takes it.

A worker that was thought dead may wake up in the middle of its turn. Whatever it then wants to write was
worked out from what has changed since: it finds that its number is not the newest, and writes nothing.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, select

from closedloop.errors import ClosedLoopError
from closedloop_server.store.rows import upsert
from closedloop_server.store.tables import leases
from closedloop_server.work.kinds import Work


class SupersededError(ClosedLoopError):
    """Another worker has taken this work since: what was worked out for it is out of date."""


def take(connection: Connection, work: Work, *, holder: str, now: datetime) -> int:
    """Makes the work this holder's from now on; returns the number to show with every write."""
    row = {"kind": work.kind.value, "connection": work.connection, "number": 1, "holder": holder}
    upsert(connection, leases, [{**row, "taken_at": now}], grow="number")
    return int(connection.scalar(_number(work)) or 0)


def check(connection: Connection, work: Work, number: int) -> None:
    """Keeps the work this worker's until the transaction ends; SupersededError if it is not any more."""
    if connection.scalar(_number(work).with_for_update(read=True)) != number:
        raise SupersededError(f"another worker has taken “{work}”", reason="superseded")


def _number(work: Work) -> Select[Any]:
    mine = (leases.c.kind == work.kind.value, leases.c.connection == work.connection)
    return select(leases.c.number).where(*mine)
