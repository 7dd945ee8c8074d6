"""The functions of one value that SOQL knows, and what they compute.

SOQL and SOSL Reference, "Date Functions", "FORMAT()", "Translating Results". The org's time zone is UTC, so
converting to the user's changes nothing; labels and API names are the same.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from math import asin, cos, radians, sin, sqrt
from typing import Any

_MOMENTS = frozenset({"date", "datetime"})
_NUMBERS = frozenset({"int", "double", "currency", "percent"})
_EARTH = {"mi": 3958.7613, "km": 6371.0088}


@dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    """One function: the type of its result ("" is that of its argument), what it takes, what it does."""

    type: str
    takes: frozenset[str]
    compute: Callable[[Any], Any]


def _week_in_year(day: date) -> int:
    # Week 1 is January 1 to 7, whatever day that is (SOQL and SOSL Reference, WEEK_IN_YEAR).
    return (day.timetuple().tm_yday - 1) // 7 + 1


_DAYS: Mapping[str, Callable[[Any], int]] = {
    "year": lambda day: int(day.year),
    "quarter": lambda day: int(day.month + 2) // 3,
    "month": lambda day: int(day.month),
}
_OF_DAYS: Mapping[str, Callable[[Any], int]] = {
    # The fiscal year is the calendar year.
    **{f"calendar_{unit}": compute for unit, compute in _DAYS.items()},
    **{f"fiscal_{unit}": compute for unit, compute in _DAYS.items()},
    "day_in_month": lambda day: int(day.day),
    "day_in_week": lambda day: int(day.isoweekday()) % 7 + 1,
    "day_in_year": lambda day: int(day.timetuple().tm_yday),
    "week_in_month": lambda day: (int(day.day) - 1) // 7 + 1,
    "week_in_year": _week_in_year,
}


def formatted(value: Any) -> str:
    """The value as the pages show it to a user of the locale en_US."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        hour = value.strftime("%I:%M %p").lstrip("0")
        return f"{value.month}/{value.day}/{value.year}, {hour}"
    if isinstance(value, date):
        return f"{value.month}/{value.day}/{value.year}"
    if isinstance(value, int | Decimal):
        return f"{value:,}"
    return str(value)


FUNCTIONS: Mapping[str, Function] = {
    **{name: Function(type="int", takes=_MOMENTS, compute=compute) for name, compute in _OF_DAYS.items()},
    "hour_in_day": Function(type="int", takes=frozenset({"datetime"}), compute=lambda at: at.hour),
    "day_only": Function(type="date", takes=frozenset({"datetime"}), compute=lambda at: at.date()),
    "converttimezone": Function(type="", takes=frozenset({"datetime"}), compute=lambda at: at),
    "convertcurrency": Function(type="", takes=frozenset({"currency"}), compute=lambda amount: amount),
    "tolabel": Function(type="", takes=frozenset(), compute=lambda text: text),
    "format": Function(type="string", takes=frozenset(), compute=formatted),
}
"""By lower-case name. A function that names no types takes all of them."""


def distance(place: Mapping[str, Any] | None, latitude: float, longitude: float, unit: str) -> float | None:
    """How far the place is from the point, along a great circle; None where the place is not known."""
    if not place or place.get("latitude") is None or place.get("longitude") is None:
        return None
    north, east = radians(float(place["latitude"])), radians(float(place["longitude"]))
    other_north, other_east = radians(latitude), radians(longitude)
    across = sin((other_north - north) / 2) ** 2
    along = cos(north) * cos(other_north) * sin((other_east - east) / 2) ** 2
    return 2 * _EARTH[unit] * asin(sqrt(min(1.0, across + along)))
