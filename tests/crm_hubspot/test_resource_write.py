"""Writing records: what is sent, what becomes of each, and what is refused before it is sent."""

from __future__ import annotations

import math
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from closedloop.crm.hubspot import HubSpotCrm
from closedloop.crm.hubspot.values import chosen
from closedloop.crm.registry import connect
from closedloop.crm.results import WriteOutcome, WriteResult
from closedloop.errors import (
    AuthenticationError,
    BadValueError,
    ClosedLoopError,
    DuplicateError,
    GoneError,
    MergedError,
    QuotaError,
    RefusedError,
    UnsupportedError,
    ValueRefusedError,
)
from closedloop.schema.records import Money

_W = WriteOutcome
BATCH = "/crm/v3/objects/contacts/batch/"


def total(portal: Any) -> int:
    return sum(portal.requests.values())


def contact(portal: Any, email: str = "ada@example.com") -> str:
    return str(portal.create("contacts", {"email": email}))


def held(portal: Any, object_type: str, id_: str | None) -> dict[str, str]:
    assert id_ is not None
    return dict(portal.get(object_type, id_)["properties"])


def outcomes(results: list[WriteResult]) -> list[WriteOutcome]:
    return [result.outcome for result in results]


# -- How many calls it takes


@pytest.mark.parametrize("count", [100, 101, 330])
def test_creating_and_updating_cost_one_call_a_hundred(
    portal: Any, connected: HubSpotCrm, count: int
) -> None:
    connected.definitions.of("contacts")
    connected.organisation()
    before = total(portal)
    values = [{"email": f"c{n}@example.com", "last_name": f"N{n}"} for n in range(count)]
    results = connected.contacts.create_many(values)
    assert outcomes(results) == [_W.CREATED] * count
    assert total(portal) - before == math.ceil(count / 100)
    assert [held(portal, "contacts", result.id)["lastname"] for result in results] == [
        f"N{n}" for n in range(count)
    ]
    records = list(connected.contacts.list())
    before = total(portal)
    results = connected.contacts.update_many((record, {"title": "Buyer"}) for record in records)
    assert outcomes(results) == [_W.UPDATED] * count
    assert total(portal) - before == math.ceil(count / 100)


def test_what_the_record_holds_already_is_not_sent(portal: Any, connected: HubSpotCrm) -> None:
    record = connected.contacts.get(contact(portal))
    before = total(portal)
    result = connected.contacts.update(record, {"email": "ADA@example.com"})
    assert result.outcome is _W.UNCHANGED
    assert total(portal) == before


def test_an_update_by_id_reads_without_associations(portal: Any, connected: HubSpotCrm) -> None:
    ids = [contact(portal, f"c{n}@example.com") for n in range(150)]
    connected.contacts.update_many((id_, {"title": "Buyer"}) for id_ in ids)
    assert portal.requests["POST", BATCH + "read"] == 2
    assert portal.requests["POST", BATCH + "update"] == 2
    assert portal.requests["POST", "/crm/v4/associations/contacts/companies/batch/read"] == 0


def test_an_update_without_comparison_reads_nothing(portal: Any, connected: HubSpotCrm) -> None:
    made = contact(portal)
    connected.contacts.update_many([(made, {"title": "Buyer"})], compare=False)
    assert portal.requests["POST", BATCH + "read"] == 0
    assert held(portal, "contacts", made)["jobtitle"] == "Buyer"
    nothing = connected.contacts.update_many([(made, {})], compare=False)
    assert outcomes(nothing) == [_W.UNCHANGED]


def test_none_clears(portal: Any, connected: HubSpotCrm) -> None:
    made = portal.create("contacts", {"email": "ada@example.com", "jobtitle": "Buyer"})
    connected.contacts.update(made, {"title": None})
    assert "jobtitle" not in held(portal, "contacts", made)


# -- One bad record does not hold up the others


def test_a_taken_address_fails_alone_and_names_the_owner(portal: Any, connected: HubSpotCrm) -> None:
    taken = contact(portal)
    values = [{"email": f"c{n}@example.com"} for n in range(5)]
    values.insert(2, {"email": "ada@example.com"})
    results = connected.contacts.create_many(values)
    assert outcomes(results) == [_W.CREATED] * 2 + [_W.FAILED] + [_W.CREATED] * 3
    error = results[2].error
    assert isinstance(error, DuplicateError)
    assert error.existing_id == taken
    assert "example.com" not in str(error)


