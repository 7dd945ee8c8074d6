"""The older Bulk API: recorded sessions, the vendor world's client, its three forms, and what it refuses."""

from __future__ import annotations

import csv
import gzip
import io
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests
import simple_salesforce.bulk
from lxml import etree

from closedloop.sandbox.salesforce import Org, SalesforceSandbox

NAMESPACE = "http://www.force.com/2009/06/asyncapi/dataload"
XML = {"Content-Type": "application/xml; charset=UTF-8"}
JSON = {"Content-Type": "application/json"}
NO_HARD_DELETE = (
    "hardDelete operation requires special user profile permission, please contact your system administrator"
)
UNESCAPED = (
    "InvalidBatch : Failed to parse CSV. Found unescaped quote. A value with quote should be within a quote"
)
QUERY_RESULT = (
    b'<?xml version="1.0" encoding="UTF-8"?><queryResult\n   xmlns="%(ns)s" '
    b'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">\n <records xsi:type="sObject">\n'
    b"  <type>Lead</type>\n  <Id>%(id)s</Id>\n  <Id>%(id)s</Id>\n  <Name>Lena Lead</Name>\n  <Owner>\n"
    b"   <type>Name</type>\n   <Alias>%(alias)s</Alias>\n  </Owner>\n </records>\n</queryResult>"
)
Async = Callable[..., requests.Response]


@pytest.fixture
def bulk(salesforce: SalesforceSandbox, http: Any) -> Async:
    """Plain requests below the address of the API, with the session in the header that it wants."""
    http.session.headers.pop("Authorization")
    http.session.headers["X-SFDC-Session"] = salesforce.access_token

    def send(method: str, path: str, data: Any = None, **headers: str) -> requests.Response:
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        answer: requests.Response = http(
            method, f"{salesforce.url}/services/async/62.0{path}", data=data, headers=given
        )
        return answer

    return send


def job_xml(operation: str, sobject: str, form: str = "CSV", more: str = "") -> str:
    return (
        f'<jobInfo xmlns="{NAMESPACE}"><operation>{operation}</operation><object>{sobject}</object>{more}'
        f"<contentType>{form}</contentType></jobInfo>"
    )


def elements(answer: requests.Response) -> dict[str, str]:
    root = etree.fromstring(answer.content)
    return {etree.QName(child).localname: child.text or "" for child in root}


def opened(bulk: Async, *args: str, **headers: str) -> str:
    answer = bulk("POST", "/job", job_xml(*args), **XML, **headers)
    assert answer.status_code == 201, answer.text
    return elements(answer)["id"]


def added(bulk: Async, job: str, data: str | bytes) -> str:
    answer = bulk("POST", f"/job/{job}/batch", data.encode() if isinstance(data, str) else data)
    assert answer.status_code == 201, answer.text
    if answer.headers["Content-Type"] == "application/json":
        return str(answer.json()["id"])
    return elements(answer)["id"]


def shape(text: str) -> list[str]:
    """The lines of an XML body without their texts and without what it says of batches that are busy."""
    return re.sub(r">[^<\n]+<", "><", text).split("\n")


def recorded(corpus: Path, name: str) -> list[dict[str, Any]]:
    session = json.loads((corpus / "salesforce" / "cumulusci" / name).read_text(encoding="utf-8"))
    return [i for i in session["interactions"] if "/services/async/" in i["request"]["url"]]


def unchunked(body: str) -> str:
    """The content of a body that was recorded in chunks, as it went over the wire."""
    if not re.match("[0-9a-f]+\r?\n", body):
        return body
    lines = body.replace("\r\n", "\n").split("\n")
    return "\n".join(line for line in lines if line and not re.fullmatch("[0-9a-f]+", line)) + "\n"


