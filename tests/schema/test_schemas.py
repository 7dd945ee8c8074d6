"""Records, dispositions and feedback survive JSON exactly; what is not one is refused."""

from __future__ import annotations

import dataclasses
import json
import types
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from enum import StrEnum
from typing import Any, get_args, get_origin, get_type_hints

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from closedloop.errors import NormaliseError
from closedloop.loop.dispositions import Decision
from closedloop.loop.feedback import CampaignFeedback, PersonFeedback, ReasonFeedback, ReasonTotal
from closedloop.schema.records import RECORDS, Lead, Money, Record, Ref
from closedloop.schema.schemas import (
    SCHEMAS,
    Disposition,
    dump,
    dump_disposition,
    dump_feedback,
    load,
    load_disposition,
    load_feedback,
)
from closedloop.schema.vocabulary import AttributionModel, CrmName, ObjectType, Outcome, ReasonCode

TEXTS = st.text(min_size=1, max_size=12)
DECIMALS = st.decimals(allow_nan=False, allow_infinity=False, places=6, min_value=-(10**12), max_value=10**12)
TIMES = st.datetimes(
    min_value=datetime(1900, 1, 1),  # noqa: DTZ001 - hypothesis wants naive bounds and adds the zone
    max_value=datetime(2100, 1, 1),  # noqa: DTZ001
    timezones=st.sampled_from([UTC, timezone(timedelta(hours=5, minutes=30))]),
)
MONEY = st.builds(Money, amount=DECIMALS, currency=st.none() | st.sampled_from(["EUR", "USD"]))
CUSTOM = (
    st.none()
    | st.booleans()
    | st.integers()
    | TEXTS
    | DECIMALS
    | TIMES
    | st.dates()
    | MONEY
    | st.tuples(TEXTS)
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
PLAIN: Mapping[Any, st.SearchStrategy[Any]] = {
    str: TEXTS,
    bool: st.booleans(),
    int: st.integers(),
    Decimal: DECIMALS,
    date: st.dates(),
    datetime: TIMES,
}


def values(hint: Any) -> st.SearchStrategy[Any]:
    """Any value that a field of this type may hold."""
    inner = get_args(hint)
    if isinstance(hint, types.UnionType):
        return st.one_of([st.none() if arg is types.NoneType else values(arg) for arg in inner])
    if get_origin(hint) is tuple:
        return st.lists(values(inner[0]), max_size=3).map(tuple)
    if inner:
        return st.dictionaries(values(inner[0]), values(inner[1]), max_size=4)
    if hint in PLAIN:
        return PLAIN[hint]
    return st.sampled_from(hint) if issubclass(hint, StrEnum) else instances(hint)


def instances(value_type: type[Any]) -> st.SearchStrategy[Any]:
    """Any instance of a dataclass of ours."""
    hints = get_type_hints(value_type)
    open_parts = {
        "custom": st.dictionaries(TEXTS, CUSTOM, max_size=3),
        "raw": st.dictionaries(TEXTS, JSON, max_size=3),
    }
    names = [field.name for field in dataclasses.fields(value_type)]
    fields = {name: open_parts[name] if name in open_parts else values(hints[name]) for name in names}
    return st.builds(value_type, **fields)


def through_json(data: dict[str, Any]) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(json.dumps(data, allow_nan=False))
    return loaded


@pytest.mark.parametrize("object_type", ObjectType)
def test_every_record_survives_json(object_type: ObjectType) -> None:
    @given(instances(RECORDS[object_type]))
    @settings(max_examples=40)
    def survives(record: Record) -> None:
        again = load(object_type, through_json(dump(record)))
        assert again == record
        assert again.raw == record.raw
        assert hash(again.ref) == hash(record.ref)

    survives()


@given(st.one_of(instances(PersonFeedback), instances(CampaignFeedback), instances(ReasonFeedback)))
@settings(max_examples=100)
def test_every_feedback_survives_json(value: Any) -> None:
    again = load_feedback(through_json(dump_feedback(value)))
    assert again == value
    assert type(again) is type(value)
    assert again.key == value.key


@given(
    st.builds(
        Disposition,
        subject=instances(Ref),
        decision=instances(Decision),
        entry=st.integers(),
        learned_at=st.none() | TIMES,
    )
)
def test_every_disposition_survives_json(disposition: Disposition) -> None:
    assert load_disposition(through_json(dump_disposition(disposition))) == disposition


@pytest.mark.parametrize("object_type", ObjectType)
def test_a_schema_has_every_field_of_its_record_and_no_other(object_type: ObjectType) -> None:
    assert set(SCHEMAS[object_type].fields) == {
        field.name for field in dataclasses.fields(RECORDS[object_type])
    }


def lead(**fields: Any) -> dict[str, Any]:
    return {"crm": "salesforce", "id": "1", **fields}


@pytest.mark.parametrize(
    ("data", "field", "said"),
    [
        (lead(emial="x"), "emial", "Unknown field"),
        (lead(created_at="2026-11-20T14:03:00"), "created_at", "naive"),
        (lead(created_at="tomorrow"), "created_at", "ISO 8601"),
        (lead(created_at=5), "created_at", "ISO 8601"),
        (lead(created_at="0001-01-01T00:00:00+14:00"), "created_at", "ISO 8601"),
        (lead(converted_on="20.11.2026"), "converted_on", "2026-11-20"),
        (lead(converted="true"), "converted", "boolean"),
        (lead(converted=1), "converted", "boolean"),
        (lead(deleted=None), "deleted", "null"),
        (lead(email=5), "email", "string"),
        (lead(linked_ids=[{"crm": "sap", "object": "lead", "id": "1"}]), "linked_ids.0.crm", "salesforce"),
        (lead(linked_ids="x"), "linked_ids", "list"),
        (lead(custom={"a": {"decimal": "x"}}), "custom", "not a decimal"),
        (lead(custom={"a": {"b": 1, "c": 2}}), "custom", "expected a plain value"),
        (lead(custom={"a": {"datetime": "2026-11-20T14:03:00"}}), "custom", "not a datetime"),
        (lead(custom=[]), "custom", "expected an object"),
        (lead(raw="text"), "raw", "as an object"),
        ({"crm": "salesforce"}, "id", "required"),
        ({"id": "1"}, "crm", "required"),
        (lead(id=""), "", "needs the id"),
        (lead(object="contact"), "object", "does not say lead"),
        ([], "", "expected an object"),
        (None, "", "expected an object"),
    ],
)
def test_what_is_no_lead_is_refused_by_field(data: Any, field: str, said: str) -> None:
    with pytest.raises(NormaliseError) as caught:
        load(ObjectType.LEAD, data)
    assert caught.value.field == field
    assert said in caught.value.message


@pytest.mark.parametrize(
    ("amount", "accepted"),
    [
        ("1.50", True),
        ("-0", True),
        (1.5, False),
        (2, False),
        ("NaN", False),
        ("Infinity", False),
        ("a", False),
        (True, False),
    ],
)
def test_an_amount_is_text_so_that_it_stays_exact(amount: Any, accepted: bool) -> None:
    data = {"crm": "hubspot", "id": "1", "amount": {"amount": amount, "currency": "EUR"}}
    if accepted:
        assert load(ObjectType.OPPORTUNITY, data).id == "1"
        return
    with pytest.raises(NormaliseError):
        load(ObjectType.OPPORTUNITY, data)


@pytest.mark.parametrize(
    "data", [{}, {"kind": "dog"}, {"kind": None}, {"kind": ["person"]}, {"kind": "person"}]
)
def test_what_is_no_feedback_is_refused(data: dict[str, Any]) -> None:
    with pytest.raises(NormaliseError):
        load_feedback(data)


def test_a_dump_says_what_it_is() -> None:
    assert dump(Lead(crm=CrmName.HUBSPOT, id="1"))["object"] == "lead"
    total = ReasonTotal(
        outcome=Outcome.LOST, reason=ReasonCode.PRICE, credit=Decimal("0.333333"), decisions=1
    )
    dumped = dump_feedback(ReasonFeedback(campaign_id="c", model=AttributionModel.FIRST, total=total))
    assert (dumped["kind"], dumped["total"]["credit"]) == ("reason", "0.333333")


def test_a_custom_value_that_json_cannot_hold_is_refused() -> None:
    with pytest.raises(NormaliseError):
        dump(Lead(crm=CrmName.HUBSPOT, id="1", custom={"a": object()}))


def test_a_raw_payload_keeps_its_digits() -> None:
    record = Lead(
        crm=CrmName.HUBSPOT, id="1", raw={"a": Decimal("1.10"), "b": [float("nan"), {"c": (1, None)}]}
    )
    assert through_json(dump(record))["raw"] == {"a": "1.10", "b": ["nan", {"c": [1, None]}]}
