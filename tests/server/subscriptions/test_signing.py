"""Signatures and waits, against the specification's own numbers."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta

import pytest
from standardwebhooks import Webhook

from closedloop_server.subscriptions.schedule import WAITS, hold_until, next_attempt
from closedloop_server.subscriptions.signing import new_secret, signed_headers

NOW = datetime(2026, 11, 2, 9, tzinfo=UTC)


def test_the_signature_is_the_one_that_the_specifications_library_makes() -> None:
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    body = '{"test": 2432232314}'
    at = datetime.fromtimestamp(1_614_265_330, UTC)
    headers = signed_headers("msg_p5jXN8AQM9LWM0D4loKWxJek", at, body.encode(), [secret])
    assert headers == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        # Computed by other implementations of the specification too.
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }
    assert headers["webhook-signature"] == Webhook(secret).sign(headers["webhook-id"], at, body)


def test_a_secret_is_new_each_time_and_as_long_as_the_specification_asks() -> None:
    first, second = new_secret(), new_secret()
    assert first != second
    assert 24 <= len(base64.b64decode(first.removeprefix("whsec_"))) <= 64


def test_the_waits_grow_have_a_jitter_of_their_own_and_end() -> None:
    spread = {next_attempt(NOW, 2, f"evt_{number}") for number in range(50)}
    assert len(spread) == 50
    for attempts, wait in enumerate(WAITS, 1):
        at = next_attempt(NOW, attempts, "evt_1")
        assert at is not None
        assert wait <= at - NOW <= wait * 1.2
        assert at == next_attempt(NOW, attempts, "evt_1")
    assert next_attempt(NOW, len(WAITS) + 1, "evt_1") is None
    assert sum(WAITS, timedelta()) > timedelta(days=3)


@pytest.mark.parametrize(
    ("failures", "asked", "seconds"),
    [(1, None, 5), (2, None, 10), (100, None, 600), (100_000, None, 600), (1, 3600, 3600), (9, 1, 600)],
)
def test_who_fails_is_left_alone_ever_longer_and_as_long_as_it_asks(
    failures: int, asked: int | None, seconds: int
) -> None:
    told = timedelta(seconds=asked) if asked else None
    assert hold_until(NOW, failures, told) == NOW + timedelta(seconds=seconds)
