"""Tokens and their scopes, and the secrets that are kept encrypted."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from flask import Flask
from sqlalchemy import insert, select, update

from closedloop.errors import SettingsError
from closedloop_server.access import Role, Scope, check_token, create_token, list_tokens, require
from closedloop_server.app import create_app
from closedloop_server.encryption import Cipher, rotate
from closedloop_server.store import audit
from closedloop_server.store.engine import reading, writing
from closedloop_server.store.tables import credentials, tokens

if TYPE_CHECKING:
    from tests.server.conftest import Loop


@pytest.mark.parametrize(
    ("scopes", "opens"),
    [
        ([Scope.REPORTS], {Scope.REPORTS}),
        ([Scope.OPERATE], {Scope.OPERATE}),
        ([Scope.REPORTS, Scope.OPERATE], {Scope.REPORTS, Scope.OPERATE}),
        ([Scope.ADMIN], set(Scope)),
    ],
    ids=["reports", "operate", "both", "admin"],
)
def test_a_token_opens_what_its_scopes_say(loop: Loop, scopes: list[Scope], opens: set[Scope]) -> None:
    app = create_app(loop.services)
    for scope in Scope:
        app.add_url_rule(f"/api/v1/only/{scope}", f"api.only_{scope}", require(scope)(lambda: "in"))
    with writing(loop.engine) as connection:
        token = create_token(connection, name="Ada", scopes=scopes, now=loop.clock())
    client = app.test_client()
    headers = {"Authorization": f"Bearer {token}"}
    for scope in Scope:
        answer = client.get(f"/api/v1/only/{scope}", headers=headers)
        # The least that any resource needs is `reports`.
        allowed = scope in opens and Scope.REPORTS in opens
        assert answer.status_code == (200 if allowed else 403)
        if not allowed:
            assert answer.get_json()["error"] == "insufficient_scope"
            assert 'error="insufficient_scope"' in answer.headers["WWW-Authenticate"]


def test_a_token_from_before_there_were_scopes_opens_what_its_role_did(
    loop: Loop, make_token: Callable[..., str]
) -> None:
    old = {role: make_token(role, name=role.value) for role in (Role.VIEWER, Role.ADMIN)}
    with writing(loop.engine) as connection:
        connection.execute(update(tokens).values(scopes=None))
        found = {role: check_token(connection, token, now=loop.clock()) for role, token in old.items()}
    assert {role: token.role for role, token in found.items() if token} == {role: role for role in old}


def test_a_token_ends_when_it_was_said_to(loop: Loop, make_token: Callable[..., str]) -> None:
    token = make_token(expires_at=loop.clock() + timedelta(days=1))
    with reading(loop.engine) as connection:
        assert check_token(connection, token, now=loop.clock())
        assert check_token(connection, token, now=loop.clock.pass_(days=1)) is None
    with pytest.raises(SettingsError, match="future"):
        make_token(expires_at=loop.clock())


def test_the_last_use_is_written_down_once_an_hour(
    loop: Loop, app: Flask, make_token: Callable[..., str]
) -> None:
    headers = {"Authorization": f"Bearer {make_token()}"}
    used = []
    for _ in range(3):
        assert app.test_client().get("/api/v1/reasons", headers=headers).status_code == 200
        with reading(loop.engine) as connection:
            used.append(list_tokens(connection)[0].last_used_at)
        loop.clock.pass_(minutes=40)
    assert used[0] == used[1] != used[2]


@pytest.mark.parametrize("values", [{"name": " "}, {"name": "x" * 101}, {"name": "a\nb"}, {"role": None}])
def test_a_token_that_says_too_little_is_not_made(
    make_token: Callable[..., str], values: dict[str, object]
) -> None:
    with pytest.raises(SettingsError):
        make_token(**values)


def test_a_secret_is_read_back_and_looks_different_every_time() -> None:
    cipher = Cipher(["key"])
    stored = {cipher.encrypt("ä secret") for _ in range(3)}
    assert len(stored) == 3
    assert {cipher.decrypt(each) for each in stored} == {"ä secret"}
    assert not any("secret" in each for each in stored)


@pytest.mark.parametrize(
    "stored",
    ["", "nonsense", "é", Cipher(["another"]).encrypt("x")],
    ids=["nothing", "nonsense", "no ascii", "another key's"],
)
def test_what_no_key_opens_is_told_with_what_to_do(stored: str) -> None:
    with pytest.raises(SettingsError, match="previous_secret_keys") as caught:
        Cipher(["key"]).decrypt(stored)
    assert caught.value.reason == "wrong_secret_key"


def test_a_secret_that_was_changed_in_the_database_is_refused() -> None:
    stored = Cipher(["key"]).encrypt("secret")
    changed = stored[:-10] + ("A" if stored[-10] != "A" else "B") + stored[-9:]
    with pytest.raises(SettingsError):
        Cipher(["key"]).decrypt(changed)


@pytest.mark.parametrize("keys", [(), ("",), ("key", "")], ids=["none", "empty", "an empty one"])
def test_there_is_no_encryption_without_a_key(keys: tuple[str, ...]) -> None:
    with pytest.raises(SettingsError, match="secret key"):
        Cipher(keys)


def test_every_stored_secret_is_encrypted_anew_with_the_newest_key(loop: Loop) -> None:
    old, both, new = Cipher(["old"]), Cipher(["new", "old"]), Cipher(["new"])
    rows = [
        {"connection": name, "given": "x", "refresh_token": cipher.encrypt(name), "changed_at": loop.clock()}
        for name, cipher in (("sales", old), ("marketing", old), ("other", new))
    ]
    with writing(loop.engine) as connection:
        connection.execute(insert(credentials), rows)
    assert rotate(loop.engine, both) == 2
    assert rotate(loop.engine, both) == 0
    with reading(loop.engine) as connection:
        found = dict(connection.execute(select(credentials.c.connection, credentials.c.refresh_token)).all())
    assert {name: new.decrypt(stored) for name, stored in found.items()} == {name: name for name in found}


def test_the_audit_tells_the_newest_first_and_goes_on_where_it_was(loop: Loop) -> None:
    with writing(loop.engine) as connection:
        for number in range(5):
            audit.note(connection, who="Ada", action="x.do", target=str(number) * 300, now=loop.clock())
        first = audit.entries(connection, limit=2)
        then = audit.entries(connection, limit=2, before=first[-1].id)
    assert [entry.target[0] for entry in (*first, *then)] == ["4", "3", "2", "1"]
    assert {len(entry.target) for entry in first} == {250}
