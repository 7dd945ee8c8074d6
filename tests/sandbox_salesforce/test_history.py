"""What Salesforce notes about changes: stages always, other fields where they are tracked."""

from __future__ import annotations

from typing import Any

import pytest
from tests.sandbox_salesforce.conftest import Clock

from closedloop.sandbox.salesforce import Org, SalesforceSandbox

STAGES = "StageName, Amount, Probability, ForecastCategory, PrevAmount, PrevCloseDate, CreatedDate"


def test_every_change_of_a_stage_is_noted(http: Any, org: Org, opportunity: str, clock: Clock) -> None:
    clock.move(hours=1)
    org.update("Opportunity", opportunity, {"StageName": "Closed Won", "Amount": 9})
    org.update("Opportunity", opportunity, {"NextStep": "nothing that is noted"})
    soql = f"SELECT {STAGES} FROM OpportunityHistory ORDER BY CreatedDate"  # noqa: S608
    first, second = http.records(soql)
    assert (first["StageName"], first["Amount"], first["PrevAmount"]) == ("Prospecting", 12500.5, None)
    assert second == {
        "StageName": "Closed Won",
        "Amount": 9.0,
        "Probability": 100.0,
        "ForecastCategory": "Closed",
        "PrevAmount": 12500.5,
        "PrevCloseDate": "2026-12-31",
        "CreatedDate": "2026-11-20T15:03:07.000+0000",
    }
    row = org.get("Opportunity", opportunity)
    assert row["LastAmountChangedHistoryId"].startswith("008")
    assert row["LastCloseDateChangedHistoryId"] is None


def test_stages_are_read_as_children(http: Any, opportunity: str) -> None:
    rows = http.records("SELECT Id, (SELECT StageName FROM OpportunityHistories) FROM Opportunity")
    assert (rows[0]["Id"], rows[0]["OpportunityHistories"]["totalSize"]) == (opportunity, 1)


def test_fields_are_noted_from_when_they_are_tracked(http: Any, org: Org, lead: str) -> None:
    org.update("Lead", lead, {"Status": "Working - Contacted"})
    assert http.records("SELECT Id FROM LeadHistory") == []
    org.track("Lead", "Status", "Title")
    org.update("Lead", lead, {"Status": "Open - Not Contacted", "Company": "Other"})
    rows = http.records("SELECT LeadId, Field, DataType, OldValue, NewValue FROM LeadHistory")
    assert rows == [
        {
            "LeadId": lead,
            "Field": "Status",
            "DataType": "DynamicEnum",
            "OldValue": "Working - Contacted",
            "NewValue": "Open - Not Contacted",
        }
    ]


def test_a_lookup_is_noted_by_name_and_by_id(http: Any, org: Org, lead: str) -> None:
    org.track("Lead", "OwnerId")
    org.update("Lead", lead, {"OwnerId": org.integration_user_id})
    rows = http.records("SELECT Field, DataType, NewValue FROM LeadHistory ORDER BY DataType")
    assert rows == [
        {"Field": "Owner", "DataType": "EntityId", "NewValue": org.integration_user_id},
        {"Field": "Owner", "DataType": "Text", "NewValue": "Closed Loop Integration"},
    ]


def test_new_converted_and_merged_leads_are_noted(http: Any, org: Org, lead: str) -> None:
    org.track("Lead", "Status")
    other = org.insert("Lead", {"LastName": "B", "Company": "C"})
    org.merge("Lead", lead, other)
    org.convert_lead(lead)
    fields = [row["Field"] for row in http.records("SELECT Field FROM LeadHistory ORDER BY Id")]
    assert fields == ["created", "leadMerged", "Status", "leadConverted"]


def test_opportunities_have_a_history_of_fields_of_their_own(http: Any, org: Org, opportunity: str) -> None:
    org.track("Opportunity", "Amount")
    org.update("Opportunity", opportunity, {"Amount": 3})
    rows = http.records("SELECT Field, DataType, OldValue, NewValue FROM OpportunityFieldHistory")
    assert rows == [{"Field": "Amount", "DataType": "Currency", "OldValue": 12500.5, "NewValue": 3.0}]


def test_what_cannot_be_tracked_is_refused(org: Org) -> None:
    with pytest.raises(ValueError, match="keeps no history of Task"):
        org.track("Task", "Status")


def test_nobody_writes_history(http: Any) -> None:
    answer = http("POST", "/sobjects/LeadHistory", json={"Field": "x"})
    assert answer.json()[0]["errorCode"] == "INVALID_TYPE_FOR_OPERATION"


