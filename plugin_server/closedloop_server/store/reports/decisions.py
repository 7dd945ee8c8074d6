"""The decisions behind a figure: the records, what was said about them, and the touches that linked them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, Connection, FromClause, Select, and_, func, or_, select, tuple_

from closedloop.loop.attribution import CampaignKey, Cause
from closedloop.schema.records import Money
from closedloop.schema.vocabulary import ObjectType, Outcome, ReasonCode
from closedloop_server.store.reports.known import Known
from closedloop_server.store.reports.selection import NO_CAMPAIGN, DecisionFilter, filtered
from closedloop_server.store.reports.tally import Tally, tallies
from closedloop_server.store.tables import ledger, records


@dataclass(frozen=True, slots=True, kw_only=True)
class TouchBehind:
    """One touch that linked a decision to a campaign, and how its person was found: `link`."""

    campaign: CampaignKey
    campaign_name: str | None
    member_id: str
    person_connection: str
    person_object: ObjectType
    person_id: str
    person_name: str | None
    touched_at: datetime | None
    link: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """A place in the list of decisions, which runs from the newest to the oldest."""

    at: datetime
    ledger_id: int
    campaign: CampaignKey


@dataclass(frozen=True, slots=True, kw_only=True)
class Disposition:
    """The share that one decision gives to one campaign, or to none for the `cause` given.

    `entry` counts the decisions about the record; above 1 there were others before this one.
    """

    position: Position
    connection: str
    object: ObjectType
    crm_id: str
    name: str | None
    entry: int
    outcome: Outcome
    reason: ReasonCode | None
    contributing: tuple[ReasonCode, ...]
    raw_reason: str | None
    note: str | None
    rule: str
    stage: str | None
    decided_at: datetime | None
    decided_by: str | None
    learned_at: datetime
    amount: Money | None
    share: Decimal
    cause: Cause | None
    campaign: CampaignKey | None
    campaign_name: str | None
    touches: tuple[TouchBehind, ...] = ()

    @property
    def attributed_amount(self) -> Money | None:
        """The part of the amount that goes with the share."""
        if self.amount is None:
            return None
        return Money(amount=self.amount.amount * self.share, currency=self.amount.currency)


_WHEN: ColumnElement[datetime] = func.coalesce(ledger.c.decided_at, ledger.c.learned_at)
_SUBJECT = records.alias("subject")
_CAMPAIGN = records.alias("campaign")
_PERSON = records.alias("person")


def tally_of(connection: Connection, wanted: DecisionFilter) -> Tally:
    """The sum of the decisions wanted: what a list of them must add up to."""
    return tallies(connection, wanted, lambda _row: None).get(None, Tally())


def dispositions(
    connection: Connection, wanted: DecisionFilter, *, limit: int, after: Position | None = None
) -> tuple[Disposition, ...]:
    """Up to `limit` decisions wanted, the newest first, going on after `after`."""
    rows = connection.execute(_page(wanted, after).limit(limit)).all()
    names = _Names(
        users=_users(connection, {(row.connection, row.decided_by) for row in rows if row.decided_by}),
        stages=_stages(connection, {row.connection for row in rows}),
    )
    behind = _touches(connection, {row.id for row in rows}, Known(wanted.as_of))
    return tuple(_disposition(row, names, behind.get(row.id, ())) for row in rows)


def _page(wanted: DecisionFilter, after: Position | None) -> Select[Any]:
    known = Known(wanted.as_of)
    credits_ = known.credits.c
    order = (_WHEN, ledger.c.id, credits_.campaign_connection, credits_.campaign_id)
    subject = _joined(_SUBJECT, ledger.c.connection, ledger.c.object, ledger.c.crm_id)
    campaign = _joined(
        _CAMPAIGN, credits_.campaign_connection, ObjectType.CAMPAIGN.value, credits_.campaign_id
    )
    query = (
        select(
            ledger,
            credits_.share,
            credits_.cause,
            credits_.campaign_connection,
            credits_.campaign_id,
            _WHEN.label("when_"),
            _SUBJECT.c.name.label("subject_name"),
            _CAMPAIGN.c.name.label("campaign_name"),
        )
        .select_from(known.credited.outerjoin(_SUBJECT, subject).outerjoin(_CAMPAIGN, campaign))
        .where(*filtered(wanted, known))
        .order_by(*(column.desc() for column in order))
    )
    return query if after is None else query.where(_older(order, after))


def _joined(
    alias: FromClause, connection: ColumnElement[str], object_: Any, crm_id: ColumnElement[str]
) -> ColumnElement[bool]:
    return and_(alias.c.connection == connection, alias.c.object == object_, alias.c.crm_id == crm_id)


def _older(order: Sequence[ColumnElement[Any]], after: Position) -> ColumnElement[bool]:
    """Everything beyond a place, column by column: the types of a row comparison would be lost on the way."""
    values = (after.at, after.ledger_id, after.campaign.connection, after.campaign.id)
    return or_(
        *(
            and_(
                *(column == value for column, value in list(zip(order, values, strict=True))[:place]),
                order[place] < values[place],
            )
            for place in range(len(order))
        )
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Names:
    """What the CRM calls its users and stages, by connection and id."""

    users: Mapping[tuple[str, str], str]
    stages: Mapping[tuple[str, str, str], str]


def _disposition(row: Any, names: _Names, behind: Iterable[TouchBehind]) -> Disposition:
    campaign = CampaignKey(row.campaign_connection, row.campaign_id)
    credited = row.campaign_id != NO_CAMPAIGN
    return Disposition(
        position=Position(at=row.when_, ledger_id=row.id, campaign=campaign),
        connection=row.connection,
        object=ObjectType(row.object),
        crm_id=row.crm_id,
        name=row.subject_name,
        entry=row.entry,
        outcome=Outcome(row.outcome),
        reason=ReasonCode(row.reason) if row.reason else None,
        contributing=tuple(ReasonCode(code) for code in row.contributing),
        raw_reason=row.raw_reason,
        note=row.note,
        rule=row.rule,
        stage=names.stages.get((row.connection, row.object, row.stage), row.stage),
        decided_at=row.decided_at,
        decided_by=names.users.get((row.connection, row.decided_by), row.decided_by),
        learned_at=row.learned_at,
        amount=None if row.amount is None else Money(amount=row.amount, currency=row.currency),
        share=row.share,
        cause=Cause(row.cause) if row.cause else None,
        campaign=campaign if credited else None,
        campaign_name=row.campaign_name if credited else None,
        touches=tuple(behind),
    )


def _users(connection: Connection, wanted: Collection[tuple[str, str]]) -> dict[tuple[str, str], str]:
    """The names of users by either of their ids: HubSpot's history names the user, not the owner."""
    query = select(records.c.connection, records.c.crm_id, records.c.other_id, records.c.name).where(
        records.c.object == ObjectType.USER.value,
        records.c.name.is_not(None),
        or_(
            tuple_(records.c.connection, records.c.crm_id).in_(wanted),
            tuple_(records.c.connection, records.c.other_id).in_(wanted),
        ),
    )
    names: dict[tuple[str, str], str] = {}
    for row in connection.execute(query):
        names |= {(row.connection, known): row.name for known in (row.other_id, row.crm_id) if known}
    return names


