"""Collections and composite requests: many records or requests in one, each with its own result."""

from __future__ import annotations

from typing import Any

import pytest

from closedloop.sandbox.salesforce import Org


def of(sobject: str, **fields: Any) -> dict[str, Any]:
    return {"attributes": {"type": sobject}, **fields}


def outcomes(answer: Any) -> list[str]:
    """What became of each record: made, kept (an update), done, or the code it was refused with."""
    assert answer.status_code == 200, answer.text
    words = {True: "made", False: "kept", None: "done"}
    return [
        words[row.get("created")] if row["success"] else row["errors"][0]["statusCode"]
        for row in answer.json()
    ]


def test_results_come_in_the_order_of_the_records(http: Any, org: Org, lead: str) -> None:
    account = org.insert("Account", {"Name": "Acme"})
    other = org.insert("Lead", {"LastName": "Other", "Company": "Acme"})
    org.delete("Account", account)
    records = [
        of("Lead", Id=lead, Title="CFO"),
        of("Account", Id=account, Name="Gone"),
        of("Lead", Id=other[:15], Title="CTO"),
        of("Lead", Id=org.admin_id, Title="CFO"),
        of("Lead", Id="nonsense"),
        of("Lead", Id="00QQy00000zzzzz", Title="Nobody"),
        of("Foo", Title="CFO"),
        {"Title": "CFO"},
        "no record at all",
        of("Lead", Id=other, Title="CEO"),
    ]
    assert outcomes(http("PATCH", "/composite/sobjects", json={"records": records})) == [
        "done",
        "ENTITY_IS_DELETED",
        "DUPLICATE_VALUE",
        "MALFORMED_ID",
        "MALFORMED_ID",
        "INVALID_CROSS_REFERENCE_KEY",
        "INVALID_TYPE",
        "INVALID_TYPE",
        "INVALID_TYPE",
        "DUPLICATE_VALUE",
    ]
    assert (org.get("Lead", lead)["Title"], org.get("Lead", other)["Title"]) == ("CFO", None)


def test_an_upsert_says_what_it_made(http: Any, org: Org, campaign: str) -> None:
    path = "/composite/sobjects/Closed_Loop_Campaign_Reason__c/Closed_Loop_Key__c"
    name = "Closed_Loop_Campaign_Reason__c"
    first = [of(name, Closed_Loop_Key__c=f"k{n}", Campaign__c=campaign, Credit__c=n) for n in range(2)]
    assert outcomes(http("PATCH", path, json={"records": first})) == ["made", "made"]
    second = [
        of(name, Closed_Loop_Key__c="K1", Credit__c=7),
        of(name, Closed_Loop_Key__c="k2", Credit__c=8),
        of(name, Closed_Loop_Key__c="k2", Credit__c=9),
        of(name, Credit__c=9),
        of("Lead", LastName="X", Company="Y"),
        of(name, Closed_Loop_Key__c="k0", Campaign__c="701Qy00000zzzzz"),
    ]
    assert outcomes(http("PATCH", path, json={"records": second})) == [
        "kept",
        "DUPLICATE_VALUE",
        "DUPLICATE_VALUE",
        "MISSING_ARGUMENT",
        "INVALID_TYPE",
        "INVALID_CROSS_REFERENCE_KEY",
    ]
    rows = http.records("SELECT Closed_Loop_Key__c, Credit__c FROM Closed_Loop_Campaign_Reason__c")
    assert {row["Closed_Loop_Key__c"]: row["Credit__c"] for row in rows} == {"k0": 0.0, "k1": 7.0}


def test_an_upsert_by_a_field_that_is_no_key_is_not_found(http: Any) -> None:
    answer = http("PATCH", "/composite/sobjects/Lead/Title", json={"records": [of("Lead", Title="X")]})
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (404, "NOT_FOUND")


def test_an_upsert_that_matches_several_refuses_that_record(http: Any, org: Org) -> None:
    for name in ("One", "Two"):
        org.insert("Contact", {"LastName": name, "Email": "shared@example.com"})
    records = [of("Contact", Email="shared@example.com", LastName="X")]
    answer = http("PATCH", "/composite/sobjects/Contact/Email", json={"records": records})
    assert outcomes(answer) == ["DUPLICATE_EXTERNAL_ID"]


def test_records_of_several_kinds_are_deleted_together(http: Any, lead: str, campaign: str) -> None:
    ids = f"{lead},{campaign},{lead},00QQy00000zzzzz,nonsense"
    assert outcomes(http("DELETE", "/composite/sobjects", params={"ids": ids})) == [
        "done",
        "done",
        "ENTITY_IS_DELETED",
        "INVALID_CROSS_REFERENCE_KEY",
        "MALFORMED_ID",
    ]


def test_all_or_none_deletes_nothing_when_one_is_missing(http: Any, org: Org, lead: str) -> None:
    options = {"ids": f"{lead},00QQy00000zzzzz", "allOrNone": "true"}
    assert outcomes(http("DELETE", "/composite/sobjects", params=options)) == [
        "ALL_OR_NONE_OPERATION_ROLLED_BACK",
        "INVALID_CROSS_REFERENCE_KEY",
    ]
    assert org.get("Lead", lead)["IsDeleted"] is False


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_records_are_retrieved_in_the_order_asked(http: Any, org: Org, lead: str, method: str) -> None:
    gone = org.insert("Lead", {"LastName": "Gone", "Company": "Acme"})
    org.delete("Lead", gone)
    ids = ["00QQy00000zzzzz", lead, gone, lead[:15]]
    if method == "POST":
        answer = http("POST", "/composite/sobjects/Lead", json={"ids": ids, "fields": ["name"]})
    else:
        answer = http("GET", "/composite/sobjects/Lead", params={"ids": ",".join(ids), "fields": "name"})
    rows = [row and (row["Id"], row["Name"]) for row in answer.json()]
    assert rows == [None, (lead, "Lena Lead"), None, (lead, "Lena Lead")]


