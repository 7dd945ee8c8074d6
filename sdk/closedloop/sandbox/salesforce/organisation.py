"""The endpoints about the org itself: versions, resources, limits, who is calling."""

from __future__ import annotations

from typing import Any

from closedloop.sandbox.salesforce.call import Answer, Call
from closedloop.sandbox.salesforce.refusal import Refusal

# The Developer Edition's allowance (reference: Limits).
_DAILY_CALLS = 15_000
_SEASONS = ("Spring", "Summer", "Winter")
_RESOURCES = ("composite", "limits", "query", "queryAll", "sobjects")


class Usage:
    """The calls of the day. Set `daily` or `used` to bring the limit near."""

    def __init__(self) -> None:
        self.daily = _DAILY_CALLS
        self.used = 0

    def count(self) -> None:
        """Counts a call; refuses it when the day's are used up."""
        if self.used >= self.daily:
            raise Refusal("REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.", status=403)
        self.used += 1

    def header(self) -> str:
        """The value of Sforce-Limit-Info."""
        return f"api-usage={self.used}/{self.daily}"

    def limits(self) -> dict[str, dict[str, int]]:
        """The body of GET limits."""
        return {
            "DailyApiRequests": {"Max": self.daily, "Remaining": max(0, self.daily - self.used)},
            "DailyBulkApiBatches": {"Max": 15_000, "Remaining": 15_000},
            "DailyBulkV2QueryJobs": {"Max": 10_000, "Remaining": 10_000},
        }


def versions(oldest: int, newest: int) -> list[dict[str, str]]:
    """The API versions, the oldest first. Each release is three a year: 60 was Spring '24."""
    return [
        {
            "label": f"{_SEASONS[number % 3]} '{4 + (number + 1) // 3:02}",
            "url": f"/services/data/v{number}.0",
            "version": f"{number}.0",
        }
        for number in range(oldest, newest + 1)
    ]


def resources(call: Call) -> Answer:
    """The addresses under one version."""
    return Answer(body={name: f"/services/data/v{call.version}/{name}" for name in _RESOURCES})


def record_count(call: Call) -> Answer:
    """How many records the objects asked for have; those that have none are left out (recorded)."""
    names = [name for name in (call.argument("sObjects") or "").split(",") if name]
    objects = call.org.objects
    kinds = [k for k in map(objects.find, names) if k] if names else list(objects)
    counts = [(kind.name, len(list(call.org.tables.rows(kind.name)))) for kind in kinds]
    return Answer(body={"sObjects": [{"count": count, "name": name} for name, count in counts if count]})


def userinfo(call: Call) -> Answer:
    """The user behind the token (OpenID Connect user information)."""
    user = call.org.get("User", call.user)
    body: dict[str, Any] = {
        "sub": f"{call.url}/id/{call.org.organization_id}/{call.user}",
        "user_id": call.user,
        "organization_id": call.org.organization_id,
        "preferred_username": user["Username"],
        "nickname": user["Alias"],
        "name": user["Name"],
        "email": user["Email"],
        "email_verified": True,
        "given_name": user["FirstName"],
        "family_name": user["LastName"],
        "zoneinfo": user["TimeZoneSidKey"],
        "locale": user["LocaleSidKey"],
        "language": user["LanguageLocaleKey"],
        "active": user["IsActive"],
        "user_type": "STANDARD",
    }
    return Answer(body=body)
