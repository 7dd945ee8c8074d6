"""Who was erased: remembered for good, by the CRM's id alone, so that nothing brings the person back."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Connection, select

from closedloop_server.store.rows import Key, among_keys, is_among_keys, key_of, key_values, upsert
from closedloop_server.store.tables import erasures

_AMONG = select(erasures).where(is_among_keys(erasures))


def note(connection: Connection, people: Iterable[Key], *, now: datetime) -> None:
    """Remembers that these people, and the records that are about them alone, were erased."""
    upsert(connection, erasures, [{**key_values(key), "erased_at": now} for key in set(people)])


def any_at_all(connection: Connection) -> bool:
    """Whether anybody was ever erased."""
    return connection.execute(select(erasures.c.crm_id).limit(1)).first() is not None


def among(connection: Connection, keys: Iterable[Key]) -> set[Key]:
    """Those of these who were erased."""
    return {key_of(row) for values in among_keys(keys) for row in connection.execute(_AMONG, values)}
