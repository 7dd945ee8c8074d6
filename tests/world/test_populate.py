"""A market in the sandboxes: both CRMs hold its past as if it had been lived there, and go on from it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest

from closedloop.sandbox.hubspot import HubSpotSandbox
from closedloop.sandbox.salesforce import SalesforceSandbox
from closedloop.sandbox.world import (
    Decision,
    Home,
    Link,
    Market,
    Move,
    Person,
    Step,
    Story,
    Subject,
    decisions,
)
from closedloop.sandbox.world.play import play
from closedloop.sandbox.world.populate import Population, populate
from closedloop.sandbox.world.stages import line_of
from closedloop.schema.vocabulary import CrmName, ObjectType, ReasonCode


@dataclass(kw_only=True)
class Filled:
    """A market in its sandboxes, before anything of its script was played."""

    market: Market
    stories: list[Story]
    salesforce: SalesforceSandbox
    hubspot: HubSpotSandbox
    population: Population
    now: datetime

    def people(self) -> Iterator[Person]:
        """Everybody whom nobody erased."""
        erased = {step.erases for story in self.stories for step in story.steps if self.is_past(step)}
        return (p for story in self.stories for p in story.people if p.key not in erased)

    def subjects(self) -> Iterator[tuple[Subject, list[Step]]]:
        """The leads and deals that are there, each with its past."""
        alive = {person.key for person in self.people()}
        for story in self.stories:
            for subject in story.subjects:
                past = [s for s in story.steps if s.subject == subject.key and self.is_past(s)]
                if subject.key in self.population.subjects and alive.issuperset(subject.people):
                    yield subject, past

    def is_past(self, step: Step) -> bool:
        """Whether it was before the script."""
        return step.at is not None and step.at < self.market.start

    def record(self, subject: Subject) -> dict[str, Any]:
        """The fields of the record as the CRM has them."""
        source, key = line_of(subject).source, self.population.subjects[subject.key]
        if subject.crm is CrmName.SALESFORCE:
            return self.salesforce.org.get(source, key)
        properties: dict[str, Any] = self.hubspot.portal.get(source, key)["properties"]
        return properties


def fill(people: int, seed: int) -> Filled:
    market = Market.of(people, seed=seed)
    filled: Filled

    def clock() -> datetime:
        return filled.now

    filled = Filled(
        market=market,
        stories=list(market.stories()),
        salesforce=SalesforceSandbox(clock=lambda: market.start),
        hubspot=HubSpotSandbox(
            clock=lambda: market.start, currency=market.setting.currencies[CrmName.HUBSPOT][0]
        ),
        population=Population(),
        now=market.start,
    )
    filled.salesforce.org.clock = clock
    filled.hubspot.portal.clock = clock
    filled.population = populate(market, filled.salesforce, filled.hubspot)
    return filled


@pytest.fixture(scope="module")
def filled() -> Iterator[Filled]:
    filled = fill(500, 14)
    yield filled
    filled.salesforce.stop()
    filled.hubspot.stop()


def test_every_record_stands_where_its_past_left_it(filled: Filled) -> None:
    decided = 0
    for subject, past in filled.subjects():
        line, record = line_of(subject), filled.record(subject)
        moves = [step.move for step in past if step.move]
        if moves:
            assert record[line.stage] == line.stages[moves[-1]]
            decided += 1
        elif subject.object is not ObjectType.CONTACT:
            assert record[line.stage] == line.first
    assert decided > 200


def test_every_reason_that_holds_stands_in_its_field_as_the_rep_wrote_it(filled: Filled) -> None:
    checked = 0
    for story in filled.stories:
        subjects = {subject.key: subject for subject in story.subjects}
        for decision in decisions(story):
            subject = subjects[decision.subject]
            if decision.holds(filled.market.start) and decision.raw and subject.crm is CrmName.SALESFORCE:
                line = line_of(subject)
                fields = (line.lost_reason, line.won_reason) if line.won_reason else (line.lost_reason,)
                assert decision.raw in {filled.record(subject)[name] for name in fields}
                checked += 1
    assert checked > 60


def test_salesforce_says_when_it_was_decided_and_by_whom(filled: Filled) -> None:
    for subject, past in filled.subjects():
        if subject.crm is CrmName.SALESFORCE and past and subject.object is ObjectType.OPPORTUNITY:
            record = filled.record(subject)
            assert record["LastModifiedDate"] == past[-1].at
            assert record["LastModifiedById"] == filled.population.users[past[-1].rep]
            assert record["LastStageChangeDate"] == [step.at for step in past if step.move][-1]
            assert record["Amount"] == subject.amount


def test_the_history_of_the_stages_has_the_times_of_the_past(filled: Filled) -> None:
    rows = filled.salesforce.org.rows("OpportunityFieldHistory")
    for subject, past in filled.subjects():
        if subject.crm is CrmName.HUBSPOT and subject.object is ObjectType.OPPORTUNITY:
            line = line_of(subject)
            made = filled.hubspot.portal.record("deals", filled.population.subjects[subject.key])
            times = [version.at for version in made.versions(line.stage)]
            assert times == [s.at for s in reversed(past) if s.move] + [subject.created_at]
        elif subject.object is ObjectType.OPPORTUNITY:
            mine = [row for row in rows if row["OpportunityId"] == filled.population.subjects[subject.key]]
            moved = [row for row in mine if row["Field"] == "StageName"]
            assert [row["CreatedDate"] for row in moved] == [step.at for step in past if step.move]
            key = filled.population.subjects[subject.key]
            stages = filled.salesforce.org.tables.where("OpportunityHistory", "OpportunityId", key)
            assert sorted(row["StageName"] for row in stages) == sorted(
                [line_of(subject).first, *(line_of(subject).stages[s.move] for s in past if s.move)]
            )


def test_a_lead_of_a_queue_belongs_to_it_until_somebody_works_on_it(filled: Filled) -> None:
    population, owners = filled.population, set()
    worked = {attempt.subject for story in filled.stories for attempt in story.attempts}
    for subject, past in filled.subjects():
        if subject.queue:
            taken = bool(past) or subject.key in worked
            owner = filled.record(subject)["OwnerId"]
            assert owner == (population.users[subject.rep] if taken else population.queues[subject.queue])
            owners.add(owner[:3])
    assert owners == {"005", "00G"}


def test_what_was_converted_leads_to_its_contact_and_its_deal(filled: Filled) -> None:
    org, population, converted = filled.salesforce.org, filled.population, 0
    for subject, past in filled.subjects():
        if past and past[-1].move is Move.CONVERTED:
            lead = filled.record(subject)
            assert lead["IsConverted"] is True
            assert lead["ConvertedContactId"] == population.contacts[subject.people[0]]
            deal = past[-1].opportunity
            assert lead["ConvertedOpportunityId"] == (population.subjects[deal] if deal else None)
            assert org.get("Contact", lead["ConvertedContactId"])["AccountId"] == lead["ConvertedAccountId"]
            converted += 1
    assert converted > 20


def test_attempts_are_logged_where_reps_log_them(filled: Filled) -> None:
    org, portal = filled.salesforce.org, filled.hubspot.portal
    logged = len(org.rows("Task")) + sum(len(portal.ids(kind)) for kind in ("calls", "emails", "meetings"))
    erased = {s.erases for story in filled.stories for s in story.steps if s.erases}
    attempts = [one for story in filled.stories for one in story.attempts if one.person not in erased]
    assert len(attempts) <= logged <= sum(len(story.attempts) for story in filled.stories)
    first = org.rows("Task")[0]
    assert (first["Status"], first["IsClosed"]) == ("Completed", True)


def test_people_in_both_crms_are_linked_as_the_sync_left_them(filled: Filled) -> None:
    population, seen = filled.population, set()
    for person in filled.people():
        if not (person.hubspot and person.salesforce):
            continue
        values = filled.hubspot.portal.get("contacts", population.hubspot_contacts[person.key])["properties"]
        late = person.link is Link.LATE and person.synced_at and person.synced_at < filled.market.start
        known = person.link is Link.ID or late
        home = "salesforceleadid" if person.salesforce is Home.LEAD else "salesforcecontactid"
        record = (population.leads if person.salesforce is Home.LEAD else population.contacts)[person.key]
        assert values.get(home) == (record if known else None)
        seen.add((person.link, bool(known)))
    assert seen >= {(Link.ID, True), (Link.EMAIL, False), (Link.LATE, True), (Link.NEVER, False)}


def test_twins_that_were_found_are_merged_and_people_who_asked_are_gone() -> None:
    filled = fill(1500, 6)
    org, portal, population = filled.salesforce.org, filled.hubspot.portal, filled.population
    merged = {step.merges for story in filled.stories for step in story.steps if filled.is_past(step)}
    found = [twin for story in filled.stories for twin in story.twins if twin.key in merged]
    assert {twin.crm for twin in found} == set(CrmName)
    for twin in found:
        old = population.twins[twin.key]
        if twin.crm is CrmName.HUBSPOT:
            assert portal.get("contacts", old)["id"] == population.hubspot_contacts[twin.person]
        else:
            kept = population.leads.get(twin.person) or population.contacts[twin.person]
            sobject = "Lead" if twin.person in population.leads else "Contact"
            row = org.tables.get(sobject, old)
            assert row is not None
            assert (row["IsDeleted"], row["MasterRecordId"]) == (True, kept)
    erased = [s.erases for story in filled.stories for s in story.steps if s.erases and filled.is_past(s)]
    assert erased
    for key in erased:
        assert population.hubspot_contacts.get(key) not in portal.ids("contacts")
    _play(filled)
    gone = [s.erases for s in population.sequel.steps if s.erases]
    assert {bool(s.merges) for s in population.sequel.steps} == {True, False}
    assert not {population.hubspot_contacts.get(key) for key in gone} & set(portal.ids("contacts"))


def test_some_hubspot_leads_are_associated_with_the_campaign_that_brought_them(filled: Filled) -> None:
    portal, found = filled.hubspot.portal, 0
    for subject, _ in filled.subjects():
        if subject.crm is CrmName.HUBSPOT and subject.object is ObjectType.LEAD and subject.primary:
            lead = portal.record("leads", filled.population.subjects[subject.key])
            campaign = portal.campaign_record(filled.population.campaigns[subject.primary])
            assert campaign.end in portal.associations.ends(lead.end)
            found += 1
    assert found


def test_amounts_are_in_the_currencies_of_the_deals() -> None:
    currencies = {CrmName.SALESFORCE: ("EUR", "GBP"), CrmName.HUBSPOT: ("USD", "EUR")}
    market = Market.of(150, seed=2, currencies=currencies)
    salesforce, hubspot = SalesforceSandbox(currencies=("EUR", "GBP")), HubSpotSandbox(currency="USD")
    population = populate(market, salesforce, hubspot)
    found = set()
    for story in market.stories():
        for subject in story.subjects:
            if subject.object is ObjectType.OPPORTUNITY and subject.key in population.subjects:
                key = population.subjects[subject.key]
                if subject.crm is CrmName.SALESFORCE:
                    told = salesforce.org.get("Opportunity", key)["CurrencyIsoCode"]
                else:
                    told = hubspot.portal.get("deals", key)["properties"]["deal_currency_code"]
                assert told == subject.currency
                found.add((subject.crm, told))
    assert len(found) == 4
    salesforce.stop()
    hubspot.stop()


def test_the_script_goes_on_where_the_past_ended() -> None:
    filled = fill(300, 3)
    sequel = filled.population.sequel
    assert sequel.steps
    assert all(step.at and step.at >= filled.market.start for step in sequel.steps)
    noted = len(filled.salesforce.org.rows("OpportunityFieldHistory"))
    _play(filled)
    assert len(filled.salesforce.org.rows("OpportunityFieldHistory")) > noted
    last = {step.subject: step for step in sequel.steps if step.move}
    for key, step in last.items():
        subject = sequel.subject[key]
        line = line_of(subject)
        assert step.move is not None
        assert filled.record(subject)[line.stage] == line.stages[step.move]
    assert filled.population.times[len(sequel.steps) - 1] >= filled.market.start


def _play(filled: Filled) -> None:
    def begin(day: int) -> None:
        filled.now = filled.market.start + timedelta(days=day + 1)

    play(filled.population.sequel, filled.population, filled.salesforce, filled.hubspot, on_day=begin)


def test_corrections_and_reopenings_are_known(filled: Filled) -> None:
    every: list[Decision] = [d for story in filled.stories for d in decisions(story)]
    corrected = [d for d in every if d.ended == "corrected"]
    assert corrected
    assert any(d.ended == "reopened" for d in every)
    for decision in corrected:
        after = next(d for d in every if d.subject == decision.subject and d.decided_at == decision.until)
        assert after.meant is decision.meant
        assert after.reason in {decision.meant, ReasonCode.UNSPECIFIED}
