"""OAuth: a person's consent, codes, tokens of every version, and the scopes that a token has."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from hubspot import HubSpot
from hubspot.oauth import ApiException

from closedloop.sandbox.hubspot import HubSpotSandbox

Ask = Callable[..., requests.Response]
HOME = "https://app.example.com/callback?from=hubspot"


@pytest.fixture
def sandbox(clock: Any) -> Iterator[HubSpotSandbox]:
    with HubSpotSandbox(clock=clock, redirect_uris=[HOME]) as running:
        yield running


@pytest.fixture
def ask(sandbox: HubSpotSandbox) -> Iterator[Ask]:
    """Calls without a token."""
    with requests.Session() as session:
        session.trust_env = False

        def send(method: str, path: str, **more: Any) -> requests.Response:
            return session.request(method, sandbox.url + path, timeout=10, allow_redirects=False, **more)

        yield send


@pytest.fixture
def code(sandbox: HubSpotSandbox, ask: Ask) -> Callable[..., str]:
    """The code that a person's consent leads back with."""

    def consent(scope: str = "", **more: str) -> str:
        query = {"client_id": sandbox.client_id, "redirect_uri": HOME, "scope": scope, **more}
        answer = ask("GET", "/oauth/authorize", params=query)
        assert answer.status_code == 302, answer.text
        return parse_qs(urlsplit(answer.headers["Location"]).query)["code"][0]

    return consent


@pytest.fixture
def form(sandbox: HubSpotSandbox) -> dict[str, str]:
    return {
        "grant_type": "authorization_code",
        "client_id": sandbox.client_id,
        "client_secret": sandbox.client_secret,
        "redirect_uri": HOME,
    }


def listed(ask: Ask, token: str, path: str = "/crm/v3/objects/contacts") -> requests.Response:
    return ask("GET", path, headers={"Authorization": f"Bearer {token}"})


def test_consent_leads_back_with_a_code_and_the_state(sandbox: HubSpotSandbox, ask: Ask) -> None:
    query = {"client_id": sandbox.client_id, "redirect_uri": HOME, "scope": "oauth", "state": "a b&c"}
    for path in ("/oauth/authorize", f"/oauth/{sandbox.portal_id}/authorize"):
        answer = ask("GET", path, params=query)
        assert answer.status_code == 302
        back = urlsplit(answer.headers["Location"])
        assert f"{back.scheme}://{back.netloc}{back.path}" == HOME.partition("?")[0]
        told = parse_qs(back.query)
        assert (told["from"], told["state"], len(told["code"][0])) == (["hubspot"], ["a b&c"], 32)


@pytest.mark.parametrize(
    "wrong",
    [{"client_id": "x"}, {"redirect_uri": "https://elsewhere.example.com"}, {"redirect_uri": "nowhere"}],
    ids=["client", "registered", "address"],
)
def test_a_wrong_app_is_told_so_on_a_page(sandbox: HubSpotSandbox, ask: Ask, wrong: dict[str, str]) -> None:
    query = {"client_id": sandbox.client_id, "redirect_uri": HOME} | wrong
    answer = ask("GET", "/oauth/authorize", params=query)
    assert answer.status_code == 400
    assert answer.headers["Content-Type"].startswith("text/html")


def test_the_client_changes_a_code_for_tokens(
    sandbox: HubSpotSandbox, ask: Ask, code: Callable[..., str], form: dict[str, str]
) -> None:
    hub = HubSpot(host=sandbox.url, base_url=sandbox.url, retry=False)
    tokens = hub.oauth.tokens_api.create(**form, code=code("crm.objects.contacts.read"))
    assert listed(ask, tokens.access_token).status_code == 200
    about = hub.oauth.refresh_tokens_api.get(tokens.refresh_token)
    assert (about.client_id, about.hub_id) == (sandbox.client_id, sandbox.portal_id)
    assert about.scopes == ["crm.objects.contacts.read", "oauth"]
    access = hub.oauth.access_tokens_api.get(tokens.access_token)
    assert (access.app_id, access.scopes) == (sandbox.app_id, ["crm.objects.contacts.read", "oauth"])
    hub.oauth.refresh_tokens_api.archive(tokens.refresh_token)
    with pytest.raises(ApiException) as refused:
        hub.oauth.refresh_tokens_api.get(tokens.refresh_token)
    assert refused.value.status == 404
    assert listed(ask, tokens.access_token).status_code == 200
    again = form | {"grant_type": "refresh_token", "refresh_token": tokens.refresh_token}
    assert ask("POST", "/oauth/v1/token", data=again).json()["status"] == "BAD_REFRESH_TOKEN"


