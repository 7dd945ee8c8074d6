"""The decisions that hold, as the campaigns see them that are credited with them or touched their people."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, Select, select, union

from closedloop.loop.attribution import CampaignKey
from closedloop.schema.records import Money
from closedloop.schema.vocabulary import AttributionModel, Outcome, ReasonCode
from closedloop_server.store.rows import chunks
from closedloop_server.store.tables import credits_, desired, ledger, touches

_DECISION = (
    ledger.c.id,
    ledger.c.outcome,
    ledger.c.reason,
    ledger.c.amount,
    ledger.c.currency,
    ledger.c.decided_at,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Credited:
    """One decision as a campaign sees it; `share` is 0 where it only touched the people."""

    ledger_id: int
    outcome: Outcome
    reason: ReasonCode | None
    share: Decimal = Decimal(0)
    amount: Money | None = None
    decided_at: datetime | None = None


def decisions(
    connection: Connection, name: str, campaigns: Iterable[str], model: AttributionModel
) -> dict[str, list[Credited]]:
    """The decisions with a credit to each of these campaigns of a connection under a model."""
    query = (
        select(credits_.c.campaign_id, credits_.c.share, *_DECISION)
        .join(ledger, ledger.c.id == credits_.c.ledger_id)
        .where(credits_.c.model == model.value, credits_.c.campaign_connection == name)
    )
    return _by_campaign(connection, query, credits_.c.campaign_id, campaigns)


def touched(connection: Connection, name: str, campaigns: Iterable[str]) -> dict[str, list[Credited]]:
    """The decisions about people whom each of these campaigns of a connection touched."""
    query = (
        select(touches.c.campaign_id, *_DECISION)
        .join(ledger, ledger.c.id == touches.c.ledger_id)
        .where(touches.c.campaign_connection == name)
        .distinct()
    )
    return _by_campaign(connection, query, touches.c.campaign_id, campaigns)


def every_campaign(connection: Connection) -> set[CampaignKey]:
    """Every campaign that has credit, that touched somebody, or that was told something before."""
    queries = (
        select(credits_.c.campaign_connection, credits_.c.campaign_id).where(credits_.c.campaign_id != ""),
        select(touches.c.campaign_connection, touches.c.campaign_id),
        select(desired.c.connection, desired.c.campaign_id).where(desired.c.campaign_id.is_not(None)),
    )
    return {CampaignKey(row[0], row[1]) for row in connection.execute(union(*queries))}


def _by_campaign(
    connection: Connection, query: Select[Any], column: Any, campaigns: Iterable[str]
) -> dict[str, list[Credited]]:
    found: dict[str, list[Credited]] = {}
    for ids in chunks(sorted(set(campaigns))):
        for row in connection.execute(query.where(column.in_(ids))):
            found.setdefault(row.campaign_id, []).append(_credited(row))
    return found


def _credited(row: Any) -> Credited:
    return Credited(
        ledger_id=row.id,
        outcome=Outcome(row.outcome),
        reason=ReasonCode(row.reason) if row.reason else None,
        share=row.share if "share" in row._fields else Decimal(0),
        amount=None if row.amount is None else Money(amount=row.amount, currency=row.currency),
        decided_at=row.decided_at,
    )
