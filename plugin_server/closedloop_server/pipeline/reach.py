"""Everything that is about a person: their records, and those that name them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from sqlalchemy import Connection

from closedloop.schema.records import Activity
from closedloop.schema.vocabulary import ObjectType
from closedloop_server.pipeline.people import conversions, linked_people, people_with_emails
from closedloop_server.store import edges, records
from closedloop_server.store.edges import Role
from closedloop_server.store.rows import Key

_ALONE = frozenset(
    {ObjectType.LEAD, ObjectType.CAMPAIGN_MEMBER, ObjectType.CONTACT_ROLE, ObjectType.ACTIVITY}
)
"""What is about one person alone; an opportunity is about others too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """What is about these people. `linked` are records of other connections that may be the same human
    being; they are not among the others."""

    people: frozenset[Key]
    about: frozenset[Key] = field(default=frozenset())
    opportunities: frozenset[Key] = field(default=frozenset())
    linked: frozenset[Key] = field(default=frozenset())

    @property
    def own(self) -> frozenset[Key]:
        """The people and what is about them alone."""
        return self.people | self.about

    @property
    def subjects(self) -> frozenset[Key]:
        """The leads and opportunities among all of it."""
        leads = {key for key in self.own if key.object is ObjectType.LEAD}
        return self.opportunities | leads

    @property
    def everything(self) -> frozenset[Key]:
        """All but what is linked."""
        return self.own | self.opportunities


def reach(connection: Connection, persons: Iterable[Key]) -> Reach:
    """Everything about these contacts and leads, what was deleted included. A lead and the contact that it
    became are one person; so are those that the same CRM's own ids join."""
    people = set(persons)
    people |= {other for others in conversions(connection, people).values() for other in others}
    naming = edges.pointing_at(connection, people, [Role.LEAD, Role.CONTACT, Role.CONVERTED_CONTACT])
    about = {edge.start for edge in naming if edge.start.object in _ALONE} - people
    about |= _activities(connection, people)
    roles = {key for key in about if key.object is ObjectType.CONTACT_ROLE}
    direct = {edge.start for edge in naming if edge.start.object is ObjectType.OPPORTUNITY}
    through = {edge.end for edge in edges.out_of(connection, roles, [Role.OPPORTUNITY])}
    return Reach(
        people=frozenset(people),
        about=frozenset(about),
        opportunities=frozenset(direct | through),
        linked=frozenset(same_elsewhere(connection, people) - people),
    )


def same_elsewhere(connection: Connection, people: set[Key]) -> set[Key]:
    """Other records that the CRMs' own sync, or the e-mail address, says are the same human beings."""
    linked = {other for others in linked_people(connection, people).values() for other in others}
    addresses = set(records.emails(connection, people).values())
    owners = people_with_emails(connection, addresses)
    return linked | {key for keys in owners.values() for key in keys}


def _activities(connection: Connection, people: set[Key]) -> set[Key]:
    """The activities that name these people. No edge tells: nothing else is worked out from activities."""
    names = {key.connection for key in people}
    return {
        Key(name, record.object, record.id)
        for name in names
        for record in records.of_object(connection, name, ObjectType.ACTIVITY)
        if isinstance(record, Activity) and _persons(name, record) & people
    }


def _persons(name: str, record: Activity) -> set[Key]:
    named = ((ObjectType.LEAD, record.lead_id), (ObjectType.CONTACT, record.contact_id))
    return {Key(name, object_, id_) for object_, id_ in named if id_}
