"""How sessions are got and how they end: by every flow, by hand and with the vendor world's client."""

from __future__ import annotations

from typing import Any

import jwt
import pytest
import requests
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from simple_salesforce.api import Salesforce
from simple_salesforce.exceptions import SalesforceAuthenticationFailed
from simple_salesforce.login import SalesforceLogin

from closedloop.sandbox.salesforce import SalesforceSandbox

JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"


@pytest.fixture(scope="module")
def keys() -> tuple[str, str]:
    """A private key and its public one."""
    made = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    private = made.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    public = made.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return private.decode(), public.decode()


def token(sandbox: SalesforceSandbox, **form: str) -> requests.Response:
    return requests.post(f"{sandbox.url}/services/oauth2/token", data=form, timeout=10)


def lets_in(sandbox: SalesforceSandbox, access_token: str) -> bool:
    headers = {"Authorization": f"Bearer {access_token}"}
    answer = requests.get(f"{sandbox.url}/services/data/v62.0/limits", headers=headers, timeout=10)
    if answer.status_code == 401:
        assert answer.json() == [{"message": "Session expired or invalid", "errorCode": "INVALID_SESSION_ID"}]
    return answer.status_code == 200


def claims(sandbox: SalesforceSandbox, clock: Any, **other: Any) -> dict[str, Any]:
    return {
        "iss": sandbox.client_id,
        "sub": sandbox.login.username,
        "aud": "https://login.salesforce.com",
        "exp": int(clock.now.timestamp()) + 180,
    } | other


def test_an_assertion_gets_a_session(
    salesforce: SalesforceSandbox, clock: Any, keys: tuple[str, str]
) -> None:
    salesforce.login.public_key = keys[1]
    for audience in ("https://login.salesforce.com", "https://acme.my.salesforce.com", salesforce.url):
        made = jwt.encode(claims(salesforce, clock, aud=audience), keys[0], algorithm="RS256")
        body = token(salesforce, grant_type=JWT_BEARER, assertion=made).json()
        assert lets_in(salesforce, body["access_token"])
        assert (body["instance_url"], "refresh_token" in body) == (salesforce.url, False)


@pytest.mark.parametrize(("late", "status"), [(0, 200), (179, 200), (180, 400)])
def test_clocks_may_differ_by_three_minutes(
    salesforce: SalesforceSandbox, clock: Any, keys: tuple[str, str], late: int, status: int
) -> None:
    salesforce.login.public_key = keys[1]
    expiry = clock.now.timestamp() - late
    made = jwt.encode(claims(salesforce, clock, exp=expiry), keys[0], algorithm="RS256")
    assert token(salesforce, grant_type=JWT_BEARER, assertion=made).status_code == status


@pytest.mark.parametrize(
    ("wrong", "description"),
    [
        ({"iss": "stranger"}, "client identifier invalid"),
        ({"sub": "nobody@example.com"}, "user hasn't approved this consumer"),
        ({"aud": "https://salesforce.example.com"}, "audience is invalid"),
        ({"aud": ["https://login.salesforce.com"]}, "audience is invalid"),
        ({"exp": 1_700_000_000}, "expired authorization code"),
        ({"exp": "soon"}, "expired authorization code"),
        ({"exp": None}, "expired authorization code"),
    ],
)
def test_an_assertion_that_claims_wrong_things_is_refused(
    salesforce: SalesforceSandbox,
    clock: Any,
    keys: tuple[str, str],
    wrong: dict[str, Any],
    description: str,
) -> None:
    salesforce.login.public_key = keys[1]
    made = jwt.encode(claims(salesforce, clock, **wrong), keys[0], algorithm="RS256")
    answer = token(salesforce, grant_type=JWT_BEARER, assertion=made)
    error = "invalid_client_id" if "iss" in wrong else "invalid_grant"
    assert (answer.status_code, answer.json()) == (400, {"error": error, "error_description": description})


def test_an_assertion_that_nobody_known_signed_is_refused(
    salesforce: SalesforceSandbox, clock: Any, keys: tuple[str, str]
) -> None:
    signed = jwt.encode(claims(salesforce, clock), keys[0], algorithm="RS256")
    unsigned = jwt.encode(claims(salesforce, clock), "", algorithm="none")
    secret = jwt.encode(claims(salesforce, clock), "s" * 32, algorithm="HS256")
    answers = [token(salesforce, grant_type=JWT_BEARER, assertion=signed)]
    salesforce.login.public_key = keys[1]
    answers += [
        token(salesforce, grant_type=JWT_BEARER, assertion=made)
        for made in (unsigned, secret, signed[:-4] + "AAAA", "nonsense", "")
    ]
    assert {answer.json()["error_description"] for answer in answers} == {"invalid assertion"}


def test_the_vendor_worlds_client_logs_in_with_an_assertion(
    client: Any, salesforce: SalesforceSandbox, clock: Any, keys: tuple[str, str]
) -> None:
    salesforce.login.public_key = keys[1]
    made: Any = Salesforce(
        username=salesforce.login.username,
        consumer_key=salesforce.client_id,
        privatekey=keys[0],
        session=client.session,
        version="62.0",
    )
    assert made.limits()["DailyApiRequests"]["Max"] == 15_000


