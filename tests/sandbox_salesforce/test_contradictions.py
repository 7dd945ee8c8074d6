"""What would leave records that contradict each other is refused, or followed through."""

from __future__ import annotations

from typing import Any

import pytest

from closedloop.sandbox.salesforce import Org, Refusal
from closedloop.sandbox.salesforce.records.recycling import undelete


def statuses(org: Org, campaign: str) -> dict[str, str]:
    rows = org.rows("CampaignMemberStatus")
    return {row["Label"]: row["Id"] for row in rows if row["CampaignId"] == campaign}


@pytest.mark.parametrize(
    ("sobject", "fields", "above"),
    [
        ("Account", {"Name": "Acme"}, "ParentId"),
        ("Campaign", {"Name": "Spring"}, "ParentId"),
        ("Contact", {"LastName": "Low"}, "ReportsToId"),
    ],
)
def test_nothing_stands_below_itself(
    org: Org, http: Any, sobject: str, fields: dict[str, str], above: str
) -> None:
    top = org.insert(sobject, fields)
    middle = org.insert(sobject, {**fields, above: top})
    low = org.insert(sobject, {**fields, above: middle})
    for under in (top, low):
        answer = http("PATCH", f"/sobjects/{sobject}/{top}", json={above: under})
        assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, "CIRCULAR_DEPENDENCY")
    assert org.get(sobject, top)[above] is None


def test_a_deep_hierarchy_is_added_up(org: Org, http: Any, lead: str) -> None:
    campaign = top = org.insert("Campaign", {"Name": "0"})
    for depth in range(1, 1100):
        campaign = org.insert("Campaign", {"Name": f"{depth}", "ParentId": campaign})
    org.insert("CampaignMember", {"CampaignId": campaign, "LeadId": lead})
    answer = http("GET", f"/sobjects/Campaign/{top}?fields=HierarchyNumberOfLeads")
    assert answer.json()["HierarchyNumberOfLeads"] == 1


def test_merging_with_what_stands_above_leaves_no_circle(org: Org) -> None:
    top = org.insert("Account", {"Name": "Top"})
    middle = org.insert("Account", {"Name": "Middle", "ParentId": top})
    low = org.insert("Account", {"Name": "Low", "ParentId": middle})
    org.merge("Account", low, top)
    assert (org.get("Account", low)["ParentId"], org.get("Account", middle)["ParentId"]) == (middle, None)
    org.merge("Account", low, middle)
    assert org.get("Account", low)["ParentId"] is None


def test_a_converted_lead_is_not_merged(org: Org, lead: str) -> None:
    other = org.insert("Lead", {"LastName": "Other", "Company": "Acme"})
    org.convert_lead(lead)
    for master, merged in ((lead, other), (other, lead)):
        with pytest.raises(Refusal, match="CANNOT_UPDATE_CONVERTED_LEAD"):
            org.merge("Lead", master, merged)


def test_a_locked_lead_is_not_converted(org: Org, lead: str) -> None:
    org.lock_record(lead)
    with pytest.raises(Refusal, match="UNABLE_TO_LOCK_ROW"):
        org.convert_lead(lead)
    assert not org.rows("Contact")


def test_the_member_of_a_converted_lead_outlives_it(org: Org, lead: str, campaign: str) -> None:
    member = org.insert("CampaignMember", {"CampaignId": campaign, "LeadId": lead})
    contact = org.convert_lead(lead).contact_id
    org.delete("Lead", lead)
    row = org.get("CampaignMember", member)
    assert (row["LeadId"], row["ContactId"]) == (None, contact)
    assert org.get("Campaign", campaign)["NumberOfContacts"] == 1


def test_a_member_whose_place_is_taken_stays_in_the_bin(org: Org, lead: str, campaign: str) -> None:
    fields = {"CampaignId": campaign, "LeadId": lead}
    old = org.insert("CampaignMember", fields)
    org.delete("CampaignMember", old)
    new = org.insert("CampaignMember", fields)
    with pytest.raises(Refusal, match="Already a campaign member"):
        undelete(org, old)
    assert [row["Id"] for row in org.rows("CampaignMember")] == [new]


def test_a_unique_value_that_is_taken_keeps_a_record_in_the_bin(org: Org, campaign: str) -> None:
    fields = {"Campaign__c": campaign, "Closed_Loop_Key__c": "k"}
    old = org.insert("Closed_Loop_Campaign_Reason__c", fields)
    org.delete("Closed_Loop_Campaign_Reason__c", old)
    org.insert("Closed_Loop_Campaign_Reason__c", fields)
    with pytest.raises(Refusal, match="DUPLICATE_VALUE"):
        undelete(org, old)


