"""A script holds only what a rep can really do, and every habit and correction occurs."""

from __future__ import annotations

from collections import Counter, defaultdict
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from closedloop.sandbox.world import Habit, Move, Step, Truth, World
from closedloop.schema.vocabulary import AttributionModel, CrmName, ObjectType, Outcome, ReasonCode

SEEDS = st.integers(min_value=0, max_value=19)
CLOSED = {Move.DISQUALIFIED, Move.RECYCLED, Move.QUALIFIED, Move.WON, Move.LOST}


@pytest.fixture(scope="module")
def world() -> World:
    return World.from_seed(2)


@cache
def drawn(seed: int) -> World:
    return World.from_seed(seed, decisions=60)


def played_on(world: World) -> dict[str, list[Step]]:
    steps: dict[str, list[Step]] = defaultdict(list)
    for step in world.steps:
        if step.subject:
            steps[step.subject].append(step)
    return steps


@settings(max_examples=12, deadline=None)
@given(seed=SEEDS)
def test_nobody_updates_a_converted_lead_or_an_opportunity_that_is_not_made_yet(seed: int) -> None:
    world = drawn(seed)
    converted: set[str] = set()
    made = {subject.key for subject in world.subjects if not subject.converted_from}
    for step in world.steps:
        if step.subject:
            assert step.subject in made
            assert step.subject not in converted
        if step.move is Move.CONVERTED:
            converted.add(step.subject)
            made.add(step.opportunity or step.subject)


@settings(max_examples=12, deadline=None)
@given(seed=SEEDS)
def test_the_days_follow_each_other_and_bring_a_person_one_decision_at_most(seed: int) -> None:
    world = drawn(seed)
    assert [step.day for step in world.steps] == sorted(step.day for step in world.steps)
    seen = Counter(
        (person, step.day)
        for step in world.steps
        if step.verdict or step.reopens
        for person in world.subject[step.subject].people
    )
    assert all(count == 1 for count in seen.values())


@settings(max_examples=12, deadline=None)
@given(seed=SEEDS)
def test_only_what_is_decided_is_reopened_and_only_what_is_open_is_decided_again(seed: int) -> None:
    world = drawn(seed)
    for steps in played_on(world).values():
        closed = False
        for step in steps:
            assert not (step.reopens and not closed)
            assert not (step.move in CLOSED and closed)
            closed = (closed or step.move in CLOSED) and not step.reopens


@settings(max_examples=12, deadline=None)
@given(seed=SEEDS)
def test_touches_of_the_script_come_after_every_decision_about_the_person(seed: int) -> None:
    world = drawn(seed)
    for place, step in enumerate(world.steps):
        if step.touch:
            later = world.steps[place:]
            about = (world.subject[each.subject].people for each in later if each.subject)
            assert all(step.touch.person not in people for people in about)
            assert world.campaign[step.touch.campaign].crm is CrmName.SALESFORCE


@settings(max_examples=12, deadline=None)
@given(seed=SEEDS, model=st.sampled_from(AttributionModel))
def test_credit_and_what_nobody_gets_add_up_to_the_standing_decisions(
    seed: int, model: AttributionModel
) -> None:
    truth = Truth(world=World.from_seed(seed, decisions=80))
    credited = sum(
        campaign.credit(outcome) for campaign in truth.campaigns(model).values() for outcome in Outcome
    )
    assert credited + len(truth.unattributed(model)) == len(truth.standings)
    assert len(truth.standings) + truth.superseded == 80


@settings(max_examples=12, deadline=None)
@given(seed=SEEDS, model=st.sampled_from(AttributionModel))
def test_amounts_are_shared_out_like_the_credit(seed: int, model: AttributionModel) -> None:
    world = drawn(seed)
    truth = Truth(world=world)
    nobody = truth.unattributed(model)
    for currency in set(world.currencies.values()):
        shared = sum(c.amount(Outcome.WON, currency) for c in truth.campaigns(model).values())
        whole = sum(
            one.subject.amount or 0
            for one in truth.standings
            if one.verdict.outcome is Outcome.WON
            and one.subject.key not in nobody
            and world.currencies[one.subject.crm] == currency
        )
        assert shared == whole


