"""How much of the day's allowance is used, as far as HubSpot has said."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

from closedloop.crm.budget import Budget
from closedloop.crm.results import Quota

# developers.hubspot.com/docs/developer-tooling/platform/usage-guidelines: on every answer but those to a
# search and those to an OAuth app.
_DAILY, _LEFT = "x-hubspot-ratelimit-daily", "x-hubspot-ratelimit-daily-remaining"
_NUMBER = re.compile(r"[0-9]{1,12}", re.ASCII)


def _now() -> datetime:
    return datetime.now(UTC)


class Usage:
    """What the headers of the answers told last. Threads may share it."""

    def __init__(self, *, clock: Callable[[], datetime] = _now) -> None:
        self._clock = clock
        self._zone: tzinfo | None = None
        self._seen: tuple[int, int, datetime] | None = None

    def note(self, headers: Mapping[str, str]) -> None:
        """Keeps what these headers say of the day's allowance, if anything."""
        total, left = headers.get(_DAILY, ""), headers.get(_LEFT, "")
        if _NUMBER.fullmatch(total) and _NUMBER.fullmatch(left):
            now = self._clock()
            self._seen = (int(total), int(left), self.resets_at or now + timedelta(days=1))

    def settle(self, account: Mapping[str, Any]) -> None:
        """Keeps the account's time zone: its days begin at its own midnight."""
        self._zone = _zone(account)

    @property
    def resets_at(self) -> datetime | None:
        """When the next day begins for HubSpot; None as long as the account's time zone is not known."""
        if self._zone is None:
            return None
        tomorrow = self._clock().astimezone(self._zone).date() + timedelta(days=1)
        return datetime.combine(tomorrow, datetime.min.time(), self._zone).astimezone(UTC)

    def quota(self, budget: Budget) -> Quota:
        """The allowance, of which nothing is known to be used when a new day has begun since."""
        total, used = None, None
        if self._seen is not None:
            total, left, until = self._seen
            used = max(0, total - left) if self._clock() < until else None
        return Quota(total=total, used=used, resets_at=self.resets_at, own=budget.spent, budget=budget.calls)


def _zone(account: Mapping[str, Any]) -> tzinfo | None:
    """The zone that the account details name, as US/Eastern; else their offset from UTC."""
    name, milliseconds = account.get("timeZone"), account.get("utcOffsetMilliseconds")
    if isinstance(name, str):
        try:
            return ZoneInfo(name)
        except (KeyError, ValueError, OSError):  # no such zone, or a machine without the zones
            pass
    if isinstance(milliseconds, int) and abs(milliseconds) < 86_400_000:
        return timezone(timedelta(milliseconds=milliseconds))
    return None
