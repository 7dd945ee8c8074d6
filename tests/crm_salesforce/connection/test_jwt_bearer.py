"""The JWT bearer flow: what is signed, for whom, and with which keys."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from closedloop.crm.raw import Answer
from closedloop.crm.salesforce import SalesforceCredentials
from closedloop.crm.salesforce.auth import ASSERTION_LIFE, tokens
from closedloop.crm.salesforce.soql import Question
from closedloop.errors import SettingsError

QUERY = "/services/data/v62.0/query/"
TOKEN = "/services/oauth2/token"
ASK = [Question("SELECT Id FROM Lead")]
ROWS = {"done": True, "records": []}
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
PEM = KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def form(asked: Any) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(asked.body.decode()).items()}


def bearers(double: Any) -> list[str]:
    return [asked.headers["authorization"] for asked in double.asked if asked.path == QUERY]


@pytest.mark.parametrize("way", ["private_key", "private_key_file"])
def test_the_jwt_bearer_flow_signs_an_assertion_for_the_user(
    opened: Any, double: Any, tmp_path: Path, way: str
) -> None:
    (tmp_path / "key.pem").write_text(PEM)
    given = PEM if way == "private_key" else tmp_path / "key.pem"
    opened(client_id="an-id", username="integration@example.com", **{way: given}).query(ASK)
    sent = form(double.asked[0])
    assert sent["grant_type"] == "urn:ietf:params:oauth:grant-type:jwt-bearer"
    claims = jwt.decode(
        sent["assertion"], KEY.public_key(), algorithms=["RS256"], audience="https://login.salesforce.com"
    )
    assert (claims["iss"], claims["sub"]) == ("an-id", "integration@example.com")
    assert 0 < claims["exp"] - time.time() <= ASSERTION_LIFE
    assert set(sent) == {"grant_type", "assertion"}
    assert bearers(double) == ["Bearer first"]


@pytest.mark.parametrize(
    ("login_url", "given", "audience"),
    [
        ("https://acme.my.salesforce.com", None, "https://login.salesforce.com"),
        ("https://login.salesforce.com", None, "https://login.salesforce.com"),
        ("https://test.salesforce.com", None, "https://test.salesforce.com"),
        ("https://acme--dev.sandbox.my.salesforce.com", None, "https://test.salesforce.com"),
        (
            "https://acme.my.salesforce.com",
            "https://acme.my.site.com/partners",
            "https://acme.my.site.com/partners",
        ),
    ],
)
def test_the_audience_is_that_of_the_login_url_unless_given(
    login_url: str, given: str | None, audience: str
) -> None:
    posted: list[Any] = []

    def post(url: str, body: Any, headers: Any = None) -> Answer:
        posted.append((url, body))
        return Answer(
            status=200, body=b'{"access_token": "t", "instance_url": "https://acme.my.salesforce.com"}'
        )

    credentials = SalesforceCredentials(
        login_url=login_url, client_id="i", username="u", private_key=PEM, audience=given
    )
    tokens(credentials, post, now=lambda: 1_000_000.0).present()
    ((url, body),) = posted
    claims = jwt.decode(body["assertion"], options={"verify_signature": False})
    assert (url, claims["aud"], claims["exp"]) == (
        f"{login_url}{TOKEN}",
        audience,
        1_000_000 + ASSERTION_LIFE,
    )


@pytest.mark.parametrize(
    "key",
    [
        "not a key",
        "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----",
        KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode(),
        KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"x")).decode(),
        ec.generate_private_key(ec.SECP256R1())
        .private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        .decode(),
        "half \ud83d",
    ],
    ids=["words", "garbage", "public", "passphrase", "elliptic", "surrogate"],
)
def test_a_key_that_cannot_sign_is_told_when_connecting_and_not_quoted(opened: Any, key: str) -> None:
    with pytest.raises(SettingsError) as caught:
        opened(client_id="i", username="u", private_key=key)
    assert caught.value.reason == "bad_private_key"
    assert "AAAA" not in str(caught.value)


def test_a_key_file_that_is_missing_is_named(opened: Any, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"nowhere\.pem"):
        opened(client_id="i", username="u", private_key_file=tmp_path / "nowhere.pem")
