"""What is written is read back: the two directions of the mapping belong together."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import StrEnum
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from closedloop.mapping import CrmMapping, Mappings, load_mappings
from closedloop.mapping.given import held_by
from closedloop.mapping.inverse import Writer
from closedloop.mapping.path import PayloadPath
from closedloop.schema.records import Money
from closedloop.schema.vocabulary import CrmName, ObjectType

SALESFORCE_ID = "00300000000000AAAA"
GUID = "430318c4-abb7-4bf7-a75e-9c5fa8f475a6"

SHIPPED = load_mappings()
SOURCES = [
    pytest.param(crm, of, source, id=f"{crm}-{of}-{source}")
    for crm in CrmName
    for of in ObjectType
    for source in SHIPPED.crm(crm).sources(of)
    if SHIPPED.crm(crm).writable(of, source)
]

# What reading does not give back as it was given, and why it cannot.
LOSSY: Mapping[tuple[CrmName, ObjectType, str], str] = {
    (CrmName.HUBSPOT, ObjectType.ACCOUNT, "annual_revenue"): "the portal's own currency is not named",
}

FIRST, LAST = datetime(1970, 1, 2), datetime(2200, 1, 1)  # noqa: DTZ001 - hypothesis adds the zone

_TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=40)
_DECIMALS = st.decimals(-(10**12), 10**12, places=2)
_VALUES: Mapping[type, st.SearchStrategy[Any]] = {
    bool: st.booleans(),
    int: st.integers(-(10**12), 10**12),
    Decimal: _DECIMALS,
    date: st.dates(date(1900, 1, 1), date(2200, 1, 1)),
    datetime: st.datetimes(FIRST, LAST, timezones=st.just(UTC)).map(
        lambda value: value.replace(microsecond=value.microsecond // 1000 * 1000)
    ),
    tuple: st.lists(_TEXTS.filter(lambda text: ";" not in text), max_size=3).map(tuple),
}


def ids(crm: CrmName, writer: Writer) -> st.SearchStrategy[str]:
    if crm is CrmName.HUBSPOT:
        return st.integers(1, 10**15).map(str)
    prefix = writer.spec.starts_with or "003"
    return st.text("ABCabc019", min_size=12, max_size=12).map(lambda rest: prefix + rest)


def values_for(crm: CrmName, writer: Writer, currency: str | None) -> st.SearchStrategy[Any]:
    if writer.slot.type is str:
        texts = {
            "id": ids(crm, writer),
            "email": st.sampled_from(["a@example.com", "Ada.L@example.org"]),
            "guid": st.just(GUID),
        }
        return texts.get(writer.spec.type, _TEXTS)
    if issubclass(writer.slot.type, StrEnum):
        return st.sampled_from(list(writer.slot.type))
    if writer.slot.type is Money:
        return st.builds(Money, amount=_DECIMALS, currency=st.just(currency))
    return _VALUES[writer.slot.type]


def build(places: Iterable[tuple[PayloadPath, Any]]) -> dict[str, Any]:
    """A payload that holds each value at its path."""
    payload: dict[str, Any] = {}
    for path, value in places:
        at: Any = payload
        for step, after in pairwise(path):
            if isinstance(step, int):
                at.extend({} for _ in range(step + 1 - len(at)))
                at = at[step]
            else:
                at = at.setdefault(step, [] if isinstance(after, int) else {})
        at[path[-1]] = value
    return payload


def identity(crm: CrmName, source: str, of: ObjectType) -> dict[str, Any]:
    """What a payload of the source holds whatever is written."""
    if crm is CrmName.HUBSPOT:
        rows = {"deal_contacts": {"dealId": "1", "contactId": "2"}}
        return rows.get(source) or {"id": GUID if of is ObjectType.CAMPAIGN else "1"}
    needed = {"CampaignMember": ("CampaignId",), "OpportunityContactRole": ("OpportunityId", "ContactId")}
    named = dict.fromkeys(needed.get(source, ()), SALESFORCE_ID)
    return {"attributes": {"type": source, "url": f"/services/data/v62.0/sobjects/{source}/x"}, **named}


PREFIXES = {
    "Account": "001", "Contact": "003", "Lead": "00Q", "Opportunity": "006", "Campaign": "701", "User": "005",
    "CampaignMember": "00v", "OpportunityContactRole": "00K", "Task": "00T", "Event": "00U",
}  # fmt: skip


def read_back(
    mapping: CrmMapping, of: ObjectType, source: str, written: Mapping[PayloadPath, Any]
) -> Callable[[str], Any]:
    payload = {**identity(mapping.crm, source, of)}
    if mapping.crm is CrmName.SALESFORCE:
        payload["Id"] = PREFIXES[source] + "000000000000"
    for name, value in build(written.items()).items():
        payload[name] = {**payload.get(name, {}), **value} if isinstance(value, dict) else value
    when = mapping.specification(of, source).when
    if when is not None:  # what tells the payloads of this source from the others'
        payload["properties"] = {str(when[1]): "x", **payload.get("properties", {})}
    record = mapping.normalise(of, payload)
    return lambda name: held_by(record, name)


@pytest.mark.parametrize(("crm", "of", "source"), SOURCES)
@settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_every_writable_field_is_read_back_as_it_was_written(
    crm: CrmName, of: ObjectType, source: str, data: st.DataObject
) -> None:
    mapping = SHIPPED.crm(crm)
    writers = {name: writer for name, writer in mapping.writers(of, source).items() if writer.path}
    names = data.draw(st.lists(st.sampled_from(sorted(writers)), unique_by=lambda name: writers[name].path))
    currency = data.draw(st.sampled_from([None, "EUR"]))  # a record has one for all its amounts
    given_values = {name: data.draw(values_for(crm, writers[name], currency), label=name) for name in names}
    values = mapping.coerce(of, given_values)
    assert list(values) == names
    found = read_back(mapping, of, source, mapping.denormalise(of, values, source, currency="EUR"))
    for name, value in values.items():
        if (crm, of, name) in LOSSY:
            assert found(name) == Money(amount=value.amount), LOSSY[crm, of, name]
        elif value is not None or not writers[name].slot.required:
            assert found(name) == value, name


@pytest.mark.parametrize(("crm", "of", "source"), SOURCES)
def test_a_cleared_field_is_read_back_as_nothing(crm: CrmName, of: ObjectType, source: str) -> None:
    mapping = SHIPPED.crm(crm)
    writers = mapping.writers(of, source)
    for name in mapping.writable(of, source):
        if writers[name].slot.required or (source, name) == ("calls", "subject"):
            continue
        values = mapping.coerce(of, {name: None})
        written = mapping.denormalise(of, values, source)
        assert set(written.values()) == {"" if crm is CrmName.HUBSPOT else None}
        assert read_back(mapping, of, source, written)(name) == writers[name].slot.default


@pytest.mark.parametrize(("crm", "of", "source"), SOURCES)
def test_what_is_written_is_what_the_crms_api_takes(crm: CrmName, of: ObjectType, source: str) -> None:
    """HubSpot's properties are texts, all of them; Salesforce takes JSON values and exact numbers."""
    mapping = SHIPPED.crm(crm)
    allowed = (str,) if crm is CrmName.HUBSPOT else (str, bool, int, Decimal)
    for name in mapping.writable(of, source):
        typed = mapping.coerce(of, {name: sample(crm, mapping.writers(of, source)[name])})
        written = mapping.denormalise(of, typed, source)
        assert [value for value in written.values() if type(value) not in allowed] == []


