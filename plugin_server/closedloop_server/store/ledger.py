"""What sales decided: entries that are only ever added, and which of them holds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, and_, delete, func, select

from closedloop.loop.dispositions import Decision
from closedloop.schema.records import Money
from closedloop.schema.vocabulary import DECIDED, Outcome, ReasonCode
from closedloop_server.store.leases import SupersededError
from closedloop_server.store.rows import (
    Key,
    among_keys,
    insert_all,
    is_among_keys,
    key_of,
    key_values,
    upsert,
)
from closedloop_server.store.tables import ledger, people, standings


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line of the ledger; `number` counts within its lead or opportunity."""

    id: int
    subject: Key
    number: int
    decision: Decision
    learned_at: datetime
    mappings: str | None = None

    @property
    def decided(self) -> bool:
        """Whether it says that something is decided, and not that it is open again."""
        return self.decision.outcome in DECIDED


def holding(connection: Connection, subjects: Iterable[Key]) -> dict[Key, Entry]:
    """The newest entry of each of these leads and opportunities that has one."""
    return {
        key_of(row): _entry(row)
        for values in among_keys(subjects)
        for row in connection.execute(_HOLDING, values)
    }


def decided_about(connection: Connection, persons: Iterable[Key]) -> dict[Key, list[Entry]]:
    """Every decision that holds about each of these people."""
    found: dict[Key, list[Entry]] = {}
    for values in among_keys(persons):
        for row in connection.execute(_DECIDED_ABOUT, values):
            found.setdefault(key_of(row, "person_"), []).append(_entry(row))
    return found


def decided_by(connection: Connection, name: str, users: Iterable[str]) -> list[Key]:
    """The leads and opportunities of a connection whose holding entry one of these users decided."""
    query = (
        select(ledger.c.connection, ledger.c.object, ledger.c.crm_id)
        .join(standings, standings.c.ledger_id == ledger.c.id)
        .where(ledger.c.connection == name, ledger.c.decided_by.in_(list(users)))
    )
    return [key_of(row) for row in connection.execute(query)]


def check(connection: Connection, held: Mapping[Key, Entry | None]) -> None:
    """Fails with SupersededError unless these are the newest entries of these subjects, None for none at all:
    what was judged from older ones must not be added."""
    newest = _last_numbers(connection, held)
    for subject, entry in held.items():
        if newest.get(subject, 0) != (entry.number if entry else 0):
            raise SupersededError(
                f"the ledger has learned more about a {subject.object} of {subject.connection} than was"
                " looked at: it is judged again",
                reason="judged_meanwhile",
            )


def append(
    connection: Connection, decisions: Mapping[Key, Decision], *, at: Mapping[Key, datetime], mappings: str
) -> dict[Key, Entry]:
    """Adds an entry for each of these subjects and makes it the one that holds. `at` says when it is learned,
    `mappings` which version of the mappings decided."""
    if not decisions:
        return {}
    last = _last_numbers(connection, decisions)
    numbers = {key: last.get(key, 0) + 1 for key in decisions}
    rows = [
        {**_row(key, decision, numbers[key]), "learned_at": at[key], "mappings": mappings}
        for key, decision in sorted(decisions.items())
    ]
    insert_all(connection, ledger, rows)
    added = {
        key: Entry(
            id=id_,
            subject=key,
            number=numbers[key],
            decision=decisions[key],
            learned_at=at[key],
            mappings=mappings,
        )
        for key, id_ in _ids(connection, numbers).items()
    }
    upsert(connection, standings, [_standing(entry) for entry in added.values()])
    return added


def stand_anew(connection: Connection) -> None:
    """Makes the newest entry of every lead and opportunity the one that holds, whatever stood before."""
    subject = (ledger.c.connection, ledger.c.object, ledger.c.crm_id)
    last = select(*subject, func.max(ledger.c.entry).label("entry")).group_by(*subject).subquery()
    is_last = and_(*(last.c[column.name] == column for column in (*subject, ledger.c.entry)))
    entries = [_entry(row) for row in connection.execute(select(ledger).join(last, is_last))]
    connection.execute(delete(standings))
    upsert(connection, standings, [_standing(entry) for entry in entries])


def _last_numbers(connection: Connection, subjects: Iterable[Key]) -> dict[Key, int]:
    return {
        key_of(row): row.last
        for values in among_keys(subjects)
        for row in connection.execute(_LAST_NUMBERS, values)
    }


def _ids(connection: Connection, numbers: Mapping[Key, int]) -> dict[Key, int]:
    """The ids of the entries with these numbers."""
    rows = [row for values in among_keys(numbers) for row in connection.execute(_IDS, values)]
    return {key: row.id for row in rows if row.entry == numbers[key := key_of(row)]}


_HOLDING = (
    select(ledger).join(standings, standings.c.ledger_id == ledger.c.id).where(is_among_keys(standings))
)

_DECIDED_ABOUT = (
    select(ledger, people.c.person_connection, people.c.person_object, people.c.person_id)
    .join(standings, standings.c.ledger_id == ledger.c.id)
    .join(
        people,
        and_(
            people.c.connection == standings.c.connection,
            people.c.object == standings.c.object,
            people.c.crm_id == standings.c.crm_id,
        ),
    )
    .where(
        standings.c.outcome.in_([outcome.value for outcome in DECIDED]),
        is_among_keys(people, "person_"),
    )
)

_SUBJECT = (ledger.c.connection, ledger.c.object, ledger.c.crm_id)

_LAST_NUMBERS = (
    select(*_SUBJECT, func.max(ledger.c.entry).label("last")).where(is_among_keys(ledger)).group_by(*_SUBJECT)
)

_IDS = select(ledger.c.id, ledger.c.entry, *_SUBJECT).where(is_among_keys(ledger))

_ENTRIES = select(ledger).where(is_among_keys(ledger)).order_by(ledger.c.entry)


def _row(key: Key, decision: Decision, number: int) -> dict[str, Any]:
    return {
        **key_values(key),
        "entry": number,
        "outcome": decision.outcome.value,
        "reason": decision.reason.value if decision.reason else None,
        "contributing": [code.value for code in decision.contributing],
        "raw_reason": decision.raw_reason,
        "note": decision.note,
        "rule": decision.rule,
        "stage": decision.stage,
        "decided_at": decision.decided_at,
        "decided_by": decision.decided_by,
        "amount": decision.amount.amount if decision.amount else None,
        "currency": decision.amount.currency if decision.amount else None,
    }


def _standing(entry: Entry) -> dict[str, Any]:
    reason = entry.decision.reason
    return {
        **key_values(entry.subject),
        "ledger_id": entry.id,
        "outcome": entry.decision.outcome.value,
        "reason": reason.value if reason else None,
    }


def _entry(row: Any) -> Entry:
    return Entry(
        id=row.id,
        subject=key_of(row),
        number=row.entry,
        decision=Decision(
            outcome=Outcome(row.outcome),
            reason=ReasonCode(row.reason) if row.reason else None,
            contributing=tuple(ReasonCode(code) for code in row.contributing),
            raw_reason=row.raw_reason,
            note=row.note,
            rule=row.rule,
            stage=row.stage,
            decided_at=row.decided_at,
            decided_by=row.decided_by,
            amount=None if row.amount is None else Money(amount=row.amount, currency=row.currency),
        ),
        learned_at=row.learned_at,
        mappings=row.mappings,
    )


def all_of(connection: Connection, subject: Key) -> Sequence[Entry]:
    """The whole history of one lead or opportunity, the oldest entry first."""
    return [_entry(row) for values in among_keys([subject]) for row in connection.execute(_ENTRIES, values)]
