"""Writes the script: which rep decides what on which day, how they record it, and what they correct later.

A person has at most one decision a day, so that "the last decision about a person" is never a tie.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from closedloop.sandbox.world.beats import Beat, Beats
from closedloop.sandbox.world.model import Campaign, Person, Step, Subject, Touch
from closedloop.sandbox.world.subjects import Cast
from closedloop.schema.vocabulary import CrmName, ObjectType

DAYS = 10
"""How many working days a script has."""


@dataclass(kw_only=True)
class Script:
    """Fills the days with the decisions asked for; `subjects` and `steps` are the result."""

    draw: random.Random
    cast: Cast
    beats: Beats
    days: Sequence[datetime]
    subjects: list[Subject] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    _free: dict[str, int] = field(default_factory=lambda: defaultdict(int))

    def write(self, decisions: int) -> None:
        """Writes steps until `decisions` decisions are made; subjects nobody got round to stay open."""
        left = decisions
        for subject in self.cast.subjects():
            self.subjects.append(subject)
            if left:
                left -= self._play(subject, left)
        if left:
            raise ValueError(f"the world has too few people for {decisions} decisions: {left} are missing")
        self._touch_again()
        self.steps.sort(key=lambda step: step.day)

    def _play(self, subject: Subject, most: int) -> int:
        """Schedules what happens to a subject; returns how many decisions that were."""
        if later := self._touched_later(subject):
            return self._reject_then_touch(subject, later)
        steps = self._schedule(subject, self._first_day(), most)
        done = _decisions(steps)
        if steps and steps[-1].opportunity:
            made = self.cast.conversion(subject)
            self.subjects.append(made)
            done += _decisions(self._schedule(made, steps[-1].day + 1, most - done))
        return done

    def _first_day(self) -> int:
        return int(DAYS * self.draw.random() ** 1.4)

    def _schedule(self, subject: Subject, earliest: int, most: int) -> list[Step]:
        day, steps = earliest, list[Step]()
        for beat in self.beats.of(subject):
            day = max([day, *(self._free[person] for person in subject.people)])
            if day >= DAYS or _decisions(steps) == most:
                break
            steps += self._add(subject, beat, day)
            day += 1 + self.draw.choice((0, 0, 1, 2))
        return steps

    def _add(self, subject: Subject, beat: Beat, day: int) -> list[Step]:
        steps = [replace(step, day=day) for step in beat]
        self.steps += steps
        for person in subject.people:
            self._free[person] = day + 1
        return steps

    def _touched_later(self, subject: Subject) -> Campaign | None:
        """A campaign that will come too late, for some of those whom nothing has reached yet."""
        if subject.crm is not CrmName.SALESFORCE or subject.object is not ObjectType.LEAD:
            return None
        person = self.cast.person(subject.people[0])
        if person.hubspot or self.cast.touched[person.key]:
            return None
        return self._campaign(person) if self.draw.random() < 0.5 else None

    def _reject_then_touch(self, subject: Subject, campaign: Campaign) -> int:
        day = int((DAYS - 1) * self.draw.random())
        self._add(subject, self.beats.rejection(subject), day)
        self._touch(subject.people[0], campaign, self.draw.randint(day + 1, DAYS - 1))
        return 1

    def _touch(self, person: str, campaign: Campaign, day: int) -> None:
        touch = Touch(person=person, campaign=campaign.key, at=self.days[day])
        self.steps.append(Step(day=day, touch=touch))
        self._free[person] = DAYS

    def _touch_again(self) -> None:
        """Some are touched once more when all is decided: too late to count, in time to confuse."""
        for key, day in sorted(self._free.items()):
            person = self.cast.person(key)
            if day >= DAYS or person.salesforce is None or self.draw.random() >= 0.08:
                continue
            if campaign := self._campaign(person):
                self._touch(key, campaign, self.draw.randint(day, DAYS - 1))

    def _campaign(self, person: Person) -> Campaign | None:
        """A Salesforce campaign that has not reached the person yet, if one is left."""
        had = {touch.campaign for touch in self.cast.touched[person.key]}
        left = [campaign for campaign in self.cast.salesforce_campaigns if campaign.key not in had]
        return self.draw.choice(left) if left else None


def _decisions(steps: Sequence[Step]) -> int:
    return sum(step.verdict is not None for step in steps)
