"""SOQL's words for stretches of days: `TODAY`, `LAST_N_DAYS:30`, `THIS_QUARTER`.

Reference: SOQL and SOSL Reference, "Date Formats and Date Literals". The org's time zone is UTC and its
fiscal year the calendar year.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

_MONTHS = {"MONTH": 1, "QUARTER": 3, "YEAR": 12}
_AROUND = {"YESTERDAY": -1, "TODAY": 0, "TOMORROW": 1}


@dataclass(frozen=True, slots=True)
class Range:
    """A stretch of days by its name, in capitals."""

    word: str

    def days(self, today: date) -> tuple[date, date]:
        """Its first day, and the day after its last."""
        if self.word in _AROUND:
            day = today + timedelta(days=_AROUND[self.word])
            return day, day + timedelta(days=1)
        if "_AGO:" in self.word:
            return _ago(today, self.word.replace("_FISCAL", ""))
        direction, _, rest = self.word.replace("_FISCAL", "").replace("_90_DAYS", "_N_DAYS:90").partition("_")
        if rest.startswith("N_"):
            unit, _, number = rest.removeprefix("N_").partition(":")
            return _several(today, direction, unit.removesuffix("S"), int(number))
        start = _start(today, rest, {"LAST": -1, "THIS": 0, "NEXT": 1}[direction])
        return start, _step(start, rest, 1)


def _ago(today: date, word: str) -> tuple[date, date]:
    """The one day, week, month, … that many ago: `N_DAYS_AGO:2`."""
    unit, _, number = word.removeprefix("N_").partition("S_AGO:")
    if unit == "DAY":
        day = today - timedelta(days=int(number))
        return day, day + timedelta(days=1)
    start = _start(today, unit, -int(number))
    return start, _step(start, unit, 1)


def _several(today: date, direction: str, unit: str, number: int) -> tuple[date, date]:
    if unit == "DAY":
        # The last n days include today, the next n begin tomorrow.
        tomorrow = today + timedelta(days=1)
        if direction == "LAST":
            return today - timedelta(days=number), tomorrow
        return tomorrow, tomorrow + timedelta(days=number)
    this = _start(today, unit, 0)
    if direction == "LAST":
        return _step(this, unit, -number), this
    following = _step(this, unit, 1)
    return following, _step(following, unit, number)


def _start(today: date, unit: str, steps: int) -> date:
    if unit == "WEEK":
        # Weeks begin on Sunday, as in the en_US locale.
        return _step(today - timedelta(days=(today.weekday() + 1) % 7), unit, steps)
    length = _MONTHS[unit]
    first = today.replace(month=(today.month - 1) // length * length + 1, day=1)
    return _step(first, unit, steps)


def _step(start: date, unit: str, steps: int) -> date:
    if unit == "WEEK":
        return start + timedelta(weeks=steps)
    months = start.year * 12 + start.month - 1 + steps * _MONTHS[unit]
    return date(months // 12, months % 12 + 1, 1)
