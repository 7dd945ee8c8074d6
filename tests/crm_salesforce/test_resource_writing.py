"""Writing records by collections: what is sent, what comes of each, and what a lost answer means."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from closedloop.crm.results import Draft, Verb, WriteOutcome, WriteResult
from closedloop.crm.salesforce import SalesforceCredentials, SalesforceCrm
from closedloop.crm.salesforce.client import Client
from closedloop.errors import (
    AuthenticationError,
    BadValueError,
    ClosedLoopError,
    ConvertedError,
    DuplicateError,
    GoneError,
    MergedError,
    QuotaError,
    RetryableError,
    UncertainError,
    UnsupportedError,
    ValueRefusedError,
)
from closedloop.mapping import Mappings, load_mappings
from closedloop.sandbox.salesforce import Disturbance, Org, SalesforceSandbox
from closedloop.schema.records import Money
from closedloop.schema.vocabulary import CrmName, ObjectType

Connect = Callable[..., SalesforceCrm]
Calls = Callable[[], int]
NOBODY = "00QQy0000000001MAA"
KEYED = {
    "objects": {
        "campaign": {"source": "Closed_Loop_Campaign_Reason__c", "fields": {
            "id": "Id", "name": "Outcome__c", "type": "Closed_Loop_Key__c", "parent_id": "Campaign__c",
            "updated_at": "SystemModstamp", "status": "Reason__c", "active": None, "start_date": None,
            "end_date": None, "budgeted_cost": None, "actual_cost": None, "owner_id": None,
            "created_at": "CreatedDate", "deleted": "IsDeleted",
        }},
    }
}  # fmt: skip
"""Our campaigns in an object of the org's own, which has an external id: `type` stands for it here."""


@pytest.fixture
def keyed() -> Mappings:
    return load_mappings().overlaid(CrmName.SALESFORCE, KEYED)


def lead(org: Org, name: str = "Doe", **more: Any) -> str:
    return org.insert("Lead", {"LastName": name, "Company": "Acme", **more})


def outcomes(results: list[WriteResult]) -> list[Any]:
    return [type(result.error) if result.error else result.outcome for result in results]


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str, Any]]:
    """Method, path and body of every request."""
    noted: list[tuple[str, str, Any]] = []
    request = Client.request

    def note(self: Client, method: str, path: str, **more: Any) -> Any:
        noted.append((method, path, more.get("body")))
        return request(self, method, path, **more)

    monkeypatch.setattr(Client, "request", note)
    return noted


def test_each_record_has_its_own_result_in_order(crm: SalesforceCrm, org: Org) -> None:
    results = crm.leads.create_many(
        [
            {"last_name": "One", "company": "Acme", "stage": "Working - Contacted"},
            {"last_name": "Without a company"},
            {"last_name": "Two", "company": "x" * 300},
            {"nonsense": 1},
            {"last_name": "Three", "company": "Acme"},
        ]
    )
    assert outcomes(results) == [
        WriteOutcome.CREATED, ValueRefusedError, ValueRefusedError, UnsupportedError, WriteOutcome.CREATED,
    ]  # fmt: skip
    assert [row["LastName"] for row in org.rows("Lead")] == ["One", "Three"]
    assert crm.leads.get(str(results[0].id)).stage == "Working - Contacted"


def test_a_record_is_created_changed_and_deleted(crm: SalesforceCrm, org: Org) -> None:
    account = crm.accounts.create({"name": "Acme", "employees": 12}).id
    deal = crm.opportunities.create(
        {"name": "Deal", "stage": "Prospecting", "close_date": date(2026, 12, 1), "account_id": account,
         "amount": Decimal("1000.10")},
    ).id  # fmt: skip
    assert deal is not None
    read = crm.opportunities.get(deal)
    assert (read.account_id, read.close_date) == (account, date(2026, 12, 1))
    assert read.amount == Money(amount=Decimal("1000.1"))
    assert crm.opportunities.update(read, {"stage": "Closed Lost", "lost_reason": "Price"}).ok
    assert crm.opportunities.get(deal).won is False
    assert crm.opportunities.update(deal, {"lost_reason": None}).outcome is WriteOutcome.UPDATED
    assert crm.opportunities.get(deal).lost_reason is None
    assert crm.opportunities.delete(deal).outcome is WriteOutcome.DELETED
    with pytest.raises(GoneError):
        crm.opportunities.get(deal)


