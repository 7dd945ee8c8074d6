"""From records that changed to the leads and opportunities whose decision or credit this concerns.

What was true before is found in the derived tables, what is true now through the edges; the sum may be
too much, never too little.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass

from sqlalchemy import Connection

from closedloop.schema.records import Stage, User
from closedloop.schema.vocabulary import ObjectType
from closedloop_server.pipeline.people import (
    conversions,
    linked_people,
    people_with_emails,
)
from closedloop_server.services import Services
from closedloop_server.store import derived, edges, ledger, records, stale
from closedloop_server.store.edges import Role
from closedloop_server.store.engine import reading
from closedloop_server.store.rows import Key

BATCH = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Concerned:
    """What has to be worked out anew, and what may have to show something else at once."""

    subjects: frozenset[Key] = frozenset()
    shown: frozenset[Key] = frozenset()

    def __or__(self, other: Concerned) -> Concerned:
        return Concerned(subjects=self.subjects | other.subjects, shown=self.shown | other.shown)


def expand(services: Services) -> int:
    """Follows some of the records that changed; returns how many there were."""
    with reading(services.engine) as connection:
        waiting = stale.waiting(connection, stale.Work.CHANGED, limit=BATCH)
        if not waiting:
            return 0
        found = concerned(connection, {each.key for each in waiting})
    with services.writing() as connection:
        bulk = stale.is_bulk(waiting)
        stale.note(connection, stale.Work.SUBJECT, found.subjects, bulk=bulk)
        stale.note(connection, stale.Work.PUBLISH, found.shown, bulk=bulk)
        stale.strike(connection, stale.Work.CHANGED, waiting)
    return len(waiting)


def concerned(connection: Connection, changed: Collection[Key]) -> Concerned:
    """What follows from a change of these records."""
    found = Concerned()
    for object_, follow in _FOLLOW.items():
        keys = {key for key in changed if key.object is object_}
        if keys:
            found |= follow(connection, keys)
    return found


def _leads(connection: Connection, keys: set[Key]) -> Concerned:
    """A lead is a subject, and it may be a person too."""
    return _people(connection, keys) | Concerned(subjects=frozenset(keys))


def _opportunities(connection: Connection, keys: set[Key]) -> Concerned:
    """An opportunity is a subject; the deals that are copies of it are none while it is there."""
    copies = {edge.start for edge in edges.into(connection, keys, [Role.COPY_OF])}
    return Concerned(subjects=frozenset(keys | copies))


def _people(connection: Connection, keys: set[Key]) -> Concerned:
    """Everything about these people; those who are deleted show nothing any more."""
    everybody = _same_humans(connection, keys)
    subjects = derived.subjects_of(connection, everybody) | _naming(connection, everybody)
    return Concerned(subjects=frozenset(subjects), shown=frozenset(records.deleted(connection, keys)))


def _same_humans(connection: Connection, keys: set[Key]) -> set[Key]:
    """These people with every record that may be the same person."""
    everybody = _with_conversions(connection, keys)
    linked = linked_people(connection, everybody)
    everybody |= {other for others in linked.values() for other in others}
    addresses = set(records.emails(connection, everybody).values())
    owners = people_with_emails(connection, addresses)
    everybody |= {owner for each in owners.values() for owner in each}
    return _with_conversions(connection, everybody)


def _with_conversions(connection: Connection, keys: set[Key]) -> set[Key]:
    return keys | {other for others in conversions(connection, keys).values() for other in others}


def _naming(connection: Connection, people: set[Key]) -> set[Key]:
    """The leads and opportunities that name these people, by themselves or through a contact role."""
    found = edges.into(connection, people, [Role.CONTACT, Role.CONVERTED_CONTACT])
    subjects = {edge.start for edge in found if edge.start.object in _SUBJECTS}
    roles = {edge.start for edge in found if edge.start.object is ObjectType.CONTACT_ROLE}
    leads = {key for key in people if key.object is ObjectType.LEAD}
    return subjects | leads | _opportunities_of(connection, roles)


def _opportunities_of(connection: Connection, roles: Iterable[Key]) -> set[Key]:
    return {edge.end for edge in edges.out_of(connection, roles, [Role.OPPORTUNITY])}


def _roles(connection: Connection, keys: set[Key]) -> Concerned:
    return Concerned(subjects=frozenset(_opportunities_of(connection, keys)))


def _members(connection: Connection, keys: set[Key]) -> Concerned:
    """The people in a campaign now and before; a member that is deleted shows nothing any more."""
    people = {edge.end for edge in edges.out_of(connection, keys, [Role.LEAD, Role.CONTACT])}
    now = _people(connection, people).subjects
    before: set[Key] = set()
    for name in {key.connection for key in keys}:
        mine = [key.id for key in keys if key.connection == name]
        before |= derived.subjects_of_members(connection, name, mine)
    return Concerned(subjects=now | before, shown=frozenset(keys))


def _campaigns(connection: Connection, keys: set[Key]) -> Concerned:
    """The leads and opportunities that name a campaign, by either of its ids."""
    rows = records.stored(connection, keys)
    also = {Key(key.connection, key.object, row.other_id) for key, row in rows.items() if row.other_id}
    naming = edges.into(connection, keys | also, [Role.CAMPAIGN], objects=_SUBJECTS)
    return Concerned(subjects=frozenset(edge.start for edge in naming))


def _stages(connection: Connection, keys: set[Key]) -> Concerned:
    """Every lead or every opportunity of the connection, and the people who show its label: an admin changes
    a stage once in a long while."""
    kinds = {
        (key.connection, record.of)
        for key, record in records.fetch(connection, keys).items()
        if isinstance(record, Stage)
    }
    subjects = frozenset(key for kind in kinds for key in records.keys_of_object(connection, *kind))
    return Concerned(subjects=subjects, shown=frozenset(derived.people_of(connection, subjects)))


def _users(connection: Connection, keys: set[Key]) -> Concerned:
    """The people whose decisions show the name of one of these users."""
    subjects: set[Key] = set()
    for key, user in records.fetch(connection, keys).items():
        if isinstance(user, User):
            ids = [id_ for id_ in (user.id, user.other_id) if id_]
            subjects |= set(ledger.decided_by(connection, key.connection, ids))
    return Concerned(shown=frozenset(derived.people_of(connection, subjects)))


_SUBJECTS = (ObjectType.LEAD, ObjectType.OPPORTUNITY)

_FOLLOW: Mapping[ObjectType, Callable[[Connection, set[Key]], Concerned]] = {
    ObjectType.LEAD: _leads,
    ObjectType.OPPORTUNITY: _opportunities,
    ObjectType.CONTACT: _people,
    ObjectType.CONTACT_ROLE: _roles,
    ObjectType.CAMPAIGN_MEMBER: _members,
    ObjectType.CAMPAIGN: _campaigns,
    ObjectType.STAGE: _stages,
    ObjectType.USER: _users,
}
"""What follows from a change of each object; from the others nothing does."""