def test_a_recorded_session_of_uploads_is_answered_in_the_same_shapes(
    bulk: Async, org: Org, corpus: Path
) -> None:
    """cumulusci loads accounts and contacts, upserts contacts by e-mail, and loads opportunities."""
    ids: dict[str, str] = {}
    seen = set()
    for turn in recorded(corpus, "TestUpsert.test_upsert_external_id_field.json"):
        request, response = turn["request"], turn["response"]
        path = request["url"].split("vxx.0")[1]
        for theirs, ours in ids.items():
            path = path.replace(theirs, ours)
        data = unchunked(request["body"] or "")
        # The stage and the contact of an opportunity are custom in that org.
        data = data.replace("In Progress", "Prospecting")
        data = re.sub(r'(?m),("ContactId"|"003\w{15}")$', "", data)
        answer = bulk(request["method"], path, data.encode(), **XML)
        assert answer.status_code == response["status"]
        assert answer.headers["Content-Type"] == response["headers"]["Content-Type"]
        seen.add((request["method"], re.sub(r"/75[01]\w{15}", "/-", path)))
        if answer.headers["Content-Type"] == "text/csv":
            texts = (answer.text, response["body"])
            rows, expected = ([row[1:] for row in csv.reader(io.StringIO(text))] for text in texts)
            assert rows == expected
            continue
        assert shape(answer.text) == shape(response["body"]), path
        named = (re.findall(r"<id>(\w+)<", text) for text in (response["body"], answer.text))
        ids.update(zip(*named, strict=True))
    assert len(org.rows("Contact")) == 17
    assert len(seen) == 6


def test_a_recorded_query_in_json_is_answered_in_the_same_shapes(
    bulk: Async, org: Org, corpus: Path, lead: str
) -> None:
    event = {"Subject": "Call", "DurationInMinutes": 30, "ActivityDateTime": "2026-11-20T10:00:00Z"}
    org.insert("Event", event | {"WhoId": lead})
    turns = recorded(corpus, "TestSelect.test_select_similarity_select_and_insert_strategy_bulk.json")
    made = next(t for t in turns if "<contentType>JSON" in t["request"]["body"])
    answer = bulk("POST", "/job", made["request"]["body"], **XML)
    assert shape(answer.text) == shape(made["response"]["body"])
    path = f"/job/{elements(answer)['id']}/batch"
    query = next(t for t in turns if t["request"]["body"] and t["request"]["body"].startswith("SELECT"))
    answer = bulk("POST", path, query["request"]["body"], **JSON)
    assert list(answer.json()) == list(query["response"]["body"])
    assert answer.headers["Location"] == f"/services/async/62.0{path}/{answer.json()['id']}"
    batch = f"{path}/{answer.json()['id']}"
    assert bulk("GET", batch, **XML).json()["state"] == "Completed"
    (result,) = bulk("GET", f"{batch}/result", **XML).json()
    (theirs,) = (t["response"]["body"] for t in turns if t["request"]["url"].endswith("/result"))
    assert len(result) == len(theirs[0])
    row = bulk("GET", f"{batch}/result/{result}?format=json").json()[0]
    shown = next(t["response"]["body"] for t in turns if "format=json" in t["request"]["url"])[0]
    assert list(row) == list(shown)
    assert row["ActivityDateTime"] == 1795168800000
    assert type(row["ActivityDateTime"]) is type(shown["ActivityDateTime"])


