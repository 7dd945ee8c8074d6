"""Compares what the CRMs' own records say with the truth about the world."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from closedloop.sandbox.world import Campaign, CampaignTruth, Standing, Truth, World
from closedloop.sandbox.world.populate import Population
from closedloop.sandbox.world.stages import line_of
from closedloop.schema.vocabulary import (
    DECIDED,
    OUTCOME_LABELS,
    REASONS,
    AttributionModel,
    CrmName,
    Outcome,
    ReasonCode,
)
from closedloop_server.demo.shown import CampaignShown, PersonShown, ReadBack, RowShown

_CENT = Decimal("0.01")
# Salesforce keeps whole seconds, and a step is not over the instant it begins.
_CLOSE = timedelta(seconds=3)
_DETAIL = 255
"""How much of a raw reason a campaign member can hold."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mismatch:
    """Something that a record says otherwise than it should. It names no person: an id does."""

    where: str
    what: str
    expected: str
    found: str


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Sets what was read beside what is true; the fields say which world, where its records are, and under
    which model the campaigns count."""

    truth: Truth
    population: Population
    model: AttributionModel

    def mismatches(self, read: ReadBack) -> tuple[Mismatch, ...]:
        """Every difference, campaigns first."""
        return (*self._campaigns(read), *self._members(read), *self._contacts(read))

    @property
    def _world(self) -> World:
        return self.truth.world

    def _campaigns(self, read: ReadBack) -> Iterator[Mismatch]:
        shown = {campaign.id: campaign for campaign in read.campaigns}
        truths = self.truth.campaigns(self.model)
        for campaign in self._world.campaigns:
            found = shown.get(self.population.campaigns[campaign.key])
            where = f"campaign {campaign.name}"
            if found is None:
                yield Mismatch(where=where, what="record", expected="there", found="missing")
                continue
            yield from self._totals(where, truths[campaign.key], found)
            yield from self._marks(where, campaign, truths[campaign.key], found)
            if found.rows is not None:
                yield from self._rows(where, truths[campaign.key], found.rows)

    def _totals(self, where: str, truth: CampaignTruth, found: CampaignShown) -> Iterator[Mismatch]:
        for outcome in DECIDED:
            yield from _differs(where, OUTCOME_LABELS[outcome], truth.credit(outcome), found.credits[outcome])
        for outcome in (Outcome.WON, Outcome.LOST):
            for currency in found.currencies or sorted(set(self._world.currencies.values())):
                amount = found.amounts.get((outcome, currency), Decimal(0))
                expected = truth.amount(outcome, currency)
                if abs(amount - expected) > _CENT:
                    yield from _differs(where, f"{outcome} amount in {currency}", expected, amount)
        expected_reasons = {
            f"{OUTCOME_LABELS[outcome]}, {REASONS[reason].label}": row.credit.normalize()
            for (outcome, reason), row in truth.rows.items()
            if reason and row.credit
        }
        told = {what: credit.normalize() for what, credit in found.reasons}
        yield from _differs(where, "reasons", _sorted(expected_reasons), _sorted(told))
        order = [credit for _, credit in found.reasons]
        yield from _differs(where, "order of the reasons", sorted(order, reverse=True), order)

    def _marks(
        self, where: str, campaign: Campaign, truth: CampaignTruth, found: CampaignShown
    ) -> Iterator[Mismatch]:
        """The model, the last decision, and the marketer's own words."""
        yield from _differs(where, "name", campaign.name, found.name)
        if truth.rows:
            yield from _differs(where, "model", self.model.value, found.model)
        yield from self._time(where, "last decision", truth.last, found.last_decision_at)
        if found.own_notes is not None:
            yield from _differs(where, "the marketer's own notes", campaign.notes, found.own_notes)

    def _rows(
        self, where: str, truth: CampaignTruth, found: Mapping[tuple[str, str], RowShown]
    ) -> Iterator[Mismatch]:
        """A row that lost all its decisions stays, at nought; there may be such rows, and no others."""
        currency = self._world.currencies[CrmName.SALESFORCE]
        expected = {
            (OUTCOME_LABELS[outcome], _label(reason)): row for (outcome, reason), row in truth.rows.items()
        }
        for key in sorted({*expected, *found}):
            what, row, shown = f"row {' / '.join(key)}", expected.get(key), found.get(key)
            if shown is None:
                yield Mismatch(where=where, what=what, expected="there", found="missing")
                continue
            yield from _differs(where, f"{what}, credit", row.credit if row else Decimal(0), shown.credit)
            yield from _differs(where, f"{what}, decisions", row.decisions if row else 0, shown.decisions)
            amount = row.amounts.get(currency, Decimal(0)) if row else Decimal(0)
            if abs(amount - shown.amount) > _CENT:
                yield from _differs(where, f"{what}, amount", amount, shown.amount)

    def _members(self, read: ReadBack) -> Iterator[Mismatch]:
        for (person, _), member in sorted(self.population.members.items()):
            found = read.members.get(member)
            yield from self._person(f"campaign member {member}", self.truth.people.get(person), found)

    def _contacts(self, read: ReadBack) -> Iterator[Mismatch]:
        for person, contact in sorted(self.population.hubspot_contacts.items()):
            found = read.contacts.get(contact)
            yield from self._person(f"contact {contact}", self.truth.people.get(person), found)

    def _person(self, where: str, standing: Standing | None, found: PersonShown | None) -> Iterator[Mismatch]:
        if found is None:
            yield Mismatch(where=where, what="record", expected="there", found="missing")
            return
        expected = self._expected(standing)
        for name in ("outcome", "reason", "raw_reason", "note", "stage", "decided_by"):
            yield from _differs(where, name, getattr(expected, name), getattr(found, name))
        decided = standing.decided if standing else None
        yield from self._time(where, "decided at", decided, found.decided_at)

    def _expected(self, standing: Standing | None) -> PersonShown:
        if standing is None:
            return PersonShown()
        verdict, subject = standing.verdict, standing.subject
        return PersonShown(
            outcome=OUTCOME_LABELS[verdict.outcome],
            reason=_label(verdict.reason),
            raw_reason=(verdict.raw or "")[:_DETAIL],
            note=verdict.note or "",
            stage=line_of(subject).label(standing.move),
            decided_by=self._world.rep[subject.rep].name,
        )

    def _time(self, where: str, what: str, step: int | None, found: datetime | None) -> Iterator[Mismatch]:
        expected = None if step is None else self.population.times[step]
        if expected is None or found is None or abs(expected - found) > _CLOSE:
            yield from _differs(where, what, expected, found)


def _label(reason: ReasonCode | None) -> str:
    return REASONS[reason].label if reason else ""


def _sorted(values: Mapping[str, Decimal]) -> str:
    return "; ".join(f"{what}: {credit:f}" for what, credit in sorted(values.items()))


def _differs(where: str, what: str, expected: Any, found: Any) -> Iterator[Mismatch]:
    if expected != found:
        yield Mismatch(where=where, what=what, expected=_told(expected), found=_told(found))


def _told(value: object) -> str:
    return "nothing" if value in (None, "") else str(value)
