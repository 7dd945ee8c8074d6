"""The truth, against cases worked out by hand and against the library's own attribution."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from closedloop.loop.attribution import CampaignKey, attribute
from closedloop.loop.attribution import Touch as LoopTouch
from closedloop.sandbox.world import Home, Move, Step, Subject, Touch, Truth, Verdict, World
from closedloop.schema.vocabulary import AttributionModel, CrmName, ObjectType, Outcome, ReasonCode

PRIMARY, FIRST, LAST, LINEAR = AttributionModel
NO_BUDGET = Verdict(outcome=Outcome.DISQUALIFIED, reason=ReasonCode.NO_BUDGET, raw="No budget")
TOO_EARLY = Verdict(outcome=Outcome.DISQUALIFIED, reason=ReasonCode.BAD_TIMING, raw="too early")
WON = Verdict(outcome=Outcome.WON, reason=ReasonCode.WON_FIT, raw="Fit")


class Stage:
    """A drawn world emptied of its touches, subjects and steps, to be filled by hand."""

    def __init__(self) -> None:
        self.world = World.from_seed(11, decisions=20)
        self.people = [person.key for person in self.world.people if person.salesforce is Home.CONTACT]
        self.campaigns = [
            campaign.key for campaign in self.world.campaigns if campaign.crm is CrmName.SALESFORCE
        ]

    def touch(self, person: int, campaign: int, days_before: int) -> Touch:
        at = self.world.start - timedelta(days=days_before)
        return Touch(person=self.people[person], campaign=self.campaigns[campaign], at=at)

    def deal(
        self, *people: int, primary: int | None = None, amount: str | None = None, key: str = "deal"
    ) -> Subject:
        return Subject(
            key=key,
            crm=CrmName.SALESFORCE,
            object=ObjectType.OPPORTUNITY,
            name="Deal",
            people=tuple(self.people[person] for person in people),
            rep="rep-1",
            created_at=self.world.start,
            amount=Decimal(amount) if amount else None,
            primary=None if primary is None else self.campaigns[primary],
        )

    def truth(self, subjects: list[Subject], touches: list[Touch], *steps: Step) -> Truth:
        return Truth(
            world=replace(self.world, subjects=tuple(subjects), touches=tuple(touches), steps=tuple(steps))
        )


def lost(subject: str = "deal", verdict: Verdict = NO_BUDGET) -> Step:
    return Step(day=0, subject=subject, rep="rep-1", move=Move.LOST, verdict=verdict)


@pytest.fixture
def stage() -> Stage:
    return Stage()


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        (PRIMARY, {2: "1"}),
        (FIRST, {0: "1"}),
        (LAST, {2: "1"}),
        (LINEAR, {0: "0.333334", 1: "0.333333", 2: "0.333333"}),
    ],
)
def test_each_model_shares_a_decision_as_it_should(
    stage: Stage, model: AttributionModel, expected: dict[int, str]
) -> None:
    touches = [stage.touch(0, 1, 50), stage.touch(0, 0, 90), stage.touch(0, 2, 10)]
    truth = stage.truth([stage.deal(0)], touches, lost())
    shares = {share.campaign: share.credit for share in truth.shares(truth.standings[0], model)}
    assert shares == {stage.campaigns[place]: Decimal(share) for place, share in expected.items()}


def test_the_primary_campaign_gets_everything_even_when_it_touched_nobody(stage: Stage) -> None:
    truth = stage.truth([stage.deal(0, primary=3)], [stage.touch(0, 1, 50)], lost())
    assert truth.campaigns(PRIMARY)[stage.campaigns[3]].credit(Outcome.DISQUALIFIED) == 1
    assert truth.campaigns(LAST)[stage.campaigns[1]].credit(Outcome.DISQUALIFIED) == 1


def test_a_campaign_that_reached_two_people_of_a_deal_gets_two_parts(stage: Stage) -> None:
    touches = [stage.touch(0, 0, 50), stage.touch(1, 0, 40), stage.touch(1, 1, 30)]
    truth = stage.truth([stage.deal(0, 1, amount="3000")], touches, lost(verdict=WON))
    campaign = truth.campaigns(LINEAR)[stage.campaigns[0]]
    assert campaign.credit(Outcome.WON) == Decimal("0.666667")
    assert campaign.amount(Outcome.WON, "EUR") == Decimal("2000.001")


def test_a_reopened_decision_leaves_nothing(stage: Stage) -> None:
    reopened = Step(day=1, subject="deal", rep="rep-1", move=Move.WORKING, reopens=True)
    truth = stage.truth([stage.deal(0)], [stage.touch(0, 0, 50)], lost(), reopened)
    assert truth.standings == ()
    assert truth.superseded == 1
    assert truth.people == {}
    assert not any(campaign.rows for campaign in truth.campaigns(LAST).values())


def test_a_corrected_reason_replaces_the_first_and_keeps_the_time_of_the_stage(stage: Stage) -> None:
    corrected = Step(day=1, subject="deal", rep="rep-1", reason="too early", verdict=TOO_EARLY)
    truth = stage.truth([stage.deal(0)], [], lost(), corrected)
    (standing,) = truth.standings
    assert (standing.verdict, standing.step, standing.decided) == (TOO_EARLY, 1, 0)


def test_the_last_decision_about_a_person_is_what_they_show(stage: Stage) -> None:
    deals = [stage.deal(0, 1, key="one"), stage.deal(1, key="two")]
    truth = stage.truth(deals, [], lost("two", WON), lost("one"))
    assert truth.people[stage.people[0]].subject.key == "one"
    assert truth.people[stage.people[1]].subject.key == "one"


def test_a_touch_after_the_decision_earns_nothing_and_is_told_as_the_cause(stage: Stage) -> None:
    touch = stage.touch(0, 0, -9)
    later = Step(day=4, touch=touch)
    truth = stage.truth([stage.deal(0)], [], lost(), later)
    assert truth.unattributed(LAST) == {"deal": "touched_later"}
    row = truth.campaigns(LAST)[stage.campaigns[0]].rows[Outcome.DISQUALIFIED, ReasonCode.NO_BUDGET]
    assert row.credit == 0
    assert row.decisions == 1


@pytest.mark.parametrize(("people", "cause"), [((), "no_person"), ((0,), "no_campaign")])
def test_a_decision_without_credit_says_why(stage: Stage, people: tuple[int, ...], cause: str) -> None:
    truth = stage.truth([stage.deal(*people)], [], lost())
    assert truth.unattributed(FIRST) == {"deal": cause}


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(min_value=0, max_value=10**9), model=st.sampled_from(AttributionModel))
def test_the_librarys_own_attribution_comes_to_the_same_shares(seed: int, model: AttributionModel) -> None:
    """Two implementations, written apart: one knows what the CRMs know, the other the world."""
    world = World.from_seed(seed, decisions=60)
    truth = Truth(world=world)
    for standing in truth.standings:
        primary = standing.subject.primary
        touches = [touch for person in standing.subject.people for touch in known_touches(world, person)]
        credits_ = attribute(
            touches,
            model,
            decided_at=world.days[world.steps[standing.decided].day],
            primary=CampaignKey("crm", primary) if primary else None,
            people=len(standing.subject.people),
        )
        expected = {share.campaign or share.cause: share.credit for share in truth.shares(standing, model)}
        assert {c.campaign.id if c.campaign else c.cause: c.share for c in credits_} == expected


def known_touches(world: World, person: str) -> list[LoopTouch]:
    """The touches of a person as the CRMs tell them: HubSpot times the first and the last only."""
    mine = [touch for touch in world.touches if touch.person == person]
    in_hubspot = sorted(t.at for t in mine if world.campaign[t.campaign].crm is CrmName.HUBSPOT)
    silent = set(in_hubspot[1:-1])
    later = [step.touch for step in world.steps if step.touch and step.touch.person == person]
    return [
        LoopTouch(campaign=CampaignKey("crm", touch.campaign), person=person, at=told(touch.at, silent))
        for touch in (*mine, *later)
    ]


def told(at: datetime, silent: set[datetime]) -> datetime | None:
    return None if at in silent else at
