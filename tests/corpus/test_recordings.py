"""Bodies recorded from the real CRMs: each becomes records, or says why it cannot."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from closedloop.mapping import load_mappings
from closedloop.mapping.bodies import Normalised, normalise_body
from closedloop.schema.records import (
    Account,
    Activity,
    Campaign,
    Contact,
    ContactRole,
    Lead,
    Money,
    Opportunity,
    Stage,
)
from closedloop.schema.schemas import dump, load
from closedloop.schema.vocabulary import CrmName, ObjectType, StageMeaning

SF, HS = "salesforce", "hubspot"


def bodies(path: Path) -> Iterator[Any]:
    """Every body in a recording: a cassette holds those of many calls, requests and answers."""
    if path.suffix != ".json":
        yield path.read_bytes()
        return
    content = json.loads(path.read_bytes())
    if not (isinstance(content, dict) and "interactions" in content):
        yield path.read_bytes()
        return
    for call in content["interactions"]:
        yield from (part["body"] for part in (call["request"], call["response"]) if part["body"] is not None)


def test_every_recorded_body_becomes_records_or_says_why_not(corpus: Path, recording: Path) -> None:
    for body in bodies(corpus / recording):
        found = normalise_body(recording.parts[0], body)
        assert found.records or found.refused
        assert all(refused.reason and refused.message for refused in found.refused)
        for record in found.records:
            assert load(record.object, json.loads(json.dumps(dump(record)))) == record


def test_the_same_body_as_bytes_text_or_values_gives_the_same(corpus: Path, recording: Path) -> None:
    crm, content = recording.parts[0], (corpus / recording).read_bytes()
    found = normalise_body(crm, content)
    assert normalise_body(crm, content.decode()) == found
    if recording.suffix == ".json":
        assert normalise_body(crm, json.loads(content)).refused == found.refused


def test_a_body_cut_off_anywhere_is_never_read_in_half(corpus: Path, recording: Path) -> None:
    content = (corpus / recording).read_bytes().rstrip()
    for share in (0.1, 0.5, 0.9, 0.999):
        found = normalise_body(recording.parts[0], content[: int(len(content) * share)])
        if recording.suffix != ".csv":  # a table that ends early is a table
            assert found.records == ()
        assert found.refused


def test_no_recorded_body_is_another_crms(corpus: Path, recording: Path) -> None:
    other = HS if recording.parts[0] == SF else SF
    found = normalise_body(other, (corpus / recording).read_bytes())
    assert found.records == ()


HOLDS = {
    f"{HS}/amp-labs/batch_create_contacts_success.json": {"contact": 2},
    f"{HS}/amp-labs/batch_read_campaigns_multi-207.json": {"campaign": 1, "error_answer": 1},
    f"{HS}/amp-labs/batch_update_contacts_err-partial-success.json": {"contact": 1, "error_answer": 1},
    f"{HS}/amp-labs/batch_create_contacts_err-conflict.json": {"error_answer": 1},
    f"{HS}/amp-labs/search_error-invalid-object.json": {"error_answer": 1},
    f"{HS}/amp-labs/metadata-deals-external-pipelines.json": {"stage": 7},
    f"{HS}/amp-labs/metadata-deals-properties-sampled.json": {"not_our_object": 2},
    f"{HS}/amp-labs/read-via-search_contacts-response.json": {"contact": 1},
    f"{HS}/amp-labs/read_campaigns_1-first-page.json": {"campaign": 2},
    f"{HS}/amp-labs/read_campaigns_influenced-contacts.json": {"partial_record": 2},
    f"{HS}/amp-labs/read_events_e_deal_closed.json": {"partial_record": 1},
    f"{HS}/amp-labs/read_marketing-emails_1-first-page.json": {"not_our_object": 1},
    f"{HS}/amp-labs/read_marketing-events.json": {"not_our_object": 1},
    f"{HS}/amp-labs/read_objects-api_contacts-response.json": {"contact": 3},
    f"{HS}/amp-labs/search_contacts_1-first-page.json": {"contact": 1},
    f"{SF}/amp-labs/read-list-leads.json": {"lead": 8},
    f"{SF}/amp-labs/read-opportunity-with-contacts.json": {"opportunity": 1, "contact_role": 2},
    f"{SF}/amp-labs/subscription_new_account.json": {"account": 1},
    f"{SF}/amp-labs/subscription_update_contact.json": {"partial_record": 1},
    f"{SF}/amp-labs/subscription_update_lead_compound_address.json": {"partial_record": 1},
    f"{SF}/amp-labs/batch_create_contacts_payload.json": {"missing_id": 2},
    f"{SF}/amp-labs/batch_create_contacts_success.json": {"write_result": 2},
    f"{SF}/amp-labs/batch_create_contacts_partial-but-allOrNone.json": {"error_answer": 2},
    f"{SF}/amp-labs/create-ok.json": {"write_result": 1},
    f"{SF}/amp-labs/crm_delete_not-found.json": {"error_answer": 1},
    f"{SF}/amp-labs/unknown-field.json": {"error_answer": 1},
    f"{SF}/amp-labs/bulk_info_partial-failure.csv": {"error_answer": 1},
    f"{SF}/amp-labs/bulk_info_success.json": {"not_our_object": 1},
    f"{SF}/amp-labs/metadata_soap_success.xml": {"not_our_object": 1},
    f"{SF}/describe/Lead.json": {"not_our_object": 1},
    f"{SF}/outbound/opportunity_full.xml": {"opportunity": 1},
    f"{SF}/outbound/discountrule_envelope.xml": {"not_our_object": 1},
}


@pytest.mark.parametrize(("name", "expected"), HOLDS.items(), ids=HOLDS)
def test_a_known_body_holds_what_it_holds(corpus: Path, name: str, expected: dict[str, int]) -> None:
    assert tally(read(corpus, name)) == expected


def read(corpus: Path, name: str) -> Normalised:
    return normalise_body(name.partition("/")[0], (corpus / name).read_bytes())


def tally(found: Normalised) -> dict[str, int]:
    counts = Counter(str(record.object) for record in found.records)
    for refused in found.refused:
        counts[refused.reason] += refused.count
    return dict(counts)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (
            "TestCompositeParallelSalesforce.test_composite_parallel_salesforce",
            {"account": 4, "write_result": 1},
        ),
        ("TestUpsert.test_simple_upsert__rest", {"contact": 33, "account": 1, "opportunity": 2}),
        (
            "TestSelect.test_select_similarity_select_and_insert_strategy_bulk",
            {"activity": 6, "contact": 6, "account": 14},
        ),
        ("TestCountSObjects.test_count_sobjects_simple", {"no_records": 2}),
    ],
)
def test_a_cassettes_answers_hold_their_rows(corpus: Path, name: str, expected: dict[str, int]) -> None:
    content = json.loads((corpus / SF / "cumulusci" / f"{name}.json").read_bytes())
    counts: Counter[str] = Counter()
    for call in content["interactions"]:
        if call["response"]["body"] is not None:
            counts.update(tally(normalise_body(SF, call["response"]["body"])))
    assert {kind: counts[kind] for kind in expected} == expected


# Values ------------------------------------------------------------------------------------------


def test_a_row_queried_without_its_id_has_the_one_in_its_url(corpus: Path) -> None:
    lead = read(corpus, f"{SF}/amp-labs/read-list-leads.json").records[0]
    assert isinstance(lead, Lead)
    assert (lead.id, lead.first_name, lead.country) == ("00Qak00000696HFEAY", "Bertha", "USA")
    assert lead.raw["CleanStatus"] == "Pending"


def test_contact_roles_of_a_subquery_belong_to_the_deal_they_stand_in(corpus: Path) -> None:
    deal, *roles = read(corpus, f"{SF}/amp-labs/read-opportunity-with-contacts.json").records
    assert isinstance(deal, Opportunity)
    assert deal.amount == Money(amount=Decimal("50000.00"))
    for role in roles:
        assert isinstance(role, ContactRole)
        assert role.opportunity_id == deal.id
    assert {getattr(role, "role", None) for role in roles} == {"Decision Maker", "Influencer"}


def test_a_create_event_is_a_whole_record(corpus: Path) -> None:
    account = read(corpus, f"{SF}/amp-labs/subscription_new_account.json").records[0]
    assert isinstance(account, Account)
    created = datetime(2024, 4, 9, 20, 19, 25, tzinfo=UTC)
    assert (account.id, account.name, account.created_at, account.updated_at) == (
        "0015f00002J9YYEAA3",
        "Acme",
        created,
        created,
    )
    assert "ChangeEventHeader" in account.raw


def test_an_outbound_message_carries_the_deal(corpus: Path) -> None:
    deal = read(corpus, f"{SF}/outbound/opportunity_full.xml").records[0]
    assert isinstance(deal, Opportunity)
    assert (deal.id, deal.name) == ("006Xx00000mNoP2IAK", "Example Industries – renewal")
    assert (deal.closed, deal.won, deal.deleted) == (True, False, False)
    assert (deal.amount, deal.close_date) == (Money(amount=Decimal("12500.0")), date(2026, 9, 30))
    assert deal.source == "Trade Show & Events"
    assert deal.updated_at == datetime(2026, 9, 29, 17, 4, 8, tzinfo=UTC)


def test_an_event_points_at_the_contact_it_was_with(corpus: Path) -> None:
    name = "TestSelect.test_select_similarity_select_and_insert_strategy_bulk.json"
    content = json.loads((corpus / SF / "cumulusci" / name).read_bytes())
    answers = [
        call["response"]["body"] for call in content["interactions"] if "TYPEOF" in call["request"]["url"]
    ]
    found = normalise_body(SF, answers[0]).records
    assert any(isinstance(record, Activity) and record.kind == "Event" for record in found)
    assert any(isinstance(record, Contact) and record.last_name for record in found)


def test_hubspot_contacts_keep_their_times_and_stage(corpus: Path) -> None:
    contact = read(corpus, f"{HS}/amp-labs/batch_create_contacts_success.json").records[0]
    assert isinstance(contact, Contact)
    assert (contact.id, contact.name, contact.lifecycle_stage) == ("171596044869", "Lily Skinner", "lead")
    assert contact.created_at == datetime(2025, 11, 3, 23, 36, 13, 632000, UTC)
    assert contact.deleted is False


def test_hubspot_campaigns_keep_their_guid_name_and_budget(corpus: Path) -> None:
    campaign = read(corpus, f"{HS}/amp-labs/read_campaigns_1-first-page.json").records[0]
    assert isinstance(campaign, Campaign)
    assert (campaign.id, campaign.name) == ("430318c4-abb7-4bf7-a75e-9c5fa8f475a6", "Clothing Promotion")
    assert campaign.budgeted_cost == Money(amount=Decimal("2.0"))


def test_deal_stages_are_won_or_lost_by_their_metadata(corpus: Path) -> None:
    stages = read(corpus, f"{HS}/amp-labs/metadata-deals-external-pipelines.json").records
    meanings = {stage.name: stage.meaning for stage in stages if isinstance(stage, Stage)}
    assert (meanings["closedwon"], meanings["closedlost"]) == (StageMeaning.WON, StageMeaning.LOST)
    assert set(meanings.values()) == {StageMeaning.OPEN, StageMeaning.WON, StageMeaning.LOST}
    assert {stage.id for stage in stages} == {f"default/{name}" for name in meanings}


# The mapping against the descriptions of the real objects ----------------------------------------

# Multi-currency orgs alone have it; the recorded orgs are none.
_MULTI_CURRENCY = "CurrencyIsoCode"


@pytest.mark.parametrize(
    "object_type",
    [
        ObjectType.LEAD,
        ObjectType.ACCOUNT,
        ObjectType.CONTACT,
        ObjectType.OPPORTUNITY,
        ObjectType.CONTACT_ROLE,
    ],
)
def test_every_standard_field_that_is_mapped_exists(corpus: Path, object_type: ObjectType) -> None:
    mapping = load_mappings().crm(CrmName.SALESFORCE)
    describe = json.loads((corpus / SF / "describe" / f"{mapping.source(object_type)}.json").read_bytes())
    known = {field["name"] for field in describe["fields"]}
    custom = {name for name in mapping.fields(object_type) if name.endswith("__c")}
    assert set(mapping.fields(object_type)) - custom - known <= {_MULTI_CURRENCY}


def test_the_fields_of_an_orgs_own_are_the_documented_ones() -> None:
    mapping = load_mappings().crm(CrmName.SALESFORCE)
    custom = {
        (object_type, name)
        for object_type in ObjectType
        for name in mapping.fields(object_type)
        if name.endswith("__c")
    }
    assert custom == {
        (ObjectType.LEAD, "Disqualified_Reason__c"),
        (ObjectType.LEAD, "Disqualified_Reason_Details__c"),
        (ObjectType.OPPORTUNITY, "Loss_Reason__c"),
        (ObjectType.OPPORTUNITY, "Win_Reason__c"),
        (ObjectType.OPPORTUNITY, "Loss_Reason_Details__c"),
        (ObjectType.OPPORTUNITY, "Lost_to_Competitor__c"),
    }


@pytest.mark.parametrize("name", ["Lead", "Account", "Contact", "Opportunity", "OpportunityContactRole"])
def test_the_key_prefix_that_is_checked_is_the_real_one(corpus: Path, name: str) -> None:
    from closedloop.mapping.ids import PREFIXES

    assert PREFIXES[name] == json.loads((corpus / SF / "describe" / f"{name}.json").read_bytes())["keyPrefix"]
