"""A world in the sandboxes: everything gets in, and the records end where the script leaves them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime

import pytest

from closedloop.sandbox.hubspot import HubSpotSandbox
from closedloop.sandbox.salesforce import SalesforceSandbox
from closedloop.sandbox.world import Home, Link, Move, Step, World
from closedloop.sandbox.world.play import play
from closedloop.sandbox.world.populate import Population, populate
from closedloop.sandbox.world.stages import line_of
from closedloop.schema.vocabulary import CrmName


@dataclass(kw_only=True)
class Played:
    """A world that was played, with a clock that stands still at the beginning of each day."""

    world: World
    now: datetime
    salesforce: SalesforceSandbox
    hubspot: HubSpotSandbox
    population: Population
    steps: list[tuple[int, Step]]
    days: list[int]


@pytest.fixture(scope="module")
def played() -> Iterator[Played]:
    world = World.from_seed(3, decisions=150)
    now = world.start
    with SalesforceSandbox(clock=lambda: now) as salesforce, HubSpotSandbox(clock=lambda: now) as hubspot:
        population = populate(world, salesforce, hubspot)
        steps, days = list[tuple[int, Step]](), list[int]()

        def begin(day: int) -> None:
            nonlocal now
            days.append(day)
            now = world.days[day]

        play(
            world,
            population,
            salesforce,
            hubspot,
            on_step=lambda place, step: steps.append((place, step)),
            on_day=begin,
        )
        yield Played(
            world=world,
            now=now,
            salesforce=salesforce,
            hubspot=hubspot,
            population=population,
            steps=steps,
            days=days,
        )


def test_every_step_is_played_and_every_day_begun_once(played: Played) -> None:
    assert played.steps == list(enumerate(played.world.steps))
    assert played.days == sorted({step.day for step in played.world.steps})


def test_the_time_of_a_step_is_kept(played: Played) -> None:
    expected = {place: played.world.days[step.day] for place, step in enumerate(played.world.steps)}
    assert played.population.times == expected


def test_members_join_when_the_touch_was(played: Played) -> None:
    org, population = played.salesforce.org, played.population
    for touch in played.world.touches:
        if played.world.campaign[touch.campaign].crm is CrmName.SALESFORCE:
            member = org.get("CampaignMember", population.members[touch.person, touch.campaign])
            assert member["CreatedDate"] == touch.at
            assert member["HasResponded"] is touch.responded


def test_every_record_stands_where_the_script_left_it(played: Played) -> None:
    last = {step.subject: step.move for step in played.world.steps if step.move}
    for key, move in last.items():
        subject = played.world.subject[key]
        line, record = line_of(subject), played.population.subjects[key]
        if subject.crm is CrmName.SALESFORCE:
            assert played.salesforce.org.get(line.source, record)[line.stage] == line.stages[move]
        else:
            values = played.hubspot.portal.get(line.source, record)["properties"]
            assert values[line.stage] == line.stages[move]
            assert values[{"leads": "hs_pipeline", "deals": "pipeline"}[line.source]] == line.pipeline


def test_every_standing_reason_stands_in_its_field(played: Played) -> None:
    org = played.salesforce.org
    checked = 0
    final = {step.subject: step for step in played.world.steps if step.verdict or step.reopens}
    for key, step in final.items():
        subject = played.world.subject[key]
        if step.verdict and step.verdict.reason and subject.crm is CrmName.SALESFORCE:
            line = line_of(subject)
            (field,) = line.reason_fields(step.about)
            assert org.get(line.source, played.population.subjects[key])[field] == step.verdict.raw
            checked += 1
    assert checked > 30


def test_an_opportunity_of_a_conversion_names_the_campaign_that_the_world_expects(played: Played) -> None:
    converted = [subject for subject in played.world.subjects if subject.converted_from]
    made = [subject for subject in converted if subject.key in played.population.subjects]
    assert made
    for subject in made:
        record = played.salesforce.org.get("Opportunity", played.population.subjects[subject.key])
        expected = played.population.campaigns[subject.primary] if subject.primary else None
        assert record["CampaignId"] == expected
        assert record["Amount"] == subject.amount


def test_people_in_both_crms_are_linked_as_the_world_says(played: Played) -> None:
    converted = {step.subject for step in played.world.steps if step.move is Move.CONVERTED}
    for person in played.world.people:
        if not person.hubspot:
            continue
        contact = played.population.hubspot_contacts[person.key]
        values = played.hubspot.portal.get("contacts", contact)["properties"]
        by_id = person.link is Link.ID
        lead = played.population.leads.get(person.key) if by_id else None
        is_contact = person.salesforce is Home.CONTACT or f"salesforce-lead-{person.key}" in converted
        assert values.get("salesforceleadid") == lead
        assert values.get("salesforcecontactid") == (
            played.population.contacts[person.key] if by_id and is_contact else None
        )


@pytest.mark.parametrize("seed", [101, 102])
def test_a_script_runs_on_a_clock_that_nobody_moves(seed: int) -> None:
    world = World.from_seed(seed, decisions=40)
    salesforce, hubspot = SalesforceSandbox(), HubSpotSandbox()
    with closing(_Stopping(salesforce)), closing(_Stopping(hubspot)):
        play(world, populate(world, salesforce, hubspot), salesforce, hubspot)
    assert len(salesforce.org.rows("CampaignMember")) > 20


@dataclass(frozen=True)
class _Stopping:
    """Frees the port of a sandbox that was never started."""

    sandbox: SalesforceSandbox | HubSpotSandbox

    def close(self) -> None:
        self.sandbox.stop()