@pytest.fixture
def lazy(salesforce: SalesforceSandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(simple_salesforce.bulk, "sleep", lambda _: None)
    salesforce.bulk.polls = 1


@pytest.mark.usefixtures("lazy")
def test_the_vendor_worlds_client_writes_and_reads(
    client: Any, org: Org, salesforce: SalesforceSandbox
) -> None:
    people = [{"LastName": f"Person {n}", "Company": "Acme, Inc."} for n in range(3)]
    made = client.bulk.Lead.insert([*people, {"LastName": "", "Company": "Nobody"}], batch_size=2)
    assert [row["success"] for row in made] == [True, True, True, False]
    first = next(row["Id"] for row in org.rows("Lead") if row["LastName"] == "Person 0")
    assert made[0] == {"success": True, "created": True, "id": first, "errors": []}
    assert made[3]["id"] is None
    assert made[3]["errors"][0]["statusCode"] == "REQUIRED_FIELD_MISSING"
    ids = [row["id"] for row in made[:3]]
    changed = client.bulk.Lead.update([{"Id": i, "Title": "CFO"} for i in ids], use_serial=True)
    assert all(row["success"] and not row["created"] for row in changed)
    found = client.bulk.Lead.query("SELECT Id, Title, CreatedDate, Owner.Name FROM Lead ORDER BY Name")
    assert [row["Id"] for row in found] == ids
    assert found[0]["CreatedDate"] == 1795183387000
    assert found[0]["Owner"]["Name"] == org.get("User", org.rows("Lead")[0]["OwnerId"])["Name"]
    key = "Closed_Loop_Key__c"
    campaign = org.insert("Campaign", {"Name": "Autumn"})
    reasons = [{key: k, "Campaign__c": campaign} for k in ("a", "b")]
    upserted = client.bulk.Closed_Loop_Campaign_Reason__c.upsert(reasons, key, batch_size=1)
    assert [row["created"] for row in upserted] == [True, True]
    detailed = client.bulk.Lead.delete([{"Id": ids[0]}], include_detailed_results=True)
    assert detailed == [{"success": True, "created": False, "id": ids[0], "errors": [], "Id": ids[0]}]
    assert len(client.bulk.Lead.query_all("SELECT Id FROM Lead")) == 3
    salesforce.bulk.hard_delete = True
    client.bulk.Lead.hard_delete([{"Id": i} for i in ids[1:]])
    assert len(client.bulk.Lead.query_all("SELECT Id FROM Lead")) == 1
    assert client.bulk.Contact.query("SELECT Id FROM Contact") == []


@pytest.mark.usefixtures("lazy")
def test_the_vendor_worlds_client_hears_why_a_query_failed(client: Any) -> None:
    with pytest.raises(simple_salesforce.exceptions.SalesforceGeneralError) as raised:
        client.bulk.Account.query("SELECT Id FROM Contact")
    assert str(raised.value.content) == (
        "InvalidBatch : Failed to process query: INVALID_TYPE_FOR_OPERATION: The root entity of the "
        "requested query (Contact) does not match the entity of the requested Bulk API Job (Account)."
    )


def test_records_in_xml_name_their_parents_and_empty_fields(
    bulk: Async, org: Org, campaign: str, lead: str
) -> None:
    reason = "Closed_Loop_Campaign_Reason__c"
    user = org.rows("User")[0]["Username"]
    job = opened(bulk, "update", "Lead", "XML")
    batch = added(
        bulk,
        job,
        f'<sObjects xmlns="{NAMESPACE}" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><sObject>'
        f'<Id>{lead}</Id><firstname xsi:nil="true"/><Owner><sObject><type>User</type>'
        f"<Username>{user}</Username></sObject></Owner></sObject><sObject><Id>{lead[:-1]}</Id></sObject>"
        "</sObjects>",
    )
    answer = bulk("GET", f"/job/{job}/batch/{batch}/result")
    assert answer.headers["Content-Type"] == "application/xml"
    done, refused = etree.fromstring(answer.content)
    assert [etree.QName(e).localname for e in done] == ["id", "success", "created"]
    assert [etree.QName(e).localname for e in refused] == ["errors", "success", "created"]
    assert [etree.QName(e).localname for e in refused[0]] == ["fields", "message", "statusCode"]
    changed = org.get("Lead", lead)
    assert (changed["FirstName"], changed["OwnerId"]) == (None, org.rows("User")[0]["Id"])
    assert org.rows(reason) == []


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ("CSV", b'"Id","Name","Owner.Alias"\n"%(id)s","Lena Lead","%(alias)s"\n'),
        ("XML", QUERY_RESULT),
    ],
)
def test_a_query_is_answered_in_the_form_of_its_job(
    bulk: Async, org: Org, lead: str, form: str, expected: bytes
) -> None:
    job = opened(bulk, "query", "Lead", form)
    batch = added(bulk, job, "SELECT Id, Name, Owner.Alias FROM Lead")
    path = f"/job/{job}/batch/{batch}/result"
    assert bulk("GET", f"/job/{job}/batch/{batch}/request").text.startswith("SELECT Id, Name")
    listed = etree.fromstring(bulk("GET", path).content)
    assert etree.QName(listed).localname == "result-list"
    owner = org.get("User", org.get("Lead", lead)["OwnerId"])
    values = {b"id": lead.encode(), b"alias": owner["Alias"].encode(), b"ns": NAMESPACE.encode()}
    assert bulk("GET", f"{path}/{listed[0].text}").content == expected % values


