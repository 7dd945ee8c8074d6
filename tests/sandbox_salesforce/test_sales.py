"""Opportunities and their stages, leads and their conversion, and who changed what when."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from closedloop.sandbox.salesforce import Org, Refusal


@pytest.mark.parametrize(
    ("stage", "decided"),
    [
        ("Prospecting", (False, False, 10, "Pipeline")),
        ("Closed Won", (True, True, 100, "Closed")),
        ("Closed Lost", (True, False, 0, "Omitted")),
    ],
)
def test_the_stage_decides(
    org: Org, opportunity: str, stage: str, decided: tuple[bool, bool, int, str]
) -> None:
    org.update("Opportunity", opportunity, {"StageName": stage})
    row = org.get("Opportunity", opportunity)
    assert (row["IsClosed"], row["IsWon"], row["Probability"], row["ForecastCategoryName"]) == decided


def test_a_stage_nobody_defined_is_open(org: Org) -> None:
    # Recorded: StageName "In Progress" is accepted in an org that has no such stage.
    fields = {"Name": "X", "StageName": "In Progress", "CloseDate": "2026-12-31"}
    row = org.get("Opportunity", org.insert("Opportunity", fields))
    assert (row["IsClosed"], row["IsWon"], row["Probability"]) == (False, False, None)


def test_a_given_probability_stays(org: Org, opportunity: str) -> None:
    org.update("Opportunity", opportunity, {"StageName": "Qualification", "Probability": 33})
    row = org.get("Opportunity", opportunity)
    assert (row["Probability"], float(row["ExpectedRevenue"])) == (33, 4125.165)


def test_the_stage_change_is_dated(org: Org, clock: Any, opportunity: str) -> None:
    assert org.get("Opportunity", opportunity)["LastStageChangeDate"] is None
    clock.move(hours=2)
    org.update("Opportunity", opportunity, {"StageName": "Closed Lost"})
    clock.move(hours=2)
    org.update("Opportunity", opportunity, {"Loss_Reason__c": "Price"})
    row = org.get("Opportunity", opportunity)
    assert row["LastStageChangeDate"] == datetime(2026, 11, 20, 16, 3, 7, tzinfo=UTC)
    assert row["SystemModstamp"] == datetime(2026, 11, 20, 18, 3, 7, tzinfo=UTC)


def test_times_have_no_fractions_and_answers_no_colon_in_the_zone(http: Any, lead: str) -> None:
    assert http.records("SELECT CreatedDate FROM Lead") == [{"CreatedDate": "2026-11-20T14:03:07.000+0000"}]


def test_who_changed_what_when_is_kept(http: Any, org: Org, clock: Any, lead: str) -> None:
    rep = org.insert("User", {"LastName": "Rep", "Email": "rep@example.com", "Username": "rep@example.com"})
    clock.move(minutes=5)
    org.update("Lead", lead, {"Status": "Working - Contacted"}, by=rep)
    row = org.get("Lead", lead)
    assert (row["CreatedById"], row["LastModifiedById"], row["OwnerId"]) == (org.admin_id, rep, org.admin_id)
    assert row["LastModifiedDate"] > row["CreatedDate"]
    http("PATCH", f"/sobjects/Lead/{lead}", json={"Title": "CFO"})
    assert org.get("Lead", lead)["LastModifiedById"] == org.integration_user_id


def test_the_past_can_be_told(org: Org) -> None:
    at = datetime(2026, 1, 5, 8, tzinfo=UTC)
    row = org.get("Account", org.insert("Account", {"Name": "Old"}, at=at))
    assert row["CreatedDate"] == row["SystemModstamp"] == at


def test_a_naive_time_is_no_time(org: Org) -> None:
    with pytest.raises(ValueError, match="naive"):
        org.insert("Account", {"Name": "Old"}, at=datetime(2026, 1, 5))  # noqa: DTZ001


def test_the_contact_of_a_new_opportunity_is_its_primary_role(org: Org) -> None:
    first, second = (org.insert("Contact", {"LastName": name}) for name in ("First", "Second"))
    fields = {"Name": "X", "StageName": "Prospecting", "CloseDate": "2026-12-31", "ContactId": first}
    opportunity = org.insert("Opportunity", fields)
    assert org.get("Opportunity", opportunity)["ContactId"] == first
    role = {"OpportunityId": opportunity, "ContactId": second, "IsPrimary": True}
    org.insert("OpportunityContactRole", role)
    assert org.get("Opportunity", opportunity)["ContactId"] == second
    assert [r["ContactId"] for r in org.rows("OpportunityContactRole") if r["IsPrimary"]] == [second]


@pytest.fixture
def converted(org: Org, clock: Any, lead: str) -> Any:
    """The lead was in two campaigns, one of which is newer, and has been converted."""
    older = org.insert("Campaign", {"Name": "Older"})
    newer = org.insert("Campaign", {"Name": "Newer"})
    members = {
        older: org.insert("CampaignMember", {"CampaignId": older, "LeadId": lead, "Status": "Responded"})
    }
    clock.move(days=1)
    members[newer] = org.insert("CampaignMember", {"CampaignId": newer, "LeadId": lead})
    task = org.insert("Task", {"WhoId": lead, "Subject": "Call", "Status": "Completed"})
    return org.convert_lead(lead, opportunity={"Amount": 900}), older, newer, members, task


def test_a_converted_lead_points_to_what_it_became(org: Org, lead: str, converted: Any) -> None:
    result = converted[0]
    row = org.get("Lead", lead)
    assert (row["IsConverted"], row["Status"], row["ConvertedDate"]) == (
        True,
        "Closed - Converted",
        date(2026, 11, 21),
    )
    assert row["ConvertedContactId"] == result.contact_id
    assert (
        row["ConvertedAccountId"] == org.get("Contact", result.contact_id)["AccountId"] == result.account_id
    )
    assert org.get("Contact", result.contact_id)["Email"] == "lena@example.com"
    assert org.get("Account", result.account_id)["Name"] == "Acme"


def test_the_opportunity_gets_the_most_recent_campaign_responded_or_not(org: Org, converted: Any) -> None:
    result, _, newer, _, _ = converted
    row = org.get("Opportunity", result.opportunity_id)
    assert (row["CampaignId"], row["ContactId"], float(row["Amount"])) == (newer, result.contact_id, 900.0)
    assert row["CloseDate"] == date(2026, 12, 31)


def test_members_and_tasks_move_to_the_contact(org: Org, lead: str, converted: Any) -> None:
    result, older, _, members, task = converted
    row = org.get("CampaignMember", members[older])
    assert (row["ContactId"], row["LeadOrContactId"], row["Type"]) == (
        result.contact_id,
        result.contact_id,
        "Contact",
    )
    assert row["HasResponded"] is True
    assert org.get("Task", task)["WhoId"] == result.contact_id
    campaign = org.get("Campaign", older)
    assert (campaign["NumberOfLeads"], campaign["NumberOfConvertedLeads"]) == (0, 1)


def test_a_converted_lead_refuses_changes(http: Any, org: Org, lead: str, converted: Any) -> None:
    expected = [
        {
            "message": "cannot reference converted lead",
            "errorCode": "CANNOT_UPDATE_CONVERTED_LEAD",
            "fields": [],
        }
    ]
    assert http("PATCH", f"/sobjects/Lead/{lead}", json={"Title": "CFO"}).json() == expected
    campaign = org.insert("Campaign", {"Name": "Third"})
    member = {"CampaignId": campaign, "LeadId": lead}
    assert http("POST", "/sobjects/CampaignMember", json=member).json() == expected
    with pytest.raises(Refusal, match="CANNOT_UPDATE_CONVERTED_LEAD"):
        org.convert_lead(lead)


def test_a_lead_may_be_converted_without_an_opportunity(org: Org, lead: str) -> None:
    assert org.convert_lead(lead).opportunity_id is None
    assert org.get("Lead", lead)["ConvertedOpportunityId"] is None


def test_a_conversion_that_fails_leaves_nothing_behind(org: Org, lead: str) -> None:
    with pytest.raises(Refusal):
        org.convert_lead(lead, opportunity={"Foo": 1})
    assert org.rows("Account") == org.rows("Contact") == []
    assert org.get("Lead", lead)["IsConverted"] is False


def test_the_lead_of_a_queue_is_converted_to_the_one_who_does_it(org: Org, lead: str) -> None:
    queue = org.insert("Group", {"Name": "Inbound", "Type": "Queue"})
    org.update("Lead", lead, {"OwnerId": queue})
    converted = org.convert_lead(lead, by=org.admin_id)
    assert org.get("Contact", converted.contact_id)["OwnerId"] == org.admin_id


def test_a_deleted_record_takes_its_own_along_and_leaves_the_rest(
    http: Any, org: Org, campaign: str, lead: str, opportunity: str
) -> None:
    member = org.insert("CampaignMember", {"CampaignId": campaign, "LeadId": lead})
    org.update("Opportunity", opportunity, {"CampaignId": campaign})
    assert http("DELETE", f"/sobjects/Campaign/{campaign}").status_code == 204
    assert org.get("Opportunity", opportunity)["CampaignId"] is None
    assert org.get("Lead", lead)["IsDeleted"] is False
    rows = http("GET", "/queryAll", params={"q": "SELECT Id, IsDeleted FROM CampaignMember"}).json()[
        "records"
    ]
    assert [(row["Id"], row["IsDeleted"]) for row in rows] == [(member, True)]
    assert http.query("SELECT count() FROM CampaignMember")["totalSize"] == 0


@pytest.mark.parametrize(
    ("method", "code"),
    [("GET", "NOT_FOUND"), ("PATCH", "ENTITY_IS_DELETED"), ("DELETE", "ENTITY_IS_DELETED")],
)
def test_a_deleted_record_is_gone(http: Any, org: Org, lead: str, method: str, code: str) -> None:
    org.delete("Lead", lead)
    answer = http(method, f"/sobjects/Lead/{lead}", json={"Title": "CFO"} if method == "PATCH" else None)
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (404, code)


def test_nothing_refers_to_a_deleted_record(http: Any, org: Org, campaign: str, lead: str) -> None:
    org.delete("Lead", lead)
    answer = http("POST", "/sobjects/CampaignMember", json={"CampaignId": campaign, "LeadId": lead})
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, "ENTITY_IS_DELETED")


def test_a_finished_task_is_closed_and_belongs_to_the_account(org: Org) -> None:
    account = org.insert("Account", {"Name": "Acme"})
    contact = org.insert("Contact", {"LastName": "Clara", "AccountId": account})
    task = org.insert("Task", {"WhoId": contact, "Subject": "Call", "TaskSubtype": "Call"})
    assert (org.get("Task", task)["Status"], org.get("Task", task)["IsClosed"]) == ("Not Started", False)
    org.update("Task", task, {"Status": "Completed", "CallDisposition": "Left voicemail"})
    row = org.get("Task", task)
    assert (row["IsClosed"], row["AccountId"]) == (True, account)
    assert row["CompletedDateTime"] is not None


def test_a_merged_lead_names_its_master_and_leaves_its_members_to_it(
    http: Any, org: Org, campaign: str, lead: str
) -> None:
    other = org.insert("Lead", {"LastName": "Lead", "Company": "Acme GmbH"})
    second = org.insert("Campaign", {"Name": "Second"})
    both = org.insert("CampaignMember", {"CampaignId": campaign, "LeadId": lead})
    org.insert("CampaignMember", {"CampaignId": campaign, "LeadId": other})
    moved = org.insert("CampaignMember", {"CampaignId": second, "LeadId": other})
    org.merge("Lead", lead, other)
    answer = http(
        "GET", "/queryAll", params={"q": "SELECT Id, MasterRecordId FROM Lead WHERE IsDeleted = true"}
    )
    assert [(row["Id"], row["MasterRecordId"]) for row in answer.json()["records"]] == [(other, lead)]
    assert {row["Id"]: row["LeadId"] for row in org.rows("CampaignMember")} == {both: lead, moved: lead}


def test_only_people_and_accounts_are_merged(org: Org, lead: str, opportunity: str) -> None:
    with pytest.raises(Refusal, match="INVALID_OPERATION"):
        org.merge("Lead", lead, lead)
    with pytest.raises(Refusal, match="INVALID_OPERATION"):
        org.merge("Opportunity", opportunity, opportunity)