def test_an_app_that_is_not_approved_gets_nothing(
    salesforce: SalesforceSandbox, clock: Any, keys: tuple[str, str]
) -> None:
    salesforce.login.public_key, salesforce.login.approved = keys[1], False
    made = jwt.encode(claims(salesforce, clock), keys[0], algorithm="RS256")
    answer = token(salesforce, grant_type=JWT_BEARER, assertion=made)
    assert answer.json()["error_description"] == "user hasn't approved this consumer"


def refresh(sandbox: SalesforceSandbox, given: str | None, **other: str) -> requests.Response:
    form = {"client_id": sandbox.client_id, "client_secret": sandbox.client_secret} | other
    return token(sandbox, grant_type="refresh_token", refresh_token=given or "", **form)


def test_a_refresh_token_is_used_again_until_it_is_revoked(salesforce: SalesforceSandbox) -> None:
    given = salesforce.login.refresh_token
    for _ in range(2):
        body = refresh(salesforce, given).json()
        assert lets_in(salesforce, body["access_token"])
        assert "refresh_token" not in body
    salesforce.login.refresh_token = None
    answer = refresh(salesforce, given)
    expected = {"error": "invalid_grant", "error_description": "expired access/refresh token"}
    assert (answer.status_code, answer.json()) == (400, expected)


def test_a_refresh_token_may_be_replaced_at_every_use(salesforce: SalesforceSandbox) -> None:
    salesforce.login.rotates = True
    first = salesforce.login.refresh_token
    second = refresh(salesforce, first).json()["refresh_token"]
    assert refresh(salesforce, first).json()["error"] == "invalid_grant"
    assert refresh(salesforce, second).status_code == 200


def test_an_app_may_do_without_the_secret_for_refreshing(salesforce: SalesforceSandbox) -> None:
    given = salesforce.login.refresh_token
    assert refresh(salesforce, given, client_secret="").json()["error"] == "invalid_client"
    salesforce.login.secret_for_refresh = False
    assert refresh(salesforce, given, client_secret="").status_code == 200
    assert refresh(salesforce, given, client_secret="wrong").json()["error"] == "invalid_client"


def test_the_client_credentials_flow_needs_a_user(salesforce: SalesforceSandbox) -> None:
    salesforce.login.domain_user = False
    form = {"client_id": salesforce.client_id, "client_secret": salesforce.client_secret}
    answer = token(salesforce, grant_type="client_credentials", **form)
    assert answer.json()["error_description"] == "no client credentials user enabled"


def vendor_login(sandbox: SalesforceSandbox, session: Any, **how: Any) -> bool:
    access_token, instance = SalesforceLogin(
        username=sandbox.login.username, session=session, sf_version="62.0", **how
    )
    assert instance == sandbox.url.removeprefix("http://")
    return lets_in(sandbox, access_token)


def test_the_vendor_worlds_client_logs_in_with_a_password(client: Any, salesforce: SalesforceSandbox) -> None:
    login, session = salesforce.login, client.session
    assert vendor_login(salesforce, session, password=login.password, security_token=login.security_token)
    assert vendor_login(
        salesforce, session, password=login.password, organizationId=salesforce.organization_id
    )
    keys = {"consumer_key": login.client_id, "consumer_secret": login.client_secret}
    assert vendor_login(salesforce, session, password=login.password, **keys)


@pytest.mark.parametrize(
    ("how", "code"),
    [
        ({"security_token": "wrong"}, "INVALID_LOGIN"),
        ({"consumer_key": "sandbox-client", "consumer_secret": "wrong"}, "invalid_client"),
    ],
)
def test_a_wrong_password_is_refused(
    client: Any, salesforce: SalesforceSandbox, how: dict[str, str], code: str
) -> None:
    with pytest.raises(SalesforceAuthenticationFailed) as caught:
        vendor_login(salesforce, client.session, password="wrong", **how)
    assert caught.value.code == code


def test_a_password_that_is_wrong_is_an_authentication_failure(salesforce: SalesforceSandbox) -> None:
    form = {"client_id": salesforce.client_id, "client_secret": salesforce.client_secret}
    answer = token(salesforce, grant_type="password", username="integration@example.com", **form)
    assert answer.json() == {"error": "invalid_grant", "error_description": "authentication failure"}


def test_soap_login_is_gone_from_new_versions(salesforce: SalesforceSandbox) -> None:
    body = (
        '<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body>'
        '<login xmlns="urn:partner.soap.sforce.com"/></e:Body></e:Envelope>'
    )
    for version, code in (("65.0", "INVALID_OPERATION"), ("64.0", "INVALID_LOGIN")):
        url = f"{salesforce.url}/services/Soap/u/{version}"
        answer = requests.post(url, data=body, headers={"SOAPAction": '""'}, timeout=10)
        assert answer.status_code == 500
        assert f"exceptionCode>{code}<" in answer.text


def test_a_session_ends_when_it_was_not_used_for_long(salesforce: SalesforceSandbox, clock: Any) -> None:
    salesforce.sessions.lifetime = 7200
    clock.move(seconds=7000)
    assert lets_in(salesforce, salesforce.access_token)
    clock.move(seconds=7000)
    assert lets_in(salesforce, salesforce.access_token)
    clock.move(seconds=7201)
    assert not lets_in(salesforce, salesforce.access_token)


def test_one_session_is_ended(salesforce: SalesforceSandbox) -> None:
    other = salesforce.sessions.issue()
    salesforce.sessions.end(salesforce.access_token)
    assert (lets_in(salesforce, salesforce.access_token), lets_in(salesforce, other)) == (False, True)
