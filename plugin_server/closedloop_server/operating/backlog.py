"""What waits where, and since when: every step between a delivery and the campaigns."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Connection, func, select

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
    query = (
        select(inbox.c.connection, func.count(), func.min(inbox.c.received_at))
        .where(inbox.c.read_at.is_(None))
        .group_by(inbox.c.connection)
        .order_by(inbox.c.connection)
    )
    for name, count, oldest in connection.execute(query):
        yield Waiting(step=Step.INBOX, connection=name, count=count, oldest=oldest)


def _hints(connection: Connection) -> Iterator[Waiting]:
    query = (
        select(hints.c.connection, func.count(), func.min(hints.c.noted_at))
        # What is only looked at once more later has been read.
        .where(hints.c.again_at.is_(None))
        .group_by(hints.c.connection)
        .order_by(hints.c.connection)
    )
    for name, count, oldest in connection.execute(query):
        yield Waiting(step=Step.READ, connection=name, count=count, oldest=oldest)


def _stale(connection: Connection) -> Iterator[Waiting]:
    query = select(stale.c.work, func.count()).group_by(stale.c.work)
    found = {row[0]: row[1] for row in connection.execute(query)}
    for work, step in _OF_STALE.items():
        if work in found:
            yield Waiting(step=step, connection="", count=found[work])


def _untold(connection: Connection) -> Iterator[Waiting]:
    query = (
        select(desired.c.connection, func.count(), func.min(desired.c.changed_at))
        .where(desired.c.waits.is_(True))
        .group_by(desired.c.connection)
        .order_by(desired.c.connection)
    )
    for name, count, oldest in connection.execute(query):
        yield Waiting(step=Step.TELL, connection=name, count=count, oldest=oldest)


def _refused(connection: Connection) -> Iterator[Waiting]:
    query = (
        select(delivered.c.connection, func.count(), func.min(delivered.c.at))
        .select_from(delivered.join(desired, TOLD))
        .where(delivered.c.delivery == Delivery.REFUSED.value, delivered.c.digest == desired.c.digest)
        .group_by(delivered.c.connection)
        .order_by(delivered.c.connection)
    )
    for name, count, oldest in connection.execute(query):
        yield Waiting(step=Step.REFUSED, connection=name, count=count, oldest=oldest)


def _unsent(connection: Connection) -> Iterator[Waiting]:
    query = select(func.count(), func.min(sendings.c.asked_at)).where(
        sendings.c.state == SendingState.WAITING.value
    )
    count, oldest = connection.execute(query).one()
    if count:
        yield Waiting(step=Step.SEND, connection="", count=count, oldest=oldest)
