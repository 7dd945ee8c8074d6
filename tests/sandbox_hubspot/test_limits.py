"""Rate limits that are enforced, by the portal's clock."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfoNotFoundError

import pytest
import requests

from closedloop.sandbox.hubspot import HubSpotSandbox, Portal
from closedloop.sandbox.hubspot.access import limits

Call = Callable[..., requests.Response]
CONTACTS = "/crm/v3/objects/contacts"


@pytest.fixture
def sandbox(clock: Any) -> Iterator[HubSpotSandbox]:
    with HubSpotSandbox(clock=clock) as running:
        yield running


def statuses(call: Call, count: int, *request: str) -> list[int]:
    method, path = request or ("GET", CONTACTS)
    return [call(method, path, json={} if method == "POST" else None).status_code for _ in range(count)]


def test_nobody_is_refused_until_it_is_asked_for(call: Call, portal: Portal) -> None:
    portal.limits.burst = 3
    assert statuses(call, 6) == [200] * 6
    assert call("GET", CONTACTS).headers["X-HubSpot-RateLimit-Remaining"] == "1"


def test_the_window_of_ten_seconds_rolls(call: Call, portal: Portal, clock: Any) -> None:
    portal.limits.enforce(burst=3)
    assert statuses(call, 2) == [200] * 2
    clock.passes(6)
    assert statuses(call, 2) == [200, 429]
    clock.passes(4)
    assert statuses(call, 3) == [200, 200, 429]


def test_a_refusal_names_its_policy(call: Call, portal: Portal) -> None:
    portal.limits.enforce(burst=1, retry_after=9)
    call("GET", CONTACTS)
    answer = call("GET", CONTACTS)
    assert answer.json() == {
        "status": "error",
        "message": "You have reached your ten_secondly_rolling limit.",
        "errorType": "RATE_LIMIT",
        "correlationId": answer.headers["X-HubSpot-Correlation-Id"],
        "policyName": "TEN_SECONDLY_ROLLING",
        "requestId": answer.headers["X-HubSpot-Correlation-Id"],
    }
    assert answer.headers["Retry-After"] == "9"
    assert answer.headers["X-HubSpot-RateLimit-Remaining"] == "0"


def test_searches_have_a_bucket_of_their_own(call: Call, portal: Portal, clock: Any) -> None:
    portal.limits.enforce(burst=2, searches=3)
    assert statuses(call, 4, "POST", f"{CONTACTS}/search") == [200, 200, 200, 429]
    answer = call("POST", f"{CONTACTS}/search", json={})
    assert answer.json()["policyName"] == "SECONDLY"
    assert not [name for name in answer.headers if "RateLimit" in name or name == "Retry-After"]
    assert statuses(call, 3) == [200, 200, 429]
    clock.passes(1)
    assert statuses(call, 1, "POST", f"{CONTACTS}/search") == [200]


def test_the_day_begins_at_midnight_of_the_account(call: Call, portal: Portal, clock: Any) -> None:
    portal.limits.enforce(daily=2)
    clock.now = datetime(2026, 11, 21, 4, 59, tzinfo=UTC)
    assert statuses(call, 3) == [200, 200, 429]
    answer = call("GET", CONTACTS)
    assert answer.json()["policyName"] == "DAILY"
    assert answer.headers["X-HubSpot-RateLimit-Daily-Remaining"] == "0"
    clock.passes(60)
    assert statuses(call, 1) == [200]


@pytest.mark.parametrize(
    ("at", "offset", "milliseconds"),
    [
        (datetime(2026, 7, 1, tzinfo=UTC), "-04:00", -14_400_000),
        (datetime(2026, 12, 1, tzinfo=UTC), "-05:00", -18_000_000),
    ],
)
def test_the_account_tells_its_time_zone(
    call: Call, clock: Any, at: datetime, offset: str, milliseconds: int
) -> None:
    clock.now = at
    account = call("GET", "/account-info/v3/details").json()
    assert (account["timeZone"], account["utcOffset"]) == ("US/Eastern", offset)
    assert account["utcOffsetMilliseconds"] == milliseconds


def test_a_time_zone_that_there_is_not_is_no_portals() -> None:
    with pytest.raises(ZoneInfoNotFoundError):
        HubSpotSandbox(time_zone="US/Nowhere")


def test_a_machine_without_time_zones_knows_the_usual_one(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise ZoneInfoNotFoundError(name)

    monkeypatch.setattr(limits, "ZoneInfo", missing)
    assert HubSpotSandbox().portal.limits.utc_offset() == timedelta(hours=-5)


def test_every_app_has_a_bucket_of_its_own(sandbox: HubSpotSandbox, call: Call, portal: Portal) -> None:
    portal.limits.enforce(burst=2, searches=1)
    other = {"Authorization": f"Bearer {sandbox.create_token(['crm.objects.contacts.read'])}"}
    assert statuses(call, 3) == [200, 200, 429]
    for expected in (200, 200, 429):
        assert call("GET", CONTACTS, headers=other).status_code == expected
    assert statuses(call, 2, "POST", f"{CONTACTS}/search") == [200, 429]
    assert call("POST", f"{CONTACTS}/search", json={}, headers=other).status_code == 200


def test_the_associations_api_has_limits_beside_the_others(call: Call, portal: Portal, clock: Any) -> None:
    portal.limits.enforce(associations=2)
    labels = "/crm/v4/associations/contacts/deals/labels"
    assert statuses(call, 3, "GET", labels) == [200, 200, 429]
    assert statuses(call, 1) == [200]
    clock.passes(10)
    portal.limits.association_daily = 3
    assert statuses(call, 2, "GET", labels) == [200, 429]
    assert call("GET", labels).json()["policyName"] == "DAILY"


@pytest.mark.parametrize(
    ("tier", "burst", "daily"),
    [
        (("free", 0), "100", "250000"),
        (("professional", 0), "190", "650000"),
        (("enterprise", 0), "190", "1000000"),
        (("professional", 1), "250", "1650000"),
        (("enterprise", 3), "250", "3000000"),
    ],
)
def test_the_limits_follow_the_subscription(
    call: Call, portal: Portal, tier: tuple[str, int], burst: str, daily: str
) -> None:
    portal.limits.subscribe(tier[0], increases=tier[1])
    headers = call("GET", CONTACTS).headers
    assert (headers["X-HubSpot-RateLimit-Max"], headers["X-HubSpot-RateLimit-Daily"]) == (burst, daily)


@pytest.mark.parametrize("path", ["/account-info/v3", "/account-info/2026-09"])
def test_the_account_tells_its_use_of_the_day(call: Call, path: str) -> None:
    statuses(call, 4)
    for rest in ("/api-usage/daily", "/api-usage/daily/private-apps"):
        (row,) = call("GET", path + rest).json()["results"]
        assert (row["usageLimit"], row["fetchStatus"]) == (650_000, "SUCCESS")
        assert row["currentUsage"] >= 5
        assert (row["collectedAt"], row["resetsAt"]) == (
            "2026-11-20T14:03:00.000Z",
            "2026-11-21T05:00:00.000Z",
        )
