"""Carries out the script, as the reps would: in the CRMs' own pages, one change after the other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from closedloop.sandbox.hubspot import HubSpotSandbox
from closedloop.sandbox.hubspot.kinds import LEADS
from closedloop.sandbox.hubspot.portal import Portal
from closedloop.sandbox.salesforce import SalesforceSandbox
from closedloop.sandbox.salesforce.org import Org
from closedloop.sandbox.world.market import World
from closedloop.sandbox.world.model import Link, Move, Step, Subject
from closedloop.sandbox.world.populate import Population, add_member, opportunity_fields
from closedloop.sandbox.world.stages import Line, line_of
from closedloop.schema.vocabulary import CrmName


def play(
    world: World,
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
    world: World
    into: Population
    org: Org
    portal: Portal

    def play(self, step: Step) -> None:
        """Does what one step says."""
        if step.touch:
            add_member(self.org, self.into, step.touch)
            return
        subject = self.world.subject[step.subject]
        if step.move is Move.CONVERTED:
            self._convert(step, subject)
        elif subject.crm is CrmName.SALESFORCE:
            line = line_of(subject)
            changes = {name: value or None for name, value in _changes(step, line).items()}
            record = self.into.subjects[subject.key]
            self.org.update(line.source, record, changes, by=self.into.users[step.rep])
        else:
            self._update_hubspot(step, subject)

    def _convert(self, step: Step, lead: Subject) -> None:
        opportunity = self.world.subject[step.opportunity] if step.opportunity else None
        converted = self.org.convert_lead(
            self.into.subjects[lead.key],
            opportunity=opportunity_fields(opportunity) if opportunity else None,
            by=self.into.users[step.rep],
        )
        (key,) = lead.people
        self.into.contacts[key] = converted.contact_id
        if opportunity and converted.opportunity_id:
            self.into.subjects[opportunity.key] = converted.opportunity_id
        if self.world.person[key].link is Link.ID:
            # HubSpot's Salesforce sync follows the lead to the contact it became.
            synced = {"salesforcecontactid": converted.contact_id}
            self.portal.update("contacts", self.into.hubspot_contacts[key], synced)

    def _update_hubspot(self, step: Step, subject: Subject) -> None:
        line = line_of(subject)
        changes = _changes(step, line)
        if line.source == LEADS.name and changes.get(line.lost_reason):
            changes[line.lost_reason] = self._option(line.lost_reason, changes[line.lost_reason])
        record, rep = self.into.subjects[subject.key], int(self.into.users[step.rep])
        self.portal.update(line.source, record, changes, by=rep)

    def _option(self, name: str, label: str) -> str:
        """The value behind a label of HubSpot's list."""
        options = self.portal.catalogue.get(LEADS, name).options
        return next(option.value for option in options if option.label == label)


def _changes(step: Step, line: Line) -> dict[str, str]:
    """The fields that the step writes, "" where it clears one."""
    changes = {line.stage: line.stages[step.move]} if step.move else {}
    if step.reason is not None:
        changes |= dict.fromkeys(line.reason_fields(step.about), step.reason)
    if step.note is not None and line.note:
        changes[line.note] = step.note
    return changes
