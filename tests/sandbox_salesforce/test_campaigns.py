"""Campaigns: their members, what Salesforce computes of them, and what Closed Loop writes on them."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from closedloop.sandbox.salesforce import Org, Refusal


def rollups(org: Org, campaign: str, *, prefix: str = "") -> dict[str, Any]:
    row = org.get("Campaign", campaign)
    names = ("Leads", "ConvertedLeads", "Contacts", "Responses", "Opportunities", "WonOpportunities")
    return {name: row[f"{prefix}NumberOf{name}"] for name in names}


def test_a_new_campaign_has_two_member_statuses(http: Any, campaign: str) -> None:
    rows = http.records("SELECT Label, IsDefault, HasResponded FROM CampaignMemberStatus ORDER BY SortOrder")
    assert rows == [
        {"Label": "Sent", "IsDefault": True, "HasResponded": False},
        {"Label": "Responded", "IsDefault": False, "HasResponded": True},
    ]


def test_a_member_starts_with_the_default_status(org: Org, campaign: str, lead: str) -> None:
    org.insert("CampaignMemberStatus", {"CampaignId": campaign, "Label": "Invited", "IsDefault": True})
    member = org.insert("CampaignMember", {"CampaignId": campaign, "LeadId": lead})
    assert org.get("CampaignMember", member)["Status"] == "Invited"
    defaults = [row["Label"] for row in org.rows("CampaignMemberStatus") if row["IsDefault"]]
    assert defaults == ["Invited"]


def test_a_response_is_dated_once(org: Org, clock: Any, campaign: str, lead: str) -> None:
    member = org.insert("CampaignMember", {"CampaignId": campaign, "LeadId": lead})
    assert (org.get("CampaignMember", member)["HasResponded"], rollups(org, campaign)["Responses"]) == (
        False,
        0,
    )
    org.update("CampaignMember", member, {"Status": "Responded"})
    clock.move(days=3)
    org.update("CampaignMember", member, {"Status": "Sent"})
    org.update("CampaignMember", member, {"Status": "Responded"})
    row = org.get("CampaignMember", member)
    assert (row["HasResponded"], row["FirstRespondedDate"]) == (True, date(2026, 11, 20))
    assert rollups(org, campaign)["Responses"] == 1


def test_a_disposition_on_the_member_does_not_flip_its_response(org: Org, campaign: str, lead: str) -> None:
    member = org.insert("CampaignMember", {"CampaignId": campaign, "LeadId": lead})
    org.update("CampaignMember", member, {"Closed_Loop_Outcome__c": "Lost", "Closed_Loop_Reason__c": "Price"})
    assert org.get("CampaignMember", member)["HasResponded"] is False


@pytest.mark.parametrize("status", ["Attended", "responded ", "", None])
def test_a_status_of_another_campaign_is_refused(http: Any, campaign: str, lead: str, status: Any) -> None:
    body = {"CampaignId": campaign, "LeadId": lead}
    made = http("POST", "/sobjects/CampaignMember", json=body).json()["id"]
    answer = http("PATCH", f"/sobjects/CampaignMember/{made}", json={"Status": status})
    assert answer.json()[0]["errorCode"] == "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"


def test_nobody_is_a_member_twice(http: Any, campaign: str, lead: str) -> None:
    body = {"CampaignId": campaign, "LeadId": lead}
    assert http("POST", "/sobjects/CampaignMember", json=body).status_code == 201
    answer = http("POST", "/sobjects/CampaignMember", json=body)
    assert (answer.status_code, answer.json()) == (
        400,
        [{"message": "Already a campaign member.", "errorCode": "DUPLICATE_VALUE", "fields": []}],
    )


def test_a_member_who_left_may_come_back(org: Org, campaign: str, lead: str) -> None:
    member = org.insert("CampaignMember", {"CampaignId": campaign, "LeadId": lead})
    org.delete("CampaignMember", member)
    assert org.insert("CampaignMember", {"CampaignId": campaign, "LeadId": lead}) != member


@pytest.mark.parametrize("fields", [{}, {"Status": "Sent"}])
def test_a_member_is_somebody(org: Org, campaign: str, fields: dict[str, Any]) -> None:
    with pytest.raises(Refusal, match="REQUIRED_FIELD_MISSING"):
        org.insert("CampaignMember", {"CampaignId": campaign, **fields})


def test_members_cannot_change_the_campaign_or_the_person(
    http: Any, org: Org, campaign: str, lead: str
) -> None:
    member = org.insert("CampaignMember", {"CampaignId": campaign, "LeadId": lead})
    answer = http("PATCH", f"/sobjects/CampaignMember/{member}", json={"CampaignId": campaign})
    assert answer.json()[0]["errorCode"] == "INVALID_FIELD_FOR_INSERT_UPDATE"


def test_a_member_shows_the_person_as_they_are_now(org: Org, campaign: str, lead: str) -> None:
    member = org.insert("CampaignMember", {"CampaignId": campaign, "LeadId": lead})
    org.update("Lead", lead, {"Email": "new@example.com"})
    row = org.get("CampaignMember", member)
    assert (row["Name"], row["Email"], row["CompanyOrAccount"]) == ("Lena Lead", "new@example.com", "Acme")
    assert (row["Type"], row["LeadOrContactId"]) == ("Lead", lead)


def test_rollups_count_by_primary_campaign_source(org: Org, campaign: str, opportunity: str) -> None:
    account = org.insert("Account", {"Name": "Acme"})
    contact = org.insert("Contact", {"LastName": "Clara", "AccountId": account})
    org.insert("CampaignMember", {"CampaignId": campaign, "ContactId": contact, "Status": "Responded"})
    assert rollups(org, campaign)["Opportunities"] == 0
    org.update("Opportunity", opportunity, {"CampaignId": campaign, "StageName": "Closed Won"})
    assert rollups(org, campaign) == {
        "Leads": 0,
        "ConvertedLeads": 0,
        "Contacts": 1,
        "Responses": 1,
        "Opportunities": 1,
        "WonOpportunities": 1,
    }
    assert str(org.get("Campaign", campaign)["AmountWonOpportunities"]) == "12500.50"
    org.delete("Opportunity", opportunity)
    assert rollups(org, campaign)["Opportunities"] == 0


def test_hierarchy_rollups_add_the_campaigns_below(org: Org, campaign: str, lead: str) -> None:
    child = org.insert("Campaign", {"Name": "Follow-up", "ParentId": campaign})
    org.insert("CampaignMember", {"CampaignId": child, "LeadId": lead})
    assert rollups(org, campaign)["Leads"] == 0
    assert rollups(org, campaign, prefix="Hierarchy")["Leads"] == 1
    with pytest.raises(Refusal, match="CIRCULAR_DEPENDENCY"):
        org.update("Campaign", campaign, {"ParentId": child})


def test_rollups_do_not_touch_the_campaign(org: Org, clock: Any, campaign: str, lead: str) -> None:
    before = org.get("Campaign", campaign)["SystemModstamp"]
    clock.move(hours=1)
    org.insert("CampaignMember", {"CampaignId": campaign, "LeadId": lead})
    assert org.get("Campaign", campaign)["SystemModstamp"] == before


def test_the_reason_rows_of_a_campaign_have_unique_keys(http: Any, campaign: str) -> None:
    row = {"Closed_Loop_Key__c": f"{campaign}|lost|price", "Campaign__c": campaign, "Credit__c": "0.3333334"}
    made = http("POST", "/sobjects/Closed_Loop_Campaign_Reason__c", json=row).json()["id"]
    again = http("POST", "/sobjects/Closed_Loop_Campaign_Reason__c", json=row).json()[0]
    assert again["errorCode"] == "DUPLICATE_VALUE"
    assert again["message"].endswith(f"duplicates value on record with id: {made[:15]}")
    children = http.query(
        "SELECT (SELECT Credit__c, Campaign__r.Name FROM Closed_Loop_Campaign_Reasons__r) FROM Campaign"
    )["records"][0]["Closed_Loop_Campaign_Reasons__r"]["records"]
    assert (children[0]["Credit__c"], children[0]["Campaign__r"]["Name"]) == (0.333333, "Autumn webinar")


def test_statuses_that_are_needed_cannot_be_deleted(org: Org, campaign: str, lead: str) -> None:
    statuses = {row["Label"]: row["Id"] for row in org.rows("CampaignMemberStatus")}
    with pytest.raises(Refusal):
        org.delete("CampaignMemberStatus", statuses["Sent"])
    member = org.insert("CampaignMember", {"CampaignId": campaign, "LeadId": lead, "Status": "Responded"})
    with pytest.raises(Refusal):
        org.delete("CampaignMemberStatus", statuses["Responded"])
    org.delete("CampaignMember", member)
    org.delete("CampaignMemberStatus", statuses["Responded"])
