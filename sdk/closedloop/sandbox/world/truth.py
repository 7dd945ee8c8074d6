"""What every campaign and every person should show, computed from the world alone.

Nothing here uses the code under test: rules are stated again, in other words, and worked out another way.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property

from closedloop.sandbox.world.model import Move, Subject, Verdict
from closedloop.sandbox.world.scenario import World
from closedloop.schema.vocabulary import AttributionModel, CrmName, ObjectType, Outcome, ReasonCode

NO_PERSON, NO_CAMPAIGN, TOUCHED_LATER = "no_person", "no_campaign", "touched_later"


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A decision that nobody took back or replaced.

    `move` is where the subject stands since. `step` is the place in the script of the step that completed
    it; `decided` that of the step whose time the CRM keeps as the time of the decision: the last change of a
    Salesforce lead, which has no other clock, and the last change of stage of everything else.
    """

    subject: Subject
    verdict: Verdict
    move: Move
    step: int
    decided: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """A part of a decision's credit: a campaign's, or nobody's for a `cause`."""

    credit: Decimal
    campaign: str | None = None
    cause: str | None = None


@dataclass(slots=True, kw_only=True)
class Row:
    """A campaign's credit for one outcome and reason. `decisions` counts all about people whom the campaign
    reached at any time, credited to it or not."""

    credit: Decimal = Decimal(0)
    decisions: int = 0
    amounts: dict[str, Decimal] = field(default_factory=lambda: defaultdict(Decimal))


@dataclass(slots=True, kw_only=True)
class CampaignTruth:
    """What a campaign should show under one model. `last` is the step that decided last of all."""

    rows: dict[tuple[Outcome, ReasonCode | None], Row] = field(default_factory=lambda: defaultdict(Row))
    last: int | None = None

    def credit(self, outcome: Outcome) -> Decimal:
        """The campaign's credit for an outcome."""
        return sum((row.credit for (each, _), row in self.rows.items() if each is outcome), Decimal(0))

    def amount(self, outcome: Outcome, currency: str) -> Decimal:
        """The campaign's part of the amounts under an outcome."""
        rows = (row for (each, _), row in self.rows.items() if each is outcome)
        return sum((row.amounts.get(currency, Decimal(0)) for row in rows), Decimal(0))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reached:
    """That a campaign reached a person. `when` orders all touches; `clocked` says whether the CRM keeps the
    time."""

    when: tuple[int, float]
    campaign: str
    clocked: bool


