"""jsforce, as it comes from the npm registry, against the Salesforce sandbox."""

from __future__ import annotations

from typing import Any

import pytest

from closedloop.sandbox.salesforce import SalesforceSandbox


@pytest.fixture(scope="module")
def scenarios(drive: Any) -> Any:
    with SalesforceSandbox() as sandbox:
        login = sandbox.login
        credentials = {
            "url": sandbox.url,
            "accessToken": sandbox.access_token,
            "clientId": login.client_id,
            "clientSecret": login.client_secret,
            "username": login.username,
            "password": login.password + login.security_token,
        }
        return drive("salesforce.mjs", credentials) | {"organization": sandbox.organization_id}


def test_client_credentials_give_a_session_and_an_identity(value: Any, scenarios: Any) -> None:
    found = value("clientCredentials")
    assert found["user"]["organizationId"] == scenarios["organization"]
    assert found["identity"]["organization_id"] == scenarios["organization"]
    assert found["identity"]["user_id"] == found["user"]["id"]


def test_a_soap_login_gives_a_session(value: Any, scenarios: Any) -> None:
    found = value("soapLogin")
    assert found["user"]["organizationId"] == scenarios["organization"]
    assert found["totalSize"] >= 1


def test_a_record_is_made_changed_read_and_deleted(value: Any) -> None:
    found = value("records")
    assert found["read"]["Id"] == found["id"]
    assert found["read"]["Status"] == "Working - Contacted"
    assert found["removed"] == {"id": found["id"], "success": True, "errors": []}


def test_many_records_have_a_result_each(value: Any) -> None:
    found = value("manyRecords")
    assert [one["success"] for one in found["made"]] == [True, False]
    assert found["made"][1]["errors"][0]["statusCode"] == "REQUIRED_FIELD_MISSING"
    assert [one["LastName"] for one in found["read"]] == ["Hopper"]
    assert [one["success"] for one in found["removed"]] == [True]


def test_an_upsert_makes_a_record_once(value: Any) -> None:
    found = value("upsert")
    assert (found["first"]["created"], found["second"]["created"]) == (True, False)
    assert found["first"]["id"] == found["second"]["id"]


def test_a_query_is_read_by_pages(value: Any) -> None:
    assert value("pagedQuery") == {"totalSize": 450, "fetched": 450}


def test_a_built_query_is_filtered_and_sorted(value: Any) -> None:
    assert [row["LastName"] for row in value("finder")] == ["Reader 1", "Reader 10", "Reader 100"]


def test_children_come_with_their_parent(value: Any) -> None:
    (account,) = value("children")["records"]
    assert [row["LastName"] for row in account["Contacts"]["records"]] == ["Child"]


def test_a_search_finds_a_lead(value: Any) -> None:
    (row,) = value("search")["searchRecords"]
    assert row["attributes"]["type"] == "Lead"
    assert row["LastName"] == "Findable"


def test_descriptions_name_objects_and_fields(value: Any) -> None:
    found = value("describes")
    assert {"Lead", "Campaign", "CampaignMember"} <= set(found["names"])
    assert {"Id", "LastName", "Status", "IsConverted"} <= set(found["fields"])


def test_changes_and_deletions_are_listed(value: Any) -> None:
    found = value("changes")
    assert found["id"] in [row["id"] for row in found["deleted"]["deletedRecords"]]
    assert found["updated"]["latestDateCovered"]


def test_limits_are_read_from_the_answer_and_its_header(value: Any) -> None:
    found = value("limits")
    assert found["limits"]["DailyApiRequests"]["Max"] == found["usage"]["apiUsage"]["limit"]


def test_a_composite_request_refers_to_what_it_made(value: Any) -> None:
    parts = value("composite")["compositeResponse"]
    assert [part["httpStatusCode"] for part in parts] == [201, 201]


def test_bulk_one_loads_and_reads(value: Any) -> None:
    found = value("bulkOne")
    assert [row["success"] for row in found["loaded"]] == [True, False]
    assert [row["LastName"] for row in found["read"]] == ["Bulky"]


def test_bulk_two_loads_and_reads(value: Any) -> None:
    found = value("bulkTwo")
    assert len(found["loaded"]["successfulResults"]) == 1
    assert "REQUIRED_FIELD_MISSING" in found["loaded"]["failedResults"][0]["sf__Error"]
    assert [row["LastName"] for row in found["read"]] == ["Bulkier"]


def test_a_field_is_made_read_listed_and_removed(value: Any) -> None:
    found = value("metadata")
    assert [row["success"] for row in found["created"]] == [True]
    assert found["read"]["label"] == "Jsforce"
    assert "Lead.Jsforce__c" in found["listed"]
    assert found["removed"]["success"] is True
    kinds = {row["xmlName"] for row in found["described"]["metadataObjects"]}
    assert {"CustomObject", "Flow", "PermissionSet", "Workflow"} <= kinds


def test_a_lead_is_converted(value: Any) -> None:
    found = value("convertLead")
    assert found["success"] is True
    assert found["contactId"].startswith("003")
    assert found["opportunityId"] is None


def test_a_file_is_kept_and_got_alone(value: Any) -> None:
    found = value("attachment")
    assert found["text"] == "Grüße"
    assert (found["read"]["BodyLength"], found["read"]["Body"].split("/")[-2:]) == (7, [found["id"], "Body"])


def test_an_org_without_pages_shows_nothing_on_them(value: Any) -> None:
    assert value("pages") == {"theme": {"themeItems": []}, "tabs": [], "actions": []}


def test_tooling_describes_entities(value: Any) -> None:
    assert [row["QualifiedApiName"] for row in value("tooling")["records"]] == ["Lead"]


@pytest.mark.parametrize(
    ("name", "code"),
    [("unknownField", "INVALID_FIELD"), ("malformedQuery", "MALFORMED_QUERY"), ("unknownId", "NOT_FOUND")],
)
def test_refusals_carry_salesforces_code(scenarios: Any, name: str, code: str) -> None:
    assert scenarios[name]["error"]["errorCode"] == code
