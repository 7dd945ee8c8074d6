"""When what could not be sent is sent again.

The waits are those that the Standard Webhooks specification proposes: ever longer, for three days.
https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md#deliverability-and-reliability
"""

from __future__ import annotations

import zlib
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

WAITS = tuple(
    timedelta(seconds=seconds) for seconds in (5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400)
)
"""The wait after the first failure, after the second, and so on; after the last one an event is given up."""

LONGEST = timedelta(days=1)
"""The longest that a Retry-After is followed."""

_HOLD = timedelta(seconds=5)
_LONGEST_HOLD = timedelta(minutes=10)
_SPREAD = 0.2


def next_attempt(now: datetime, attempts: int, key: str) -> datetime | None:
    """When an event is sent again of which `attempts` are made, if it fails; None: not any more.

    `key` says which event for whom. Each has a jitter of its own (up to a fifth longer), so that a receiver
    that comes back is not overrun by all at one moment; the same attempt always has the same.
    """
    if attempts > len(WAITS):
        return None
    share = zlib.crc32(f"{key} {attempts}".encode()) / 2**32
    return now + WAITS[attempts - 1] * (1 + _SPREAD * share)


def hold_until(now: datetime, failures: int, retry_after: timedelta | None) -> datetime:
    """Until when a subscriber is left alone after so many failures in a row, whatever there is to tell.

    While it is down, one event at a time finds out whether it is back.
    """
    pause = min(_HOLD * 2.0 ** min(max(failures - 1, 0), 20), _LONGEST_HOLD)
    return now + max(pause, retry_after or pause)


def retry_after(header: str | None, now: datetime) -> timedelta | None:
    """How long the subscriber asks us to wait, a day at most; None when it does not, or unreadably.

    https://www.rfc-editor.org/rfc/rfc9110#name-retry-after
    """
    told = (header or "").strip()
    if told.isascii() and told.isdigit():
        return min(timedelta(seconds=min(int(told[:10]), 10**9)), LONGEST)
    try:
        at = parsedate_to_datetime(told)
    except (ValueError, OverflowError):  # numbers of any length: a zone of a billion hours among them
        return None
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return min(max(at - now, timedelta(0)), LONGEST)
