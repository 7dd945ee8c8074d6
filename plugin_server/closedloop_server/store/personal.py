"""Takes people's words out of the tables that are not about people: what was decided, told and refused."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection, bindparam, delete, null, select, update

from closedloop.schema.vocabulary import REASONS, ReasonCode
from closedloop_server.store import feedback, telling
from closedloop_server.store.rows import Key, among_keys, chunks, is_among_keys
from closedloop_server.store.tables import (
    delivered,
    desired,
    hints,
    ledger,
    overridden,
    refusals,
)

ERASED = "erased"
"""Stands in place of a text that had to have one."""


def forget_reasons(connection: Connection, subjects: Iterable[Key]) -> None:
    """Takes the notes out of the ledger, and leaves of each raw reason the labels of its codes."""
    mine = is_among_keys(ledger)
    query = select(ledger.c.id, ledger.c.reason, ledger.c.contributing).where(
        mine, ledger.c.raw_reason.is_not(None)
    )
    one = update(ledger).where(ledger.c.id == bindparam("its_id")).values(raw_reason=bindparam("its_raw"))
    for values in among_keys(subjects):
        told = [
            {"its_id": row.id, "its_raw": _labels([row.reason, *row.contributing])}
            for row in connection.execute(query, values)
        ]
        connection.execute(update(ledger).where(mine).values(note=None), values)
        if told:
            connection.execute(one, told)


def _labels(codes: Iterable[str | None]) -> str:
    return ";".join(REASONS[ReasonCode(code)].label for code in codes if code)


def forget_messages(connection: Connection, keys: Iterable[Key]) -> None:
    """Takes out what was said about payloads that could not be read and objects that could not be had."""
    for values in among_keys(keys):
        connection.execute(update(refusals).where(is_among_keys(refusals)).values(message=ERASED), values)
        connection.execute(update(hints).where(is_among_keys(hints)).values(error=None), values)


def forget_shown(connection: Connection, own: Iterable[Key], others: Iterable[Key]) -> None:
    """Forgets what targets that are about these people should show and were told; of `others`, who were part
    of the same decisions, what they were told before. What they should show is worked out anew."""
    for name, keys in targets(own).items():
        feedback.drop(connection, name, keys)
    nothing = {"shown": null(), "shown_digest": None, "shown_at": None, "before": null(), "message": None}
    for name, keys in targets(others).items():
        telling.forget_calls(connection, name, keys)
        for chunk in chunks(keys):
            mine = (delivered.c.connection == name, delivered.c.key.in_(chunk))
            connection.execute(update(delivered).where(*mine).values(nothing))
            theirs = (overridden.c.connection == name, overridden.c.key.in_(chunk))
            connection.execute(delete(overridden).where(*theirs))
            _forget_desired(connection, name, chunk)


def _forget_desired(connection: Connection, name: str, keys: list[str]) -> None:
    """Takes the words out of what targets should show; publishing finds it different and tells it anew."""
    mine = (desired.c.connection == name, desired.c.key.in_(keys))
    found = connection.execute(select(desired.c.key, desired.c.state).where(*mine)).all()
    told = [{"its_key": row.key, "its_state": _noteless(row.state)} for row in found]
    if told:
        one = (desired.c.connection == name, desired.c.key == bindparam("its_key"))
        connection.execute(
            update(desired).where(*one).values(state=bindparam("its_state"), digest=ERASED), told
        )


def _noteless(state: dict[str, Any]) -> dict[str, Any]:
    return {name: None if name in {"note", "raw_reason"} else value for name, value in state.items()}


def targets(keys: Iterable[Key]) -> dict[str, list[str]]:
    """The keys of what people show in their CRM, by connection."""
    found: dict[str, list[str]] = {}
    for key in sorted(set(keys)):
        found.setdefault(key.connection, []).append(f"person|{key.object}|{key.id}")
    return found
