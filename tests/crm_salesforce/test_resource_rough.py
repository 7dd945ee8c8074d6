"""Resources where much goes wrong: answers that are not the API's, ends in the middle, what is named gone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

import closedloop
from closedloop.crm import retry
from closedloop.crm.results import WriteOutcome, WriteResult
from closedloop.crm.salesforce import SalesforceCrm, sheet
from closedloop.crm.salesforce.client import TIMEOUTS, Client
from closedloop.crm.salesforce.proof import Proof
from closedloop.errors import (
    AnswerError,
    BadValueError,
    GoneError,
    MergedError,
    QuotaError,
    RefusedError,
    RetryableError,
    UncertainError,
    UnsupportedError,
    ValueRefusedError,
)
from closedloop.sandbox.salesforce import Disturbance, Org, Refusal, SalesforceSandbox
from closedloop.schema.vocabulary import CrmName

Connect = Callable[..., SalesforceCrm]
LEAD = "00QQy0000000001MAA"
ROOT = "/services/data/v62.0/"
FIELDS = [
    {"name": name, "type": "string", "createable": True, "updateable": True}
    for name in ("Id", "IsDeleted", "SystemModstamp", "LastName", "Company")
]
NEW = {"last_name": "Doe", "company": "Acme"}


def lead(org: Org, name: str = "Doe") -> str:
    return org.insert("Lead", {"LastName": name, "Company": "Acme"})


def outcomes(results: list[WriteResult]) -> list[Any]:
    return [type(result.error) if result.error else result.outcome for result in results]


@pytest.fixture
def strange(double: Any, laid_out: Any) -> Iterator[SalesforceCrm]:
    """A connection to something that describes leads like Salesforce; the rest is laid out by the test."""
    double.answer("GET", f"{ROOT}sobjects/Lead/describe", laid_out(200, {"fields": FIELDS}))
    with closedloop.connect(
        "salesforce", login_url=double.url, access_token="a-token", api_version="62.0"
    ) as crm:
        yield crm


# Answers that are not the API's


@pytest.mark.parametrize(
    "body",
    ["<html>", "{}", "[]", "null", "[null]", '[{"success":true,"id":"00Q',
     '[{"success":true},{"success":true}]', '[{"success":true}]', '[{"success":true,"id":5}]',
     '[{"success":true,"id":"//evil/x"}]'],
)  # fmt: skip
def test_a_creation_whose_answer_says_nothing_of_the_record_is_uncertain(
    strange: SalesforceCrm, double: Any, laid_out: Any, body: str
) -> None:
    double.answer("POST", f"{ROOT}composite/sobjects", laid_out(200, body))
    assert outcomes(strange.leads.create_many([NEW])) == [UncertainError]
    assert double.paths().count(f"POST {ROOT}composite/sobjects") == 1


@pytest.mark.parametrize("body", ["<html>", "{}", "[]", '[{"success":true},{"success":true}]'])
def test_an_update_whose_answer_is_not_the_api_s_says_so(
    strange: SalesforceCrm, double: Any, laid_out: Any, body: str
) -> None:
    double.answer("PATCH", f"{ROOT}composite/sobjects", laid_out(200, body))
    with pytest.raises(AnswerError):
        strange.leads.update(LEAD, {"company": "New"}, compare=False)


@pytest.mark.parametrize(
    "body",
    ["{}", '{"records":[null],"done":true}', '{"records":{}}', '{"records":[],"done":false}',
     '{"records":[],"totalSize":"x"}', '{"records":[],"done":false,"nextRecordsUrl":"//evil/x/.."}'],
)  # fmt: skip
def test_a_page_that_is_none_ends_a_list_with_our_error(
    strange: SalesforceCrm, double: Any, laid_out: Any, body: str
) -> None:
    double.answer("GET", f"{ROOT}query/", laid_out(200, body))
    with pytest.raises(AnswerError):
        list(strange.leads.list())


def test_rows_that_are_said_to_go_on_nowhere_are_not_taken_for_all(
    strange: SalesforceCrm, double: Any, laid_out: Any
) -> None:
    double.answer("GET", f"{ROOT}sobjects/Lead/deleted/", laid_out(200, {"deletedRecords": []}))
    double.answer("GET", f"{ROOT}queryAll/", laid_out(200, {"records": [], "done": False}))
    with pytest.raises(AnswerError):
        list(strange.leads.changes())


@pytest.mark.parametrize(
    "field", [None, {"name": "Id", "length": "x"}, {"name": "Id", "picklistValues": [None]}]
)
def test_a_description_that_is_none_is_our_error(
    strange: SalesforceCrm, double: Any, laid_out: Any, field: Any
) -> None:
    double.answer("GET", f"{ROOT}sobjects/Contact/describe", laid_out(200, {"fields": [field]}))
    with pytest.raises(AnswerError):
        strange.contacts.get("003Qy0000000001AAA")


@pytest.mark.parametrize(
    "body",
    [b"\xff\xfe", b"<html>",
     b'"Id","IsDeleted","SystemModstamp","LastName","Company"\n"00QQy0000000001MAA","f'],
)  # fmt: skip
def test_results_of_a_query_job_that_are_cut_off_or_no_csv_are_our_error(
    double: Any, laid_out: Any, strange: SalesforceCrm, body: bytes
) -> None:
    job = {"id": "750Qy0000000001AAA", "state": "JobComplete"}
    double.answer("POST", f"{ROOT}jobs/query", laid_out(200, job))
    double.answer("GET", f"{ROOT}jobs/query/750Qy0000000001AAA", laid_out(200, job))
    double.answer("GET", f"{ROOT}jobs/query/750Qy0000000001AAA/results", laid_out(200, body))
    crm = closedloop.connect(
        "salesforce", login_url=double.url, access_token="a-token", api_version="62.0", bulk="always"
    )
    with pytest.raises(AnswerError) as caught:
        list(crm.leads.list())
    assert caught.value.__context__ is None  # what the decoder raises holds the body


def test_fewer_rows_than_a_query_job_announces_are_not_taken_for_all(
    double: Any, laid_out: Any, strange: SalesforceCrm
) -> None:
    job = {"id": "750Qy0000000001AAA", "state": "JobComplete"}
    head = '"Id","IsDeleted","SystemModstamp","LastName","Company"\n'
    double.answer("POST", f"{ROOT}jobs/query", laid_out(200, job))
    double.answer("GET", f"{ROOT}jobs/query/750Qy0000000001AAA", laid_out(200, job))
    answer = laid_out(200, head, {"Sforce-NumberOfRecords": "1"})
    double.answer("GET", f"{ROOT}jobs/query/750Qy0000000001AAA/results", answer)
    crm = closedloop.connect(
        "salesforce", login_url=double.url, access_token="a-token", api_version="62.0", bulk="always"
    )
    with pytest.raises(AnswerError, match="cut off"):
        list(crm.leads.list())


@pytest.mark.parametrize("type_", ["int", "double", "currency"])
def test_a_number_of_a_job_that_is_none_is_left_for_the_mapping_to_refuse(type_: str) -> None:
    row = sheet.payload(["N"], ["many"], "Lead", {"N": type_})
    assert row["N"] == "many"


def test_a_job_that_counts_in_words_leaves_its_records_uncertain(
    double: Any, laid_out: Any, strange: SalesforceCrm
) -> None:
    job = {"id": "750Qy0000000001AAA", "state": "JobComplete", "numberRecordsProcessed": "many"}
    path = f"{ROOT}jobs/ingest"
    double.answer("POST", path, laid_out(200, job))
    double.answer("PUT", f"{path}/750Qy0000000001AAA/batches", laid_out(201))
    double.answer("PATCH", f"{path}/750Qy0000000001AAA", laid_out(200, job))
    double.answer("GET", f"{path}/750Qy0000000001AAA", laid_out(200, job))
    crm = closedloop.connect(
        "salesforce", login_url=double.url, access_token="a-token", api_version="62.0", bulk="always"
    )
    assert outcomes(crm.leads.create_many([NEW])) == [UncertainError]


# Cursors and arguments


@pytest.mark.parametrize(
    "walk",
    [
        '{"at": ["2026-01-01T00:00:00+00:00", "\' OR Id > \'"]}',
        '{"known": ["0001-01-01T00:00:00+23:00", ""]}',
        '{"known": ["2026-01-01T00:00:00", ""]}',
    ],
)
def test_a_cursor_that_somebody_changed_is_refused(crm: SalesforceCrm, walk: str) -> None:
    cursor = f'{{"version": 2, "object": "lead", "walks": {{"Lead": {walk}}}}}'
    with pytest.raises(RefusedError) as caught:
        list(crm.leads.changes(cursor))
    assert caught.value.reason == "bad_cursor"


def test_what_is_no_id_at_all_is_a_bad_id(crm: SalesforceCrm, org: Org) -> None:
    nothing: Any = None
    results = [*crm.leads.delete_many([nothing, "//evil/x"]), *crm.leads.update_many([(nothing, {})])]
    assert outcomes(results) == [BadValueError] * 3
    for of in (crm.leads, crm.stages):
        with pytest.raises(BadValueError):
            of.get(nothing)
    assert not any("composite" in path for _, path in org.requests)


def test_an_object_is_described_by_our_name_or_by_salesforce_s(crm: SalesforceCrm) -> None:
    assert crm.describe("activity").source == "Task"
    assert crm.describe("Event").source == "Event"
    with pytest.raises(UnsupportedError):
        crm.describe("nonsense")


# What is gone


@pytest.mark.parametrize("bulk", ["never", "always"])
def test_a_campaign_that_is_gone_is_told_apart_from_a_record_that_is(
    connected: Connect, org: Org, bulk: str
) -> None:
    crm = connected(bulk=bulk)
    campaign, there = (org.insert("Campaign", {"Name": name}) for name in ("Gone", "There"))
    deal, deleted = (
        org.insert("Opportunity", {"Name": name, "StageName": "Prospecting", "CloseDate": "2027-01-31"})
        for name in ("Deal", "Deleted")
    )
    org.delete("Campaign", campaign)
    org.delete("Opportunity", deleted)
    created = crm.campaign_members.create_many(
        {"campaign_id": each, "lead_id": lead(org)} for each in (campaign, there)
    )
    changed = crm.opportunities.update_many(
        [(deal, {"campaign_id": campaign}), (deleted, {"campaign_id": there})], compare=False
    )
    assert outcomes(created) == [ValueRefusedError, WriteOutcome.CREATED]
    assert outcomes(changed) == [ValueRefusedError, GoneError]
    assert [created[0].error.reason, changed[0].error.reason] == ["no_such_reference"] * 2  # type: ignore[union-attr]


def test_a_request_that_finds_no_such_api_is_not_taken_for_a_record_that_is_gone(
    crm: SalesforceCrm, sandbox: SalesforceSandbox
) -> None:
    refusal = Refusal("NOT_FOUND", "The requested resource does not exist", status=404)
    sandbox.fail(refusal, path="composite/sobjects")
    (result,) = crm.leads.create_many([NEW])
    assert isinstance(result.error, GoneError)


def test_what_was_written_is_told_though_nobody_can_ask_what_became_of_the_rest(
    connected: Connect, org: Org
) -> None:
    people = [lead(org) for _ in range(3)]
    org.merge("Lead", people[0], people[1])
    changes = [(each, {"company": "New"}) for each in people]
    described_and_written = 2
    crm = connected(daily_budget=described_and_written)
    results = crm.leads.update_many(changes, compare=False)
    assert outcomes(results) == [WriteOutcome.UPDATED, GoneError, WriteOutcome.UPDATED]
    assert crm.quota.remaining == 0
    results = connected().leads.update_many(changes, compare=False)
    assert outcomes(results) == [WriteOutcome.UPDATED, MergedError, WriteOutcome.UPDATED]


# Ends in the middle


@pytest.mark.parametrize("calls", [2, 3, 4])
def test_a_budget_that_ends_in_the_middle_tells_what_was_written(
    connected: Connect, org: Org, calls: int
) -> None:
    results = connected(daily_budget=calls).leads.create_many([NEW] * 600)
    written = (calls - 1) * 200
    assert outcomes(results) == [WriteOutcome.CREATED] * written + [QuotaError] * (600 - written)
    assert [row["Id"] for row in org.rows("Lead")] == [result.id for result in results[:written]]


@pytest.mark.parametrize("bulk", ["never", "always"])
def test_a_token_that_ends_before_every_request_is_renewed(
    connected: Connect, org: Org, sandbox: SalesforceSandbox, monkeypatch: pytest.MonkeyPatch, bulk: str
) -> None:
    people = [lead(org) for _ in range(401)]
    request = Client.request

    def ends(self: Client, method: str, path: str, **more: Any) -> Any:
        sandbox.sessions.end_all()
        return request(self, method, path, **more)

    monkeypatch.setattr(Client, "request", ends)
    crm = connected(bulk=bulk)
    results = crm.leads.update_many([(each, {"company": "New"}) for each in people], compare=False)
    assert outcomes(results) == [WriteOutcome.UPDATED] * 401
    assert sorted(each.id for each in crm.leads.list()) == sorted(people)


def test_an_org_that_cannot_be_reached_is_asked_once_and_not_for_every_record(
    crm: SalesforceCrm, sandbox: SalesforceSandbox
) -> None:
    sandbox.stop()
    with pytest.raises(RetryableError):
        crm.leads.create_many([NEW] * 500)


def test_the_deadline_of_a_batch_leaves_its_requests_theirs(
    crm: SalesforceCrm, org: Org, monkeypatch: pytest.MonkeyPatch
) -> None:
    person, left = lead(org), list[float]()
    request = Client.request

    def note(self: Client, method: str, path: str, **more: Any) -> Any:
        left.append(retry.remaining(9_999))
        return request(self, method, path, **more)

    monkeypatch.setattr(Client, "request", note)
    crm.leads.update(person, {"company": "New"}, compare=False)
    assert min(left) > 2 * max(TIMEOUTS)


def test_a_field_that_went_away_concerns_only_the_records_that_name_it(
    crm: SalesforceCrm, org: Org, sandbox: SalesforceSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    crm.leads.create_many([NEW])  # leads are described now
    describe = Client.describe

    def hidden(self: Client, sobject: str) -> Any:
        body = describe(self, sobject) or {}
        return {**body, "fields": [field for field in body["fields"] if field["name"] != "Title"]}

    monkeypatch.setattr(Client, "describe", hidden)
    sandbox.fail(Refusal("INVALID_FIELD", "No such column 'Title'"), path="composite/sobjects")
    results = crm.leads.create_many([NEW, {**NEW, "title": "Dr"}, NEW])
    assert outcomes(results) == [WriteOutcome.CREATED, UnsupportedError, WriteOutcome.CREATED]
    sandbox.fail(Refusal("INVALID_FIELD", "No such column 'Company'"), path="composite/sobjects", times=9)
    assert outcomes(crm.leads.create_many([NEW])) == [RefusedError]
    assert len(org.rows("Lead")) == 3


def test_a_proof_that_ends_in_the_middle_keeps_what_was_sent_again(
    crm: SalesforceCrm, org: Org, sandbox: SalesforceSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Proof, "field", lambda *_: True)
    monkeypatch.setattr(Proof, "created", lambda *_, **__: {})
    sandbox.disturb(Disturbance.RESET, path="composite/sobjects", times=2)
    request, sent = Client.request, list[str]()

    def ends(self: Client, method: str, path: str, **more: Any) -> Any:
        sent.append(path)
        if sent.count("composite/sobjects") == 4:
            raise QuotaError("used up")
        return request(self, method, path, **more)

    monkeypatch.setattr(Client, "request", ends)
    results = crm.leads.create_many([NEW] * 400)
    assert outcomes(results) == [WriteOutcome.CREATED] * 200 + [UncertainError] * 200
    assert len(org.rows("Lead")) == 200


# Meetings


@pytest.mark.parametrize("kind", ["Event", "Meeting"])
def test_a_meeting_needs_no_more_than_its_time(crm: SalesforceCrm, org: Org, kind: str) -> None:
    at = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
    made = crm.activities.create(
        {"kind": kind, "subject": "Demo", "happened_at": at, "lead_id": lead(org)}
    ).id
    assert made is not None
    assert crm.activities.get(made).happened_at == at
    assert org.get("Event", made)["DurationInMinutes"] == 0
    org.update("Event", made, {"DurationInMinutes": 45})
    later = at.replace(hour=10)
    crm.activities.update(made, {"happened_at": later})
    assert (crm.activities.get(made).happened_at, org.get("Event", made)["DurationInMinutes"]) == (later, 45)
    with pytest.raises(ValueRefusedError) as caught:
        crm.activities.create({"kind": kind, "subject": "No time"})
    assert caught.value.fields == ("ActivityDateTime",)


def test_a_length_that_the_mapping_gives_is_kept(connected: Connect, org: Org) -> None:
    overlay = {"objects": {"activity": [{"source": "Event", "custom": {"minutes": {
        "from": "DurationInMinutes", "type": "int"}}}]}}  # fmt: skip
    mappings = closedloop.load_mappings().overlaid(CrmName.SALESFORCE, overlay)
    crm = connected(mappings=mappings)
    at = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
    made = crm.activities.create({"kind": "Event", "subject": "Demo", "happened_at": at, "minutes": 30}).id
    assert org.get("Event", str(made))["DurationInMinutes"] == 30


# The statuses of a campaign's members


def test_a_status_that_the_campaign_lacks_is_not_sent(
    crm: SalesforceCrm, org: Org, calls: Callable[[], int]
) -> None:
    one, two = (org.insert("Campaign", {"Name": name}) for name in ("One", "Two"))
    org.insert("CampaignMemberStatus", {"CampaignId": two, "Label": "Visited", "SortOrder": 9})
    member = {"campaign_id": one, "lead_id": lead(org), "status": "Visited"}
    before = calls()
    results = crm.campaign_members.create_many(
        [
            member,
            {**member, "campaign_id": two},
            {**member, "status": "Sent"},
            {**member, "campaign_id": LEAD},
        ]
    )
    assert outcomes(results) == [
        ValueRefusedError, WriteOutcome.CREATED, WriteOutcome.CREATED, ValueRefusedError,
    ]  # fmt: skip
    assert results[0].error.fields == ("Status",)  # type: ignore[union-attr]
    assert calls() - before == 2
    assert org.requests["POST", f"{ROOT}composite/sobjects"] == 1
    changes = [(str(result.id), {"status": "Visited"}) for result in results[1:3]]
    changed = crm.campaign_members.update_many(
        [*changes, ("00vQy0000000001AAA", {"status": "Sent"})], compare=False
    )
    assert outcomes(changed) == [WriteOutcome.UPDATED, ValueRefusedError, GoneError]


def test_only_who_gives_a_status_asks_which_there_are(
    crm: SalesforceCrm, org: Org, calls: Callable[[], int]
) -> None:
    campaign = org.insert("Campaign", {"Name": "Autumn"})
    before = calls()
    crm.campaign_members.create({"campaign_id": campaign, "lead_id": lead(org)})
    assert calls() - before == 1
    crm.leads.create({**NEW, "stage": "Working - Contacted"})
    assert calls() - before == 2


def test_statuses_that_nobody_may_see_are_left_to_salesforce(
    crm: SalesforceCrm, org: Org, sandbox: SalesforceSandbox
) -> None:
    campaign = org.insert("Campaign", {"Name": "Autumn"})
    sandbox.fail(Refusal("INVALID_TYPE", "'CampaignMemberStatus' is not supported."), path="/query")
    member = {"campaign_id": campaign, "lead_id": lead(org), "status": "Nowhere"}
    (result,) = crm.campaign_members.create_many([member])
    assert isinstance(result.error, ValueRefusedError)
    assert result.error.code == "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"
