"""How fast HubSpot is called, and with which credentials."""

from __future__ import annotations

from typing import Any

import pytest

from closedloop.crm.hubspot import HubSpotCredentials
from closedloop.crm.hubspot.client import HubSpotClient
from closedloop.crm.hubspot.limiter import RollingLimit
from closedloop.errors import RetryableError, SettingsError


class Clock:
    """Time that passes only by sleeping."""

    def __init__(self) -> None:
        self.now = 100.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


def limit(clock: Clock, calls: int | None, seconds: float) -> RollingLimit:
    return RollingLimit(calls, seconds=seconds, clock=clock, sleep=clock.sleep)


def test_no_window_of_ten_seconds_ever_holds_more_calls_than_allowed() -> None:
    clock, times = Clock(), list[float]()
    bound = limit(clock, 4, 10)
    for step in range(40):
        bound.wait()
        times.append(clock.now)
        clock.now += 0.1 * (step % 5)
    assert all(later - earlier >= 10 for earlier, later in zip(times, times[4:], strict=False))


def test_calls_within_the_allowance_do_not_wait() -> None:
    clock = Clock()
    bound = limit(clock, 5, 1)
    for _ in range(5):
        bound.wait()
    assert clock.slept == []
    bound.wait()
    assert clock.slept == [1.0]


def test_a_wait_that_would_be_too_long_is_told_and_takes_nothing() -> None:
    clock = Clock()
    bound = limit(clock, 1, 10)
    bound.wait(most=0)
    with pytest.raises(RetryableError) as refused:
        bound.wait(most=9.9)
    assert (refused.value.reason, refused.value.retry_after, clock.slept) == ("rate_limited", 10.0, [])
    bound.wait(most=10)
    assert clock.slept == [10.0]


def test_without_a_limit_nothing_waits() -> None:
    clock = Clock()
    bound = limit(clock, None, 1)
    for _ in range(1000):
        bound.wait()
    assert clock.slept == []


def test_towards_hubspot_the_smallest_allowance_holds_and_towards_this_machine_none() -> None:
    real = HubSpotCredentials(access_token="t")
    local = HubSpotCredentials(access_token="t", base_url="http://127.0.0.1:8080")
    told = HubSpotCredentials(access_token="t", base_url="http://localhost", calls_per_10_seconds=190)
    assert (real.call_limit, real.search_limit) == (100, 5)
    assert (local.call_limit, local.search_limit) == (None, None)
    assert (told.call_limit, told.search_limit) == (190, None)


def test_the_token_is_not_shown() -> None:
    assert "s3cret" not in repr(HubSpotCredentials(access_token="s3cret"))


REFUSED = [
    {"base_url": "http://api.hubapi.com"},
    {"base_url": "http://127.0.0.1.example.com"},
    {"base_url": "ftp://api.hubapi.com"},
    {"base_url": "https://user:secret@api.hubapi.com"},
    {"base_url": "https://api.hubapi.com/crm"},
    {"base_url": "https://api.hubapi.com?x=1"},
    {"base_url": "https://api.hubapi.com:port"},
    {"base_url": "https://[::1"},
    {"base_url": ""},
    {"access_token": " "},
    {"access_token": "tök"},
    {"calls_per_10_seconds": -1},
]


@pytest.mark.parametrize("changed", REFUSED)
def test_credentials_that_would_leak_or_fail_are_refused(changed: dict[str, object]) -> None:
    with pytest.raises(SettingsError):
        HubSpotCredentials(**({"access_token": "t"} | changed))  # type: ignore[arg-type] # any of the fields


@pytest.mark.parametrize("url", ["https://api.hubapi.com/", "http://[::1]:80", "http://127.9.9.9"])
def test_https_and_this_machine_are_accepted(url: str) -> None:
    HubSpotCredentials(access_token="t", base_url=url)


def test_searches_wait_for_a_bucket_of_their_own(double: Any) -> None:
    slept: list[float] = []
    credentials = HubSpotCredentials(access_token="t", base_url=double.url, searches_per_second=2)
    client = HubSpotClient(credentials, sleep=slept.append)
    double.answer("POST", "/crm/v3/objects/contacts/search", {"results": []})
    double.answer("GET", "/marketing/v3/campaigns", {"results": []})
    for _ in range(3):
        client.campaigns(wanted=["hs_name"], after=None)
    assert slept == []
    for _ in range(3):
        client.search("contacts", {})
    assert len(slept) == 1
    assert 0 < slept[0] <= 1


def test_all_calls_wait_for_the_allowance_of_ten_seconds(double: Any) -> None:
    slept: list[float] = []
    credentials = HubSpotCredentials(access_token="t", base_url=double.url, calls_per_10_seconds=3)
    client = HubSpotClient(credentials, sleep=slept.append, clock=lambda: 0.0)
    double.answer("POST", "/crm/v3/objects/contacts/search", {"results": []})
    double.answer("GET", "/marketing/v3/campaigns", {"results": []})
    for _ in range(2):
        client.search("contacts", {})
        client.campaigns(wanted=["hs_name"], after=None)
    assert slept == [10.0]
