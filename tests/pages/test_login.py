"""Signing in and out."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from flask.testing import FlaskClient
from lxml import html

from closedloop_server.access import revoke_tokens
from closedloop_server.store.engine import writing

NOW = datetime(2026, 11, 20, tzinfo=UTC)


@pytest.fixture
def stranger(site: Any) -> FlaskClient:
    """A browser that is not signed in."""
    client: FlaskClient = site.app.test_client()
    return client


def _form(client: FlaskClient, address: str = "/login") -> dict[str, str]:
    found: Any = html.document_fromstring(client.get(address).get_data(as_text=True))
    return {each.get("name"): each.get("value") for each in found.xpath('//form//input[@type="hidden"]')}


@pytest.mark.parametrize(
    "address", ["/", "/campaigns/a/b", "/decisions?model=linear&outcome=won", "/unattributed", "/unmapped"]
)
def test_a_stranger_is_sent_to_the_form_and_afterwards_where_they_wanted(
    site: Any, stranger: FlaskClient, address: str
) -> None:
    sent = stranger.get(address)
    assert sent.status_code == 303
    form = _form(stranger, sent.headers["Location"])
    answer = stranger.post("/login", data={**form, "token": site.token})
    assert (answer.status_code, answer.headers["Location"]) == (303, address)


def _signs_in(client: FlaskClient, site: Any, **fields: str) -> Any:
    return client.post("/login", data={**_form(client), "token": site.token, **fields})


def test_signing_in_leaves_no_token_in_the_address_or_the_cookie(site: Any, stranger: FlaskClient) -> None:
    answer = _signs_in(stranger, site)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/")
    assert answer.headers["Referrer-Policy"] in {"no-referrer", "same-origin"}
    assert answer.headers["Cache-Control"] == "private, no-store"
    cookie = answer.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert site.token not in cookie
    assert stranger.get("/").status_code == 200


@pytest.mark.parametrize(
    ("wanted", "reached"),
    [
        ("/unmapped?model=last", "/unmapped?model=last"),
        ("", "/"),
        ("https://evil.example/", "/"),
        ("//evil.example/", "/"),
        ("/\\evil.example/", "/"),
        ("/\t/evil.example/", "/"),
        ("javascript:alert(1)", "/"),
        ("evil", "/"),
        ("http:///evil.example", "/"),
        ("/login?next=/", "/"),
        ("//[", "/"),
    ],
)
def test_signing_in_never_leads_to_another_site(
    site: Any, stranger: FlaskClient, wanted: str, reached: str
) -> None:
    answer = _signs_in(stranger, site, next=wanted)
    assert (answer.status_code, answer.headers["Location"]) == (303, reached)


@pytest.mark.parametrize("token", ["", "cl_guessed", "é", "x" * 100_000])
def test_a_wrong_token_opens_nothing_and_says_so(stranger: FlaskClient, token: str) -> None:
    answer = stranger.post("/login", data={**_form(stranger), "token": token})
    assert answer.status_code == 401
    assert "not known" in answer.get_data(as_text=True)
    assert stranger.get("/").status_code == 303


@pytest.mark.parametrize("form", [{}, {"form": ""}, {"form": "guessed"}, {"form": "é"}])
def test_a_login_that_no_form_of_ours_sent_is_refused(
    site: Any, stranger: FlaskClient, form: dict[str, str]
) -> None:
    _form(stranger)
    assert stranger.post("/login", data={**form, "token": site.token}).status_code == 400
    assert stranger.get("/").status_code == 303


@pytest.mark.parametrize("form", [{}, {"form": "guessed"}])
def test_another_site_cannot_sign_anybody_out(client: FlaskClient, form: dict[str, str]) -> None:
    assert client.post("/logout", data=form).status_code == 400
    assert client.get("/").status_code == 200
    assert client.get("/logout").status_code in {404, 405}


def test_signing_out_ends_the_session(client: FlaskClient) -> None:
    answer = client.post("/logout", data=_form(client, "/"))
    assert (answer.status_code, answer.headers["Location"]) == (303, "/login")
    assert client.get("/").status_code == 303


def test_a_form_of_the_session_before_is_worth_nothing_afterwards(site: Any, client: FlaskClient) -> None:
    before = _form(client, "/")
    client.post("/logout", data=before)
    _signs_in(client, site)
    assert client.post("/logout", data=before).status_code == 400


def test_revoking_a_token_ends_its_sessions(first_day: Any, first_day_client: FlaskClient) -> None:
    assert first_day_client.get("/").status_code == 200
    with writing(first_day.engine) as connection:
        revoke_tokens(connection, name="test", now=NOW)
    assert first_day_client.get("/").status_code == 303


def test_a_forged_session_opens_nothing(stranger: FlaskClient) -> None:
    stranger.set_cookie("closedloop", "eyJ0b2tlbiI6ImEifQ.aaaaaa.aaaaaaaaaaaaaaaaaaaaaaaaaaa")
    assert stranger.get("/").status_code == 303


def test_somebody_signed_in_need_not_sign_in_again(client: FlaskClient) -> None:
    answer = client.get("/login?next=/unmapped")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/unmapped")
