"""Credentials that cannot work are refused before anything is sent."""

from __future__ import annotations

import pytest

from closedloop.crm.salesforce import SalesforceCredentials
from closedloop.errors import SettingsError


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"login_url": "http://acme.my.salesforce.com", "access_token": "t"}, "plain_http"),
        ({"login_url": "acme.my.salesforce.com", "access_token": "t"}, "bad_url"),
        ({"login_url": "https://user:pass@acme.my.salesforce.com", "access_token": "t"}, "bad_url"),
        ({"login_url": "https://acme.my.salesforce.com/path", "access_token": "t"}, "bad_url"),
        ({"login_url": "https://acme.my.salesforce.com:x", "access_token": "t"}, "bad_url"),
        ({"login_url": "https://acme.my.salesforce.com"}, "no_credentials"),
        ({"login_url": "https://acme.my.salesforce.com", "client_id": "i"}, "half_credentials"),
        (
            {"login_url": "https://login.salesforce.com", "client_id": "i", "client_secret": "s"},
            "shared_login_url",
        ),
        (
            {"login_url": "https://a.my.salesforce.com", "access_token": "t", "api_version": "v62"},
            "bad_api_version",
        ),
    ],
)
def test_credentials_that_cannot_work_are_refused(given: dict[str, str], reason: str) -> None:
    with pytest.raises(SettingsError) as caught:
        SalesforceCredentials(**given)
    assert caught.value.reason == reason


def test_credentials_do_not_show_their_secrets() -> None:
    shown = repr(
        SalesforceCredentials(
            login_url="https://acme.my.salesforce.com/",
            client_id="i",
            client_secret="hush",
            access_token="psst",
        )
    )
    assert "hush" not in shown
    assert "psst" not in shown
    assert "login_url='https://acme.my.salesforce.com'" in shown
