"""What it takes to call a portal: one way in, whole and alone."""

from __future__ import annotations

import pickle
from typing import Any

import pytest

import closedloop
from closedloop.crm.hubspot import HubSpotCredentials
from closedloop.crm.tokens import Token
from closedloop.errors import SettingsError

OAUTH: dict[str, Any] = {"client_id": "id", "client_secret": "s3cret", "refresh_token": "r3fresh"}


def give() -> str:
    return "t"


WAYS: list[dict[str, Any]] = [
    {"access_token": "t"},
    OAUTH,
    {"token_source": give},
    OAUTH | {"access_token": "t"},
    {"token_source": give, "access_token": "t"},
]


@pytest.mark.parametrize("given", WAYS, ids=" + ".join)
def test_each_way_in_is_accepted(given: dict[str, Any]) -> None:
    HubSpotCredentials(**given, on_new_token=print, api_version="2026-09", daily_budget=1)


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({}, "needs credentials"),
    ({"access_token": ""}, "access_token"),
    ({"access_token": "pat-na1-1\n"}, "line break"),
    ({"access_token": "a b"}, "space"),
    ({"access_token": 7}, "access_token"),
    ({"client_id": "id"}, "client_secret and refresh_token"),
    ({"client_id": "id", "client_secret": "s3cret"}, "needs refresh_token"),
    ({"access_token": "t", "refresh_token": "r"}, "client_id and client_secret"),
    (OAUTH | {"client_secret": "s3cret\r\nX-Evil: 1"}, "client_secret"),
    (OAUTH | {"token_source": give}, "contradict"),
    ({"access_token": "t", "api_version": "v4"}, "2026-09"),
    ({"access_token": "t", "api_version": "2019-03"}, "2026-03"),
    ({"access_token": "t", "daily_budget": 0}, "daily_budget"),
    ({"access_token": "t", "searches_per_second": 0}, "searches_per_second"),
]


@pytest.mark.parametrize(("given", "named"), REFUSED)
def test_credentials_that_are_none_half_or_contradictory_are_refused_by_name(
    given: dict[str, Any], named: str
) -> None:
    with pytest.raises(SettingsError) as refused:
        HubSpotCredentials(**given)
    assert named in refused.value.message
    assert "s3cret" not in refused.value.message


def test_no_secret_is_shown() -> None:
    shown = repr(HubSpotCredentials(**OAUTH, access_token="t0ken"))
    assert not any(secret in shown for secret in ("t0ken", "s3cret", "r3fresh"))
    assert "r3fresh" not in repr(Token(value="t0ken", refresh_token="r3fresh"))


def test_credentials_survive_pickling() -> None:
    credentials = HubSpotCredentials(**OAUTH)
    assert pickle.loads(pickle.dumps(credentials)) == credentials  # noqa: S301 - our own bytes


def test_connecting_takes_the_same_names_and_sends_nothing() -> None:
    assert closedloop.connect("hubspot", **OAUTH, daily_budget=5).client.quota.budget == 5
