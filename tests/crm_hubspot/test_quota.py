"""How much of the day's allowance is used, and when the next day begins."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from closedloop.crm.budget import DailyBudget
from closedloop.crm.hubspot import HubSpotCredentials
from closedloop.crm.hubspot.client import HubSpotClient
from closedloop.crm.hubspot.usage import Usage
from closedloop.crm.results import Quota
from closedloop.errors import CrmError, QuotaError
from closedloop.sandbox.hubspot import HubSpotSandbox

DAILY = {"X-HubSpot-RateLimit-Daily": "650000", "X-HubSpot-RateLimit-Daily-Remaining": "649990"}
LOWER = {name.lower(): value for name, value in DAILY.items()}
ACCOUNT = "/account-info/v3/details"
PATH = "/crm/v3/objects/contacts"


class Clock:
    now = datetime(2026, 11, 22, 3, 30, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.mark.parametrize("status", [200, 404, 429, 500])
def test_the_headers_of_every_answer_tell_even_of_an_error(
    double: Any, told: Any, client: HubSpotClient, waits: list[float], status: int
) -> None:
    double.answer("GET", PATH, told({"policyName": "DAILY", "results": []}, status, DAILY))
    with nullcontext() if status == 200 else pytest.raises(CrmError):
        client.request("GET", PATH)
    assert (client.quota.total, client.quota.used, client.quota.remaining) == (650_000, 10, 649_990)


def test_before_any_answer_nothing_is_known(client: HubSpotClient) -> None:
    assert client.quota == Quota()


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"x-hubspot-ratelimit-daily": "650000"},
        {"x-hubspot-ratelimit-daily": "many", "x-hubspot-ratelimit-daily-remaining": "1"},
        {"x-hubspot-ratelimit-daily": "-1", "x-hubspot-ratelimit-daily-remaining": "-1"},
    ],
)
def test_an_answer_that_does_not_tell_leaves_what_was_known(headers: dict[str, str]) -> None:
    usage = Usage()
    usage.note(LOWER)
    usage.note(headers)
    assert usage.quota(DailyBudget()).used == 10


def test_a_search_tells_nothing_and_an_oauth_app_is_told_nothing(sandbox: HubSpotSandbox) -> None:
    private = HubSpotClient(HubSpotCredentials(access_token=sandbox.access_token, base_url=sandbox.url))
    private.search("contacts", {})
    assert private.quota == Quota(own=1)
    private.account()
    assert (private.quota.total, private.quota.own) == (650_000, 2)
    app = HubSpotClient(
        HubSpotCredentials(
            client_id=sandbox.client_id,
            client_secret=sandbox.client_secret,
            refresh_token=sandbox.refresh_token,
            base_url=sandbox.url,
        )
    )
    app.account()
    assert (app.quota.total, app.quota.remaining, app.quota.own) == (None, None, 1)


ZONES = [
    ({"timeZone": "US/Eastern"}, datetime(2026, 11, 22, 5, tzinfo=UTC)),
    ({"timeZone": "Europe/Berlin"}, datetime(2026, 11, 22, 23, tzinfo=UTC)),
    ({"timeZone": "Asia/Kolkata"}, datetime(2026, 11, 22, 18, 30, tzinfo=UTC)),
    (
        {"timeZone": "Mars/Olympus", "utcOffsetMilliseconds": -14_400_000},
        datetime(2026, 11, 22, 4, tzinfo=UTC),
    ),
    ({"timeZone": "../../etc/passwd", "utcOffsetMilliseconds": 0}, datetime(2026, 11, 23, tzinfo=UTC)),
    ({"timeZone": None, "utcOffsetMilliseconds": 10**12}, None),
    ({}, None),
]


@pytest.mark.parametrize(("account", "midnight"), ZONES)
def test_the_next_day_begins_at_the_accounts_own_midnight(
    account: dict[str, Any], midnight: datetime | None
) -> None:
    usage = Usage(clock=Clock())
    usage.settle(account)
    assert usage.resets_at == midnight


def test_a_day_that_is_lost_to_summer_time_still_ends(recorded: Callable[[str], Any]) -> None:
    clock = Clock()
    clock.now = datetime(2026, 3, 7, 23, tzinfo=UTC)
    usage = Usage(clock=clock)
    usage.settle(recorded("amp-labs/post-auth_account-info.json"))
    assert usage.resets_at == datetime(2026, 3, 8, 5, tzinfo=UTC)
    clock.now = datetime(2026, 3, 8, 12, tzinfo=UTC)
    assert usage.resets_at == datetime(2026, 3, 9, 4, tzinfo=UTC)


@pytest.mark.parametrize("account", [{"timeZone": "US/Eastern"}, {}])
def test_what_was_used_yesterday_does_not_count_today(account: dict[str, Any]) -> None:
    clock = Clock()
    usage = Usage(clock=clock)
    usage.settle(account)
    usage.note(LOWER)
    assert usage.quota(DailyBudget()).remaining == 649_990
    clock.now += timedelta(days=1, seconds=1)
    quota = usage.quota(DailyBudget())
    assert (quota.total, quota.used, quota.remaining) == (650_000, None, None)


def test_a_used_up_day_is_reported_with_its_end_and_costs_no_second_call(
    double: Any, told: Any, client: HubSpotClient, waits: list[float]
) -> None:
    double.answer("GET", ACCOUNT, {"portalId": 1, "timeZone": "US/Eastern"})
    client.account()
    double.answer("POST", f"{PATH}/batch/update", told({"policyName": "DAILY"}, 429))
    with pytest.raises(QuotaError) as spent:
        client.update("contacts", [{"id": "1", "properties": {}}])
    midnight = spent.value.resets_at
    assert midnight is not None
    assert timedelta() < midnight - datetime.now(UTC) <= timedelta(days=1)
    assert midnight == client.quota.resets_at
    assert (len(double.asked), waits) == (2, [])


def test_without_the_accounts_zone_the_end_of_the_day_is_unknown(
    double: Any, told: Any, client: HubSpotClient
) -> None:
    double.answer("GET", PATH, told({"policyName": "DAILY"}, 429))
    with pytest.raises(QuotaError) as spent:
        client.request("GET", PATH)
    assert (spent.value.resets_at, [asked.path for asked in double.asked]) == (None, [PATH])


def test_the_users_budget_counts_every_attempt_and_then_ends(
    double: Any, told: Any, waits: list[float]
) -> None:
    client = HubSpotClient(HubSpotCredentials(access_token="t", base_url=double.url, daily_budget=3))
    double.answer("GET", PATH, told({}, 503), {"results": []})
    client.request("GET", PATH)
    assert (client.quota.own, client.quota.remaining) == (2, 1)
    client.request("GET", PATH)
    with pytest.raises(QuotaError) as spent:
        client.request("GET", PATH)
    assert spent.value.reason == "budget_spent"
    assert (len(double.asked), len(waits)) == (3, 1)