def test_a_validation_rule_refuses_with_its_own_words(http: Any, org: Org, lead: str) -> None:
    org.validate(
        "Lead",
        lambda row: row["Status"] == "Closed - Not Converted" and row["Disqualified_Reason__c"] is None,
        "Say why.",
        field="Disqualified_Reason__c",
    )
    body = {"Status": "Closed - Not Converted"}
    answer = http("PATCH", f"/sobjects/Lead/{lead}", json=body)
    assert (answer.status_code, answer.json()) == (
        400,
        [
            {
                "message": "Say why.",
                "errorCode": "FIELD_CUSTOM_VALIDATION_EXCEPTION",
                "fields": ["Disqualified_Reason__c"],
            }
        ],
    )
    new = body | {"LastName": "A", "Company": "B"}
    assert http("POST", "/sobjects/Lead", json=new).status_code == 400
    reason = {"Disqualified_Reason__c": "No budget"}
    assert http("PATCH", f"/sobjects/Lead/{lead}", json=body | reason).status_code == 204


def test_a_rule_sees_what_follows_from_a_change(http: Any, org: Org, opportunity: str) -> None:
    org.validate("Opportunity", lambda row: row["IsWon"] and row["Probability"] == 100, "Not yet.")
    answer = http("PATCH", f"/sobjects/Opportunity/{opportunity}", json={"StageName": "Closed Won"})
    assert answer.json()[0]["fields"] == []


def test_a_converted_lead_leaves_one_membership_a_campaign(org: Org, campaign: str, lead: str) -> None:
    contact = org.insert("Contact", {"LastName": "C"})
    org.insert("CampaignMember", {"CampaignId": campaign, "ContactId": contact, "Status": "Responded"})
    org.insert("CampaignMember", {"CampaignId": campaign, "LeadId": lead})
    other = org.insert("Campaign", {"Name": "Other"})
    org.insert("CampaignMember", {"CampaignId": other, "LeadId": lead})
    made = org.convert_lead(lead, opportunity={})
    members = org.rows("CampaignMember")
    assert {(m["CampaignId"], m["ContactId"]) for m in members} == {
        (campaign, contact),
        (campaign, made.contact_id),
        (other, made.contact_id),
    }
    assert org.get("Opportunity", made.opportunity_id or "")["CampaignId"] == other


def test_costs_are_summed_over_a_hierarchy(org: Org, campaign: str) -> None:
    org.insert("Campaign", {"Name": "Child", "ParentId": campaign, "BudgetedCost": 5, "NumberSent": 2})
    org.update("Campaign", campaign, {"BudgetedCost": 7})
    row = org.get("Campaign", campaign)
    assert (row["HierarchyBudgetedCost"], row["HierarchyNumberSent"], row["HierarchyActualCost"]) == (
        12,
        2,
        0,
    )


ROWS: dict[str, list[dict[str, Any]]] = {
    "Account": [{"Name": "A", "AnnualRevenue": 5, "NumberOfEmployees": "7"}],
    "Campaign": [{"Name": "C", "IsActive": True}],
    "Lead": [{"LastName": "L", "Company": "B", "Email": "L@example.com"}],
    "Opportunity": [{"Name": "O", "StageName": "Closed Won", "CloseDate": "2026-12-31", "Amount": 5}],
    "Task": [{"Subject": "T", "Status": "Completed"}],
    "User": [{"Username": "u@example.com", "LastName": "U", "Email": "u@example.com"}],
}


@pytest.mark.parametrize("sobject", ROWS)
def test_records_loaded_are_those_that_inserts_leave(sobject: str, clock: Clock) -> None:
    one, other = (SalesforceSandbox(clock=clock).org for _ in range(2))
    loaded = one.load(sobject, ROWS[sobject], by=one.admin_id)
    inserted = [other.insert(sobject, row) for row in ROWS[sobject]]
    assert [one.get(sobject, i) for i in loaded] == [other.get(sobject, i) for i in inserted]
    for kind in one.objects:
        assert len(one.rows(kind.name)) == len(other.rows(kind.name)), kind.name


def test_loaded_records_have_their_own_past(org: Org, clock: Clock) -> None:
    (lead,) = org.load(
        "Lead", [{"LastName": "L", "Company": "B", "CreatedDate": "2025-01-01T00:00:00Z"}], by=org.admin_id
    )
    row = org.get("Lead", lead)
    assert row["CreatedDate"] == row["LastModifiedDate"] == row["SystemModstamp"] < clock.now
    campaign, contact = org.load("Campaign", [{"Name": "C"}])[0], org.load("Contact", [{"LastName": "D"}])[0]
    org.load("CampaignMember", [{"CampaignId": campaign, "ContactId": contact, "Status": "Responded"}])
    assert org.get("Campaign", campaign)["NumberOfResponses"] == 1
    assert org.rows("CampaignMember")[0]["FirstRespondedDate"] == clock.now.date()
    assert [row["Id"] for row in org.tables.where("Lead", "OwnerId", org.admin_id)] == [lead]
