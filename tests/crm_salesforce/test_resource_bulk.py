"""Writing many records by Bulk 2.0 jobs, whose results come in any order and in files of their own."""

from __future__ import annotations

import csv
import io
import random
from collections.abc import Callable, Sequence
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from closedloop.crm.raw import Answer
from closedloop.crm.results import WriteOutcome, WriteResult
from closedloop.crm.salesforce import SalesforceCrm, bulk, matches, save, sheet
from closedloop.crm.salesforce.client import Client
from closedloop.crm.salesforce.matches import Matches
from closedloop.errors import (
    DuplicateError,
    GoneError,
    MergedError,
    RefusedError,
    RetryableError,
    SettingsError,
    UncertainError,
    ValueRefusedError,
)
from closedloop.sandbox.salesforce import Disturbance, Org, Refusal, SalesforceSandbox

Connect = Callable[..., SalesforceCrm]
Calls = Callable[[], int]


@pytest.fixture
def crm(connected: Connect) -> SalesforceCrm:
    return connected(bulk="always")


@pytest.fixture
def shuffled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets results come in another order than the records were sent in."""
    results = bulk.Bulk._results

    def mixed(self: bulk.Bulk, path: str, which: str) -> bytes:
        head, *rows = csv.reader(io.StringIO(results(self, path, which).decode(), newline=""))
        random.Random(7).shuffle(rows)
        out = io.StringIO()
        csv.writer(out).writerows([head, *rows])
        return out.getvalue().encode()

    monkeypatch.setattr(bulk.Bulk, "_results", mixed)


def lead(org: Org, name: str = "Doe") -> str:
    return org.insert("Lead", {"LastName": name, "Company": "Acme"})


def outcomes(results: Sequence[WriteResult]) -> list[Any]:
    return [type(result.error) if result.error else result.outcome for result in results]


# One record and its row


@pytest.mark.usefixtures("shuffled")
def test_each_record_gets_its_own_result_though_results_come_in_any_order(
    crm: SalesforceCrm, org: Org
) -> None:
    names = ["One", "", 'Two "quoted", here', "Three\r\nlines\n", "Ümläut;", " space ", "One"]
    results = crm.leads.create_many({"last_name": name, "company": "Acme"} for name in names)
    assert outcomes(results) == [
        WriteOutcome.CREATED, ValueRefusedError, *[WriteOutcome.CREATED] * 5,
    ]  # fmt: skip
    assert len({result.id for result in results if result.id}) == 6
    for name, result in zip(names, results, strict=True):
        if result.id:
            assert org.get("Lead", result.id)["LastName"].split() == name.split()


@pytest.mark.usefixtures("shuffled")
def test_records_that_have_everything_in_common_share_their_results_out(crm: SalesforceCrm, org: Org) -> None:
    campaign = org.insert("Campaign", {"Name": "Autumn"})
    person = lead(org)
    member = {"campaign_id": campaign, "lead_id": person}
    other = {**member, "lead_id": lead(org, "Other")}
    results = crm.campaign_members.create_many([member, other, member, member])
    assert sorted(str(each) for each in outcomes(results)) == sorted(
        str(each) for each in [WriteOutcome.CREATED, WriteOutcome.CREATED, DuplicateError, DuplicateError]
    )
    assert results[1].outcome is WriteOutcome.CREATED
    assert org.get("CampaignMember", str(results[1].id))["LeadId"] == other["lead_id"]


@pytest.mark.usefixtures("shuffled")
def test_updates_and_deletions_are_known_by_their_ids(crm: SalesforceCrm, org: Org) -> None:
    people = [lead(org, f"Doe {number}") for number in range(4)]
    survivor = lead(org, "Survivor")
    org.delete("Lead", people[1])
    org.merge("Lead", survivor, people[2])
    results = crm.leads.update_many([(each, {"company": "New"}) for each in people], compare=False)
    assert [result.id for result in results] == people
    assert outcomes(results) == [WriteOutcome.UPDATED, GoneError, MergedError, WriteOutcome.UPDATED]
    results = crm.leads.delete_many(people)
    assert outcomes(results) == [WriteOutcome.DELETED] * 4


def test_only_what_is_given_is_written_and_none_clears(crm: SalesforceCrm, org: Org) -> None:
    first = org.insert("Lead", {"LastName": "One", "Company": "A", "Phone": "1", "Title": "Dr"})
    second = org.insert("Lead", {"LastName": "Two", "Company": "B", "Phone": "2", "Title": "Dr"})
    crm.leads.update_many([(first, {"phone": None}), (second, {"company": "C", "title": ""})], compare=False)
    rows = [(row["Company"], row["Phone"], row["Title"]) for row in org.rows("Lead")]
    assert rows == [("A", None, "Dr"), ("C", "2", None)]


def test_a_text_that_means_empty_in_csv_is_written_by_collections(crm: SalesforceCrm, org: Org) -> None:
    results = crm.leads.create_many(
        [{"last_name": "#N/A", "company": "A"}, {"last_name": "B", "company": "A"}]
    )
    assert outcomes(results) == [WriteOutcome.CREATED] * 2
    assert [org.get("Lead", str(result.id))["LastName"] for result in results] == ["#N/A", "B"]


@pytest.mark.usefixtures("shuffled")
def test_upserts_are_known_by_their_key(crm: SalesforceCrm, org: Org) -> None:
    org.insert("Contact", {"LastName": "Old", "Email": "a@x.example"})
    results = crm.contacts.upsert_many(
        [
            {"last_name": "A", "email": "A@x.example"},
            {"last_name": "B", "email": "b@x.example"},
            {"last_name": "C", "email": "B@x.example"},
        ],
        by="email",
    )
    assert outcomes(results) == [WriteOutcome.UPDATED, WriteOutcome.CREATED, WriteOutcome.CREATED]
    assert [row["LastName"] for row in org.rows("Contact")] == ["A", "C"]


def test_a_locked_record_is_sent_again_by_itself(crm: SalesforceCrm, org: Org, calls: Calls) -> None:
    held, free = lead(org), lead(org)
    org.lock_record(held, times=2)
    results = crm.leads.update_many([(each, {"company": "New"}) for each in (held, free)], compare=False)
    assert outcomes(results) == [WriteOutcome.UPDATED] * 2
    assert org.requests["PATCH", "/services/data/v62.0/composite/sobjects"] == 2


def test_what_is_too_large_for_one_upload_goes_in_several_jobs(
    crm: SalesforceCrm, org: Org, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(crm._fetch._scan._bulk, "_most_bytes", 120)
    results = crm.leads.create_many(
        {"last_name": f"Doe {number}", "company": "A" * 20} for number in range(9)
    )
    assert [org.get("Lead", str(result.id))["LastName"] for result in results] == [
        f"Doe {n}" for n in range(9)
    ]
    assert org.requests["POST", "/services/data/v62.0/jobs/ingest"] == 3


# Jobs that go wrong


def test_a_job_that_fails_as_a_whole_is_told_of_every_record(
    crm: SalesforceCrm, sandbox: SalesforceSandbox, org: Org
) -> None:
    sandbox.bulk.fail("InvalidBatch : Field name not found : ada@x.example")
    results = crm.leads.create_many([{"last_name": "Doe", "company": "A"}] * 2)
    assert outcomes(results) == [bulk.BulkError] * 2
    assert "InvalidBatch" in str(results[0].error)
    assert "ada@x.example" not in str(results[0].error)
    assert not org.rows("Lead")


def test_when_there_can_be_no_job_collections_do_it(
    connected: Connect, sandbox: SalesforceSandbox, org: Org, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(save, "BULK_WRITE_FROM", 2)
    crm = connected()
    sandbox.fail(Refusal("FEATURENOTENABLED", "Bulk API is not enabled"), path="jobs/ingest")
    assert crm.leads.create_many([{"last_name": "Doe", "company": "A"}] * 2)[1].ok
    sandbox.bulk.fail("something went wrong")
    assert crm.leads.create_many([{"last_name": "Doe", "company": "A"}] * 2)[1].ok
    assert len(org.rows("Lead")) == 4


def test_a_job_that_somebody_ended_is_not_begun_again(
    connected: Connect, org: Org, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(save, "BULK_WRITE_FROM", 2)
    rows = b"LastName,Company\nDoe 1,A\n"
    monkeypatch.setattr(bulk.Bulk, "_closed", bulk.Bulk._abort)
    monkeypatch.setattr(bulk.Bulk, "_results", lambda _, __, which: rows if "unprocessed" in which else b"")
    results = connected().leads.create_many({"last_name": f"Doe {n}", "company": "A"} for n in range(2))
    assert outcomes(results) == [UncertainError, RefusedError]  # only one is named as not begun
    assert results[1].error is not None
    assert results[1].error.reason == "bulk_aborted"
    assert not org.rows("Lead")


def test_a_job_that_takes_too_long_is_ended_and_says_what_is_not_known(
    crm: SalesforceCrm,
    sandbox: SalesforceSandbox,
    org: Org,
    monkeypatch: pytest.MonkeyPatch,
    naps: list[float],
) -> None:
    sandbox.bulk.polls = 10_000
    monkeypatch.setattr(crm._fetch._scan._bulk, "_clock", lambda: sum(naps))

    def refuse(_: object) -> None:
        raise Refusal("INVALIDJOBSTATE", "The job is InProgress: this cannot be done to it now.")

    monkeypatch.setattr("closedloop.sandbox.salesforce.bulk.jobs.Job.abort", refuse)
    results = crm.leads.create_many([{"last_name": "Doe", "company": "A"}] * 2)
    assert outcomes(results) == [UncertainError] * 2  # it could not be ended, and may yet do it
    assert sum(naps) < 3_700


@pytest.mark.parametrize(
    ("disturbance", "method", "path"),
    [
        (Disturbance.LOST, "POST", "jobs/ingest"),
        (Disturbance.LOST, "PUT", "batches"),
        (Disturbance.RESET, "PUT", "batches"),
        (Disturbance.LOST, "PATCH", "jobs/ingest"),
        (Disturbance.RESET, "PATCH", "jobs/ingest"),
        (Disturbance.LOST, "GET", "jobs/ingest"),
        (Disturbance.TRUNCATED, "GET", "successfulResults"),
    ],
)
def test_an_answer_that_is_lost_on_the_way_creates_nothing_twice(  # noqa: PLR0917 - a table's columns
    crm: SalesforceCrm, sandbox: SalesforceSandbox, org: Org, disturbance: Disturbance, method: str, path: str
) -> None:
    crm.describes.get("Lead")
    sandbox.disturb(disturbance, method=method, path=path)
    results = crm.leads.create_many({"last_name": f"Doe {number}", "company": "A"} for number in range(3))
    assert [org.get("Lead", str(result.id))["LastName"] for result in results] == ["Doe 0", "Doe 1", "Doe 2"]
    assert len(org.rows("Lead")) == 3


def test_an_upload_that_is_lost_twice_was_certainly_not_done(
    crm: SalesforceCrm, sandbox: SalesforceSandbox, org: Org
) -> None:
    sandbox.disturb(Disturbance.LOST, times=2, method="PUT", path="batches")
    with pytest.raises(RetryableError) as caught:
        crm.leads.create_many([{"last_name": "Doe", "company": "A"}] * 2)
    assert caught.value.reason == "upload_lost"
    assert not org.rows("Lead")


def test_when_a_jobs_end_cannot_be_seen_every_record_is_uncertain(
    crm: SalesforceCrm, org: Org, monkeypatch: pytest.MonkeyPatch
) -> None:
    def silent(*_: Any) -> Any:
        raise RetryableError("no answer", reason="no_answer")

    person = lead(org)
    monkeypatch.setattr(bulk.Bulk, "_awaited", silent)
    created = crm.leads.create_many([{"last_name": "Doe", "company": "A"}] * 2)
    assert outcomes(created) == [UncertainError] * 2
    changed = crm.leads.update_many([(person, {"company": "New"})], compare=False)
    assert outcomes(changed) == [RetryableError]  # doing that twice does no harm


@pytest.mark.parametrize("status", ["Failed", "JobComplete"])
def test_a_record_that_no_file_of_results_names_is_uncertain(
    crm: SalesforceCrm, org: Org, monkeypatch: pytest.MonkeyPatch, status: str
) -> None:
    results = bulk.Bulk._results
    monkeypatch.setattr(bulk.Bulk, "_results", lambda *given: b"\n".join(results(*given).split(b"\n")[:2]))
    awaited = bulk.Bulk._awaited
    monkeypatch.setattr(bulk.Bulk, "_awaited", lambda *given: {**awaited(*given), "state": status})
    written = crm.leads.create_many({"last_name": f"Doe {number}", "company": "A"} for number in range(3))
    assert outcomes(written) == [WriteOutcome.CREATED, UncertainError, UncertainError]


# How many calls


@pytest.mark.parametrize("verb", ["create", "update", "upsert", "delete"])
@pytest.mark.no_cover  # ten thousand times what a few records run too
def test_ten_thousand_records_take_five_calls_by_a_job(
    connected: Connect, org: Org, calls: Calls, verb: str
) -> None:
    crm = connected()
    values = [{"last_name": f"Doe {number}", "email": f"{number}@x.example"} for number in range(10_000)]
    people: list[str] = []
    if verb != "create":
        people = [org.insert("Contact", {"LastName": "Old", "Email": each["email"]}) for each in values]
    next(crm.users.list())
    before = calls()
    match verb:
        case "create":
            results = crm.contacts.create_many(values)
        case "update":
            results = crm.contacts.update_many(zip(people, values, strict=True), compare=False)
        case "upsert":
            results = crm.contacts.upsert_many(values, by="email")
        case _:
            results = crm.contacts.delete_many(people)
    assert all(result.ok for result in results)
    assert calls() - before == 5


def test_up_to_two_thousand_records_take_a_call_per_two_hundred(
    connected: Connect, org: Org, calls: Calls
) -> None:
    crm = connected()
    results = crm.leads.create_many({"last_name": f"Doe {number}", "company": "A"} for number in range(2_000))
    assert all(result.ok for result in results)
    assert calls() == 10
    never = connected(bulk="never")
    assert len(never.leads.create_many([{"last_name": "Doe", "company": "A"}] * 2_001)) == 2_001
    assert calls() == 21


# CSV


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "#N/A"), ("", "#N/A"), ("a", "a"), (True, "true"), (False, "false"), (0, "0"),
        (Decimal("1E+3"), "1000"), (Decimal("0.10"), "0.10"),
    ],
)  # fmt: skip
def test_a_value_is_text_in_csv(value: Any, text: str) -> None:
    assert sheet.text(value) == text


def test_columns_are_the_same_for_the_same_records_and_what_is_absent_is_empty() -> None:
    records: list[dict[str, Any]] = [{"B": 1, "A": None}, {"C": "x,y", "A": True}]
    ((columns, count, content),) = sheet.sheets(records, most_bytes=1_000)
    assert (columns, count) == (("B", "A", "C"), 2)
    assert content == b'B,A,C\n1,#N/A,\n,true,"x,y"\n'


def test_a_row_that_nothing_was_sent_for_is_left_out() -> None:
    found = Matches(("Id", "Name"), [{"Id": "1", "Name": "x"}], key="Id", first=5)
    body = b'"sf__Id","sf__Error",Id,Name\n"9","E:m: --","9","x"\n"1","E:m: --","1","other"\n'
    assert [place for place, _ in found.found(body)] == [5]
    assert found.take_left() == []


@pytest.mark.parametrize(("exact", "places"), [(True, [1, 0]), (False, [0, 1])])
def test_keys_that_differ_in_case_are_two_where_the_field_says_so(exact: bool, places: list[int]) -> None:
    found = Matches(("K__c",), [{"K__c": "a"}, {"K__c": "A"}], key="K__c", first=0, exact=exact)
    assert [place for place, _ in found.found(b'"sf__Id","K__c"\n"1","A"\n"2","a"\n')] == places


@pytest.mark.parametrize(
    ("said", "code", "message", "fields"),
    [
        ("REQUIRED_FIELD_MISSING:Required fields are missing: [LastName]:LastName --",
         "REQUIRED_FIELD_MISSING", "Required fields are missing: [LastName]", ["LastName"]),
        ("UNABLE_TO_LOCK_ROW:unable to obtain exclusive access to this record:--",
         "UNABLE_TO_LOCK_ROW", "unable to obtain exclusive access to this record", []),
        ("DUPLICATE_VALUE:twice: A__c:A__c, B__c --", "DUPLICATE_VALUE", "twice: A__c", ["A__c", "B__c"]),
        ("strange", "strange", "", []),
        ("", "", "", []),
    ],
)  # fmt: skip
def test_the_error_of_a_row_is_taken_apart(said: str, code: str, message: str, fields: list[str]) -> None:
    assert matches.refusal(said) == {"statusCode": code, "message": message, "fields": fields}


def test_a_recorded_file_of_failed_results_is_read(corpus: Path) -> None:
    body = (corpus / "salesforce/amp-labs/bulk_info_partial-failure.csv").read_bytes()
    header, *rows = sheet.rows(body)
    error = matches.refusal(dict(zip(header, rows[0], strict=True))["sf__Error"])
    assert (error["statusCode"], error["fields"]) == ("INVALID_FIELD", ["CloseDate"])


@pytest.mark.parametrize(
    ("setting", "reason"),
    [
        ({"bulk": "sometimes"}, "bad_bulk"),
        ({"overlap": 300}, "bad_overlap"),
        ({"overlap": timedelta(minutes=-1)}, "bad_overlap"),
        ({"overlap": timedelta(days=2)}, "bad_overlap"),
    ],
)
def test_a_setting_that_means_nothing_is_refused(
    connected: Connect, setting: dict[str, Any], reason: str
) -> None:
    with pytest.raises(SettingsError) as caught:
        connected(**setting)
    assert caught.value.reason == reason


def test_columns_of_a_query_are_known_by_their_header_in_whatever_order() -> None:
    types = {"Id": "id", "Owner.Name": "string", "IsDeleted": "boolean", "Amount": "currency", "N": "int"}
    body = b'"amount","N","Id","Owner.Name","IsDeleted"\n"1.50","2","1","","false"\n'
    ((row,),) = bulk._pages(Answer(status=200, body=body), "Opportunity", types)
    assert row == {
        "attributes": {"type": "Opportunity"}, "Id": "1", "Owner": {"Name": None}, "IsDeleted": False,
        "Amount": Decimal("1.50"), "N": 2,
    }  # fmt: skip
    ((row,),) = bulk._pages(Answer(status=200, body=body.split(b"\n", 1)[1]), "X", dict.fromkeys("abcde", ""))
    assert row["c"] == "1"  # a set without a header has the columns as they were asked for


def test_nothing_is_sent_for_nothing(crm: SalesforceCrm, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Client, "request", None)
    assert crm.leads.create_many([]) == crm.leads.delete_many([]) == []
