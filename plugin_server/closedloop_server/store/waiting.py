"""Whether anything waits for anybody."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, select

from closedloop_server.store import telling
from closedloop_server.store.tables import hints, inbox, stale


def anything(connection: Connection, names: Sequence[str]) -> bool:
    """Whether anything waits to be read, worked out or told to one of these connections, be it for later.
    What is only looked at once more, for somebody's change, does not count."""
    queries = (
        select(inbox.c.id).where(inbox.c.read_at.is_(None)),
        select(hints.c.crm_id).where(hints.c.connection.in_(names), hints.c.again_at.is_(None)),
        select(stale.c.crm_id),
    )
    found = any(connection.execute(query.limit(1)).first() is not None for query in queries)
    return found or telling.waiting(connection, names)
