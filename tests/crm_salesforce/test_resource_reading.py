"""Reading records by id, and all there are, through the resources of a connected org."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from closedloop.crm.base import Refusal as Refused
from closedloop.crm.salesforce import SalesforceCrm, scan
from closedloop.crm.salesforce.client import Client
from closedloop.crm.salesforce.describes import Describes
from closedloop.errors import (
    BadValueError,
    ClosedLoopError,
    CrmError,
    GoneError,
    MergedError,
    NormaliseError,
    RefusedError,
    UnsupportedError,
)
from closedloop.mapping import load_mappings
from closedloop.sandbox.salesforce import Org, Refusal, SalesforceSandbox
from closedloop.schema.records import Lead, Money
from closedloop.schema.vocabulary import CrmName, ObjectType

Connect = Callable[..., SalesforceCrm]
Calls = Callable[[], int]
NOBODY = "00QQy0000000001MAA"


def leads(org: Org, count: int, **fields: Any) -> list[str]:
    rows = ({"LastName": f"Doe {number}", "Company": "Acme", **fields} for number in range(count))
    return [org.insert("Lead", row) for row in rows]


# By id


def test_a_record_is_read_by_either_form_of_its_id(crm: SalesforceCrm, org: Org) -> None:
    (lead,) = leads(org, 1)
    assert crm.leads.get(lead) == crm.leads.get(lead[:15])
    assert crm.leads.get(lead).last_name == "Doe 0"


def test_results_come_in_the_order_asked_whatever_happens_to_the_others(crm: SalesforceCrm, org: Org) -> None:
    first, deleted, loser, survivor = leads(org, 4)
    org.delete("Lead", deleted)
    org.merge("Lead", survivor, loser)
    asked = [survivor, "x", deleted, NOBODY, first, loser, first]
    results = crm.leads.get_many(asked)
    assert [result.id for result in results] == asked
    assert [result.record.id if result.record else type(result.error) for result in results] == [
        survivor, BadValueError, GoneError, GoneError, first, MergedError, first,
    ]  # fmt: skip
    merged = results[5].error
    assert isinstance(merged, MergedError)
    assert merged.merged_into == survivor
    assert [result.error.reason for result in results if result.error] == [
        "bad_id", "deleted", "not_found", "merged",
    ]  # fmt: skip


def test_two_thousand_records_are_one_call_and_only_missing_ones_ask_once_more(
    crm: SalesforceCrm, org: Org, calls: Calls
) -> None:
    ids = leads(org, 2_001)
    crm.leads.get(ids[0])
    before = calls()
    assert all(result.record for result in crm.leads.get_many(ids))
    assert calls() - before == 2
    org.delete("Lead", ids[0])
    crm.leads.get_many(ids[:2])
    assert calls() - before == 4


@pytest.mark.parametrize(
    "wrong", ["", "003Qy0000000001AAA", "//evil.example/x", "../limits", "00Q' OR Id != '"]
)
def test_an_id_of_another_object_or_of_nothing_is_refused_before_it_is_sent(
    crm: SalesforceCrm, org: Org, wrong: str
) -> None:
    with pytest.raises(BadValueError) as caught:
        crm.leads.get(wrong)
    assert caught.value.reason == "bad_id"
    assert not org.requests


def test_fields_of_other_records_are_read_too(connected: Connect, org: Org) -> None:
    overlay = {"objects": {"lead": {"custom": {"owner": "Owner.Name"}}}}
    crm = connected(mappings=load_mappings().overlaid(CrmName.SALESFORCE, overlay))
    lead, gone = leads(org, 2)
    org.delete("Lead", gone)
    found = crm.leads.get_many([lead, gone])
    assert found[0].record is not None
    assert found[0].record.custom == {"owner": "Ada Admin"}
    assert isinstance(found[1].error, GoneError)
    assert [each.custom for each in crm.leads.list()] == [{"owner": "Ada Admin"}]


def test_comparing_before_an_update_reads_only_the_fields_concerned(
    crm: SalesforceCrm, org: Org, monkeypatch: pytest.MonkeyPatch
) -> None:
    (lead,) = leads(org, 1, Phone="1")
    asked: list[Any] = []
    request = Client.request

    def noted(self: Client, method: str, path: str, **more: Any) -> Any:
        asked.append((path, more.get("body")))
        return request(self, method, path, **more)

    monkeypatch.setattr(Client, "request", noted)
    result = crm.leads.update(lead, {"phone": "1"})
    assert result.outcome == "unchanged"
    fields = next(body["fields"] for path, body in asked if path == "composite/sobjects/Lead")
    assert fields == ["Id", "IsDeleted", "MasterRecordId", "SystemModstamp", "Phone", "MobilePhone"]


def test_stages_are_read_by_their_ids(crm: SalesforceCrm) -> None:
    lost, new, none = crm.stages.get_many(["Closed Lost", "LeadStatus/Open - Not Contacted", "Nowhere"])
    assert lost.record is not None
    assert (lost.record.of, lost.record.won) == (ObjectType.OPPORTUNITY, False)
    assert new.record is not None
    assert new.record.of is ObjectType.LEAD
    assert isinstance(none.error, GoneError)


def test_an_object_that_the_org_lacks_is_said_by_name(
    crm: SalesforceCrm, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Describes, "get", lambda *_: None)
    for read in (
        lambda: crm.leads.get(NOBODY),
        lambda: list(crm.leads.list()),
        lambda: list(crm.leads.changes()),
    ):
        with pytest.raises(UnsupportedError) as caught:
            read()
        assert caught.value.reason == "no_such_object"


def test_a_field_that_went_away_since_it_was_described_is_left_out(
    crm: SalesforceCrm, sandbox: SalesforceSandbox, org: Org
) -> None:
    (lead,) = leads(org, 1)
    crm.leads.get(lead)
    for path in ("composite/sobjects/Lead", "/query"):
        sandbox.fail(Refusal("INVALID_FIELD", "No such column"), path=path)
        assert crm.leads.get(lead) == next(iter(crm.leads.list()))


# All there is


def test_everything_is_listed_page_by_page_as_it_is_asked_for(
    crm: SalesforceCrm, org: Org, calls: Calls
) -> None:
    ids = leads(org, 4_500)
    next(crm.users.list())
    before = calls()
    listed = crm.leads.list()
    assert next(listed).id == ids[0]
    assert calls() - before == 1
    assert [lead.id for lead in listed] == ids[1:]
    assert calls() - before == 3


def test_a_query_that_expires_between_two_pages_goes_on_behind_the_last_record(
    crm: SalesforceCrm, org: Org
) -> None:
    ids = leads(org, 2_100)
    found = []
    for place, lead in enumerate(crm.leads.list()):
        found.append(lead.id)
        if place == 1_999:
            for _ in range(10):  # a user has ten cursors: this closes the oldest
                next(crm.leads.list())
    assert found == ids


def test_a_payload_that_cannot_become_a_record_ends_the_reading_unless_somebody_takes_it(
    crm: SalesforceCrm, org: Org
) -> None:
    good, bad = leads(org, 2)
    with org.transaction():
        row = org.tables.get("Lead", bad)
        assert row is not None
        org.tables.put("Lead", {**row, "Email": 7})
    with pytest.raises(NormaliseError):
        list(crm.leads.list())
    refused: list[Refused] = []
    assert [lead.id for lead in crm.leads.list(on_refusal=refused.append)] == [good]
    assert [each.ref.id for each in refused] == [bad]


@pytest.mark.parametrize("bulk", ["never", "always"])
def test_pages_and_jobs_give_the_same_records(connected: Connect, org: Org, bulk: str) -> None:
    account = org.insert("Account", {"Name": 'A "quoted", name\nof two lines', "AnnualRevenue": 12.5})
    org.insert(
        "Opportunity",
        {"Name": "Ümläut; 100 %", "StageName": "Closed Won", "CloseDate": "2026-11-20", "Amount": 1000.1},
    )
    leads(org, 3, Email="a@b.example")
    overlay = {"objects": {"lead": {"custom": {"owner": "Owner.Name", "changer": "LastModifiedBy.Name"}}}}
    mappings = load_mappings().overlaid(CrmName.SALESFORCE, overlay)
    crm = connected(bulk=bulk, currency="EUR", mappings=mappings)
    (found,) = crm.accounts.list()
    assert (found.id, found.name) == (account, 'A "quoted", name\nof two lines')
    assert found.annual_revenue == Money(amount=Decimal("12.5"), currency="EUR")
    (deal,) = crm.opportunities.list()
    assert deal == crm.opportunities.get(deal.id)
    assert (deal.won, deal.probability, deal.amount) == (
        True, Decimal(100), Money(amount=Decimal("1000.1"), currency="EUR"),
    )  # fmt: skip
    listed = list(crm.leads.list())
    assert listed == [crm.leads.get(lead.id) for lead in listed]
    assert len(listed) == 3
    assert len(list(crm.stages.list())) == 14


@pytest.fixture
def large(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets a job be worth it from a thousand records on."""
    monkeypatch.setattr(scan, "BULK_QUERY_FROM", 1_000)


