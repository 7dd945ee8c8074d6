"""Adds up the truth about a market while it streams by."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from closedloop.sandbox.world.decisions import Decision, FollowUp, decisions, follow_ups
from closedloop.sandbox.world.model import Story
from closedloop.schema.vocabulary import Outcome, ReasonCode

Told = tuple[Outcome, ReasonCode | None, ReasonCode | None]
"""An outcome, the reason that was told, and the one that was meant."""
Counts = defaultdict[str, Counter[Told]]


def _counts() -> Counts:
    return defaultdict(Counter)


@dataclass(kw_only=True)
class Tally:
    """The sums, as they stand at a time: decisions that were taken back or replaced by then are not in them.

    `campaigns` count by the campaign that brought the decision about, "" for none. `amounts` are by campaign,
    outcome and currency. `followed` counts leads by region, `served` by rep: kept, late and never.
    """

    at: datetime
    accounts: int = 0
    people: int = 0
    touches: int = 0
    decisions: int = 0
    standing: int = 0
    campaigns: Counts = field(default_factory=_counts)
    reps: Counts = field(default_factory=_counts)
    regions: Counts = field(default_factory=_counts)
    segments: Counts = field(default_factory=_counts)
    sources: Counts = field(default_factory=_counts)
    roles: Counts = field(default_factory=_counts)
    months: Counts = field(default_factory=_counts)
    amounts: dict[tuple[str, Outcome, str], Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    followed: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    served: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))

    def add(self, story: Story) -> list[Decision]:
        """Adds a company; returns the decisions about it."""
        self.accounts += 1
        self.people += len(story.people)
        self.touches += len(story.touches)
        found = decisions(story)
        for decision in found:
            self.note(decision)
        for one in follow_ups(story):
            self._follow(one)
        return found

    def note(self, decision: Decision) -> None:
        """Adds one decision."""
        self.decisions += decision.decided_at < self.at
        if not decision.holds(self.at):
            return
        self.standing += 1
        told = (decision.outcome, decision.reason, decision.meant)
        campaign = decision.campaign or ""
        for counts, key in (
            (self.campaigns, campaign),
            (self.reps, decision.rep),
            (self.regions, decision.region),
            (self.segments, decision.segment),
            (self.sources, decision.source),
            (self.roles, decision.role),
            (self.months, f"{decision.decided_at:%Y-%m}"),
        ):
            counts[key][told] += 1
        if decision.amount is not None and decision.outcome in {Outcome.WON, Outcome.LOST}:
            self.amounts[campaign, decision.outcome, decision.currency] += decision.amount

    def _follow(self, one: FollowUp) -> None:
        how = "never" if one.answered_at is None else "kept" if one.kept else "late"
        self.followed[one.region][how] += 1
        self.served[one.rep][how] += 1

    def to_json(self) -> dict[str, Any]:
        """The sums as JSON values."""
        named = ("campaigns", "reps", "regions", "segments", "sources", "roles", "months")
        sums = ("accounts", "people", "touches", "decisions", "standing")
        return {
            **{name: getattr(self, name) for name in sums},
            **{name: {key: _rows(counts) for key, counts in getattr(self, name).items()} for name in named},
            "amounts": [
                {"campaign": campaign, "outcome": outcome, "currency": currency, "amount": str(amount)}
                for (campaign, outcome, currency), amount in self.amounts.items()
            ],
            "followed": {region: dict(counts) for region, counts in self.followed.items()},
            "served": {rep: dict(counts) for rep, counts in self.served.items()},
        }


def _rows(counts: Mapping[Told, int]) -> list[dict[str, Any]]:
    return [
        {"outcome": outcome, "reason": reason, "meant": meant, "count": count}
        for (outcome, reason, meant), count in counts.items()
    ]
