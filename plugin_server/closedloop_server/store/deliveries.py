"""The deliveries as an operator sees them: listed, looked at, and read once more.

    listed(connection, Selection(connection="sales", state=State.UNREADABLE))
    one(connection, 4711)
    while replay(connection, Selection(since=yesterday), now=now): …

A delivery says again only which objects may have changed, and those are read anew from the CRM: reading it
twice, or late, changes nothing that is not so.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, and_, func, null, or_, select, update

from closedloop.crm.base import Ignored
from closedloop_server.store.inbox import Emptied
from closedloop_server.store.rows import chunks
from closedloop_server.store.tables import inbox

PORTION = 200
"""Deliveries that one call of `replay` takes: each is written anew with its body."""


class State(StrEnum):
    """How far a delivery has come."""

    WAITING = "waiting"  # it is to be read, for the first time or once more
    READ = "read"
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A delivery without its body. `size` is what is left of the body in bytes; `emptied` says why there is
    nothing left. `hints` counts the objects it pointed at; `error` says why it could not be read."""

    id: int
    connection: str
    received_at: datetime
    content_type: str
    size: int
    read_at: datetime | None = None
    hints: int | None = None
    ignored: tuple[Ignored, ...] = ()
    error: str | None = None
    replays: int = 0
    replayed_at: datetime | None = None
    emptied: Emptied | None = None
    emptied_at: datetime | None = None

    @property
    def state(self) -> State:
        """How far it has come."""
        if self.read_at is None:
            return State.WAITING
        return State.UNREADABLE if self.error is not None else State.READ

    @property
    def replayable(self) -> bool:
        """Whether it can be read once more: its body is there, and was read."""
        return self.emptied_at is None and self.read_at is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Some of the deliveries: those that fulfil all that is given. `first` and `last` are ids and, like
    `since`, included; `until` is not."""

    connection: str | None = None
    state: State | None = None
    first: int | None = None
    last: int | None = None
    since: datetime | None = None
    until: datetime | None = None

    @property
    def everything(self) -> bool:
        """Whether nothing is given that would leave out a delivery."""
        return all(getattr(self, each.name) is None for each in fields(self))


def listed(
    connection: Connection, selection: Selection, *, limit: int = 50, before: int | None = None
) -> list[Kept]:
    """The newest deliveries of the selection, so many at most; `before` is the id of the last one seen."""
    query = _kept().where(*_of(selection)).order_by(inbox.c.id.desc()).limit(limit)
    if before is not None:
        query = query.where(inbox.c.id < before)
    return [_told(row) for row in connection.execute(query)]


def one(connection: Connection, id_: int) -> tuple[Kept, bytes] | None:
    """A delivery and its body, or None when there is none of that id."""
    row = connection.execute(_kept(inbox.c.body).where(inbox.c.id == id_)).one_or_none()
    return (_told(row), row.body) if row is not None else None


def replay(connection: Connection, selection: Selection, *, now: datetime, limit: int = PORTION) -> int:
    """Has deliveries of the selection read once more, the oldest first and so many at most; returns how many.

    Call it with the same `now`, each time in a transaction of its own, until it returns 0: then every one
    had its turn, once. Those whose bodies were emptied, and those that wait anyway, are left as they are.
    Wake the loop afterwards.
    """
    ready = (
        inbox.c.read_at.is_not(None),
        inbox.c.emptied_at.is_(None),
        or_(inbox.c.replayed_at.is_(None), inbox.c.replayed_at < now),
    )
    found = select(inbox.c.id).where(*_of(selection), *ready).order_by(inbox.c.id).limit(limit)
    ids = list(connection.scalars(found.with_for_update()))
    again = {
        "read_at": None,
        "hints": None,
        "ignored": null(),  # None would be JSON's null
        "error": None,
        "replays": inbox.c.replays + 1,
        "replayed_at": now,
    }
    for chunk in chunks(ids):
        connection.execute(update(inbox).where(inbox.c.id.in_(chunk)).values(again))
    return len(ids)


def _of(selection: Selection) -> Iterator[ColumnElement[bool]]:
    if selection.connection is not None:
        yield inbox.c.connection == selection.connection
    if selection.state is not None:
        yield _in_state(selection.state)
    if selection.first is not None:
        yield inbox.c.id >= selection.first
    if selection.last is not None:
        yield inbox.c.id <= selection.last
    if selection.since is not None:
        yield inbox.c.received_at >= selection.since
    if selection.until is not None:
        yield inbox.c.received_at < selection.until


def _in_state(state: State) -> ColumnElement[bool]:
    if state is State.WAITING:
        return inbox.c.read_at.is_(None)
    broken = inbox.c.error.is_not(None) if state is State.UNREADABLE else inbox.c.error.is_(None)
    return and_(inbox.c.read_at.is_not(None), broken)


def _kept(*more: Any) -> Select[Any]:
    """All columns but the body and its digest."""
    plain = [column for column in inbox.c if column.name not in {"body", "digest"}]
    return select(*plain, func.length(inbox.c.body).label("size"), *more)


def _told(row: Row[Any]) -> Kept:
    values = {each.name: getattr(row, each.name) for each in fields(Kept)}
    values["ignored"] = tuple(Ignored(**each) for each in row.ignored or ())
    values["emptied"] = Emptied(row.emptied) if row.emptied is not None else None
    return Kept(**values)
