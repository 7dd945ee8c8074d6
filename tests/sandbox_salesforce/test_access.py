"""The flows that send a browser, and what is told of tokens and of who holds them."""

from __future__ import annotations

import base64
import hashlib
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from closedloop.sandbox.salesforce import SalesforceSandbox

CALLBACK = "https://app.example.com/callback"
VERIFIER = "v" * 64
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()


def oauth(sandbox: SalesforceSandbox, path: str, method: str = "POST", **values: str) -> requests.Response:
    where = {"params": values} if method == "GET" else {"data": values}
    url = f"{sandbox.url}/services/oauth2/{path}"
    return requests.request(method, url, timeout=10, allow_redirects=False, **where)  # type: ignore[arg-type]


def sent_back(sandbox: SalesforceSandbox, **values: str) -> dict[str, str]:
    """What the browser carries to the app."""
    given = {"client_id": sandbox.client_id, "redirect_uri": CALLBACK, "response_type": "code"} | values
    answer = oauth(sandbox, "authorize", "GET", **given)
    assert answer.status_code == 302, answer.text
    parts = urlsplit(answer.headers["Location"])
    assert f"{parts.scheme}://{parts.netloc}{parts.path}" == CALLBACK
    return {name: value[0] for name, value in parse_qs(parts.query or parts.fragment).items()}


def exchanged(sandbox: SalesforceSandbox, code: str, **other: str) -> requests.Response:
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": CALLBACK,
        "client_id": sandbox.client_id,
        "client_secret": sandbox.client_secret,
    }
    return oauth(sandbox, "token", **(form | other))


def test_a_code_becomes_a_session_once(salesforce: SalesforceSandbox) -> None:
    back = sent_back(salesforce, state="s 1", scope="api refresh_token id")
    assert back["state"] == "s 1"
    body = exchanged(salesforce, back["code"]).json()
    assert list(body) == [
        *("access_token", "refresh_token", "scope", "signature", "instance_url", "id", "token_type"),
        "issued_at",
    ]
    assert body["scope"] == "api refresh_token id"
    assert body["refresh_token"] == salesforce.login.refresh_token
    assert salesforce.sessions.holds(body["access_token"])
    again = exchanged(salesforce, back["code"])
    expected = {"error": "invalid_grant", "error_description": "invalid authorization code"}
    assert (again.status_code, again.json()) == (400, expected)


def test_a_code_without_the_scope_for_it_gets_no_refresh_token(salesforce: SalesforceSandbox) -> None:
    body = exchanged(salesforce, sent_back(salesforce, scope="api")["code"]).json()
    assert (body["scope"], "refresh_token" in body) == ("api", False)


def test_a_code_with_a_proof_key_needs_no_secret(salesforce: SalesforceSandbox) -> None:
    code = sent_back(salesforce, code_challenge=CHALLENGE, code_challenge_method="S256")["code"]
    assert exchanged(salesforce, code, client_secret="", code_verifier=VERIFIER).status_code == 200
    code = sent_back(salesforce, code_challenge=CHALLENGE)["code"]
    wrong = exchanged(salesforce, code, code_verifier="wrong").json()
    assert wrong == {"error": "invalid_grant", "error_description": "invalid code verifier"}
    plain = sent_back(salesforce)["code"]
    assert exchanged(salesforce, plain, client_secret="").json()["error"] == "invalid_client"


def test_a_code_holds_for_a_time_and_for_one_address(salesforce: SalesforceSandbox, clock: Any) -> None:
    code = sent_back(salesforce)["code"]
    other = exchanged(salesforce, code, redirect_uri=f"{CALLBACK}2")
    assert other.json()["error"] == "redirect_uri_mismatch"
    code = sent_back(salesforce)["code"]
    clock.move(minutes=16)
    assert exchanged(salesforce, code).json()["error_description"] == "expired authorization code"


def test_a_token_is_carried_behind_the_mark_of_a_fragment(salesforce: SalesforceSandbox) -> None:
    back = sent_back(salesforce, response_type="token", scope="api refresh_token")
    assert salesforce.sessions.holds(back["access_token"])
    assert (back["token_type"], back["instance_url"]) == ("Bearer", salesforce.url)
    assert back["refresh_token"] == salesforce.login.refresh_token


@pytest.mark.parametrize(
    ("values", "error"),
    [
        ({"response_type": "id"}, "unsupported_response_type"),
        ({"scope": "api everything"}, "invalid_scope"),
    ],
)
def test_the_app_hears_what_was_wrong(
    salesforce: SalesforceSandbox, values: dict[str, str], error: str
) -> None:
    assert sent_back(salesforce, state="s", **values) | {"error_description": ""} == {
        "error": error,
        "error_description": "",
        "state": "s",
    }


def test_the_app_hears_that_nobody_approved_it(salesforce: SalesforceSandbox) -> None:
    salesforce.login.approved = False
    back = sent_back(salesforce)
    assert back == {"error": "access_denied", "error_description": "end-user denied authorization"}


