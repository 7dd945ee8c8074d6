"""What may be given to be written, what becomes of it, and what is refused by name."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from types import MappingProxyType
from typing import Any

import pytest

from closedloop.errors import BadValueError, MappingError, UnsupportedError
from closedloop.mapping import CrmMapping, Mappings
from closedloop.schema.records import Account, Activity, Contact, Lead, LinkedId, Money, Opportunity, Utm
from closedloop.schema.vocabulary import CrmName, ObjectType

_O = ObjectType
LEAD, CONTACT = "00Qak00000696HFEAY", "003ak00000696HFAAY"
EAST = timezone(timedelta(hours=2))
EUROS = Money(amount=Decimal(3), currency="EUR")
NAIVE = datetime(2026, 11, 20, 14, 3)  # noqa: DTZ001 - what is refused


@pytest.fixture(params=list(CrmName))
def mapping(request: pytest.FixtureRequest, mappings: Mappings) -> CrmMapping:
    return mappings.crm(request.param)


# Values --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("of", "name", "value", "typed"),
    [
        (_O.ACCOUNT, "name", "  Acme ", "Acme"),
        (_O.ACCOUNT, "name", " ", None),
        (_O.ACCOUNT, "name", None, None),
        (_O.ACCOUNT, "employees", 7, 7),
        (_O.ACCOUNT, "annual_revenue", 12, Money(amount=Decimal(12))),
        (_O.ACCOUNT, "annual_revenue", 0.1, Money(amount=Decimal("0.1"))),
        (_O.ACCOUNT, "annual_revenue", "12.50", Money(amount=Decimal("12.50"))),
        (_O.ACCOUNT, "annual_revenue", {"amount": "3", "currency": "eur"}, EUROS),
        (_O.CONTACT, "email", " a@example.com ", "a@example.com"),
        (_O.OPPORTUNITY, "close_date", "2026-11-20", date(2026, 11, 20)),
        (_O.OPPORTUNITY, "close_date", date(2026, 11, 20), date(2026, 11, 20)),
    ],
)  # fmt: skip
def test_a_value_is_given_the_type_that_records_have(
    mapping: CrmMapping, of: ObjectType, name: str, value: Any, typed: Any
) -> None:
    assert mapping.coerce(of, {name: value}) == {name: typed}


@pytest.mark.parametrize(
    ("of", "name", "value", "reason"),
    [
        (_O.ACCOUNT, "name", 5, "wrong_type"),
        (_O.ACCOUNT, "name", ["a"], "wrong_type"),
        (_O.ACCOUNT, "name", b"a", "wrong_type"),
        (_O.ACCOUNT, "name", "a\ud800b", "lone_surrogate"),
        (_O.ACCOUNT, "name", "a\0b", "nul_character"),
        (_O.ACCOUNT, "employees", True, "wrong_type"),
        (_O.ACCOUNT, "employees", "7", "wrong_type"),
        (_O.ACCOUNT, "employees", 7.0, "wrong_type"),
        (_O.ACCOUNT, "employees", 10**400, "number_out_of_range"),
        (_O.ACCOUNT, "annual_revenue", float("nan"), "bad_number"),
        (_O.ACCOUNT, "annual_revenue", float("inf"), "bad_number"),
        (_O.ACCOUNT, "annual_revenue", Decimal("NaN"), "bad_number"),
        (_O.ACCOUNT, "annual_revenue", Money(amount=Decimal("sNaN")), "bad_number"),
        (_O.ACCOUNT, "annual_revenue", "1e400", "number_out_of_range"),
        (_O.ACCOUNT, "annual_revenue", Decimal("1e400"), "number_out_of_range"),
        (_O.ACCOUNT, "annual_revenue", True, "wrong_type"),
        (_O.ACCOUNT, "annual_revenue", "dear", "bad_number"),
        (_O.ACCOUNT, "annual_revenue", {"currency": "EUR"}, "wrong_type"),
        (_O.ACCOUNT, "annual_revenue", {"amount": 1, "curency": "EUR"}, "wrong_type"),
        (_O.ACCOUNT, "annual_revenue", {"amount": None}, "wrong_type"),
        (_O.ACCOUNT, "annual_revenue", {1: 2}, "wrong_type"),
        (_O.ACCOUNT, "annual_revenue", Money(amount=Decimal(1), currency="euro"), "bad_currency"),
        (_O.ACCOUNT, "owner_id", "../../x", "bad_id"),
        (_O.ACCOUNT, "owner_id", 7, "wrong_type"),
        (_O.CONTACT, "email", "nobody", "bad_email"),
        (_O.OPPORTUNITY, "close_date", NAIVE, "wrong_type"),
        (_O.OPPORTUNITY, "close_date", "2026-02-30", "bad_date"),
        (_O.OPPORTUNITY, "close_date", "today", "wrong_type"),
        (_O.OPPORTUNITY, "close_date", 0, "wrong_type"),
    ],
)
def test_a_value_that_the_field_cannot_hold_is_refused_by_name_and_never_repeated(
    mapping: CrmMapping, of: ObjectType, name: str, value: Any, reason: str
) -> None:
    with pytest.raises(BadValueError) as caught:
        mapping.coerce(of, {name: value})
    assert (caught.value.field, caught.value.reason) == (name, reason)
    assert caught.value.__cause__ is None
    if isinstance(value, str) and len(value) > 4:
        assert value not in str(caught.value)


@pytest.mark.parametrize(
    ("value", "typed"),
    [
        ("2026-11-20T14:03:00Z", datetime(2026, 11, 20, 14, 3, tzinfo=UTC)),
        ("2026-11-20T14:03:00+02:00", datetime(2026, 11, 20, 12, 3, tzinfo=UTC)),
        (datetime(2026, 11, 20, 14, 3, tzinfo=EAST), datetime(2026, 11, 20, 12, 3, tzinfo=UTC)),
        (NAIVE, "naive_datetime"),
        ("2026-11-20T14:03:00", "naive_datetime"),
        ("2026-11-20", "wrong_type"),
        (date(2026, 11, 20), "wrong_type"),
        (1700000000000, "wrong_type"),
        (datetime.max.replace(tzinfo=timezone(timedelta(hours=-2))), "wrong_type"),
    ],
)  # fmt: skip
def test_a_time_has_a_zone(mapping: CrmMapping, value: Any, typed: Any) -> None:
    given = {"kind": "Meeting", "happened_at": value}
    if not isinstance(typed, str):
        assert mapping.coerce(_O.ACTIVITY, given)["happened_at"] == typed
        return
    with pytest.raises(BadValueError) as caught:
        mapping.coerce(_O.ACTIVITY, given)
    assert caught.value.field == "happened_at"


@pytest.mark.parametrize("value", ["true", "false", 1, 0, "1", "yes"])
def test_true_and_false_are_not_texts_or_numbers(salesforce_mapping: CrmMapping, value: Any) -> None:
    with pytest.raises(BadValueError) as caught:
        salesforce_mapping.coerce(_O.CAMPAIGN, {"active": value})
    assert (caught.value.field, caught.value.reason) == ("active", "wrong_type")


def test_choices_are_a_list_of_texts_without_a_semicolon(mappings: Mappings) -> None:
    overlay = {"objects": {"lead": {"custom": {"topics": {"from": "Topics__c", "type": "list"}}}}}
    mapping = mappings.overlaid(CrmName.SALESFORCE, overlay).crm(CrmName.SALESFORCE)
    assert mapping.coerce(_O.LEAD, {"topics": [" a ", "", "b"]}) == {"custom.topics": ("a", "b")}
    assert mapping.coerce(_O.LEAD, {"topics": ()}) == {"custom.topics": None}
    for wrong in ("a;b", ["a;b"], [1], {"a"}):
        with pytest.raises(BadValueError) as caught:
            mapping.coerce(_O.LEAD, {"topics": wrong})
        assert caught.value.field == "custom.topics"


def test_a_15_character_id_is_completed(salesforce_mapping: CrmMapping) -> None:
    assert salesforce_mapping.coerce(_O.LEAD, {"owner_id": LEAD[:15]}) == {"owner_id": LEAD}


def test_a_field_that_every_record_needs_cannot_be_cleared(salesforce_mapping: CrmMapping) -> None:
    with pytest.raises(BadValueError) as caught:
        salesforce_mapping.coerce(_O.CONTACT_ROLE, {"contact_id": None})
    assert (caught.value.field, caught.value.reason) == ("contact_id", "required")


# Names ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("crm", "of", "name", "reason"),
    [
        ("salesforce", _O.CONTACT, "lifecycle_stage", "not_mapped"),
        ("salesforce", _O.CONTACT, "company", "not_mapped"),
        ("hubspot", _O.OPPORTUNITY, "competitor", "not_mapped"),
        ("hubspot", _O.OPPORTUNITY, "campaign_id", "not_mapped"),
        ("salesforce", _O.CONTACT, "name", "read_only"),
        ("salesforce", _O.LEAD, "converted", "read_only"),
        ("salesforce", _O.OPPORTUNITY, "won", "read_only"),
        ("salesforce", _O.OPPORTUNITY, "id", "read_only"),
        ("salesforce", _O.OPPORTUNITY, "created_at", "read_only"),
        ("salesforce", _O.CAMPAIGN_MEMBER, "responded", "read_only"),
        ("salesforce", _O.STAGE, "label", "read_only"),
        ("salesforce", _O.STAGE, "of", "read_only"),
        ("hubspot", _O.CONTACT, "name", "read_only"),
        ("hubspot", _O.CONTACT, "source", "read_only"),
        ("hubspot", _O.CONTACT, "first_touch_at", "read_only"),
        ("hubspot", _O.LEAD, "source", "read_only"),
        ("hubspot", _O.LEAD, "stage_changed_at", "read_only"),
        ("hubspot", _O.OPPORTUNITY, "closed", "read_only"),
        ("hubspot", _O.CAMPAIGN, "budgeted_cost", "read_only"),
        ("hubspot", _O.CAMPAIGN_MEMBER, "contact_id", "read_only"),
        ("hubspot", _O.USER, "email", "read_only"),
        ("hubspot", _O.STAGE, "label", "read_only"),
    ],
)
def test_what_the_crm_cannot_hold_or_sets_itself_is_refused_by_name(
    mappings: Mappings, crm: str, of: ObjectType, name: str, reason: str
) -> None:
    mapping = mappings.crm(CrmName(crm))
    assert name not in mapping.writable(of)
    with pytest.raises(UnsupportedError) as caught:
        mapping.coerce(of, {name: "x"})
    assert (caught.value.field, caught.value.reason) == (name, reason)
    assert f"`{name}`" in str(caught.value)


@pytest.mark.parametrize("name", ["compny", "custom.x", "utm.sorce", "raw", "crm", "", "x" * 500, "a\ud800"])
def test_an_unknown_name_is_refused_with_those_there_are(mapping: CrmMapping, name: str) -> None:
    with pytest.raises(UnsupportedError) as caught:
        mapping.coerce(_O.LEAD, {name: "x"})
    assert caught.value.reason == "unknown_field"
    assert "Allowed: " in str(caught.value)
    str(caught.value).encode()
    if name == "compny":
        assert "did you mean `company`?" in str(caught.value)


@pytest.mark.parametrize("values", [None, 5, "name", [("name", "x")], {1: "x"}, {"custom": 1}, {"utm": "x"}])
def test_values_are_a_mapping_of_our_names(mapping: CrmMapping, values: Any) -> None:
    with pytest.raises(BadValueError) as caught:
        mapping.coerce(_O.CONTACT, values)
    assert caught.value.reason == "wrong_type"


def test_any_mapping_will_do(mapping: CrmMapping) -> None:
    assert mapping.coerce(_O.ACCOUNT, MappingProxyType({"name": "Acme"})) == {"name": "Acme"}
    assert mapping.coerce(_O.ACCOUNT, {}) == {}


def test_utm_parameters_are_given_as_one_or_apart(mappings: Mappings) -> None:
    fields = {"utm.source": "UTM_Source__c", "utm.medium": "UTM_Medium__c"}
    mapping = mappings.overlaid(CrmName.SALESFORCE, {"objects": {"lead": {"fields": fields}}}).crm(
        CrmName.SALESFORCE
    )
    assert mapping.coerce(_O.LEAD, {"utm": Utm(source="a")}) == {"utm.source": "a", "utm.medium": None}
    assert mapping.coerce(_O.LEAD, {"utm": {"source": "a"}}) == {"utm.source": "a"}
    assert mapping.coerce(_O.LEAD, {"utm.source": "a"}) == {"utm.source": "a"}
    assert mapping.coerce(_O.LEAD, {"utm": None}) == {"utm.source": None, "utm.medium": None}
    with pytest.raises(UnsupportedError) as caught:
        mapping.coerce(_O.LEAD, {"utm": Utm(source="a", term="b")})
    assert caught.value.field == "utm.term"
    assert mapping.denormalise(_O.LEAD, {"utm.source": "a"}) == {("UTM_Source__c",): "a"}


# Records -------------------------------------------------------------------------------------

SALESFORCE_CONTACT = Contact(
    crm=CrmName.SALESFORCE,
    id=CONTACT,
    created_at=datetime(2026, 1, 1, tzinfo=UTC),
    updated_at=datetime(2026, 1, 1, tzinfo=UTC),
    name="Ada L",
    first_name="Ada",
    last_name="L",
    email="ada@example.com",
    owner_id="005ak00000696HFAAY",
    account_id="001ak00000696HFAAY",
    linked_ids=(LinkedId(crm=CrmName.HUBSPOT, object=_O.CONTACT, id="5"),),
    raw={"Id": CONTACT},
)


def test_a_record_of_the_other_crm_is_copied_without_its_identity(hubspot: CrmMapping) -> None:
    assert hubspot.coerce(_O.CONTACT, SALESFORCE_CONTACT) == {
        "first_name": "Ada",
        "last_name": "L",
        "email": "ada@example.com",
    }


def test_a_record_of_the_same_crm_keeps_what_it_points_to(salesforce_mapping: CrmMapping) -> None:
    found = salesforce_mapping.coerce(_O.CONTACT, SALESFORCE_CONTACT)
    assert found["owner_id"] == "005ak00000696HFAAY"
    assert not {"id", "name", "created_at", "linked_ids"} & found.keys()


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"source": "Web"}, "source"),
        ({"source_detail": "x"}, "source_detail"),
        ({"utm": Utm(source="a")}, "utm.source"),
        ({"custom": {"score": 5}}, "custom.score"),
        ({"first_name": None, "last_name": None}, "name"),
    ],
)
def test_what_the_other_crm_cannot_hold_of_a_record_is_refused_by_name(
    hubspot: CrmMapping, change: dict[str, Any], field: str
) -> None:
    with pytest.raises(UnsupportedError) as caught:
        hubspot.coerce(_O.CONTACT, replace(SALESFORCE_CONTACT, **change))
    assert caught.value.field == field


def test_a_deal_goes_to_salesforce_without_what_salesforce_works_out(salesforce_mapping: CrmMapping) -> None:
    deal = Opportunity(
        crm=CrmName.HUBSPOT, id="1", name="Big", stage="closedwon", closed=True, won=True, contact_id="7",
        stage_changed_at=datetime(2026, 1, 1, tzinfo=UTC), amount=Money(amount=Decimal(5), currency="EUR"),
    )  # fmt: skip
    assert salesforce_mapping.coerce(_O.OPPORTUNITY, deal) == {
        "name": "Big",
        "stage": "closedwon",
        "amount": Money(amount=Decimal(5), currency="EUR"),
    }


def test_a_record_of_another_object_is_refused(mapping: CrmMapping) -> None:
    with pytest.raises(BadValueError) as caught:
        mapping.coerce(_O.LEAD, Account(crm=CrmName.HUBSPOT, id="1"))
    assert caught.value.reason == "wrong_record"


# What differs --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("held", "values", "changed"),
    [
        ({"first_name": "Ada"}, {"first_name": "Ada"}, []),
        ({"first_name": "Ada"}, {"first_name": "ada"}, ["first_name"]),
        ({"first_name": "Ada"}, {"first_name": None}, ["first_name"]),
        ({}, {"first_name": None}, []),
        ({"email": "a@example.com"}, {"email": "A@Example.com"}, []),
        ({"email": "a@example.com"}, {"email": "b@example.com", "first_name": None}, ["email"]),
        ({"utm": Utm(source="a")}, {"utm.source": "a", "utm.medium": "b"}, ["utm.medium"]),
        ({"custom": {"topics": ("a", "b")}}, {"custom.topics": ("b", "a")}, []),
        ({"custom": {"topics": ("a", "b")}}, {"custom.topics": ("b",)}, ["custom.topics"]),
        ({"custom": {}}, {"custom.topics": None}, []),
        ({"custom": {"seen": datetime(2026, 1, 1, 0, 0, 5, 0, UTC)}},
         {"custom.seen": datetime(2026, 1, 1, 0, 0, 5, 999999, UTC)}, []),
        ({"custom": {"seen": datetime(2026, 1, 1, 0, 0, 5, 0, UTC)}},
         {"custom.seen": datetime(2026, 1, 1, 0, 0, 6, 0, UTC)}, ["custom.seen"]),
        ({"custom": {"worth": Money(amount=Decimal("1.0"), currency="EUR")}},
         {"custom.worth": Money(amount=Decimal(1))}, []),
        ({"custom": {"worth": Money(amount=Decimal(1), currency="EUR")}},
         {"custom.worth": Money(amount=Decimal(1), currency="USD")}, ["custom.worth"]),
    ],
)  # fmt: skip
def test_only_what_the_crm_does_not_hold_already_counts_as_changed(
    mappings: Mappings, held: dict[str, Any], values: dict[str, Any], changed: list[str]
) -> None:
    custom = {"topics": {"from": "T__c", "type": "list"}, "seen": {"from": "S__c", "type": "datetime"},
              "worth": {"from": "W__c", "type": "money"}}  # fmt: skip
    fields = {"utm.source": "UTM_Source__c", "utm.medium": "UTM_Medium__c"}
    overlay = {"objects": {"lead": {"fields": fields, "custom": custom}}}
    mapping = mappings.overlaid(CrmName.SALESFORCE, overlay).crm(CrmName.SALESFORCE)
    record = Lead(crm=CrmName.SALESFORCE, id=LEAD, **held)
    assert list(mapping.changed(record, values)) == changed


@pytest.mark.parametrize(("later", "changed"), [(5999, []), (6000, ["happened_at"])])
def test_hubspot_keeps_times_to_the_millisecond(mappings: Mappings, later: int, changed: list[str]) -> None:
    mapping, seen = mappings.crm(CrmName.HUBSPOT), datetime(2026, 1, 1, 0, 0, 0, 5000, UTC)
    record = Activity(crm=CrmName.HUBSPOT, id="1", happened_at=seen)
    assert list(mapping.changed(record, {"happened_at": seen.replace(microsecond=later)})) == changed


# Where it goes -------------------------------------------------------------------------------


def test_money_names_its_currency_where_the_crm_has_a_field_for_it(
    salesforce_mapping: CrmMapping, hubspot: CrmMapping
) -> None:
    euros = Money(amount=Decimal("9.90"), currency="EUR")
    assert salesforce_mapping.denormalise(_O.OPPORTUNITY, {"amount": euros}) == {
        ("Amount",): Decimal("9.90"),
        ("CurrencyIsoCode",): "EUR",
    }
    assert hubspot.denormalise(_O.OPPORTUNITY, {"amount": euros}) == {
        ("properties", "amount"): "9.90",
        ("properties", "deal_currency_code"): "EUR",
    }


def test_money_without_a_place_for_its_currency_is_in_the_organisations_own(hubspot: CrmMapping) -> None:
    euros = {"annual_revenue": Money(amount=Decimal(9), currency="EUR")}
    expected = {("properties", "annualrevenue"): "9"}
    assert hubspot.denormalise(_O.ACCOUNT, euros, currency="EUR") == expected
    assert hubspot.denormalise(_O.ACCOUNT, {"annual_revenue": Money(amount=Decimal(9))}) == expected
    assert hubspot.denormalise(_O.ACCOUNT, euros) == expected  # which one it is, the adapter has to ask
    with pytest.raises(UnsupportedError) as caught:
        hubspot.denormalise(_O.ACCOUNT, euros, currency="USD")
    assert (caught.value.field, caught.value.reason) == ("annual_revenue", "no_currency")


def test_two_amounts_of_a_record_have_one_currency(salesforce_mapping: CrmMapping) -> None:
    with pytest.raises(BadValueError) as caught:
        salesforce_mapping.denormalise(
            _O.CAMPAIGN,
            {
                "budgeted_cost": Money(amount=Decimal(1), currency="EUR"),
                "actual_cost": Money(amount=Decimal(1), currency="USD"),
            },
        )
    assert (caught.value.field, caught.value.reason) == ("actual_cost", "same_place")


def test_a_label_is_written_as_one_and_an_association_as_an_id(hubspot: CrmMapping) -> None:
    written = hubspot.denormalise(_O.LEAD, {"reason": "Bad Timing", "contact_id": "7", "account_id": None})
    assert written == {
        ("labels", "hs_lead_disqualification_reason"): "Bad Timing",
        ("associations", "contacts", "results", 0, "id"): "7",
        ("associations", "companies", "results", 0, "id"): "",
    }


def test_the_lookup_of_an_activity_holds_a_lead_or_a_contact(salesforce_mapping: CrmMapping) -> None:
    write = salesforce_mapping.denormalise
    assert write(_O.ACTIVITY, {"lead_id": LEAD}) == {("WhoId",): LEAD}
    assert write(_O.ACTIVITY, {"lead_id": None, "contact_id": CONTACT}) == {("WhoId",): CONTACT}
    assert write(_O.ACTIVITY, {"contact_id": CONTACT, "lead_id": None}) == {("WhoId",): CONTACT}
    assert write(_O.ACTIVITY, {"contact_id": None, "lead_id": None}) == {("WhoId",): None}
    with pytest.raises(BadValueError) as caught:
        write(_O.ACTIVITY, {"lead_id": LEAD, "contact_id": CONTACT})
    assert (caught.value.field, caught.value.reason) == ("contact_id", "same_place")
    with pytest.raises(BadValueError) as caught:
        salesforce_mapping.coerce(_O.ACTIVITY, {"lead_id": CONTACT})
    assert (caught.value.field, caught.value.reason) == ("lead_id", "wrong_prefix")


@pytest.mark.parametrize(
    ("crm", "values", "source"),
    [
        ("salesforce", {"kind": "Call", "subject": "x"}, "Task"),
        ("salesforce", {"kind": "Task"}, "Task"),
        ("salesforce", {"kind": "Event"}, "Event"),
        ("salesforce", {"kind": "Meeting", "subject": "x"}, "Event"),
        ("salesforce", {"subject": "x"}, "Task"),
        ("salesforce", {"happened_at": "t"}, "Event"),
        ("hubspot", {"kind": "Call"}, "calls"),
        ("hubspot", {"kind": "Email"}, "emails"),
        ("hubspot", {"kind": "Meeting"}, "meetings"),
        ("hubspot", {"kind": "Event"}, "meetings"),
        ("hubspot", {"kind": "Note"}, "notes"),
        ("hubspot", {"kind": "Task"}, "tasks"),
        ("hubspot", {"kind": "CALL"}, "tasks"),
        ("hubspot", {"subject": "x"}, "tasks"),
        ("hubspot", {"due_on": "d", "result": None}, "tasks"),
        ("hubspot", {"kind": "Fax"}, "tasks"),
        ("hubspot", {"subject": "x", "happened_at": "t"}, "kind"),
        ("hubspot", {"kind": "Call", "due_on": "d"}, "due_on"),
        ("salesforce", {"kind": "Event", "due_on": "d"}, "due_on"),
        ("salesforce", {"due_on": "d", "happened_at": "t"}, "happened_at"),
    ],
)
def test_the_kind_says_which_object_a_new_activity_becomes(
    mappings: Mappings, crm: str, values: dict[str, Any], source: str
) -> None:
    mapping = mappings.crm(CrmName(crm))
    if source in mapping.sources(_O.ACTIVITY):
        assert mapping.source_for(_O.ACTIVITY, values) == source
        return
    with pytest.raises(BadValueError if source == "kind" else UnsupportedError) as caught:
        mapping.source_for(_O.ACTIVITY, values)
    refused: Any = caught.value
    assert refused.field in {source, "due_on"}


def test_a_kind_that_names_the_object_is_not_written_again(hubspot: CrmMapping) -> None:
    assert hubspot.denormalise(_O.ACTIVITY, {"kind": "Event", "subject": "x"}) == {
        ("properties", "hs_meeting_title"): "x"
    }
    assert hubspot.denormalise(_O.ACTIVITY, {"kind": "Task"}) == {("properties", "hs_task_type"): "TODO"}
    with pytest.raises(UnsupportedError) as caught:
        hubspot.denormalise(_O.ACTIVITY, {"kind": "Call"}, "meetings")
    assert (caught.value.field, caught.value.reason) == ("kind", "read_only")


@pytest.mark.parametrize(
    ("crm", "of", "names"),
    [
        ("salesforce", _O.OPPORTUNITY, {"contact_id"}),
        ("salesforce", _O.CAMPAIGN_MEMBER, {"campaign_id", "lead_id", "contact_id"}),
        ("salesforce", _O.CONTACT_ROLE, {"opportunity_id"}),
        ("salesforce", _O.ACTIVITY, {"kind"}),
        ("salesforce", _O.LEAD, set()),
        ("hubspot", _O.CONTACT_ROLE, {"opportunity_id", "contact_id"}),
    ],
)
def test_what_is_written_only_when_a_record_is_created(
    mappings: Mappings, crm: str, of: ObjectType, names: set[str]
) -> None:
    mapping = mappings.crm(CrmName(crm))
    assert mapping.create_only(of) == names
    assert names <= mapping.writable(of).keys()


def test_salesforces_recorded_describes_agree_with_the_mapping(
    salesforce_mapping: CrmMapping, described: Callable[[str], dict[str, dict[str, Any]]]
) -> None:
    for of in (_O.ACCOUNT, _O.CONTACT, _O.LEAD, _O.OPPORTUNITY, _O.CONTACT_ROLE):
        fields = described(salesforce_mapping.source(of))
        for name, (field,) in salesforce_mapping.writable(of).items():
            if field in fields:  # custom fields are an org's own
                said = fields[str(field)]
                assert said["createable"], field
                assert said["updateable"] is (name not in salesforce_mapping.create_only(of)), field


@pytest.fixture
def described(corpus: Any) -> Callable[[str], dict[str, dict[str, Any]]]:
    def read(name: str) -> dict[str, dict[str, Any]]:
        told = json.loads((corpus / "salesforce" / "describe" / f"{name}.json").read_text(encoding="utf-8"))
        return {field["name"]: field for field in told["fields"]}

    return read


def test_a_word_of_which_the_crm_has_several_or_none_is_refused(mappings: Mappings) -> None:
    table = {"from": "X__c", "values": {"Hot": "A", "Warm": "A", "Z": "B"}}
    mapping = mappings.overlaid(
        CrmName.SALESFORCE,
        {
            "objects": {
                "lead": {
                    "custom": {"ours": table, "flag": {"from": "F__c", "type": "bool", "values": {"Y": True}}}
                }
            }
        },
    ).crm(CrmName.SALESFORCE)
    assert mapping.denormalise(_O.LEAD, {"custom.ours": "B"}) == {("X__c",): "Z"}
    with pytest.raises(UnsupportedError) as caught:
        mapping.denormalise(_O.LEAD, {"custom.ours": "A"})
    assert (caught.value.field, caught.value.reason) == ("custom.ours", "several_words")
    for name, value in (("custom.ours", "hot"), ("custom.flag", False)):
        with pytest.raises(BadValueError) as refused:
            mapping.denormalise(_O.LEAD, {name: value})
        assert (refused.value.field, refused.value.reason) == (name, "unknown_value")


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ("{from: X__c, read_only: yes}", "expected true or false"),
        (
            "{from: X__c, read_only: true, create_only: true}",
            "`create_only` has no meaning beside `read_only`",
        ),
        ("{from: X__c, read_only: true, to: X__c}", "`to` has no meaning beside `read_only`"),
        ("{always: x, to: X__c}", "`to` goes with `from`"),
        ("{from: X__c, also: y}", "`also` goes with `always`"),
        ("{from: X__c, writes: {a: b}}", "`writes` goes with `values`"),
        ("{from: X__c, values: {a: b}, writes: {b: c}}", "`c` would be read back as something else"),
        ("{from: X__c, to: 'a b'}", "`a b` is not a path"),
        ("{from: X__c, readonly: true}", "did you mean `read_only`?"),
    ],
)
def test_what_contradicts_itself_in_the_file_is_refused_with_its_line(
    refusal: Callable[[str, str], MappingError], entry: str, said: str
) -> None:
    head = "version: 1\ncrm: salesforce\nobjects:\n  lead:\n    source: Lead\n    fields:\n      id: Id\n"
    error = refusal("salesforce.yaml", f"{head}    custom:\n      ours: {entry}\n")
    assert said in str(error)
    assert (error.file, error.line) == ("salesforce.yaml", 9)
