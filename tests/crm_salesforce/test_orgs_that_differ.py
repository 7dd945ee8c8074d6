"""Orgs that lack fields, objects or rights: nothing is assumed, everything missing is told."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from closedloop.crm.salesforce import SalesforceCredentials, SalesforceCrm
from closedloop.crm.salesforce.describes import KEPT_SECONDS, Describes
from closedloop.errors import AnswerError
from closedloop.mapping import load_mappings
from closedloop.schema.records import Ref
from closedloop.schema.vocabulary import ObjectType

ROOT = "/services/data/v62.0"
LEAD = "00QXx00000aBcD1MAK"
TASK = "00TXx00000aBcD1AAK"
NO_OBJECT = [{"errorCode": "NOT_FOUND", "message": "The requested resource does not exist"}]
Describe = Callable[..., None]


def field(name: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "type": "string", "length": 80, **more}


@pytest.fixture
def describe(double: Any, laid_out: Any) -> Describe:
    """Lays out the describe of an object; without fields the org has none of that name."""

    def lay_out(sobject: str, *fields: dict[str, Any] | str) -> None:
        body = {"fields": [field(one) if isinstance(one, str) else one for one in fields]}
        answer = laid_out(200, body) if fields else laid_out(404, NO_OBJECT)
        double.answer("GET", f"{ROOT}/sobjects/{sobject}/describe", answer)

    return lay_out


@pytest.fixture
def crm(double: Any, describe: Describe) -> SalesforceCrm:
    for sobject in (
        "Account", "Campaign", "CampaignMember", "Contact", "Event", "LeadStatus", "Opportunity",
        "OpportunityContactRole", "OpportunityStage", "Organization", "User",
    ):  # fmt: skip
        describe(sobject)
    describe("Lead", "Id", "IsDeleted", "SystemModstamp", "Status")
    describe("Task", "Id", "Subject")
    credentials = SalesforceCredentials(login_url=double.url, access_token="t")
    return SalesforceCrm(credentials, load_mappings(), clock=lambda: datetime(2026, 11, 20, tzinfo=UTC))


def rows(*records: dict[str, Any]) -> dict[str, Any]:
    return {"totalSize": len(records), "done": True, "records": list(records)}


def soql(double: Any) -> list[str]:
    return [asked.query["q"][0] for asked in double.asked if "q" in asked.query]


def test_only_fields_that_exist_are_asked_for_and_the_others_are_told_once(
    crm: SalesforceCrm, double: Any, laid_out: Any, caplog: pytest.LogCaptureFixture
) -> None:
    row = {"Id": LEAD, "IsDeleted": False, "SystemModstamp": "2026-11-20T12:00:00.000+0000", "Status": "Open"}
    double.answer("GET", f"{ROOT}/queryAll/", laid_out(200, rows(row)))
    with caplog.at_level(logging.WARNING):
        for _ in range(2):
            batch = crm.refresh([Ref(ObjectType.LEAD, LEAD)])
    assert [record.id for record in batch.records] == [LEAD]
    asked, _, condition = soql(double)[0].partition(" WHERE ")
    assert asked == "SELECT Id, IsDeleted, SystemModstamp, Status FROM Lead"
    assert condition == f"Id IN ('{LEAD}')"
    missing = crm.missing_fields[ObjectType.LEAD]
    assert {"Disqualified_Reason__c", "Email"} <= set(missing)
    assert not {"Id", "Status", "CurrencyIsoCode", "MasterRecordId"} & set(missing)
    assert sum("Lead lacks" in record.message for record in caplog.records) == 1


def test_an_object_that_the_org_lacks_refuses_its_refs_and_is_left_out_of_polls(
    crm: SalesforceCrm, double: Any, laid_out: Any
) -> None:
    batch = crm.refresh([Ref(ObjectType.OPPORTUNITY, "006Xx00000mNoP2IAK")])
    ((reason, ref),) = [(refusal.error.reason, refusal.ref.object) for refusal in batch.refused]
    assert (reason, ref) == ("no_such_object", ObjectType.OPPORTUNITY)
    assert batch.gone == ()
    double.answer("GET", f"{ROOT}/queryAll/", laid_out(200, rows()))
    pages = list(crm.poll(None))
    assert [page.batch.records for page in pages] == [()]
    assert soql(double) == [
        "SELECT Id, IsDeleted, SystemModstamp, Status FROM Lead ORDER BY SystemModstamp, Id LIMIT 2000"
    ]


def test_an_object_of_two_sources_is_gone_only_when_neither_has_it(
    crm: SalesforceCrm, double: Any, describe: Describe, laid_out: Any
) -> None:
    describe("Event", "Id", "Subject")
    crm.describes.forget()

    def part(number: int, *records: dict[str, Any]) -> dict[str, Any]:
        return {"body": rows(*records), "httpStatusCode": 200, "httpHeaders": {}, "referenceId": f"q{number}"}

    task = {"attributes": {"type": "Task"}, "Id": TASK, "Subject": "Call"}
    answers = laid_out(200, {"compositeResponse": [part(0, task), part(1)]})
    double.answer("POST", f"{ROOT}/composite", answers)
    batch = crm.refresh([Ref(ObjectType.ACTIVITY, TASK), Ref(ObjectType.ACTIVITY, "00UXx00000aBcD1AAK")])
    assert [record.id for record in batch.records] == [TASK]
    assert batch.gone == (Ref(ObjectType.ACTIVITY, "00UXx00000aBcD1AAK"),)


def test_a_multi_currency_org_says_its_currency_itself(
    crm: SalesforceCrm, double: Any, describe: Describe, laid_out: Any
) -> None:
    describe("Organization", "Id", "Name", "DefaultCurrencyIsoCode")
    row = {"Id": "00DXx00000Qw3Rt", "Name": "Acme", "DefaultCurrencyIsoCode": "CHF"}
    double.answer("GET", f"{ROOT}/query/", laid_out(200, rows(row)))
    found = crm.organisation()
    assert (found.id, found.currency) == ("00DXx00000Qw3RtMAJ", "CHF")
    assert soql(double) == ["SELECT Id, Name, DefaultCurrencyIsoCode FROM Organization"]


def test_an_answer_without_the_one_organisation_is_none_of_the_api(
    crm: SalesforceCrm, double: Any, laid_out: Any
) -> None:
    double.answer("GET", f"{ROOT}/query/", laid_out(200, rows()))
    with pytest.raises(AnswerError):
        crm.organisation()


@pytest.mark.parametrize(
    ("path", "there"),
    [
        ("Status", True),
        ("status", True),
        ("Nothing__c", False),
        ("Owner.Name", True),
        ("owner.name", True),
        ("Owner.Nothing", False),
        ("Status.Name", False),
        ("Owner.Role.Name", False),
    ],
)
def test_a_path_exists_when_each_step_of_it_does(
    client: Any, describe: Describe, path: str, there: bool
) -> None:
    owner = field("OwnerId", type="reference", relationshipName="Owner", referenceTo=["Group", "User"])
    describe("Lead", "Status", owner)
    describe("User", "Name")
    describe("Group")
    assert Describes(client).has("Lead", path) is there


def test_a_describe_is_believed_for_a_while_only(client: Any, double: Any, describe: Describe) -> None:
    now = [0.0]
    describes = Describes(client, clock=lambda: now[0])
    describe("Lead", "Status")
    assert not describes.has("Lead", "New__c")
    describe("Lead", "Status", "New__c")
    now[0] = KEPT_SECONDS - 1
    assert not describes.has("Lead", "New__c")
    now[0] = KEPT_SECONDS
    assert describes.has("Lead", "New__c")


@pytest.mark.parametrize(
    "row",
    [{}, {"Id": None}, {"Id": "x"}, {"Id": LEAD}, {"Id": LEAD, "SystemModstamp": "soon"},
     {"Id": LEAD, "SystemModstamp": "2026-11-20T12:00:00", "IsDeleted": True, "MasterRecordId": "x"}],
)  # fmt: skip
def test_a_row_without_its_id_or_stamp_is_no_answer_of_the_api(
    crm: SalesforceCrm, double: Any, laid_out: Any, row: dict[str, Any]
) -> None:
    double.answer("GET", f"{ROOT}/queryAll/", laid_out(200, rows(row)))
    with pytest.raises(AnswerError):
        list(crm.poll(None))
