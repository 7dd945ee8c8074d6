"""Tokens are fetched once for all threads, before they end, and never in a circle."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from closedloop.crm.tokens import Token, Tokens
from closedloop.errors import AuthenticationError


class Flow:
    """Hands out `one`, `two`, …, each good for so many seconds."""

    def __init__(self, expires_in: float | None = None) -> None:
        self.fetched = 0
        self.expires_in = expires_in
        self.open = threading.Event()
        self.open.set()

    def __call__(self) -> Token:
        self.open.wait(5)
        self.fetched += 1
        return Token(value=f"token {self.fetched}", expires_in=self.expires_in)


def test_a_given_token_is_used_until_it_is_rejected() -> None:
    flow = Flow()
    tokens = Tokens(Token(value="given"), flow)
    assert tokens.present().value == "given"
    assert flow.fetched == 0
    assert tokens.present(rejected=tokens.present()).value == "token 1"


def test_a_token_that_was_replaced_meanwhile_is_not_fetched_again() -> None:
    flow = Flow()
    tokens = Tokens(None, flow)
    first = tokens.present()
    second = tokens.present(rejected=first)
    assert tokens.present(rejected=first) is second
    assert flow.fetched == 2


def test_of_many_threads_with_an_expired_token_one_fetches_the_next() -> None:
    flow = Flow()
    tokens = Tokens(None, flow)
    expired = tokens.present()
    flow.open.clear()
    with ThreadPoolExecutor(16) as pool:
        waiting = [pool.submit(tokens.present, rejected=expired) for _ in range(16)]
        flow.open.set()
        got = {each.result().value for each in waiting}
    assert got == {"token 2"}
    assert flow.fetched == 2


@pytest.mark.parametrize(("life", "used_for"), [(1800.0, 1739.0), (60.0, 29.0), (10.0, 4.0)])
def test_a_token_is_renewed_before_it_ends(life: float, used_for: float) -> None:
    now = [0.0]
    flow = Flow(expires_in=life)
    tokens = Tokens(None, flow, clock=lambda: now[0])
    tokens.present()
    now[0] = used_for
    assert tokens.present().value == "token 1"
    now[0] = life
    assert tokens.present().value == "token 2"


def test_every_new_token_is_told_to_whoever_keeps_them() -> None:
    kept: list[Token] = []
    tokens = Tokens(None, Flow(), on_new=kept.append)
    tokens.present(rejected=tokens.present())
    assert [token.value for token in kept] == ["token 1", "token 2"]


def test_a_token_that_cannot_be_renewed_stays_what_it_is() -> None:
    tokens = Tokens(Token(value="given"), None)
    assert not tokens.renewable
    assert tokens.present(rejected=tokens.present()).value == "given"


def test_a_failure_to_fetch_is_raised_and_tried_again_at_the_next_call() -> None:
    failures = [AuthenticationError("no")]

    def flow() -> Token:
        if failures:
            raise failures.pop()
        return Token(value="good")

    tokens = Tokens(None, flow)
    with pytest.raises(AuthenticationError):
        tokens.present()
    assert tokens.present().value == "good"


def test_a_token_never_shows_in_its_repr() -> None:
    assert "secret" not in repr(Token(value="secret", refresh_token="secret too"))
