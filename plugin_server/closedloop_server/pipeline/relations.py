"""What a record points at."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from closedloop.schema.records import (
    CampaignMember,
    Contact,
    ContactRole,
    Lead,
    LinkedId,
    Opportunity,
    Record,
)
from closedloop.schema.vocabulary import CrmName, ObjectType
from closedloop_server.store.edges import Edge, Role
from closedloop_server.store.rows import Key

Installed = Mapping[CrmName, Sequence[str]]
"""The names of the connections of each CRM."""

_LINK_ROLES: Mapping[ObjectType, Role] = {
    ObjectType.LEAD: Role.SAME_PERSON,
    ObjectType.CONTACT: Role.SAME_PERSON,
    ObjectType.OPPORTUNITY: Role.COPY_OF,
}
"""As what the id that a sync wrote points at the other CRM's record."""

_Pointer = tuple[Role, ObjectType, str | None]


def edges_of(name: str, record: Record, installed: Installed) -> list[Edge]:
    """The edges of a record of the connection `name`.

    An id that a sync wrote for another CRM does not say which of several orgs it is in, so it points
    into each; where no such record exists, the edge leads nowhere and does no harm.
    """
    start = Key(name, record.object, record.id)
    inner = [Edge(start, role, Key(name, object_, id_)) for role, object_, id_ in _pointers(record) if id_]
    linked: tuple[LinkedId, ...] = getattr(record, "linked_ids", ())
    outer = [
        Edge(start, _LINK_ROLES[link.object], Key(other, link.object, link.id))
        for link in linked
        for other in installed.get(link.crm, ())
        if link.object in _LINK_ROLES and other != name
    ]
    return inner + outer


def _pointers(record: Record) -> Iterator[_Pointer]:
    match record:
        case CampaignMember():
            yield Role.CAMPAIGN, ObjectType.CAMPAIGN, record.campaign_id
            yield Role.LEAD, ObjectType.LEAD, record.lead_id
            yield Role.CONTACT, ObjectType.CONTACT, record.contact_id
        case ContactRole():
            yield Role.OPPORTUNITY, ObjectType.OPPORTUNITY, record.opportunity_id
            yield Role.CONTACT, ObjectType.CONTACT, record.contact_id
        case Lead():
            yield Role.CAMPAIGN, ObjectType.CAMPAIGN, record.campaign_id
            yield Role.CONTACT, ObjectType.CONTACT, record.contact_id
            yield Role.CONVERTED_CONTACT, ObjectType.CONTACT, record.converted_contact_id
        case Opportunity():
            yield Role.CAMPAIGN, ObjectType.CAMPAIGN, record.campaign_id
            yield Role.CONTACT, ObjectType.CONTACT, record.contact_id
        case _:
            return


def is_person(record: Record) -> bool:
    """Whether the record is a human being itself: a contact, or a lead of Salesforce's.

    HubSpot's lead is about a contact; one that names none, but only a company, is about nobody.
    """
    return isinstance(record, Contact) or (isinstance(record, Lead) and record.crm is not CrmName.HUBSPOT)