def test_a_code_is_good_once_for_its_address_and_not_for_long(
    ask: Ask, code: Callable[..., str], form: dict[str, str], clock: Any
) -> None:
    used = form | {"code": code()}
    assert ask("POST", "/oauth/v1/token", data=used).status_code == 200
    again = ask("POST", "/oauth/v1/token", data=used)
    assert (again.status_code, again.json()["status"], again.json()["message"]) == (
        400,
        "BAD_AUTH_CODE",
        "missing or unknown auth code",
    )
    elsewhere = form | {"code": code(), "redirect_uri": "https://other.example.com"}
    answer = ask("POST", "/oauth/v1/token", data=elsewhere).json()
    assert answer["status"] == "MISMATCH_REDIRECT_URI_AUTH_CODE"
    late = form | {"code": code()}
    clock.passes(1800)
    assert ask("POST", "/oauth/v1/token", data=late).json()["status"] == "EXPIRED_AUTH_CODE"


@pytest.mark.parametrize("path", ["/oauth/v3/token", "/oauth/2026-03/token", "/oauth/2026-09/token"])
def test_newer_versions_tell_more_of_a_token(
    sandbox: HubSpotSandbox, ask: Ask, code: Callable[..., str], form: dict[str, str], path: str
) -> None:
    told = ask("POST", path, data=form | {"code": code("tickets")}).json()
    assert (told["token_use"], told["hub_id"]) == ("access_token", sandbox.portal_id)
    assert told["scopes"] == ["oauth", "tickets"]


def test_credentials_alone_give_a_token_without_a_refresh_token(ask: Ask, form: dict[str, str]) -> None:
    own = form | {"grant_type": "client_credentials"}
    assert ask("POST", "/oauth/v3/token", data=own).json()["status"] == "BAD_SCOPES"
    told = ask("POST", "/oauth/v3/token", data=own | {"scope": "a b"}).json()
    assert (told["token_use"], told["scopes"], "refresh_token" in told) == (
        "client_credentials",
        ["a", "b"],
        False,
    )
    assert ask("POST", "/oauth/v1/token", data=own).json()["status"] == "BAD_GRANT_TYPE"


def test_a_dated_refusal_speaks_oauth_2_too(ask: Ask, form: dict[str, str]) -> None:
    wrong = form | {"client_id": "x", "grant_type": "y"}
    for path in ("/oauth/v1/token", "/oauth/v3/token"):
        assert set(ask("POST", path, data=wrong).json()) == {"status", "message", "correlationId"}
    assert ask("POST", "/oauth/2026-09/token", data=wrong).json() == {
        "status": "BAD_CLIENT_ID",
        "message": "missing or unknown client id",
        "error": "invalid_request",
        "error_description": "missing or unknown client id",
    }
    assert ask("POST", "/oauth/v3/token", json=form).status_code == 415


def test_tokens_are_introspected_and_revoked(
    sandbox: HubSpotSandbox, ask: Ask, code: Callable[..., str], form: dict[str, str], clock: Any
) -> None:
    told = ask("POST", "/oauth/v3/token", data=form | {"code": code()}).json()

    def about(token: str) -> dict[str, Any]:
        body: dict[str, Any] = ask("POST", "/oauth/v3/token/introspect", data=form | {"token": token}).json()
        return body

    access, refresh = about(told["access_token"]), about(told["refresh_token"])
    assert (access["active"], access["token_use"], access["expires_in"]) == (True, "access_token", 1800)
    assert (refresh["active"], refresh["token_use"], refresh["client_id"]) == (
        True,
        "refresh_token",
        sandbox.client_id,
    )
    revoked = ask("POST", "/oauth/2026-09/token/revoke", data=form | {"token": told["refresh_token"]})
    assert revoked.status_code == 200
    assert about(told["refresh_token"]) == {"active": False}
    clock.passes(1800)
    assert about(told["access_token"]) == {"active": False}
    assert ask("POST", "/oauth/v3/token/introspect", data={"token": "x"}).status_code == 400


