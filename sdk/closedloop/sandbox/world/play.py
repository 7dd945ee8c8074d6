"""Carries out a script, as people would: in the CRMs' own pages, one change after the other."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from closedloop.sandbox.hubspot import HubSpotSandbox, Portal
from closedloop.sandbox.salesforce import Org, SalesforceSandbox
from closedloop.sandbox.world import salesforce_records as fields_of
from closedloop.sandbox.world.fill_hubspot import merge_twin, with_options
from closedloop.sandbox.world.model import Home, Link, Move, Person, Step, Subject, Touch, Twin
from closedloop.sandbox.world.population import Population
from closedloop.sandbox.world.stages import line_of
from closedloop.schema.vocabulary import CrmName


class Playable(Protocol):
    """A script with those it is about: a `World`, or the `sequel` of a market's population."""

    @property
    def steps(self) -> Sequence[Step]:
        """What happens, in order."""

    @property
    def subject(self) -> Mapping[str, Subject]:
        """The leads and opportunities by key."""

    @property
    def person(self) -> Mapping[str, Person]:
        """The people by key."""

    @property
    def twin(self) -> Mapping[str, Twin]:
        """The second records of people by key."""


def play(
    world: Playable,
    population: Population,
    salesforce: SalesforceSandbox,
    hubspot: HubSpotSandbox,
    *,
    on_step: Callable[[int, Step], None] | None = None,
    on_day: Callable[[int], None] | None = None,
) -> None:
    """Plays every step, in order; the sandboxes tell their subscribers.

    `on_day` is called before the first step of each day, `on_step` after each step. Salesforce keeps no
    fractions of a second, so two decisions about one person are in order only when the sandboxes' clock
    moves between the days: let `on_day` see to it.
    """
    player = _Player(world=world, into=population, org=salesforce.org, portal=hubspot.portal)
    day = -1
    for place, step in enumerate(world.steps):
        if step.day != day:
            day = step.day
            if on_day:
                on_day(day)
        population.times[place] = player.org.clock()
        player.play(step)
        if on_step:
            on_step(place, step)


@dataclass(frozen=True, kw_only=True)
class _Player:
    world: Playable
    into: Population
    org: Org
    portal: Portal

    def play(self, step: Step) -> None:
        """Does what one step says."""
        if step.subject:
            self._decide(step, self.world.subject[step.subject])
        elif step.touch:
            self._touch(step.touch)
        elif step.syncs:
            self._sync(self.world.person[step.syncs])
        elif step.merges:
            self._merge(self.world.twin[step.merges])
        else:
            self._erase(self.world.person[step.erases])

    def _decide(self, step: Step, subject: Subject) -> None:
        if step.move is Move.CONVERTED:
            self._convert(step, subject)
        elif subject.crm is CrmName.SALESFORCE:
            self._update_salesforce(step, subject)
        else:
            line = line_of(subject)
            changes = with_options(self.portal, line, line.changes(step))
            record, rep = self.into.subjects[subject.key], int(self.into.users[step.rep])
            self.portal.update(line.source, record, changes, by=rep)

    def _update_salesforce(self, step: Step, subject: Subject) -> None:
        line, record = line_of(subject), self.into.subjects[subject.key]
        changes: dict[str, object] = {name: value or None for name, value in line.changes(step).items()}
        if subject.queue and self.org.get(line.source, record)["OwnerId"] == self.into.queues[subject.queue]:
            changes["OwnerId"] = self.into.users[step.rep]
        self.org.update(line.source, record, changes, by=self.into.users[step.rep])

    def _convert(self, step: Step, lead: Subject) -> None:
        opportunity = self.world.subject[step.opportunity] if step.opportunity else None
        converted = self.org.convert_lead(
            self.into.subjects[lead.key],
            opportunity=fields_of.opportunity(opportunity) if opportunity else None,
            by=self.into.users[step.rep],
        )
        (key,) = lead.people
        self.into.contacts[key] = converted.contact_id
        if opportunity and converted.opportunity_id:
            self.into.subjects[opportunity.key] = converted.opportunity_id
        if self._is_synced(self.world.person[key]):
            # HubSpot's Salesforce sync follows the lead to the contact it became.
            synced = {"salesforcecontactid": converted.contact_id}
            self.portal.update("contacts", self.into.hubspot_contacts[key], synced)

    def _is_synced(self, person: Person) -> bool:
        late = person.link is Link.LATE and person.synced_at and person.synced_at <= self.org.clock()
        return person.link is Link.ID or bool(late)

    def _touch(self, touch: Touch) -> None:
        """Makes somebody a member of a Salesforce campaign, as a contact if they are one by now."""
        contact = self.into.contacts.get(touch.person)
        who = {"ContactId": contact} if contact else {"LeadId": self.into.leads[touch.person]}
        fields = {"CampaignId": self.into.campaigns[touch.campaign], **who, **fields_of.member(touch)}
        self.into.members[touch.person, touch.campaign] = self.org.insert("CampaignMember", fields)

    def _sync(self, person: Person) -> None:
        """The CRMs' sync catches up with somebody: HubSpot learns the ids that they have by now."""
        key = person.key
        ids = {"salesforcecontactid": self.into.contacts[key]} if key in self.into.contacts else {}
        if person.salesforce is Home.LEAD:
            ids["salesforceleadid"] = self.into.leads[key]
        self.portal.update("contacts", self.into.hubspot_contacts[key], ids)

    def _merge(self, twin: Twin) -> None:
        if twin.crm is CrmName.HUBSPOT:
            merge_twin(self.portal, self.into, twin.key, twin.person)
            return
        lead = self.world.person[twin.person].salesforce is Home.LEAD
        kept = (self.into.leads if lead else self.into.contacts)[twin.person]
        self.org.merge("Lead" if lead else "Contact", kept, self.into.twins[twin.key])

    def _erase(self, person: Person) -> None:
        """Somebody asked to be forgotten."""
        if person.key in self.into.hubspot_contacts:
            self.portal.privacy_delete(self.into.hubspot_contacts[person.key])
        if person.salesforce is Home.LEAD:
            self.org.delete("Lead", self.into.leads[person.key])
