"""What other people's clients ask of an org that ours does not: found by running them against the sandbox."""

from __future__ import annotations

import base64
import gzip
import json
import zlib
from typing import Any

import pytest
import requests

from closedloop.sandbox.salesforce import Org, SalesforceSandbox

LEAD = {"LastName": "Packed", "Company": "Acme"}


@pytest.mark.parametrize(
    ("encoding", "pack"), [("gzip", gzip.compress), ("GZIP", gzip.compress), ("deflate", zlib.compress)]
)
def test_a_body_may_be_compressed(http: Any, org: Org, encoding: str, pack: Any) -> None:
    headers = {"Content-Encoding": encoding, "Content-Type": "application/json"}
    made = http("POST", "/sobjects/Lead", data=pack(json.dumps(LEAD).encode()), headers=headers)
    assert made.status_code == 201
    assert [row["LastName"] for row in org.rows("Lead")] == ["Packed"]


@pytest.mark.parametrize(
    "body", [b"not compressed", gzip.compress(b"{}" * 1000)[:-12]], ids=["not packed", "cut short"]
)
def test_a_body_that_cannot_be_unpacked_is_no_json(http: Any, body: bytes) -> None:
    headers = {"Content-Encoding": "gzip", "Content-Type": "application/json"}
    refused = http("POST", "/sobjects/Lead", data=body, headers=headers)
    assert (refused.status_code, refused.json()[0]["errorCode"]) == (400, "JSON_PARSER_ERROR")


@pytest.fixture
def attachment(http: Any, campaign: str) -> str:
    files = {
        "entity_attachment": (None, json.dumps({"Name": "a.txt", "ParentId": campaign}), "application/json"),
        "Body": ("a.txt", "grüß Gott".encode(), "text/plain"),
    }
    made = http("POST", "/sobjects/Attachment", files=files)
    assert made.status_code == 201, made.text
    found: str = made.json()["id"]
    return found


def test_a_file_is_sent_as_a_part_and_got_alone(http: Any, attachment: str) -> None:
    address = f"/sobjects/Attachment/{attachment}"
    record = http("GET", address).json()
    assert (record["BodyLength"], record["Body"]) == (11, f"/services/data/v62.0{address}/Body")
    (queried,) = http.records("SELECT Body FROM Attachment")
    assert queried["Body"] == record["Body"]
    got = http("GET", f"{address.replace('Attachment', 'attachment')}/body")
    assert (got.content.decode(), got.headers["Content-Type"]) == ("grüß Gott", "application/octet-stream")


def test_a_file_is_replaced_where_both_parts_call_themselves_files(http: Any, attachment: str) -> None:
    address = f"/sobjects/Attachment/{attachment}"
    files = {
        "entity": ("blob", json.dumps({"ContentType": "text/x-note"}), "application/json"),
        "Body": ("blob", b"new", "text/plain"),
    }
    assert http("PATCH", address, files=files).status_code == 204
    got = http("GET", f"{address}/Body")
    assert (got.content, got.headers["Content-Type"]) == (b"new", "text/x-note")


def test_a_file_in_json_is_base64(http: Any, campaign: str) -> None:
    body = {"Name": "b", "ParentId": campaign, "Body": base64.b64encode(b"plain").decode()}
    made = http("POST", "/sobjects/Attachment", json=body).json()["id"]
    assert http("GET", f"/sobjects/Attachment/{made}/Body").content == b"plain"


@pytest.mark.parametrize(
    "address", ["/sobjects/Attachment/00P000000000001/Body", "/sobjects/Attachment/x/Body"]
)
def test_a_file_of_no_record_is_not_found(http: Any, address: str) -> None:
    refused = http("GET", address)
    assert (refused.status_code, refused.json()[0]["errorCode"]) == (404, "NOT_FOUND")


def test_an_empty_body_of_parts_is_no_record(http: Any) -> None:
    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    refused = http("POST", "/sobjects/Attachment", data=b"--x--\r\n", headers=headers)
    assert (refused.status_code, refused.json()[0]["errorCode"]) == (400, "JSON_PARSER_ERROR")


def test_an_external_id_may_be_called_like_a_field_with_a_file(http: Any, campaign: str) -> None:
    address = "/sobjects/Closed_Loop_Campaign_Reason__c/Closed_Loop_Key__c/Body"
    made = http("PATCH", address, json={"Campaign__c": campaign, "Outcome__c": "lost"})
    assert made.status_code == 201
    assert http("GET", address).json()["Closed_Loop_Key__c"] == "Body"


def test_a_record_leads_to_what_it_is_related_to(http: Any, org: Org) -> None:
    account = org.insert("Account", {"Name": "Acme"})
    contact = org.insert("Contact", {"LastName": "Homer", "AccountId": account})
    parent = http("GET", f"/sobjects/Contact/{contact}/Account", params={"fields": "Name"}).json()
    assert (parent["Id"], parent["Name"], len(parent)) == (account, "Acme", 3)
    children = http("GET", f"/sobjects/Account/{account}/contacts").json()
    assert (children["done"], children["totalSize"]) == (True, 1)
    assert children["records"][0]["LastName"] == "Homer"
    assert http("GET", f"/sobjects/Account/{account}/Opportunities").json()["records"] == []


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/{id}/Account", (404, "NOT_FOUND")),
        ("/{id}/Nothing", (404, "NOT_FOUND")),
        ("/003000000000001/Account", (404, "NOT_FOUND")),
        ("/{id}/Owner?fields=Nothing", (400, "INVALID_FIELD")),
    ],
    ids=["no parent", "no relationship", "no record", "no field"],
)
def test_relationships_that_lead_nowhere_are_refused(http: Any, org: Org, path: str, expected: Any) -> None:
    contact = org.insert("Contact", {"LastName": "Alone"})
    refused = http("GET", f"/sobjects/Contact{path.format(id=contact)}")
    assert (refused.status_code, refused.json()[0]["errorCode"]) == expected


