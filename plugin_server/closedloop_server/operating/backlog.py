"""What waits where, and since when: every step between a delivery and the campaigns."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Select, func, select

from closedloop.loop.feedback import Delivery
from closedloop_server.store.stale import Work
from closedloop_server.store.tables import delivered, desired, hints, inbox, sendings, stale
from closedloop_server.store.telling import TOLD
from closedloop_server.subscriptions.sendings import SendingState


class Step(StrEnum):
    """A place where something can wait."""

    INBOX = "inbox"  # deliveries that were not read yet
    READ = "read"  # objects that are to be read again from their CRM
    EXPAND = "expand"  # changed records of which it is not known yet which leads and deals they concern
    DERIVE = "derive"  # leads and deals whose decisions are to be worked out
    PUBLISH = "publish"  # campaigns and people of which it is to be worked out what they should show
    TELL = "tell"  # what the CRMs were not told yet
    REFUSED = "refused"  # what a CRM refuses: it waits until something changes
    SEND = "send"  # events that subscribers were not told yet


_OF_STALE = {Work.CHANGED: Step.EXPAND, Work.SUBJECT: Step.DERIVE, Work.PUBLISH: Step.PUBLISH}


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """How much waits at a step, of one connection or ("") of all; `oldest`: since when, where it is known."""

    step: Step
    connection: str
    count: int
    oldest: datetime | None = None


def backlog(connection: Connection) -> list[Waiting]:
    """What waits, in the order in which it is worked on; a step where nothing waits is left out."""
    return [
        each for part in (_inbox, _hints, _stale, _untold, _refused, _unsent) for each in part(connection)
    ]


def _inbox(connection: Connection) -> Iterator[Waiting]:
    waits = select(inbox.c.connection, inbox.c.received_at.label("since")).where(inbox.c.read_at.is_(None))
    return _of_each_connection(connection, Step.INBOX, waits)


def _hints(connection: Connection) -> Iterator[Waiting]:
    """What is only looked at once more later has been read."""
    waits = select(hints.c.connection, hints.c.noted_at.label("since")).where(hints.c.again_at.is_(None))
    return _of_each_connection(connection, Step.READ, waits)


def _stale(connection: Connection) -> Iterator[Waiting]:
    query = select(stale.c.work, func.count()).group_by(stale.c.work)
    found = {row[0]: row[1] for row in connection.execute(query)}
    for work, step in _OF_STALE.items():
        if work in found:
            yield Waiting(step=step, connection="", count=found[work])


def _untold(connection: Connection) -> Iterator[Waiting]:
    waits = select(desired.c.connection, desired.c.changed_at.label("since")).where(desired.c.waits.is_(True))
    return _of_each_connection(connection, Step.TELL, waits)


def _refused(connection: Connection) -> Iterator[Waiting]:
    waits = (
        select(delivered.c.connection, delivered.c.at.label("since"))
        .select_from(delivered.join(desired, TOLD))
        .where(delivered.c.delivery == Delivery.REFUSED.value, delivered.c.digest == desired.c.digest)
    )
    return _of_each_connection(connection, Step.REFUSED, waits)


def _of_each_connection(connection: Connection, step: Step, waits: Select[Any]) -> Iterator[Waiting]:
    """Counts the rows of `waits`, which have a `connection` and a `since`."""
    row = waits.subquery().c
    query = (
        select(row.connection, func.count(), func.min(row.since))
        .group_by(row.connection)
        .order_by(row.connection)
    )
    for name, count, oldest in connection.execute(query):
        yield Waiting(step=step, connection=name, count=count, oldest=oldest)


def _unsent(connection: Connection) -> Iterator[Waiting]:
    query = select(func.count(), func.min(sendings.c.asked_at)).where(
        sendings.c.state == SendingState.WAITING.value
    )
    count, oldest = connection.execute(query).one()
    if count:
        yield Waiting(step=Step.SEND, connection="", count=count, oldest=oldest)