@pytest.mark.parametrize(
    ("values", "error"),
    [
        ({"client_id": "stranger"}, "invalid_client_id"),
        ({"redirect_uri": ""}, "redirect_uri_mismatch"),
        ({"redirect_uri": "https://evil.example.com"}, "redirect_uri_mismatch"),
        ({"redirect_uri": f"{CALLBACK}\r\nSet-Cookie: a=b"}, "redirect_uri_mismatch"),
    ],
)
def test_nobody_is_sent_to_a_stranger(
    salesforce: SalesforceSandbox, values: dict[str, str], error: str
) -> None:
    salesforce.login.callbacks = (CALLBACK,)
    given = {"client_id": salesforce.client_id, "redirect_uri": CALLBACK, "response_type": "code"}
    answer = oauth(salesforce, "authorize", "GET", **(given | values))
    assert (answer.status_code, "Location" in answer.headers) == (400, False)
    assert answer.text.startswith(f"error={error}&")


def test_client_credentials_need_the_orgs_own_address(salesforce: SalesforceSandbox) -> None:
    form = {"client_id": salesforce.client_id, "client_secret": salesforce.client_secret}
    answer = requests.post(
        f"{salesforce.url}/services/oauth2/token",
        data=form | {"grant_type": "client_credentials"},
        headers={"Host": "login.salesforce.com"},
        timeout=10,
    )
    assert (answer.status_code, answer.json()) == (
        400,
        {"error": "invalid_grant", "error_description": "request not supported on this domain"},
    )


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_token_is_revoked(salesforce: SalesforceSandbox, method: str) -> None:
    token = salesforce.sessions.issue()
    assert oauth(salesforce, "revoke", method, token=token).status_code == 200
    assert not salesforce.sessions.holds(token)
    again = oauth(salesforce, "revoke", method, token=token)
    assert (again.status_code, again.json()["error"]) == (400, "invalid_token")
    assert oauth(salesforce, "revoke", method).status_code == 400


def test_with_the_refresh_token_goes_what_it_got(salesforce: SalesforceSandbox) -> None:
    given = salesforce.login.refresh_token or ""
    assert oauth(salesforce, "revoke", token=given).status_code == 200
    assert salesforce.login.refresh_token is None
    assert not salesforce.sessions.holds(salesforce.access_token)


def test_what_is_known_of_a_token_is_told_to_its_app(salesforce: SalesforceSandbox, clock: Any) -> None:
    client = {"client_id": salesforce.client_id, "client_secret": salesforce.client_secret}
    known = oauth(salesforce, "introspect", token=salesforce.access_token, **client).json()
    assert list(known) == [
        *("active", "scope", "client_id", "username", "sub", "token_type", "exp", "iat", "nbf")
    ]
    assert known["exp"] - known["iat"] == 7200
    refresh = oauth(salesforce, "introspect", token=salesforce.login.refresh_token or "", **client).json()
    assert (refresh["active"], refresh["token_type"]) == (True, "refresh_token")
    assert oauth(salesforce, "introspect", token="x", **client).json() == {"active": False}
    salesforce.sessions.lifetime = 60
    clock.move(seconds=61)
    assert oauth(salesforce, "introspect", token=salesforce.access_token, **client).json() == {
        "active": False
    }
    stranger = oauth(salesforce, "introspect", token=salesforce.access_token)
    assert (stranger.status_code, stranger.json()["error"]) == (401, "invalid_client_id")


def test_a_token_names_its_user(salesforce: SalesforceSandbox, http: Any) -> None:
    body = exchanged(salesforce, sent_back(salesforce)["code"]).json()
    shown = http("GET", body["id"]).json()
    assert (shown["id"], shown["username"]) == (body["id"], salesforce.login.username)
    assert shown["urls"]["rest"] == f"{salesforce.url}/services/data/v{{version}}/"
    info = http("GET", f"{salesforce.url}/services/oauth2/userinfo").json()
    assert (info["sub"], info["user_id"]) == (body["id"], shown["user_id"])
    plain = requests.get(body["id"], params={"oauth_token": body["access_token"]}, timeout=10)
    assert plain.json() == shown


@pytest.mark.parametrize("path", ["/services/oauth2/userinfo", "/id/{org}/{user}"])
def test_who_holds_no_token_hears_so_in_one_word(salesforce: SalesforceSandbox, path: str) -> None:
    user = salesforce.org.integration_user_id
    url = salesforce.url + path.format(org=salesforce.organization_id, user=user)
    missing = requests.get(url, timeout=10)
    assert (missing.status_code, missing.text) == (403, "Missing_OAuth_Token")
    bad = requests.get(url, headers={"Authorization": "Bearer x"}, timeout=10)
    assert (bad.status_code, bad.text) == (403, "Bad_OAuth_Token")


def test_other_orgs_and_unknown_users_are_not_shown(salesforce: SalesforceSandbox, http: Any) -> None:
    user, org = salesforce.org.integration_user_id, salesforce.organization_id
    wrong = http("GET", f"{salesforce.url}/id/00D000000000001/{user}")
    unknown = http("GET", f"{salesforce.url}/id/{org}/005000000000001")
    assert (wrong.status_code, wrong.text) == (403, "Wrong_Org")
    assert (unknown.status_code, unknown.text) == (404, "Bad_Id")


def test_the_server_describes_itself(salesforce: SalesforceSandbox) -> None:
    described = requests.get(f"{salesforce.url}/.well-known/openid-configuration", timeout=10).json()
    assert described["issuer"] == salesforce.url
    for name in ("token", "introspection", "revocation"):
        assert requests.post(described[f"{name}_endpoint"], timeout=10).status_code in (400, 401)
    assert requests.get(described["jwks_uri"], timeout=10).json() == {"keys": []}
