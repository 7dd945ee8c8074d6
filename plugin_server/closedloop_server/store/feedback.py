"""What campaigns and people should show."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, delete, select, update

from closedloop.loop.feedback import Feedback, FeedbackKind, ReasonFeedback
from closedloop.schema.schemas import dump_feedback, load_feedback
from closedloop_server.store import priority
from closedloop_server.store.rows import chunks, upsert
from closedloop_server.store.tables import delivered, desired, overridden, tellings


def desire(
    connection: Connection, name: str, values: Iterable[Feedback], *, now: datetime, bulk: bool = False
) -> int:
    """Makes these values what targets in a connection should show; returns how many differ from before.

    `bulk` values wait behind all others. What waits because of a new decision is never put back, and bulk
    that a new decision confirms goes to the front.
    """
    wanted = {value.key: value for value in values}
    known = _known(connection, name, wanted)
    rows = {key: _desired(name, value, now, bulk=bulk) for key, value in wanted.items()}
    news = {key: row for key, row in rows.items() if key not in known or known[key].digest != row["digest"]}
    for key, row in news.items():
        if key in known and known[key].waits:
            row["priority"] = min(row["priority"], known[key].priority)
    upsert(connection, desired, list(news.values()))
    same = (row for key, row in rows.items() if key not in news)
    _promote(connection, [row for row in same if _is_later(known[row["key"]], row["priority"])])
    return len(news)


def digests(connection: Connection, name: str, keys: Iterable[str]) -> dict[str, str]:
    """The digests of what these targets of a connection should show, where that is known."""
    return {key: row.digest for key, row in _known(connection, name, keys).items()}


def shown_rows(
    connection: Connection, name: str, campaigns: Iterable[str]
) -> dict[str, list[ReasonFeedback]]:
    """The rows by reason that these campaigns should show."""
    found: dict[str, list[ReasonFeedback]] = {}
    for chunk in chunks(sorted(set(campaigns))):
        query = select(desired.c.campaign_id, desired.c.state).where(
            desired.c.connection == name,
            desired.c.kind == FeedbackKind.REASON.value,
            desired.c.campaign_id.in_(chunk),
        )
        for row in connection.execute(query):
            value = load_feedback(row.state)
            if isinstance(value, ReasonFeedback):
                found.setdefault(row.campaign_id, []).append(value)
    return found


def drop(connection: Connection, name: str, keys: Iterable[str]) -> None:
    """Forgets targets of a connection that are no longer there to show anything, and all that they were
    told: it may name people."""
    for chunk in chunks(sorted(set(keys))):
        # `desired` first: whoever tells a target holds this row while it writes the others.
        for table in (desired, delivered, tellings, overridden):
            connection.execute(delete(table).where(table.c.connection == name, table.c.key.in_(chunk)))


def _known(connection: Connection, name: str, keys: Iterable[str]) -> dict[str, Any]:
    columns = (desired.c.key, desired.c.digest, desired.c.waits, desired.c.priority)
    return {
        row.key: row
        for chunk in chunks(sorted(set(keys)))
        for row in connection.execute(
            select(*columns).where(desired.c.connection == name, desired.c.key.in_(chunk))
        )
    }


def _is_later(row: Any, place: int) -> bool:
    return bool(row.waits) and row.priority > place


def _promote(connection: Connection, rows: Iterable[Mapping[str, Any]]) -> None:
    found = [
        {"of_connection": row["connection"], "of_key": row["key"], "place": row["priority"]}
        for row in sorted(rows, key=lambda row: str(row["key"]))
    ]
    if found:
        one = (desired.c.connection == bindparam("of_connection"), desired.c.key == bindparam("of_key"))
        connection.execute(update(desired).where(*one).values(priority=bindparam("place")), found)


def _desired(name: str, value: Feedback, now: datetime, *, bulk: bool) -> dict[str, Any]:
    state = dump_feedback(value)
    return {
        "connection": name,
        "key": value.key,
        "kind": value.kind.value,
        "campaign_id": getattr(value, "campaign_id", None),
        "state": state,
        "digest": hashlib.sha256(json.dumps(state, sort_keys=True).encode()).hexdigest(),
        "changed_at": now,
        "waits": True,
        "priority": priority.of(value.kind, bulk=bulk),
    }
