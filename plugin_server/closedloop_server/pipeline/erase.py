"""Erases the people whom their CRM deleted for their privacy, and keeps what is counted."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection

from closedloop.schema.records import Contact, Lead, Ref
from closedloop.schema.vocabulary import CrmName, ObjectType
from closedloop_server.pipeline.people import people_with_emails
from closedloop_server.store import derived, edges, inbox, ledger, records, stale
from closedloop_server.store.edges import Edge, Role
from closedloop_server.store.rows import Key


def erase(connection: Connection, name: str, people: Iterable[Ref], *, now: datetime) -> None:
    """Erases contacts of the HubSpot connection `name`: their data, what leads say about them, the
    deliveries that named them. Their ids stay, and with them every decision and its credit.

    https://developers.hubspot.com/docs/api-reference/webhooks-webhooks-v3/guide (contact.privacyDeletion)
    """
    keys = {Key(name, ref.object, ref.id) for ref in people if ref.object is ObjectType.CONTACT}
    if not keys:
        return
    _keep_links(connection, keys)
    bare = {key: Contact(crm=CrmName.HUBSPOT, id=key.id) for key in keys}
    records.erase(connection, bare, now=now)
    leads = {edge.start for edge in edges.into(connection, keys, [Role.CONTACT], objects=[ObjectType.LEAD])}
    _clear_leads(connection, leads, now=now)
    inbox.erase(connection, name, [key.id for key in keys])
    stale.note(connection, stale.Work.PUBLISH, keys | set(derived.people_of(connection, leads)))


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


def _clear_leads(connection: Connection, leads: set[Key], *, now: datetime) -> None:
    """Leaves of the leads about these people only what the decision is read from."""
    found = {
        key: replace(record, name=None, reason_note=None, raw={})
        for key, record in records.fetch(connection, leads).items()
        if isinstance(record, Lead)
    }
    records.save(connection, found, now=now)
    ledger.erase_notes(connection, leads)
