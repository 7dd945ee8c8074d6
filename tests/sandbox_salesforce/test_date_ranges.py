"""SOQL's words for stretches of days. The examples are those of Salesforce's list of date literals."""

from __future__ import annotations

from datetime import date

import pytest

from closedloop.sandbox.salesforce.soql.dates import Range

# A Friday.
TODAY = date(2026, 11, 20)


@pytest.mark.parametrize(
    ("word", "first", "after"),
    [
        ("TODAY", (2026, 11, 20), (2026, 11, 21)),
        ("YESTERDAY", (2026, 11, 19), (2026, 11, 20)),
        ("TOMORROW", (2026, 11, 21), (2026, 11, 22)),
        ("THIS_WEEK", (2026, 11, 15), (2026, 11, 22)),
        ("LAST_WEEK", (2026, 11, 8), (2026, 11, 15)),
        ("NEXT_WEEK", (2026, 11, 22), (2026, 11, 29)),
        ("THIS_MONTH", (2026, 11, 1), (2026, 12, 1)),
        ("LAST_MONTH", (2026, 10, 1), (2026, 11, 1)),
        ("NEXT_MONTH", (2026, 12, 1), (2027, 1, 1)),
        ("THIS_QUARTER", (2026, 10, 1), (2027, 1, 1)),
        ("NEXT_QUARTER", (2027, 1, 1), (2027, 4, 1)),
        ("LAST_FISCAL_QUARTER", (2026, 7, 1), (2026, 10, 1)),
        ("THIS_YEAR", (2026, 1, 1), (2027, 1, 1)),
        ("LAST_FISCAL_YEAR", (2025, 1, 1), (2026, 1, 1)),
        ("LAST_90_DAYS", (2026, 8, 22), (2026, 11, 21)),
        ("NEXT_90_DAYS", (2026, 11, 21), (2027, 2, 19)),
        ("LAST_N_DAYS:3", (2026, 11, 17), (2026, 11, 21)),
        ("NEXT_N_DAYS:3", (2026, 11, 21), (2026, 11, 24)),
        ("LAST_N_WEEKS:2", (2026, 11, 1), (2026, 11, 15)),
        ("LAST_N_MONTHS:2", (2026, 9, 1), (2026, 11, 1)),
        ("NEXT_N_MONTHS:2", (2026, 12, 1), (2027, 2, 1)),
        ("LAST_N_FISCAL_QUARTERS:1", (2026, 7, 1), (2026, 10, 1)),
        ("NEXT_N_YEARS:2", (2027, 1, 1), (2029, 1, 1)),
    ],
)
def test_a_word_stands_for_days(word: str, first: tuple[int, int, int], after: tuple[int, int, int]) -> None:
    assert Range(word).days(TODAY) == (date(*first), date(*after))
