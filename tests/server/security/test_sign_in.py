"""Signing in: limits for who guesses, sessions that end, links that work once, cookies that stay at home."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from flask import Flask

from closedloop_server.access import Scope, create_token, digest, make_link, revoke_tokens
from closedloop_server.access.limits import OVERALL, PER_CLIENT, client_key, note_failure, seconds_to_wait
from closedloop_server.access.request import caller
from closedloop_server.app import create_app
from closedloop_server.store.engine import writing

if TYPE_CHECKING:
    from tests.server.conftest import Loop
    from tests.server.security.conftest import Browser


def guess(browser: Browser, times: int, **options: Any) -> list[int]:
    return [browser.sign_in(f"cl_guess{number}", **options) for number in range(times)]


def test_who_guesses_too_often_has_to_wait(
    loop: Loop, browser: Browser, make_token: Callable[..., str]
) -> None:
    token = make_token()
    assert guess(browser, PER_CLIENT) == [401] * PER_CLIENT
    answer = browser.client.post("/login", data={"form": browser.form, "token": token})
    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) == 900
    loop.clock.pass_(minutes=15, seconds=1)
    assert browser.sign_in(token) == 303


def test_somebody_at_another_address_is_not_concerned(
    browser: Browser, make_token: Callable[..., str]
) -> None:
    guess(browser, PER_CLIENT)
    assert browser.sign_in(make_token(), environ_overrides={"REMOTE_ADDR": "192.0.2.9"}) == 303


def test_another_web_process_counts_the_same_guesses(loop: Loop, browser: Browser) -> None:
    guess(browser, PER_CLIENT)
    settings = replace(loop.services.settings, public_url="http://localhost")
    second = create_app(replace(loop.services, settings=settings)).test_client()
    assert type(browser)(second).sign_in("cl_guess") == 429


def test_wrong_bearer_tokens_are_limited_and_right_ones_never(
    app: Flask, make_token: Callable[..., str]
) -> None:
    client, token = app.test_client(), make_token()

    def ask(token: str) -> Any:
        return client.get("/api/v1/reasons", headers={"Authorization": f"Bearer {token}"})

    assert [ask("cl_wrong").status_code for _ in range(PER_CLIENT)] == [401] * PER_CLIENT
    assert ask("cl_wrong").status_code == 429
    assert int(ask("cl_wrong").headers["Retry-After"]) > 0
    assert ask(token).status_code == 200


def test_a_flood_from_everywhere_leaves_everybody_one_try(loop: Loop) -> None:
    now = loop.clock()
    with writing(loop.engine) as connection:
        for number in range(OVERALL):
            note_failure(connection, f"bot {number}", now=now)
        assert seconds_to_wait(connection, "an administrator", now=now) == 0
        assert seconds_to_wait(connection, "bot 1", now=now) == 900
    loop.clock.pass_(minutes=16)
    with writing(loop.engine) as connection:
        note_failure(connection, "x", now=loop.clock())
    assert len(loop.rows("failed_sign_ins")) == 1, "old failures are not kept"


def test_no_address_is_kept_in_the_clear(loop: Loop, browser: Browser) -> None:
    guess(browser, 1, environ_overrides={"REMOTE_ADDR": "198.51.100.7"})
    assert "198.51.100.7" not in repr(loop.rows("failed_sign_ins"))


def test_one_machine_cannot_have_many_addresses() -> None:
    assert client_key("2001:db8:1:2::1", "k") == client_key("2001:db8:1:2:ffff::9", "k")
    assert client_key("2001:db8:1:2::1", "k") != client_key("2001:db8:1:3::1", "k")
    assert client_key("::ffff:192.0.2.1", "k") == client_key("192.0.2.1", "k")
    assert client_key("nonsense", "k") == client_key("", "k")


@pytest.mark.parametrize(
    ("peer", "forwarded", "trusted", "found"),
    [
        ("192.0.2.1", [], [], "192.0.2.1"),
        ("192.0.2.1", ["9.9.9.9"], [], "192.0.2.1"),
        ("192.0.2.1", ["9.9.9.9"], ["10.0.0.0/8"], "192.0.2.1"),
        ("10.0.0.1", ["9.9.9.9"], ["10.0.0.0/8"], "9.9.9.9"),
        ("10.0.0.1", ["1.1.1.1", "9.9.9.9", "10.0.0.2"], ["10.0.0.0/8"], "9.9.9.9"),
        ("10.0.0.1", ["9.9.9.9:50123", "10.0.0.2:443"], ["10.0.0.0/8"], "9.9.9.9"),
        ("10.0.0.1", ["[2001:db8::9]:50123"], ["10.0.0.0/8"], "2001:db8::9"),
        ("10.0.0.1", ["2001:db8::9"], ["10.0.0.0/8"], "2001:db8::9"),
        ("10.0.0.1", ["nonsense"], ["10.0.0.0/8"], "nonsense"),
        ("10.0.0.1", [], ["10.0.0.0/8"], "10.0.0.1"),
        ("::ffff:10.0.0.1", ["9.9.9.9"], ["10.0.0.0/8"], "9.9.9.9"),
    ],
    ids=[
        "direct",
        "forged",
        "forged past a proxy",
        "one proxy",
        "two proxies",
        "ports",
        "port of IPv6",
        "IPv6 without one",
        "nonsense",
        "proxy itself",
        "proxy in IPv6's form",
    ],
)
def test_what_proxies_say_counts_from_trusted_ones_alone(
    peer: str, forwarded: list[str], trusted: list[str], found: str
) -> None:
    assert caller(peer, forwarded, trusted) == found


def test_signing_out_ends_a_copy_of_the_cookie_too(
    browser: Browser, other_browser: Browser, make_token: Callable[..., str]
) -> None:
    browser.sign_in(make_token())
    cookie = browser.client.get_cookie("closedloop")
    assert cookie is not None
    other_browser.client.set_cookie("closedloop", cookie.value)
    assert other_browser.is_in()
    browser.client.post("/logout", data={"form": browser.form})
    assert not other_browser.is_in()


def test_signing_out_everywhere_ends_all_sessions_of_the_token(
    browser: Browser, other_browser: Browser, make_token: Callable[..., str]
) -> None:
    token = make_token()
    browser.sign_in(token)
    other_browser.sign_in(token)
    browser.client.post("/logout/everywhere", data={"form": browser.form})
    assert not browser.is_in()
    assert not other_browser.is_in()


def test_a_session_ends_when_nothing_is_asked_and_after_half_a_day(
    loop: Loop, browser: Browser, make_token: Callable[..., str]
) -> None:
    browser.sign_in(make_token())
    loop.clock.pass_(hours=2)
    assert not browser.is_in()
    browser.sign_in(make_token())
    for _ in range(11):
        loop.clock.pass_(hours=1)
        assert browser.is_in()
    loop.clock.pass_(hours=1)
    assert not browser.is_in()


@pytest.mark.parametrize("how", ["revoked", "expired"])
def test_a_session_ends_with_its_token(
    loop: Loop, browser: Browser, make_token: Callable[..., str], how: str
) -> None:
    browser.sign_in(make_token(expires_at=loop.clock() + timedelta(minutes=30)))
    assert browser.is_in()
    if how == "revoked":
        with writing(loop.engine) as connection:
            revoke_tokens(connection, name="Ada", now=loop.clock())
    else:
        loop.clock.pass_(minutes=30)
    assert not browser.is_in()


def test_signing_in_begins_a_new_session(
    loop: Loop, browser: Browser, make_token: Callable[..., str]
) -> None:
    token, before = make_token(), browser.form
    browser.sign_in(token)
    first = loop.rows("sessions")[0]["digest"]
    assert browser.client.post("/logout", data={"form": before}).status_code == 400
    browser.client.post("/logout", data={"form": browser.form})
    browser.sign_in(token)
    assert loop.rows("sessions")[0]["digest"] != first


PERSON = {"Sec-Fetch-Site": "none", "Sec-Fetch-Mode": "navigate"}


@pytest.fixture
def link(loop: Loop, make_token: Callable[..., str]) -> str:
    token = digest(make_token())
    with writing(loop.engine) as connection:
        return make_link(connection, token, now=loop.clock())


def test_a_link_that_a_person_opens_signs_in_once(
    browser: Browser, other_browser: Browser, link: str
) -> None:
    answer = browser.client.get(link, headers=PERSON)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/")
    assert browser.is_in()
    assert other_browser.client.get(link, headers=PERSON).status_code == 401
    assert not other_browser.is_in()


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"},
        PERSON | {"Sec-Purpose": "prefetch"},
    ],
    ids=["a chat's preview", "another site", "a prefetch"],
)
def test_a_link_that_nobody_opened_is_not_used_up(
    browser: Browser, link: str, headers: dict[str, str]
) -> None:
    answer = browser.client.get(link, headers=headers)
    assert answer.status_code == 200
    assert not browser.is_in()
    secret = link.partition("link=")[2]
    assert f'value="{secret}"' in answer.get_data(as_text=True)
    assert browser.client.post("/login", data={"form": browser.form, "link": secret}).status_code == 303
    assert browser.is_in()


def test_a_link_is_worth_nothing_after_ten_minutes_or_without_its_token(
    loop: Loop, browser: Browser, link: str
) -> None:
    loop.clock.pass_(minutes=10)
    assert browser.client.get(link, headers=PERSON).status_code == 401
    with writing(loop.engine) as connection:
        token = digest(create_token(connection, name="Bo", scopes=[Scope.REPORTS], now=loop.clock()))
        late = make_link(connection, token, now=loop.clock())
        revoke_tokens(connection, name="Bo", now=loop.clock())
    assert browser.client.get(late, headers=PERSON).status_code == 401


def test_a_token_in_the_address_opens_nothing(browser: Browser, make_token: Callable[..., str]) -> None:
    browser.client.get(f"/login?token={make_token()}", headers=PERSON)
    assert not browser.is_in()


def test_the_cookie_stays_on_https_and_on_this_host(loop: Loop, make_token: Callable[..., str]) -> None:
    client = create_app(loop.services).test_client()
    answer = client.get("/login", base_url="https://loop.example.com")
    cookie = answer.headers["Set-Cookie"]
    assert cookie.startswith("__Host-closedloop=")
    for flag in ("Secure", "HttpOnly", "SameSite=Lax", "Path=/"):
        assert flag in cookie
    assert "Domain" not in cookie
    assert answer.headers["Strict-Transport-Security"] == "max-age=31536000"


def test_what_was_signed_with_the_key_before_still_holds(
    loop: Loop, make_token: Callable[..., str], browser: Browser
) -> None:
    browser.sign_in(make_token())
    cookie = browser.client.get_cookie("closedloop")
    assert cookie is not None
    settings = replace(
        loop.services.settings,
        public_url="http://localhost",
        secret_key="a new key",
        previous_secret_keys=(loop.services.settings.secret_key,),
    )
    client = create_app(replace(loop.services, settings=settings)).test_client()
    client.set_cookie("closedloop", cookie.value)
    assert client.get("/").status_code == 200


def test_signing_in_is_written_down(loop: Loop, browser: Browser, make_token: Callable[..., str]) -> None:
    browser.sign_in(make_token())
    assert [(row["who"], row["action"]) for row in loop.rows("audit")] == [("Ada", "session.begin")]
