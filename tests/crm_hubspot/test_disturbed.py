"""The client against a whole portal whose answers go wrong on their way, and whose tokens end."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from closedloop.crm import retry
from closedloop.crm.hubspot import HubSpotCredentials
from closedloop.crm.hubspot.client import HubSpotClient
from closedloop.errors import AnswerError, AuthenticationError, QuotaError, RetryableError, UncertainError
from closedloop.sandbox.disturbance import Disturbance
from closedloop.sandbox.hubspot import HubSpotSandbox

CONTACTS = "/crm/v3/objects/contacts"
ADA = {"properties": {"email": "ada@example.com"}, "objectWriteTraceId": "ada"}
BROKEN = (Disturbance.RESET, Disturbance.LOST, Disturbance.TRUNCATED)


class Clock:
    now = datetime(2026, 11, 22, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def seconds(self) -> float:
        return self.now.timestamp()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def sandbox(clock: Clock) -> Iterator[HubSpotSandbox]:
    with HubSpotSandbox(clock=clock, token_lifetime=1800) as sandbox:
        yield sandbox


@pytest.fixture
def client(sandbox: HubSpotSandbox, clock: Clock) -> HubSpotClient:
    credentials = HubSpotCredentials(
        client_id=sandbox.client_id,
        client_secret=sandbox.client_secret,
        refresh_token=sandbox.refresh_token,
        base_url=sandbox.url,
    )
    return HubSpotClient(credentials, clock=clock.seconds)


def issued(sandbox: HubSpotSandbox) -> int:
    return sandbox.portal.requests["POST", "/oauth/v3/token"]


@pytest.mark.parametrize("what", BROKEN)
def test_a_read_that_broke_off_is_made_again(
    sandbox: HubSpotSandbox, client: HubSpotClient, waits: list[float], what: Disturbance
) -> None:
    contact = sandbox.portal.create("contacts", {"email": "ada@example.com"})
    sandbox.disturbances.plan(what, times=2, path="/search")
    found, _ = client.search("contacts", {"properties": ["email"]})
    assert ([each["id"] for each in found], len(waits)) == ([contact], 2)


@pytest.mark.parametrize("what", BROKEN)
def test_an_update_that_broke_off_is_made_again_and_changes_nothing_twice(
    sandbox: HubSpotSandbox, client: HubSpotClient, waits: list[float], what: Disturbance
) -> None:
    contact = sandbox.portal.create("contacts", {"email": "ada@example.com"})
    sandbox.disturbances.plan(what, path="/update")
    client.update("contacts", [{"id": contact, "properties": {"firstname": "Ada"}}])
    assert sandbox.portal.get("contacts", contact)["properties"]["firstname"] == "Ada"


@pytest.mark.parametrize(("what", "made"), [(BROKEN[0], 0), (BROKEN[1], 1), (BROKEN[2], 1)])
def test_a_create_that_broke_off_is_uncertain_and_never_made_twice(
    sandbox: HubSpotSandbox, client: HubSpotClient, waits: list[float], what: Disturbance, made: int
) -> None:
    sandbox.disturbances.plan(what, path="/create")
    with pytest.raises(UncertainError):
        client.create("contacts", [ADA])
    assert (len(sandbox.portal.ids("contacts")), waits) == (made, [])


@pytest.mark.parametrize("what", [Disturbance.SILENCE, Disturbance.DRIPPING, Disturbance.DELAYED])
def test_a_create_that_is_answered_too_late_is_uncertain(
    sandbox: HubSpotSandbox, client: HubSpotClient, what: Disturbance
) -> None:
    client.account()
    sandbox.disturbances.plan(what, path="/create", seconds=0.2)
    with pytest.raises(UncertainError) as uncertain:
        retry.call(lambda: client.create("contacts", [ADA]), deadline=0.15)
    assert uncertain.value.reason == "uncertain"


def test_a_page_instead_of_an_answer_is_no_answer(sandbox: HubSpotSandbox, client: HubSpotClient) -> None:
    sandbox.disturbances.plan(Disturbance.PAGE, times=2, path="/crm/")
    with pytest.raises(AnswerError):
        client.search("contacts", {})
    with pytest.raises(UncertainError):
        client.create("contacts", [ADA])


@pytest.mark.parametrize("what", [*BROKEN, Disturbance.PAGE])
def test_a_token_that_did_not_arrive_is_asked_for_again(
    sandbox: HubSpotSandbox, client: HubSpotClient, waits: list[float], what: Disturbance
) -> None:
    sandbox.disturbances.plan(what, path="/token")
    if what is Disturbance.PAGE:
        with pytest.raises(AnswerError):
            client.account()
    assert client.account()["portalId"] == sandbox.portal_id


def test_a_token_is_renewed_in_time_and_never_refused(
    sandbox: HubSpotSandbox, client: HubSpotClient, clock: Clock
) -> None:
    for _ in range(5):
        client.account()
        clock.now += timedelta(seconds=900)
    # Two in the first half hour, one minute of which is kept free, and so on.
    assert issued(sandbox) == 3
    assert sandbox.portal.requests["GET", "/account-info/v3/details"] == 5


def test_a_token_that_ended_unseen_is_renewed_in_the_middle_of_a_list(
    sandbox: HubSpotSandbox, clock: Clock
) -> None:
    for number in range(250):
        sandbox.portal.create("contacts", {"email": f"{number}@example.com"})
    credentials = HubSpotCredentials(
        client_id=sandbox.client_id,
        client_secret=sandbox.client_secret,
        refresh_token=sandbox.refresh_token,
        base_url=sandbox.url,
    )
    client = HubSpotClient(credentials, clock=lambda: 0.0)  # this machine's clock stands still
    seen: list[Any] = []
    after: str | None = None
    for _ in range(3):
        page, after = client.page("contacts", wanted=["email"], after=after)
        seen += page
        clock.now += timedelta(hours=1)
    assert (len(seen), after, issued(sandbox)) == (250, None, 3)


def test_an_app_that_was_uninstalled_is_told_so(
    sandbox: HubSpotSandbox, client: HubSpotClient, clock: Clock
) -> None:
    client.account()
    sandbox.revoke()
    clock.now += timedelta(hours=1)
    with pytest.raises(AuthenticationError) as refused:
        client.account()
    assert (refused.value.reason, refused.value.code) == ("refresh_refused", "BAD_REFRESH_TOKEN")


def test_the_portals_limits_are_told_apart(sandbox: HubSpotSandbox, clock: Clock, waits: list[float]) -> None:
    client = HubSpotClient(HubSpotCredentials(access_token=sandbox.access_token, base_url=sandbox.url))
    client.account()
    sandbox.portal.limits.enforce(searches=1)
    client.search("contacts", {})
    with pytest.raises(RetryableError) as hurried:
        client.search("contacts", {})
    assert (hurried.value.reason, hurried.value.retry_after) == ("rate_limited", 1.0)
    sandbox.portal.limits.enforce(daily=1)
    waits.clear()
    with pytest.raises(QuotaError) as spent:
        client.account()
    assert (spent.value.reason, waits, client.quota.remaining) == ("daily_quota", [], 0)
    assert spent.value.resets_at is not None
