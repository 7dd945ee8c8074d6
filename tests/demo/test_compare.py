"""The comparison finds nothing where the records tell the truth, and everything that they tell wrong."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from closedloop.sandbox.world import Campaign, CampaignTruth, Truth, World
from closedloop.sandbox.world.populate import Population
from closedloop.sandbox.world.stages import line_of
from closedloop.schema.vocabulary import (
    DECIDED,
    OUTCOME_LABELS,
    REASONS,
    AttributionModel,
    CrmName,
    Outcome,
    ReasonCode,
)
from closedloop_server.demo.compare import Comparison
from closedloop_server.demo.result import Books, balance
from closedloop_server.demo.shown import CampaignShown, PersonShown, ReadBack, RowShown

MODEL = AttributionModel.LINEAR


@pytest.fixture(scope="module")
def comparison() -> Comparison:
    """A world whose records have the world's own keys for ids."""
    world = World.from_seed(4, decisions=120)
    population = Population(
        campaigns={campaign.key: campaign.key for campaign in world.campaigns},
        hubspot_contacts={person.key: person.key for person in world.people if person.hubspot},
        members={
            (touch.person, touch.campaign): f"{touch.person}/{touch.campaign}"
            for touch in world.touches
            if world.campaign[touch.campaign].crm is CrmName.SALESFORCE
        },
        times={place: world.days[step.day] for place, step in enumerate(world.steps)},
    )
    return Comparison(truth=Truth(world=world), population=population, model=MODEL)


@pytest.fixture
def honest(comparison: Comparison) -> ReadBack:
    """What CRMs would say that tell the truth and nothing else."""
    population = comparison.population
    truths = comparison.truth.campaigns(MODEL)
    return ReadBack(
        campaigns=tuple(
            honest_campaign(comparison, campaign, truths[campaign.key])
            for campaign in comparison.truth.world.campaigns
        ),
        members={member: honest_person(comparison, key) for (key, _), member in population.members.items()},
        contacts={
            contact: honest_person(comparison, key) for key, contact in population.hubspot_contacts.items()
        },
    )


def honest_campaign(comparison: Comparison, campaign: Campaign, truth: CampaignTruth) -> CampaignShown:
    world = comparison.truth.world
    in_salesforce = campaign.crm is CrmName.SALESFORCE
    reasons = sorted(
        (
            (f"{OUTCOME_LABELS[outcome]}, {REASONS[reason].label}", row.credit)
            for (outcome, reason), row in truth.rows.items()
            if reason and row.credit
        ),
        key=lambda pair: -pair[1],
    )
    rows = {
        (OUTCOME_LABELS[outcome], label(reason)): RowShown(
            credit=row.credit,
            decisions=row.decisions,
            amount=round(row.amounts.get("EUR", Decimal(0)), 2),
            model=MODEL.value,
        )
        for (outcome, reason), row in truth.rows.items()
    }
    return CampaignShown(
        crm=campaign.crm,
        id=campaign.key,
        name=campaign.name,
        credits={outcome: truth.credit(outcome) for outcome in DECIDED},
        reasons=tuple(reasons),
        amounts={
            (outcome, currency): round(truth.amount(outcome, currency), 2)
            for outcome in (Outcome.WON, Outcome.LOST)
            for currency in world.currencies.values()
        },
        last_decision_at=None if truth.last is None else comparison.population.times[truth.last],
        model=MODEL.value if truth.rows else "",
        rows=rows if in_salesforce else None,
        own_notes=None if in_salesforce else campaign.notes,
    )


def honest_person(comparison: Comparison, key: str) -> PersonShown:
    standing = comparison.truth.people.get(key)
    if standing is None:
        return PersonShown()
    return PersonShown(
        outcome=OUTCOME_LABELS[standing.verdict.outcome],
        reason=label(standing.verdict.reason),
        raw_reason=standing.verdict.raw or "",
        note=standing.verdict.note or "",
        stage=line_of(standing.subject).label(standing.move),
        decided_by=comparison.truth.world.rep[standing.subject.rep].name,
        decided_at=comparison.population.times[standing.decided],
    )


def label(reason: ReasonCode | None) -> str:
    return REASONS[reason].label if reason else ""


def with_campaign(read: ReadBack, crm: CrmName, **changes: Any) -> ReadBack:
    """One campaign with decisions, of a CRM, told otherwise."""
    chosen = next(each for each in read.campaigns if each.crm is crm and each.reasons)
    told = tuple(replace(each, **changes) if each is chosen else each for each in read.campaigns)
    return replace(read, campaigns=told)


def test_honest_records_have_no_mismatches(comparison: Comparison, honest: ReadBack) -> None:
    assert comparison.mismatches(honest) == ()


