"""Tells what became of a company's leads and opportunities, from two years ago to the end of the script.

Reps answer after their own time, try as often as they are used to, move deals from stage to stage, decide,
and think again; people come back, are merged, synced and erased.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import chain
from operator import attrgetter

from closedloop.sandbox.world.beats import Beat
from closedloop.sandbox.world.model import (
    Attempt,
    Home,
    Link,
    Move,
    Person,
    Rep,
    Step,
    Story,
    Subject,
    Touch,
    Twin,
)
from closedloop.sandbox.world.setting import Company, Setting
from closedloop.sandbox.world.stages import line_of
from closedloop.schema.vocabulary import CrmName, ObjectType, Outcome

SCRIPT = timedelta(days=20)
"""How long the script goes on after the past."""

_CYCLE_DAYS = 45
"""How long a deal usually takes."""
_ON_THE_WAY = ((Move.MEETING, 20), (Move.PROPOSED, 45), (Move.WORKING, 70))
"""The stages between the first and the last, and after how many percent of the time."""
_ATTEMPTS = (
    *(("call", False), ("call", False), ("call", True), ("email", False), ("email", False)),
    *(("email", True), ("meeting", True)),
)
_HOUR = timedelta(hours=1)
_OPENED, _WHEN = attrgetter("created_at"), attrgetter("at")


@dataclass(kw_only=True)
class Past:
    """Writes one company's story."""

    company: Company
    setting: Setting
    _subjects: list[Subject] = field(default_factory=list)
    _steps: list[Step] = field(default_factory=list)
    _attempts: list[Attempt] = field(default_factory=list)
    _twins: list[Twin] = field(default_factory=list)
    _free: dict[str, datetime] = field(default_factory=dict)
    _end: datetime = field(init=False)

    def story(self) -> Story:
        """Returns the whole story."""
        company, start = self.company, self.setting.start
        self._end = start + SCRIPT
        self._free = {person.key: person.created_at for person in company.people}
        for subject in sorted(company.cast.subjects(), key=_OPENED):
            self._play(subject)
        for person in company.people:
            self._records_of(person)
        self._steps.sort(key=_WHEN)
        return Story(
            account=company.account,
            people=company.people,
            touches=tuple(chain.from_iterable(company.touched.values())),
            subjects=tuple(self._subjects),
            steps=tuple(self._steps),
            attempts=tuple([one for one in self._attempts if one.at < start]),
            twins=tuple(self._twins),
        )

    def _play(self, subject: Subject) -> None:
        self._subjects.append(subject)
        lead = subject.object is not ObjectType.OPPORTUNITY
        if lead and self.company.account.region == self.setting.planted.silent_region:
            return
        last = self._decide(self.company.beats.of(subject), subject, self._worked(subject, lead=lead))
        if last and last.opportunity:
            self._play(self.company.cast.conversion(subject, last.at))
        elif last and last.verdict and last.verdict.outcome is Outcome.RECYCLED and last.at:
            self._come_back(subject, last.at)

    def _worked(self, subject: Subject, *, lead: bool) -> datetime:
        """Works on the subject; returns when it is time to decide."""
        rep = self.setting.rep[subject.rep]
        answered = subject.created_at + self.company.draw.lapse(hours=rep.hours)
        return self._try(subject, rep, answered) if lead else self._sell(subject, rep)

    def _try(self, subject: Subject, rep: Rep, at: datetime) -> datetime:
        """Tries to get hold of somebody; the careless rep does not."""
        draw = self.company.draw
        if rep.key == self.setting.planted.careless_rep:
            return at
        if draw.chance(0.75):
            self._move(subject, Move.WORKING, at)
        for _ in range(draw.between(max(1, rep.attempts - 2), rep.attempts + 1)):
            self._attempt(subject, rep, at)
            at += draw.lapse(hours=40)
        return at

    def _sell(self, subject: Subject, rep: Rep) -> datetime:
        """Takes a deal from stage to stage."""
        draw, planted = self.company.draw, self.setting.planted
        slow = bool(subject.cause) and self.setting.campaign[subject.cause or ""].kind == planted.slow_kind
        part = draw.lapse(days=_CYCLE_DAYS * (planted.slow_times if slow else 1) / 100)
        for move, percent in _ON_THE_WAY:
            if draw.chance(0.75):
                at = subject.created_at + part * percent
                self._move(subject, move, at)
                if subject.people and draw.chance(0.5):
                    self._attempt(subject, rep, at - _HOUR)
        return subject.created_at + part * 100

    def _attempt(self, subject: Subject, rep: Rep, at: datetime) -> None:
        draw = self.company.draw
        kind, connected = draw.pick(_ATTEMPTS)
        person = draw.pick(subject.people)
        self._attempts.append(Attempt(subject.key, person, rep.key, at, kind, connected))

    def _move(self, subject: Subject, move: Move, at: datetime) -> None:
        if at < self._end and move in line_of(subject).stages:
            day = (at - self.setting.start).days
            self._steps.append(Step(day, at, subject.key, subject.rep, move))

    def _decide(self, beats: Iterable[Beat], subject: Subject, at: datetime) -> Step | None:
        """Lets the beats happen, from that time on; returns the last step."""
        last, draw, free = None, self.company.draw, self._free
        for beat in beats:
            for person in subject.people:
                at = max(at, free[person])
            if at >= self._end:
                break
            for step in beat:
                last = self._at(step, at)
                self._steps.append(last)
                at += draw.seconds(60, 36_000)
            for person in subject.people:
                free[person] = at
            at += draw.seconds(86_400, 30 * 86_400)
        return last

    def _come_back(self, subject: Subject, recycled: datetime) -> None:
        """Some who were recycled respond to another campaign, and are worked on again."""
        draw, (person,) = self.company.draw, subject.people
        if subject.crm is not CrmName.SALESFORCE or not draw.chance(0.4):
            return
        had = [touch.campaign for touch in self.company.touched[person]]
        if found := self.setting.reach.again(draw, recycled + timedelta(days=14), had):
            campaign, at = found
            self.company.touched[person].append(Touch(person=person, campaign=campaign, at=at))
            answered = at + draw.lapse(hours=self.setting.rep[subject.rep].hours)
            last = self._decide(self.company.beats.again(subject), subject, answered)
            if last and last.opportunity:
                self._play(self.company.cast.conversion(subject, last.at))

    def _records_of(self, person: Person) -> None:
        """What happens to the records of a person rather than to what is decided about them."""
        draw = self.company.draw
        if person.link is Link.LATE and person.synced_at and person.synced_at >= self.setting.start:
            self._later(Step(syncs=person.key), person.synced_at)
            return
        chance = draw.random()
        if chance < 0.025:
            self._twin(person)
        elif chance < 0.035:
            self._erase(person)
        elif chance < 0.055 and person.salesforce:
            self._touch_again(person)

    def _twin(self, person: Person) -> None:
        """A second record of somebody in one CRM, mostly found and merged after a while."""
        draw = self.company.draw
        crm = CrmName.HUBSPOT if person.hubspot and draw.chance(0.6) else CrmName.SALESFORCE
        if crm is CrmName.HUBSPOT and not person.hubspot:
            return
        if crm is CrmName.SALESFORCE and (person.salesforce is None or self._is_converted(person)):
            return
        latest = self.setting.start - timedelta(days=1)
        made = min(person.created_at + draw.seconds(86_400, 60 * 86_400), latest)
        merged = max(made + draw.lapse(days=40), self._free[person.key])
        key = f"{person.key}-twin"
        self._twins.append(
            Twin(
                key=key,
                person=person.key,
                crm=crm,
                email=person.email.replace("@", "+web@") if crm is CrmName.HUBSPOT else person.email,
                created_at=made,
                merged_at=merged if merged < self._end else None,
            )
        )
        self._later(Step(merges=key), merged)

    def _erase(self, person: Person) -> None:
        """Somebody asks to be forgotten; nobody who is named on a deal does."""
        if person.salesforce is Home.CONTACT or self._has_deal(person):
            return
        at = self._free[person.key] + self.company.draw.seconds(2 * 86_400, 200 * 86_400)
        self._later(Step(erases=person.key), max(at, self._last_touch(person) + timedelta(days=1)))

    def _touch_again(self, person: Person) -> None:
        """A campaign that comes while the script is played."""
        draw, touches = self.company.draw, self.company.touched[person.key]
        campaign = self.setting.reach.further(draw, [touch.campaign for touch in touches])
        at = self.setting.start + draw.seconds(0, 20 * 86_400 - 60)
        if campaign and at > self._free[person.key]:
            self._later(Step(touch=Touch(person=person.key, campaign=campaign, at=at)), at)

    def _last_touch(self, person: Person) -> datetime:
        return max((t.at for t in self.company.touched[person.key]), default=person.created_at)

    def _is_converted(self, person: Person) -> bool:
        return any(step.move is Move.CONVERTED for step in self._about(person))

    def _has_deal(self, person: Person) -> bool:
        mine = (subject for subject in self._subjects if person.key in subject.people)
        return any(subject.object is ObjectType.OPPORTUNITY for subject in mine) or self._is_converted(person)

    def _about(self, person: Person) -> Iterator[Step]:
        keys = {subject.key for subject in self._subjects if person.key in subject.people}
        return (step for step in self._steps if step.subject in keys)

    def _later(self, step: Step, at: datetime) -> None:
        if at < self._end:
            self._steps.append(self._at(step, at))

    def _at(self, step: Step, at: datetime) -> Step:
        return step.placed((at - self.setting.start).days, at)
