"""The campaigns, and what sales did with the people that each of them brought."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, Connection, RowMapping, and_, func, select

from closedloop.loop.attribution import CampaignKey
from closedloop.schema.records import Money
from closedloop.schema.vocabulary import AttributionModel, ObjectType, Outcome
from closedloop_server.store.edges import Role
from closedloop_server.store.reports.delivery import Deliveries, deliveries
from closedloop_server.store.reports.selection import DecisionFilter, Search, searched
from closedloop_server.store.reports.tally import Tally, by_campaign, tallies
from closedloop_server.store.tables import edges, records


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What a campaign cost; `actual` False: what was planned, where the CRM holds no more."""

    money: Money
    actual: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignReport:
    """One campaign under one attribution model. `name` is None where its record was never read."""

    key: CampaignKey
    name: str | None = None
    type: str | None = None
    status: str | None = None
    start_date: date | None = None
    end_date: date | None = None
    deleted: bool = False
    cost: Cost | None = None
    people: int = 0
    tally: Tally = field(default_factory=Tally)
    deliveries: Deliveries = field(default_factory=Deliveries)

    @property
    def cost_per_accepted(self) -> Money | None:
        """What each lead that sales accepted has cost."""
        accepted = self.tally.credits[Outcome.ACCEPTED]
        if self.cost is None or not self.cost.actual or not accepted:
            return None
        return Money(amount=self.cost.money.amount / accepted, currency=self.cost.money.currency)


def campaign_reports(
    connection: Connection, model: AttributionModel, search: Search, *, as_of: datetime | None = None
) -> tuple[CampaignReport, ...]:
    """Every campaign wanted, in no particular order; one that the CRM deleted only while it has credit.

    For an earlier time, every campaign that had credit then, and one asked for by its key. Its name, cost and
    people are those of today, which the CRMs keep no history of; what it was told is left out.
    """
    wanted = DecisionFilter(model=model, search=search, credited=True, as_of=as_of)
    found = tallies(connection, wanted, by_campaign)
    known = _records(connection, search)
    people = _people(connection, search)
    told = deliveries(connection, search) if as_of is None else {}
    keys = found.keys() | {
        key
        for key, record in known.items()
        if (not record["deleted"] if as_of is None else key == search.campaign)
    }
    return tuple(
        CampaignReport(
            key=key,
            **known.get(key, {}),
            people=people.get(key, 0),
            tally=found.get(key, Tally()),
            deliveries=told.get(key, Deliveries()),
        )
        for key in keys
    )


def _records(connection: Connection, search: Search) -> dict[CampaignKey, dict[str, Any]]:
    here = records.c
    query = (
        select(here.connection, here.crm_id, here.name, here.deleted, *_details())
        .where(here.object == ObjectType.CAMPAIGN.value)
        .where(*searched(search, here.connection, here.crm_id))
    )
    return {
        CampaignKey(row["connection"], row["crm_id"]): _described(row)
        for row in connection.execute(query).mappings()
    }


_TEXTS = ("type", "status", "start_date", "end_date")
_COSTS = ("actual_cost", "budgeted_cost")


def _details() -> list[ColumnElement[str]]:
    """Single values out of the record: all of it, with the CRM's payload, is much to read for a list."""
    data = records.c.data
    texts = [data[name].as_string().label(name) for name in _TEXTS]
    # Step by step: PostgreSQL's driver does not say of what type a path is.
    costs = [data[cost][part].as_string().label(f"{cost}_{part}") for cost in _COSTS for part in _MONEY]
    return texts + costs


_MONEY = ("amount", "currency")


def _described(row: RowMapping) -> dict[str, Any]:
    return {
        "name": row["name"],
        "deleted": row["deleted"],
        "type": row["type"],
        "status": row["status"],
        "start_date": _date(row["start_date"]),
        "end_date": _date(row["end_date"]),
        "cost": next((cost for name in _COSTS if (cost := _cost(row, name)) is not None), None),
    }


def _date(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None


def _cost(row: RowMapping, name: str) -> Cost | None:
    amount = row[f"{name}_amount"]
    if not amount or not Decimal(amount):
        return None
    money = Money(amount=Decimal(amount), currency=row[f"{name}_currency"])
    return Cost(money=money, actual=name == "actual_cost")


def _people(connection: Connection, search: Search) -> dict[CampaignKey, int]:
    """How many members each campaign has, without those that the CRM deleted."""
    member = and_(
        records.c.connection == edges.c.connection,
        records.c.object == edges.c.object,
        records.c.crm_id == edges.c.crm_id,
    )
    query = (
        select(edges.c.to_connection, edges.c.to_id, func.count().label("people"))
        .select_from(edges.join(records, member))
        .where(
            edges.c.object == ObjectType.CAMPAIGN_MEMBER.value,
            edges.c.to_object == ObjectType.CAMPAIGN.value,
            edges.c.role == Role.CAMPAIGN.value,
            records.c.deleted.is_(False),
            *searched(search, edges.c.to_connection, edges.c.to_id),
        )
        .group_by(edges.c.to_connection, edges.c.to_id)
    )
    return {CampaignKey(row.to_connection, row.to_id): row.people for row in connection.execute(query)}


def connections(connection: Connection) -> tuple[str, ...]:
    """The connections that have campaigns, by name."""
    query = (
        select(records.c.connection)
        .where(records.c.object == ObjectType.CAMPAIGN.value)
        .distinct()
        .order_by(records.c.connection)
    )
    return tuple(connection.execute(query).scalars())


def campaign_keys(connection: Connection, crm_id: str) -> tuple[CampaignKey, ...]:
    """The campaigns that have this CRM id, over all connections."""
    query = (
        select(records.c.connection, records.c.crm_id)
        .where(records.c.object == ObjectType.CAMPAIGN.value, records.c.crm_id == crm_id)
        .order_by(records.c.connection)
    )
    return tuple(CampaignKey(row.connection, row.crm_id) for row in connection.execute(query))
