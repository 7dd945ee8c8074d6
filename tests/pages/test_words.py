"""How values read, and that no slug reaches a reader without a word for it."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from enum import StrEnum
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from closedloop.loop.attribution import Cause
from closedloop.loop.feedback import FeedbackKind
from closedloop.schema.records import Money
from closedloop.schema.vocabulary import DECIDED, AttributionModel
from closedloop_server.pages import words
from closedloop_server.pages.bars import part, segments
from closedloop_server.store.derived import Link
from closedloop_server.store.reports import DeliveryState, Sort


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        ("0", "0"),
        ("0.000000", "0"),
        ("4", "4"),
        ("4.000000", "4"),
        ("2.5", "2.5"),
        ("17.333334", "17.33"),
        ("0.005", "0.01"),
        ("0.004999", "<0.01"),
        ("10", "10"),
        ("1E+3", "1,000"),
        ("1234567.891", "1,234,567.89"),
    ],
)
def test_credit_has_at_most_two_decimals_and_is_never_rounded_away(number: str, shown: str) -> None:
    assert words.credit(Decimal(number)) == shown


@pytest.mark.parametrize(
    ("amount", "currency", "short", "exact"),
    [
        ("12000", "EUR", "EUR 12,000", "EUR 12,000.00"),
        ("12000.005", "USD", "USD 12,000", "USD 12,000.01"),
        ("0.4", None, "0", "0.40"),
        ("-1234.5", "CHF", "CHF -1,235", "CHF -1,234.50"),
    ],
)
def test_money_reads_with_its_currency(amount: str, currency: str | None, short: str, exact: str) -> None:
    value = Money(amount=Decimal(amount), currency=currency)
    assert (words.money(value), words.money_to_the_cent(value)) == (short, exact)


def test_times_read_alike_everywhere() -> None:
    time = datetime(2026, 3, 2, 9, 5, tzinfo=UTC)
    assert words.when(time) == "2 Mar 2026, 09:05"
    assert words.machine_time(time) == "2026-03-02T09:05:00Z"


@pytest.mark.parametrize(
    ("start", "end", "shown"),
    [
        (date(2026, 3, 2), date(2026, 9, 30), "2 Mar 2026 – 30 Sep 2026"),
        (date(2026, 3, 2), None, "from 2 Mar 2026"),
        (None, date(2026, 9, 30), "until 30 Sep 2026"),
        (None, None, None),
    ],
)
def test_a_period_says_what_is_known(start: date | None, end: date | None, shown: str | None) -> None:
    assert words.period(start, end) == shown


def test_a_count_agrees_with_its_noun() -> None:
    assert [words.count(number, "person", "people") for number in (0, 1, 1204)] == [
        "0 people",
        "1 person",
        "1,204 people",
    ]


@pytest.mark.parametrize(
    ("table", "slugs"),
    [
        (words.MODELS, AttributionModel),
        (words.SORTS, Sort),
        (words.DELIVERY, DeliveryState),
        (words.KINDS, FeedbackKind),
        (words.CAUSES, Cause),
        (words.LINKS, Link),
    ],
)
def test_every_slug_has_a_word(table: dict[Any, Any], slugs: type[StrEnum]) -> None:
    assert set(table) == set(slugs)


_CREDITS = st.fixed_dictionaries({outcome: st.decimals(0, 10**6, places=6) for outcome in DECIDED})


@given(_CREDITS)
def test_a_bar_shows_every_outcome_there_is_and_ends_where_it_should(credits_: Any) -> None:
    found = segments(credits_)
    assert [each.outcome for each in found] == [outcome for outcome in DECIDED if credits_[outcome]]
    assert all(each.width >= Decimal("0.8") for each in found)
    for before, after in pairwise(found):
        assert before.start + before.width < after.start
    if found:
        assert abs(found[-1].start + found[-1].width - 100) < Decimal("0.01")


def test_a_single_bar_is_measured_against_the_longest() -> None:
    assert [part(Decimal(credit), Decimal(4)) for credit in (0, 1, 4)] == [0, 25, 100]
    assert part(Decimal(0), Decimal(0)) == 0
