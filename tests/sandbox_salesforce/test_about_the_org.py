"""What an org tells of itself: versions, resources, limits; and how it reads what it is sent."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from closedloop.sandbox.salesforce import SalesforceSandbox

V = "/services/data/v62.0"


def test_versions_are_told_to_anybody(salesforce: SalesforceSandbox) -> None:
    found = requests.get(f"{salesforce.url}/services/data/", timeout=10).json()
    assert found[0] == {"label": "Summer '14", "url": "/services/data/v31.0", "version": "31.0"}
    assert found[-1] == {"label": "Winter '27", "url": "/services/data/v68.0", "version": "68.0"}


def test_a_version_tells_its_resources(http: Any, salesforce: SalesforceSandbox) -> None:
    found = http("GET", "/").json()
    assert {"sobjects", "query", "queryAll", "search", "jobs", "tooling", "limits"} <= set(found)
    assert found["composite"] == f"{V}/composite"
    assert found["identity"].startswith(f"{salesforce.url}/id/{salesforce.organization_id}/005")
    assert http("GET", found["identity"]).json()["organization_id"] == salesforce.organization_id


def test_limits_have_their_names_and_go_down(http: Any, salesforce: SalesforceSandbox) -> None:
    salesforce.api.usage.app = ("Closed Loop", 250)
    answer = http("GET", "/limits")
    limits = answer.json()
    assert len(limits) > 45
    for name in ("DailyAsyncApexExecutions", "DataStorageMB", "HourlyTimeBasedWorkflow", "SingleEmail"):
        assert list(limits[name]) == ["Max", "Remaining"]
    assert limits["PermissionSets"]["CreateCustom"] == {"Max": 1000, "Remaining": 1000}
    assert limits["DailyApiRequests"] == {
        "Max": 15_000,
        "Remaining": 14_999,
        "Closed Loop": {"Max": 250, "Remaining": 249},
    }
    told = "api-usage=1/15000; per-app-api-usage=1/250(appName=Closed Loop)"
    assert answer.headers["Sforce-Limit-Info"] == told


@pytest.mark.parametrize(
    ("version", "status", "code"),
    [
        ("v30.0", 410, "GONE"),
        ("v7.0", 410, "GONE"),
        ("v69.0", 404, "NOT_FOUND"),
        ("v0.0", 404, "NOT_FOUND"),
        ("v62.5", 404, "NOT_FOUND"),
        ("v62", 404, "NOT_FOUND"),
    ],
)
def test_a_version_that_is_gone_is_told_from_one_that_never_was(
    http: Any, salesforce: SalesforceSandbox, version: str, status: int, code: str
) -> None:
    answer = http("GET", f"{salesforce.url}/services/data/{version}/limits")
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (status, code)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("", "The HTTP entity body is required, but this request has no entity body."),
        ("{", "Unexpected end-of-input at [line:1, column:2]"),
        ('{"a": 1,\n  b}', "Unexpected character ('b' (code 98)) at [line:2, column:3]"),
        ("[]", "Can not deserialize SObject out of START_ARRAY token at [line:1, column:1]"),
        ('"x"', "The HTTP entity body is required to be a JSON object."),
        (b'{"a": "\xff"}', "Invalid UTF-8 start byte 0xff at [line:1, column:8]"),
        ("[" * 100_000, "Unexpected character at [line:1, column:1]"),
        ('{"a": ' + "9" * 5000 + "}", "Unexpected character at [line:1, column:1]"),
    ],
    ids=["empty", "cut", "bare name", "list", "text", "no UTF-8", "deep", "long number"],
)
def test_a_body_that_is_no_json_is_told_where(http: Any, body: str | bytes, message: str) -> None:
    headers = {"Content-Type": "application/json; charset=UTF-8"}
    answer = http("POST", "/sobjects/Lead", data=body, headers=headers)
    assert answer.status_code == 400
    assert answer.json() == [{"message": message, "errorCode": "JSON_PARSER_ERROR"}]


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "application/xml"])
def test_other_contents_are_not_supported(http: Any, kind: str) -> None:
    answer = http("POST", "/sobjects/Lead", data='{"LastName": "A"}', headers={"Content-Type": kind})
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (415, "UNSUPPORTED_MEDIA_TYPE")


def test_nothing_was_viewed_lately(http: Any) -> None:
    assert http("GET", "/recent").json() == []
