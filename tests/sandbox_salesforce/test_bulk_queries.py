"""Bulk API 2.0 query jobs, by hand and with the vendor world's client."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest
import simple_salesforce.bulk2

from closedloop.sandbox.salesforce import Org, SalesforceSandbox


def started(http: Any, soql: str, **more: Any) -> dict[str, Any]:
    answer = http("POST", "/jobs/query", json={"operation": "query", "query": soql, **more})
    assert answer.status_code == 200, answer.text
    job: dict[str, Any] = answer.json()
    return job


def finished(http: Any, soql: str, **more: Any) -> str:
    job = str(started(http, soql, **more)["id"])
    assert http("GET", f"/jobs/query/{job}").json()["state"] == "JobComplete"
    return job


def results(http: Any, job: str, **params: Any) -> Any:
    answer = http("GET", f"/jobs/query/{job}/results", params=params)
    assert answer.status_code == 200, answer.text
    return answer


def test_a_job_goes_through_its_states(http: Any, salesforce: SalesforceSandbox, lead: str) -> None:
    salesforce.bulk.polls = 2
    job = started(http, "SELECT Id FROM Lead")
    assert (job["state"], job["object"], job["apiVersion"]) == ("UploadComplete", "Lead", 62.0)
    states = [http("GET", f"/jobs/query/{job['id']}").json()["state"] for _ in range(3)]
    assert states == ["InProgress", "InProgress", "JobComplete"]
    done = http("GET", f"/jobs/query/{job['id']}").json()
    assert (done["jobType"], done["numberRecordsProcessed"]) == ("V2Query", 1)


def test_every_value_is_quoted_in_the_form_of_its_type(http: Any, org: Org) -> None:
    account = org.insert("Account", {"Name": 'Say "hi",\nAcme'})
    contact = org.insert("Contact", {"LastName": "Doe", "AccountId": account})
    deal = {"Name": "Deal", "StageName": "Closed Won", "CloseDate": "2026-12-31", "Amount": "12500.50"}
    org.insert("Opportunity", {**deal, "AccountId": account})
    soql = "SELECT Name, Account.Name, Amount, CloseDate, IsWon, CampaignId, CreatedDate FROM Opportunity"
    text = results(http, finished(http, soql)).text
    assert text == (
        '"Name","Account.Name","Amount","CloseDate","IsWon","CampaignId","CreatedDate"\n'
        '"Deal","Say ""hi"",\nAcme","12500.5","2026-12-31","true","","2026-11-20T14:03:07.000Z"\n'
    )
    other = results(http, finished(http, "SELECT Id, Account.Owner.Name FROM Contact"))
    assert other.text == f'"Id","Account.Owner.Name"\n"{contact}","Ada Admin"\n'


def test_results_come_in_parts_that_the_locator_leads_through(http: Any, org: Org) -> None:
    made = [org.insert("Account", {"Name": f"{n}"}) for n in range(5)]
    job = finished(http, "SELECT Id FROM Account")
    found, locator, sizes = [], None, []
    while locator != "null":
        answer = results(http, job, maxRecords=2, **({"locator": locator} if locator else {}))
        rows = list(csv.DictReader(io.StringIO(answer.text)))
        found += [row["Id"] for row in rows]
        sizes.append(answer.headers["Sforce-NumberOfRecords"])
        locator = answer.headers["Sforce-Locator"]
    assert (found, sizes) == (made, ["2", "2", "1"])
    assert results(http, job, maxRecords=2, locator="Mg").text.count("\n") == 3


def test_a_job_that_finds_nothing_has_a_header_only(http: Any) -> None:
    answer = results(http, finished(http, "SELECT Id, Name FROM Campaign"))
    assert answer.text == '"Id","Name"\n'
    assert (answer.headers["Sforce-NumberOfRecords"], answer.headers["Sforce-Locator"]) == ("0", "null")


def test_results_are_compressed_for_those_who_can_read_it(http: Any, lead: str) -> None:
    job = finished(http, "SELECT Id FROM Lead")
    assert results(http, job).headers["Content-Encoding"] == "gzip"
    plain = http("GET", f"/jobs/query/{job}/results", headers={"Accept-Encoding": "identity"})
    assert ("Content-Encoding" in plain.headers, plain.text) == (False, f'"Id"\n"{lead}"\n')


def test_query_all_sees_the_recycle_bin_and_the_form_can_be_chosen(http: Any, org: Org, lead: str) -> None:
    org.delete("Lead", lead)
    assert results(http, finished(http, "SELECT Id FROM Lead")).text == '"Id"\n'
    more = {"operation": "queryAll", "columnDelimiter": "PIPE", "lineEnding": "CRLF"}
    text = results(http, finished(http, "SELECT Id, IsDeleted FROM Lead", **more)).content.decode()
    assert text == f'"Id"|"IsDeleted"\r\n"{lead}"|"true"\r\n'


@pytest.mark.parametrize(
    ("soql", "code", "message"),
    [
        ("SELECT count() FROM Lead", "API_ERROR", "Aggregate Relationships not supported in Bulk Query"),
        ("SELECT MAX(Name) FROM Lead", "API_ERROR", "Aggregate Relationships not supported in Bulk Query"),
        (
            "SELECT Status, COUNT(Id) FROM Lead GROUP BY Status",
            "API_ERROR",
            "Aggregate Relationships not supported in Bulk Query",
        ),
        (
            "SELECT Id, (SELECT Id FROM Contacts) FROM Account",
            "API_ERROR",
            "Aggregate Relationships not supported in Bulk Query",
        ),
        ("SELECT Address FROM Lead", "API_ERROR", "Selecting compound data not supported in Bulk Query"),
    ],
)
def test_queries_that_bulk_cannot_run_are_refused(http: Any, soql: str, code: str, message: str) -> None:
    answer = http("POST", "/jobs/query", json={"operation": "query", "query": soql})
    assert (answer.status_code, answer.json()) == (400, [{"errorCode": code, "message": message}])


@pytest.mark.parametrize(
    ("soql", "code"),
    [
        ("SELECT Id FROM Lead OFFSET 5", "API_ERROR"),
        ("SELECT toLabel(Status) FROM Lead", "API_ERROR"),
        ("SELECT TYPEOF Who WHEN Lead THEN Id END FROM Task", "API_ERROR"),
        ("SELECT Nothing FROM Lead", "INVALID_FIELD"),
        ("SELECT Id FROM Nothing", "INVALID_TYPE"),
        ("SELECT", "MALFORMED_QUERY"),
        (None, "INVALIDJOB"),
    ],
)
def test_a_job_is_refused_when_it_is_made(http: Any, soql: str | None, code: str) -> None:
    answer = http("POST", "/jobs/query", json={"operation": "query", "query": soql})
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, code)


def test_a_job_is_aborted_and_deleted(http: Any, salesforce: SalesforceSandbox) -> None:
    salesforce.bulk.polls = 9
    job = started(http, "SELECT Id FROM Lead")["id"]
    assert http("DELETE", f"/jobs/query/{job}").json()[0]["errorCode"] == "INVALIDJOBSTATE"
    assert http("GET", f"/jobs/query/{job}/results").status_code == 400
    assert http("PATCH", f"/jobs/query/{job}", json={"state": "Aborted"}).json()["state"] == "Aborted"
    assert http("PATCH", f"/jobs/query/{job}", json={"state": "Aborted"}).status_code == 400
    assert [j["id"] for j in http("GET", "/jobs/query").json()["records"]] == [job]
    assert http("DELETE", f"/jobs/query/{job}").status_code == 204
    assert http("GET", f"/jobs/query/{job}").status_code == 404


def test_results_are_fetched_in_parts_at_the_same_time_with_the_version_of_the_job(
    http: Any, org: Org, salesforce: SalesforceSandbox
) -> None:
    salesforce.bulk.page = 2
    for n in range(13):
        org.insert("Lead", {"LastName": f"P{n}", "Company": "Acme"})
    job = started(http, "SELECT Id FROM Lead")["id"]
    shown = http("GET", f"/jobs/query/{job}").json()
    assert (shown["jobType"], shown["isPkChunkingSupported"]) == ("V2Query", False)
    pages = http("GET", f"/jobs/query/{job}/resultPages").json()
    rest = http("GET", http.url.partition("/services")[0] + pages["nextRecordsUrl"]).json()
    assert (len(pages["resultPages"]), pages["done"]) == (5, False)
    assert (len(rest["resultPages"]), rest["done"], "nextRecordsUrl" in rest) == (2, True, False)
    found = []
    for page in pages["resultPages"] + rest["resultPages"]:
        found += http("GET", http.url.partition("/services")[0] + page["resultUrl"]).text.split()[1:]
    assert found == [f'"{row["Id"]}"' for row in org.rows("Lead")]
    other = http("GET", f"{http.url.replace('v62.0', 'v61.0')}/jobs/query/{job}/results")
    assert other.status_code == 409


def test_a_job_fails_when_it_is_asked_to(http: Any, salesforce: SalesforceSandbox) -> None:
    salesforce.bulk.fail("InternalServerError : the query took too long")
    job = started(http, "SELECT Id FROM Lead")["id"]
    shown = http("GET", f"/jobs/query/{job}").json()
    assert (shown["state"], shown["errorMessage"]) == (
        "Failed",
        "InternalServerError : the query took too long",
    )


@pytest.mark.parametrize("locator", ["%%%", "////", "YWJj", "OTk5"])
def test_a_locator_that_leads_nowhere_is_refused(http: Any, locator: str) -> None:
    job = finished(http, "SELECT Id FROM Lead")
    answer = http("GET", f"/jobs/query/{job}/results", params={"locator": locator})
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, "INVALID_QUERY_LOCATOR")


def test_the_vendor_worlds_client_reads_a_job(
    client: Any, org: Org, salesforce: SalesforceSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(simple_salesforce.bulk2, "sleep", lambda _: None)
    salesforce.bulk.polls, salesforce.bulk.page = 3, 2
    made = [org.insert("Account", {"Name": f"{n}"}) for n in range(5)]
    parts = list(client.bulk2.Account.query("SELECT Id FROM Account"))
    rows = [row["Id"] for part in parts for row in csv.DictReader(io.StringIO(part))]
    assert (len(parts), rows) == (3, made)