def test_a_users_password_is_judged_set_and_reset(http: Any, salesforce: SalesforceSandbox) -> None:
    address = f"/sobjects/User/{salesforce.org.integration_user_id}/password"
    assert http("GET", address).json() == {"isExpired": False}
    assert http("POST", address, json={"newPassword": "a first one"}).status_code == 204
    assert http("POST", address, json={"NewPassword": "better than before"}).status_code == 204
    assert salesforce.login.password == "better than before"
    made = http("DELETE", address.replace("User", "user")).json()
    assert made == {"NewPassword": salesforce.login.password}


@pytest.mark.parametrize(
    ("user", "body", "expected"),
    [
        ("005000000000001", {"NewPassword": "x"}, (404, "NOT_FOUND")),
        (None, {}, (400, "INVALID_NEW_PASSWORD")),
    ],
    ids=["nobody", "nothing"],
)
def test_passwords_that_cannot_be_set(
    http: Any, salesforce: SalesforceSandbox, user: str | None, body: Any, expected: Any
) -> None:
    user = user or salesforce.org.integration_user_id
    refused = http("POST", f"/sobjects/User/{user}/password", json=body)
    assert (refused.status_code, refused.json()[0]["errorCode"]) == expected


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/theme", {"themeItems": []}),
        ("/tabs", []),
        ("/quickActions", []),
        ("/appMenu/AppSwitcher", {"appMenuItems": []}),
        ("/process/rules", {"rules": {}}),
        ("/process/approvals", {"approvals": {}}),
    ],
)
def test_an_org_without_pages_has_none_of_what_is_on_them(http: Any, path: str, body: Any) -> None:
    assert http("GET", path).json() == body


def test_answers_name_the_orgs_own_host_where_a_proxy_leads_to_it(salesforce: SalesforceSandbox) -> None:
    form = {
        "grant_type": "refresh_token",
        "refresh_token": salesforce.login.refresh_token,
        "client_id": salesforce.client_id,
        "client_secret": salesforce.client_secret,
    }
    token = f"{salesforce.url}/services/oauth2/token"
    for host, expected in (
        ("acme.my.salesforce.com", "https://acme.my.salesforce.com"),
        ("login.salesforce.com", salesforce.url),
        ("acme.my.salesforce.com.example.com", salesforce.url),
    ):
        answer = requests.post(token, data=form, headers={"Host": host}, timeout=10).json()
        assert (answer["instance_url"], answer["id"].partition("/id/")[0]) == (expected, expected)


@pytest.mark.parametrize(
    "text",
    [
        "SELECT SubscriberPackage.Id, SubscriberPackageVersionId FROM InstalledSubscriberPackage",
        "SELECT SubscriberPackageVersion.MajorVersion FROM InstalledSubscriberPackage",
        "SELECT Id, ApexClass.Name, Status FROM AsyncApexJob WHERE JobType IN ('BatchApex', 'Queueable')",
    ],
    ids=["packages", "versions", "jobs"],
)
def test_nothing_is_installed_and_no_apex_runs(http: Any, text: str) -> None:
    assert http("GET", "/tooling/query", params={"q": text}).json()["records"] == []


def test_the_tooling_api_tells_settings_and_record_types(http: Any, org: Org) -> None:
    for column, text in (
        ("IsChatterEnabled", "SELECT IsChatterEnabled FROM ChatterSettings"),
        ("IsEnhancedNotesEnabled", "SELECT IsEnhancedNotesEnabled FROM EnhancedNotesSettings"),
    ):
        (row,) = http("GET", "/tooling/query", params={"q": text}).json()["records"]
        assert row[column] is True
    fields = {
        "Name": "Trade fair",
        "DeveloperName": "Trade_fair",
        "SobjectType": "Campaign",
        "IsActive": True,
    }
    org.insert("RecordType", fields)
    asked = {"q": "Select SobjectType, FullName FROM RecordType"}
    (row,) = http("GET", "/tooling/query", params=asked).json()["records"]
    assert (row["SobjectType"], row["FullName"]) == ("Campaign", "Campaign.Trade_fair")


@pytest.mark.parametrize(
    "text",
    [
        "SELECT DeveloperName FROM PermissionSetGroup",
        "SELECT PermissionSetLicenseKey FROM PermissionSetLicense WHERE Status = 'Active'",
        "SELECT PermissionSetLicense.DeveloperName FROM PermissionSetLicenseAssign",
    ],
    ids=["groups", "licences", "assignments"],
)
def test_licences_and_groups_of_permission_sets_can_be_asked_for(http: Any, text: str) -> None:
    assert http.query(text)["records"] == []


def test_a_permission_set_allows_to_delete_for_good(http: Any, org: Org) -> None:
    body = {"object": "Lead", "operation": "hardDelete", "contentType": "CSV"}
    assert http("POST", "/jobs/ingest", json=body).status_code == 400
    fields = {"Name": "Bulk_Data", "Label": "Bulk Data", "PermissionsBulkApiHardDelete": True}
    made = http("POST", "/sobjects/PermissionSet", json=fields).json()["id"]
    assigned = {"PermissionSetId": made, "AssigneeId": org.integration_user_id}
    assert http("POST", "/sobjects/PermissionSetAssignment", json=assigned).status_code == 201
    assert http("POST", "/jobs/ingest", json=body).status_code == 200
