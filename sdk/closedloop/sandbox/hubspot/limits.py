"""How many calls the portal takes: 190 in ten seconds, five searches in a second, 650,000 in a day.

Source: HubSpot documentation, "API usage guidelines" (a private app in a Professional portal; an OAuth app:
110 in ten seconds and no daily limit). The 429's body is as in issue 89 of HGData/mk-node-hubspot. Searches
have a bucket of their own and no headers; that they count towards the day is not confirmed.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from datetime import date, datetime, timedelta, timezone, tzinfo
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from closedloop.sandbox.hubspot.errors import HubSpotError

# The time zone of the recorded portal.
EASTERN = "US/Eastern"
_WINDOW, _SECOND = timedelta(seconds=10), timedelta(seconds=1)


class RateLimitError(HubSpotError):
    """The 429, whose body has its own fields instead of a category."""

    def __init__(self, policy: str) -> None:
        super().__init__(f"You have reached your {policy.lower()} limit.", status=429, category=None)
        self.policy = policy

    def body(self, correlation_id: str) -> dict[str, Any]:
        """The answer's body."""
        return {
            "status": "error",
            "message": self.message,
            "errorType": "RATE_LIMIT",
            "correlationId": correlation_id,
            "policyName": self.policy,
            "requestId": correlation_id,
        }


class Limits:
    """Counts the portal's calls by its clock. Nobody is refused until `enforce` was called.

    `retry_after` is the `Retry-After` of a refusal in seconds; None leaves it out, as HubSpot often does.
    The day ends at midnight in `time_zone`.
    """

    def __init__(self, clock: Callable[[], datetime], *, time_zone: str) -> None:
        self.burst, self.oauth_burst, self.searches, self.daily = 190, 110, 5, 650_000
        self.retry_after: int | None = None
        self.time_zone = time_zone
        self._zone = _zone(time_zone)
        self._clock = clock
        self._enforced = False
        self._calls: deque[datetime] = deque()
        self._searched: deque[datetime] = deque()
        self._day: date | None = None
        self._used = 0

    def enforce(
        self,
        *,
        burst: int | None = None,
        searches: int | None = None,
        daily: int | None = None,
        retry_after: int | None = None,
    ) -> None:
        """Refuses, from the next call on, what is above the limits, which may be set here too."""
        self._enforced = True
        if burst is not None:
            self.burst = self.oauth_burst = burst
        self.searches = self.searches if searches is None else searches
        self.daily = self.daily if daily is None else daily
        self.retry_after = retry_after

    def admit(self, *, search: bool, oauth: bool) -> None:
        """Counts a call; 429 when it is one too many, which then does not count."""
        now = self._clock()
        self._new_day(now)
        if self._enforced and not oauth and self._used >= self.daily:
            raise RateLimitError("DAILY")
        recent, window, most, policy = self._bucket(search=search, oauth=oauth)
        while recent and now - recent[0] >= window:
            recent.popleft()
        if self._enforced and len(recent) >= most:
            raise RateLimitError(policy)
        recent.append(now)
        self._used += 1

    def headers(self, *, oauth: bool) -> dict[str, str]:
        """The headers of every answer but a search's; an OAuth app is told nothing of days."""
        most = self.oauth_burst if oauth else self.burst
        # What is not enforced must not make a careful client wait.
        left = max(0 if self._enforced else 1, most - len(self._calls))
        headers = {
            "X-HubSpot-RateLimit-Interval-Milliseconds": str(_WINDOW // timedelta(milliseconds=1)),
            "X-HubSpot-RateLimit-Max": str(most),
            "X-HubSpot-RateLimit-Remaining": str(left),
        }
        if oauth:
            return headers
        remaining = str(max(0, self.daily - self._used))
        daily = {
            "X-HubSpot-RateLimit-Daily": str(self.daily),
            "X-HubSpot-RateLimit-Daily-Remaining": remaining,
        }
        return daily | headers

    def utc_offset(self) -> timedelta:
        """How far the portal's time is from UTC now, summer time included."""
        return self._clock().astimezone(self._zone).utcoffset() or timedelta()

    def _bucket(self, *, search: bool, oauth: bool) -> tuple[deque[datetime], timedelta, int, str]:
        if search:
            return self._searched, _SECOND, self.searches, "SECONDLY"
        return self._calls, _WINDOW, self.oauth_burst if oauth else self.burst, "TEN_SECONDLY_ROLLING"

    def _new_day(self, now: datetime) -> None:
        today = now.astimezone(self._zone).date()
        if today != self._day:
            self._day, self._used = today, 0


def _zone(name: str) -> tzinfo:
    try:
        return ZoneInfo(name)
    except ZoneInfoNotFoundError:
        # Some machines have no database of time zones, or one without the old names.
        if name != EASTERN:
            raise
        return timezone(timedelta(hours=-5))
