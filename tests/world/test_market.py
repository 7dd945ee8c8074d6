"""A market is the same for the same seed, of exactly the size asked for, believable, and streams by."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tracemalloc
from collections import Counter
from datetime import timedelta
from itertools import islice

import pytest

from closedloop.sandbox.world import START, Home, Link, Market, Move, Story, Tally
from closedloop.schema.vocabulary import CrmName, ObjectType, Outcome


@pytest.fixture(scope="module")
def market() -> Market:
    return Market.of(1500, seed=6)


@pytest.fixture(scope="module")
def stories(market: Market) -> list[Story]:
    return list(market.stories())


def fingerprint(market: Market) -> str:
    digest = hashlib.sha256()
    for story in market.stories():
        digest.update(repr(story).encode())
    return digest.hexdigest()[:16]


def test_the_same_seed_gives_the_same_market_to_the_last_letter() -> None:
    assert fingerprint(Market.of(60, seed=3)) == fingerprint(Market.of(60, seed=3))
    assert len({fingerprint(Market.of(20, seed=seed)) for seed in range(6)}) == 6


def test_a_known_seed_still_gives_the_market_it_always_gave() -> None:
    assert fingerprint(Market.of(150, seed=7)) == "292069eb5bd8b05c"


def test_no_string_hash_changes_a_market() -> None:
    """Nothing in it depends on the order of a set."""
    program = (
        "import hashlib; from closedloop.sandbox.world import Market; "
        "print(hashlib.sha256(repr(list(Market.of(40, seed=7).stories())).encode()).hexdigest())"
    )
    told = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={"PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(told) == 1


@pytest.mark.parametrize("people", [1, 2, 99, 1000])
def test_a_market_has_exactly_the_people_asked_for(people: int) -> None:
    assert sum(len(story.people) for story in Market.of(people, seed=5).stories()) == people


def test_a_company_is_the_same_however_large_the_market_is() -> None:
    """Up to what grows with the size: how many campaigns and reps there are."""
    small, large = Market.of(100, seed=2), Market.of(2400, seed=2)
    assert list(islice(small.stories(), 20)) == list(islice(large.stories(), 20))


def test_memory_does_not_grow_with_the_people() -> None:
    def peak(people: int) -> int:
        tracemalloc.start()
        for _ in Market.of(people, seed=1).stories():
            pass
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return most

    peak(50)  # what is made once and kept
    assert peak(800) < 500_000  # where all of it together is some megabytes


@pytest.mark.parametrize("people", [0, -4])
def test_a_market_without_people_is_refused(people: int) -> None:
    with pytest.raises(ValueError, match="at least one person"):
        Market.of(people)


def test_a_start_without_a_time_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        Market.of(5, start=START.replace(tzinfo=None))


def test_nobody_shares_an_address_and_all_of_them_lead_nowhere(stories: list[Story]) -> None:
    people = [person for story in stories for person in story.people]
    addresses = [person.email.casefold() for person in people]
    others = [person.hubspot_email.casefold() for person in people if person.hubspot]
    twins = [twin.email for story in stories for twin in story.twins]
    assert len(set(addresses)) == len(addresses)
    assert len(set(others)) == len(others)
    for address in (*addresses, *others, *twins):
        assert ".example." in address
        assert address.rpartition(".")[2] in {"com", "net", "org"}


def test_no_two_companies_share_a_name_or_a_domain() -> None:
    setting = Market.of(10, seed=13).setting
    accounts = [setting.company(index, 1).account for index in (*range(1500), *range(70_000, 70_300))]
    assert len({account.name for account in accounts}) == len(accounts)
    assert len({account.domain for account in accounts}) == len(accounts)


def test_the_market_has_segments_regions_roles_kinds_and_places_of_every_sort(
    market: Market, stories: list[Story]
) -> None:
    accounts = [story.account for story in stories]
    people = [person for story in stories for person in story.people]
    assert len({account.segment for account in accounts}) == 3
    assert len({account.region for account in accounts}) == 7
    assert len({person.buying_role for person in people}) == 5
    assert len({campaign.kind for campaign in market.campaigns}) >= 6
    assert all(campaign.cost > 0 or campaign.planned for campaign in market.campaigns)
    places = {(person.salesforce, person.hubspot, person.link) for person in people}
    linked = {(home, True, link) for home in Home for link in Link}
    assert places == linked | {(Home.LEAD, False, None), (Home.CONTACT, False, None), (None, True, None)}


def test_the_sync_has_delays_and_gaps(stories: list[Story]) -> None:
    people = [person for story in stories for person in story.people]
    for person in people:
        assert (person.link is Link.LATE) == (person.synced_at is not None)
        same = person.email.casefold() == person.hubspot_email.casefold()
        assert same == (person.link is not Link.NEVER)
    assert any(p.email != p.hubspot_email for p in people if p.link is Link.EMAIL)
    assert any(p.synced_at - p.created_at > timedelta(days=100) for p in people if p.synced_at)


def test_nothing_happens_before_what_it_needs(market: Market, stories: list[Story]) -> None:
    for story in stories:
        made = {person.key: person.created_at for person in story.people}
        opened = {subject.key: subject.created_at for subject in story.subjects}
        assert all(made[touch.person] < touch.at < market.start for touch in story.touches)
        assert all(opened[s.key] >= made[person] for s in story.subjects for person in s.people)
        assert all(opened[step.subject] <= step.at for step in story.steps if step.subject and step.at)
        assert all(opened[one.subject] < one.at < market.start for one in story.attempts)
        times = [step.at for step in story.steps if step.at]
        assert len(times) == len(story.steps)
        assert times == sorted(times)
        assert min([*made.values()]) > market.start - timedelta(days=800)


def test_only_what_is_open_is_decided_and_nothing_follows_a_conversion(stories: list[Story]) -> None:
    closed = {Move.DISQUALIFIED, Move.RECYCLED, Move.QUALIFIED, Move.WON, Move.LOST}
    for story in stories:
        state: dict[str, Move | None] = {}
        for step in story.steps:
            if not step.subject:
                continue
            before = state.get(step.subject)
            assert before is not Move.CONVERTED
            assert not (step.move in closed and before in closed)
            assert step.reopens == (before in closed and step.move is Move.WORKING)
            state[step.subject] = step.move or before


def test_a_lead_that_comes_back_was_reached_by_another_campaign(stories: list[Story]) -> None:
    journeys = 0
    for story in stories:
        recycled = {s.subject: s.at for s in story.steps if s.move is Move.RECYCLED}
        for step in story.steps:
            since = recycled.get(step.subject)
            if step.reopens and since and step.at and step.at > since:
                (person,) = next(s.people for s in story.subjects if s.key == step.subject)
                journeys += any(since < t.at <= step.at for t in story.touches if t.person == person)
    assert journeys >= 5


def test_everything_that_can_happen_to_a_record_happens_in_the_past_and_in_the_script(
    market: Market, stories: list[Story]
) -> None:
    past, script = Counter[str](), Counter[str]()
    for story in stories:
        for step in story.steps:
            what = "subject" if step.subject else "touch" if step.touch else ""
            what = what or ("merge" if step.merges else "sync" if step.syncs else "erase")
            what = "reopen" if step.reopens else what
            (past if step.at and step.at < market.start else script)[what] += 1
    assert set(past) == {"subject", "reopen", "merge", "erase"}
    assert set(script) == {"subject", "reopen", "merge", "erase", "sync", "touch"}


def test_every_kind_of_decision_is_taken_on_every_kind_of_record(stories: list[Story]) -> None:
    taken = set()
    for story in stories:
        subjects = {subject.key: subject for subject in story.subjects}
        for step in story.steps:
            if step.verdict:
                subject = subjects[step.subject]
                taken.add((subject.crm, subject.object, step.verdict.outcome))
    salesforce, hubspot = CrmName.SALESFORCE, CrmName.HUBSPOT
    lead, deal, contact = ObjectType.LEAD, ObjectType.OPPORTUNITY, ObjectType.CONTACT
    assert taken >= {
        *((salesforce, lead, o) for o in (Outcome.ACCEPTED, Outcome.RECYCLED, Outcome.DISQUALIFIED)),
        *((hubspot, lead, o) for o in (Outcome.ACCEPTED, Outcome.DISQUALIFIED)),
        *((hubspot, contact, o) for o in (Outcome.RECYCLED, Outcome.DISQUALIFIED)),
        *((crm, deal, o) for crm in CrmName for o in (Outcome.WON, Outcome.LOST)),
        (salesforce, lead, Outcome.NO_ACTION),
    }


def test_some_reps_keep_the_service_level_and_some_do_not(market: Market, stories: list[Story]) -> None:
    tally = Tally(at=market.start)
    for story in stories:
        tally.add(story)
    kept = {
        rep: counts["kept"] / max(counts["kept"] + counts["late"], 1) for rep, counts in tally.served.items()
    }
    assert {rep.key for rep in market.reps if rep.hours <= 5} <= {
        rep for rep, part in kept.items() if part > 0.95
    }
    assert {rep.key for rep in market.reps if rep.hours >= 70} <= {
        rep for rep, part in kept.items() if part < 0.1
    }
    assert any(0.3 < part < 0.9 for part in kept.values())


def test_deals_are_in_the_currencies_asked_for() -> None:
    currencies = {CrmName.SALESFORCE: ("EUR", "USD", "GBP"), CrmName.HUBSPOT: ("USD",)}
    used = Counter(
        (subject.crm, subject.currency)
        for story in Market.of(600, seed=2, currencies=currencies).stories()
        for subject in story.subjects
        if subject.object is ObjectType.OPPORTUNITY
    )
    assert {(crm, code) for crm, codes in currencies.items() for code in codes} == set(used)
    assert used[CrmName.SALESFORCE, "EUR"] > used[CrmName.SALESFORCE, "GBP"]
