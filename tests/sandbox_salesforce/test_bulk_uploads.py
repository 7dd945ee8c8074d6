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
    ("body", "code"),
    [
        ({"object": "Nothing", "operation": "insert"}, "INVALIDENTITY"),
        ({"object": "User", "operation": "insert"}, "INVALIDENTITY"),
        ({"object": "Lead", "operation": "hardDelete"}, "FEATURENOTENABLED"),
        ({"object": "Lead", "operation": "merge"}, "INVALIDJOB"),
        ({"object": "Lead", "operation": "upsert"}, "INVALIDJOB"),
        ({"object": "Lead", "operation": "upsert", "externalIdFieldName": "Title"}, "INVALIDJOB"),
        ({"object": "Lead", "operation": "insert", "contentType": "JSON"}, "INVALIDJOB"),
    ],
)
def test_a_job_that_cannot_be_is_refused(http: Any, body: dict[str, Any], code: str) -> None:
    answer = http("POST", "/jobs/ingest", json=body)
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, code)


def test_a_job_is_uploaded_once_and_within_the_limit(http: Any, salesforce: SalesforceSandbox) -> None:
    salesforce.bulk.most_bytes = 20
    path = f"/jobs/ingest/{opened(http, object='Lead', operation='insert')['id']}"
    assert http("PUT", f"{path}/batches", data=b"x" * 21).status_code == 413
    assert http("PUT", f"{path}/batches", data=b"LastName\nA\n").status_code == 201
    assert http("PUT", f"{path}/batches", data=b"LastName\nA\n").json()[0]["errorCode"] == "INVALIDJOBSTATE"
    assert http("GET", f"{path}/failedResults").json()[0]["errorCode"] == "INVALIDJOBSTATE"
    assert http("DELETE", path).json()[0]["errorCode"] == "INVALIDJOBSTATE"
    assert http("PATCH", path, json={"state": "Aborted"}).json()["state"] == "Aborted"
    assert http("PATCH", path, json={"state": "UploadComplete"}).status_code == 400
    assert http("GET", f"{path}/unprocessedrecords").text == 'LastName\n"A"\n'
    assert len(http("GET", "/jobs/ingest").json()["records"]) == 1
    assert http("DELETE", path).status_code == 204


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