def test_a_batch_refused_as_a_whole_is_halved_until_the_culprit_is_found(
    recorded: Any, double: Any, crm: HubSpotCrm, told: Any
) -> None:
    """The recorded 409 of a batch create names nobody."""
    conflict = recorded("amp-labs/batch_create_contacts_err-conflict.json")
    double.answer("GET", "/crm/v3/properties/contacts", {"results": []})
    double.answer("GET", "/account-info/v3/details", {"portalId": 1})

    def create(body: Any) -> Any:
        if any(each["properties"]["lastname"] == "bad" for each in body["inputs"]):
            return told(conflict, 409)
        rows = [{"id": each["properties"]["lastname"], **each} for each in body["inputs"]]
        return told({"status": "COMPLETE", "results": rows}, 201)

    double.respond("POST", "/crm/v3/objects/contacts/batch/create", create)
    names = [str(n) for n in range(20)]
    names[13] = "bad"
    results = crm.contacts.create_many([{"last_name": name} for name in names])
    assert [result.id for result in results] == [None if name == "bad" else name for name in names]
    assert isinstance(results[13].error, RefusedError)
    assert len(double.bodies("/crm/v3/objects/contacts/batch/create")) <= 11


def test_wrong_values_missing_records_and_good_ones_get_each_their_own_result(
    portal: Any, connected: HubSpotCrm
) -> None:
    good, other = contact(portal), contact(portal, "bob@example.com")
    changes: list[tuple[str, dict[str, Any]]] = [
        (good, {"title": "Buyer"}),
        ("999999", {"title": "Nobody"}),
        (other, {"email": "not an address"}),
        ("x", {"title": "Nothing"}),
    ]
    results = connected.contacts.update_many(changes, compare=False)
    assert results[0].outcome is _W.UPDATED
    assert [type(result.error) for result in results[1:]] == [GoneError, BadValueError, BadValueError]
    assert held(portal, "contacts", good)["jobtitle"] == "Buyer"


def test_results_in_any_order_are_matched(double: Any, crm: HubSpotCrm, told: Any) -> None:
    double.answer("GET", "/crm/v3/properties/contacts", {"results": []})

    def create(body: Any) -> Any:
        rows = [
            {"id": each["properties"]["lastname"], "objectWriteTraceId": each["objectWriteTraceId"]}
            for each in reversed(body["inputs"])
        ]
        return told({"results": rows}, 201)

    double.respond("POST", "/crm/v3/objects/contacts/batch/create", create)
    results = crm.contacts.create_many([{"last_name": str(n)} for n in range(7)])
    assert [result.id for result in results] == [str(n) for n in range(7)]


def test_a_spent_allowance_before_anything_was_written_is_raised(portal: Any, connected: HubSpotCrm) -> None:
    connected.definitions.of("contacts")
    portal.faults.rate_limit("DAILY", path="/batch/create")
    with pytest.raises(QuotaError):
        connected.contacts.create_many([{"email": "ada@example.com"}])


def test_a_spent_allowance_in_the_middle_leaves_the_rest_open(portal: Any, connected: HubSpotCrm) -> None:
    records = [contact(portal, f"c{n}@example.com") for n in range(150)]
    sent = iter([False, True])
    original = connected.client.update

    def update(object_type: str, inputs: Any) -> Any:
        if next(sent):
            portal.faults.rate_limit("DAILY", path="/batch/update")
        return original(object_type, inputs)

    connected.client.update = update  # type: ignore[method-assign]
    results = connected.contacts.update_many([(id_, {"title": "B"}) for id_ in records], compare=False)
    assert outcomes(results) == [_W.UPDATED] * 100 + [_W.FAILED] * 50
    assert all(isinstance(result.error, QuotaError) for result in results[100:])


def test_what_would_fail_every_record_is_raised_once_and_not_for_each(
    portal: Any, connected: HubSpotCrm, requests: Any
) -> None:
    portal.faults.add(401, path="/crm/v3/properties/contacts", body={"status": "error"}, times=99)
    with pytest.raises(AuthenticationError):
        connected.contacts.create_many({"email": f"c{n}@example.com"} for n in range(30))
    assert requests("GET", "/crm/v3/properties/contacts") == 1


# -- Values


def lead(portal: Any) -> str:
    return str(
        portal.create(
            "leads", {"hs_lead_name": "L"}, associations=[("contacts", contact(portal, "lead@example.com"))]
        )
    )


