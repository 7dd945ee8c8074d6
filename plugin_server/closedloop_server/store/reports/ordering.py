"""The orders in which campaigns are listed, and the place of one campaign within them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from closedloop.schema.vocabulary import Outcome
from closedloop_server.store.reports.campaigns import CampaignReport
from closedloop_server.store.reports.tally import ZERO


class Sort(StrEnum):
    """What campaigns are listed by: the most first; by name from A to Z."""

    DECIDED = "decided"
    NAME = "name"
    LAST_DECISION = "last_decision"
    PEOPLE = "people"
    ACCEPTED = "accepted"
    RECYCLED = "recycled"
    DISQUALIFIED = "disqualified"
    WON = "won"
    LOST = "lost"


@dataclass(frozen=True, slots=True, order=True)
class Rank:
    """The place of a campaign in an order. No two campaigns share one."""

    number: Decimal
    name: str
    connection: str
    id: str


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NAME_LENGTH = 80
"""Enough to sort by; the rest of a long name would only make cursors longer."""


def _by(outcome: Outcome) -> Callable[[CampaignReport], Decimal]:
    return lambda report: report.tally.credits[outcome]


def _last(report: CampaignReport) -> Decimal:
    last = report.tally.last_decision_at
    return ZERO if last is None else Decimal((last - _EPOCH) // timedelta(microseconds=1))


_NUMBERS: Mapping[Sort, Callable[[CampaignReport], Decimal]] = {
    Sort.DECIDED: lambda report: report.tally.credit,
    Sort.NAME: lambda _report: ZERO,
    Sort.LAST_DECISION: _last,
    Sort.PEOPLE: lambda report: Decimal(report.people),
    **{Sort(outcome.value): _by(outcome) for outcome in Outcome if outcome.value in set(Sort)},
}


def rank(report: CampaignReport, sort: Sort) -> Rank:
    """Where a campaign stands in an order."""
    name = (report.name or report.key.id).casefold()[:_NAME_LENGTH]
    return Rank(-_NUMBERS[sort](report), name, report.key.connection, report.key.id)


def ordered(reports: Iterable[CampaignReport], sort: Sort) -> list[CampaignReport]:
    """The campaigns in an order."""
    return sorted(reports, key=lambda report: rank(report, sort))
