"""The sums that everything else must agree with, and the raw reasons that no rule knows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, Connection, FromClause, Row, Text, cast, func, or_, select

from closedloop.loop.attribution import Cause
from closedloop.schema.vocabulary import DECIDED, AttributionModel, ObjectType, Outcome, ReasonCode
from closedloop_server.store.reports.known import Known
from closedloop_server.store.reports.selection import NO_CAMPAIGN, DecisionFilter
from closedloop_server.store.reports.tally import ZERO, Tally, tallies
from closedloop_server.store.tables import ledger


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciliation:
    """Where every decision that stands went, under one model; `as_of` None: as is known now."""

    model: AttributionModel
    as_of: datetime | None = None
    standing: int
    credited: Tally
    causes: Mapping[Cause, Tally]

    @property
    def unattributed(self) -> Decimal:
        """What no campaign is credited with."""
        return sum((tally.credit for tally in self.causes.values()), ZERO)

    @property
    def missing(self) -> Decimal:
        """What is neither credited nor unattributed: decisions still to be worked on, else 0. For an earlier
        time also those whose credits went before they were kept."""
        return self.standing - self.credited.credit - self.unattributed


def reconcile(
    connection: Connection, model: AttributionModel, *, as_of: datetime | None = None
) -> Reconciliation:
    """Where every decision that stands went, or that stood at an earlier time."""
    standing = Known(as_of).standings
    counted = select(func.count()).select_from(standing).where(_is_decided(standing))
    found = tallies(connection, DecisionFilter(model=model, as_of=as_of), _cause)
    return Reconciliation(
        model=model,
        as_of=as_of,
        standing=connection.execute(counted).scalar_one(),
        credited=found.pop(None, Tally()),
        causes={cause: found[cause] for cause in Cause if cause in found},
    )


def _is_decided(standing: FromClause) -> ColumnElement[bool]:
    """A reopened record stands as well, but nothing is decided about it."""
    return standing.c.outcome.in_([outcome.value for outcome in DECIDED])


def _cause(row: Row[Any]) -> Cause | None:
    return Cause(row.cause) if row.campaign_id == NO_CAMPAIGN else None


@dataclass(frozen=True, slots=True, kw_only=True)
class UnmappedReason:
    """A raw reason that no rule of reasons.yaml knows, and how many decisions that stand give it."""

    connection: str
    object: ObjectType
    outcome: Outcome
    raw_reason: str | None
    decisions: int
    last_decided_at: datetime | None


def unmapped_reasons(connection: Connection, *, as_of: datetime | None = None) -> tuple[UnmappedReason, ...]:
    """The unmapped raw reasons, the commonest first; a multi-select value counts if any part is unmapped."""
    standing = Known(as_of).standings
    same = (ledger.c.connection, ledger.c.object, ledger.c.outcome, ledger.c.raw_reason)
    code = ReasonCode.UNMAPPED.value
    query = (
        select(*same, func.count().label("decisions"), func.max(ledger.c.decided_at).label("last"))
        .select_from(standing.join(ledger, standing.c.ledger_id == ledger.c.id))
        .where(_is_decided(standing))
        .where(or_(ledger.c.reason == code, cast(ledger.c.contributing, Text).contains(f'"{code}"')))
        .group_by(*same)
        .order_by(func.count().desc(), *same)
    )
    return tuple(_unmapped(row) for row in connection.execute(query))


def _unmapped(row: Row[Any]) -> UnmappedReason:
    return UnmappedReason(
        connection=row.connection,
        object=ObjectType(row.object),
        outcome=Outcome(row.outcome),
        raw_reason=row.raw_reason,
        decisions=row.decisions,
        last_decided_at=row.last,
    )
