"""The plain way to payloads gives what their forms describe."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from marshmallow import Schema, fields

from closedloop_server.subscriptions.event_types import EventType
from closedloop_server.subscriptions.payloads import DATA, Envelope, Exact, Instant, data_of, envelope

AT = datetime(2026, 9, 1, 12, 30, tzinfo=timezone(timedelta(hours=2)))
TIMES = st.datetimes(min_value=datetime(1990, 1, 1), max_value=datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - with a zone of its own


def values(field: fields.Field[Any]) -> st.SearchStrategy[Any]:
    """Whatever a program may say in this field."""
    some: st.SearchStrategy[Any]
    match field:
        case Exact():
            some = st.decimals(allow_nan=False, allow_infinity=False)
        case Instant():
            some = TIMES
        case fields.Enum():
            some = st.sampled_from(list(field.enum.__members__.values()))
        case fields.List():
            some = st.lists(values(field.inner), max_size=2).map(tuple)
        case fields.Nested():
            some = whole(field.schema)
        case fields.Integer():
            some = st.integers()
        case _:
            some = st.text()
    return st.none() | some if field.allow_none else some


def whole(form: Schema) -> st.SearchStrategy[dict[str, Any]]:
    """Whatever a program may say in every field of the form."""
    return st.fixed_dictionaries({name: values(field) for name, field in form.fields.items()})


@settings(max_examples=20)
@given(data=st.data(), at=TIMES)
@pytest.mark.parametrize("type_", list(EventType), ids=lambda type_: type_.value)
def test_a_payload_is_what_its_form_makes_of_it(type_: EventType, data: st.DataObject, at: datetime) -> None:
    told = data.draw(whole(DATA[type_]))
    made = envelope(id="evt_1", type_=type_, at=at, data=data_of(type_, **told))
    dumped = Envelope().dump(
        {"id": "evt_1", "type": type_, "version": 1, "timestamp": at, "data": DATA[type_].dump(told)}
    )
    assert json.dumps(made, sort_keys=True) == json.dumps(dumped, sort_keys=True)


def test_numbers_are_exact_and_times_are_in_utc() -> None:
    made = data_of(EventType.DELIVERY_FAILING, connection="sales", crm=None, since=AT, reason="x", waiting=3)
    assert made["since"] == "2026-09-01T10:30:00Z"
    amount = {"amount": Decimal("1E+3"), "currency": None}
    told = dict.fromkeys(DATA[EventType.LEAD_ACCEPTED].fields) | {"amount": amount}
    assert data_of(EventType.LEAD_ACCEPTED, **told)["amount"] == {"amount": "1000", "currency": None}


def test_a_field_that_its_form_does_not_have_is_refused() -> None:
    with pytest.raises(ValueError, match="other fields than its form"):
        data_of(EventType.SUBSCRIPTION_TEST, subscription="1", name="x", secret="y")
    with pytest.raises(ValueError, match="other fields than its form"):
        data_of(EventType.SUBSCRIPTION_TEST, subscription="1")