def _stages(connection: Connection, wanted: Collection[str]) -> dict[tuple[str, str, str], str]:
    """The labels of stages, by connection, kind of record and id, with and without the pipeline before it."""
    data = records.c.data
    query = select(
        records.c.connection,
        records.c.crm_id,
        data["of"].as_string().label("of"),
        data["name"].as_string().label("name"),
        data["label"].as_string().label("label"),
    ).where(records.c.object == ObjectType.STAGE.value, records.c.connection.in_(wanted))
    return {
        (row.connection, row.of, known): row.label
        for row in connection.execute(query)
        for known in (row.name, row.crm_id)
        if row.label and known
    }


def _touches(connection: Connection, entries: Collection[int], known: Known) -> dict[int, list[TouchBehind]]:
    touches = known.touches.c
    campaign = _joined(_CAMPAIGN, touches.campaign_connection, ObjectType.CAMPAIGN.value, touches.campaign_id)
    person = _joined(_PERSON, touches.person_connection, touches.person_object, touches.person_id)
    query = (
        select(known.touches, _CAMPAIGN.c.name.label("campaign_name"), _PERSON.c.name.label("person_name"))
        .select_from(known.touches.outerjoin(_CAMPAIGN, campaign).outerjoin(_PERSON, person))
        .where(touches.ledger_id.in_(entries))
        .order_by(touches.ledger_id, touches.touched_at, touches.campaign_id, touches.member_id)
    )
    found: dict[int, list[TouchBehind]] = {}
    for row in connection.execute(query):
        found.setdefault(row.ledger_id, []).append(_touch(row))
    return found


def _touch(row: Any) -> TouchBehind:
    return TouchBehind(
        campaign=CampaignKey(row.campaign_connection, row.campaign_id),
        campaign_name=row.campaign_name,
        member_id=row.member_id,
        person_connection=row.person_connection,
        person_object=ObjectType(row.person_object),
        person_id=row.person_id,
        person_name=row.person_name,
        touched_at=row.touched_at,
        link=row.link,
    )
