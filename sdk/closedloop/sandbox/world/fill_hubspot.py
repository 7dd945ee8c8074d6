"""Puts a world into HubSpot: the records as they stand when the script begins, and how they got there."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from closedloop.sandbox.hubspot import Past, Portal
from closedloop.sandbox.world import hubspot_records as properties_of
from closedloop.sandbox.world.batch import Batch, by_time
from closedloop.sandbox.world.hubspot_records import Properties
from closedloop.sandbox.world.model import Campaign, Home, Link, Person, Rep, Step, Subject
from closedloop.sandbox.world.population import Population
from closedloop.sandbox.world.stages import HUBSPOT_LEAD, HUBSPOT_STATUS, Line, line_of
from closedloop.schema.vocabulary import CrmName, ObjectType

_Changes = list[tuple[datetime, int | None, Properties]]


@dataclass(kw_only=True)
class HubSpotFilling:
    """Fills a portal, batch by batch, with the ids that its Salesforce sync would have written: what
    belongs into Salesforce has to be there."""

    portal: Portal
    into: Population
    start: datetime
    _owners: dict[str, str] = field(default_factory=dict)
    _campaigns: set[str] = field(default_factory=set)

    def set_up(self, reps: Sequence[Rep], campaigns: Sequence[Campaign]) -> None:
        """Makes what is there before the first company: people in sales, and campaigns."""
        long_ago = self.start - timedelta(days=920)
        for rep in reps:
            if rep.crm is CrmName.HUBSPOT:
                owner = self.portal.create_owner(rep.email, rep.first_name, rep.last_name)
                self._owners[rep.key] = owner
                self.into.users[rep.key] = str(self.portal.user_id(owner))
        for campaign in campaigns:
            if campaign.crm is CrmName.HUBSPOT:
                made = self.portal.create_campaign(properties_of.campaign(campaign), at=long_ago)
                self.into.campaigns[campaign.key] = made
                self._campaigns.add(campaign.key)

    def fill(self, batch: Batch) -> None:
        """Puts a batch in, in the order in which records name each other."""
        self._companies(batch)
        self._contacts(batch)
        for touch in by_time(batch.touches):
            if touch.campaign in self._campaigns:
                contact = self.into.hubspot_contacts[touch.person]
                self.portal.touch(self.into.campaigns[touch.campaign], contact, touch.at)
        mine = [subject for subject in batch.subjects if subject.crm is CrmName.HUBSPOT]
        for subject in mine:
            if subject.object is ObjectType.CONTACT:
                self.into.subjects[subject.key] = self.into.hubspot_contacts[subject.people[0]]
        for kind, name in ((ObjectType.LEAD, "leads"), (ObjectType.OPPORTUNITY, "deals")):
            chosen = [subject for subject in mine if subject.object is kind]
            ids = self.portal.load(name, [self._subject(subject, batch) for subject in chosen])
            self.into.subjects |= dict(zip((subject.key for subject in chosen), ids, strict=True))
        self._engagements(batch)
        self._merge_and_erase(batch)

    def _companies(self, batch: Batch) -> None:
        made = self.start - timedelta(days=920)
        rows = [
            Past(properties=properties_of.company(account, self.into.accounts[account.key]), at=made)
            for account in batch.accounts
        ]
        ids = self.portal.load("companies", rows)
        self.into.companies |= dict(zip((account.key for account in batch.accounts), ids, strict=True))

    def _contacts(self, batch: Batch) -> None:
        accounts = {account.key: account for account in batch.accounts}
        people = [person for person in batch.people if person.hubspot]
        statuses = {s.people[0]: s for s in batch.subjects if s.object is ObjectType.CONTACT}
        rows = []
        for person in people:
            changes = list(self._synced(person, batch))
            if person.key in statuses:
                changes += self._lived(HUBSPOT_STATUS, batch.lived.get(statuses[person.key].key, ()))
            known = properties_of.contact(person, accounts[person.account])
            if person.link is Link.ID:
                known |= self._first_id(person)
            company = ("companies", self.into.companies[person.account])
            rows.append(Past(properties=known, at=person.created_at, associations=[company], changes=changes))
        ids = self.portal.load("contacts", rows)
        self.into.hubspot_contacts |= dict(zip((person.key for person in people), ids, strict=True))

    def _first_id(self, person: Person) -> Properties:
        if person.salesforce is Home.LEAD:
            return {"salesforceleadid": self.into.leads[person.key]}
        return {"salesforcecontactid": self.into.contacts[person.key]}

    def _synced(self, person: Person, batch: Batch) -> Iterator[tuple[datetime, int | None, Properties]]:
        """What the sync wrote after the contact was made: the ids, if it came late, and the id of the
        contact that the lead became."""
        known = person.link is Link.ID
        if person.link is Link.LATE and person.synced_at and person.synced_at < self.start:
            known = True
            yield person.synced_at, None, self._first_id(person)
        step = batch.converted(f"{CrmName.SALESFORCE}-lead-{person.key}")
        if known and step and step.at:
            at = max(step.at, person.synced_at or step.at)
            yield at, None, {"salesforcecontactid": self.into.contacts[person.key]}

    def _subject(self, subject: Subject, batch: Batch) -> Past:
        properties = properties_of.subject(subject, self._owners[subject.rep])
        if subject.currency not in {"", self.portal.currency}:
            properties["deal_currency_code"] = subject.currency
        to = [("contacts", self.into.hubspot_contacts[key]) for key in subject.people]
        if not to:
            to = [("companies", self.into.companies[subject.account])]
        if subject.primary:
            to.append(("campaigns", self.into.campaigns[subject.primary]))
        return Past(
            properties=properties,
            at=subject.created_at,
            by=int(self.into.users[subject.rep]),
            associations=to,
            changes=self._lived(line_of(subject), batch.lived.get(subject.key, ())),
        )

    def _lived(self, line: Line, steps: Sequence[Step]) -> _Changes:
        return [
            (step.at, int(self.into.users[step.rep]), with_options(self.portal, line, line.changes(step)))
            for step in steps
            if step.at
        ]

    def _engagements(self, batch: Batch) -> None:
        deals = {subject.key for subject in batch.subjects if subject.object is ObjectType.OPPORTUNITY}
        rows: dict[str, list[Past]] = defaultdict(list)
        for one in batch.attempts:
            if one.rep in self._owners and one.subject in self.into.subjects:
                kind, properties = properties_of.engagement(one, self._owners[one.rep])
                to = [("contacts", self.into.hubspot_contacts[one.person])]
                if one.subject in deals:
                    to.append(("deals", self.into.subjects[one.subject]))
                by = int(self.into.users[one.rep])
                rows[kind].append(Past(properties=properties, at=one.at, by=by, associations=to))
        for kind, pasts in rows.items():
            self.portal.load(kind, pasts)

    def _merge_and_erase(self, batch: Batch) -> None:
        people = {person.key: person for person in batch.people}
        accounts = {account.key: account for account in batch.accounts}
        for twin in batch.twins:
            if twin.crm is CrmName.HUBSPOT:
                person = people[twin.person]
                copied = properties_of.contact(person, accounts[person.account]) | {"email": twin.email}
                (made,) = self.portal.load("contacts", [Past(properties=copied, at=twin.created_at)])
                self.into.twins[twin.key] = made
                if twin.key in batch.merged:
                    merge_twin(self.portal, self.into, twin.key, twin.person, batch.merged[twin.key])
        for key, at in batch.erased.items():
            if contact := self.into.hubspot_contacts.get(key):
                self.portal.privacy_delete(contact, at=at)


def merge_twin(portal: Portal, into: Population, twin: str, person: str, at: datetime | None = None) -> None:
    """Merges the second contact of a person into the first; what is left may have a new id."""
    kept = portal.merge("contacts", into.hubspot_contacts[person], into.twins[twin], at=at)
    into.hubspot_contacts[person] = kept


def with_options(portal: Portal, line: Line, changes: Properties) -> Properties:
    """The changes with the value, instead of the label, of what is picked from HubSpot's list."""
    label = changes.get(line.lost_reason)
    if line is not HUBSPOT_LEAD or not label:
        return changes
    options = portal.catalogue.get(portal.kinds.get(line.source), line.lost_reason).options
    value = next(option.value for option in options if option.label == label)
    return changes | {line.lost_reason: value}
