"""Bulk API 2.0 ingest jobs, against recorded bodies and with the vendor world's client."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest
import simple_salesforce.bulk2

from closedloop.sandbox.salesforce import Org, SalesforceSandbox

NO_HARD_DELETE = (
    "hardDelete operation requires special user profile permission, please contact your system administrator"
)


def opened(http: Any, **body: Any) -> dict[str, Any]:
    answer = http("POST", "/jobs/ingest", json={"contentType": "CSV", **body})
    assert answer.status_code == 200, answer.text
    job: dict[str, Any] = answer.json()
    return job


def loaded(http: Any, data: str | bytes, **body: Any) -> dict[str, Any]:
    """The job after its upload, run to its end."""
    path = f"/jobs/ingest/{opened(http, **body)['id']}"
    content = data.encode() if isinstance(data, str) else data
    assert (
        http("PUT", f"{path}/batches", data=content, headers={"Content-Type": "text/csv"}).status_code == 201
    )
    assert http("PATCH", path, json={"state": "UploadComplete"}).json()["state"] == "UploadComplete"
    job: dict[str, Any] = http("GET", path).json()
    return job


def lines(http: Any, job: dict[str, Any], which: str) -> str:
    answer = http("GET", f"/jobs/ingest/{job['id']}/{which}")
    assert answer.headers["Content-Type"].startswith("text/csv")
    return str(answer.content.decode())


def recorded_keys(corpus: Path, name: str) -> list[str]:
    return list(json.loads((corpus / "salesforce" / "amp-labs" / name).read_text(encoding="utf-8")))


def test_the_bodies_have_the_shape_of_recorded_ones(http: Any, corpus: Path) -> None:
    made = opened(http, object="Account", operation="upsert", externalIdFieldName="Id")
    assert list(made) == recorded_keys(corpus, "bulk_write_launch-job-opportunity.json")
    path = f"/jobs/ingest/{made['id']}"
    http("PUT", f"{path}/batches", data=b"Id,Name\n,Acme\n")
    closed = http("PATCH", path, json={"state": "UploadComplete"}).json()
    assert list(closed) == recorded_keys(corpus, "bulk_write_update-job-opportunity.json")
    done = http("GET", path).json()
    assert list(done) == recorded_keys(corpus, "bulk_info_success.json")
    assert (done["state"], done["numberRecordsProcessed"]) == ("JobComplete", 1)


def test_a_refused_row_is_told_as_the_recorded_one(http: Any, corpus: Path) -> None:
    file = corpus / "salesforce" / "amp-labs" / "bulk_info_partial-failure.csv"
    recorded = list(csv.reader(io.StringIO(file.read_text(encoding="utf-8"))))
    header, row = recorded[0][2:], recorded[1][2:]
    names = ["Lost_to_Competitor__c" if name == "external_id__c" else name for name in header]
    job = loaded(http, f"{','.join(names)}\n{','.join(row)}\n", object="Opportunity", operation="insert")
    failed = list(csv.reader(io.StringIO(lines(http, job, "failedResults"))))
    assert (failed[0][:2], failed[1][:2]) == (recorded[0][:2], recorded[1][:2])
    assert lines(http, job, "failedResults").split("\n")[0] == f'"sf__Id","sf__Error",{",".join(names)}'


def test_an_empty_value_leaves_a_field_alone_and_a_mark_empties_it(http: Any, org: Org, lead: str) -> None:
    data = f"Id,FirstName,Email,Title\n{lead},,#N/A,CFO\n"
    job = loaded(http, data, object="Lead", operation="update")
    kept = org.get("Lead", lead)
    assert (kept["FirstName"], kept["Email"], kept["Title"]) == ("Lena", None, "CFO")
    assert lines(http, job, "successfulResults") == (
        f'"sf__Id","sf__Created",Id,FirstName,Email,Title\n"{lead}","false","{lead}","","#N/A","CFO"\n'
    )


def test_an_upsert_makes_and_keeps(http: Any, org: Org, campaign: str) -> None:
    name, key = "Closed_Loop_Campaign_Reason__c", "Closed_Loop_Key__c"
    kept = org.insert(name, {key: "k1", "Campaign__c": campaign})
    data = f"{key},Campaign__c,Credit__c\nK1,,2\nk2,{campaign},3\nk3,{campaign},much\n"
    job = loaded(http, data, object=name, operation="upsert", externalIdFieldName=key)
    assert (job["numberRecordsProcessed"], job["numberRecordsFailed"]) == (3, 1)
    done = list(csv.DictReader(io.StringIO(lines(http, job, "successfulResults"))))
    assert [(row["sf__Id"] == kept, row["sf__Created"]) for row in done] == [(True, "false"), (False, "true")]
    assert org.get(name, kept)["Credit__c"] == 2


def test_records_are_deleted_and_those_that_cannot_be_say_why(http: Any, org: Org, lead: str) -> None:
    job = loaded(http, f"Id\n{lead}\n{lead}\n", object="Lead", operation="delete")
    assert org.rows("Lead") == []
    error = next(csv.DictReader(io.StringIO(lines(http, job, "failedResults"))))
    assert (error["sf__Id"], error["sf__Error"]) == (lead, "ENTITY_IS_DELETED:entity is deleted:--")


def test_rows_are_refused_as_records_are(http: Any, org: Org) -> None:
    data = f"LastName,Company\n{'x' * 81},Acme\nDoe,\nRoe,Acme\n"
    job = loaded(http, data, object="Lead", operation="insert")
    rows = csv.DictReader(io.StringIO(lines(http, job, "failedResults")))
    assert [row["sf__Error"].split(":")[0] for row in rows] == ["STRING_TOO_LONG", "REQUIRED_FIELD_MISSING"]
    assert [row["LastName"] for row in org.rows("Lead")] == ["Roe"]


def test_a_key_that_comes_twice_collides_within_200_rows_only(http: Any, org: Org) -> None:
    rows = [f"Person {n},p{n}@example.com" for n in range(200)] + ["Again,p0@example.com"]
    body = {"object": "Contact", "operation": "upsert", "externalIdFieldName": "Email"}
    job = loaded(http, "\n".join(["LastName,Email", *rows]) + "\n", **body)
    assert (job["numberRecordsProcessed"], job["numberRecordsFailed"]) == (201, 0)
    assert (len(org.rows("Contact")), org.rows("Contact")[0]["LastName"]) == (200, "Again")
    near = loaded(http, "LastName,Email\nA,q@example.com\nB,Q@example.com\n", **body)
    assert near["numberRecordsFailed"] == 2


@pytest.mark.parametrize(
    ("data", "body", "message"),
    [
        ("Foo\nx\n", {}, "InvalidBatch : Field name not found : Foo"),
        ("Title\nx\n", {"operation": "update"}, "InvalidBatch : Field name not found : Id"),
        (
            "Company\r\nx\r\n",
            {},
            "ClientInputError : LineEnding is invalid on user data. Current LineEnding setting is LF",
        ),
        (
            "Company\nx\n",
            {"lineEnding": "CRLF"},
            "ClientInputError : LineEnding is invalid on user data. Current LineEnding setting is CRLF",
        ),
        ("LastName,Company\nx\n", {}, "InvalidBatch : A row has more or fewer columns than the header"),
        (b"LastName\n\xff\xfe\n", {}, "InvalidBatch : Invalid UTF-8 in the CSV content"),
        ("", {}, "InvalidBatch : The CSV content has no header"),
    ],
)
def test_a_csv_that_cannot_be_read_fails_the_job(
    http: Any, org: Org, data: str | bytes, body: dict[str, Any], message: str
) -> None:
    job = loaded(http, data, **({"object": "Lead", "operation": "insert"} | body))
    assert (job["state"], job["errorMessage"], job["numberRecordsProcessed"]) == ("Failed", message, 0)
    assert org.rows("Lead") == []


def test_a_job_that_fails_as_a_whole_gives_its_rows_back(http: Any, salesforce: SalesforceSandbox) -> None:
    salesforce.bulk.fail("InternalServerError : out of luck")
    job = loaded(http, "LastName,Company\nA,B\n", object="Lead", operation="insert")
    assert (job["state"], job["errorMessage"]) == ("Failed", "InternalServerError : out of luck")
    assert lines(http, job, "unprocessedrecords") == 'LastName,Company\n"A","B"\n'


@pytest.mark.parametrize(
    ("body", "code", "message"),
    [
        ({"object": "Nothing"}, "INVALIDJOB", "InvalidJob : Unable to find object: Nothing"),
        ({"object": ""}, "INVALIDJOB", "InvalidJob : Unable to find object: "),
        ({}, "INVALIDJOB", "InvalidJob : Unable to find object: "),
        ({"object": "User"}, "INVALIDENTITY", "Entity 'User' is not supported by the Bulk API."),
        (
            {"object": "Lead", "operation": "hardDelete"},
            "FEATURENOTENABLED",
            NO_HARD_DELETE,
        ),
        (
            {"object": "Lead", "operation": ""},
            "API_ERROR",
            "Invalid value: '' supplied for property: 'operation'",
        ),
        (
            {"object": "Lead", "operation": ["insert"]},
            "API_ERROR",
            "Invalid value: '['insert']' supplied for property: 'operation'",
        ),
        ({"object": "Lead", "operation": "upsert"}, "INVALIDJOB", None),
        ({"object": "Lead", "operation": "upsert", "externalIdFieldName": "Title"}, "INVALIDJOB", None),
        (
            {"object": "Lead", "contentType": "JSON"},
            "API_ERROR",
            "Invalid value: 'JSON' supplied for property: 'contentType'",
        ),
        ({"object": "Lead", "lineEnding": "CR"}, "API_ERROR", None),
        ({"object": "Lead", "columnDelimiter": ","}, "API_ERROR", None),
    ],
)
def test_a_job_that_cannot_be_is_refused(
    http: Any, body: dict[str, Any], code: str, message: str | None
) -> None:
    answer = http("POST", "/jobs/ingest", json={"operation": "insert"} | body)
    told = answer.json()[0]
    assert (answer.status_code, told["errorCode"]) == (400, code)
    assert message in (None, told["message"])


def test_a_job_is_uploaded_once_and_within_the_limit(http: Any, salesforce: SalesforceSandbox) -> None:
    salesforce.bulk.most_bytes = 20
    job = opened(http, object="Lead", operation="insert")["id"]
    path = f"/jobs/ingest/{job}"
    assert http("PUT", f"{path}/batches", data=b"x" * 21).status_code == 413
    assert http("PUT", f"{path}/batches", data=b"LastName\nA\n").status_code == 201
    twice = http("PUT", f"{path}/batches", data=b"LastName\nA\n").json()[0]
    assert twice["errorCode"] == "BULK_API_ERROR"
    assert twice["message"].startswith(f"Found multipe contents for job: <{job[:15]}>, please 'Close'")
    assert http("GET", f"{path}/failedResults").json()[0]["errorCode"] == "INVALIDJOBSTATE"
    assert http("DELETE", path).json()[0]["errorCode"] == "INVALIDJOBSTATE"
    assert http("PATCH", path, json={"state": "Aborted"}).json()["state"] == "Aborted"
    assert http("PATCH", path, json={"state": "UploadComplete"}).status_code == 400
    assert http("GET", f"{path}/unprocessedrecords").text == 'LastName\n"A"\n'
    assert http("GET", f"{path}/unprocessedRecords").text == 'LastName\n"A"\n'
    assert len(http("GET", "/jobs/ingest").json()["records"]) == 1
    assert http("DELETE", path).status_code == 204
    assert http("GET", path).status_code == 404


def test_a_job_that_waits_can_be_aborted_before_anything_is_written(
    http: Any, org: Org, salesforce: SalesforceSandbox
) -> None:
    salesforce.bulk.polls = 2
    job = opened(http, object="Lead", operation="insert")
    http("PUT", f"/jobs/ingest/{job['id']}/batches", data=b"LastName,Company\nA,B\n")
    http("PATCH", f"/jobs/ingest/{job['id']}", json={"state": "UploadComplete"})
    path = f"/jobs/ingest/{job['id']}"
    assert http("PATCH", path, json={"state": "Aborted"}).json()["state"] == "Aborted"
    assert lines(http, job, "unprocessedrecords") == 'LastName,Company\n"A","B"\n'
    assert org.rows("Lead") == []
    again = http("PATCH", path, json={"state": "Aborted"})
    assert again.json() == [
        {"message": "Aborting already Aborted Job not allowed", "errorCode": "INVALIDJOBSTATE"}
    ]


def test_a_job_that_is_complete_cannot_be_aborted(http: Any) -> None:
    job = loaded(http, "LastName,Company\nA,B\n", object="Lead", operation="insert")
    answer = http("PATCH", f"/jobs/ingest/{job['id']}", json={"state": "Aborted"})
    message = "Aborting already Completed Job not allowed"
    assert (answer.status_code, answer.json()[0]["message"]) == (400, message)


def test_a_job_and_its_content_are_sent_together(http: Any, org: Org) -> None:
    described = json.dumps({"object": "Lead", "contentType": "CSV", "operation": "insert"})
    parts = {
        "job": (None, described, "application/json"),
        "content": ("content", 'LastName,Company\n"Do, e","A ""B""\n C"\n', "text/csv"),
    }
    made = http("POST", "/jobs/ingest", files=parts).json()
    assert made["state"] == "UploadComplete"
    done = http("GET", f"/jobs/ingest/{made['id']}").json()
    assert (done["state"], done["numberRecordsProcessed"]) == ("JobComplete", 1)
    assert [(row["LastName"], row["Company"]) for row in org.rows("Lead")] == [("Do, e", 'A "B"\n C')]
    del parts["content"]
    assert http("POST", "/jobs/ingest", files=parts).json()[0]["errorCode"] == "INVALIDJOB"
    broken = {"job": (None, "{", "application/json"), "content": parts["job"]}
    assert http("POST", "/jobs/ingest", files=broken).json()[0]["errorCode"] == "JSON_PARSER_ERROR"


def test_a_column_names_a_parent_by_its_external_id(http: Any, org: Org, campaign: str) -> None:
    reason, key = "Closed_Loop_Campaign_Reason__c", "Closed_Loop_Key__c"
    owner = org.rows("User")[0]
    data = f"LastName,Company,User:Owner.Username\nA,B,{owner['Username']}\nC,D,nobody\n"
    job = loaded(http, data, object="Lead", operation="insert")
    assert [row["OwnerId"] for row in org.rows("Lead")] == [owner["Id"]]
    failed = lines(http, job, "failedResults")
    message = "INVALID_FIELD:Foreign key external ID: nobody not found for field Username in entity User:--"
    assert message in failed
    wrong = loaded(http, f"{key},Campaign__r.Name\nk,Autumn\n", object=reason, operation="insert")
    assert wrong["errorMessage"] == "InvalidBatch : Field name not found : Campaign__r.Name"


@pytest.mark.parametrize("delimiter", ["BACKQUOTE", "CARET", "COMMA", "PIPE", "SEMICOLON", "TAB"])
@pytest.mark.parametrize("ending", ["LF", "CRLF"])
def test_every_delimiter_and_line_ending_is_read_and_written(
    http: Any, org: Org, delimiter: str, ending: str
) -> None:
    mark = {"BACKQUOTE": "`", "CARET": "^", "COMMA": ",", "PIPE": "|", "SEMICOLON": ";", "TAB": "\t"}[
        delimiter
    ]
    end = {"LF": "\n", "CRLF": "\r\n"}[ending]
    data = f'LastName{mark}Company{end}"A{mark}B"{mark}"C ""D"""{end}'
    body = {"object": "Lead", "operation": "insert", "columnDelimiter": delimiter, "lineEnding": ending}
    job = loaded(http, data, **body)
    assert [(row["LastName"], row["Company"]) for row in org.rows("Lead")] == [(f"A{mark}B", 'C "D"')]
    head, row, _ = lines(http, job, "successfulResults").split(end)
    assert head == f'"sf__Id"{mark}"sf__Created"{mark}LastName{mark}Company'
    assert row.endswith(f'"true"{mark}"A{mark}B"{mark}"C ""D"""')


