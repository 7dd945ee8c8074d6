"""A CRM in memory behind the real interface: what it holds, what was written to it, and how it fails."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import ClassVar

from closedloop.crm import retry
from closedloop.crm.base import Batch, Organisation, Page
from closedloop.errors import QuotaError, RetryableError
from closedloop.loop.feedback import (
    CampaignFeedback,
    Delivery,
    DeliveryResult,
    Feedback,
    FeedbackKind,
    PersonFeedback,
)
from closedloop.schema.records import (
    CampaignMember,
    Contact,
    ContactRole,
    Lead,
    Opportunity,
    Record,
    Ref,
)
from closedloop.schema.schemas import dump_feedback
from closedloop.schema.vocabulary import CrmName, ObjectType
from closedloop_server.pipeline.deliver import ARRIVAL_SECONDS

LONG_AGO = datetime.min.replace(tzinfo=UTC)
PAGE = 5
"""Records on a page of a poll: few, so that much can happen between two."""


@dataclass(eq=False)
class Request:
    """Values on their way to the CRM. They may arrive when nobody waits for the answer any more, but only
    until `latest`: the server reckons with that, and says so."""

    values: Sequence[Feedback]
    latest: datetime
    answer: list[DeliveryResult] | None = None


@dataclass
class SimulatedCrm:
    """Its records change as people save them. `pause` is where other workers, and time, may come in between;
    `trouble` the probability that a call fails."""

    name: ClassVar[CrmName]
    person_target: ClassVar[ObjectType]
    feedback_kinds: ClassVar[frozenset[FeedbackKind]]
    organisation_id: ClassVar[str]

    clock: Callable[[], datetime]
    chance: Random
    pause: Callable[[], None]
    trouble: float = 0.0
    records: dict[Ref, Record] = field(default_factory=dict)
    shown: dict[str, Feedback] = field(default_factory=dict)
    meddled: set[str] = field(default_factory=set)
    on_the_way: list[Request] = field(default_factory=list)
    saved_at: datetime = LONG_AGO

    def save(self, record: Record) -> Ref:
        """What somebody in the CRM saves; every version has a time of its own."""
        self.saved_at = max(self.clock(), self.saved_at + timedelta(microseconds=1))
        self.records[record.ref] = replace(record, updated_at=self.saved_at)
        return record.ref

    def remove(self, ref: Ref) -> list[Ref]:
        """What somebody in the CRM deletes; its campaign members and contact roles go with it."""
        removed = [ref, *(each.ref for each in self.records.values() if _joins(each, ref))]
        for each in removed:
            del self.records[each]
        return removed

    def organisation(self) -> Organisation:
        """The one that the settings name."""
        return Organisation(crm=self.name, id=self.organisation_id)

    def sizes(self) -> Mapping[ObjectType, int]:
        """Nothing depends on it."""
        return Counter(ref.object for ref in self.records)

    def refresh(self, refs: Iterable[Ref]) -> Batch:
        """What is there when the call comes in, whenever the answer arrives."""
        asked = sorted(refs)
        self._come_in()
        there = [self.records[ref] for ref in asked if ref in self.records]
        around = [record for record in self.records.values() if _is_around(self.records, record, there)]
        found = {record.ref: record for record in [*there, *around]}
        records = tuple(self._read(found[ref]) for ref in sorted(found))
        gone = tuple(ref for ref in asked if ref not in self.records)
        self._go_out()
        return Batch(records=records, gone=gone)

    def poll(self, cursor: str | None) -> Iterator[Page]:
        """Page after page from the oldest; what is saved meanwhile comes last."""
        since = datetime.fromisoformat(cursor) if cursor else LONG_AGO
        while True:
            self._come_in()
            changed = sorted(
                (record for record in self.records.values() if (record.updated_at or since) > since),
                key=lambda record: (record.updated_at or since, record.ref),
            )
            page = tuple(self._read(record) for record in changed[:PAGE])
            self._go_out()
            if not changed:
                return
            since = page[-1].updated_at or since
            yield Page(batch=Batch(records=page), cursor=since.isoformat())

    def deliver(self, feedback: Sequence[Feedback]) -> list[DeliveryResult]:
        """Writes value after value. Whoever dies, stands still or gives up once the values were sent does not
        know when they arrive, nor whether."""
        self._come_in()
        request = Request(feedback, self.clock() + timedelta(seconds=ARRIVAL_SECONDS))
        self.on_the_way.append(request)
        self.pause()
        if self.chance.random() < self.trouble / 8:
            raise RetryableError("no answer", reason="no_answer", retry_after=None)
        self.arrive(request)
        self._go_out()
        if request.answer is None:
            raise RetryableError("cut off", reason="connection", retry_after=None)
        return request.answer

    def arrive(self, request: Request) -> None:
        """A request reaches the CRM, unless it did before, or is lost by now."""
        if request not in self.on_the_way:
            return
        self.on_the_way.remove(request)
        if self.clock() < request.latest:
            request.answer = [self._take(value) for value in request.values]

    def _take(self, value: Feedback) -> DeliveryResult:
        if self.chance.random() < self.trouble / 4:
            return DeliveryResult(key=value.key, delivery=Delivery.RETRY, code="locked")
        self.shown[value.key] = value
        self._touch(value)
        return DeliveryResult(key=value.key, delivery=Delivery.DELIVERED)

    def meddle(self) -> None:
        """Somebody clears what we told a target, where they can see it."""
        seen = sorted(key for key in self.shown if not key.startswith(FeedbackKind.REASON))
        if seen:
            key = self.chance.choice(seen)
            value = self.shown[key]
            if isinstance(value, PersonFeedback):
                self.shown[key] = PersonFeedback(target=value.target, outcome=None)
            elif isinstance(value, CampaignFeedback):
                self.shown[key] = replace(value, reasons=(), last_decision_at=None)
            self.meddled.add(key)
            self._touch(value)

    def differences(self, feedback: Feedback, record: Record) -> Mapping[str, str] | None:
        """Compares with what the record showed when it was read."""
        shown = record.raw.get("shown")
        if not isinstance(shown, Mapping):
            return None
        told = dump_feedback(feedback)
        return {name: str(shown[name]) for name in told if shown.get(name) != told[name]}

    def feedback_form(self) -> str:
        """Nobody changes the fields here."""
        return "as installed"

    def _read(self, record: Record) -> Record:
        """The record as a reading brings it, with the feedback that it shows."""
        value = next((value for value in self.shown.values() if _target(value) == record.ref), None)
        return replace(record, raw={"shown": dump_feedback(value)}) if value else record

    def _touch(self, value: Feedback) -> None:
        """The record changes with the fields of ours on it, as records do in both CRMs: polls bring it."""
        ref = _target(value)
        if ref in self.records:
            self.save(self.records[ref])

    def _come_in(self) -> None:
        """Both transports look at the clock right before they send. Between that and the send a client may
        stand still in the real world too; no program can help it, and docs/reliability.md says so."""
        self.pause()
        if retry.remaining(1.0) <= 0:
            raise RetryableError("too late", reason="out_of_time", retry_after=None)
        drawn = self.chance.random()
        if drawn < self.trouble / 8:
            raise QuotaError("no calls left", reason="quota", retry_after=self.chance.uniform(60, 7200))
        if drawn < self.trouble / 2:
            raise RetryableError("not now", reason="unavailable", retry_after=None)

    def _go_out(self) -> None:
        """The answer may be late, or lost after everything was done."""
        self.pause()
        if self.chance.random() < self.trouble / 4:
            raise RetryableError("cut off", reason="connection", retry_after=None)


class SimulatedSalesforce(SimulatedCrm):
    """Campaign members show what became of people, rows the reasons."""

    name = CrmName.SALESFORCE
    person_target = ObjectType.CAMPAIGN_MEMBER
    feedback_kinds = frozenset(FeedbackKind)
    organisation_id = "00D5g000004ABCDEA4"


class SimulatedHubSpot(SimulatedCrm):
    """Contacts show what became of people."""

    name = CrmName.HUBSPOT
    person_target = ObjectType.CONTACT
    feedback_kinds = frozenset({FeedbackKind.PERSON, FeedbackKind.CAMPAIGN})
    organisation_id = "26051000"


def _joins(record: Record, ref: Ref) -> bool:
    match record:
        case CampaignMember():
            ends = {(ObjectType.LEAD, record.lead_id), (ObjectType.CONTACT, record.contact_id)}
        case ContactRole():
            ends = {
                (ObjectType.OPPORTUNITY, record.opportunity_id),
                (ObjectType.CONTACT, record.contact_id),
            }
        case _:
            return False
    return (ref.object, ref.id) in ends


def _is_around(records: dict[Ref, Record], record: Record, there: list[Record]) -> bool:
    """Whether a record is what the loop needs to judge those that were asked for."""
    ids = {each.id for each in there}
    people = {each.contact_id for each in there if isinstance(each, Lead | Opportunity)}
    people |= {each.converted_contact_id for each in there if isinstance(each, Lead)}
    roles = [
        each for each in records.values() if isinstance(each, ContactRole) and each.opportunity_id in ids
    ]
    people |= {role.contact_id for role in roles} | ids
    match record:
        case ContactRole():
            return record in roles
        case Contact():
            return record.id in people
        case CampaignMember():
            return bool({record.lead_id, record.contact_id} & (people - {None}))
        case _:
            return False


def _target(value: Feedback) -> Ref | None:
    """The record that shows a feedback value; rows of reasons are read by nobody."""
    if isinstance(value, PersonFeedback):
        return value.target
    return Ref(ObjectType.CAMPAIGN, value.campaign_id) if isinstance(value, CampaignFeedback) else None
