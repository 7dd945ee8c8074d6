"""How many calls the portal takes: 190 in ten seconds, five searches in a second, 650,000 in a day.

Source: HubSpot documentation, "API usage guidelines" (a private app in a Professional portal; an OAuth app:
110 in ten seconds and no daily limit). The 429's body is as in issue 89 of HGData/mk-node-hubspot. Searches
have a bucket of their own and no headers; that they count towards the day is not confirmed. Calls of the
associations API have limits of their own beside the others (150 in ten seconds, 500,000 in a day); that these
refuse with the same policies is not confirmed. Every app has its own buckets; the day is the account's.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable
from datetime import datetime, timedelta, timezone, tzinfo
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from closedloop.sandbox.hubspot.access.tokens import Caller
from closedloop.sandbox.hubspot.errors import HubSpotError

# The time zone of the recorded portal.
EASTERN = "US/Eastern"
_WINDOW, _SECOND, _DAY = timedelta(seconds=10), timedelta(seconds=1), timedelta(hours=25)
_CALLS, _SEARCHES, _ASSOCIATIONS = "calls", "searches", "associations"
_ROLLING = "TEN_SECONDLY_ROLLING"
# Calls of a private app in ten seconds, and of all private apps of the account in a day.
_TIERS = {
    "free": (100, 250_000),
    "starter": (100, 250_000),
    "professional": (190, 650_000),
    "enterprise": (190, 1_000_000),
}


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
        self.association_burst, self.association_daily = 150, 500_000
        self.retry_after: int | None = None
        self.time_zone = time_zone
        self._zone = _zone(time_zone)
        self._clock = clock
        self._enforced = False
        self._spent = False
        self._recent: defaultdict[tuple[str, str, str], deque[datetime]] = defaultdict(deque)
        self._day_ends: datetime | None = None
        self.used = self.associated = 0

    def subscribe(self, tier: str, *, increases: int = 0) -> None:
        """Sets the limits of private apps: in a `free`, `starter`, `professional` or `enterprise` portal,
        with so many API limit increases (at most two)."""
        self.burst, self.daily = _TIERS[tier]
        if increases:
            self.burst, self.daily = 250, self.daily + 1_000_000 * min(increases, 2)
            self.association_burst, self.association_daily = 200, 1_000_000

    def enforce(
        self,
        *,
        burst: int | None = None,
        searches: int | None = None,
        daily: int | None = None,
        associations: int | None = None,
        retry_after: int | None = None,
    ) -> None:
        """Refuses, from the next call on, what is above the limits, which may be set here too;
        `associations` is how many calls of their API in ten seconds."""
        self._enforced = True
        if burst is not None:
            self.burst = self.oauth_burst = burst
        self.searches = self.searches if searches is None else searches
        self.daily = self.daily if daily is None else daily
        self.association_burst = self.association_burst if associations is None else associations
        self.retry_after = retry_after

    def exhaust(self) -> None:
        """Uses up what is left of the day; from now on the limits are enforced."""
        self._new_day(self._clock())
        self._enforced = True
        self.used = self.daily

    def admit(self, caller: Caller, *, search: bool = False, associations: bool = False) -> None:
        """Counts a call; 429 when it is one too many, which then does not count."""
        now = self._clock()
        self._new_day(now)
        buckets = [self._bucket(caller, search=search)]
        if associations and not search:
            buckets.append(
                (self._recent[_ASSOCIATIONS, *_app(caller)], _WINDOW, self.association_burst, _ROLLING)
            )
        if self._enforced:
            self._refuse_by_day(caller, associations=associations)
        for recent, window, most, policy in buckets:
            while recent and now - recent[0] >= window:
                recent.popleft()
            if self._enforced and len(recent) >= most:
                raise RateLimitError(policy)
        for recent, *_ in buckets:
            recent.append(now)
        self.used += not caller.oauth
        self.associated += associations

    def headers(self, caller: Caller) -> dict[str, str]:
        """The headers of every answer but a search's; an OAuth app is told nothing of days."""
        recent, _, most, _ = self._bucket(caller, search=False)
        # What is not enforced must not make a careful client wait.
        left = max(0 if self._enforced else 1, most - len(recent))
        headers = {
            "X-HubSpot-RateLimit-Interval-Milliseconds": str(_WINDOW // timedelta(milliseconds=1)),
            "X-HubSpot-RateLimit-Max": str(most),
            "X-HubSpot-RateLimit-Remaining": str(left),
        }
        if caller.oauth:
            return headers
        remaining = str(max(0, self.daily - self.used))
        daily = {
            "X-HubSpot-RateLimit-Daily": str(self.daily),
            "X-HubSpot-RateLimit-Daily-Remaining": remaining,
        }
        return daily | headers

    def resets_at(self) -> datetime:
        """When the day of the daily limit ends: the next midnight of the account."""
        today = self._clock().astimezone(self._zone)
        midnight = today.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
        return midnight + timedelta(days=1)

    def utc_offset(self) -> timedelta:
        """How far the portal's time is from UTC now, summer time included."""
        return self._clock().astimezone(self._zone).utcoffset() or timedelta()

    def _refuse_by_day(self, caller: Caller, *, associations: bool) -> None:
        everything = not caller.oauth and self.used >= self.daily
        if everything or (associations and self.associated >= self.association_daily):
            raise RateLimitError("DAILY")

    def _bucket(self, caller: Caller, *, search: bool) -> tuple[deque[datetime], timedelta, int, str]:
        if search:
            return self._recent[_SEARCHES, *_app(caller)], _SECOND, self.searches, "SECONDLY"
        most = self.oauth_burst if caller.oauth else self.burst
        return self._recent[_CALLS, *_app(caller)], _WINDOW, most, _ROLLING

    def _new_day(self, now: datetime) -> None:
        # A clock may also be set back by a day.
        if self._day_ends is None or not self._day_ends - _DAY <= now < self._day_ends:
            self.used = self.associated = 0
            self._day_ends = self.resets_at()


def _app(caller: Caller) -> tuple[str, str]:
    return caller.kind.value, caller.name


def _zone(name: str) -> tzinfo:
    try:
        return ZoneInfo(name)
    except ZoneInfoNotFoundError:
        # Some machines have no database of time zones, or one without the old names.
        if name != EASTERN:
            raise
        return timezone(timedelta(hours=-5))
