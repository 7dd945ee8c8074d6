"""Puts a world into Salesforce: the records as they stand when the script begins, and how they got there."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from closedloop.sandbox.salesforce import Org
from closedloop.sandbox.world import salesforce_records as fields_of
from closedloop.sandbox.world.batch import Batch, by_time
from closedloop.sandbox.world.model import Campaign, Home, Move, Person, Rep, Step, Subject, Touch
from closedloop.sandbox.world.names import REGIONS
from closedloop.sandbox.world.population import Population
from closedloop.sandbox.world.salesforce_records import Fields, stamps
from closedloop.sandbox.world.stages import OPPORTUNITY, SALESFORCE_LEAD, Line
from closedloop.schema.vocabulary import CrmName, ObjectType

_CLOSED = frozenset({Move.WON, Move.LOST})


@dataclass(kw_only=True)
class SalesforceFilling:
    """Fills an org, batch by batch."""

    org: Org
    into: Population
    start: datetime
    _history: dict[str, list[Fields]] = field(default_factory=lambda: defaultdict(list))
    _campaigns: set[str] = field(default_factory=set)
    _reps: set[str] = field(default_factory=set)

    def set_up(self, reps: Sequence[Rep], campaigns: Sequence[Campaign], *, lived: bool) -> None:
        """Makes what is there before the first company: statuses, people in sales, queues, campaigns. Where
        there is a past, stages have a history, too."""
        long_ago = self.start - timedelta(days=920)
        for status in fields_of.LEAD_STATUSES:
            status_fields: Fields = {"MasterLabel": status, "ApiName": status, "SortOrder": 9}
            self.org.insert("LeadStatus", status_fields, at=long_ago)
        for rep in reps:
            if rep.crm is CrmName.SALESFORCE:
                self._reps.add(rep.key)
                self.into.users[rep.key] = self.org.insert("User", fields_of.user(rep), at=long_ago)
        if lived:
            self.org.track("Lead", SALESFORCE_LEAD.stage)
            self.org.track("Opportunity", OPPORTUNITY.stage)
        for region in REGIONS if lived else ():
            self.into.queues[region] = self.org.insert("Group", fields_of.queue(region), at=long_ago)
        for campaign in campaigns:
            if campaign.crm is CrmName.SALESFORCE:
                made = self.org.insert("Campaign", fields_of.campaign(campaign), at=long_ago)
                self.into.campaigns[campaign.key] = made
                self._campaigns.add(campaign.key)

    def fill(self, batch: Batch) -> None:
        """Puts a batch in, in the order in which records name each other."""
        converted = self._converted(batch)
        self._accounts(batch)
        self._contacts(batch, converted)
        self._opportunities(batch)
        self._leads(batch, converted)
        self._members(batch, converted)
        self._tasks(batch)
        for sobject, rows in self._history.items():
            if self.org.objects.find(sobject):
                self.org.load(sobject, rows)
        self._history.clear()
        self._merge_and_erase(batch)

    def _converted(self, batch: Batch) -> dict[str, Step]:
        """The conversions of the past, by person."""
        found = {subject.people[0]: batch.converted(subject.key) for subject in _of(batch, ObjectType.LEAD)}
        return {person: step for person, step in found.items() if step}

    def _accounts(self, batch: Batch) -> None:
        made = stamps(self.start - timedelta(days=920))
        rows = (fields_of.account(account) | made for account in batch.accounts)
        ids = self.org.load("Account", rows)
        self.into.accounts |= dict(zip((account.key for account in batch.accounts), ids, strict=True))

    def _contacts(self, batch: Batch, converted: dict[str, Step]) -> None:
        people = [p for p in batch.people if p.salesforce is Home.CONTACT or p.key in converted]
        rows = [
            fields_of.contact(person, self.into.accounts[person.account])
            | (self._stamps(converted[person.key]) if person.key in converted else stamps(person.created_at))
            for person in people
        ]
        ids = self.org.load("Contact", rows)
        self.into.contacts |= dict(zip((person.key for person in people), ids, strict=True))

    def _opportunities(self, batch: Batch) -> None:
        deals = list(_of(batch, ObjectType.OPPORTUNITY))
        ids = self.org.load("Opportunity", [self._opportunity(deal, batch) for deal in deals])
        self.into.subjects |= dict(zip((deal.key for deal in deals), ids, strict=True))
        role = {person.key: fields_of.ROLES[person.buying_role] for person in batch.people}
        roles = [
            {
                "OpportunityId": self.into.subjects[deal.key],
                "ContactId": self.into.contacts[key],
                "IsPrimary": place == 0,
                "Role": role[key],
                **stamps(deal.created_at),
            }
            for deal in deals
            for place, key in enumerate(deal.people)
        ]
        self.org.load("OpportunityContactRole", roles)
        for deal in deals:
            self._note_history(OPPORTUNITY, "OpportunityFieldHistory", "OpportunityId", deal, batch)
            self._note_stages(deal, batch)

    def _opportunity(self, deal: Subject, batch: Batch) -> Fields:
        steps = batch.lived.get(deal.key, ())
        row = fields_of.opportunity(deal) | {
            "AccountId": self.into.accounts[deal.account],
            "OwnerId": self.into.users[deal.rep],
        }
        if deal.primary:
            row["CampaignId"] = self.into.campaigns[deal.primary]
        if deal.currency and "CurrencyIsoCode" in self.org.objects["Opportunity"].fields:
            row["CurrencyIsoCode"] = deal.currency
        moved = [step for step in steps if step.move]
        if moved:
            row["LastStageChangeDate"] = moved[-1].at
        if moved and moved[-1].move in _CLOSED and moved[-1].at:
            row["CloseDate"] = moved[-1].at.date().isoformat()
        return row | stamps(deal.created_at, self.into.users[deal.rep]) | self._lived(OPPORTUNITY, steps)

    def _leads(self, batch: Batch, converted: dict[str, Step]) -> None:
        people = {person.key: person for person in batch.people}
        companies = {account.key: account for account in batch.accounts}
        worked = {attempt.subject for attempt in batch.attempts}
        leads = list(_of(batch, ObjectType.LEAD))
        rows = []
        for subject in leads:
            (key,), steps = subject.people, batch.lived.get(subject.key, ())
            person = people[key]
            row = fields_of.lead(person, companies[person.account]) | stamps(person.created_at)
            if subject.queue:
                taken = bool(steps) or subject.key in worked
                row["OwnerId"] = self.into.users[subject.rep] if taken else self.into.queues[subject.queue]
            row |= self._lived(SALESFORCE_LEAD, steps)
            if key in converted:
                row |= self._conversion(person, converted[key])
            rows.append(row)
        for subject, made in zip(leads, self.org.load("Lead", rows), strict=True):
            self.into.leads[subject.people[0]] = self.into.subjects[subject.key] = made
            self._note_history(SALESFORCE_LEAD, "LeadHistory", "LeadId", subject, batch)

    def _conversion(self, person: Person, step: Step) -> Fields:
        made = {
            "IsConverted": True,
            "ConvertedDate": step.at and step.at.date().isoformat(),
            "ConvertedAccountId": self.into.accounts[person.account],
            "ConvertedContactId": self.into.contacts[person.key],
        }
        return made | (
            {"ConvertedOpportunityId": self.into.subjects[step.opportunity]} if step.opportunity else {}
        )

    def _lived(self, line: Line, steps: Sequence[Step]) -> Fields:
        """What the past steps left in the fields, and who took the last of them."""
        row: Fields = {}
        for step in steps:
            row |= line.changes(step)
        if steps:
            row |= {"LastModifiedDate": steps[-1].at, "LastModifiedById": self.into.users[steps[-1].rep]}
        return row

    def _note_history(self, line: Line, sobject: str, parent: str, subject: Subject, batch: Batch) -> None:
        """Notes each change of the stage, as field history tracking does."""
        before = line.first
        for step in batch.lived.get(subject.key, ()):
            if step.move and line.stages[step.move] != before:
                now = line.stages[step.move]
                change = {"Field": line.stage, "OldValue": before, "NewValue": now, "DataType": "DynamicEnum"}
                self._history[sobject].append(
                    {parent: self.into.subjects[subject.key], **change, **self._stamps(step)}
                )
                before = now

    def _note_stages(self, deal: Subject, batch: Batch) -> None:
        """Notes the stages before the last, which the org notes by itself."""
        moves = [step for step in batch.lived.get(deal.key, ()) if step.move]
        times = [stamps(deal.created_at, self.into.users[deal.rep]), *map(self._stamps, moves)]
        names = [OPPORTUNITY.first, *(OPPORTUNITY.stages[step.move] for step in moves if step.move)]
        for name, made in list(zip(names, times, strict=True))[:-1]:
            row = {"OpportunityId": self.into.subjects[deal.key], "Amount": deal.amount, **self._stages[name]}
            self._history["OpportunityHistory"].append(row | made)

    @cached_property
    def _stages(self) -> dict[str, Fields]:
        """What a stage says about a deal."""
        return {
            stage["ApiName"]: {
                "StageName": stage["ApiName"],
                "Probability": stage["DefaultProbability"],
                "ForecastCategory": stage["ForecastCategoryName"],
            }
            for stage in self.org.rows("OpportunityStage")
        }

    def _members(self, batch: Batch, converted: dict[str, Step]) -> None:
        touches = [touch for touch in by_time(batch.touches) if touch.campaign in self._campaigns]
        rows = [
            {"CampaignId": self.into.campaigns[touch.campaign]}
            | self._who(touch, converted.get(touch.person))
            | fields_of.member(touch)
            | stamps(touch.at)
            for touch in touches
        ]
        ids = self.org.load("CampaignMember", rows)
        self.into.members |= dict(zip(((t.person, t.campaign) for t in touches), ids, strict=True))

    def _who(self, touch: Touch, converted: Step | None) -> Fields:
        """A member that was there before a conversion names the lead as well as the contact."""
        who: Fields = {}
        if touch.person in self.into.contacts:
            who["ContactId"] = self.into.contacts[touch.person]
        still = converted is None or converted.at is None or touch.at <= converted.at
        if still and touch.person in self.into.leads:
            who["LeadId"] = self.into.leads[touch.person]
        return who

    def _tasks(self, batch: Batch) -> None:
        deals = {s.key for s in batch.subjects if s.object is ObjectType.OPPORTUNITY}
        rows = []
        for one in batch.attempts:
            if one.rep in self._reps and one.subject in self.into.subjects:
                who = self.into.contacts.get(one.person) or self.into.leads[one.person]
                what = self.into.subjects[one.subject] if one.subject in deals else None
                rows.append(fields_of.task(one, who, what, self.into.users[one.rep]))
        self.org.load("Task", rows)

    def _stamps(self, step: Step) -> Fields:
        return {"CreatedDate": step.at, "CreatedById": self.into.users[step.rep]}

    def _merge_and_erase(self, batch: Batch) -> None:
        people = {person.key: person for person in batch.people}
        companies = {account.key: account for account in batch.accounts}
        for twin in batch.twins:
            if twin.crm is not CrmName.SALESFORCE:
                continue
            person = people[twin.person]
            is_lead = person.salesforce is Home.LEAD
            sobject = "Lead" if is_lead else "Contact"
            row: dict[str, Any] = (
                fields_of.lead(person, companies[person.account])
                if is_lead
                else fields_of.contact(person, self.into.accounts[person.account])
            )
            (made,) = self.org.load(sobject, [row | stamps(twin.created_at)])
            self.into.twins[twin.key] = made
            if twin.key in batch.merged:
                kept = (self.into.leads if is_lead else self.into.contacts)[person.key]
                self.org.merge(sobject, kept, made, at=batch.merged[twin.key])
        for key, at in batch.erased.items():
            if lead := self.into.leads.get(key):
                self.org.delete("Lead", lead, at=at)


def _of(batch: Batch, kind: ObjectType) -> Iterator[Subject]:
    """The subjects of that kind that are Salesforce's."""
    return (s for s in batch.subjects if s.crm is CrmName.SALESFORCE and s.object is kind)
