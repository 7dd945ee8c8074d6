"""Who may ask the API."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from closedloop_server.access import Role, create_token, revoke_tokens
from closedloop_server.store.engine import writing
from closedloop_server.store.tables import tokens

PATHS = (
    "/campaigns",
    "/campaigns/x",
    "/campaigns/x/dispositions",
    "/unattributed",
    "/reasons",
    "/",
    "/nothing",
)
NOW = datetime(2026, 11, 20, tzinfo=UTC)


def _ask(site: Any, header: str | None, path: str = "/reasons") -> Any:
    headers = {} if header is None else {"Authorization": header}
    return site.app.test_client().get(f"/api/v1{path}", headers=headers)


@pytest.mark.parametrize("path", PATHS)
def test_nothing_is_answered_without_a_token(site: Any, path: str) -> None:
    answer = _ask(site, None, path)
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="Closed Loop"'
    assert answer.get_json()["error"] == "token_needed"


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        ("", "token_needed"),
        ("Bearer", "token_needed"),
        ("Bearer   ", "token_needed"),
        ("Basic dXNlcjpwYXNz", "token_needed"),
        ("cl_without-a-scheme", "token_needed"),
        ("Bearer cl_guessed", "invalid_token"),
        ("Bearer \udcff\udcfe", "invalid_token"),
        ("Bearer " + "x" * 5000, "invalid_token"),
    ],
)
def test_a_header_without_a_valid_token_is_refused(site: Any, header: str, reason: str) -> None:
    environ = {"HTTP_AUTHORIZATION": header}
    answer = site.app.test_client().get("/api/v1/reasons", environ_overrides=environ)
    assert answer.status_code == 401
    assert answer.get_json()["error"] == reason
    assert ("invalid_token" in answer.headers["WWW-Authenticate"]) == (reason == "invalid_token")


@pytest.mark.parametrize("role", list(Role))
@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_every_role_may_read(first_day: Any, role: Role, scheme: str) -> None:
    with writing(first_day.engine) as connection:
        token = create_token(connection, name="reader", role=role, now=NOW)
    assert _ask(first_day, f"{scheme} {token}").status_code == 200


def test_a_role_that_nobody_knows_opens_nothing(first_day: Any) -> None:
    with writing(first_day.engine) as connection:
        connection.execute(tokens.update().values(role="emperor"))
    assert _ask(first_day, f"Bearer {first_day.token}").status_code == 401


def test_a_revoked_token_opens_nothing_any_more(first_day: Any) -> None:
    assert _ask(first_day, f"Bearer {first_day.token}").status_code == 200
    with writing(first_day.engine) as connection:
        assert revoke_tokens(connection, name="test", now=NOW) == 1
        assert revoke_tokens(connection, name="test", now=NOW) == 0
    assert _ask(first_day, f"Bearer {first_day.token}").status_code == 401


def test_the_digest_that_the_database_keeps_is_no_token(first_day: Any) -> None:
    with first_day.engine.connect() as connection:
        kept = connection.execute(tokens.select()).one()
    assert first_day.token not in str(kept)
    assert _ask(first_day, f"Bearer {kept.digest}").status_code == 401


def test_a_token_in_the_address_is_refused_as_an_unknown_argument(site: Any) -> None:
    assert site.app.test_client().get(f"/api/v1/reasons?token={site.token}").status_code == 401


def test_the_session_of_the_pages_does_not_open_the_api(site: Any) -> None:
    client = site.app.test_client()
    client.get("/login")
    with client.session_transaction() as session:
        form = session["form"]
    client.post("/login", data={"token": site.token, "form": form})
    assert client.get("/").status_code == 200
    assert client.get("/api/v1/reasons").status_code == 401


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
@pytest.mark.parametrize("path", ["/campaigns", "/reasons", "/campaigns/x"])
def test_the_api_changes_nothing(site: Any, method: str, path: str) -> None:
    headers = {"Authorization": f"Bearer {site.token}"}
    answer = getattr(site.app.test_client(), method)(f"/api/v1{path}", headers=headers)
    assert answer.status_code == 405
    assert answer.get_json()["error"] == "method_not_allowed"
    assert "GET" in answer.headers["Allow"]
