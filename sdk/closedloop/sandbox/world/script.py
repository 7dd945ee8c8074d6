"""Writes the script: which rep decides what on which day, how they record it, and what they correct later.

A person has at most one decision a day, so that "the last decision about a person" is never a tie.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from closedloop.sandbox.world.beats import Beat
from closedloop.sandbox.world.model import Step, Subject, Touch
from closedloop.sandbox.world.setting import Company
from closedloop.sandbox.world.touches import Reach
from closedloop.schema.vocabulary import CrmName, ObjectType

DAYS = 10
"""How many working days a script has."""


@dataclass(kw_only=True)
class Script:
    """Fills the days with what happens to one company's leads and opportunities; `subjects` and `steps` are
    the result."""

    company: Company
    reach: Reach
    days: Sequence[datetime]
    subjects: list[Subject] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    _free: dict[str, int] = field(default_factory=lambda: defaultdict(int))

    def write(self, most: int) -> int:
        """Writes steps that make at most so many decisions, and returns how many they make; subjects nobody
        got round to stay open."""
        made = 0
        for subject in self.company.cast.subjects():
            self.subjects.append(subject)
            if made < most:
                made += self._play(subject, most - made)
        self._touch_again()
        return made

    def _play(self, subject: Subject, most: int) -> int:
        """Schedules what happens to a subject; returns how many decisions that were."""
        if self._comes_late(subject):
            return self._reject_then_touch(subject)
        steps = self._schedule(subject, self._first_day(), most)
        done = _decisions(steps)
        if steps and steps[-1].opportunity:
            made = self.company.cast.conversion(subject)
            self.subjects.append(made)
            done += _decisions(self._schedule(made, steps[-1].day + 1, most - done))
        return done

    def _first_day(self) -> int:
        # More is decided early, so that there is time to think again.
        return min(self.company.draw.between(0, DAYS - 1), self.company.draw.between(0, DAYS + 2), DAYS - 1)

    def _schedule(self, subject: Subject, earliest: int, most: int) -> list[Step]:
        day, steps = earliest, list[Step]()
        for beat in self.company.beats.of(subject):
            day = max([day, *(self._free[person] for person in subject.people)])
            if day >= DAYS or _decisions(steps) == most:
                break
            steps += self._add(subject, beat, day)
            day += 1 + self.company.draw.pick((0, 0, 1, 2))
        return steps

    def _add(self, subject: Subject, beat: Beat, day: int) -> list[Step]:
        steps = [step._replace(day=day) for step in beat]
        self.steps += steps
        for person in subject.people:
            self._free[person] = day + 1
        return steps

    def _comes_late(self, subject: Subject) -> bool:
        """Whether a campaign will come too late: for some of those whom nothing has reached yet."""
        if subject.crm is not CrmName.SALESFORCE or subject.object is not ObjectType.LEAD:
            return False
        (key,) = subject.people
        person = self.company.beats.people[key]
        return not person.hubspot and not self.company.touched[key] and self.company.draw.chance(0.5)

    def _reject_then_touch(self, subject: Subject) -> int:
        day = self.company.draw.between(0, DAYS - 2)
        self._add(subject, self.company.beats.rejection(subject), day)
        self._touch(subject.people[0], self.company.draw.between(day + 1, DAYS - 1))
        return 1

    def _touch(self, person: str, day: int) -> None:
        had = [touch.campaign for touch in self.company.touched[person]]
        if campaign := self.reach.further(self.company.draw, had):
            touch = Touch(person=person, campaign=campaign, at=self.days[day])
            self.steps.append(Step(day=day, touch=touch))
            self._free[person] = DAYS

    def _touch_again(self) -> None:
        """Some are touched once more when all is decided: too late to count, in time to confuse."""
        for key, day in self._free.items():
            known = self.company.beats.people[key].salesforce is not None
            if known and day < DAYS and self.company.draw.chance(0.08):
                self._touch(key, self.company.draw.between(day, DAYS - 1))


def _decisions(steps: Sequence[Step]) -> int:
    return sum(step.verdict is not None for step in steps)