def test_a_query_that_finds_nothing_says_so(bulk: Async) -> None:
    job = opened(bulk, "query", "Lead")
    batch = added(bulk, job, "SELECT Id FROM Lead")
    path = f"/job/{job}/batch/{batch}/result"
    (result,) = etree.fromstring(bulk("GET", path).content)
    assert bulk("GET", f"{path}/{result.text}").text == "Records not found for this query"


def test_a_query_is_split_by_ids(bulk: Async, org: Org) -> None:
    ids = [org.insert("Lead", {"LastName": f"P{n}", "Company": "Acme"}) for n in range(5)]
    job = opened(bulk, "queryAll", "Lead", Sforce_Enable_PKChunking="true; chunkSize=2")
    query = "SELECT Id FROM Lead WHERE Company = 'Acme'"
    original = added(bulk, job, query)
    batches = etree.fromstring(bulk("GET", f"/job/{job}/batch").content)
    states = [batch.findtext(f"{{{NAMESPACE}}}state") for batch in batches]
    assert states == ["NotProcessed", "Completed", "Completed", "Completed"]
    assert batches[0].findtext(f"{{{NAMESPACE}}}id") == original
    found: list[str] = []
    for batch in list(batches)[1:]:
        path = f"/job/{job}/batch/{batch.findtext(f'{{{NAMESPACE}}}id')}"
        assert bulk("GET", f"{path}/request").text.startswith(f"{query} AND Id >= '{ids[len(found)]}'")
        (result,) = etree.fromstring(bulk("GET", f"{path}/result").content)
        found += bulk("GET", f"{path}/result/{result.text}").text.split()[1:]
    assert found == [f'"{i}"' for i in ids]
    assert elements(bulk("GET", f"/job/{job}"))["numberBatchesTotal"] == "4"


def test_jobs_are_listed_among_those_of_the_newer_api(
    bulk: Async, http: Any, salesforce: SalesforceSandbox
) -> None:
    plain = opened(bulk, "insert", "Lead")
    chunked = opened(bulk, "query", "Lead", Sforce_Enable_PKChunking="true")
    http.session.headers["Authorization"] = f"Bearer {salesforce.access_token}"
    for path in ("/jobs/ingest", "/jobs/query"):
        records = http("GET", path, params={"jobType": "Classic"}).json()["records"]
        assert [(row["id"], row["jobType"]) for row in records] == [(plain, "Classic"), (chunked, "Classic")]
        assert list(records[0]) == [
            *("id", "operation", "object", "createdById", "createdDate", "systemModstamp", "state"),
            *("concurrencyMode", "contentType", "apiVersion", "jobType"),
        ]
        only = http("GET", path, params={"isPkChunkingEnabled": "true"}).json()["records"]
        assert [row["id"] for row in only] == [chunked]


def test_an_aborted_job_leaves_its_batches_unprocessed(
    bulk: Async, org: Org, salesforce: SalesforceSandbox
) -> None:
    salesforce.bulk.polls = 2
    job = opened(bulk, "insert", "Lead")
    batch = added(bulk, job, "LastName,Company\nA,B\n")
    assert elements(bulk("GET", f"/job/{job}"))["numberBatchesInProgress"] == "1"
    assert "Batch not completed" in bulk("GET", f"/job/{job}/batch/{batch}/result").text
    assert elements(bulk("POST", f"/job/{job}", job_state("Aborted"), **XML))["state"] == "Aborted"
    assert elements(bulk("GET", f"/job/{job}/batch/{batch}"))["state"] == "NotProcessed"
    refused = bulk("POST", f"/job/{job}", job_state("Closed"), **XML)
    assert elements(refused) == {
        "exceptionCode": "InvalidJobState",
        "exceptionMessage": "Closing already aborted Job not allowed",
    }
    assert elements(bulk("POST", f"/job/{job}/batch", "x"))["exceptionCode"] == "InvalidJobState"
    assert org.rows("Lead") == []