def test_nothing_comes_back_without_its_parent(org: Org, clock: Any) -> None:
    account = org.insert("Account", {"Name": "Acme"})
    contact = org.insert("Contact", {"LastName": "Low", "AccountId": account})
    campaign = org.insert("Campaign", {"Name": "Spring"})
    member = org.insert("CampaignMember", {"CampaignId": campaign, "ContactId": contact})
    org.delete("Account", account)
    org.delete("Campaign", campaign)
    with pytest.raises(Refusal, match="UNDELETE_FAILED"):
        undelete(org, contact)
    undelete(org, account)
    assert [row["Id"] for row in org.rows("Contact")] == [contact]
    assert not org.rows("CampaignMember")
    clock.move(seconds=1)
    with pytest.raises(Refusal, match="UNDELETE_FAILED"):
        undelete(org, member)


def test_what_lost_a_merge_is_a_record_of_its_own_once_it_is_back(org: Org, lead: str) -> None:
    other = org.insert("Lead", {"LastName": "Other", "Company": "Acme"})
    org.merge("Lead", lead, other)
    undelete(org, other)
    assert org.get("Lead", other)["MasterRecordId"] is None


def test_members_keep_a_status_that_is_renamed(org: Org, lead: str, campaign: str) -> None:
    status = {"CampaignId": campaign, "LeadId": lead, "Status": "Responded"}
    member = org.insert("CampaignMember", status)
    org.update("CampaignMemberStatus", statuses(org, campaign)["Responded"], {"Label": "Came"})
    row = org.get("CampaignMember", member)
    assert (row["Status"], row["HasResponded"]) == ("Came", True)
    assert org.get("Campaign", campaign)["NumberOfResponses"] == 1


def test_a_campaign_has_no_status_twice(http: Any, campaign: str) -> None:
    body = {"CampaignId": campaign, "Label": "Responded", "SortOrder": 5}
    answer = http("POST", "/sobjects/CampaignMemberStatus", json=body)
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, "DUPLICATE_VALUE")


def test_a_member_has_a_status_though_none_is_the_default(org: Org, lead: str, campaign: str) -> None:
    org.update("CampaignMemberStatus", statuses(org, campaign)["Sent"], {"IsDefault": False})
    member = org.insert("CampaignMember", {"CampaignId": campaign, "LeadId": lead})
    assert org.get("CampaignMember", member)["Status"] == "Sent"


@pytest.mark.parametrize("own", [True, False])
def test_all_or_none_holds_for_collections_within(http: Any, org: Org, own: bool) -> None:
    records = [{"attributes": {"type": "Lead"}, "LastName": "Good", "Company": "Acme"}]
    records.append({"attributes": {"type": "Lead"}, "LastName": "No company"})
    base = "/services/data/v62.0"
    parts = [
        {"method": "POST", "url": f"{base}/sobjects/Account", "referenceId": "a", "body": {"Name": "Acme"}},
        {
            "method": "POST",
            "url": f"{base}/composite/sobjects",
            "referenceId": "b",
            "body": {"allOrNone": own, "records": records},
        },
        {"method": "POST", "url": f"{base}/sobjects/Account", "referenceId": "c", "body": {"Name": "Last"}},
    ]
    body = {"allOrNone": True, "compositeRequest": parts}
    first, second, third = http("POST", "/composite", json=body).json()["compositeResponse"]
    assert {p["body"][0]["errorCode"] for p in (first, third)} == {"PROCESSING_HALTED"}
    assert [row["success"] for row in second["body"]] == [not own, False]
    assert not org.rows("Account")
    assert not org.rows("Lead")
    graphless = http("POST", "/composite", json={**body, "allOrNone": False}).json()["compositeResponse"]
    assert [part["httpStatusCode"] for part in graphless] == [201, 200, 201]


@pytest.mark.parametrize(
    ("given", "kept"),
    [("a\x00b\x1f", "ab"), ("\ud800z", "?z"), ("two\nlines\t", "two\nlines"), ("é💥", "é💥")],
)
def test_text_that_no_wire_can_carry_is_mended_when_it_is_stored(
    http: Any, org: Org, receiver: Any, given: str, kept: str
) -> None:
    org.subscribe("Lead", ["LastName"], receiver.url, when_changed=["LastName"])
    made = http("POST", "/sobjects/Lead", json={"LastName": given, "Company": "Acme"}).json()["id"]
    assert org.get("Lead", made)["LastName"] == kept
    assert org.settle()
    assert kept in receiver.bodies[0].decode()
    job = http("POST", "/jobs/query", json={"operation": "query", "query": "SELECT LastName FROM Lead"})
    path = f"/jobs/query/{job.json()['id']}"
    assert http("GET", path).json()["state"] == "JobComplete"
    results = http("GET", f"{path}/results")
    assert (results.status_code, kept in results.text) == (200, True)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("CloseDate", "20261231"),
        ("CloseDate", "2026-W01-1"),
        ("CloseDate", "2026-12-31later"),
        ("Amount", "1_000"),
        ("Amount", "٣"),
        ("Amount", "1,000"),
    ],
)
def test_what_is_nearly_a_date_or_number_is_none(http: Any, field: str, value: str) -> None:
    body = {"Name": "Deal", "StageName": "Prospecting", "CloseDate": "2026-12-31", field: value}
    answer = http("POST", "/sobjects/Opportunity", json=body)
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, "JSON_PARSER_ERROR")
