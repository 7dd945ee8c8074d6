"""How long to wait before what failed is tried again."""

from __future__ import annotations

from datetime import datetime, timedelta

_FIRST = 2.0
_LONGEST = 3600.0

BULK_LOOKS = timedelta(minutes=15)
"""Bulk work that has spent its share of the budget looks again after this: an admin may have raised it."""


def again_at(now: datetime, attempts: int, retry_after: float | None = None) -> datetime:
    """When to try again after `attempts` failures: ever later, and never before the CRM said."""
    # The exponent is bounded before the power: after a week of failures it would not be a number any more.
    seconds = min(_FIRST * 2 ** min(max(attempts - 1, 0), 20), _LONGEST)
    return now + timedelta(seconds=max(seconds, retry_after or 0.0))