def job_state(state: str) -> str:
    return f'<?xml version="1.0"?><jobInfo xmlns="{NAMESPACE}"><state>{state}</state></jobInfo>'


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("Foo\nx\n", "InvalidBatch : Field name not found : Foo"),
        ("LastName,Company\n", "InvalidBatch : Records not found"),
        (
            'LastName\na"b\n',
            None,
        ),
        (
            '\ufeff"LastName"\nx\n',
            UNESCAPED,
        ),
    ],
    ids=["unknown field", "no records", "quote within a value", "byte order mark"],
)
def test_a_batch_that_cannot_be_read_fails(bulk: Async, body: str, message: str | None) -> None:
    job = opened(bulk, "insert", "Lead")
    batch = added(bulk, job, body)
    shown = elements(bulk("GET", f"/job/{job}/batch/{batch}"))
    if message is None:
        assert shown["numberRecordsFailed"] == "1"
        return
    assert (shown["state"], shown["stateMessage"]) == ("Failed", message)
    result = elements(bulk("GET", f"/job/{job}/batch/{batch}/result"))
    assert result == {"exceptionCode": "InvalidBatch", "exceptionMessage": "Records not processed"}


@pytest.mark.parametrize(
    ("form", "body"),
    [
        ("JSON", "{"),
        ("JSON", '{"LastName": "A"}'),
        ("JSON", "[1]"),
        ("XML", "<sObjects>"),
        ("JSON", '[{"Foo": 1}]'),
    ],
)
def test_records_that_are_none_fail_the_batch(bulk: Async, form: str, body: str) -> None:
    job = opened(bulk, "insert", "Lead", form)
    batch = added(bulk, job, body)
    shown = bulk("GET", f"/job/{job}/batch/{batch}").text
    assert "Failed" in shown
    assert "InvalidBatch : " in shown


@pytest.mark.parametrize(
    ("body", "code", "message"),
    [
        (job_xml("insert", "Nothing"), "InvalidJob", "Unable to find object: Nothing"),
        (job_xml("insert", "User"), "InvalidEntity", "Entity 'User' is not supported by the Bulk API."),
        (job_xml("merge", "Lead"), "InvalidJob", "Unable to find operation merge"),
        (job_xml("insert", "Lead", "ZIP_CSV"), "InvalidJob", None),
        (job_xml("upsert", "Lead"), "InvalidJob", None),
        (
            job_xml("hardDelete", "Lead"),
            "FeatureNotEnabled",
            NO_HARD_DELETE,
        ),
        (job_xml("insert", "Lead", more="<concurrencyMode>Fast</concurrencyMode>"), "InvalidJob", None),
        ("<jobInfo", "InvalidXML", None),
        ("", "InvalidXML", None),
        ("<job/>", "InvalidXML", None),
        ('<!DOCTYPE x [<!ENTITY e "y">]><jobInfo>&e;</jobInfo>', "InvalidXML", None),
    ],
    ids=[
        *("unknown object", "setup object", "operation", "zip", "no key", "hard delete", "mode"),
        *("broken", "empty", "other element", "document type"),
    ],
)
def test_a_job_that_cannot_be_is_refused(bulk: Async, body: str, code: str, message: str | None) -> None:
    answer = bulk("POST", "/job", body, **XML)
    assert (answer.status_code, answer.headers["Content-Type"]) == (400, "application/xml")
    told = elements(answer)
    assert told["exceptionCode"] == code
    assert message in (None, told["exceptionMessage"])


def test_errors_are_json_for_those_who_send_json(bulk: Async, salesforce: SalesforceSandbox) -> None:
    unknown = bulk("GET", "/job/750000000000001", **JSON)
    assert (unknown.status_code, unknown.headers["Content-Type"]) == (400, "application/json")
    assert unknown.json()["exceptionCode"] == "InvalidJob"
    assert bulk("POST", "/job", "[]", **JSON).json()["exceptionCode"] == "ClientInputError"
    salesforce.sessions.end_all()
    assert bulk("GET", "/job/750000000000001", **JSON).json() == {
        "exceptionCode": "InvalidSessionId",
        "exceptionMessage": "Invalid session id",
    }
    # jsforce looks for exactly this.
    assert "<exceptionCode>InvalidSessionId</exceptionCode>" in bulk("GET", "/job/750000000000001").text


def test_a_version_that_does_not_answer_is_invalid(http: Any, salesforce: SalesforceSandbox) -> None:
    for version in ("30.0", "69.0", "v62.0", "62.5"):
        answer = http("POST", f"{salesforce.url}/services/async/{version}/job", data=job_xml("query", "Lead"))
        assert (answer.status_code, elements(answer)["exceptionCode"]) == (400, "InvalidVersion")