@pytest.mark.parametrize(
    ("crm", "changes", "what"),
    [
        (CrmName.SALESFORCE, {"credits": dict.fromkeys(DECIDED, Decimal(99))}, "Accepted"),
        (CrmName.HUBSPOT, {"reasons": ()}, "reasons"),
        (
            CrmName.HUBSPOT,
            {"amounts": dict.fromkeys([(Outcome.WON, "EUR")], Decimal(-5))},
            "won amount in EUR",
        ),
        (CrmName.HUBSPOT, {"own_notes": "somebody else's words"}, "the marketer's own notes"),
        (CrmName.SALESFORCE, {"last_decision_at": None}, "last decision"),
        (CrmName.SALESFORCE, {"model": "first"}, "model"),
        (CrmName.HUBSPOT, {"name": "Renamed"}, "name"),
        (CrmName.HUBSPOT, {"id": "elsewhere"}, "record"),
    ],
)
def test_what_a_campaign_tells_wrong_is_found(
    comparison: Comparison, honest: ReadBack, crm: CrmName, changes: dict[str, Any], what: str
) -> None:
    found = comparison.mismatches(with_campaign(honest, crm, **changes))
    assert what in {mismatch.what for mismatch in found}


def test_reasons_in_another_order_than_the_heaviest_first_are_found(
    comparison: Comparison, honest: ReadBack
) -> None:
    chosen = next(each for each in honest.campaigns if len({credit for _, credit in each.reasons}) > 1)
    turned = replace(chosen, reasons=chosen.reasons[::-1])
    told = replace(honest, campaigns=tuple(turned if each is chosen else each for each in honest.campaigns))
    assert [mismatch.what for mismatch in comparison.mismatches(told)] == ["order of the reasons"]


def test_a_row_too_many_too_few_or_with_another_count_is_found(
    comparison: Comparison, honest: ReadBack
) -> None:
    chosen = next(each for each in honest.campaigns if each.rows and each.crm is CrmName.SALESFORCE)
    rows = dict(chosen.rows or {})
    key, row = rows.popitem()
    stray = RowShown(credit=Decimal(1), decisions=0, amount=Decimal(0), model="")
    for changed in (
        {**rows},
        {**rows, key: replace(row, decisions=row.decisions + 1)},
        {**rows, key: row, ("Won", "Odd"): stray},
    ):
        told = replace(chosen, rows=changed)
        read = replace(honest, campaigns=tuple(told if each is chosen else each for each in honest.campaigns))
        assert len(comparison.mismatches(read)) == 1


def test_a_row_that_fell_to_nought_may_stay(comparison: Comparison, honest: ReadBack) -> None:
    chosen = next(each for each in honest.campaigns if each.rows)
    empty = RowShown(credit=Decimal(0), decisions=0, amount=Decimal(0), model=MODEL.value)
    told = replace(chosen, rows={**(chosen.rows or {}), ("Won", "Price"): empty})
    read = replace(honest, campaigns=tuple(told if each is chosen else each for each in honest.campaigns))
    assert comparison.mismatches(read) == ()


@pytest.mark.parametrize("place", ["members", "contacts"])
@pytest.mark.parametrize("name", ["outcome", "reason", "raw_reason", "note", "stage", "decided_by"])
def test_what_a_person_tells_wrong_is_found(
    comparison: Comparison, honest: ReadBack, place: str, name: str
) -> None:
    people = dict(honest.members if place == "members" else honest.contacts)
    id_ = next(iter(people))
    wrong: dict[str, Any] = {name: "something else"}
    people[id_] = replace(people[id_], **wrong)
    told = replace(honest, members=people) if place == "members" else replace(honest, contacts=people)
    (mismatch,) = comparison.mismatches(told)
    assert (mismatch.what, mismatch.found) == (name, "something else")
    assert mismatch.where.endswith(id_)


def test_a_person_that_is_missing_or_decided_at_another_time_is_found(
    comparison: Comparison, honest: ReadBack
) -> None:
    people = dict(honest.contacts)
    id_, person = next((id_, each) for id_, each in people.items() if each.decided_at)
    late = replace(
        person, decided_at=(person.decided_at or comparison.truth.world.start) + timedelta(minutes=5)
    )
    for told in ({**people, id_: late}, {key: each for key, each in people.items() if key != id_}):
        assert len(comparison.mismatches(replace(honest, contacts=told))) == 1


def test_totals_that_do_not_agree_are_found(comparison: Comparison) -> None:
    truth = comparison.truth
    nobody = {"no_campaign": Decimal(0), "no_person": Decimal(0), "touched_later": Decimal(0)}
    for cause in truth.unattributed(MODEL).values():
        nobody[cause] += 1
    delivered = len(truth.standings) - sum(nobody.values(), Decimal(0))
    books = Books(delivered=delivered, causes=nobody, waiting=Decimal(0), refused=Decimal(0))
    assert list(balance(truth, MODEL, books, delivered)) == []
    (short,) = balance(truth, MODEL, books, delivered - 1)
    assert short.what == "credit on the campaigns' records"
    (lost,) = balance(truth, MODEL, replace(books, delivered=delivered - 1), delivered - 1)
    assert lost.what == "decisions accounted for"
    swapped = {**nobody, "no_person": nobody["no_person"] + 1, "no_campaign": nobody["no_campaign"] - 1}
    assert len(list(balance(truth, MODEL, replace(books, causes=swapped), delivered))) == 2
