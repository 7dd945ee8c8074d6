"""Access tokens: one is fetched for all, in time, and again when it is refused."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs

import pytest

from closedloop.crm.hubspot import HubSpotCredentials
from closedloop.crm.hubspot.client import HubSpotClient
from closedloop.crm.tokens import Token
from closedloop.errors import AnswerError, AuthenticationError, CrmError, RetryableError

ACCOUNT = "/account-info/v3/details"
TOKEN = "/oauth/v3/token"
CREATE = "/crm/v3/objects/contacts/batch/create"
OAUTH: dict[str, Any] = {"client_id": "the-id", "client_secret": "the-secret", "refresh_token": "refresh-1"}
EXPIRED = {"status": "error", "category": "EXPIRED_AUTHENTICATION", "correlationId": "c-1"}


class Door:
    """Answers by the bearer token: 401 to all but the valid one. Gives out new ones for a refresh token."""

    def __init__(self, double: Any, told: Any) -> None:
        self.double, self.told = double, told
        self.valid = "token-0"
        self.given = 0
        self.extra: dict[str, Any] = {"expires_in": 1800, "token_type": "bearer"}
        double.gate = self.check
        double.answer("GET", ACCOUNT, {"portalId": 1})
        double.respond("POST", TOKEN, self.give)

    def check(self, asked: Any) -> Any:
        if asked.path == TOKEN or asked.headers.get("Authorization") == f"Bearer {self.valid}":
            return None
        return self.told(EXPIRED, 401)

    def give(self, _: Any) -> Any:
        self.given += 1
        self.valid = f"token-{self.given}"
        return self.told({"access_token": self.valid, **self.extra})

    @property
    def forms(self) -> list[dict[str, list[str]]]:
        return [parse_qs(body.decode()) for body in self.double.bodies(TOKEN)]


@pytest.fixture
def door(double: Any, told: Any) -> Door:
    return Door(double, told)


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def connect(door: Door, clock: Callable[[], float] | None = None, **given: Any) -> HubSpotClient:
    credentials = HubSpotCredentials(base_url=door.double.url, **(given or OAUTH))
    return HubSpotClient(credentials, clock=clock) if clock else HubSpotClient(credentials)


def test_a_refresh_token_is_changed_for_an_access_token_in_the_body_of_a_form(door: Door) -> None:
    client = connect(door)
    for _ in range(3):
        client.account()
    assert door.forms == [{"grant_type": ["refresh_token"], **{name: [v] for name, v in OAUTH.items()}}]
    asked = door.double.asked[0]
    assert asked.headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert (asked.query, "Authorization" in asked.headers) == ([], False)


def test_a_token_is_renewed_before_it_ends(door: Door) -> None:
    clock = Clock()
    client = connect(door, clock)
    client.account()
    clock.now += 1739
    client.account()
    assert door.given == 1
    clock.now += 2
    client.account()
    assert door.given == 2
    assert [asked.path for asked in door.double.asked].count(ACCOUNT) == 3


def test_what_was_held_before_a_renewal_uses_the_new_token(door: Door) -> None:
    client = connect(door)
    held = client.account
    held()
    door.valid = "somebody-else-renewed"
    held()
    assert door.double.asked[-1].headers["Authorization"] == "Bearer token-2"


def test_a_given_access_token_is_used_first(door: Door) -> None:
    connect(door, **OAUTH, access_token="token-0").account()
    assert door.given == 0


def test_a_token_that_expires_in_the_middle_of_a_batch_is_renewed_once(door: Door) -> None:
    door.double.answer("POST", CREATE, {"results": [{"id": "1"}]})
    client = connect(door)
    client.account()
    door.valid = "expired"
    client.create("contacts", [{"properties": {}}])
    assert door.given == 2
    assert len(door.double.bodies(CREATE)) == 2


def test_a_call_that_is_refused_with_a_new_token_as_well_fails(door: Door, waits: list[float]) -> None:
    client = connect(door)
    client.account()
    door.double.respond("POST", TOKEN, lambda _: door.told({"access_token": "useless"}))
    door.valid = "other"
    with pytest.raises(AuthenticationError) as refused:
        client.account()
    assert (refused.value.code, refused.value.correlation_id) == ("EXPIRED_AUTHENTICATION", "c-1")
    assert [asked.path for asked in door.double.asked].count(TOKEN) == 2
    assert waits == []


def test_a_token_of_a_service_key_is_not_sent_twice(door: Door) -> None:
    door.valid = "other"
    with pytest.raises(AuthenticationError):
        connect(door, access_token="token-0").account()
    assert len(door.double.asked) == 1


def test_one_thread_renews_for_all(door: Door) -> None:
    client = connect(door)
    client.account()
    door.valid = "expired"
    threads = [threading.Thread(target=client.account) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert door.given == 2


def test_a_changed_refresh_token_is_told_and_used_from_then_on(door: Door) -> None:
    kept: list[Token] = []
    door.extra["refresh_token"] = "refresh-2"
    client = connect(door, **OAUTH, on_new_token=kept.append)
    client.account()
    door.valid = "expired"
    client.account()
    assert [form["refresh_token"] for form in door.forms] == [["refresh-1"], ["refresh-2"]]
    assert [(token.value, token.refresh_token) for token in kept] == [
        ("token-1", "refresh-2"),
        ("token-2", None),
    ]
    assert kept[0].expires_in == 1800


def test_a_token_endpoint_that_is_unwell_is_asked_again(door: Door, told: Any, waits: list[float]) -> None:
    answers = [told(b"<html>", 503), told({}, 429), told({"access_token": "token-0"})]
    door.double.respond("POST", TOKEN, lambda _: answers.pop(0))
    connect(door).account()
    assert (len(waits), answers) == (2, [])


REFUSALS: list[tuple[int, Any, type[CrmError], str | None]] = [
    (400, {"status": "BAD_REFRESH_TOKEN", "message": "the-secret"}, AuthenticationError, "BAD_REFRESH_TOKEN"),
    (400, {"error": "invalid_grant"}, AuthenticationError, "invalid_grant"),
    (401, {}, AuthenticationError, None),
    (404, b"", AuthenticationError, None),
    (200, b"<html>", AnswerError, None),
    (200, {}, AnswerError, None),
    (200, {"access_token": ""}, AnswerError, None),
    (200, {"access_token": "a\r\nX-Evil: 1"}, AnswerError, None),
    (200, [], AnswerError, None),
    (302, {}, AnswerError, None),
]


@pytest.mark.parametrize("case", REFUSALS)
def test_a_refused_refresh_is_an_error_without_secrets(
    door: Door, waits: list[float], case: tuple[int, Any, type[CrmError], str | None]
) -> None:
    status, body, kind, code = case
    door.double.respond("POST", TOKEN, lambda _: door.told(body, status))
    with pytest.raises(kind) as refused:
        connect(door).account()
    assert (refused.value.code, waits, len(door.double.asked)) == (code, [], 1)
    assert not any(secret in str(refused.value) for secret in OAUTH.values())


@pytest.mark.parametrize("life", [None, 0, -5, "1800", True, 10**400])
def test_a_token_without_a_sound_life_is_used_until_it_is_refused(door: Door, life: Any) -> None:
    door.extra = {"expires_in": life}
    client = connect(door)
    for _ in range(2):
        client.account()
    assert door.given == 1


def test_a_token_answer_that_is_no_json_is_no_token(door: Door) -> None:
    door.extra = {"expires_in": float("nan")}
    with pytest.raises(AnswerError) as refused:
        connect(door).account()
    assert refused.value.reason == "not_json"


def test_a_source_is_asked_again_when_its_token_is_refused(door: Door) -> None:
    tokens = ["token-0", Token(value="token-9", expires_in=60)]
    client = connect(door, token_source=lambda: tokens.pop(0))
    client.account()
    door.valid = "token-9"
    client.account()
    assert (tokens, door.given) == ([], 0)


@pytest.mark.parametrize("given", ["", "a b", None, 7, Token(value="x\n")])
def test_a_source_that_gives_no_token_is_an_error(door: Door, given: Any) -> None:
    with pytest.raises(AuthenticationError) as refused:
        connect(door, token_source=lambda: given).account()
    assert (refused.value.reason, door.double.asked) == ("no_access_token", [])


def test_an_error_of_the_source_itself_comes_through(door: Door, waits: list[float]) -> None:
    def fail() -> str:
        raise RetryableError("the vault is away", reason="vault")

    with pytest.raises(LookupError):
        connect(door, token_source=lambda: dict[str, str]()["token"]).account()
    with pytest.raises(RetryableError) as refused:
        connect(door, token_source=fail).account()
    assert (refused.value.reason, len(waits)) == ("vault", 4)
