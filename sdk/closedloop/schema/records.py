"""The objects of the shared schema, as frozen values. Both CRMs' objects become these.

Ids are the CRM's own, Salesforce's always in the 18-character form. Datetimes are aware and in UTC.
A field that the CRM does not have, or did not send, is None. `raw` is the CRM's payload untouched;
it takes no part in comparison. `custom` holds the fields that the mapping adds, under its names.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType
from typing import Any, ClassVar

from closedloop.schema.vocabulary import CrmName, ObjectType, StageMeaning


@dataclass(frozen=True, slots=True, order=True)
class Ref:
    """Points at one object of one CRM."""

    object: ObjectType
    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Money:
    """An exact amount; `currency` is an ISO 4217 code, or None where the CRM does not say."""

    amount: Decimal
    currency: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Utm:
    """The UTM parameters that came with a person or name a campaign."""

    source: str | None = None
    medium: str | None = None
    campaign: str | None = None
    term: str | None = None
    content: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkedId:
    """The same person's or company's id in another CRM, as the CRMs' own sync wrote it."""

    crm: CrmName
    object: ObjectType
    id: str


class TouchPosition(StrEnum):
    """Where a touch stands among a person's touches, when the CRM says only that and not when."""

    FIRST = "first"
    LAST = "last"
    ONLY = "only"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """What every object has. `other_id` is the CRM's second id for it, where it has two."""

    object: ClassVar[ObjectType]

    crm: CrmName
    id: str
    other_id: str | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None
    deleted: bool = False
    merged_into: str | None = None
    custom: Mapping[str, Any] = field(default_factory=dict)
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not self.id:
            raise ValueError(f"a {self.object} needs the id that its CRM gave it")
        for name in _datetime_fields(type(self)):
            value = getattr(self, name)
            # Nearly all are in UTC: looking at the zone is quicker than asking it.
            if value is not None and value.tzinfo is not UTC and value.utcoffset() is None:
                raise ValueError(f"{name} of {self.object} is naive: give it a time zone, UTC at best")

    @property
    def ref(self) -> Ref:
        """The record's address within its CRM."""
        return Ref(self.object, self.id)


_DATETIME_FIELDS: dict[type[Record], tuple[str, ...]] = {}


def _datetime_fields(record: type[Record]) -> tuple[str, ...]:
    if record not in _DATETIME_FIELDS:
        _DATETIME_FIELDS[record] = tuple(f.name for f in fields(record) if "datetime" in str(f.type))
    return _DATETIME_FIELDS[record]


