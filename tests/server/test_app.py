"""The application around the blueprints: headers, health, and failures that tell nothing."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from flask import Flask
from sqlalchemy.dialects.sqlite.base import SQLiteDialect

from closedloop_server.app import create_app
from closedloop_server.failure import where

if TYPE_CHECKING:
    from tests.server.conftest import Loop


@pytest.fixture
def app(loop: Loop) -> Flask:
    return create_app(loop.services)


@pytest.mark.parametrize("path", ["/healthz", "/login", "/nowhere", "/webhooks/hubspot/x"])
def test_every_answer_forbids_scripts_frames_and_guessing(app: Flask, path: str) -> None:
    headers = app.test_client().get(path).headers
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Referrer-Policy"] == "no-referrer"


def test_it_says_that_it_is_well_and_that_its_database_is_gone(loop: Loop, app: Flask) -> None:
    client = app.test_client()
    answer = client.get("/healthz")
    assert (answer.status_code, answer.json) == (200, {"status": "ok"})
    broken = replace(loop.services, engine=_NoDatabase())  # type: ignore[arg-type]
    answer = create_app(broken).test_client().get("/healthz")
    assert (answer.status_code, answer.json) == (503, {"status": "no database"})


class _NoDatabase:
    """An engine whose file has gone: it raises what SQLAlchemy raises then."""

    dialect = SQLiteDialect()

    def connect(self) -> object:
        from sqlalchemy.exc import OperationalError

        raise OperationalError("SELECT 1", {}, Exception("unable to open database file"))


def test_a_failure_tells_neither_the_caller_nor_the_log_what_it_was_about(
    app: Flask, caplog: pytest.LogCaptureFixture
) -> None:
    def broken() -> str:
        raise KeyError("ann@example.com")

    app.add_url_rule("/broken", view_func=broken)
    with caplog.at_level(logging.DEBUG):
        answer = app.test_client().get("/broken")
    assert answer.status_code == 500
    assert "ann@" not in answer.get_data(as_text=True)
    assert "KeyError at test_app.py" in caplog.text
    assert "ann@" not in caplog.text


def test_where_it_failed_names_the_cause_and_no_message() -> None:
    try:
        try:
            int("ann@example.com")
        except ValueError as inner:
            raise KeyError("ann@example.com") from inner
    except KeyError as error:
        told = where(error)
    assert told.startswith("KeyError at test_app.py:")
    assert "caused by ValueError at" in told
    assert "ann" not in told


@pytest.mark.parametrize(
    ("public_url", "secure"), [("https://x.example", True), ("http://127.0.0.1:1", False)]
)
def test_the_session_cookie_stays_on_https_and_out_of_scripts(
    loop: Loop, public_url: str, secure: bool
) -> None:
    settings = replace(loop.services.settings, public_url=public_url)
    config = create_app(replace(loop.services, settings=settings)).config
    assert config["SESSION_COOKIE_SECURE"] is secure
    assert config["SESSION_COOKIE_HTTPONLY"] is True
    assert config["SESSION_COOKIE_SAMESITE"] == "Lax"
    assert config["SECRET_KEY"] == settings.secret_key
