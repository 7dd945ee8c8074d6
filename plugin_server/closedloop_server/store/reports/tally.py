"""Sums of credit by outcome and reason. Exact: decimals are added up here, not by the database."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, TypeVar

from sqlalchemy import Connection, Row, func, select

from closedloop.loop.attribution import CampaignKey
from closedloop.schema.records import Money
from closedloop.schema.vocabulary import DECIDED, Outcome, ReasonCode
from closedloop_server.store.reports.known import Known
from closedloop_server.store.reports.selection import DecisionFilter, filtered
from closedloop_server.store.tables import ledger

ZERO = Decimal(0)
Key = TypeVar("Key", bound=Hashable)


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """The credit of one outcome and reason. `decisions` counts those that credit comes from, in full or in
    part; `amounts` are attributed too. Accepted leads have no reason."""

    outcome: Outcome
    reason: ReasonCode | None
    credit: Decimal
    decisions: int
    amounts: tuple[Money, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """What sales decided, by outcome and reason, the heaviest first within an outcome."""

    lines: tuple[Line, ...] = ()
    last_decision_at: datetime | None = None

    @property
    def credits(self) -> dict[Outcome, Decimal]:
        """The credit of every counted outcome, zero or not."""
        return {outcome: self._credit(outcome) for outcome in DECIDED}

    def _credit(self, outcome: Outcome) -> Decimal:
        return sum((line.credit for line in self.lines if line.outcome is outcome), ZERO)

    @property
    def credit(self) -> Decimal:
        """The credit of all outcomes."""
        return sum((line.credit for line in self.lines), ZERO)

    @property
    def decisions(self) -> int:
        """How many parts of decisions are summed here."""
        return sum(line.decisions for line in self.lines)

    @property
    def won_amounts(self) -> tuple[Money, ...]:
        """The attributed amounts won, one per currency."""
        return add_money(money for line in self.of(Outcome.WON) for money in line.amounts)

    @property
    def lost_amounts(self) -> tuple[Money, ...]:
        """The attributed amounts lost, one per currency."""
        return add_money(money for line in self.of(Outcome.LOST) for money in line.amounts)

    def of(self, outcome: Outcome) -> tuple[Line, ...]:
        """The lines of one outcome."""
        return tuple(line for line in self.lines if line.outcome is outcome)

    @property
    def top_reasons(self) -> tuple[Line, ...]:
        """The lines that have a reason, the heaviest first."""
        told = [line for line in self.lines if line.reason is not None and line.credit]
        return tuple(sorted(told, key=lambda line: (-line.credit, line.outcome, str(line.reason))))


def add_money(amounts: Iterable[Money]) -> tuple[Money, ...]:
    """One amount per currency, by its code."""
    sums: dict[str | None, Decimal] = {}
    for money in amounts:
        sums[money.currency] = sums.get(money.currency, ZERO) + money.amount
    return _by_currency(sums)


def _by_currency(sums: Mapping[str | None, Decimal]) -> tuple[Money, ...]:
    return tuple(
        Money(amount=amount, currency=currency)
        for currency, amount in sorted(sums.items(), key=lambda item: item[0] or "")
    )


def tallies(
    connection: Connection, wanted: DecisionFilter, key: Callable[[Row[Any]], Key]
) -> dict[Key, Tally]:
    """The tallies of the decisions wanted, one per `key` of a row."""
    rows: dict[Key, list[Row[Any]]] = {}
    for row in connection.execute(_grouped(wanted)):
        rows.setdefault(key(row), []).append(row)
    return {name: _tally(of_key) for name, of_key in rows.items()}


def _grouped(wanted: DecisionFilter) -> Any:
    """Rows that differ in nothing that is summed fall together; most of them, since most shares are 1."""
    known = Known(wanted.as_of)
    credits_ = known.credits.c
    same = (
        credits_.campaign_connection,
        credits_.campaign_id,
        credits_.cause,
        credits_.share,
        ledger.c.outcome,
        ledger.c.reason,
        ledger.c.amount,
        ledger.c.currency,
    )
    counted = (func.count().label("decisions"), func.max(ledger.c.decided_at).label("last"))
    return select(*same, *counted).select_from(known.credited).where(*filtered(wanted, known)).group_by(*same)


def by_campaign(row: Row[Any]) -> CampaignKey:
    """The campaign that the row credits."""
    return CampaignKey(row.campaign_connection, row.campaign_id)


def _tally(rows: Iterable[Row[Any]]) -> Tally:
    lines: dict[tuple[str, str | None], list[Row[Any]]] = {}
    last: list[datetime] = []
    for row in rows:
        lines.setdefault((row.outcome, row.reason), []).append(row)
        last += [row.last] if row.last else []
    totals = [_line(Outcome(outcome), reason, same) for (outcome, reason), same in lines.items()]
    order: Mapping[Outcome, int] = {outcome: place for place, outcome in enumerate(DECIDED)}
    return Tally(
        lines=tuple(
            sorted(totals, key=lambda line: (order[line.outcome], -line.credit, str(line.reason or "")))
        ),
        last_decision_at=max(last, default=None),
    )


def _line(outcome: Outcome, reason: str | None, rows: list[Row[Any]]) -> Line:
    credit, decisions, sums = ZERO, 0, dict[str | None, Decimal]()
    for row in rows:
        part = row.share * row.decisions
        credit += part
        decisions += row.decisions
        if row.amount is not None:
            sums[row.currency] = sums.get(row.currency, ZERO) + row.amount * part
    return Line(
        outcome=outcome,
        reason=ReasonCode(reason) if reason else None,
        credit=credit,
        decisions=decisions,
        amounts=_by_currency(sums),
    )
