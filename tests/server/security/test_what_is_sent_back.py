"""Answers hand out nothing that is not theirs: no cookie that a cache may keep, no echo, no failure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from flask import Flask

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.server.security.conftest import Browser

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


@pytest.mark.parametrize("address", ["/assets/closedloop.css", "/healthz", "/api/v1/campaigns", "/metrics"])
def test_the_cookie_is_in_no_answer_that_did_not_change_it(
    browser: Browser, make_token: Callable[..., str], address: str
) -> None:
    browser.sign_in(make_token())
    with browser.client.get(address) as answer:
        assert answer.headers.getlist("Set-Cookie") == []
    assert browser.is_in()


def test_caches_keep_what_is_there_and_not_that_something_is_missing(app: Flask) -> None:
    with app.test_client().get("/assets/closedloop.css") as answer:
        assert "public" in answer.headers["Cache-Control"]
    with app.test_client().get("/assets/of-the-next-version.css") as answer:
        assert answer.status_code == 404
        assert answer.headers["Cache-Control"] == "private, no-store"


def test_a_number_that_nobody_reads_is_refused_and_no_failure(
    app: Flask, make_token: Callable[..., str]
) -> None:
    headers = {"Authorization": f"Bearer {make_token()}", "Content-Type": "application/json"}
    body = b'{"name": %s}' % (b"1" * 5_000)
    answer = app.test_client().post("/api/v1/tokens/revoke", headers=headers, data=body)
    assert (answer.status_code, answer.get_json()["error"]) == (400, "not_json")


def test_names_that_nobody_knows_are_not_told_back_by_the_thousand(
    app: Flask, make_token: Callable[..., str]
) -> None:
    headers = {"Authorization": f"Bearer {make_token()}"}
    body = {f"name{place}": 1 for place in range(10_000)} | {"0" * 100_000: 1}
    answer = app.test_client().post("/api/v1/tokens/revoke", headers=headers, json=body)
    assert (answer.status_code, answer.get_json()["error"]) == (400, "unknown_argument")
    assert len(answer.get_data()) < 3_000
