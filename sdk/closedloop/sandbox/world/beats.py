"""What happens to one subject, beat by beat: a decision, a correction, a reopening.

A beat is what a rep does on one day: one update, or two when stage and reason are set separately.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

from closedloop.sandbox.world import phrases
from closedloop.sandbox.world.drawing import Draw, Weights
from closedloop.sandbox.world.model import Habit, Move, Person, Rep, Step, Subject, Verdict
from closedloop.sandbox.world.names import RIVALS
from closedloop.sandbox.world.planted import Planted
from closedloop.sandbox.world.reasons import COPIES, OF_ROLE, weights
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
_ACCEPTED = Verdict(Outcome.ACCEPTED, None)


class _Why(NamedTuple):
    """The true reason, and who gave it."""

    meant: R
    said_by: str


@dataclass(slots=True, kw_only=True)
class Beats:
    """Draws the beats of a company's subjects. `poor` are the people that the planted campaign brought: they
    have no budget, whatever they are asked."""

    draw: Draw
    reps: Mapping[str, Rep]
    planted: Planted
    people: Mapping[str, Person]
    poor: frozenset[str]

    def of(self, subject: Subject) -> Iterator[Beat]:
        """Yields what happens to the subject, in order, one beat a day at most."""
        if subject.object is ObjectType.OPPORTUNITY:
            return self._opportunity(subject)
        if subject.object is ObjectType.CONTACT:
            return self._status(subject)
        if subject.crm is CrmName.SALESFORCE:
            return self._salesforce_lead(subject)
        return self._hubspot_lead(subject)

    def rejection(self, subject: Subject) -> Beat:
        """Returns a plain disqualification."""
        return self._decide(subject, Outcome.DISQUALIFIED)

    def again(self, subject: Subject) -> Iterator[Beat]:
        """Yields what happens to a recycled Salesforce lead that came back."""
        yield self._reopen(subject)
        yield self._convert(subject) if self.draw.chance(0.5) else self._decide(subject, Outcome.DISQUALIFIED)

    def _salesforce_lead(self, subject: Subject) -> Iterator[Beat]:
        if self.draw.chance(0.2 if self._is_poor(subject) else 0.45):
            yield self._convert(subject)
            return
        recycled = self.draw.chance(0.22) and not self._is_copied(subject)
        yield from self._rejected(subject, Outcome.RECYCLED if recycled else Outcome.DISQUALIFIED)
        if self.draw.chance(0.1):
            yield self._reopen(subject)
            if self.draw.chance(0.7):
                yield (
                    self._convert(subject)
                    if self.draw.chance(0.6)
                    else self._decide(subject, Outcome.DISQUALIFIED)
                )

    def _hubspot_lead(self, subject: Subject) -> Iterator[Beat]:
        if self.draw.chance(0.4):
            yield self._qualify(subject)
            return
        yield from self._rejected(subject, Outcome.DISQUALIFIED)
        if self.draw.chance(0.12):
            yield self._reopen(subject)
            if self.draw.chance(0.6):
                yield self._qualify(subject)

    def _status(self, subject: Subject) -> Iterator[Beat]:
        """A contact's status: it can tell of bad timing, and of no other reason."""
        if self.draw.chance(0.6):
            meant, said_by = self._why(subject, Outcome.DISQUALIFIED)
            timing = meant is R.BAD_TIMING
            verdict = Verdict(
                outcome=Outcome.RECYCLED if timing else Outcome.DISQUALIFIED,
                reason=R.BAD_TIMING if timing else R.UNSPECIFIED,
                meant=meant,
                said_by=said_by,
            )
            move = Move.RECYCLED if timing else Move.DISQUALIFIED
            yield (Step(subject=subject.key, rep=subject.rep, move=move, verdict=verdict),)

    def _opportunity(self, subject: Subject) -> Iterator[Beat]:
        if self.draw.chance(0.38):
            yield self._decide(subject, Outcome.WON)
            if self.draw.chance(0.04):
                yield self._reopen(subject)
                yield self._decide(subject, Outcome.LOST)
            return
        yield from self._rejected(subject, Outcome.LOST)
        if self.draw.chance(0.14):
            yield self._reopen(subject)
            if self.draw.chance(0.75):
                yield self._decide(subject, Outcome.WON if self.draw.chance(0.7) else Outcome.LOST)

    def _rejected(self, subject: Subject, outcome: Outcome) -> Iterator[Beat]:
        """A decision against the subject; sometimes the first reason was wrong, and is put right later."""
        why = self._why(subject, outcome)
        if not self.draw.chance(0.08):
            yield self._decide(subject, outcome, why)
            return
        wrong = self.draw.pick([code for code in _weights(subject, outcome).values if code is not why.meant])
        first = self._decide(subject, outcome, why, told=wrong)
        yield first
        told = first[-1].verdict
        if told and told.reason is not why.meant:
            yield self._correct(subject, outcome, why)

    def _decide(
        self, subject: Subject, outcome: Outcome, why: _Why | None = None, *, told: R | None = None
    ) -> Beat:
        rep, why = self.reps[subject.rep], why or self._why(subject, outcome)
        worded = self._word(subject, rep, outcome, told or self._told(subject, rep, outcome, why.meant))
        # A blank is written too: what an earlier decision left in the field must not speak for this one.
        whole = self._step(subject, outcome, worded, why, move=_MOVES[outcome])
        chance = self.draw.random()
        if worded.raw is None or chance > 0.24:
            return (whole,)
        stage = whole._replace(reason=None, note=None, competitor=None)
        reason = whole._replace(move=None)
        if chance < 0.13:
            return (stage._replace(verdict=None), reason)
        return (reason._replace(verdict=None), stage)

    def _step(
        self, subject: Subject, outcome: Outcome, worded: Worded, why: _Why, *, move: Move | None
    ) -> Step:
        note = worded.note if _takes_note(subject, outcome) else None
        no_action = outcome is Outcome.DISQUALIFIED and worded.code in NOT_REJECTIONS
        competitor = self._competitor(subject, outcome, why.meant)
        code, raw, _ = worded
        found = Outcome.NO_ACTION if no_action else outcome
        return Step(
            subject=subject.key,
            rep=subject.rep,
            move=move,
            reason=raw or "",
            note=note or "",
            about=_MOVES[outcome],
            competitor=competitor if code is R.COMPETITOR else "",
            verdict=Verdict(found, code, raw, note, why.meant, why.said_by, competitor),
        )

    def _correct(self, subject: Subject, outcome: Outcome, why: _Why) -> Beat:
        """The same decision with the true reason: only the reason is written, the stage stays."""
        tidy = replace(self.reps[subject.rep], habit=Habit.THOROUGH)
        worded = self._word(subject, tidy, outcome, why.meant)
        return (self._step(subject, outcome, worded, why, move=None),)

    def _convert(self, subject: Subject) -> Beat:
        opportunity = f"{subject.key}-opportunity" if self.draw.chance(0.72) else None
        return (self._accept(subject, Move.CONVERTED, opportunity),)

    def _qualify(self, subject: Subject) -> Beat:
        return (self._accept(subject, Move.QUALIFIED),)

    def _accept(self, subject: Subject, move: Move, opportunity: str | None = None) -> Step:
        return Step(
            subject=subject.key, rep=subject.rep, move=move, verdict=_ACCEPTED, opportunity=opportunity
        )

    def _reopen(self, subject: Subject) -> Beat:
        """Back to work; half of the time the old reason is left standing in its field."""
        reason = "" if self.draw.chance(0.5) else None
        return (
            Step(
                subject=subject.key,
                rep=subject.rep,
                move=Move.WORKING,
                reason=reason,
                note=reason,
                competitor=reason,
                reopens=True,
            ),
        )

    def _word(self, subject: Subject, rep: Rep, outcome: Outcome, told: R) -> Worded:
        worded = word(self.draw, rep, outcome, told, share=self.planted.timing_share)
        if not _from_list(subject) or worded.raw is None:
            return worded
        (label,) = phrases.HUBSPOT_LEAD_LABELS[worded.code]
        return worded._replace(raw=label)

    def _told(self, subject: Subject, rep: Rep, outcome: Outcome, meant: R) -> R:
        """The reason that the rep has in mind when they write: now and then the one they like best."""
        favourite = rep.favourite
        if favourite and favourite in _weights(subject, outcome).values and self.draw.chance(0.2):
            return favourite
        return meant

    def _why(self, subject: Subject, outcome: Outcome) -> _Why:
        """The true reason, and who in the buying team gave it."""
        said_by = self.draw.pick(subject.people) if subject.people else ""
        return _Why(self._planted(subject, outcome) or self._plain(subject, outcome, said_by), said_by)

    def _planted(self, subject: Subject, outcome: Outcome) -> R | None:
        planted = self.planted
        if outcome is Outcome.WON:
            return None
        if self._is_poor(subject) and self.draw.chance(planted.no_budget_share):
            return R.NO_BUDGET
        if outcome is Outcome.LOST:
            meets = self._meets_rival(subject) and self.draw.chance(planted.rival_share)
            return R.COMPETITOR if meets else None
        if outcome is Outcome.DISQUALIFIED and self._is_copied(subject):
            return self.draw.pick(COPIES) if self.draw.chance(planted.copied_share) else None
        return None

    def _plain(self, subject: Subject, outcome: Outcome, said_by: str) -> R:
        if outcome is Outcome.LOST and said_by and self.draw.chance(0.5):
            return self.draw.pick(OF_ROLE[self.people[said_by].buying_role])
        return self.draw.weighted(_weights(subject, outcome))

    def _competitor(self, subject: Subject, outcome: Outcome, meant: R) -> str:
        if outcome is not Outcome.LOST or meant is not R.COMPETITOR:
            return ""
        known = self._meets_rival(subject) and self.draw.chance(0.8)
        return self.planted.rival if known else self.draw.pick(RIVALS)

    def _meets_rival(self, subject: Subject) -> bool:
        return subject.created_at >= self.planted.rival_from

    def _is_poor(self, subject: Subject) -> bool:
        return bool(self.poor) and not self.poor.isdisjoint(subject.people)

    def _is_copied(self, subject: Subject) -> bool:
        copied = self.planted.copied_source
        return subject.crm is CrmName.SALESFORCE and self.people[subject.people[0]].source == copied


def _weights(subject: Subject, outcome: Outcome) -> Weights[R]:
    return weights(outcome, listed=_from_list(subject))


def _from_list(subject: Subject) -> bool:
    """Whether the reason is picked from HubSpot's list, which no rep can reword."""
    return subject.crm is CrmName.HUBSPOT and subject.object is ObjectType.LEAD


def _takes_note(subject: Subject, outcome: Outcome) -> bool:
    """Whether the record has a field for the note: not HubSpot's deals, and not a won opportunity."""
    return subject.object is ObjectType.LEAD or (
        subject.crm is CrmName.SALESFORCE and outcome is Outcome.LOST
    )
