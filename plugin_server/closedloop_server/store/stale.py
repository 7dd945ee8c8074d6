"""What has to be looked at again. Written in the transaction that made it so, and struck off afterwards."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import Connection, bindparam, select

from closedloop_server.store.rows import Key, delete_noted, key_of, key_values, upsert
from closedloop_server.store.tables import stale


class Work(StrEnum):
    """What is to be done about a stale object."""

    CHANGED = "changed"  # a record changed: find the leads and opportunities that this concerns
    SUBJECT = "subject"  # a lead or an opportunity: work out anew what sales decided
    PUBLISH = "publish"  # a campaign or a person: work out anew what it should show


@dataclass(frozen=True, slots=True, kw_only=True)
class Stale:
    """One object with the number of changes seen; `bulk`: it waits only because everything was read."""

    key: Key
    noted: int
    bulk: bool = False


def note(connection: Connection, work: Work, keys: Iterable[Key], *, bulk: bool = False) -> None:
    """Remembers that these objects wait for `work`. What waits because something just happened goes before
    what is only `bulk`, and stays so however often it is noted again."""
    rows = [{"work": work.value, **key_values(key), "noted": 1, "bulk": bulk} for key in set(keys)]
    upsert(connection, stale, rows, keep=("bulk",) if bulk else (), grow="noted")


def waiting(connection: Connection, work: Work, *, limit: int) -> list[Stale]:
    """Some of what waits for `work`: first what just happened, then what is bulk, never both together."""
    rows = connection.execute(_WAITING, {"of_work": work.value, "most": limit})
    found = [Stale(key=key_of(row), noted=row.noted, bulk=row.bulk) for row in rows]
    return [each for each in found if each.bulk == found[0].bulk]


_WAITING = (
    select(stale)
    .where(stale.c.work == bindparam("of_work"))
    .order_by(stale.c.bulk, stale.c.connection, stale.c.object, stale.c.crm_id)
    .limit(bindparam("most"))
)


def is_bulk(some: Sequence[Stale]) -> bool:
    """Whether these, of which `waiting` gives either kind alone, are bulk: so is what follows from them."""
    return any(each.bulk for each in some)


def strike(connection: Connection, work: Work, done: Sequence[Stale]) -> None:
    """Removes what was looked at, except what changed again meanwhile."""
    delete_noted(connection, stale, [(each.key, each.noted) for each in done], work=work.value)
