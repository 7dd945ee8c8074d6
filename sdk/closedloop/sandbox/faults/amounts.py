"""The numbers and times of a fault plan, from YAML's text or from plain values.

Each function raises ValueError with what it expects.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from closedloop.sandbox.faults.chance import Seconds
from closedloop.sandbox.faults.rule import Moment

_UNITS = {"": 1.0, "ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_TIME = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+))\s*(ms|s|m|h|d)?")
_ENDS = ({"least", "most"}, {"median", "spread"})
_LONGEST = 366 * 86400.0


def share(value: Any) -> float:
    """A number from 0 to 1."""
    found = _number(value)
    if found is None or not 0 <= found <= 1:
        raise ValueError("a number from 0 to 1")
    return found


def count(value: Any) -> int:
    """A whole number from 0."""
    found = _number(value)
    if found is None or found != int(found) or found < 0:
        raise ValueError("a whole number from 0")
    return int(found)


def positive(value: Any) -> int:
    """A whole number from 1."""
    found = _number(value)
    if found is None or found != int(found) or found < 1:
        raise ValueError("a whole number from 1")
    return int(found)


def flag(value: Any) -> bool:
    """True or false."""
    if not isinstance(value, bool):
        raise ValueError("true or false")  # noqa: TRY004 - as the other functions
    return value


def offset(value: Any) -> float:
    """A time, which may be negative, in seconds."""
    found = _time(value)
    if found is None:
        raise ValueError("a time such as 90, -90 or -5m")
    return found


def seconds(value: Any) -> Seconds:
    """A time, or one that varies."""
    if isinstance(value, Mapping):
        return _varying(value)
    found = _time(value)
    if found is None or found < 0:
        raise ValueError("a time such as 0.5, 200ms or 2m, {least, most}, or {median, spread}")
    return Seconds.of(found)


def moment(value: Any) -> Moment:
    """A time from the start of the plan, or a date and time with its time zone."""
    found = _time(value)
    if found is not None and found >= 0:
        return found
    at = value if isinstance(value, datetime) else _datetime(value)
    if at is None or at.tzinfo is None:
        raise ValueError(
            "a time from the start such as 30s or 5m, or a date and time with its zone such as "
            "2026-11-20T08:00:00Z"
        )
    return at


def _varying(value: Mapping[str, Any]) -> Seconds:
    if set(value) not in _ENDS:
        raise ValueError("a time, {least, most}, or {median, spread}")
    if "median" in value:
        median, spread = seconds(value["median"]), _number(value["spread"])
        if spread is None or not 0 < spread <= 5:
            raise ValueError("a median with a spread that is a number up to 5")
        return Seconds(least=median.least, most=median.least, spread=spread)
    least, most = seconds(value["least"]).least, seconds(value["most"]).least
    if most < least:
        raise ValueError("a least time that is not more than the most")
    return Seconds(least=least, most=most)


def _number(value: Any) -> float | None:
    if isinstance(value, bool):
        return None
    try:
        found = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return found if math.isfinite(found) else None


def _time(value: Any) -> float | None:
    found = None if isinstance(value, bool) else _TIME.fullmatch(str(value).strip())
    if found is None:
        return None
    time = float(found[1]) * _UNITS[found[2] or ""]
    return time if abs(time) <= _LONGEST else None


def _datetime(value: Any) -> datetime | None:
    try:
        return datetime.fromisoformat(str(value))
    except ValueError:
        return None