@pytest.mark.parametrize("body", [{}, {"ids": [1], "fields": ["Id"]}, {"ids": [], "fields": [None]}])
def test_what_to_retrieve_is_named(http: Any, body: dict[str, Any]) -> None:
    answer = http("POST", "/composite/sobjects/Lead", json=body)
    assert answer.json()[0]["errorCode"] in ("JSON_PARSER_ERROR", "MALFORMED_ID")


@pytest.mark.parametrize(
    ("records", "code"),
    [
        ([], "REQUIRED_FIELD_MISSING"),
        (None, "REQUIRED_FIELD_MISSING"),
        ([of("Account", Name="A")] * 201, "EXCEEDED_ID_LIMIT"),
        ([of("Account", Name="A"), of("Campaign", Name="C")] * 6, "LIMIT_EXCEEDED"),
    ],
)
def test_a_collection_has_limits(http: Any, records: Any, code: str) -> None:
    answer = http("POST", "/composite/sobjects", json={"records": records})
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, code)
    assert http.query("SELECT count() FROM Account")["totalSize"] == 0


def test_ten_chunks_are_not_too_many(http: Any) -> None:
    records = [of("Account", Name="A"), of("Campaign", Name="C")] * 5
    assert outcomes(http("POST", "/composite/sobjects", json={"records": records})) == ["done"] * 10


def request(method: str, path: str, reference: str, body: Any = None) -> dict[str, Any]:
    made = {"method": method, "url": f"/services/data/v62.0{path}", "referenceId": reference}
    return made if body is None else made | {"body": body}


def composite(http: Any, *parts: dict[str, Any], all_or_none: bool = False) -> list[tuple[int, Any]]:
    answer = http("POST", "/composite", json={"allOrNone": all_or_none, "compositeRequest": list(parts)})
    assert answer.status_code == 200, answer.text
    return [(part["httpStatusCode"], part["body"]) for part in answer.json()["compositeResponse"]]


def test_a_request_uses_what_an_earlier_one_answered(http: Any, org: Org) -> None:
    answers = composite(
        http,
        request("POST", "/sobjects/Campaign", "made", {"Name": "Composite"}),
        request("GET", "/query?q=SELECT Id FROM Campaign WHERE Name = 'Composite'", "asked"),
        request(
            "PATCH", "/sobjects/Campaign/@{asked.records[0].Id}", "changed", {"Description": "@{made.id}"}
        ),
        request("GET", "/sobjects/Campaign/@{nothing.id}", "lost"),
    )
    assert [status for status, _ in answers] == [201, 200, 204, 400]
    assert org.rows("Campaign")[0]["Description"] == answers[0][1]["id"]
    assert answers[3][1][0]["errorCode"] == "PROCESSING_HALTED"


def test_all_or_none_undoes_the_earlier_and_halts_the_later(http: Any, org: Org) -> None:
    parts = [
        request("POST", "/sobjects/Account", "first", {"Name": "First"}),
        request("POST", "/sobjects/Account", "second", {"Foo": 1}),
        request("POST", "/sobjects/Account", "third", {"Name": "Third"}),
    ]
    answers = composite(http, *parts, all_or_none=True)
    codes = [body[0]["errorCode"] for _, body in answers]
    assert codes == ["PROCESSING_HALTED", "INVALID_FIELD", "PROCESSING_HALTED"]
    assert org.rows("Account") == []
    assert [status for status, _ in composite(http, *parts)] == [201, 400, 201]


def test_a_composite_costs_one_call(http: Any) -> None:
    parts = [request("GET", "/limits", f"r{n}") for n in range(25)]
    before = http("GET", "/limits").headers["Sforce-Limit-Info"]
    composite(http, *parts)
    after = http("GET", "/limits").headers["Sforce-Limit-Info"]
    assert (before, after) == ("api-usage=1/15000", "api-usage=3/15000")


@pytest.mark.parametrize(
    "parts",
    [
        [request("GET", "/limits", f"r{n}") for n in range(26)],
        [request("GET", "/query?q=SELECT Id FROM Lead", f"r{n}") for n in range(6)],
        [request("GET", "/limits", "same")] * 2,
        [{"method": "GET"}],
        "none",
    ],
)
def test_a_composite_has_limits(http: Any, parts: Any) -> None:
    assert http("POST", "/composite", json={"compositeRequest": parts}).status_code == 400


def test_a_part_that_leads_nowhere_fails_alone(http: Any) -> None:
    answers = composite(
        http,
        request("GET", "/nowhere", "a"),
        request("POST", "/composite", "b", {}),
        {"method": "POST", "url": "/services/oauth2/token", "referenceId": "c"},
        request("GET", "/limits", "d"),
    )
    assert [status for status, _ in answers] == [404, 404, 404, 200]