def test_records_are_deleted_for_good_by_those_who_may(
    http: Any, org: Org, salesforce: SalesforceSandbox, lead: str
) -> None:
    salesforce.bulk.hard_delete = True
    job = loaded(http, f"Id\n{lead}\n", object="Lead", operation="hardDelete")
    assert (job["state"], job["numberRecordsFailed"]) == ("JobComplete", 0)
    assert http("GET", "/queryAll", params={"q": "SELECT Id FROM Lead"}).json()["totalSize"] == 0
    assert org.rows("Lead") == []


def test_jobs_are_listed_page_by_page_and_by_kind(http: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("closedloop.sandbox.salesforce.bulk.jobs._JOBS_A_PAGE", 2)
    for _ in range(3):
        opened(http, object="Lead", operation="insert")
    first = http("GET", "/jobs/ingest", params={"jobType": "V2Ingest"}).json()
    assert (first["done"], len(first["records"])) == (False, 2)
    assert "numberRecordsProcessed" not in first["records"][0]
    rest = http("GET", http.url.partition("/services")[0] + first["nextRecordsUrl"]).json()
    assert (rest["done"], len(rest["records"]), rest["nextRecordsUrl"]) == (True, 1, None)
    for query in ("jobType=Classic", "isPkChunkingEnabled=true", "concurrencyMode=serial"):
        assert http("GET", f"/jobs/ingest?{query}").json()["records"] == []
    assert http("GET", "/jobs/ingest?queryLocator=!").json()[0]["errorCode"] == "INVALID_QUERY_LOCATOR"


def test_the_limits_go_down(http: Any) -> None:
    before = http("GET", "/limits").json()
    loaded(http, "LastName,Company\nA,B\n", object="Lead", operation="insert", assignmentRuleId="01Q0")
    http("POST", "/jobs/query", json={"operation": "query", "query": "SELECT Id FROM Lead"})
    after = http("GET", "/limits").json()
    for name in ("DailyBulkApiBatches", "DailyBulkV2QueryJobs"):
        assert after[name]["Remaining"] == before[name]["Remaining"] - 1


def test_the_vendor_worlds_client_writes(
    client: Any, org: Org, salesforce: SalesforceSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(simple_salesforce.bulk2, "sleep", lambda _: None)
    salesforce.bulk.polls = 2
    people = [{"LastName": f"Person {n}", "Company": "Acme, Inc."} for n in range(3)]
    made = client.bulk2.Lead.insert(records=[*people, {"LastName": "", "Company": "Nobody"}])
    assert (made[0]["numberRecordsProcessed"], made[0]["numberRecordsFailed"]) == (4, 1)
    failed = client.bulk2.Lead.get_failed_records(made[0]["job_id"])
    assert "REQUIRED_FIELD_MISSING:Required fields are missing: [LastName]:LastName --" in failed
    ids = [row["Id"] for row in org.rows("Lead")]
    assert (
        client.bulk2.Lead.update(records=[{"Id": i, "Title": "CFO"} for i in ids])[0]["numberRecordsFailed"]
        == 0
    )
    assert {row["Title"] for row in org.rows("Lead")} == {"CFO"}
    client.bulk2.Lead.delete(records=[{"Id": i} for i in ids])
    assert org.rows("Lead") == []
