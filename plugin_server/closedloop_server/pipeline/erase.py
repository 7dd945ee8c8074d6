"""Erases people, and keeps what is counted.

Their ids stay, and with them every decision and its credit. What somebody wrote goes: names, addresses,
notes, the CRM's payloads, the deliveries that named them. It does not come back: who was erased is
remembered by id, and what a CRM says about them later is taken in without the words.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import Connection

from closedloop.loop.dispositions import ReasonMapper
from closedloop.schema.records import Contact, Lead, Record, Ref
from closedloop.schema.vocabulary import CrmName, ObjectType
from closedloop_server.pipeline.bare import bare
from closedloop_server.pipeline.people import people_with_emails
from closedloop_server.pipeline.reach import Reach, reach
from closedloop_server.store import derived, edges, erasures, inbox, records, stale
from closedloop_server.store import personal as words
from closedloop_server.store.edges import Edge, Role
from closedloop_server.store.rows import Key
from closedloop_server.subscriptions.forgetting import erase_answers_about

_TOGETHER = timedelta(days=1)
"""A CRM tells separately that a contact was deleted and that it was for privacy. What was taken to be
deleted so shortly before went with the person, and counts again."""


def erase(
    connection: Connection, name: str, people: Iterable[Ref], *, reasons: ReasonMapper, now: datetime
) -> None:
    """Erases contacts that the HubSpot connection `name` deleted for their privacy.

    https://developers.hubspot.com/docs/api-reference/webhooks-webhooks-v3/guide (contact.privacyDeletion)
    """
    keys = {Key(name, ref.object, ref.id) for ref in people if ref.object is ObjectType.CONTACT}
    if keys:
        revive(connection, keys, now=now)
        erase_people(connection, keys, crms={name: CrmName.HUBSPOT}, reasons=reasons, now=now)


def revive(connection: Connection, people: set[Key], *, now: datetime) -> None:
    """Has what was deleted together with these people count again."""
    found = records.stored(connection, reach(connection, people).own)
    lately = [key for key, each in found.items() if each.deleted and each.read_at > now - _TOGETHER]
    records.revive(connection, lately)
    stale.note(connection, stale.Work.CHANGED, lately)


def erase_people(
    connection: Connection,
    persons: Iterable[Key],
    *,
    crms: Mapping[str, CrmName],
    reasons: ReasonMapper,
    now: datetime,
) -> Reach:
    """Erases these contacts and leads, and all that is about them; returns what that was."""
    found = reach(connection, persons)
    addresses = set(records.emails(connection, found.people).values())
    _keep_links(connection, set(found.people))
    known = records.fetch(connection, found.everything)
    own = {key: known.get(key) or _unknown(key, crms) for key in found.own}
    emptied = {key: bare(record, reasons) for key, record in own.items() if record is not None}
    records.erase(connection, emptied, now=now)
    deals = {key: bare(known[key], reasons) for key in found.opportunities if key in known}
    records.rewrite(connection, deals, now=now)
    erasures.note(connection, found.own, now=now)
    _forget_words(connection, found, addresses, now=now)
    shown = derived.people_of(connection, found.subjects)
    words.forget_shown(connection, found.own, shown)
    _forget_payloads(connection, shown - found.own, now=now)
    stale.note(connection, stale.Work.PUBLISH, found.people | shown)
    return found


def _forget_payloads(connection: Connection, others: set[Key], *, now: datetime) -> None:
    """Their CRM's payloads quote what they were told about a decision that the erased were part of. They are
    told anew, without the words, and read again then."""
    found = records.fetch(connection, others)
    wordless = {key: replace(record, raw={}) for key, record in found.items()}
    records.rewrite(connection, wordless, now=now)


def _unknown(key: Key, crms: Mapping[str, CrmName]) -> Record | None:
    """Somebody who was never read, whose records may be on their way."""
    crm = crms.get(key.connection)
    made: Mapping[ObjectType, type[Contact] | type[Lead]] = {
        ObjectType.CONTACT: Contact,
        ObjectType.LEAD: Lead,
    }
    return made[key.object](crm=crm, id=key.id) if crm and key.object in made else None


def _keep_links(connection: Connection, keys: set[Key]) -> None:
    """Remembers by ids whom the e-mail address, which is about to go, joined with these people."""
    address_of = records.emails(connection, keys)
    owners = people_with_emails(connection, set(address_of.values()))
    joined = [
        Edge(key, Role.SAME_PERSON, other)
        for key, address in address_of.items()
        for other in owners.get(address, ())
        if other.connection != key.connection
    ]
    edges.add(connection, joined)


def _forget_words(connection: Connection, found: Reach, addresses: set[str], *, now: datetime) -> None:
    words.forget_reasons(connection, found.subjects)
    words.forget_messages(connection, found.everything)
    erase_answers_about(connection, found.subjects)
    named: dict[str, set[str]] = defaultdict(set)
    for key in found.own:
        named[key.connection].add(key.id)
    for name, ids in sorted(named.items()):
        inbox.erase(connection, name, ids | addresses, now=now)