@dataclass(frozen=True, slots=True, kw_only=True)
class Account(Record):
    """A company: Salesforce Account, HubSpot company."""

    object: ClassVar[ObjectType] = ObjectType.ACCOUNT

    name: str | None = None
    domain: str | None = None
    industry: str | None = None
    type: str | None = None
    country: str | None = None
    employees: int | None = None
    annual_revenue: Money | None = None
    owner_id: str | None = None
    linked_ids: tuple[LinkedId, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact(Record):
    """A known person: Salesforce Contact, HubSpot contact.

    The first and last touch fields are HubSpot's: the campaigns it names, and when it saw the person
    first and last.
    """

    object: ClassVar[ObjectType] = ObjectType.CONTACT

    name: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    email: str | None = None
    phone: str | None = None
    title: str | None = None
    company: str | None = None
    country: str | None = None
    account_id: str | None = None
    owner_id: str | None = None
    lifecycle_stage: str | None = None
    status: str | None = None
    source: str | None = None
    source_detail: str | None = None
    utm: Utm | None = None
    first_touch_campaign_id: str | None = None
    first_touch_at: datetime | None = None
    last_touch_campaign_id: str | None = None
    last_touch_at: datetime | None = None
    linked_ids: tuple[LinkedId, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Lead(Record):
    """Somebody handed to sales: Salesforce Lead (a person of its own), HubSpot lead (points to a contact).

    `stage` is Salesforce's Status or HubSpot's pipeline stage id. `campaign_id` is the campaign that the
    CRM itself names for the lead, where it names one.
    """

    object: ClassVar[ObjectType] = ObjectType.LEAD

    name: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    email: str | None = None
    phone: str | None = None
    title: str | None = None
    company: str | None = None
    country: str | None = None
    pipeline: str | None = None
    stage: str | None = None
    stage_changed_at: datetime | None = None
    stage_changed_by: str | None = None
    owner_id: str | None = None
    source: str | None = None
    source_detail: str | None = None
    utm: Utm | None = None
    reason: str | None = None
    reason_note: str | None = None
    converted: bool | None = None
    converted_on: date | None = None
    converted_account_id: str | None = None
    converted_contact_id: str | None = None
    converted_opportunity_id: str | None = None
    account_id: str | None = None
    contact_id: str | None = None
    campaign_id: str | None = None
    linked_ids: tuple[LinkedId, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Opportunity(Record):
    """A possible sale: Salesforce Opportunity, HubSpot deal.

    `closed` and `won` are what the CRM computed from the stage. `campaign_id` is Salesforce's primary
    campaign source. `linked_ids` names the opportunity that a HubSpot deal is only a copy of.
    """

    object: ClassVar[ObjectType] = ObjectType.OPPORTUNITY

    name: str | None = None
    account_id: str | None = None
    type: str | None = None
    pipeline: str | None = None
    stage: str | None = None
    stage_changed_at: datetime | None = None
    stage_changed_by: str | None = None
    closed: bool | None = None
    won: bool | None = None
    amount: Money | None = None
    probability: Decimal | None = None
    close_date: date | None = None
    owner_id: str | None = None
    source: str | None = None
    source_detail: str | None = None
    won_reason: str | None = None
    lost_reason: str | None = None
    reason_note: str | None = None
    competitor: str | None = None
    campaign_id: str | None = None
    contact_id: str | None = None
    linked_ids: tuple[LinkedId, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Campaign(Record):
    """A marketing campaign. HubSpot's `id` is the GUID, its `other_id` the numeric object id."""

    object: ClassVar[ObjectType] = ObjectType.CAMPAIGN

    name: str | None = None
    type: str | None = None
    status: str | None = None
    active: bool | None = None
    start_date: date | None = None
    end_date: date | None = None
    parent_id: str | None = None
    budgeted_cost: Money | None = None
    actual_cost: Money | None = None
    owner_id: str | None = None
    utm: Utm | None = None
    notes: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignMember(Record):
    """One person's touch with one campaign: a Salesforce CampaignMember row, or a HubSpot contact that a
    campaign's contact reports name. HubSpot has no id for it; ours is `<campaign GUID>/<contact id>`."""

    object: ClassVar[ObjectType] = ObjectType.CAMPAIGN_MEMBER

    campaign_id: str
    lead_id: str | None = None
    contact_id: str | None = None
    status: str | None = None
    responded: bool | None = None
    responded_on: date | None = None
    touched_at: datetime | None = None
    position: TouchPosition = TouchPosition.UNKNOWN


@dataclass(frozen=True, slots=True, kw_only=True)
class User(Record):
    """Somebody who works in the CRM: Salesforce User, HubSpot owner (`other_id` is its user id)."""

    object: ClassVar[ObjectType] = ObjectType.USER

    name: str | None = None
    email: str | None = None
    active: bool | None = None
    role: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Activity(Record):
    """Something a rep did with somebody: a call, an e-mail, a meeting, a task."""

    object: ClassVar[ObjectType] = ObjectType.ACTIVITY

    kind: str | None = None
    subject: str | None = None
    status: str | None = None
    completed: bool | None = None
    happened_at: datetime | None = None
    due_on: date | None = None
    lead_id: str | None = None
    contact_id: str | None = None
    opportunity_id: str | None = None
    account_id: str | None = None
    owner_id: str | None = None
    result: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactRole(Record):
    """A contact's part in an opportunity: Salesforce OpportunityContactRole, HubSpot deal-contact association
    (ours is `<deal id>/<contact id>`)."""

    object: ClassVar[ObjectType] = ObjectType.CONTACT_ROLE

    opportunity_id: str
    contact_id: str
    role: str | None = None
    primary: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage(Record):
    """One stage of a pipeline. `of` is lead or opportunity; `name` is what a record's `stage` holds.

    `id` tells the stage from all others of its CRM: HubSpot's is `<pipeline>/<stage>`, a Salesforce lead
    status's is `LeadStatus/<status>`, because an opportunity stage may have the same name.

    For opportunities `closed` and `won` are the CRM's own metadata and decide `meaning`; for leads the
    mapping file `lifecycle.yaml` does, because neither CRM flags disqualification on the stage.
    """

    object: ClassVar[ObjectType] = ObjectType.STAGE

    of: ObjectType
    name: str
    label: str | None = None
    pipeline: str | None = None
    position: int | None = None
    closed: bool | None = None
    won: bool | None = None
    probability: Decimal | None = None
    meaning: StageMeaning = StageMeaning.UNKNOWN


RECORDS: Mapping[ObjectType, type[Record]] = MappingProxyType(
    {
        record.object: record
        for record in (
            Account,
            Contact,
            Lead,
            Opportunity,
            Campaign,
            CampaignMember,
            User,
            Activity,
            ContactRole,
            Stage,
        )
    }
)


def utc(value: datetime) -> datetime:
    """The same instant in UTC; a naive datetime is refused, because it names no instant."""
    if value.utcoffset() is None:
        raise ValueError("a naive datetime names no instant: give it a time zone")
    return value.astimezone(UTC)