def test_200_records_travel_in_a_request_and_those_with_one_parent_together(
    crm: SalesforceCrm, org: Org, asked: list[tuple[str, str, Any]]
) -> None:
    campaigns = [org.insert("Campaign", {"Name": name}) for name in ("One", "Two")]
    people = [lead(org, f"Doe {number}") for number in range(250)]
    results = crm.campaign_members.create_many(
        {"campaign_id": campaigns[place % 2], "lead_id": person} for place, person in enumerate(people)
    )
    assert all(result.outcome is WriteOutcome.CREATED for result in results)
    members = {str(result.id): place for place, result in enumerate(results)}
    assert {row["Id"]: people.index(row["LeadId"]) for row in org.rows("CampaignMember")} == members
    bodies = [body["records"] for method, path, body in asked if path == "composite/sobjects"]
    assert [len(records) for records in bodies] == [200, 50]
    parents = [record["CampaignId"] for records in bodies for record in records]
    assert parents == sorted(parents)


def test_what_the_crm_says_of_a_record_is_an_error_by_name(crm: SalesforceCrm, org: Org) -> None:
    converted, deleted, loser, survivor, good = [lead(org, f"Doe {number}") for number in range(5)]
    org.convert_lead(converted)
    org.delete("Lead", deleted)
    org.merge("Lead", survivor, loser)
    results = crm.leads.update_many(
        [(each, {"company": "New"}) for each in (converted, deleted, loser, NOBODY, good)], compare=False
    )
    assert outcomes(results) == [ConvertedError, GoneError, MergedError, GoneError, WriteOutcome.UPDATED]
    assert isinstance(results[2].error, MergedError)
    assert results[2].error.merged_into == survivor


def test_a_member_twice_is_a_duplicate_and_a_status_of_no_campaign_is_refused(
    crm: SalesforceCrm, org: Org
) -> None:
    campaign, person = org.insert("Campaign", {"Name": "Autumn"}), lead(org)
    member = {"campaign_id": campaign, "lead_id": person}
    results = crm.campaign_members.create_many([member])
    again = crm.campaign_members.create_many([member, {**member, "lead_id": lead(org), "status": "Nowhere"}])
    assert outcomes(results) == [WriteOutcome.CREATED]
    assert outcomes(again) == [DuplicateError, ValueRefusedError]


def test_a_locked_record_alone_is_sent_again(
    crm: SalesforceCrm, org: Org, asked: list[tuple[str, str, Any]]
) -> None:
    people = [lead(org, f"Doe {number}") for number in range(3)]
    org.lock_record(people[1], times=2)
    results = crm.leads.update_many([(each, {"company": "New"}) for each in people], compare=False)
    assert all(result.outcome is WriteOutcome.UPDATED for result in results)
    assert [len(body["records"]) for method, _, body in asked if method == "PATCH"] == [3, 1, 1]


def test_a_record_that_stays_locked_can_be_tried_later(crm: SalesforceCrm, org: Org) -> None:
    held, free = lead(org), lead(org)
    org.lock_record(held, times=99)
    results = crm.leads.update_many([(each, {"company": "New"}) for each in (held, free)], compare=False)
    assert outcomes(results) == [RetryableError, WriteOutcome.UPDATED]