def test_batches_are_sent_packed_empty_or_too_large(bulk: Async, org: Org) -> None:
    job = opened(bulk, "insert", "Lead")
    packed = gzip.compress(b"LastName,Company\nA,B\n")
    assert bulk("POST", f"/job/{job}/batch", packed, Content_Encoding="gzip").status_code == 201
    assert len(org.rows("Lead")) == 1
    for data, more in ((b"no gzip", {"Content_Encoding": "gzip"}), (b"", {}), (b"x" * 10_000_001, {})):
        refused = bulk("POST", f"/job/{job}/batch", data, **more)
        assert (refused.status_code, elements(refused)["exceptionCode"]) == (400, "ClientInputError")
    assert elements(bulk("GET", f"/job/{job}/batch/751000000000001"))["exceptionCode"] == "InvalidBatch"


def test_what_xml_cannot_hold_is_left_out_of_what_is_said_of_a_batch(bulk: Async) -> None:
    job = opened(bulk, "query", "Lead")
    assert bulk("POST", f"/job/{job}/batch", "SELECT \x00").status_code == 201
    said = etree.fromstring(bulk("GET", f"/job/{job}/batch").content).findtext(
        f".//{{{NAMESPACE}}}stateMessage"
    )
    assert said is not None
    assert "MALFORMED_QUERY" in said


def test_the_days_batches_and_calls_run_out(bulk: Async, salesforce: SalesforceSandbox) -> None:
    job = opened(bulk, "query", "Lead")
    salesforce.api.usage.batches = 15_000
    refused = bulk("POST", f"/job/{job}/batch", "SELECT Id FROM Lead")
    assert elements(refused) == {
        "exceptionCode": "ExceededQuota",
        "exceptionMessage": "ApiBatchItems Limit exceeded.",
    }
    salesforce.api.usage.used = salesforce.api.usage.daily
    assert elements(bulk("GET", f"/job/{job}"))["exceptionCode"] == "ExceededQuota"


def test_a_specification_renames_the_columns(bulk: Async, org: Org) -> None:
    job = opened(bulk, "insert", "Lead")
    spec = "Salesforce Field,Csv Header,Value,Hint\nLastName,Surname,,\nCompany,Works at,,\n"
    assert bulk("POST", f"/job/{job}/spec", spec, Content_Type="text/csv").status_code == 201
    added(bulk, job, 'Surname,"Works at"\nDoe,Acme\n')
    assert org.rows("Lead")[0]["Company"] == "Acme"
    refused = bulk("POST", f"/job/{job}/spec", b"")
    assert (refused.status_code, elements(refused)["exceptionCode"]) == (400, "InvalidBatch")


def test_a_job_made_in_json_with_batches_in_csv_is_answered_in_both_forms(
    bulk: Async, org: Org, lead: str
) -> None:
    """As tap-salesforce does it: what is of the job is JSON, what is of its batches XML, the rows CSV."""
    body = json.dumps({"operation": "queryAll", "object": "Lead", "contentType": "CSV"})
    job = bulk("POST", "/job", body, **JSON).json()
    assert (job["operation"], job["apiVersion"], job["externalIdFieldName"]) == ("queryAll", 62.0, None)
    assert list(job) == sorted(job)
    batch = elements(bulk("POST", f"/job/{job['id']}/batch", "SELECT Id FROM Lead", Content_Type="text/csv"))
    closed = bulk("POST", f"/job/{job['id']}", json.dumps({"state": "Closed"}), **JSON).json()
    assert (closed["state"], closed["numberBatchesTotal"]) == ("Closed", 1)
    path = f"/job/{job['id']}/batch/{batch['id']}"
    assert elements(bulk("GET", path, **JSON))["state"] == "Completed"
    (result,) = etree.fromstring(bulk("GET", f"{path}/result", **JSON).content)
    rows = bulk("GET", f"{path}/result/{result.text}", Content_Type="text/csv")
    assert (rows.headers["Content-Type"], rows.text) == ("text/csv", f'"Id"\n"{lead}"\n')
    # Modes are sent as places in a list by clients in Python.
    serial = json.dumps(
        {"operation": "insert", "object": "Lead", "concurrencyMode": 1, "contentType": "JSON"}
    )
    assert bulk("POST", "/job", serial, **JSON).json()["concurrencyMode"] == "Serial"