def test_the_script_has_every_kind_of_decision_in_both_crms(world: World) -> None:
    kinds = {
        (world.subject[step.subject].crm, world.subject[step.subject].object, step.verdict.outcome)
        for step in world.steps
        if step.verdict
    }
    salesforce, hubspot = CrmName.SALESFORCE, CrmName.HUBSPOT
    lead, deal = ObjectType.LEAD, ObjectType.OPPORTUNITY
    assert kinds >= {
        (salesforce, lead, Outcome.ACCEPTED),
        (salesforce, lead, Outcome.RECYCLED),
        (salesforce, lead, Outcome.DISQUALIFIED),
        (salesforce, lead, Outcome.NO_ACTION),
        (salesforce, deal, Outcome.WON),
        (salesforce, deal, Outcome.LOST),
        (hubspot, lead, Outcome.ACCEPTED),
        (hubspot, lead, Outcome.DISQUALIFIED),
        (hubspot, deal, Outcome.WON),
        (hubspot, deal, Outcome.LOST),
    }


def test_the_script_reopens_corrects_converts_and_sets_stage_and_reason_apart(world: World) -> None:
    steps = world.steps
    assert any(step.reopens and step.reason is None for step in steps)
    assert any(step.reopens and step.reason == "" for step in steps)
    assert any(step.verdict and step.move is None for step in steps)
    assert any(step.move in CLOSED and not step.verdict for step in steps)
    assert any(step.move is Move.CONVERTED and not step.opportunity for step in steps)
    converted = {subject.key for subject in world.subjects if subject.converted_from}
    assert any(step.subject in converted and step.verdict for step in steps)
    assert any(world.subject[s.subject].second_pipeline for s in steps if s.subject)


def test_every_cause_of_missing_credit_occurs(world: World) -> None:
    causes = set(Truth(world=world).unattributed(AttributionModel.LAST).values())
    assert causes == {"no_person", "no_campaign", "touched_later"}


def test_blank_and_unknown_reasons_occur_and_are_known_for_what_they_are(world: World) -> None:
    verdicts = [step.verdict for step in world.steps if step.verdict]
    assert {v.raw for v in verdicts if v.reason is ReasonCode.UNSPECIFIED} == {None}
    assert any(v.reason is ReasonCode.UNMAPPED and v.raw for v in verdicts)
    assert any(v.raw and ";" in v.raw for v in verdicts)
    assert any(v.raw and v.raw.isupper() and len(v.raw) > 6 for v in verdicts)


@pytest.mark.parametrize("seed", range(2))
def test_the_planted_campaign_brings_people_without_budget(seed: int) -> None:
    world = World.from_seed(seed)
    truth = Truth(world=world)
    campaigns = dict(truth.campaigns(AttributionModel.LINEAR))
    planted = campaigns.pop(world.planted.no_budget_campaign)

    def share(rows: list[tuple[ReasonCode | None, int]]) -> float:
        told = Counter[ReasonCode | None]()
        for reason, count in rows:
            told[reason] += count
        told.pop(None, None)
        return told[ReasonCode.NO_BUDGET] / told.total()

    theirs = [(reason, row.decisions) for (_, reason), row in planted.rows.items()]
    others = [
        (reason, row.decisions) for each in campaigns.values() for (_, reason), row in each.rows.items()
    ]
    assert share(theirs) > 1.6 * share(others)


def test_the_planted_rep_blames_timing_for_most_of_what_fails() -> None:
    his, theirs = list[bool](), list[bool]()
    for world in map(World.from_seed, range(2)):
        planted = world.planted.timing_rep
        assert world.rep[planted].habit is Habit.BLAMES_TIMING
        for step in world.steps:
            if step.verdict and step.verdict.outcome not in {Outcome.WON, Outcome.ACCEPTED}:
                blamed = step.verdict.reason is ReasonCode.BAD_TIMING
                (his if step.rep == planted else theirs).append(blamed)
    assert sum(his) / len(his) > 0.7
    assert sum(theirs) / len(theirs) < 0.2