def test_a_request_that_cannot_be_read_is_halved_until_the_record_is_alone(
    crm: SalesforceCrm, org: Org, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = Client.request

    def refuse(self: Client, method: str, path: str, **more: Any) -> Any:
        records = (more.get("body") or {}).get("records", ())
        if any(record["LastName"] == "Doe 3" for record in records):
            raise ValueRefusedError("it cannot be parsed", code="JSON_PARSER_ERROR", status=400)
        return request(self, method, path, **more)

    monkeypatch.setattr(Client, "request", refuse)
    results = crm.leads.create_many({"last_name": f"Doe {number}", "company": "A"} for number in range(7))
    assert [place for place, result in enumerate(results) if not result.ok] == [3]
    assert len(org.rows("Lead")) == 6


# What cannot be written


@pytest.mark.parametrize(
    ("of", "values", "field", "reason"),
    [
        ("leads", {"last_name": "Doe", "company": "A", "converted": True}, "converted", ""),
        ("leads", {"last_name": "Doe", "company": "A", "stage_changed_by": NOBODY}, "stage_changed_by", ""),
        ("opportunities", {"name": "Deal", "won": True}, "won", ""),
        ("campaign_members", {"campaign_id": "701Qy0000000001AAA", "responded": True}, "responded", ""),
        ("leads", {"last_name": "Doe", "company": "A", "utm": {"source": "x"}}, "utm.source", ""),
        ("accounts", {"name": "A", "annual_revenue": Money(amount=Decimal(1), currency="USD")},
         "annual_revenue", "other_currency"),
    ],
)  # fmt: skip
def test_a_field_that_cannot_be_written_is_said_by_our_name_before_anything_is_sent(  # noqa: PLR0917
    connected: Connect, org: Org, of: str, values: dict[str, Any], field: str, reason: str
) -> None:
    crm = connected(currency="EUR")
    (result,) = getattr(crm, of).create_many([values])
    assert isinstance(result.error, UnsupportedError)
    assert result.error.field == field
    assert reason in {"", result.error.reason}
    assert not any(method == "POST" and "composite" in path for method, path in org.requests)


def test_a_field_that_the_org_lacks_is_said_by_our_name(clock: Any) -> None:
    with SalesforceSandbox(clock=clock, without=["Lead.Disqualified_Reason__c"]) as sandbox:
        crm = SalesforceCrm(_credentials(sandbox), load_mappings(), clock=clock)
        wrong, right = crm.leads.create_many(
            [{"last_name": "Doe", "company": "A", "reason": "Budget"}, {"last_name": "Doe", "company": "A"}]
        )
    assert isinstance(wrong.error, UnsupportedError)
    assert (wrong.error.field, wrong.error.reason) == ("reason", "no_such_field")
    assert right.ok


def test_money_keeps_its_currency_where_the_org_has_several(clock: Any) -> None:
    with SalesforceSandbox(clock=clock, currencies=["EUR", "USD"]) as sandbox:
        crm = SalesforceCrm(_credentials(sandbox), load_mappings(), clock=clock)
        revenue = Money(amount=Decimal("12.34"), currency="USD")
        account = crm.accounts.create({"name": "A", "annual_revenue": revenue}).id
        assert account is not None
        assert crm.accounts.get(account).annual_revenue == revenue
        mixed = {
            "name": "A",
            "budgeted_cost": revenue,
            "actual_cost": Money(amount=Decimal(1), currency="EUR"),
        }
        (result,) = crm.campaigns.create_many([mixed])
    assert isinstance(result.error, BadValueError)


def test_money_in_a_currency_of_which_the_org_says_nothing_is_not_written(
    crm: SalesforceCrm, connected: Connect, org: Org
) -> None:
    values = {"name": "A", "annual_revenue": Money(amount=Decimal(1), currency="EUR")}
    (unknown,) = crm.accounts.create_many([values])
    assert isinstance(unknown.error, UnsupportedError)
    assert unknown.error.reason == "currency_unknown"
    assert connected(currency="EUR").accounts.create(values).ok


@pytest.mark.parametrize("of", [ObjectType.USER, ObjectType.STAGE])
@pytest.mark.parametrize("verb", list(Verb))
def test_users_and_stages_are_said_to_be_read_only(crm: SalesforceCrm, of: ObjectType, verb: Verb) -> None:
    with pytest.raises(UnsupportedError, match="Setup") as caught:
        crm._port.write(of, verb, [Draft(values={"name": "x"})])
    assert caught.value.reason == "read_only"


# Activities


def test_activities_go_to_the_object_that_their_values_say(crm: SalesforceCrm, org: Org) -> None:
    person = lead(org)
    call = crm.activities.create({"kind": "Call", "subject": "Hello", "lead_id": person}).id
    assert call is not None
    assert call.startswith("00T")
    assert crm.activities.update(call, {"subject": "Hello again"}).outcome is WriteOutcome.UPDATED
    assert crm.activities.get(call).subject == "Hello again"
    assert crm.activities.delete(call).ok


# Deleting


def test_what_is_gone_already_counts_as_deleted(crm: SalesforceCrm, org: Org) -> None:
    there, gone, locked = lead(org), lead(org), lead(org)
    org.delete("Lead", gone)
    org.lock_record(locked, times=1)
    results = crm.leads.delete_many([there, gone, NOBODY, locked, "x"])
    assert outcomes(results) == [WriteOutcome.DELETED] * 4 + [BadValueError]
    assert [result.id for result in results] == [there, gone, NOBODY, locked, "x"]
    assert not org.rows("Lead")


# Upserting


def test_upserting_tells_what_was_created_from_what_was_there(
    connected: Connect, org: Org, keyed: Mappings
) -> None:
    crm = connected(mappings=keyed)
    campaign = org.insert("Campaign", {"Name": "Autumn"})
    first = crm.campaigns.upsert({"name": "Lost", "type": "a", "parent_id": campaign}, by="type")
    results = crm.campaigns.upsert_many(
        [
            {"name": "Won", "type": "A", "parent_id": campaign},
            {"name": "Lost", "type": "b", "parent_id": campaign},
            {"name": "Recycled", "parent_id": campaign},
            {"type": "b", "status": "Price"},
        ],
        by="type",
    )
    assert first.outcome is WriteOutcome.CREATED
    assert outcomes(results) == [
        WriteOutcome.UPDATED, WriteOutcome.CREATED, BadValueError, WriteOutcome.CREATED,
    ]  # fmt: skip
    assert results[1].id == results[3].id
    assert [(row["Outcome__c"], row["Reason__c"]) for row in org.rows("Closed_Loop_Campaign_Reason__c")] == [
        ("Won", None),
        ("Lost", "Price"),
    ]


def test_a_contact_can_be_upserted_by_its_email_address(crm: SalesforceCrm, org: Org) -> None:
    ada = crm.contacts.upsert({"last_name": "Ada", "email": "ada@x.example"}, by="email")
    again = crm.contacts.upsert({"last_name": "Lovelace", "email": "ADA@x.example"}, by="email")
    assert (ada.outcome, again.outcome, again.id) == (WriteOutcome.CREATED, WriteOutcome.UPDATED, ada.id)
    org.insert("Contact", {"LastName": "Twin", "Email": "ada@x.example"})
    (ambiguous,) = crm.contacts.upsert_many([{"last_name": "Ada", "email": "ada@x.example"}], by="email")
    assert isinstance(ambiguous.error, ClosedLoopError)
    assert len(org.rows("Contact")) == 2


@pytest.mark.parametrize(("by", "would"), [("last_name", "email"), ("id", "email"), ("nonsense", "email")])
def test_a_field_that_finds_nothing_is_said_by_name_with_those_that_do(
    crm: SalesforceCrm, by: str, would: str
) -> None:
    with pytest.raises(UnsupportedError, match=would) as caught:
        crm.contacts.upsert({"last_name": "Ada"}, by=by)
    assert caught.value.field == by


# When no answer comes


def test_an_update_whose_answer_is_lost_is_sent_again(
    crm: SalesforceCrm, org: Org, sandbox: SalesforceSandbox
) -> None:
    person = lead(org)
    sandbox.disturb(Disturbance.LOST, path="composite/sobjects")
    assert crm.leads.update(person, {"company": "New"}).ok
    assert org.get("Lead", person)["Company"] == "New"


@pytest.mark.parametrize("disturbance", [Disturbance.LOST, Disturbance.TRUNCATED, Disturbance.PAGE])
def test_a_creation_whose_answer_is_lost_and_cannot_be_proved_is_uncertain_and_not_repeated(
    crm: SalesforceCrm, org: Org, sandbox: SalesforceSandbox, disturbance: Disturbance
) -> None:
    sandbox.disturb(disturbance, path="composite/sobjects")
    results = crm.leads.create_many({"last_name": f"Doe {number}", "company": "A"} for number in range(201))
    assert {type(result.error) for result in results[:200]} == {UncertainError}
    assert results[200].ok
    assert len(org.rows("Lead")) == (1 if disturbance is Disturbance.PAGE else 201)


@pytest.fixture
def own(connected: Connect, keyed: Mappings) -> SalesforceCrm:
    """A connection whose campaigns have a unique key."""
    return connected(mappings=keyed)


@pytest.mark.parametrize("disturbance", [Disturbance.LOST, Disturbance.RESET, Disturbance.PAGE])
def test_a_creation_whose_answer_is_lost_is_proved_by_a_unique_field(
    own: SalesforceCrm, org: Org, sandbox: SalesforceSandbox, clock: Any, disturbance: Disturbance
) -> None:
    crm = own
    campaign = org.insert("Campaign", {"Name": "Autumn"})
    there = crm.campaigns.create({"name": "Lost", "type": "it's \\ there", "parent_id": campaign})
    clock.now = clock.now.replace(hour=20)
    sandbox.disturb(disturbance, path="composite/sobjects", method="POST")
    results = crm.campaigns.create_many(
        {"name": "Lost", "type": key, "parent_id": campaign}
        for key in ("it's \\ there", "new 'one'", "new two")
    )
    assert outcomes(results) == [DuplicateError, WriteOutcome.CREATED, WriteOutcome.CREATED]
    rows = {row["Closed_Loop_Key__c"]: row["Id"] for row in org.rows("Closed_Loop_Campaign_Reason__c")}
    assert rows == {"it's \\ there": there.id, "new 'one'": results[1].id, "new two": results[2].id}


def test_an_upsert_by_a_field_that_is_not_unique_is_not_repeated(
    crm: SalesforceCrm, org: Org, sandbox: SalesforceSandbox
) -> None:
    sandbox.disturb(Disturbance.LOST, path="composite/sobjects")
    with pytest.raises(UncertainError):
        crm.contacts.upsert({"last_name": "Ada", "email": "ada@x.example"}, by="email")
    assert len(org.rows("Contact")) == 1


# When nothing goes any more


@pytest.mark.parametrize(
    "error", [QuotaError("used up"), AuthenticationError("not let in"), RetryableError("too busy")]
)
def test_what_ends_everything_is_raised_if_nothing_was_written_and_else_told_of_the_rest(
    crm: SalesforceCrm, org: Org, monkeypatch: pytest.MonkeyPatch, error: ClosedLoopError
) -> None:
    people = [lead(org, f"Doe {number}") for number in range(401)]
    changes = [(each, {"company": "New"}) for each in people]
    left = 0
    request = Client.request

    def ends(self: Client, method: str, path: str, **more: Any) -> Any:
        nonlocal left
        if path == "composite/sobjects":
            left -= 1
            if left < 0:
                raise error
        return request(self, method, path, **more)

    monkeypatch.setattr(Client, "request", ends)
    with pytest.raises(type(error)):
        crm.leads.update_many(changes, compare=False)
    left = 1
    results = crm.leads.update_many(changes, compare=False)
    assert outcomes(results) == [WriteOutcome.UPDATED] * 200 + [type(error)] * 201


def _credentials(sandbox: SalesforceSandbox) -> SalesforceCredentials:
    return SalesforceCredentials(
        login_url=sandbox.url, client_id=sandbox.client_id, client_secret=sandbox.client_secret
    )
