"""CRM payloads through the shipped mappings: what becomes of each field, and how a bad one is refused."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from closedloop.errors import NormaliseError
from closedloop.mapping import CrmMapping
from closedloop.mapping.bodies import normalise
from closedloop.schema.records import (
    Activity,
    Campaign,
    CampaignMember,
    Contact,
    ContactRole,
    Lead,
    LinkedId,
    Money,
    Opportunity,
    Stage,
    TouchPosition,
    User,
    Utm,
)
from closedloop.schema.vocabulary import CrmName, ObjectType, StageMeaning

LEAD = "00Qak00000696HFEAY"
GUID = "430318c4-abb7-4bf7-a75e-9c5fa8f475a6"


def refused(crm: str, object_type: str, payload: Any) -> NormaliseError:
    with pytest.raises(NormaliseError) as caught:
        normalise(crm, object_type, payload)
    return caught.value


# Salesforce --------------------------------------------------------------------------------------


def salesforce(source: str, **fields: Any) -> dict[str, Any]:
    return {"attributes": {"type": source, "url": f"/services/data/v62.0/sobjects/{source}/x"}, **fields}


def test_a_converted_lead_names_what_it_became() -> None:
    payload = salesforce(
        "Lead",
        Id=LEAD[:15],
        IsConverted=True,
        ConvertedDate="2026-05-04",
        ConvertedContactId="003ak000003dQCG",
        ConvertedAccountId="0019H00000H1RMDQA3",
        ConvertedOpportunityId=None,
        Status="Closed - Converted",
        LastModifiedById="005ak000005hvjJAAQ",
    )
    lead = normalise("salesforce", "lead", payload)
    assert isinstance(lead, Lead)
    assert (lead.id, lead.converted, lead.converted_on) == (LEAD, True, date(2026, 5, 4))
    assert lead.converted_contact_id == "003ak000003dQCGAA2"
    assert (lead.converted_opportunity_id, lead.stage_changed_by) == (None, "005ak000005hvjJAAQ")
    assert lead.raw is payload


def test_a_merged_and_deleted_lead_says_so() -> None:
    lead = normalise(
        "salesforce", "Lead", salesforce("Lead", Id=LEAD, IsDeleted=True, MasterRecordId="00Qak00000696HG")
    )
    assert (lead.deleted, lead.merged_into) == (True, "00Qak00000696HGEAY")


def test_the_id_may_stand_in_the_url_alone() -> None:
    payload = {
        "attributes": {"type": "Lead", "url": f"/services/data/v60.0/sobjects/Lead/{LEAD}"},
        "City": "Tallahassee",
    }
    assert normalise("salesforce", "lead", payload).id == LEAD


def test_the_first_source_that_is_not_blank_wins() -> None:
    lead = normalise("salesforce", "lead", {"Id": LEAD, "Phone": "  ", "MobilePhone": "+49 1"})
    assert isinstance(lead, Lead)
    assert lead.phone == "+49 1"


def test_an_opportunity_keeps_money_exact_and_its_currency() -> None:
    payload = {
        "Id": "006ak00000OQ4Rx",
        "Amount": 1234567.89,
        "CurrencyIsoCode": "EUR",
        "Probability": 10,
        "IsWon": "false",
    }
    deal = normalise("salesforce", "opportunity", payload)
    assert isinstance(deal, Opportunity)
    assert deal.amount == Money(amount=Decimal("1234567.89"), currency="EUR")
    assert (deal.probability, deal.won, deal.closed) == (Decimal(10), False, None)


def test_an_amount_that_was_not_sent_is_not_zero() -> None:
    deal = normalise(
        "salesforce", "opportunity", {"Id": "006ak00000OQ4Rx", "Amount": None, "CurrencyIsoCode": "EUR"}
    )
    assert isinstance(deal, Opportunity)
    assert deal.amount is None


def test_a_task_knows_a_lead_from_a_contact_by_the_key_prefix() -> None:
    task = normalise(
        "salesforce",
        "activity",
        salesforce("Task", Id="00Tak000003dQCG", WhoId=LEAD, WhatId="006ak00000OQ4Rx"),
    )
    assert isinstance(task, Activity)
    assert (task.lead_id, task.contact_id) == (LEAD, None)
    assert (task.opportunity_id, task.account_id) == ("006ak00000OQ4RxAAL", None)


def test_an_event_is_an_activity_too() -> None:
    payload = salesforce("Event", Id="00U9H000000RzvRUAS", ActivityDateTime="2024-11-07T07:00:00.000+0000")
    event = normalise("salesforce", "activity", payload)
    assert isinstance(event, Activity)
    assert (event.kind, event.happened_at) == ("Event", datetime(2024, 11, 7, 7, tzinfo=UTC))


def test_both_kinds_of_salesforce_stages_become_stages_that_do_not_collide() -> None:
    row = {"ApiName": "Qualified", "MasterLabel": "Qualifiziert", "SortOrder": 3}
    lead = normalise("salesforce", "stage", {**row, "attributes": {"type": "LeadStatus"}})
    deal = normalise(
        "salesforce",
        "stage",
        {**row, "attributes": {"type": "OpportunityStage"}, "IsClosed": True, "IsWon": False},
    )
    assert isinstance(lead, Stage)
    assert isinstance(deal, Stage)
    assert (lead.of, lead.name, lead.label, lead.meaning) == (
        ObjectType.LEAD,
        "Qualified",
        "Qualifiziert",
        StageMeaning.ACCEPTED,
    )
    assert (deal.of, deal.name, deal.meaning) == (ObjectType.OPPORTUNITY, "Qualified", StageMeaning.LOST)
    assert lead.ref != deal.ref


# HubSpot -----------------------------------------------------------------------------------------


def test_a_hubspot_lead_takes_its_reason_from_the_options_label() -> None:
    payload = {
        "id": "521",
        "properties": {
            "hs_lead_disqualification_reason": "NOT_A_GOOD_FIT",
            "hs_pipeline_stage": "unqualified-stage-id",
            "hs_pipeline_stage_category": "UNQUALIFIED",
            "hs_primary_contact_id": "",
        },
        "labels": {"hs_lead_disqualification_reason": "Passt nicht"},
        "propertiesWithHistory": {
            "hs_pipeline_stage": [
                {
                    "value": "unqualified-stage-id",
                    "timestamp": "2026-05-06T11:48:03.785Z",
                    "updatedByUserId": 77,
                },
                {"value": "new-stage-id", "timestamp": "2026-05-01T11:48:03.785Z"},
            ]
        },
        "associations": {
            "contacts": {"results": [{"id": "501", "type": "lead_to_primary_contact"}]},
            "campaigns": {"results": [{"id": 9001}]},
        },
        "createdAt": "2026-05-01T11:48:03.785Z",
        "archived": False,
    }
    lead = normalise("hubspot", "0-136", payload)
    assert isinstance(lead, Lead)
    assert (lead.reason, lead.contact_id, lead.campaign_id) == ("Passt nicht", "501", "9001")
    assert lead.stage_changed_at == datetime(2026, 5, 6, 11, 48, 3, 785000, UTC)
    assert lead.stage_changed_by == "77"
    assert lead.custom == {"stage_category": "UNQUALIFIED"}


@pytest.mark.parametrize("labels", [None, {}, {"hs_lead_disqualification_reason": " "}])
def test_without_a_label_the_value_is_the_reason(labels: Mapping[str, str] | None) -> None:
    payload = {
        "id": "1",
        "properties": {"hs_lead_disqualification_reason": "NOT_A_GOOD_FIT"},
        "labels": labels,
    }
    lead = normalise("hubspot", "lead", payload)
    assert isinstance(lead, Lead)
    assert lead.reason == "NOT_A_GOOD_FIT"


def test_a_hubspot_deal_knows_whether_it_is_won_and_when_it_closed() -> None:
    properties = {
        "hs_is_closed": "true",
        "hs_is_closed_won": "false",
        "amount": "3600.0",
        "deal_currency_code": "USD",
        "closedate": "2023-12-11T20:09:51.854Z",
        "closed_lost_reason": "a;b",
    }
    deal = normalise("hubspot", "deals", {"id": "16455361891", "properties": properties, "archived": True})
    assert isinstance(deal, Opportunity)
    assert (deal.closed, deal.won, deal.deleted) == (True, False, True)
    assert (deal.amount, deal.close_date) == (
        Money(amount=Decimal("3600.0"), currency="USD"),
        date(2023, 12, 11),
    )
    assert (deal.lost_reason, deal.won_reason) == ("a;b", None)


def test_a_synced_contact_is_linked_to_its_salesforce_twin() -> None:
    properties = {
        "salesforceleadid": LEAD[:15],
        "salesforcecontactid": "",
        "firstname": "Ada",
        "email": "ada@example.com",
    }
    contact = normalise("hubspot", "contact", {"id": "501", "properties": properties})
    assert isinstance(contact, Contact)
    assert contact.linked_ids == (LinkedId(crm=CrmName.SALESFORCE, object=ObjectType.LEAD, id=LEAD),)
    assert contact.name == "Ada"


def test_a_campaign_has_a_guid_and_a_number() -> None:
    properties = {
        "hs_name": "Spring",
        "hs_object_id": "9001",
        "hs_utm": "spring",
        "hs_start_date": "2026-03-01",
    }
    campaign = normalise("hubspot", "campaign", {"id": GUID.upper(), "properties": properties})
    assert isinstance(campaign, Campaign)
    assert (campaign.id, campaign.other_id) == (GUID, "9001")
    assert (campaign.utm, campaign.start_date) == (Utm(campaign="spring"), date(2026, 3, 1))


@pytest.mark.parametrize(
    ("reports", "position"),
    [
        (["contactFirstTouch"], TouchPosition.FIRST),
        (["contactLastTouch", "influencedContacts"], TouchPosition.LAST),
        (["contactLastTouch", "contactFirstTouch"], TouchPosition.ONLY),
        (["influencedContacts", "contactLastTouch", "contactFirstTouch"], TouchPosition.ONLY),
        (["influencedContacts"], TouchPosition.UNKNOWN),
        ([], TouchPosition.UNKNOWN),
        (None, TouchPosition.UNKNOWN),
    ],
)
def test_the_reports_that_name_a_contact_tell_its_place(
    reports: list[str] | None, position: TouchPosition
) -> None:
    payload = {"campaignGuid": GUID, "contactId": "501", "reports": reports, "touchedAt": None}
    member = normalise("hubspot", "campaign_member", payload)
    assert isinstance(member, CampaignMember)
    assert (member.id, member.campaign_id, member.contact_id) == (f"{GUID}/501", GUID, "501")
    assert member.position is position


def test_a_deals_contact_is_a_contact_role() -> None:
    role = normalise(
        "hubspot",
        "contact_role",
        {"dealId": "7", "contactId": 501, "label": "Decision maker", "primary": True},
    )
    assert isinstance(role, ContactRole)
    assert (role.id, role.opportunity_id, role.contact_id, role.primary) == ("7/501", "7", "501", True)


@pytest.mark.parametrize(
    ("closed", "probability", "meaning"),
    [
        ("true", "1.0", StageMeaning.WON),
        ("true", "1", StageMeaning.WON),
        ("true", "0.0", StageMeaning.LOST),
        ("false", "0.9", StageMeaning.OPEN),
        (None, None, StageMeaning.UNKNOWN),
    ],
)
def test_a_deal_stage_is_judged_by_its_metadata(
    closed: str | None, probability: str | None, meaning: StageMeaning
) -> None:
    metadata = {"isClosed": closed, "probability": probability}
    payload = {
        "pipelineId": "77",
        "objectType": "deals",
        "id": "1048",
        "label": "Lost!",
        "metadata": metadata,
    }
    stage = normalise("hubspot", "stage", payload)
    assert isinstance(stage, Stage)
    assert (stage.id, stage.name, stage.pipeline, stage.meaning) == ("77/1048", "1048", "77", meaning)


def test_a_lead_stage_without_metadata_is_judged_by_its_label() -> None:
    payload = {"pipelineId": "77", "objectType": "leads", "id": "1049", "label": "sales  rejected"}
    stage = normalise("hubspot", "stage", payload)
    assert isinstance(stage, Stage)
    assert (stage.of, stage.meaning) == (ObjectType.LEAD, StageMeaning.DISQUALIFIED)


def test_an_owner_is_a_user_with_two_ids() -> None:
    payload = {
        "id": "641085326",
        "userId": 62365053,
        "email": "a@example.com",
        "firstName": "Ada",
        "lastName": "L",
        "archived": False,
    }
    user = normalise("hubspot", "owners", payload)
    assert isinstance(user, User)
    assert (user.id, user.other_id, user.name, user.active) == ("641085326", "62365053", "Ada L", True)


@pytest.mark.parametrize(
    ("properties", "kind", "subject"),
    [
        ({"hs_call_title": "Discovery", "hs_call_status": "COMPLETED"}, "Call", "Discovery"),
        ({"hs_meeting_title": "Demo"}, "Meeting", "Demo"),
        ({"hs_email_subject": "Hello"}, "Email", "Hello"),
        ({"hs_task_subject": "Ring", "hs_task_type": "CALL"}, "CALL", "Ring"),
    ],
)
def test_an_engagement_is_told_by_its_properties(properties: dict[str, str], kind: str, subject: str) -> None:
    activity = normalise("hubspot", "activity", {"id": "1", "properties": properties})
    assert isinstance(activity, Activity)
    assert (activity.kind, activity.subject) == (kind, subject)


# Refusals ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("crm", "object_type", "payload", "field", "reason"),
    [
        ("salesforce", "lead", {}, "id", "missing_id"),
        ("salesforce", "lead", {"Id": ""}, "id", "missing_id"),
        ("salesforce", "lead", {"Id": "003ak000003dQCG"}, "id", "wrong_prefix"),
        ("salesforce", "lead", {"Id": "http://evil/x"}, "id", "bad_id"),
        ("salesforce", "lead", {"Id": ["x"]}, "id", "wrong_type"),
        ("salesforce", "lead", {"attributes": {"type": "Contact"}, "Id": LEAD}, "id", "wrong_object"),
        ("salesforce", "lead", {"Id": LEAD, "Email": "not an address"}, "email", "bad_email"),
        ("salesforce", "lead", {"Id": LEAD, "CreatedDate": "now"}, "created_at", "bad_datetime"),
        (
            "salesforce",
            "lead",
            {"Id": LEAD, "CreatedDate": "2026-01-01T10:00:00"},
            "created_at",
            "naive_datetime",
        ),
        ("salesforce", "lead", {"Id": LEAD, "LastName": "a\0"}, "last_name", "nul_character"),
        ("salesforce", "lead", {"Id": LEAD, "LastName": "\ud83d"}, "last_name", "lone_surrogate"),
        ("salesforce", "lead", {"Id": LEAD, "Status": {"a": 1}}, "stage", "wrong_type"),
        (
            "salesforce",
            "opportunity",
            {"Id": "006ak00000OQ4Rx", "Amount": float("inf")},
            "amount",
            "bad_number",
        ),
        (
            "salesforce",
            "opportunity",
            {"Id": "006ak00000OQ4Rx", "Amount": "1e400"},
            "amount",
            "number_out_of_range",
        ),
        ("salesforce", "opportunity", {"Id": "006ak00000OQ4Rx", "IsWon": "perhaps"}, "won", "bad_bool"),
        ("salesforce", "campaign_member", {"Id": "00vak00000OQ4Rx"}, "campaign_id", "missing_field"),
        ("hubspot", "contact", {"properties": {}}, "id", "missing_id"),
        ("hubspot", "contact", {"id": "12x"}, "id", "bad_id"),
        ("hubspot", "contact", {"id": "12", "properties": "text"}, "created_at", "wrong_type"),
        ("hubspot", "campaign", {"id": "9001"}, "id", "bad_id"),
        ("hubspot", "campaign_member", {"campaignGuid": GUID}, "id", "missing_id"),
        ("hubspot", "stage", {"pipelineId": "1", "id": "2", "objectType": "tickets"}, "of", "unknown_value"),
        (
            "hubspot",
            "lead",
            {"id": "1", "associations": {"companies": {"results": "x"}}},
            "account_id",
            "wrong_type",
        ),
        ("salesforce", "lead", [], "", "not_a_record"),
        ("salesforce", "lead", None, "", "not_a_record"),
        ("salesforce", "leed", {}, "", "unknown_object"),
        ("pipedrive", "lead", {}, "", "unknown_crm"),
    ],
)
def test_a_bad_payload_is_refused_by_field_and_reason(
    crm: str, object_type: str, payload: Any, field: str, reason: str
) -> None:
    error = refused(crm, object_type, payload)
    assert (error.field, error.reason) == (field, reason)


@pytest.mark.parametrize(
    "fields",
    [
        {"Email": "ada lovelace"},
        {"Phone": "\0 0170 55"},
        {"CreatedDate": "ada 1815"},
        {"ConvertedContactId": "ada 1815"},
    ],
)
def test_a_refusal_never_repeats_the_value(fields: dict[str, str]) -> None:
    error = refused("salesforce", "lead", {"Id": LEAD, **fields})
    assert not any(
        word in error.message for value in fields.values() for word in value.split() if len(word) > 1
    )


def test_an_engagement_of_an_unexpected_shape_is_refused() -> None:
    assert refused("hubspot", "activity", {"id": "1", "properties": "x"}).reason == "wrong_type"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("contacts", ObjectType.CONTACT),
        ("0-1", ObjectType.CONTACT),
        ("contact", ObjectType.CONTACT),
        ("0-2", ObjectType.ACCOUNT),
        ("company", ObjectType.ACCOUNT),
        ("0-3", ObjectType.OPPORTUNITY),
        ("deal", ObjectType.OPPORTUNITY),
        ("DEAL", ObjectType.OPPORTUNITY),
        ("0-136", ObjectType.LEAD),
        ("0-35", ObjectType.CAMPAIGN),
        ("tickets", None),
    ],
)
def test_hubspots_names_and_type_ids_are_known(
    hubspot: CrmMapping, name: str, expected: ObjectType | None
) -> None:
    assert hubspot.object_of(name) is expected


def test_what_to_ask_hubspot_for_are_property_names(hubspot: CrmMapping) -> None:
    asked = hubspot.fields(ObjectType.LEAD)
    assert "hs_lead_disqualification_reason" in asked
    assert len(asked) == len(set(asked))
    assert not any("." in name or name in {"id", "archived"} for name in asked)
    assert hubspot.history(ObjectType.LEAD) == ("hs_pipeline_stage",)
    assert hubspot.history(ObjectType.OPPORTUNITY) == ("dealstage",)


def test_what_to_ask_salesforce_for_are_fields_of_a_query(salesforce_mapping: CrmMapping) -> None:
    asked = salesforce_mapping.fields(ObjectType.LEAD)
    assert {"Id", "Disqualified_Reason__c", "SystemModstamp"} <= set(asked)
    assert not any(name.startswith("attributes") for name in asked)
    assert salesforce_mapping.fields(ObjectType.STAGE, "LeadStatus") == (
        "ApiName",
        "MasterLabel",
        "SortOrder",
    )
    assert salesforce_mapping.history(ObjectType.LEAD) == ()


@pytest.mark.parametrize("object_type", ObjectType)
def test_every_object_is_mapped_for_both_crms(
    object_type: ObjectType, hubspot: CrmMapping, salesforce_mapping: CrmMapping
) -> None:
    for mapping in (hubspot, salesforce_mapping):
        assert mapping.object_of(mapping.source(object_type)) is object_type
