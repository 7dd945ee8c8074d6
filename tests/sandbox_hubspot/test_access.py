"""Tokens: the private app's, and an OAuth app's that end by the portal's clock."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests
from hubspot import HubSpot

from closedloop.sandbox.hubspot import HubSpotSandbox

CONTACTS = "/crm/v3/objects/contacts"


@pytest.fixture
def sandbox(clock: Any) -> Iterator[HubSpotSandbox]:
    with HubSpotSandbox(clock=clock) as running:
        yield running


@pytest.fixture
def form(sandbox: HubSpotSandbox) -> dict[str, str]:
    return {
        "grant_type": "refresh_token",
        "client_id": sandbox.client_id,
        "client_secret": sandbox.client_secret,
        "refresh_token": sandbox.refresh_token,
    }


@pytest.fixture
def ask(sandbox: HubSpotSandbox) -> Callable[..., requests.Response]:
    """Asks for a token, without one."""

    def post(path: str = "/oauth/v3/token", **more: Any) -> requests.Response:
        return requests.post(sandbox.url + path, timeout=10, **more)

    return post


def listed(sandbox: HubSpotSandbox, token: str) -> requests.Response:
    headers = {"Authorization": f"Bearer {token}"}
    return requests.get(sandbox.url + CONTACTS, headers=headers, timeout=10)


@pytest.mark.parametrize("path", ["/oauth/v1/token", "/oauth/v3/token", "/oauth/2026-03/token"])
def test_a_refresh_token_is_changed_for_an_access_token(
    sandbox: HubSpotSandbox, ask: Any, form: dict[str, str], path: str
) -> None:
    told = ask(path, data=form).json()
    assert (told["token_type"], told["expires_in"]) == ("bearer", 1800)
    assert told["refresh_token"] == sandbox.refresh_token
    assert listed(sandbox, told["access_token"]).status_code == 200


def test_hubspots_own_client_gets_a_token(sandbox: HubSpotSandbox, form: dict[str, str]) -> None:
    hub = HubSpot(host=sandbox.url, base_url=sandbox.url, retry=False)
    token = hub.oauth.tokens_api.create(**form)
    assert token.expires_in == 1800
    assert hub.oauth.access_tokens_api.get(token.access_token).hub_id == sandbox.portal_id


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        ("client_id", "BAD_CLIENT_ID"),
        ("client_secret", "BAD_CLIENT_SECRET"),
        ("grant_type", "BAD_GRANT_TYPE"),
        ("refresh_token", "BAD_REFRESH_TOKEN"),
    ],
)
def test_what_is_wrong_is_refused_by_name(ask: Any, form: dict[str, str], field: str, expected: str) -> None:
    for wrong in ({**form, field: "other"}, {k: v for k, v in form.items() if k != field}):
        answer = ask(data=wrong)
        assert (answer.status_code, answer.json()["status"]) == (400, expected)
        assert "category" not in answer.json()


def test_version_3_takes_nothing_from_the_url(ask: Any, form: dict[str, str]) -> None:
    assert ask("/oauth/v3/token", params=form).status_code == 400
    assert ask("/oauth/v1/token", params=form).status_code == 200


def test_a_token_ends_by_the_portals_clock(
    sandbox: HubSpotSandbox, ask: Any, form: dict[str, str], clock: Any
) -> None:
    token = ask(data=form).json()["access_token"]
    clock.passes(1799)
    assert listed(sandbox, token).status_code == 200
    clock.passes(8)
    answer = listed(sandbox, token)
    assert answer.status_code == 401
    assert answer.json()["category"] == "EXPIRED_AUTHENTICATION"
    assert answer.json()["message"] == "The OAuth token used to make this call expired 7 second(s) ago."
    assert answer.json()["context"] == {"expire time": ["2026-11-20T14:33:00.000Z"]}
    assert listed(sandbox, sandbox.access_token).status_code == 200


def test_a_revoked_refresh_token_is_refused(sandbox: HubSpotSandbox, ask: Any, form: dict[str, str]) -> None:
    sandbox.revoke()
    answer = ask(data=form)
    assert answer.json()["message"] == "missing or invalid refresh token"
    assert ask(data=form | {"refresh_token": sandbox.refresh_token}).status_code == 200


def test_an_oauth_app_is_told_nothing_of_days(
    sandbox: HubSpotSandbox, ask: Any, form: dict[str, str]
) -> None:
    headers = listed(sandbox, ask(data=form).json()["access_token"]).headers
    assert headers["X-HubSpot-RateLimit-Max"] == "110"
    assert not [name for name in headers if "Daily" in name]
    assert "X-HubSpot-RateLimit-Daily-Remaining" in listed(sandbox, sandbox.access_token).headers


def test_an_ended_token_is_described_no_more(
    sandbox: HubSpotSandbox, ask: Any, form: dict[str, str], clock: Any
) -> None:
    token = ask(data=form).json()["access_token"]
    clock.passes(100)
    url = f"{sandbox.url}/oauth/v1/access-tokens/{token}"
    assert requests.get(url, timeout=10).json()["expires_in"] == 1700
    clock.passes(1700)
    assert requests.get(url, timeout=10).status_code == 404


def test_the_answers_tell_the_portals_time(sandbox: HubSpotSandbox) -> None:
    assert listed(sandbox, sandbox.access_token).headers["Date"] == "Fri, 20 Nov 2026 14:03:00 GMT"
