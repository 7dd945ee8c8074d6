"""How far the CRM was told: per campaign, and in full for one of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    FromClause,
    Select,
    and_,
    case,
    func,
    literal,
    select,
    union_all,
)

from closedloop.loop.attribution import CampaignKey
from closedloop.loop.feedback import CampaignFeedback, Delivery, FeedbackKind
from closedloop.schema.schemas import load_feedback
from closedloop.schema.vocabulary import ObjectType
from closedloop_server.store.edges import Role
from closedloop_server.store.overrides import CURRENT
from closedloop_server.store.reports.selection import Search, searched
from closedloop_server.store.tables import delivered, desired, edges, overridden


class DeliveryState(StrEnum):
    """Whether a CRM shows what it should, the worst last."""

    NOTHING = "nothing"
    DELIVERED = "delivered"
    OVERRIDDEN = "overridden"  # it was delivered, and somebody changed it in the CRM since
    WAITING = "waiting"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryCount:
    """How many values of a kind are in one state; `code` and `message` are the CRM's words for a refusal
    or for the wait."""

    kind: FeedbackKind
    state: DeliveryState
    count: int
    code: str | None = None
    message: str | None = None
    at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Deliveries:
    """The delivery of everything that concerns one campaign: its own record, its reasons, its people."""

    counts: tuple[DeliveryCount, ...] = ()

    @property
    def state(self) -> DeliveryState:
        """The worst state among all values."""
        order = list(DeliveryState)
        return max((count.state for count in self.counts), key=order.index, default=DeliveryState.NOTHING)

    def number(self, state: DeliveryState) -> int:
        """How many values are in a state."""
        return sum(count.count for count in self.counts if count.state is state)

    @property
    def at(self) -> datetime | None:
        """When the CRM last took something."""
        took = (count.at for count in self.counts if count.at and count.state in _TAKEN)
        return max(took, default=None)

    @property
    def complaints(self) -> tuple[Complaint, ...]:
        """What the CRM had against some of it, refusals first."""
        found: dict[tuple[DeliveryState, str | None, str | None], list[DeliveryCount]] = {}
        for count in self.counts:
            if count.code or count.message:
                found.setdefault((count.state, count.code, count.message), []).append(count)
        order = sorted(found.items(), key=lambda item: item[0][0] is not DeliveryState.REFUSED)
        return tuple(
            Complaint(state=state, code=code, message=message, counts=tuple(counts))
            for (state, code, message), counts in order
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Complaint:
    """One thing that a CRM said against values that it refused or put off."""

    state: DeliveryState
    code: str | None
    message: str | None
    counts: tuple[DeliveryCount, ...]


_TAKEN = (DeliveryState.DELIVERED, DeliveryState.OVERRIDDEN)
_SAME = delivered.c.digest == desired.c.digest
_TAKEN_AS_IT_IS = and_(_SAME, delivered.c.delivery == Delivery.DELIVERED.value)
_STATE: ColumnElement[str] = case(
    (and_(_TAKEN_AS_IT_IS, overridden.c.key.is_not(None)), DeliveryState.OVERRIDDEN.value),
    (_TAKEN_AS_IT_IS, DeliveryState.DELIVERED.value),
    (and_(_SAME, delivered.c.delivery == Delivery.REFUSED.value), DeliveryState.REFUSED.value),
    else_=DeliveryState.WAITING.value,
)
_TOLD = and_(delivered.c.connection == desired.c.connection, delivered.c.key == desired.c.key)
_JOINED = desired.outerjoin(delivered, _TOLD).outerjoin(overridden, CURRENT)


# What the CRM said about an earlier version says nothing about the one that waits now.
_CODE = case((_SAME, delivered.c.code))
_MESSAGE = case((_SAME, delivered.c.message))


def deliveries(connection: Connection, search: Search) -> dict[CampaignKey, Deliveries]:
    """The deliveries of every campaign wanted for which there is something to tell."""
    # Grouped outside: PostgreSQL takes two expressions with parameters for different ones.
    told = union_all(_of_campaigns(search), _of_members(search), _of_contacts(search)).subquery()
    same = (told.c.connection, told.c.campaign_id, told.c.kind, told.c.state, told.c.code)
    counted = (
        func.count().label("count"),
        func.min(told.c.message).label("message"),
        func.max(told.c.at).label("at"),
    )
    query = select(*same, *counted).group_by(*same).order_by(*same)
    counts: dict[CampaignKey, list[DeliveryCount]] = {}
    for row in connection.execute(query):
        counts.setdefault(CampaignKey(row.connection, row.campaign_id), []).append(_count(row))
    return {key: Deliveries(counts=tuple(of_key)) for key, of_key in counts.items()}


def _of_campaigns(search: Search) -> Select[Any]:
    """The campaigns' own records, and their rows by reason."""
    here = desired.c
    return (
        _values(here.connection, here.campaign_id)
        .select_from(_JOINED)
        .where(here.campaign_id.is_not(None), *searched(search, here.connection, here.campaign_id))
    )


