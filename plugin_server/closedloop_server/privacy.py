"""What is held about a person, and its erasure on demand."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Table, select

from closedloop.errors import SettingsError
from closedloop.schema.vocabulary import ObjectType
from closedloop_server.pipeline.erase import erase_people
from closedloop_server.pipeline.reach import Reach, reach
from closedloop_server.services import Services
from closedloop_server.settings import Settings
from closedloop_server.store import audit, erasures, inbox, leases, records
from closedloop_server.store.engine import forget_log, writing
from closedloop_server.store.personal import targets
from closedloop_server.store.rows import Key, among_keys, chunks, is_among_keys
from closedloop_server.store.tables import (
    delivered,
    desired,
    events,
    hints,
    ledger,
    overridden,
    refusals,
)
from closedloop_server.store.tables import records as records_table
from closedloop_server.work.kinds import all_work

PEOPLE = (ObjectType.CONTACT, ObjectType.LEAD)


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What one table holds about a person."""

    table: str
    rows: tuple[dict[str, Any], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """All that is held. `linked` are records in other connections that may be the same human being, and are
    not looked at here; `erased`: the person was erased, and what is left are ids and decisions."""

    reach: Reach
    held: tuple[Held, ...]
    erased: bool

    @property
    def linked(self) -> Sequence[Key]:
        """Ask for these too, one by one."""
        return sorted(self.reach.linked)


def by_id(settings: Settings, name: str, object_: ObjectType, id_: str) -> Key:
    """The person with this id in a connection; SettingsError when there is no such connection."""
    if name not in {each.name for each in settings.connections}:
        known = ", ".join(each.name for each in settings.connections)
        raise SettingsError(f"no connection is called {name!r}; there are {known}", reason="no_connection")
    return Key(name, object_, id_)


def by_email(connection: Connection, address: str) -> set[Key]:
    """The contacts and leads with this e-mail address, in every connection, deleted ones included."""
    return {key for key in records.ever_with_email(connection, address) if key.object in PEOPLE}


def hold(connection: Connection, persons: Iterable[Key]) -> Holding:
    """Everything that is held about these people."""
    people = set(persons)
    found = reach(connection, people)
    sections = (
        _section(connection, records_table, found.everything),
        _section(connection, ledger, found.subjects),
        _shown(connection, desired, found.own),
        _shown(connection, delivered, found.own),
        _shown(connection, overridden, found.own),
        _section(connection, refusals, found.everything),
        _section(connection, hints, found.everything),
        _section(connection, events, found.subjects),
        _deliveries(connection, found),
    )
    return Holding(
        reach=found,
        held=tuple(section for section in sections if section.rows),
        erased=people <= erasures.among(connection, people),
    )


def erase_now(services: Services, persons: Iterable[Key], *, who: str) -> Reach:
    """Erases these people and all that is about them, while the workers may run.

    It takes over all work: what a worker has read before and not written yet is thrown away and done anew, so
    that nothing of it arrives afterwards.
    """
    people = sorted(set(persons))
    crms = {each.name: each.crm for each in services.settings.connections}
    now = services.clock()
    with writing(services.engine) as connection:
        for work in sorted(all_work(crms)):
            leases.take(connection, work, holder="privacy", now=now)
        found = erase_people(connection, people, crms=crms, reasons=services.mappings.reasons.match, now=now)
        for key in people:
            audit.note(
                connection,
                who=who,
                action="privacy.erase",
                target=f"{key.connection}:{key.object}:{key.id}",
                details={"records": len(found.everything)},
                now=now,
            )
    forget_log(services.engine)
    services.wake(*all_work(services.crms))
    return found


def _section(connection: Connection, table: Table, keys: Iterable[Key]) -> Held:
    query = select(table).where(is_among_keys(table))
    rows = (dict(row) for values in among_keys(keys) for row in connection.execute(query, values).mappings())
    return Held(table=table.name, rows=tuple(rows))


def _shown(connection: Connection, table: Table, keys: Iterable[Key]) -> Held:
    rows = (
        dict(row)
        for name, wanted in targets(keys).items()
        for chunk in chunks(wanted)
        for row in connection.execute(
            select(table).where(table.c.connection == name, table.c.key.in_(chunk))
        ).mappings()
    )
    return Held(table=table.name, rows=tuple(rows))


def _deliveries(connection: Connection, found: Reach) -> Held:
    """The stored webhook deliveries that name the people: their numbers, because one may name others too."""
    addresses = set(records.emails(connection, found.people).values())
    names = {key.connection for key in found.people}
    rows = (
        {"connection": name, "id": id_}
        for name in sorted(names)
        for id_ in inbox.naming(
            connection, name, addresses | {key.id for key in found.people if key.connection == name}
        )
    )
    return Held(table="inbox", rows=tuple(rows))
