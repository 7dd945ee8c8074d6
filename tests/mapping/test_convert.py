"""What CRMs send, and what becomes of it: dates, numbers, booleans, money, text, ids."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from closedloop.mapping import convert, ids
from closedloop.mapping.convert import FaultError
from closedloop.schema.records import Money

AN_HOUR = datetime(2011, 7, 7, 0, 37, tzinfo=UTC)
MIDNIGHT = datetime(2011, 7, 7, tzinfo=UTC)


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        ("2011-07-07T00:37:00.000+0000", AN_HOUR),
        ("2011-07-07T00:37:00.000Z", AN_HOUR),
        ("2011-07-07T00:37:00Z", AN_HOUR),
        ("2011-07-07T00:37Z", AN_HOUR),
        ("2011-07-07T02:37:00.000+02:00", AN_HOUR),
        ("2011-07-06T16:37:00-0800", AN_HOUR),
        (" 2011-07-07 00:37:00+00:00 ", AN_HOUR),
        (1309999020000, AN_HOUR),
        ("1309999020000", AN_HOUR),
        (1309999020000.0, AN_HOUR),
        (Decimal(1309999020000), AN_HOUR),
        ("2011-07-07", MIDNIGHT),
        ("2011-07-07T00:00:00Z", MIDNIGHT),
        ("1309996800000", MIDNIGHT),
        (-1000, datetime(1969, 12, 31, 23, 59, 59, tzinfo=UTC)),
        (AN_HOUR, AN_HOUR),
        ("", None),
        ("  ", None),
        (None, None),
    ],
)
def test_times_come_in_many_forms_and_leave_in_utc(sent: Any, expected: datetime | None) -> None:
    found = convert.to_datetime(sent)
    assert found == expected
    assert found is None or found.tzinfo is UTC


@pytest.mark.parametrize(
    ("sent", "reason"),
    [
        ("2011-07-07T00:37:00", "naive_datetime"),
        (datetime(2011, 7, 7), "naive_datetime"),  # noqa: DTZ001 - the point of the case
        ("2011-13-07T00:37:00Z", "bad_datetime"),
        ("2011-02-30", "bad_datetime"),
        ("yesterday", "bad_datetime"),
        ("07/07/2011", "bad_datetime"),
        ("0001-01-01T00:00:00+14:00", "bad_datetime"),
        ("9" * 15, "bad_datetime"),
        ("9" * 16, "bad_datetime"),
        ("٢٠١١-٠٧-٠٧", "bad_datetime"),
        (True, "wrong_type"),
        ({}, "wrong_type"),
        ([], "wrong_type"),
        (float("nan"), "bad_number"),
        (10**500, "number_out_of_range"),
    ],
)
def test_what_is_no_time_is_refused(sent: Any, reason: str) -> None:
    with pytest.raises(FaultError) as caught:
        convert.to_datetime(sent)
    assert caught.value.reason == reason


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        ("2011-07-07", date(2011, 7, 7)),
        ("2011-07-07T00:00:00.000Z", date(2011, 7, 7)),
        ("2011-07-07T23:59:00Z", date(2011, 7, 7)),
        ("1309996800000", date(2011, 7, 7)),
        (1309996800000, date(2011, 7, 7)),
        (date(2011, 7, 7), date(2011, 7, 7)),
        (AN_HOUR, date(2011, 7, 7)),
        ("", None),
        (None, None),
    ],
)
def test_days_come_in_many_forms(sent: Any, expected: date | None) -> None:
    assert convert.to_date(sent) == expected


def test_a_day_that_does_not_exist_is_refused() -> None:
    with pytest.raises(FaultError) as caught:
        convert.to_date("2011-02-30")
    assert caught.value.reason == "bad_date"


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        ("1", Decimal(1)),
        ("1.0", Decimal("1.0")),
        ("0", Decimal(0)),
        (" -12.50 ", Decimal("-12.50")),
        ("+3", Decimal(3)),
        (".5", Decimal("0.5")),
        (0.1, Decimal("0.1")),
        (50000.0, Decimal("50000.0")),
        (7, Decimal(7)),
        (Decimal("1234567890123456.78"), Decimal("1234567890123456.78")),
        ("1e3", Decimal(1000)),
        (1e22, Decimal(10**22)),
        ("", None),
        (None, None),
    ],
)
def test_numbers_stay_exact(sent: Any, expected: Decimal | None) -> None:
    found = convert.to_decimal(sent)
    assert found == expected
    assert "E" not in str(found)


@pytest.mark.parametrize(
    ("sent", "reason"),
    [
        ("NaN", "bad_number"),
        ("Infinity", "bad_number"),
        (float("inf"), "bad_number"),
        (Decimal("NaN"), "bad_number"),
        ("1e400", "number_out_of_range"),
        ("1e-400", "number_out_of_range"),
        ("9" * 400, "number_out_of_range"),
        (Decimal("1e30"), "number_out_of_range"),  # written out it could not be read again
        (10**500, "number_out_of_range"),
        ("1_000", "bad_number"),
        ("1,000.00", "bad_number"),
        ("١٢", "bad_number"),
        ("twelve", "bad_number"),
        (True, "wrong_type"),
        ([1], "wrong_type"),
    ],
)
def test_what_is_no_number_is_refused(sent: Any, reason: str) -> None:
    with pytest.raises(FaultError) as caught:
        convert.to_decimal(sent)
    assert caught.value.reason == reason


@given(st.decimals(allow_nan=False, allow_infinity=False, places=4, min_value=-(10**18), max_value=10**18))
def test_an_amount_survives_as_text_and_as_number(amount: Decimal) -> None:
    assert convert.to_decimal(str(amount)) == amount
    assert convert.to_decimal(amount) == amount


@pytest.mark.parametrize(
    ("sent", "expected"), [("1", 1), ("1.0", 1), (0, 0), (12.0, 12), ("", None), (None, None)]
)
def test_counts_are_whole(sent: Any, expected: int | None) -> None:
    assert convert.to_int(sent) == expected


def test_a_broken_count_is_refused() -> None:
    with pytest.raises(FaultError):
        convert.to_int("1.5")


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        *((yes, True) for yes in (True, "true", "TRUE", "True", "1", 1, 1.0, " true ")),
        *((no, False) for no in (False, "false", "FALSE", "0", 0)),
        *((blank, None) for blank in (None, "", " ")),
    ],
)
def test_booleans_come_in_many_forms(sent: Any, expected: bool | None) -> None:
    assert convert.to_bool(sent) is expected


@pytest.mark.parametrize("sent", ["yes", "2", 2, "maybe", [], {}])
def test_what_is_neither_true_nor_false_is_refused(sent: Any) -> None:
    with pytest.raises(FaultError):
        convert.to_bool(sent)


@pytest.mark.parametrize(
    ("amount", "currency", "expected"),
    [
        ("12000.00", "EUR", Money(amount=Decimal("12000.00"), currency="EUR")),
        (12000, "eur", Money(amount=Decimal(12000), currency="EUR")),
        (0.1, None, Money(amount=Decimal("0.1"))),
        ("0", "", Money(amount=Decimal(0))),
        (None, "EUR", None),
        ("", "EUR", None),
    ],
)
def test_money_is_exact_and_no_amount_is_not_zero(amount: Any, currency: Any, expected: Money | None) -> None:
    assert convert.to_money(amount, currency) == expected


@pytest.mark.parametrize("currency", ["Euro", "€", "EU", 12])
def test_a_currency_is_an_iso_code(currency: Any) -> None:
    with pytest.raises(FaultError) as caught:
        convert.to_money("1", currency)
    assert caught.value.reason == "bad_currency"


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        ("  Ada ", "Ada"),
        ("Zoë", "Zoë"),
        (5, "5"),
        (1.5, "1.5"),
        (True, "true"),
        ("", None),
        ("\n", None),
        (None, None),
    ],
)
def test_text_is_trimmed_and_blank_is_none(sent: Any, expected: str | None) -> None:
    assert convert.to_text(sent) == expected


@pytest.mark.parametrize(
    ("sent", "reason"),
    [
        ("a\0b", "nul_character"),
        ("é\0", "nul_character"),
        ("\ud800", "lone_surrogate"),
        ({"a": 1}, "wrong_type"),
        (["a"], "wrong_type"),
        (b"a", "wrong_type"),
    ],
)
def test_text_that_no_database_keeps_is_refused(sent: Any, reason: str) -> None:
    with pytest.raises(FaultError) as caught:
        convert.to_text(sent)
    assert caught.value.reason == reason


@pytest.mark.parametrize("sent", ["ada", "ada@", "@example", "a b@example", "a@b@c"])
def test_a_malformed_address_is_refused_without_repeating_it(sent: str) -> None:
    with pytest.raises(FaultError) as caught:
        convert.to_email(sent)
    assert sent not in caught.value.message


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        ("a; b;;c", ("a", "b", "c")),
        (["a", " b "], ("a", "b")),
        ("", None),
        (None, None),
        ([], None),
        (5, ("5",)),
    ],
)
def test_a_multi_select_is_a_list_or_joined_text(sent: Any, expected: tuple[str, ...] | None) -> None:
    assert convert.to_list(sent) == expected


# The first three pairs are recorded ids: their 15-character forms must grow back to them.
@pytest.mark.parametrize(
    "full",
    [
        "00Qak00000696HFEAY",
        "003ak000003dQCGAA2",
        "006ak00000OQ4RxAAL",
        "0019H00000H1RMDQA3",
        "005ak000005hvjJAAQ",
    ],
)
def test_a_short_salesforce_id_grows_its_suffix(full: str) -> None:
    assert ids.salesforce_id(full[:15]) == full
    assert ids.salesforce_id(full) == full


@pytest.mark.parametrize(
    "sent",
    [
        "00Q",
        "00Qak00000696HFEAYX",
        "00Qak00000696H_EAY",
        "http://evil/x",
        "//evil/x",
        "../../x",
        "00Qak00000696HÉEAY",
        "0" * 16,
    ],
)
def test_what_is_no_salesforce_id_is_refused(sent: str) -> None:
    with pytest.raises(FaultError) as caught:
        ids.salesforce_id(sent)
    assert caught.value.reason == "bad_id"
    assert sent not in caught.value.message


@pytest.mark.parametrize(
    ("check", "good", "bad"),
    [
        (ids.hubspot_id, "171596044869", "17159x"),
        (ids.hubspot_id, 171596044869, "-1"),
        (ids.hubspot_id, "1", "1" * 21),
        (ids.hubspot_id, "1", "١"),
        (ids.guid, "430318c4-abb7-4bf7-a75e-9c5fa8f475a6", "430318c4-abb7-4bf7-a75ee-9c5fa8f475a6"),
        (ids.guid, "430318C4-ABB7-4BF7-A75E-9C5FA8F475A6", "430318c4"),
    ],
)
def test_hubspot_ids_are_digits_and_campaign_ids_are_guids(
    check: Callable[[Any], str | None], good: Any, bad: Any
) -> None:
    assert check(good) == str(good).lower()
    assert check("") is None
    with pytest.raises(FaultError):
        check(bad)


@given(
    st.one_of(
        st.text(), st.floats(), st.integers(), st.booleans(), st.none(), st.lists(st.text()), st.decimals()
    )
)
def test_every_converter_ends_in_a_value_or_in_our_fault(sent: Any) -> None:
    converters: list[Callable[[Any], Any]] = [
        *(convert.to_text, convert.to_email, convert.to_bool, convert.to_int, convert.to_decimal),
        *(convert.to_date, convert.to_datetime, convert.to_list, ids.salesforce_id, ids.hubspot_id, ids.guid),
    ]
    for converter in converters:
        try:
            converter(sent)
        except FaultError as fault:
            assert fault.reason  # noqa: PT017 - both ends are fine; anything else fails the test
