"""What happens to one subject, beat by beat: a decision, a correction, a reopening.

A beat is what a rep does on one day: one update, or two when stage and reason are set separately.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from closedloop.sandbox.world import phrases
from closedloop.sandbox.world.model import Habit, Move, Rep, Step, Subject, Verdict
from closedloop.sandbox.world.reps import Worded, word
from closedloop.schema.vocabulary import NOT_REJECTIONS, CrmName, ObjectType, Outcome
from closedloop.schema.vocabulary import ReasonCode as R

Beat = tuple[Step, ...]

_MOVES = {
    Outcome.DISQUALIFIED: Move.DISQUALIFIED,
    Outcome.RECYCLED: Move.RECYCLED,
    Outcome.WON: Move.WON,
    Outcome.LOST: Move.LOST,
}
# How often a reason is meant; the lists of the field agree on little more than that timing and budget lead.
_MEANT: Mapping[Outcome, Mapping[R, int]] = {
    Outcome.DISQUALIFIED: {
        R.UNABLE_TO_REACH: 14, R.BAD_TIMING: 10, R.NO_INTEREST: 12, R.NO_BUDGET: 8, R.NO_FIT: 10,
        R.BAD_DATA: 8, R.NO_AUTHORITY: 7, R.COMPETITOR: 6, R.INCUMBENT: 6, R.PRODUCT_GAP: 4, R.DUPLICATE: 5,
        R.EXISTING_CUSTOMER: 4, R.ALREADY_ENGAGED: 4, R.SPAM: 4, R.STUDENT: 3, R.PARTNER: 2,
        R.BAD_EXPERIENCE: 1, R.OTHER: 3,
    },
    Outcome.RECYCLED: {
        R.BAD_TIMING: 12, R.NO_BUDGET: 6, R.UNABLE_TO_REACH: 6, R.NO_AUTHORITY: 3, R.NO_INTEREST: 2,
    },
    Outcome.LOST: {
        R.PRICE: 12, R.COMPETITOR: 12, R.NO_DECISION: 12, R.BAD_TIMING: 9, R.NO_BUDGET: 9, R.PRODUCT_GAP: 7,
        R.INCUMBENT: 6, R.LEGAL_SECURITY: 4, R.NO_AUTHORITY: 3, R.NO_FIT: 3, R.OTHER: 3,
    },
    Outcome.WON: {
        R.WON_FIT: 5, R.WON_PRICE: 4, R.WON_PRODUCT: 6, R.WON_RELATIONSHIP: 4, R.WON_INCUMBENT_FAILURE: 2,
    },
}  # fmt: skip


@dataclass(kw_only=True)
class Beats:
    """Draws the beats of subjects. `poor` are the people that the planted campaign brought: they have no
    budget, whatever they are asked."""

    draw: random.Random
    reps: Mapping[str, Rep]
    poor: frozenset[str]

    def of(self, subject: Subject) -> Iterator[Beat]:
        """Yields what happens to the subject, in order, one beat a day at most."""
        if subject.object is ObjectType.OPPORTUNITY:
            return self._opportunity(subject)
        return (
            self._salesforce_lead(subject)
            if subject.crm is CrmName.SALESFORCE
            else self._hubspot_lead(subject)
        )

    def rejection(self, subject: Subject) -> Beat:
        """Returns a plain disqualification."""
        return self._decide(subject, Outcome.DISQUALIFIED)

    def _salesforce_lead(self, subject: Subject) -> Iterator[Beat]:
        if self._chance(0.2 if self._is_poor(subject) else 0.45):
            yield self._convert(subject)
            return
        yield from self._rejected(subject, Outcome.RECYCLED if self._chance(0.22) else Outcome.DISQUALIFIED)
        if self._chance(0.1):
            yield self._reopen(subject)
            if self._chance(0.7):
                yield (
                    self._convert(subject)
                    if self._chance(0.6)
                    else self._decide(subject, Outcome.DISQUALIFIED)
                )

    def _hubspot_lead(self, subject: Subject) -> Iterator[Beat]:
        if self._chance(0.4):
            yield self._qualify(subject)
            return
        yield from self._rejected(subject, Outcome.DISQUALIFIED)
        if self._chance(0.12):
            yield self._reopen(subject)
            if self._chance(0.6):
                yield self._qualify(subject)

    def _opportunity(self, subject: Subject) -> Iterator[Beat]:
        if self._chance(0.38):
            yield self._decide(subject, Outcome.WON)
            if self._chance(0.04):
                yield self._reopen(subject)
                yield self._decide(subject, Outcome.LOST)
            return
        yield from self._rejected(subject, Outcome.LOST)
        if self._chance(0.14):
            yield self._reopen(subject)
            if self._chance(0.75):
                yield self._decide(subject, Outcome.WON if self._chance(0.7) else Outcome.LOST)

    def _rejected(self, subject: Subject, outcome: Outcome) -> Iterator[Beat]:
        """A decision against the subject, and sometimes another reason for it a few days later."""
        first = self._decide(subject, outcome)
        yield first
        if self._chance(0.08):
            yield self._correct(subject, outcome, first[-1])

    def _decide(self, subject: Subject, outcome: Outcome) -> Beat:
        rep = self.reps[subject.rep]
        worded = self._word(subject, rep, outcome, self._meant(subject, outcome))
        # A blank is written too: what an earlier decision left in the field must not speak for this one.
        whole = self._step(subject, _MOVES[outcome], worded, outcome)
        chance = self.draw.random()
        if worded.raw is None or chance > 0.24:
            return (whole,)
        stage = replace(whole, reason=None, note=None, verdict=None)
        reason = replace(whole, move=None, verdict=None)
        return (
            (stage, replace(reason, verdict=whole.verdict))
            if chance < 0.13
            else (
                reason,
                replace(stage, verdict=whole.verdict),
            )
        )

    def _step(self, subject: Subject, move: Move | None, worded: Worded, outcome: Outcome) -> Step:
        told, note = outcome, worded.note if _takes_note(subject, outcome) else None
        if outcome is Outcome.DISQUALIFIED and worded.code in NOT_REJECTIONS:
            outcome = Outcome.NO_ACTION
        return Step(
            day=0,
            subject=subject.key,
            rep=subject.rep,
            move=move,
            reason=worded.raw or "",
            note=note or "",
            about=move or _MOVES[told],
            verdict=Verdict(outcome=outcome, reason=worded.code, raw=worded.raw, note=note),
        )

    def _correct(self, subject: Subject, outcome: Outcome, before: Step) -> Beat:
        """The same decision with another reason: only the reason is written, the stage stays."""
        was = before.verdict.reason if before.verdict else None
        others = [code for code in self._choices(subject, outcome) if code is not was]
        tidy = replace(self.reps[subject.rep], habit=Habit.THOROUGH)
        worded = self._word(subject, tidy, outcome, self.draw.choice(others))
        return (self._step(subject, None, worded, outcome),)

    def _convert(self, subject: Subject) -> Beat:
        opportunity = f"{subject.key}-opportunity" if self._chance(0.72) else None
        return (replace(self._accept(subject, Move.CONVERTED), opportunity=opportunity),)

    def _qualify(self, subject: Subject) -> Beat:
        return (self._accept(subject, Move.QUALIFIED),)

    def _accept(self, subject: Subject, move: Move) -> Step:
        verdict = Verdict(outcome=Outcome.ACCEPTED, reason=None)
        return Step(day=0, subject=subject.key, rep=subject.rep, move=move, verdict=verdict)

    def _reopen(self, subject: Subject) -> Beat:
        """Back to work; half of the time the old reason is left standing in its field."""
        reason = "" if self._chance(0.5) else None
        return (
            Step(
                day=0,
                subject=subject.key,
                rep=subject.rep,
                move=Move.WORKING,
                reason=reason,
                note=reason,
                reopens=True,
            ),
        )

    def _word(self, subject: Subject, rep: Rep, outcome: Outcome, meant: R) -> Worded:
        worded = word(self.draw, rep, outcome, meant)
        if not _from_list(subject) or worded.raw is None:
            return worded
        (label,) = phrases.HUBSPOT_LEAD_LABELS[worded.code]
        return replace(worded, raw=label)

    def _meant(self, subject: Subject, outcome: Outcome) -> R:
        if outcome is not Outcome.WON and self._is_poor(subject) and self._chance(0.75):
            return R.NO_BUDGET
        choices = self._choices(subject, outcome)
        return self.draw.choices(list(choices), weights=list(choices.values()))[0]

    def _choices(self, subject: Subject, outcome: Outcome) -> Mapping[R, int]:
        meant = _MEANT[outcome]
        if not _from_list(subject):
            return meant
        return {code: weight for code, weight in meant.items() if code in phrases.HUBSPOT_LEAD_LABELS}

    def _is_poor(self, subject: Subject) -> bool:
        return not self.poor.isdisjoint(subject.people)

    def _chance(self, chance: float) -> bool:
        return self.draw.random() < chance


def _from_list(subject: Subject) -> bool:
    """Whether the reason is picked from HubSpot's list, which no rep can reword."""
    return subject.crm is CrmName.HUBSPOT and subject.object is ObjectType.LEAD


def _takes_note(subject: Subject, outcome: Outcome) -> bool:
    """Whether the record has a field for the note: not HubSpot's deals, and not a won opportunity."""
    return subject.object is ObjectType.LEAD or (
        subject.crm is CrmName.SALESFORCE and outcome is Outcome.LOST
    )
