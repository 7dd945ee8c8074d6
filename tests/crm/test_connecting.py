"""`connect`: what is misspelt is named, with what was probably meant."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

import closedloop
from closedloop.errors import SettingsError

URL = "https://example.my.salesforce.com"


@pytest.mark.parametrize(
    ("name", "credentials", "reason", "said"),
    [
        ("salesforc", {}, "unknown_crm", "connect one of salesforce, hubspot"),
        ("salesforce", {"client_idd": "x", "login_url": URL}, "unknown_credential",
         "Salesforce takes no credential `client_idd`; did you mean `client_id`?"),
        ("hubspot", {"acces_token": "x"}, "unknown_credential",
         "HubSpot takes no credential `acces_token`; did you mean `access_token`?"),
        ("salesforce", {"client_id": "x", "client_secret": "y"}, "no_credentials", "needs `login_url`"),
        ("hubspot", {"access_token": "x", "mappings": "folder"}, "bad_mappings", "closedloop.load_mappings"),
    ],
)  # fmt: skip
def test_a_mistake_is_named(name: str, credentials: dict[str, Any], reason: str, said: str) -> None:
    with pytest.raises(SettingsError) as caught:
        closedloop.connect(name, **credentials)
    assert caught.value.reason == reason
    assert said in str(caught.value)
    assert "__init__" not in str(caught.value)


def test_a_credential_that_is_misspelt_is_not_repeated_with_its_value() -> None:
    with pytest.raises(SettingsError) as caught:
        closedloop.connect("hubspot", acces_token="pat-secret")
    assert "pat-secret" not in str(caught.value)


def test_the_errors_are_there_without_another_import() -> None:
    code = "import closedloop; print(closedloop.errors.GoneError.action, 'errors' in dir(closedloop))"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["skip", "True"]