@pytest.mark.usefixtures("large")
def test_what_is_large_comes_by_a_job_behind_the_first_page(
    crm: SalesforceCrm, sandbox: SalesforceSandbox, org: Org, calls: Calls, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("closedloop.crm.salesforce.bulk.RESULT_ROWS", 900)
    sandbox.bulk.polls = 2
    ids = leads(org, 4_001)
    found = [lead.id for lead in crm.leads.list()]
    assert sorted(found) == ids
    assert len(found) == len(ids)
    assert calls() == 1 + 1 + 3 + 3  # the page, the job, three looks at it, three sets of results


@pytest.mark.usefixtures("large")
@pytest.mark.parametrize("refused", [True, False])
def test_when_there_can_be_no_job_the_pages_go_on(
    crm: SalesforceCrm, sandbox: SalesforceSandbox, org: Org, *, refused: bool
) -> None:
    ids = leads(org, 3_100)
    if refused:
        sandbox.fail(Refusal("FEATURENOTENABLED", "Bulk API is not enabled"), path="jobs/query")
    else:
        sandbox.bulk.fail("InvalidBatch : something is wrong")
    assert [lead.id for lead in crm.leads.list()] == ids


def test_who_wants_jobs_only_is_told_when_there_can_be_none(
    connected: Connect, sandbox: SalesforceSandbox, org: Org
) -> None:
    leads(org, 1)
    sandbox.bulk.fail("InvalidBatch : something is wrong")
    with pytest.raises(RefusedError) as caught:
        list(connected(bulk="always").leads.list())
    assert caught.value.reason == "bulk_failed"


def test_a_job_that_takes_too_long_is_ended(
    connected: Connect,
    sandbox: SalesforceSandbox,
    org: Org,
    monkeypatch: pytest.MonkeyPatch,
    naps: list[float],
) -> None:
    leads(org, 1)
    sandbox.bulk.polls = 10_000
    crm = connected(bulk="always")
    monkeypatch.setattr(crm._fetch._scan._bulk, "_clock", lambda: sum(naps))
    with pytest.raises(CrmError) as caught:
        list(crm.leads.list())
    assert caught.value.reason == "bulk_too_long"
    assert naps[:6] == [1, 2, 4, 8, 16, 30]
    assert 3_600 <= sum(naps) < 3_600 + 30


@pytest.mark.no_cover  # ten thousand times what a few records run too
def test_ten_thousand_records_take_five_calls(crm: SalesforceCrm, org: Org, calls: Calls) -> None:
    leads(org, 10_000)
    next(crm.users.list())
    before = calls()
    assert sum(isinstance(lead, Lead) for lead in crm.leads.list()) == 10_000
    assert calls() - before == 5


@pytest.mark.parametrize(
    "body", [b"<html>", b"{}", b"[]", b'{"records": 7}', b'{"records": [], "done": false}']
)
def test_an_answer_that_is_not_the_apis_is_said_to_be_none(
    crm: SalesforceCrm, org: Org, monkeypatch: pytest.MonkeyPatch, body: bytes
) -> None:
    (lead,) = leads(org, 1)
    crm.leads.get(lead)
    request = Client.request

    def answer(self: Client, method: str, path: str, **more: Any) -> Any:
        found = request(self, method, path, **more)
        return type(found)(status=200, headers=found.headers, body=body) if "describe" not in path else found

    monkeypatch.setattr(Client, "request", answer)
    with pytest.raises(ClosedLoopError) as caught:
        list(crm.leads.list())
    assert caught.value.reason in {"not_the_api", "not_json"}
