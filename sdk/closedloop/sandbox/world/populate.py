"""Puts a world into the sandboxes, with timestamps in the past, and remembers which record became which."""

from __future__ import annotations

from datetime import datetime

from closedloop.sandbox.collecting import without_collecting
from closedloop.sandbox.hubspot import HubSpotSandbox
from closedloop.sandbox.salesforce import SalesforceSandbox
from closedloop.sandbox.world.batch import Batch, batches
from closedloop.sandbox.world.fill_hubspot import HubSpotFilling
from closedloop.sandbox.world.fill_salesforce import SalesforceFilling
from closedloop.sandbox.world.market import Market
from closedloop.sandbox.world.model import Campaign, Person, Step, Subject, Twin
from closedloop.sandbox.world.population import Population, Sequel
from closedloop.sandbox.world.scenario import World

__all__ = ["Population", "Sequel", "populate"]


def populate(world: World | Market, salesforce: SalesforceSandbox, hubspot: HubSpotSandbox) -> Population:
    """Inserts everything there was before the script starts; returns where it went.

    A market comes with its past: decided leads, won and lost deals, and the histories of how they got there.
    Its script is the population's `sequel`, to be played by `play`.
    """
    into = Population()
    into_salesforce = SalesforceFilling(org=salesforce.org, into=into, start=world.start)
    into_hubspot = HubSpotFilling(portal=hubspot.portal, into=into, start=world.start)
    later = _Later({campaign.key: campaign for campaign in world.campaigns})
    with without_collecting():
        into_salesforce.set_up(world.reps, world.campaigns, lived=isinstance(world, Market))
        into_hubspot.set_up(world.reps, world.campaigns)
        for batch in batches(world):
            into_salesforce.fill(batch)
            into_hubspot.fill(batch)
            later.add(batch)
    into.sequel = later.sequel()
    return into


class _Later:
    """Collects what the script of a market is about."""

    def __init__(self, campaigns: dict[str, Campaign]) -> None:
        self._campaigns = campaigns
        self._steps: list[Step] = []
        self._subjects: dict[str, Subject] = {}
        self._people: dict[str, Person] = {}
        self._twins: dict[str, Twin] = {}

    def add(self, batch: Batch) -> None:
        """Notes the steps of a batch that are still to come, and what they name."""
        named = {name for step in batch.later for name in (step.subject, step.opportunity)}
        self._steps += batch.later
        subjects = [s for s in (*batch.subjects, *batch.waiting) if s.key in named]
        self._subjects |= {subject.key: subject for subject in subjects}
        merged = {step.merges for step in batch.later}
        twins = [twin for twin in batch.twins if twin.key in merged]
        self._twins |= {twin.key: twin for twin in twins}
        people = {key for subject in subjects for key in subject.people} | {twin.person for twin in twins}
        people |= {step.syncs or step.erases for step in batch.later}
        people |= {step.touch.person for step in batch.later if step.touch}
        self._people |= {person.key: person for person in batch.people if person.key in people}

    def sequel(self) -> Sequel:
        """Everything collected."""
        return Sequel(
            steps=tuple(sorted(self._steps, key=_when)),
            subject=self._subjects,
            person=self._people,
            twin=self._twins,
            campaign=self._campaigns,
        )


def _when(step: Step) -> datetime:
    if step.at is None:
        raise ValueError("a step of a market's script needs its time")
    return step.at
