"""The vendor world's own client, unmodified, against the sandbox."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from simple_salesforce.api import Salesforce
from simple_salesforce.exceptions import (
    SalesforceAuthenticationFailed,
    SalesforceExpiredSession,
    SalesforceMalformedRequest,
    SalesforceMoreThanOneRecord,
    SalesforceRefusedRequest,
    SalesforceResourceNotFound,
)
from simple_salesforce.format import format_soql

from closedloop.sandbox.salesforce import Org, Refusal, SalesforceSandbox


def test_a_record_is_made_read_changed_and_deleted(client: Any, org: Org) -> None:
    made = client.Lead.create({"LastName": "Lovelace", "Company": "Analytical"})
    assert made["success"] is True
    assert client.Lead.get(made["id"])["Name"] == "Lovelace"
    assert client.Lead.update(made["id"], {"Status": "Working - Contacted"}) == 204
    assert org.get("Lead", made["id"])["Status"] == "Working - Contacted"
    assert client.Lead.delete(made["id"]) == 204
    with pytest.raises(SalesforceResourceNotFound):
        client.Lead.get(made["id"])


def test_a_record_is_found_and_upserted_by_its_external_id(client: Any, campaign: str) -> None:
    reasons = client.Closed_Loop_Campaign_Reason__c
    key = f"Closed_Loop_Key__c/{campaign}|lost|price"
    assert reasons.upsert(key, {"Campaign__c": campaign, "Credit__c": 2.5}) == 201
    assert reasons.upsert(key, {"Credit__c": 3}) == 200
    assert reasons.get_by_custom_id("Closed_Loop_Key__c", f"{campaign}|lost|price")["Credit__c"] == 3.0


def test_several_matches_of_a_lookup_field_are_named(client: Any, org: Org) -> None:
    for name in ("One", "Two"):
        org.insert("Contact", {"LastName": name, "Email": "shared@example.com"})
    with pytest.raises(SalesforceMoreThanOneRecord) as caught:
        client.Contact.upsert("Email/shared@example.com", {"LastName": "Three"})
    assert len(caught.value.content) == 2


def test_queries_come_in_pages(client: Any, org: Org) -> None:
    made = [org.insert("Account", {"Name": f"Account {number:03}"}) for number in range(450)]
    small = {"Sforce-Query-Options": "batchSize=200"}
    first = client.query("SELECT Id FROM Account ORDER BY Name", headers=small)
    assert (first["totalSize"], first["done"], len(first["records"])) == (450, False, 200)
    rest = client.query_more(first["nextRecordsUrl"], identifier_is_url=True, headers=small)
    assert [row["Id"] for row in rest["records"]] == made[200:400]
    rows = client.query_all_iter("SELECT Id FROM Account ORDER BY Name", headers=small)
    assert [row["Id"] for row in rows] == made


def test_only_ten_cursors_stay_open(client: Any, org: Org) -> None:
    for number in range(201):
        org.insert("Account", {"Name": f"{number}"})
    small = {"Sforce-Query-Options": "batchSize=200"}
    pages = [client.query("SELECT Id FROM Account", headers=small)["nextRecordsUrl"] for _ in range(11)]
    assert client.query_more(pages[1], identifier_is_url=True)["done"] is True
    with pytest.raises(SalesforceMalformedRequest) as caught:
        client.query_more(pages[0], identifier_is_url=True)
    content: Any = caught.value.content
    assert content[0]["errorCode"] == "INVALID_QUERY_LOCATOR"


def test_a_formatted_query_finds_what_it_names(client: Any, org: Org) -> None:
    org.insert("Account", {"Name": "O'Reilly \\ Söhne"}, at=datetime(2026, 3, 1, 9, 30, 59, tzinfo=UTC))
    soql = format_soql(
        "SELECT Name FROM Account WHERE Name IN {names} AND CreatedDate = {at}",
        names=["O'Reilly \\ Söhne", "Other"],
        at=datetime(2026, 3, 1, 9, 30, 59, tzinfo=UTC),
    )
    assert [row["Name"] for row in client.query(soql)["records"]] == ["O'Reilly \\ Söhne"]


def test_the_recycle_bin_is_shown_to_query_all(client: Any, org: Org, lead: str) -> None:
    org.delete("Lead", lead)
    assert client.query("SELECT Id FROM Lead")["totalSize"] == 0
    rows = client.query("SELECT Id, IsDeleted FROM Lead", include_deleted=True)["records"]
    assert [(row["Id"], row["IsDeleted"]) for row in rows] == [(lead, True)]


def test_describe_limits_and_collections_answer(client: Any, lead: str) -> None:
    assert client.Campaign.describe()["keyPrefix"] == "701"
    assert {s["name"] for s in client.describe()["sobjects"]} >= {"Lead", "CampaignMember", "Opportunity"}
    assert client.limits()["DailyApiRequests"]["Max"] == 15_000
    body = {"records": [{"attributes": {"type": "Lead"}, "id": lead, "Title": "CFO"}]}
    assert client.restful("composite/sobjects", method="PATCH", json=body)[0]["success"] is True
    assert client.api_usage["api-usage"].total == 15_000


def test_a_wrong_secret_is_told_apart_from_a_wrong_client(salesforce: SalesforceSandbox, client: Any) -> None:
    cases = [
        (salesforce.client_id, "wrong", "invalid_client"),
        ("wrong", salesforce.client_secret, "invalid_client_id"),
    ]
    for name, secret, code in cases:
        with pytest.raises(SalesforceAuthenticationFailed) as caught:
            Salesforce(consumer_key=name, consumer_secret=secret, domain="acme.my", session=client.session)
        assert caught.value.code == code


def test_a_revoked_session_is_renewed_by_the_client(salesforce: SalesforceSandbox, client: Any) -> None:
    salesforce.sessions.end_all()
    assert client.query("SELECT Id FROM Campaign")["totalSize"] == 0
    assert salesforce.org.requests["POST", "/services/oauth2/token"] == 2


def test_a_token_nobody_issued_is_refused(salesforce: SalesforceSandbox, client: Any) -> None:
    stranger: Any = Salesforce(session_id="forged", instance_url=salesforce.url, session=client.session)
    with pytest.raises(SalesforceExpiredSession) as caught:
        stranger.query("SELECT Id FROM Lead")
    content: Any = caught.value.content
    assert content == [{"message": "Session expired or invalid", "errorCode": "INVALID_SESSION_ID"}]


def test_the_daily_allowance_ends(salesforce: SalesforceSandbox, client: Any) -> None:
    salesforce.api.usage.used = salesforce.api.usage.daily
    with pytest.raises(SalesforceRefusedRequest) as caught:
        client.query("SELECT Id FROM Lead")
    content: Any = caught.value.content
    assert content[0]["message"] == "TotalRequests Limit exceeded."


def test_a_planned_fault_strikes_once_and_does_nothing(
    salesforce: SalesforceSandbox, client: Any, lead: str
) -> None:
    salesforce.fail(Refusal("UNABLE_TO_LOCK_ROW", "unable to obtain exclusive access"), method="PATCH")
    with pytest.raises(SalesforceMalformedRequest):
        client.Lead.update(lead, {"Title": "CFO"})
    assert salesforce.org.get("Lead", lead)["Title"] is None
    assert client.Lead.update(lead, {"Title": "CFO"}) == 204
