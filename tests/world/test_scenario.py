"""A world whose decisions all lie in its script is the same for the same seed, and believable."""

from __future__ import annotations

import hashlib
from collections import Counter
from datetime import datetime, timedelta

import pytest

from closedloop.sandbox.world import START, Home, Link, World
from closedloop.schema.vocabulary import CrmName


@pytest.fixture(scope="module")
def world() -> World:
    return World.from_seed(1)


def test_the_same_seed_gives_the_same_world_to_the_last_letter() -> None:
    assert World.from_seed(3, decisions=80) == World.from_seed(3, decisions=80)


def test_a_known_seed_still_gives_the_world_it_always_gave() -> None:
    """On every Python, whatever its string hashing: nothing in a world depends on the order of a set."""
    world = World.from_seed(7, decisions=50)
    told = repr((world.people, world.campaigns, world.touches, world.subjects, world.steps))
    assert hashlib.sha256(told.encode()).hexdigest()[:16] == "b6d8d8bffe0f1768"


def test_different_seeds_give_different_scripts() -> None:
    scripts = {World.from_seed(seed, decisions=30).steps for seed in range(8)}
    assert len(scripts) == 8


@pytest.mark.parametrize("decisions", [1, 2, 60])
def test_a_world_makes_exactly_the_decisions_asked_for(decisions: int) -> None:
    assert World.from_seed(5, decisions=decisions).decisions == decisions


@pytest.mark.parametrize(
    ("decisions", "start"),
    [(0, START), (-3, START), (5, START.replace(tzinfo=None))],
)
def test_a_world_without_decisions_or_without_a_time_zone_is_refused(decisions: int, start: datetime) -> None:
    with pytest.raises(ValueError, match="at least one decision"):
        World.from_seed(1, decisions=decisions, start=start)


def test_everything_before_the_script_happened_in_the_two_and_a_half_years_before_it(world: World) -> None:
    times = [
        *(touch.at for touch in world.touches),
        *(person.created_at for person in world.people),
        *(subject.created_at for subject in world.subjects),
    ]
    assert max(times) < world.start
    assert min(times) > world.start - timedelta(days=920)


def test_people_are_created_before_anything_touches_them(world: World) -> None:
    assert all(world.person[touch.person].created_at < touch.at for touch in world.touches)


def test_no_two_colleagues_are_touched_at_the_same_second(world: World) -> None:
    times = [(world.person[touch.person].account, touch.at) for touch in world.touches]
    assert len(set(times)) == len(times)


def test_a_person_is_in_a_campaign_at_most_once(world: World) -> None:
    pairs = [(touch.person, touch.campaign) for touch in world.touches]
    pairs += [(step.touch.person, step.touch.campaign) for step in world.steps if step.touch]
    assert len(set(pairs)) == len(pairs)


def test_campaigns_reach_only_people_that_their_own_crm_knows(world: World) -> None:
    for touch in world.touches:
        person = world.person[touch.person]
        in_hubspot = world.campaign[touch.campaign].crm is CrmName.HUBSPOT
        assert person.hubspot if in_hubspot else person.salesforce


def test_hubspot_reaches_nobody_through_more_than_three_campaigns(world: World) -> None:
    """It keeps the time of the first and the last touch only."""
    mine = [touch for touch in world.touches if world.campaign[touch.campaign].crm is CrmName.HUBSPOT]
    assert max(Counter(touch.person for touch in mine).values()) == 3


def test_no_two_people_share_an_address_in_any_letter_case(world: World) -> None:
    addresses = [person.email.casefold() for person in world.people]
    assert len(set(addresses)) == len(addresses)
    assert all(person.email.casefold() == person.hubspot_email.casefold() for person in world.people)


def test_every_way_of_being_in_the_crms_occurs(world: World) -> None:
    places = Counter((person.salesforce, person.hubspot, person.link) for person in world.people)
    assert set(places) == {
        (Home.LEAD, True, Link.ID),
        (Home.LEAD, True, Link.EMAIL),
        (Home.LEAD, False, None),
        (Home.CONTACT, True, Link.ID),
        (Home.CONTACT, True, Link.EMAIL),
        (Home.CONTACT, False, None),
        (None, True, None),
    }
    cases = [p for p in world.people if p.link is Link.EMAIL and p.email != p.hubspot_email]
    assert cases


def test_both_ways_of_writing_back_to_hubspot_are_drawn() -> None:
    drawn = {World.from_seed(seed, decisions=1).campaign_properties_allowed for seed in range(12)}
    assert drawn == {True, False}


def test_planned_campaigns_have_nobody_in_them(world: World) -> None:
    planned = {campaign.key for campaign in world.campaigns if campaign.planned}
    assert len(planned) == 2
    assert planned.isdisjoint(touch.campaign for touch in world.touches)
