"""What the org refuses, with Salesforce's codes and words."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from closedloop.sandbox.salesforce import Org, Refusal, SalesforceSandbox

OPPORTUNITY = {"Name": "Deal", "StageName": "Prospecting", "CloseDate": "2026-12-31"}
_UNWRITEABLE = (
    "Unable to create/update fields: {}. Please check the security settings of this field and verify that it "
    "is read/write for your profile or permission set."
)

CREATES = [
    ("Lead", {"Company": "Acme"}, "REQUIRED_FIELD_MISSING", "Required fields are missing: [LastName]"),
    (
        "Lead",
        {"LastName": "x" * 81, "Company": "Acme"},
        "STRING_TOO_LONG",
        f"Last Name: data value too large: {'x' * 81} (max length=80)",
    ),
    (
        "Lead",
        {"LastName": "A", "Company": "B", "Email": "nobody"},
        "INVALID_EMAIL_ADDRESS",
        "Email: invalid email address: nobody",
    ),
    (
        "Opportunity",
        OPPORTUNITY | {"IsWon": True, "FiscalYear": 2026},
        "INVALID_FIELD_FOR_INSERT_UPDATE",
        _UNWRITEABLE.format("IsWon, FiscalYear"),
    ),
    (
        "Campaign",
        {"Name": "C", "NumberOfLeads": 3},
        "INVALID_FIELD_FOR_INSERT_UPDATE",
        _UNWRITEABLE.format("NumberOfLeads"),
    ),
    (
        "Opportunity",
        OPPORTUNITY | {"Foo": 1},
        "INVALID_FIELD",
        "No such column 'Foo' on sobject of type Opportunity",
    ),
    (
        "Opportunity",
        OPPORTUNITY | {"CampaignId": "not an id"},
        "MALFORMED_ID",
        "Campaign ID: id value of incorrect type: not an id",
    ),
    (
        "Opportunity",
        OPPORTUNITY | {"CampaignId": "00QQy0000iCo00KMAR"},
        "MALFORMED_ID",
        "Campaign ID: id value of incorrect type: 00QQy0000iCo00KMAR",
    ),
    (
        "Opportunity",
        OPPORTUNITY | {"CampaignId": "701Qy00000zzzzz"},
        "INVALID_CROSS_REFERENCE_KEY",
        "invalid cross reference id",
    ),
    (
        "Opportunity",
        OPPORTUNITY | {"Amount": "1e17"},
        "NUMBER_OUTSIDE_VALID_RANGE",
        "Amount: value outside of valid range on numeric field: 1E+17",
    ),
    (
        "Account",
        {"Name": "A", "NumberOfEmployees": "-1e999999999"},
        "NUMBER_OUTSIDE_VALID_RANGE",
        "Employees: value outside of valid range on numeric field: -1E+999999999",
    ),
    (
        "Lead",
        {"LastName": "A", "Company": "B", "GeocodeAccuracy": "Moon"},
        "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
        "Geocode Accuracy: bad value for restricted picklist field: Moon",
    ),
]


@pytest.mark.parametrize(("sobject", "fields", "code", "message"), CREATES)
def test_a_create_is_refused(
    http: Any, sobject: str, fields: dict[str, Any], code: str, message: str
) -> None:
    answer = http("POST", f"/sobjects/{sobject}", json=fields)
    assert answer.status_code == 400
    (error,) = answer.json()
    assert (error["errorCode"], error["message"]) == (code, message)


@pytest.mark.parametrize(("sobject", "fields", "code", "message"), CREATES)
def test_a_record_of_a_collection_is_refused_alone(
    http: Any, sobject: str, fields: dict[str, Any], code: str, message: str
) -> None:
    good = {"attributes": {"type": "Account"}, "Name": "Acme"}
    records = [good, {"attributes": {"type": sobject}, **fields}, good]
    answer = http("POST", "/composite/sobjects", json={"records": records})
    assert answer.status_code == 200
    first, refused, last = answer.json()
    assert first["success"]
    assert last["success"]
    assert refused["success"] is False
    assert "id" not in refused
    (error,) = refused["errors"]
    assert (error["statusCode"], error["message"]) == (code, message)
    assert isinstance(error["fields"], list)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("Amount", "much"),
        ("Amount", True),
        ("Amount", "NaN"),
        ("CloseDate", "soon"),
        ("CloseDate", 20261231),
        ("CloseDate", "1066-10-14"),
        ("Name", 7),
        ("Name", ["Deal"]),
        ("IsPrivate", "perhaps"),
    ],
)
def test_a_value_of_another_kind_cannot_be_read(http: Any, field: str, value: Any) -> None:
    answer = http("POST", "/sobjects/Opportunity", json=OPPORTUNITY | {field: value})
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, "JSON_PARSER_ERROR")


@pytest.mark.parametrize(
    ("given", "kept"),
    [("12.345", 12.35), (12.344, 12.34), ("7", 7.0), (None, None), ("", None), (0, 0.0), ("1e-999999", 0.0)],
)
def test_numbers_are_rounded_and_strings_of_them_taken(http: Any, given: Any, kept: Any) -> None:
    http("POST", "/sobjects/Opportunity", json=OPPORTUNITY | {"Amount": given})
    assert http.records("SELECT Amount FROM Opportunity") == [{"Amount": kept}]


def test_required_fields_cannot_be_emptied(http: Any, lead: str) -> None:
    answer = http("PATCH", f"/sobjects/Lead/{lead}", json={"LastName": None})
    assert answer.json()[0]["message"] == "Required fields are missing: [LastName]"
    assert http("GET", f"/sobjects/Lead/{lead}").json()["LastName"] == "Lead"


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/sobjects/Lead/00QQy00000zzzzz", 404, "NOT_FOUND"),
        ("GET", "/sobjects/Lead/nonsense", 404, "NOT_FOUND"),
        ("PATCH", "/sobjects/Lead/00QQy00000zzzzz", 404, "INVALID_CROSS_REFERENCE_KEY"),
        ("DELETE", "/sobjects/Lead/003Qy00000zzzzz", 404, "NOT_FOUND"),
        ("GET", "/sobjects/Foo", 404, "NOT_FOUND"),
        ("GET", "/nowhere", 404, "NOT_FOUND"),
        ("PUT", "/sobjects/Lead", 405, "METHOD_NOT_ALLOWED"),
        ("GET", "/sobjects/Lead/Company/Acme", 404, "NOT_FOUND"),
        ("GET", "/query", 400, "MALFORMED_QUERY"),
        ("GET", "/query/01gQy0000iCo07Y-200", 400, "INVALID_QUERY_LOCATOR"),
    ],
)
def test_an_address_that_leads_nowhere_is_refused(
    http: Any, method: str, path: str, status: int, code: str
) -> None:
    answer = http(method, path, json={} if method == "PATCH" else None)
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (status, code)


@pytest.mark.parametrize("version", ["v69.0", "v62", "62.0"])
def test_versions_that_salesforce_does_not_serve_are_not_found(
    http: Any, salesforce: SalesforceSandbox, version: str
) -> None:
    assert http("GET", f"{salesforce.url}/services/data/{version}/limits").status_code == 404


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"7", b"\xff", b"[" * 100_000])
def test_a_body_that_is_no_json_object_is_refused(http: Any, body: bytes) -> None:
    answer = http("POST", "/sobjects/Lead", data=body)
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, "JSON_PARSER_ERROR")


def test_an_address_of_more_than_16384_bytes_is_too_long(http: Any) -> None:
    ids = ",".join(["'00QQy00000zzzzzAAA'"] * 700)
    answer = http("GET", "/query", params={"q": " ".join(["SELECT Id FROM Lead WHERE Id IN", f"({ids})"])})
    assert answer.status_code == 414
    assert "html" in answer.headers["Content-Type"]


def test_headers_count_towards_the_limit(http: Any) -> None:
    answer = http("GET", "/limits", headers={"X-Long": "x" * 16_300})
    assert answer.status_code == 431


@pytest.mark.parametrize("authorization", ["", "Bearer", "Bearer wrong", "Basic d3Jvbmc6d3Jvbmc="])
def test_without_a_valid_session_nothing_is_answered(
    http: Any, salesforce: SalesforceSandbox, authorization: str
) -> None:
    answer = http("GET", "/limits", headers={"Authorization": authorization})
    assert answer.status_code == 401
    assert answer.json() == [{"message": "Session expired or invalid", "errorCode": "INVALID_SESSION_ID"}]


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({"grant_type": "device"}, "unsupported_grant_type"),
        ({}, "unsupported_grant_type"),
        ({"grant_type": "client_credentials"}, "invalid_client_id"),
        ({"grant_type": "client_credentials", "client_id": "ümlaut"}, "invalid_client_id"),
        ({"grant_type": "client_credentials", "client_id": "sandbox-client"}, "invalid_client"),
    ],
)
def test_the_token_endpoint_says_what_is_wrong(
    salesforce: SalesforceSandbox, form: dict[str, str], error: str
) -> None:
    answer = requests.post(f"{salesforce.url}/services/oauth2/token", data=form, timeout=10)
    assert answer.status_code == 400
    assert set(answer.json()) == {"error", "error_description"}
    assert answer.json()["error"] == error


def test_a_token_works_and_names_the_instance(salesforce: SalesforceSandbox, http: Any) -> None:
    form = {
        "grant_type": "client_credentials",
        "client_id": salesforce.client_id,
        "client_secret": salesforce.client_secret,
    }
    body = requests.post(f"{salesforce.url}/services/oauth2/token", data=form, timeout=10).json()
    assert body["instance_url"] == salesforce.url
    headers = {"Authorization": f"Bearer {body['access_token']}"}
    answer = http("GET", f"{salesforce.url}/services/oauth2/userinfo", headers=headers)
    assert answer.json()["organization_id"] == salesforce.organization_id
    answer = http("GET", "/limits", headers=headers)
    assert answer.headers["Sforce-Limit-Info"] == "api-usage=1/15000"


def test_the_pages_refuse_what_the_api_refuses(org: Org, lead: str) -> None:
    with pytest.raises(Refusal, match="INVALID_FIELD"):
        org.update("Lead", lead, {"Foo": 1})
    with pytest.raises(Refusal, match="INVALID_TYPE"):
        org.insert("Foo", {})
    with pytest.raises(Refusal, match="INVALID_CROSS_REFERENCE_KEY"):
        org.get("Lead", "00QQy00000zzzzz")


def test_versions_are_listed_without_a_session(salesforce: SalesforceSandbox) -> None:
    listed = requests.get(f"{salesforce.url}/services/data", timeout=10).json()
    labels = {version["version"]: version["label"] for version in listed}
    # State of the reference: Winter '27 is 68.0, Summer '26 67.0, Spring '26 66.0, Summer '25 64.0.
    assert (labels["68.0"], labels["67.0"], labels["66.0"]) == ("Winter '27", "Summer '26", "Spring '26")
    assert labels["64.0"] == "Summer '25"
    assert listed[0]["version"] == "31.0"


@pytest.mark.parametrize(
    "at", ["0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "2026-11-20T14:03:07", 7]
)
def test_a_time_that_salesforce_cannot_hold_is_refused(http: Any, campaign: str, at: Any) -> None:
    answer = http("PATCH", f"/sobjects/Campaign/{campaign}", json={"Closed_Loop_Last_Decision_At__c": at})
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, "JSON_PARSER_ERROR")


@pytest.mark.parametrize(
    "at", ["2026-11-20T14:03:07Z", "2026-11-20T14:03:07.999+0000", "2026-11-20T15:03:07.000+01:00"]
)
def test_a_time_is_kept_in_whole_seconds_of_utc(http: Any, campaign: str, at: str) -> None:
    http("PATCH", f"/sobjects/Campaign/{campaign}", json={"Closed_Loop_Last_Decision_At__c": at})
    row = http("GET", f"/sobjects/Campaign/{campaign}?fields=Closed_Loop_Last_Decision_At__c").json()
    assert row["Closed_Loop_Last_Decision_At__c"] == "2026-11-20T14:03:07.000+0000"
    assert row["Id"] == campaign