def test_a_private_apps_token_tells_its_scopes(sandbox: HubSpotSandbox, ask: Ask) -> None:
    token = sandbox.create_token(["crm.objects.deals.read"])
    headers = {"Authorization": f"Bearer {token}"}
    path = "/oauth/v2/private-apps/get/access-token-info"
    body = ask("POST", path, json={"tokenKey": token}, headers=headers).json()
    assert (body["hubId"], body["scopes"]) == (sandbox.portal_id, ["oauth", "crm.objects.deals.read"])
    assert ask("POST", path, json={"tokenKey": "x"}, headers=headers).status_code == 404
    assert ask("POST", path, json={"tokenKey": token}).status_code == 401


@pytest.mark.parametrize(
    ("scope", "request_line", "status"),
    [
        ("crm.objects.contacts.read", "GET /crm/v3/objects/contacts", 200),
        ("crm.objects.contacts.read", "POST /crm/v3/objects/contacts/search", 200),
        ("crm.objects.contacts.read", "POST /crm/objects/2026-09/0-1/batch/read", 200),
        ("crm.objects.contacts.read", "POST /crm/v3/objects/contacts", 403),
        ("crm.objects.contacts.write", "POST /crm/v3/objects/contacts", 201),
        ("crm.objects.contacts.read", "GET /crm/v3/objects/notes", 200),
        ("crm.objects.contacts.read", "GET /crm/v3/objects/companies", 403),
        ("crm.objects.contacts.read", "GET /crm/v3/properties/contacts", 200),
        ("crm.schemas.contacts.read", "GET /crm/v3/properties/contacts", 200),
        ("crm.objects.contacts.write", "POST /crm/v3/properties/contacts/groups", 403),
        ("crm.schemas.contacts.write", "DELETE /crm/v3/properties/contacts/none", 404),
        ("crm.schemas.deals.read", "GET /crm/pipelines/2026-09/deals", 200),
        ("crm.objects.contacts.read", "GET /crm/v3/pipelines/leads", 403),
        ("crm.objects.deals.read", "GET /crm/v4/associations/contacts/deals/labels", 200),
        ("crm.objects.leads.read", "GET /crm/v4/associations/contacts/deals/labels", 403),
        ("crm.objects.owners.read", "GET /crm/v3/owners", 200),
        ("oauth", "GET /crm/v3/owners", 403),
        ("marketing.campaigns.read", "GET /marketing/v3/campaigns", 200),
        ("marketing.campaigns.read", "GET /marketing/campaigns/2026-09/x/reports/revenue", 403),
        ("marketing.campaigns.revenue.lite.read", "GET /marketing/v3/campaigns/x/reports/revenue", 400),
        ("marketing.campaigns.read", "GET /crm/v3/objects/0-35", 200),
        ("crm.schemas.custom.read", "GET /crm/v3/schemas", 200),
        ("oauth", "GET /account-info/v3/details", 200),
        ("oauth", "POST /crm/v3/objects/butterflies/search", 400),
        ("oauth", "GET /nowhere", 404),
    ],
)
def test_a_token_does_what_its_scopes_say(
    sandbox: HubSpotSandbox, ask: Ask, scope: str, request_line: str, status: int
) -> None:
    method, path = request_line.split()
    headers = {"Authorization": f"Bearer {sandbox.create_token([scope])}"}
    reads = path.endswith(("read", "search"))
    body: dict[str, Any] = {"inputs": []} if reads else {"properties": {"email": "a@example.com"}}
    answer = ask(method, path, headers=headers, json=None if method == "GET" else body)
    assert answer.status_code == status, answer.text
    if status == 403:
        assert answer.json()["category"] == "MISSING_SCOPES"
        assert answer.json()["errors"][0]["context"]["requiredGranularScopes"]


def test_a_token_of_a_consent_has_its_scopes_only(
    ask: Ask, code: Callable[..., str], form: dict[str, str]
) -> None:
    granted = code("crm.objects.contacts.read", optional_scope="crm.objects.deals.read")
    token = ask("POST", "/oauth/v1/token", data=form | {"code": granted}).json()["access_token"]
    assert listed(ask, token).status_code == 200
    assert listed(ask, token, "/crm/v3/objects/deals").status_code == 200
    assert listed(ask, token, "/crm/v3/objects/leads").status_code == 403


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer nonsense", "Basic eDp5", "bearer"])
def test_who_has_no_token_is_refused(ask: Ask, header: str) -> None:
    answer = ask("GET", "/crm/v3/objects/contacts", headers={"Authorization": header})
    assert (answer.status_code, answer.json()["category"]) == (401, "INVALID_AUTHENTICATION")
