"""Puts what a CRM answered into the tables, and notes what has to be looked at again because of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from closedloop.crm.base import Batch
from closedloop.schema.records import Campaign, Record, Ref
from closedloop.schema.vocabulary import ObjectType
from closedloop_server.pipeline.relations import Installed, edges_of
from closedloop_server.store import edges, hints, records, stale
from closedloop_server.store.edges import Role
from closedloop_server.store.records import Stored
from closedloop_server.store.rows import Key


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """An answer of the connection `name`.

    `asked` are the objects that were read by their ids, empty for a poll: for them the answer holds all
    there is, and it may bring a deleted one back to life. A poll's may come from a search index that
    still lists what is gone.
    """

    name: str
    batch: Batch
    asked: frozenset[Ref] = frozenset()


def take_in(connection: Connection, arrival: Arrival, installed: Installed, *, now: datetime) -> int:
    """Stores the answer and returns how many objects changed by it."""
    name = arrival.name
    found = _newest(name, arrival.batch.records)
    before = records.stored(connection, found)
    accepted = {
        key: record
        for key, record in found.items()
        if _is_news(record, before.get(key), asked=record.ref in arrival.asked)
    }
    records.save(connection, accepted, now=now)
    edges.replace(
        connection,
        accepted,
        [edge for record in accepted.values() for edge in edges_of(name, record, installed)],
    )
    gone = _gone(connection, arrival, found)
    records.mark_deleted(connection, gone, now=now)
    hints.note(connection, name, _naming(connection, gone), now=now)
    records.refuse(connection, name, arrival.batch.refused, now=now)
    changed = [key for key, record in accepted.items() if _matters(before.get(key), record)] + gone
    stale.note(connection, stale.Work.CHANGED, changed)
    return len(changed)


def _newest(name: str, found: Iterable[Record]) -> dict[Key, Record]:
    """Each record once; where an answer holds one twice, the newer."""
    newest: dict[Key, Record] = {}
    for record in found:
        key = Key(name, record.object, record.id)
        known = newest.get(key)
        if known is None or not _older(record.updated_at, known.updated_at):
            newest[key] = record
    return newest


def _older(one: datetime | None, other: datetime | None) -> bool:
    return one is not None and other is not None and one < other


def _is_news(record: Record, before: Stored | None, *, asked: bool) -> bool:
    """Whether the record may overwrite what is stored: an older answer never does, and nothing brings
    back an erased person."""
    if before is None:
        return True
    if before.erased or _older(record.updated_at, before.updated_at):
        return False
    revives = before.deleted and not record.deleted
    return not revives or asked or record.updated_at is None or _older(before.updated_at, record.updated_at)


def _matters(before: Stored | None, record: Record) -> bool:
    """Whether anything that is worked out from the record can come out differently now.

    Our own write to a campaign changes it too; of a campaign, only its ids are worked with.
    """
    if before is None:
        return True
    if isinstance(record, Campaign):
        return before.other_id != record.other_id
    return not records.same(before, record)


def _gone(connection: Connection, arrival: Arrival, found: Mapping[Key, Record]) -> list[Key]:
    """What is stored as present and is not there any more."""
    name = arrival.name
    told = {Key(name, ref.object, ref.id) for ref in arrival.batch.gone} - set(found)
    silent = _dropped_roles(connection, arrival, found)
    there = records.present(connection, told | silent)
    return sorted(there - _of_erased(connection, there))


def _of_erased(connection: Connection, gone: set[Key]) -> set[Key]:
    """The people who were erased, and the leads, roles and memberships that went with them: the counts
    keep them."""
    pointing = edges.out_of(connection, gone, [Role.CONTACT])
    erased = records.erased(connection, gone | {edge.end for edge in pointing})
    return (gone & erased) | {edge.start for edge in pointing if edge.end in erased}


def _naming(connection: Connection, gone: Iterable[Key]) -> set[Ref]:
    """The leads and opportunities that name a contact who is gone now: they may name another one.

    HubSpot moves the associations of a merged contact, and need not touch the lead or the deal for it.
    """
    contacts = [key for key in gone if key.object is ObjectType.CONTACT]
    naming = edges.into(connection, contacts, [Role.CONTACT], objects=_NAMING)
    roles = {edge.start for edge in naming if edge.start.object is ObjectType.CONTACT_ROLE}
    of_roles = edges.out_of(connection, roles, [Role.OPPORTUNITY])
    direct = {edge.start.ref for edge in naming if edge.start not in roles}
    return direct | {edge.end.ref for edge in of_roles}


_NAMING = (ObjectType.LEAD, ObjectType.OPPORTUNITY, ObjectType.CONTACT_ROLE)


def _dropped_roles(connection: Connection, arrival: Arrival, found: Mapping[Key, Record]) -> set[Key]:
    """The contact roles of opportunities that were read whole and no longer have them.

    No CRM tells of a removed association: it is only missing from the answer.
    """
    whole = [
        key
        for key, record in found.items()
        if key.object is ObjectType.OPPORTUNITY and record.ref in arrival.asked
    ]
    known = edges.into(connection, whole, [Role.OPPORTUNITY], objects=[ObjectType.CONTACT_ROLE])
    return {edge.start for edge in known} - set(found)
