"""Puts what a CRM answered into the tables, and notes what has to be looked at again because of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from closedloop.crm.base import Batch
from closedloop.loop.dispositions import ReasonMapper
from closedloop.schema.records import Campaign, Record, Ref
from closedloop.schema.schemas import dump
from closedloop.schema.vocabulary import ObjectType
from closedloop_server.pipeline.bare import without_erased
from closedloop_server.pipeline.relations import Installed, edges_of
from closedloop_server.store import edges, hints, records, stale
from closedloop_server.store.edges import Role
from closedloop_server.store.records import Stored
from closedloop_server.store.rows import Key

PORTION = 50
"""Records that are stored in one transaction, at most: whoever else wants to write has to wait that long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """An answer of the connection `name`, asked for at `asked_at` or later.

    `asked` are the objects that were read by their ids, empty for a poll: for them the answer holds all
    there is, and it may bring a deleted one back to life. A poll's may come from a search index that
    still lists what is gone. `bulk`: it is part of a reading of everything. `there` is all that the whole
    answer holds, where this is a portion of one.
    """

    name: str
    batch: Batch
    asked_at: datetime
    asked: frozenset[Ref] = frozenset()
    bulk: bool = False
    there: frozenset[Ref] = frozenset()


def portions(arrival: Arrival) -> Iterator[Arrival]:
    """The arrival in portions of one transaction each. What is named comes before what names it, and what
    sales decides about comes last: nobody is judged by half of an answer."""
    batch = arrival.batch
    found = sorted(batch.records, key=lambda record: _ORDER.get(record.object, 0))
    there = frozenset(record.ref for record in found)
    starts = range(0, max(len(found), 1), PORTION)
    for start in starts:
        part = Batch(records=tuple(found[start : start + PORTION]))
        if start == starts[-1]:
            part = replace(part, gone=batch.gone, refused=batch.refused)
        yield replace(arrival, batch=part, there=there)


_ORDER = {
    ObjectType.CAMPAIGN_MEMBER: 1,
    ObjectType.CONTACT_ROLE: 1,
    ObjectType.LEAD: 2,
    ObjectType.OPPORTUNITY: 3,
}


def take_in(
    connection: Connection,
    arrival: Arrival,
    installed: Installed,
    *,
    reasons: ReasonMapper,
    now: datetime,
) -> int:
    """Stores the answer and returns how many objects changed by it; `now` is when it came in."""
    name = arrival.name
    found = _newest(name, arrival.batch.records)
    before = records.stored(connection, found)
    accepted = {key: record for key, record in found.items() if _is_news(record, before.get(key), arrival)}
    accepted = without_erased(connection, accepted, reasons)
    dumped = {key: dump(record) for key, record in accepted.items()}
    records.save(connection, accepted, dumped=dumped, now=arrival.asked_at)
    edges.replace(
        connection,
        accepted,
        [edge for record in accepted.values() for edge in edges_of(name, record, installed)],
    )
    gone, seen_since = _gone(connection, arrival, found)
    records.mark_deleted(connection, gone, now=now)
    again = {
        key.ref
        for key, stored in before.items()
        if key not in accepted and key.ref in arrival.asked and stored.read_at > arrival.asked_at
    }
    hints.note(connection, name, _naming(connection, gone) | again | seen_since, now=now)
    records.refuse(connection, name, arrival.batch.refused, now=now)
    changed = [
        key for key, record in accepted.items() if _matters(before.get(key), record, dumped[key])
    ] + gone
    stale.note(connection, stale.Work.CHANGED, changed, bulk=arrival.bulk)
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


def _is_news(record: Record, before: Stored | None, arrival: Arrival) -> bool:
    """Whether the record may overwrite what is stored: an older answer never does, and nothing brings
    back an erased person.

    The CRMs keep whole seconds (Salesforce) or milliseconds of a change: of two answers about the same one,
    that which was asked for first is the older.
    """
    if before is None:
        return True
    if before.erased or _older(record.updated_at, before.updated_at):
        return False
    if arrival.asked_at < before.read_at and not _older(before.updated_at, record.updated_at):
        return False
    revives = before.deleted and not record.deleted
    return not revives or record.ref in arrival.asked or _may_revive(record, before)


def _may_revive(record: Record, before: Stored) -> bool:
    """Whether a poll may bring back what is stored as deleted: only by a change after what is stored."""
    if record.updated_at is None or before.updated_at is None:
        return True
    return before.updated_at < record.updated_at


def _matters(before: Stored | None, record: Record, dumped: Mapping[str, Any]) -> bool:
    """Whether anything that is worked out from the record can come out differently now.

    Our own write to a campaign changes it too; of a campaign, only its ids are worked with.
    """
    if before is None:
        return True
    if isinstance(record, Campaign):
        return before.other_id != record.other_id
    return not records.same(before, dumped, deleted=record.deleted)


def _gone(
    connection: Connection, arrival: Arrival, found: Mapping[Key, Record]
) -> tuple[list[Key], set[Ref]]:
    """What is stored as present and is not there any more, and what was seen since this was asked."""
    name = arrival.name
    told = {Key(name, ref.object, ref.id) for ref in arrival.batch.gone}
    suspects = told | _dropped_roles(connection, arrival, found)
    suspects = {key for key in suspects if key not in found and key.ref not in arrival.there}
    stored = [each for each in records.stored(connection, suspects).values() if not each.deleted]
    lost = {each.key for each in stored if each.read_at <= arrival.asked_at}
    return sorted(lost - _of_erased(connection, lost)), {
        each.key.ref for each in stored if each.key not in lost
    }


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
    return {edge.start for edge in known}
