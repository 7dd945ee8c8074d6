"""The ledger, the entries that stand, and the versions of the mappings that decided."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from itertools import groupby
from typing import Any

from sqlalchemy import Connection, select

from closedloop_server.store import versions
from closedloop_server.store.rows import Key, key_of
from closedloop_server.store.tables import ledger, standings
from closedloop_server.verify.finding import Check, Finding


def check(connection: Connection) -> Iterator[Finding]:
    """What is wrong with the ledger, the versions that decided, and the entries that stand."""
    newest: dict[Key, Any] = {}
    for key, history in _histories(connection):
        yield from _ordered(key, history)
        newest[key] = history[-1]
    yield from _versions(connection)
    yield from _standings(connection, newest)


def name(key: Key) -> str:
    """A lead or an opportunity in a finding."""
    return f"{key.connection} {key.object} {key.id}"


def _histories(connection: Connection) -> Iterator[tuple[Key, list[Any]]]:
    here = ledger.c
    subject = (here.connection, here.object, here.crm_id)
    columns = (*subject, here.id, here.entry, here.outcome, here.reason, here.learned_at)
    rows = connection.execute(select(*columns).order_by(*subject, here.entry))
    for key, history in groupby(rows, key_of):
        yield key, list(history)


def _ordered(key: Key, history: list[Any]) -> Iterator[Finding]:
    numbers = [row.entry for row in history]
    if numbers != list(range(1, len(numbers) + 1)):
        message = f"its entries are numbered {numbers}, expected 1 to {len(numbers)}"
        yield Finding(check=Check.LEDGER, where=name(key), message=message)
    times: list[datetime] = [row.learned_at for row in history]
    if times != sorted(times):
        message = "an entry was learned before the one that it follows"
        yield Finding(check=Check.LEDGER, where=name(key), message=message)


def _versions(connection: Connection) -> Iterator[Finding]:
    kept = {version.name for version in versions.all_of(connection)}
    used = set(connection.scalars(select(ledger.c.mappings).where(ledger.c.mappings.is_not(None)).distinct()))
    for version in sorted(used - kept):
        message = "entries of the ledger name this version of the mappings, and its text is not kept"
        yield Finding(check=Check.VERSIONS, where=version, message=message)
    for version in sorted(kept):
        if not versions.is_whole(connection, version):
            message = "the text that is kept of this version makes no mappings"
            yield Finding(check=Check.VERSIONS, where=version, message=message)


def _standings(connection: Connection, newest: dict[Key, Any]) -> Iterator[Finding]:
    standing = {key_of(row): row for row in connection.execute(select(standings))}
    for key in sorted(newest.keys() | standing.keys()):
        message = _wrong(standing.get(key), newest.get(key))
        if message:
            yield Finding(check=Check.STANDINGS, where=name(key), message=message)


def _wrong(standing: Any, newest: Any) -> str | None:
    if standing is None:
        return "the ledger has entries, and none of them stands"
    if newest is None or standing.ledger_id != newest.id:
        return f"entry {standing.ledger_id} stands, and is not the newest"
    if (standing.outcome, standing.reason) != (newest.outcome, newest.reason):
        return "what stands says something else than its entry"
    return None