def _of_members(search: Search) -> Select[Any]:
    """The people where a CRM shows them on the campaign's members, as Salesforce does."""
    return _of_people(search, edges, ObjectType.CAMPAIGN_MEMBER, edges.c.crm_id)


def _of_contacts(search: Search) -> Select[Any]:
    """The people where a CRM shows them on the contact, as HubSpot does; one contact, several campaigns."""
    person = edges.alias("person")
    pair = and_(
        person.c.connection == edges.c.connection,
        person.c.object == edges.c.object,
        person.c.crm_id == edges.c.crm_id,
        person.c.role == Role.CONTACT.value,
    )
    return _of_people(search, edges.join(person, pair), ObjectType.CONTACT, person.c.to_id)


def _of_people(
    search: Search, members: FromClause, shown_on: ObjectType, crm_id: ColumnElement[str]
) -> Select[Any]:
    target = literal(f"{FeedbackKind.PERSON}|{shown_on}|") + crm_id
    shown = and_(desired.c.connection == edges.c.connection, desired.c.key == target)
    return (
        _values(edges.c.to_connection, edges.c.to_id)
        .select_from(members.join(desired, shown).outerjoin(delivered, _TOLD).outerjoin(overridden, CURRENT))
        .where(
            edges.c.object == ObjectType.CAMPAIGN_MEMBER.value,
            edges.c.role == Role.CAMPAIGN.value,
            edges.c.to_object == ObjectType.CAMPAIGN.value,
            *searched(search, edges.c.to_connection, edges.c.to_id),
        )
    )


def _values(connection: Column[str], campaign_id: Column[str]) -> Select[Any]:
    return select(
        connection.label("connection"),
        campaign_id.label("campaign_id"),
        desired.c.kind,
        _STATE.label("state"),
        _CODE.label("code"),
        _MESSAGE.label("message"),
        delivered.c.at,
    )


def _count(row: Any) -> DeliveryCount:
    return DeliveryCount(
        kind=FeedbackKind(row.kind),
        state=DeliveryState(row.state),
        count=row.count,
        code=row.code,
        message=row.message,
        at=row.at,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What a campaign's own record should show, and whether it does. `at` is when the CRM last answered.

    `older` says that it took an earlier version then, which the record shows until this one is delivered;
    `code` and `message` are about this version.
    """

    feedback: CampaignFeedback
    changed_at: datetime
    state: DeliveryState
    older: bool = False
    at: datetime | None = None
    code: str | None = None
    message: str | None = None


def told(connection: Connection, campaign: CampaignKey) -> Told | None:
    """What the campaign's record was told last, or None while there is nothing to tell."""
    query = (
        select(
            desired.c.state.label("desired"),
            desired.c.changed_at,
            _STATE.label("state"),
            and_(~_SAME, delivered.c.delivery == Delivery.DELIVERED.value).label("older"),
            delivered.c.at,
            _CODE.label("code"),
            _MESSAGE.label("message"),
        )
        .select_from(_JOINED)
        .where(
            desired.c.connection == campaign.connection,
            desired.c.campaign_id == campaign.id,
            desired.c.kind == FeedbackKind.CAMPAIGN.value,
        )
    )
    row = connection.execute(query).one_or_none()
    feedback = load_feedback(row.desired) if row is not None else None
    if row is None or not isinstance(feedback, CampaignFeedback):
        return None
    return Told(
        feedback=feedback,
        changed_at=row.changed_at,
        state=DeliveryState(row.state),
        older=bool(row.older),
        at=row.at,
        code=row.code,
        message=row.message,
    )