@pytest.mark.parametrize("said", ["NOT_A_GOOD_FIT", "Not a Good Fit", "not a good fit"])
def test_an_option_may_be_said_by_its_value_or_its_label(
    portal: Any, connected: HubSpotCrm, said: str
) -> None:
    made = lead(portal)
    connected.leads.update(made, {"reason": said})
    assert held(portal, "leads", made)["hs_lead_disqualification_reason"] == "NOT_A_GOOD_FIT"
    assert connected.leads.get(made).reason == "Not a Good Fit"


def test_an_unknown_option_is_refused_before_it_is_sent(portal: Any, connected: HubSpotCrm) -> None:
    made = lead(portal)
    with pytest.raises(ValueRefusedError, match="10 options") as caught:
        connected.leads.update(made, {"reason": "The wrong shoes"})
    assert caught.value.fields == ("hs_lead_disqualification_reason",)
    assert "shoes" not in str(caught.value)
    assert portal.requests["POST", "/crm/v3/objects/leads/batch/update"] == 0


def test_an_option_that_was_added_just_now_is_found(
    portal: Any, connected: HubSpotCrm, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = lead(portal)
    connected.definitions.of("leads")
    monkeypatch.setattr("closedloop.crm.hubspot.properties._UNKNOWN_AFTER_SECONDS", 0.0)
    options = [{"label": "Wrong shoes", "value": "shoes"}]
    with portal.lock:
        kind = portal.record("leads", made).kind
        portal.catalogue.change(
            kind, "hs_lead_disqualification_reason", {"options": options}, "2026-03-01T09:00:00.000Z"
        )
    connected.leads.update(made, {"reason": "wrong shoes"})
    assert held(portal, "leads", made)["hs_lead_disqualification_reason"] == "shoes"


def test_labels_that_only_case_tells_apart_have_to_be_exact(portal: Any, connected: HubSpotCrm) -> None:
    definition = {
        "name": "closed_lost_reason_2",
        "label": "x",
        "type": "enumeration",
        "fieldType": "checkbox",
        "groupName": "deal_activity",
        "options": [
            {"label": "Price", "value": "a"},
            {"label": "PRICE", "value": "b"},
            {"label": "Time", "value": "c"},
        ],
    }
    portal.create_property("deals", definition)
    known = connected.definitions.of("deals")["closed_lost_reason_2"]
    cases = {"Price": "a", "PRICE": "b", "Price;time": "a;c", "c; b": "c;b", "": ""}
    assert {said: chosen(known, said) for said in cases} == cases
    assert chosen(known, "price") is None
    assert chosen(known, "Price;Wombat") is None


@pytest.mark.parametrize("field", ["won", "closed", "probability", "stage_changed_at", "id", "created_at"])
def test_what_hubspot_sets_itself_is_refused(portal: Any, connected: HubSpotCrm, field: str) -> None:
    made = portal.create("deals", {"dealname": "D"})
    with pytest.raises(UnsupportedError) as caught:
        connected.opportunities.update(made, {field: None})
    assert caught.value.field == field


def test_a_property_that_the_definitions_call_read_only_is_refused(
    connected: HubSpotCrm, monkeypatch: pytest.MonkeyPatch
) -> None:
    definition = {
        "name": "hs_lead_status",
        "label": "x",
        "type": "string",
        "modificationMetadata": {"readOnlyValue": True},
    }
    rows = [*connected.client.definitions("contacts"), definition]
    monkeypatch.setattr(connected.client, "definitions", lambda _: rows)
    with pytest.raises(UnsupportedError) as caught:
        connected.contacts.create({"email": "ada@example.com", "status": "NEW"})
    assert (caught.value.field, caught.value.reason) == ("status", "read_only")


def test_a_property_that_the_portal_lacks_is_named(
    connected: HubSpotCrm, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [row for row in connected.client.definitions("companies") if row["name"] != "industry"]
    monkeypatch.setattr(connected.client, "definitions", lambda _: rows)
    with pytest.raises(UnsupportedError, match="no property `industry`") as caught:
        connected.accounts.create({"name": "A", "industry": "Mining"})
    assert caught.value.field == "industry"


def test_amounts_go_with_their_currency(portal: Any, connected: HubSpotCrm) -> None:
    made = connected.opportunities.create(
        {
            "name": "D",
            "amount": Money(amount=Decimal("12.50"), currency="EUR"),
            "close_date": date(2026, 5, 1),
        }
    )
    stored = held(portal, "deals", made.id)
    assert (Decimal(stored["amount"]), stored["deal_currency_code"]) == (Decimal("12.5"), "EUR")
    assert connected.opportunities.get(str(made.id)).amount == Money(amount=Decimal("12.50"), currency="EUR")


def test_an_amount_without_a_place_for_its_currency_is_in_the_portals_own(
    connected: HubSpotCrm, monkeypatch: pytest.MonkeyPatch
) -> None:
    connected.accounts.create({"name": "A", "annual_revenue": Money(amount=Decimal(5), currency="USD")})
    with pytest.raises(UnsupportedError) as caught:
        connected.accounts.create({"name": "A", "annual_revenue": Money(amount=Decimal(5), currency="EUR")})
    assert caught.value.field == "annual_revenue"
    rows = [row for row in connected.client.definitions("deals") if row["name"] != "deal_currency_code"]
    monkeypatch.setattr(connected.client, "definitions", lambda _: rows)
    connected.opportunities.create({"name": "D", "amount": Money(amount=Decimal(5), currency="USD")})
    with pytest.raises(UnsupportedError, match="USD") as caught:
        connected.opportunities.create({"name": "D", "amount": Money(amount=Decimal(5), currency="EUR")})
    assert caught.value.field == "amount"


# -- Upsert


def test_contacts_are_upserted_by_their_address(portal: Any, connected: HubSpotCrm) -> None:
    ada = contact(portal)
    values = [
        {"email": "ADA@example.com", "title": "Buyer"},
        {"email": "bob@example.com", "title": "Boss"},
        {"email": "ada@example.com", "first_name": "Ada"},
        {"title": "Nobody"},
    ]
    results = connected.contacts.upsert_many(values, by="email")
    assert outcomes(results) == [_W.UPDATED, _W.CREATED, _W.UPDATED, _W.FAILED]
    assert [results[0].id, results[2].id] == [ada, ada]
    assert isinstance(results[3].error, BadValueError)
    stored = held(portal, "contacts", ada)
    assert (stored["jobtitle"], stored["firstname"]) == ("Buyer", "Ada")
    assert portal.requests["POST", BATCH + "upsert"] == 1


def test_a_property_with_unique_values_works_too(portal: Any, sandbox: Any) -> None:
    definition = {
        "name": "erp_id",
        "label": "ERP",
        "type": "string",
        "fieldType": "text",
        "groupName": "companyinformation",
        "hasUniqueValue": True,
    }
    portal.create_property("companies", definition)
    overlay = {"objects": {"account": {"custom": {"erp": "properties.erp_id"}}}}
    crm = connect("hubspot", overlay=overlay, access_token=sandbox.access_token, base_url=sandbox.url)
    made = crm.accounts.upsert({"custom": {"erp": "7"}, "name": "A"}, by="custom.erp")
    again = crm.accounts.upsert({"custom": {"erp": "7"}, "name": "B"}, by="custom.erp")
    assert (made.outcome, again.outcome, made.id) == (_W.CREATED, _W.UPDATED, again.id)
    with pytest.raises(UnsupportedError, match=r"upsert by custom\.erp"):
        crm.accounts.upsert({"name": "A", "domain": "a.example"}, by="domain")


@pytest.mark.parametrize(
    ("resource", "values", "by", "named"),
    [
        ("contacts", {"phone": "1"}, "phone", "upsert by email"),
        ("accounts", {"name": "A"}, "name", "find the record"),
        ("leads", {"name": "A"}, "name", "find the record"),
        ("campaigns", {"name": "A"}, "name", "find the record"),
        ("activities", {"kind": "Note", "subject": "A"}, "subject", "find the record"),
    ],
)
def test_what_cannot_be_upserted_says_what_would_do(
    connected: HubSpotCrm, resource: str, values: dict[str, str], by: str, named: str
) -> None:
    with pytest.raises(UnsupportedError, match=named):
        getattr(connected, resource).upsert(values, by=by)


# -- Delete


def test_deleted_and_gone_both_count_as_deleted(portal: Any, connected: HubSpotCrm) -> None:
    ada, bob = contact(portal), contact(portal, "bob@example.com")
    portal.delete("contacts", bob)
    results = connected.contacts.delete_many([ada, bob, "999999", ada])
    assert outcomes(results) == [_W.DELETED] * 4
    assert portal.ids("contacts") == []


def test_deleting_a_merged_record_does_not_delete_the_one_that_it_lives_on_in(
    portal: Any, connected: HubSpotCrm
) -> None:
    first, second = contact(portal), contact(portal, "bob@example.com")
    left = portal.merge("contacts", first, second)
    old = next(each for each in (first, second) if each != left)
    with pytest.raises(MergedError) as caught:
        connected.contacts.delete(old)
    assert caught.value.merged_into == left
    assert portal.ids("contacts") == [left]


# -- Campaigns, activities, and what cannot be written


def test_campaigns_are_created_changed_and_deleted(portal: Any, connected: HubSpotCrm) -> None:
    results = connected.campaigns.create_many([{"name": f"C{n}", "notes": "x"} for n in range(60)])
    assert outcomes(results) == [_W.CREATED] * 60
    shown = [portal.campaign(result.id)["properties"]["hs_name"] for result in results]
    assert shown == [f"C{n}" for n in range(60)]
    guid = str(results[0].id)
    connected.campaigns.update(guid, {"status": "paused", "start_date": date(2026, 3, 1)})
    stored = portal.campaign(guid)["properties"]
    assert (stored["hs_campaign_status"], stored["hs_start_date"]) == ("paused", "2026-03-01")
    assert connected.campaigns.delete(guid).outcome is _W.DELETED
    assert connected.campaigns.delete(guid).outcome is _W.DELETED
    assert portal.requests["POST", "/marketing/v3/campaigns/batch/create"] == 2
    with pytest.raises(BadValueError) as caught:
        connected.campaigns.create({"notes": "x"})
    assert caught.value.field == "name"


def test_a_campaign_deleted_since_it_was_read_is_gone_and_no_other_is_held_up(
    portal: Any, connected: HubSpotCrm
) -> None:
    kept, lost = (connected.campaigns.get(portal.create_campaign({"hs_name": name})) for name in "AB")
    portal.delete_campaign(lost.id)
    results = connected.campaigns.update_many([(lost, {"notes": "x"}), (kept, {"notes": "x"})])
    assert isinstance(results[0].error, GoneError)
    assert results[1].outcome is _W.UPDATED
    assert portal.campaign(kept.id)["properties"]["hs_notes"] == "x"


@pytest.mark.parametrize(
    ("values", "source"),
    [
        ({"kind": "Call", "subject": "Hello"}, "calls"),
        ({"kind": "Meeting", "subject": "Demo"}, "meetings"),
        ({"kind": "Note", "subject": "Nice"}, "notes"),
    ],
)
def test_an_activity_goes_to_the_object_of_its_kind(
    portal: Any, connected: HubSpotCrm, values: dict[str, Any], source: str
) -> None:
    ada = contact(portal)
    when = portal.clock()
    made = connected.activities.create({**values, "contact_id": ada, "happened_at": when})
    assert portal.ids(source) == [made.id]
    record = connected.activities.get(str(made.id))
    assert (record.kind, record.subject, record.contact_id) == (values["kind"], values["subject"], ada)
    connected.activities.update(str(made.id), {"subject": "Changed"})
    assert connected.activities.get(str(made.id)).subject == "Changed"
    assert connected.activities.delete(record).outcome is _W.DELETED
    assert connected.activities.delete(record).outcome is _W.DELETED
    assert portal.ids(source) == []


def test_an_activity_is_found_for_an_update_without_being_compared(
    portal: Any, connected: HubSpotCrm
) -> None:
    made = portal.create("meetings", {"hs_meeting_title": "Demo", "hs_timestamp": "2026-03-01T09:00:00Z"})
    changes = [(made, {"subject": "Demonstration"}), ("999", {"subject": "x"})]
    results = connected.activities.update_many(changes, compare=False)
    assert results[0].outcome is _W.UPDATED
    assert isinstance(results[1].error, GoneError)
    assert held(portal, "meetings", made)["hs_meeting_title"] == "Demonstration"


@pytest.mark.parametrize(
    ("resource", "values"),
    [
        ("users", {"name": "O"}),
        ("stages", {"label": "S"}),
        ("campaign_members", {"status": "Sent"}),
    ],
)
def test_what_cannot_be_written_is_refused_by_name(
    portal: Any, connected: HubSpotCrm, resource: str, values: dict[str, str]
) -> None:
    with pytest.raises(UnsupportedError):
        getattr(connected, resource).create(values)
    with pytest.raises(ClosedLoopError):
        getattr(connected, resource).delete(
            {"users": "1", "stages": "a/b"}.get(resource, "430318c4-abb7-4bf7-a75e-9c5fa8f475a6/1")
        )
