"""Credentials that cannot work are refused before anything is sent."""

from __future__ import annotations

import warnings
from typing import Any

import pytest

from closedloop.crm.salesforce import SalesforceCredentials
from closedloop.crm.salesforce.credentials import Flow
from closedloop.errors import SettingsError

ORG = "https://acme.my.salesforce.com"


def made(**given: Any) -> SalesforceCredentials:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        return SalesforceCredentials(**{"login_url": ORG, **given})


@pytest.mark.parametrize(
    ("given", "flow"),
    [
        ({"client_id": "i", "client_secret": "s"}, Flow.CLIENT),
        ({"client_id": "i", "client_secret": "s", "access_token": "t"}, Flow.CLIENT),
        ({"client_id": "i", "username": "u", "private_key": "k"}, Flow.JWT),
        ({"client_id": "i", "username": "u", "private_key_file": "k.pem", "audience": "https://a"}, Flow.JWT),
        ({"client_id": "i", "refresh_token": "r"}, Flow.REFRESH),
        ({"client_id": "i", "refresh_token": "r", "client_secret": "s"}, Flow.REFRESH),
        ({"token_source": str}, Flow.SOURCE),
        ({"token_source": str, "access_token": "t"}, Flow.SOURCE),
        ({"access_token": "t"}, Flow.GIVEN),
        ({"client_id": "i", "client_secret": "s", "username": "u", "password": "p"}, Flow.PASSWORD),
        ({"username": "u", "password": "p"}, Flow.SOAP),
        ({"username": "u", "password": "p", "security_token": "x", "api_version": "64.0"}, Flow.SOAP),
    ],
)
def test_what_is_given_tells_the_way_in(given: dict[str, Any], flow: Flow) -> None:
    assert made(**given).flow is flow
    assert made(**given).renewable == (flow is not Flow.GIVEN)


@pytest.mark.parametrize(
    ("given", "reason", "named"),
    [
        ({"login_url": "http://acme.my.salesforce.com", "access_token": "t"}, "plain_http", "https"),
        ({"login_url": "acme.my.salesforce.com", "access_token": "t"}, "bad_url", "login_url"),
        ({"login_url": "https://user:pass@acme.my.salesforce.com", "access_token": "t"}, "bad_url", ""),
        ({"login_url": "https://acme.my.salesforce.com/path", "access_token": "t"}, "bad_url", ""),
        ({"login_url": "https://acme.my.salesforce.com:x", "access_token": "t"}, "bad_url", ""),
        ({"login_url": 5, "access_token": "t"}, "not_text", "login_url"),
        ({}, "no_credentials", "access_token"),
        ({"client_id": "", "client_secret": ""}, "no_credentials", "access_token"),
        ({"client_id": "i"}, "half_credentials", "client_secret"),
        ({"client_secret": "s"}, "half_credentials", "client_id"),
        ({"client_id": "i", "access_token": "t"}, "half_credentials", "client_secret"),
        ({"username": "u"}, "half_credentials", "username"),
        ({"username": "u", "access_token": "t"}, "half_credentials", "username"),
        ({"audience": "https://a", "access_token": "t"}, "half_credentials", "audience"),
        ({"security_token": "x", "access_token": "t"}, "half_credentials", "security_token"),
        ({"private_key": "k"}, "half_credentials", "client_id and username"),
        ({"private_key": "k", "username": "u"}, "half_credentials", "client_id"),
        ({"private_key_file": "k", "client_id": "i"}, "half_credentials", "username"),
        ({"refresh_token": "r"}, "half_credentials", "client_id"),
        ({"password": "p"}, "half_credentials", "username"),
        ({"password": "p", "username": "u", "client_id": "i"}, "half_credentials", "client_secret"),
        ({"client_id": "i", "username": "u", "private_key": "k", "client_secret": "s"},
         "contradictory_credentials", "client_secret"),
        ({"client_id": "i", "username": "u", "private_key": "k", "refresh_token": "r"},
         "contradictory_credentials", "refresh_token"),
        ({"client_id": "i", "username": "u", "private_key": "k", "private_key_file": "f"},
         "contradictory_credentials", "private_key_file"),
        ({"client_id": "i", "refresh_token": "r", "password": "p"}, "contradictory_credentials", "password"),
        ({"client_id": "i", "client_secret": "s", "username": "u"}, "contradictory_credentials", "username"),
        ({"token_source": str, "client_id": "i"}, "contradictory_credentials", "client_id"),
        ({"login_url": "https://login.salesforce.com", "client_id": "i", "client_secret": "s"},
         "shared_login_url", "my domain"),
        ({"login_url": "https://TEST.salesforce.com/", "access_token": "t"}, "shared_login_url", "my domain"),
        ({"access_token": "t", "api_version": "v62"}, "bad_api_version", "62.0"),
        ({"access_token": "t", "api_version": 62.0}, "not_text", "api_version"),
        ({"access_token": "t", "currency": "euro"}, "bad_currency", "EUR"),
        ({"access_token": "t\n"}, "bad_characters", "access_token"),
        ({"access_token": "\u2026"}, "bad_characters", "access_token"),
        ({"client_id": "i", "client_secret": "a b"}, "bad_characters", "client_secret"),
        ({"client_id": 5, "client_secret": "s"}, "not_text", "client_id"),
        ({"client_id": "i", "username": "u", "private_key": "k", "audience": "login"}, "bad_audience", ""),
        ({"access_token": "t", "daily_budget": 0}, "bad_budget", "at least 1"),
        ({"access_token": "t", "daily_budget": True}, "bad_budget", ""),
        ({"access_token": "t", "daily_budget": "100"}, "bad_budget", ""),
        ({"username": "u", "password": "p", "api_version": "65.0"}, "no_soap_login", "client_id"),
        ({"username": "u", "password": "p", "api_version": "68.0"}, "no_soap_login", "client_id"),
    ],
)  # fmt: skip
def test_credentials_that_cannot_work_are_refused(given: dict[str, Any], reason: str, named: str) -> None:
    with pytest.raises(SettingsError) as caught:
        made(**given)
    assert caught.value.reason == reason
    assert named in caught.value.message


@pytest.mark.parametrize("host", ["login.salesforce.com", "test.salesforce.com"])
def test_flows_that_name_a_user_may_use_every_orgs_login(host: str) -> None:
    assert made(login_url=f"https://{host}", client_id="i", username="u", private_key="k").flow is Flow.JWT
    assert made(login_url=f"https://{host}", client_id="i", refresh_token="r").flow is Flow.REFRESH


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"username": "u", "password": "p"}, "2027-06-01"),
        ({"username": "u", "password": "p", "client_id": "i", "client_secret": "s"}, "deprecated"),
    ],
)
def test_what_is_about_to_be_retired_warns_where_the_credentials_are_made(
    given: dict[str, str], says: str
) -> None:
    with pytest.warns(DeprecationWarning, match=says) as caught:
        SalesforceCredentials(login_url=ORG, **given)  # type: ignore[arg-type]
    assert caught[0].filename == __file__


def test_credentials_do_not_show_their_secrets() -> None:
    shown = " ".join(
        repr(made(**given))
        for given in (
            {"login_url": ORG + "/", "client_id": "i", "client_secret": "hush", "access_token": "psst"},
            {"client_id": "i", "refresh_token": "hush", "client_secret": "psst"},
            {"client_id": "i", "username": "jane@example.com", "private_key": "hush"},
            {"username": "jane@example.com", "password": "hush", "security_token": "psst"},
        )
    )
    assert not [word for word in ("hush", "psst", "jane") if word in shown]
    assert "login_url='https://acme.my.salesforce.com'" in shown
