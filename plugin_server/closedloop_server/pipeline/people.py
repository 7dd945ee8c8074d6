"""Who is behind a lead or an opportunity, in every connection.

A human being is one or several records: a lead and the contact it became, and the same person in another
CRM. The CRMs' own sync knows best which records those are; where it does not say, the e-mail address does.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from sqlalchemy import Connection

from closedloop.schema.records import Lead, Opportunity, Record
from closedloop.schema.vocabulary import ObjectType
from closedloop_server.pipeline.relations import is_person
from closedloop_server.store import edges, records
from closedloop_server.store.derived import Link, Person
from closedloop_server.store.edges import Role
from closedloop_server.store.rows import Key


@dataclass(slots=True)
class _Human:
    """A human being while the records are being collected; `home` is the connection of the subject."""

    home: str
    links: dict[Key, Link] = field(default_factory=dict)

    def add(self, keys: Iterable[Key], link: Link) -> None:
        for key in sorted(keys):
            self.links.setdefault(key, link)


def behind(connection: Connection, subjects: Mapping[Key, Record]) -> dict[Key, tuple[Person, ...]]:
    """The people behind each of these leads and opportunities, those that the CRM has deleted left out."""
    humans = _named(connection, subjects)
    everybody = [human for each in humans.values() for human in each]
    _add_conversions(connection, everybody)
    _add_linked(connection, everybody)
    _add_namesakes(connection, everybody)
    return {subject: _listed(each) for subject, each in humans.items()}


def _listed(humans: Iterable[_Human]) -> tuple[Person, ...]:
    """Each record once, with the first human being that it was found for."""
    found: dict[Key, Person] = {}
    for number, human in enumerate(humans):
        for key, link in human.links.items():
            if key not in found:
                found[key] = Person(key=key, human=number, link=link)
    return tuple(sorted(found.values()))


def _named(connection: Connection, subjects: Mapping[Key, Record]) -> dict[Key, list[_Human]]:
    """The people whom the records name themselves."""
    roles = contacts_of(connection, (key for key in subjects if key.object is ObjectType.OPPORTUNITY))
    return {key: _starting(key, record, roles.get(key, set())) for key, record in subjects.items()}


def _starting(key: Key, record: Record, roles: set[Key]) -> list[_Human]:
    links: dict[Key, Link] = {}
    if isinstance(record, Lead | Opportunity) and record.contact_id:
        links[Key(key.connection, ObjectType.CONTACT, record.contact_id)] = Link.RECORD
    elif is_person(record):
        links[key] = Link.RECORD
    for contact in sorted(roles):
        links.setdefault(contact, Link.CONTACT_ROLE)
    return [_Human(key.connection, {person: link}) for person, link in links.items()]


def contacts_of(connection: Connection, opportunities: Iterable[Key]) -> dict[Key, set[Key]]:
    """The contacts in a role on each of these opportunities."""
    to_roles = edges.into(connection, opportunities, [Role.OPPORTUNITY], objects=[ObjectType.CONTACT_ROLE])
    opportunity_of = {edge.start: edge.end for edge in to_roles}
    found: dict[Key, set[Key]] = defaultdict(set)
    for edge in edges.out_of(connection, opportunity_of, [Role.CONTACT]):
        found[opportunity_of[edge.start]].add(edge.end)
    return found


def _add_conversions(connection: Connection, humans: list[_Human]) -> None:
    """Leads and the contacts they became."""
    became = conversions(connection, {key for human in humans for key in human.links})
    for human in humans:
        for key in list(human.links):
            link = human.links[key]
            near = link if link in {Link.LINKED_ID, Link.EMAIL} else Link.CONVERTED
            human.add(became.get(key, ()), near)
    _drop_deleted(connection, humans)


def _drop_deleted(connection: Connection, humans: list[_Human]) -> None:
    """Before anything is followed from them: nobody is found by the address that a deleted record had."""
    deleted = records.deleted(connection, {key for human in humans for key in human.links})
    for human in humans:
        for key in deleted & human.links.keys():
            del human.links[key]


def conversions(connection: Connection, people: set[Key]) -> dict[Key, set[Key]]:
    """For each of these people the other records that conversion made one with it."""
    contact_of = {edge.start: edge.end for edge in edges.out_of(connection, people, [Role.CONVERTED_CONTACT])}
    contacts = {key for key in people if key.object is ObjectType.CONTACT} | set(contact_of.values())
    leads_of: dict[Key, set[Key]] = defaultdict(set)
    for edge in edges.into(connection, contacts, [Role.CONVERTED_CONTACT], objects=[ObjectType.LEAD]):
        leads_of[edge.end].add(edge.start)
    found = {}
    for key in people:
        contact = contact_of.get(key, key)
        found[key] = ({contact} | leads_of[contact]) - {key}
    return found


def _add_linked(connection: Connection, humans: list[_Human]) -> None:
    """The same person in other CRMs, as their sync knows it."""
    linked = linked_people(connection, {key for human in humans for key in human.links})
    for human in humans:
        human.add({other for key in human.links for other in linked.get(key, ())}, Link.LINKED_ID)
    _add_conversions(connection, humans)


def linked_people(connection: Connection, people: set[Key]) -> dict[Key, set[Key]]:
    """For each of these people the records of other connections that a sync linked to it, and that exist."""
    found: dict[Key, set[Key]] = defaultdict(set)
    for edge in edges.out_of(connection, people, [Role.SAME_PERSON]):
        found[edge.start].add(edge.end)
    for edge in edges.into(connection, people, [Role.SAME_PERSON]):
        found[edge.end].add(edge.start)
    there = records.present(connection, {other for others in found.values() for other in others})
    return {key: others & there for key, others in found.items()}


def _add_namesakes(connection: Connection, humans: list[_Human]) -> None:
    """Whoever has the same e-mail address in a connection to which no linked id leads."""
    keys = {key for human in humans for key in human.links}
    address_of = records.emails(connection, keys)
    owners = people_with_emails(connection, set(address_of.values()))
    for human in humans:
        reached = {key.connection for key in human.links}
        addresses = {
            address_of[key] for key in human.links if key.connection == human.home and key in address_of
        }
        human.add(
            {key for each in addresses for key in owners.get(each, ()) if key.connection not in reached},
            Link.EMAIL,
        )
    _add_conversions(connection, humans)


def people_with_emails(connection: Connection, addresses: set[str]) -> dict[str, list[Key]]:
    """The people, not the users, who have these e-mail addresses."""
    found = records.with_emails(connection, addresses)
    leads = {key for keys in found.values() for key in keys if key.object is ObjectType.LEAD}
    about_contacts = {edge.start for edge in edges.out_of(connection, leads, [Role.CONTACT])}
    people = {ObjectType.LEAD, ObjectType.CONTACT}
    return {
        address: [key for key in keys if key.object in people and key not in about_contacts]
        for address, keys in found.items()
    }
