"""The decisions with their credits and touches, as they are known now, or as they were at an earlier time.

A row was known from `learned_at` until before `superseded_at`. What holds now and what held before lie in
two tables each; for an earlier time the rows that were known then are taken out of both.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from sqlalchemy import ColumnElement, FromClause, Table, and_, func, or_, select, union_all

from closedloop_server.store.tables import (
    credits_,
    ledger,
    past_credits,
    past_touches,
    standings,
    touches,
)


@dataclass(frozen=True)
class Known:
    """What was known at a time, that instant included; None: what is known now."""

    as_of: datetime | None = None

    @cached_property
    def credits(self) -> FromClause:
        """The credits, with the columns of their table."""
        return self._rows(credits_, past_credits)

    @cached_property
    def touches(self) -> FromClause:
        """The touches, with the columns of their table."""
        return self._rows(touches, past_touches)

    @cached_property
    def standings(self) -> FromClause:
        """Which entry of the ledger held for each lead and opportunity: the newest that was known."""
        if self.as_of is None:
            return standings
        subject = (ledger.c.connection, ledger.c.object, ledger.c.crm_id)
        newest = (
            select(*subject, func.max(ledger.c.entry).label("entry"))
            .where(ledger.c.learned_at <= self.as_of)
            .group_by(*subject)
            .subquery()
        )
        is_newest = and_(*(newest.c[column.name] == column for column in (*subject, ledger.c.entry)))
        return (
            select(*subject, ledger.c.id.label("ledger_id"), ledger.c.outcome, ledger.c.reason)
            .select_from(ledger.join(newest, is_newest))
            .subquery("standings_then")
        )

    @cached_property
    def credited(self) -> FromClause:
        """The credits with their decisions. Only an entry that holds and decides something has credits;
        `reconcile` counts the entries that hold by themselves and would show a difference."""
        same = self.credits.c.ledger_id == ledger.c.id
        # A credit from before its time was kept was known at the earliest when its entry was.
        known = () if self.as_of is None else (ledger.c.learned_at <= self.as_of,)
        return self.credits.join(ledger, and_(same, *known))

    def _rows(self, present: Table, past: Table) -> FromClause:
        if self.as_of is None:
            return present
        names = [column.name for column in present.columns]
        still = select(*(present.c[name] for name in names)).where(_learned(present, self.as_of))
        before = select(*(past.c[name] for name in names)).where(
            _learned(past, self.as_of), past.c.superseded_at > self.as_of
        )
        return union_all(still, before).subquery(f"{present.name}_then")


def _learned(table: Table, as_of: datetime) -> ColumnElement[bool]:
    return or_(table.c.learned_at.is_(None), table.c.learned_at <= as_of)
