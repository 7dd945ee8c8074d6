"""What is true of every decision of a market: the reason there was, the campaign and the touches behind it,
when it was taken, and what became of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple

from closedloop.sandbox.world.model import Attempt, Person, Step, Story, Subject, Touch, Verdict
from closedloop.schema.vocabulary import CrmName, ObjectType, Outcome, ReasonCode

SERVICE_LEVEL = timedelta(hours=24)
"""How soon a new lead is to hear from somebody."""


class Ended(StrEnum):
    """How a decision ended to hold."""

    CORRECTED = "corrected"
    REOPENED = "reopened"


class Decision(NamedTuple):
    """One decision, as a perfect observer would note it.

    `reason` is what the rep's words (`raw`) mean, `meant` the reason that there truly was; `said_by` who in
    the buying team gave it, and `role` which part they have there. `campaign` brought the lead or the deal
    about, `primary` is the one that the CRM names on it; `touches` are the campaigns that had reached its
    people by then, oldest first. `attempts` is how often the rep had tried before. `until` is when it was
    taken back or replaced, None while it holds.
    """

    subject: str
    crm: CrmName
    object: ObjectType
    people: tuple[str, ...]
    account: str
    region: str
    segment: str
    source: str
    rep: str
    opened_at: datetime
    decided_at: datetime
    outcome: Outcome
    reason: ReasonCode | None
    meant: ReasonCode | None
    raw: str | None
    said_by: str
    role: str
    competitor: str
    campaign: str | None
    primary: str | None
    touches: tuple[str, ...]
    attempts: int
    amount: Decimal | None
    currency: str
    until: datetime | None = None
    ended: Ended | None = None

    def holds(self, at: datetime) -> bool:
        """Whether it stood at that time."""
        return self.decided_at < at and (self.until is None or self.until >= at)


class FollowUp(NamedTuple):
    """Whether, and when, somebody first tried to get hold of a lead."""

    subject: str
    region: str
    rep: str
    opened_at: datetime
    answered_at: datetime | None

    @property
    def kept(self) -> bool:
        """Whether it was within the service level."""
        return self.answered_at is not None and self.answered_at - self.opened_at <= SERVICE_LEVEL


def follow_ups(story: Story) -> Iterator[FollowUp]:
    """Yields how the leads of a company were followed up."""
    first: dict[str, datetime] = {}
    for attempt in story.attempts:
        first.setdefault(attempt.subject, attempt.at)
    for subject in story.subjects:
        if subject.object is not ObjectType.OPPORTUNITY:
            yield FollowUp(
                subject.key, story.account.region, subject.rep, subject.created_at, first.get(subject.key)
            )


def decisions(story: Story) -> list[Decision]:
    """Returns every decision about a company's leads and opportunities, in the order of time."""
    return _Observer(story).decisions()


class _Observer:
    def __init__(self, story: Story) -> None:
        self._story = story
        self._people: Mapping[str, Person] = {person.key: person for person in story.people}
        self._subjects: Mapping[str, Subject] = {subject.key: subject for subject in story.subjects}
        self._touches: dict[str, list[Touch]] = defaultdict(list)
        self._attempts: dict[str, list[Attempt]] = defaultdict(list)
        for touch in story.touches:
            self._touches[touch.person].append(touch)
        for attempt in story.attempts:
            self._attempts[attempt.subject].append(attempt)

    def decisions(self) -> list[Decision]:
        """The decisions, each ended by what came after it."""
        found: list[Decision] = []
        last: dict[str, int] = {}
        for step in self._story.steps:
            if step.at is None or not (step.verdict or step.reopens):
                continue
            before = last.pop(step.subject, None)
            if before is not None:
                ended = Ended.REOPENED if step.reopens else Ended.CORRECTED
                found[before] = found[before]._replace(until=step.at, ended=ended)
            if step.verdict:
                last[step.subject] = len(found)
                found.append(self._decision(step, step.verdict, step.at))
        return found

    def _decision(self, step: Step, verdict: Verdict, at: datetime) -> Decision:
        subject, account = self._subjects[step.subject], self._story.account
        people = [self._people[key] for key in subject.people]
        said_by = self._people.get(verdict.said_by)
        return Decision(
            subject=subject.key,
            crm=subject.crm,
            object=subject.object,
            people=subject.people,
            account=account.key,
            region=account.region,
            segment=account.segment,
            source=people[0].source if people else "",
            rep=step.rep,
            opened_at=subject.created_at,
            decided_at=at,
            outcome=verdict.outcome,
            reason=verdict.reason,
            meant=verdict.meant,
            raw=verdict.raw,
            said_by=verdict.said_by,
            role=said_by.buying_role if said_by else "",
            competitor=verdict.competitor,
            campaign=subject.cause,
            primary=subject.primary,
            touches=self._reached(subject, at),
            attempts=sum(attempt.at < at for attempt in self._attempts[subject.key]),
            amount=subject.amount,
            currency=subject.currency,
        )

    def _reached(self, subject: Subject, at: datetime) -> tuple[str, ...]:
        touches = [t for key in subject.people for t in self._touches[key] if t.at < at]
        touches.sort(key=lambda touch: touch.at)
        return tuple(touch.campaign for touch in touches)
