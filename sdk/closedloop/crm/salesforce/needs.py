"""What judging a record takes besides itself: the rows that belong to it, and the records that it names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from closedloop.schema.records import CampaignMember, ContactRole, Lead, Opportunity, Record
from closedloop.schema.vocabulary import ObjectType

_BELONGINGS: Mapping[ObjectType, tuple[ObjectType, str]] = MappingProxyType(
    {
        ObjectType.LEAD: (ObjectType.CAMPAIGN_MEMBER, "LeadId"),
        ObjectType.CONTACT: (ObjectType.CAMPAIGN_MEMBER, "ContactId"),
        ObjectType.OPPORTUNITY: (ObjectType.CONTACT_ROLE, "OpportunityId"),
    }
)
"""What belongs to an object: the rows of another one that name it in this field."""


@dataclass(frozen=True, slots=True, order=True)
class Need:
    """The rows of `object` whose `field` is `id`."""

    object: ObjectType
    field: str
    id: str


def belonging(of: ObjectType, record_id: str) -> Iterator[Need]:
    """The rows that belong to a record."""
    if of in _BELONGINGS:
        yield Need(*_BELONGINGS[of], record_id)


def followed(record: Record) -> Iterator[Need]:
    """What judging this record takes besides."""
    yield from belonging(record.object, record.id)
    for of, record_id in _named(record):
        if record_id:
            yield Need(of, "Id", record_id)


def _named(record: Record) -> Iterator[tuple[ObjectType, str | None]]:
    match record:
        case Lead():
            yield ObjectType.CONTACT, record.converted_contact_id
            yield ObjectType.CAMPAIGN, record.campaign_id
            yield ObjectType.USER, record.stage_changed_by
        case Opportunity():
            yield ObjectType.CONTACT, record.contact_id
            yield ObjectType.CAMPAIGN, record.campaign_id
            yield ObjectType.USER, record.stage_changed_by
        case ContactRole():
            yield ObjectType.CONTACT, record.contact_id
            yield ObjectType.OPPORTUNITY, record.opportunity_id
        case CampaignMember():
            yield ObjectType.CAMPAIGN, record.campaign_id
            yield ObjectType.LEAD, record.lead_id
            yield ObjectType.CONTACT, record.contact_id
