"""Who changed what about this installation, and when. The list only grows, until its entries are old.

It tells of the people who operate the server, not of those in the CRMs: no entry may hold a person's name,
address or note, and none may hold a secret.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, func, insert, select

from closedloop_server.store.tables import audit

COMMAND_LINE = "command line"
"""Who runs a command: whoever may read the settings and the database may do everything."""
_LONGEST = 250


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One thing that somebody did."""

    id: int
    at: datetime
    who: str
    action: str
    target: str
    details: Mapping[str, Any]


def note(
    connection: Connection,
    *,
    who: str,
    action: str,
    target: str = "",
    details: Mapping[str, Any] | None = None,
    now: datetime,
) -> None:
    """Writes down that `who` (a token's name, or COMMAND_LINE) did `action` to `target`.

    Call it in the transaction that does it: what is undone was not done. `action` is a slug such as
    "token.create", `details` are plain JSON values.
    """
    connection.execute(
        insert(audit).values(
            at=now, who=who, action=action, target=target[:_LONGEST], details=dict(details or {})
        )
    )


def count_before(connection: Connection, before: datetime) -> int:
    """How many entries are older."""
    return connection.scalar(select(func.count()).select_from(audit).where(audit.c.at < before)) or 0


def forget_before(connection: Connection, before: datetime, *, limit: int) -> int:
    """Removes entries that are older, so many at most; returns how many."""
    old = list(
        connection.scalars(select(audit.c.id).where(audit.c.at < before).order_by(audit.c.id).limit(limit))
    )
    connection.execute(delete(audit).where(audit.c.id.in_(old)))
    return len(old)


def entries(connection: Connection, *, limit: int, before: int | None = None) -> list[Entry]:
    """The newest entries first, `before` one of them when given."""
    query = select(audit).order_by(audit.c.id.desc()).limit(limit)
    if before is not None:
        query = query.where(audit.c.id < before)
    return [Entry(**row) for row in connection.execute(query).mappings()]