def sample(crm: CrmName, writer: Writer) -> Any:
    if writer.spec.type == "id":
        return f"{writer.spec.starts_with or '003'}000000000000" if crm is CrmName.SALESFORCE else "7"
    return "a@example.com" if writer.spec.type == "email" else _SAMPLES.get(writer.slot.type, "text")


_SAMPLES: Mapping[type, Any] = {
    bool: True,
    int: 7,
    Decimal: Decimal("1.50"),
    date: date(2026, 11, 20),
    datetime: datetime(2026, 11, 20, 14, 3, tzinfo=UTC),
    Money: Money(amount=Decimal("12.50")),
    tuple: ("a", "b"),
}

TIME = datetime(2026, 11, 20, 1, 2, 3, 4567, UTC)
WORDS: Mapping[str, Any] = {
    "type": "bool",
    "values": {"Y": True},
    "otherwise": False,
    "writes": {"false": "N"},
}


@pytest.mark.parametrize(
    ("form", "value", "salesforce", "hubspot"),
    [
        ({}, "text", "text", "text"),
        ({"type": "bool"}, True, True, "true"),
        ({"type": "bool"}, False, False, "false"),
        ({"type": "int"}, 12, 12, "12"),
        ({"type": "decimal"}, Decimal("1E+3"), Decimal(1000), "1000"),
        ({"type": "money"}, Money(amount=Decimal("9.90")), Decimal("9.90"), "9.90"),
        ({"type": "date"}, date(2026, 11, 20), "2026-11-20", "2026-11-20"),
        ({"type": "datetime"}, TIME, "2026-11-20T01:02:03.004Z", "2026-11-20T01:02:03.004Z"),
        ({"type": "list"}, ("a", "b c"), "a;b c", "a;b c"),
        ({"values": {"Hot": "A", "Cold": "B"}}, "B", "Cold", "Cold"),
        ({"values": {"Hot": "A", "Cold": "B"}}, "else", "else", "else"),
        ({"values": {"Hot": "A", "Warm": "A"}, "writes": {"A": "Warm"}}, "A", "Warm", "Warm"),
        (WORDS, False, "N", "N"),
        (WORDS, True, "Y", "Y"),
    ],
)
def test_a_custom_field_of_any_type_is_written_and_read_back(
    mappings: Mappings, form: dict[str, Any], value: Any, salesforce: Any, hubspot: str
) -> None:
    of = ObjectType.ACCOUNT
    kept = value.replace(microsecond=4000) if isinstance(value, datetime) else value
    for crm, place, sent in (("salesforce", "X__c", salesforce), ("hubspot", "properties.x", hubspot)):
        overlay = {"objects": {of: {"custom": {"ours": {"from": place, **form}}}}}
        mapping = mappings.overlaid(CrmName(crm), overlay).crm(CrmName(crm))
        for given_values in ({"ours": value}, {"custom": {"ours": value}}, {"custom.ours": value}):
            typed = mapping.coerce(of, given_values)
            assert list(typed) == ["custom.ours"]
            written = mapping.denormalise(of, typed)
            assert written == {tuple(place.split(".")): sent}
            assert [type(each) for each in written.values()] == [type(sent)]
        assert read_back(mapping, of, mapping.source(of), written)("custom.ours") == kept