@dataclass(frozen=True, kw_only=True)
class Truth:
    """The truth about a world."""

    world: World

    @cached_property
    def standings(self) -> tuple[Standing, ...]:
        """The decisions that hold in the end, in the order of the script."""
        standing: dict[str, Standing] = {}
        moved: dict[str, int] = {}
        for place, step in enumerate(self.world.steps):
            if step.move:
                moved[step.subject] = place
            if step.reopens:
                standing.pop(step.subject, None)
            if step.verdict:
                subject = self.world.subject[step.subject]
                decided = place if _by_last_change(subject) else moved[step.subject]
                standing[step.subject] = Standing(
                    subject=subject,
                    verdict=step.verdict,
                    move=self.world.steps[moved[step.subject]].move or Move.WORKING,
                    step=place,
                    decided=decided,
                )
        return tuple(sorted(standing.values(), key=lambda one: one.step))

    @property
    def superseded(self) -> int:
        """How many decisions of the script were taken back or replaced by a later one."""
        return self.world.decisions - len(self.standings)

    @cached_property
    def people(self) -> Mapping[str, Standing]:
        """The last standing decision about each person; people without one are left out."""
        last: dict[str, Standing] = {}
        for one in sorted(self.standings, key=lambda one: one.decided):
            last.update(dict.fromkeys(one.subject.people, one))
        return last

    def shares(self, standing: Standing, model: AttributionModel) -> list[Share]:
        """Who gets the credit of a decision; the shares add up to 1."""
        primary = standing.subject.primary
        if model is AttributionModel.PRIMARY and primary:
            return [Share(credit=Decimal(1), campaign=primary)]
        reached = list(self._before(standing))
        if not reached:
            return [Share(credit=Decimal(1), cause=self._cause(standing))]
        if model is AttributionModel.LINEAR:
            return _evenly(reached)
        pick = min if model is AttributionModel.FIRST else max
        return [Share(credit=Decimal(1), campaign=pick(reached, key=lambda one: one.when).campaign)]

    def campaigns(self, model: AttributionModel) -> Mapping[str, CampaignTruth]:
        """What every campaign of the world should show, those that show nothing included."""
        truths = {campaign.key: CampaignTruth() for campaign in self.world.campaigns}
        for standing in self.standings:
            shares = {s.campaign: s.credit for s in self.shares(standing, model) if s.campaign}
            for key in {**shares, **dict.fromkeys(one.campaign for one in self._ever(standing))}:
                self._enter(truths[key], standing, shares.get(key, Decimal(0)))
        return truths

    def unattributed(self, model: AttributionModel) -> Mapping[str, str]:
        """The subjects whose standing decision no campaign gets, each with the cause."""
        return {
            standing.subject.key: share.cause
            for standing in self.standings
            for share in self.shares(standing, model)
            if share.cause
        }

    def _enter(self, truth: CampaignTruth, standing: Standing, credit: Decimal) -> None:
        verdict, subject = standing.verdict, standing.subject
        row = truth.rows[verdict.outcome, verdict.reason]
        row.credit += credit
        row.decisions += 1
        if subject.amount is not None and subject.object is ObjectType.OPPORTUNITY:
            row.amounts[self.world.currencies[subject.crm]] += subject.amount * credit
        if credit:
            truth.last = max(truth.last or 0, standing.decided)

    @cached_property
    def _reached(self) -> Mapping[str, Sequence[_Reached]]:
        """How the campaigns reached each person, oldest first, each campaign once."""
        reached: dict[str, dict[str, _Reached]] = defaultdict(dict)
        for person, one in sorted(self._all(), key=lambda pair: pair[1].when):
            reached[person].setdefault(one.campaign, one)
        return {person: list(campaigns.values()) for person, campaigns in reached.items()}

    def _all(self) -> Iterator[tuple[str, _Reached]]:
        ends = self._ends_in_hubspot()
        for touch in self.world.touches:
            clocked = self._is_salesforce(touch.campaign) or touch.at in ends[touch.person]
            yield (
                touch.person,
                _Reached(when=(-1, touch.at.timestamp()), campaign=touch.campaign, clocked=clocked),
            )
        for place, step in enumerate(self.world.steps):
            if step.touch:
                yield step.touch.person, _Reached(when=(place, 0), campaign=step.touch.campaign, clocked=True)

    def _ends_in_hubspot(self) -> Mapping[str, Sequence[object]]:
        """When each person's first and last touches in HubSpot were: of those between it keeps no time."""
        times: dict[str, list[object]] = defaultdict(list)
        for touch in sorted(self.world.touches, key=lambda touch: touch.at):
            if not self._is_salesforce(touch.campaign):
                times[touch.person].append(touch.at)
        return defaultdict(list, {person: [all_[0], all_[-1]] for person, all_ in times.items()})

    def _is_salesforce(self, campaign: str) -> bool:
        return self.world.campaign[campaign].crm is CrmName.SALESFORCE

    def _ever(self, standing: Standing) -> Iterator[_Reached]:
        """How campaigns reached the people behind a decision, before it or after."""
        return (one for person in standing.subject.people for one in self._reached.get(person, ()))

    def _before(self, standing: Standing) -> Iterator[_Reached]:
        return (one for one in self._ever(standing) if one.when < (standing.decided, 0))

    def _cause(self, standing: Standing) -> str:
        people = standing.subject.people
        if not people:
            return NO_PERSON
        return TOUCHED_LATER if any(self._ever(standing)) else NO_CAMPAIGN


def _by_last_change(subject: Subject) -> bool:
    return subject.crm is CrmName.SALESFORCE and subject.object is ObjectType.LEAD


def _evenly(reached: Sequence[_Reached]) -> list[Share]:
    """Equal parts of a million, rounded down; the millionths left over go one each to the earliest touches,
    those with a known time before those without."""
    million = 1_000_000
    part, left = divmod(million, len(reached))
    by_campaign: dict[str, int] = defaultdict(int)
    for place, one in enumerate(sorted(reached, key=lambda one: (not one.clocked, one.when))):
        by_campaign[one.campaign] += part + 1 if place < left else part
    return [_share(campaign, parts) for campaign, parts in by_campaign.items()]


def _share(campaign: str, parts: int) -> Share:
    return Share(credit=Decimal(parts).scaleb(-6), campaign=campaign)
