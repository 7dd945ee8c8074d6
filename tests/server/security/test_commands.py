"""The commands for tokens and secrets, as an operator types them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner
from sqlalchemy import Engine, insert

from closedloop_server.access import Scope, check_token
from closedloop_server.access.command import token
from closedloop_server.commands.secrets import secrets
from closedloop_server.encryption import Cipher
from closedloop_server.settings import load_settings
from closedloop_server.store import audit
from closedloop_server.store.engine import open_engine, reading, writing
from closedloop_server.store.schema import upgrade
from closedloop_server.store.tables import credentials, sessions

OLD, NEW = "the key before", "the new key, as long as it has to be"


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A settings file."""
    for name, value in (("TOKEN", "t"), ("OLD_KEY", OLD), ("NEW_KEY", NEW)):
        monkeypatch.setenv(name, value)
    path = tmp_path / "closedloop.toml"
    path.write_text(
        'public_url = "https://x.example"\nsecret_key = {env = "NEW_KEY"}\n'
        'previous_secret_keys = [{env = "OLD_KEY"}]\ntrusted_proxies = ["10.0.0.5", "fd00::/8"]\n'
        '[connections.marketing]\ncrm = "hubspot"\norganisation_id = "1"\naccess_token = {env = "TOKEN"}\n'
    )
    return path


@pytest.fixture
def engine(file: Path) -> Iterator[Engine]:
    engine = open_engine(load_settings(file).database_url)
    upgrade(engine)
    yield engine
    engine.dispose()


def run(file: Path, *arguments: str, fails: bool = False) -> str:
    result = CliRunner().invoke(token, [*arguments, "--settings", str(file)])
    assert (result.exit_code != 0) is fails, result.output
    return result.stdout or result.output


@pytest.mark.parametrize(
    ("options", "scopes"),
    [
        ((), {Scope.REPORTS}),
        (("--role", "operator"), {Scope.REPORTS, Scope.OPERATE}),
        (("--scope", "operate", "--scope", "reports"), {Scope.REPORTS, Scope.OPERATE}),
        (("--scope", "admin"), {Scope.ADMIN}),
    ],
    ids=["nothing said", "a role", "scopes", "admin"],
)
def test_a_token_has_the_scopes_that_were_asked_for(
    file: Path, engine: Engine, options: tuple[str, ...], scopes: set[Scope]
) -> None:
    made = run(file, "create", "Mia", *options).strip()
    with reading(engine) as connection:
        found = check_token(connection, made, now=datetime.now(UTC))
    assert found is not None
    assert found.scopes == scopes


@pytest.mark.parametrize("when", ["2099-03-31", "12h", "90d", "8w"])
def test_a_token_can_be_given_an_end(file: Path, when: str) -> None:
    run(file, "create", "Mia", "--expires", when)
    assert "valid until 20" in run(file, "list")


@pytest.mark.parametrize("when", ["", "soon", "d", "2020-01-01", "99999999999d", "-1d"])
def test_an_end_that_is_none_is_refused(file: Path, when: str) -> None:
    result = CliRunner().invoke(token, ["create", "Mia", "--expires", when, "--settings", str(file)])
    assert result.exit_code != 0


def test_a_link_is_printed_for_whoever_has_a_token(file: Path) -> None:
    run(file, "link", "Mia", fails=True)
    run(file, "create", "Mia")
    assert run(file, "link", "Mia").startswith("https://x.example/login?link=")


def test_sessions_are_ended_and_everything_is_written_down(file: Path, engine: Engine) -> None:
    made = run(file, "create", "Mia").strip()
    now = datetime.now(UTC)
    with writing(engine) as connection:
        found = check_token(connection, made, now=now)
        assert found is not None
        row = {"digest": "x", "token": found.digest, "began_at": now, "seen_at": now}
        connection.execute(insert(sessions).values(row))
    assert run(file, "sign-out", "Mia") == "Ended 1.\n"
    run(file, "revoke", "Mia")
    with reading(engine) as connection:
        told = [(entry.who, entry.action, entry.target) for entry in audit.entries(connection, limit=9)]
    assert told == [
        ("command line", "token.revoke", "Mia"),
        ("command line", "session.end_all", "Mia"),
        ("command line", "token.create", "Mia"),
    ]


def test_secrets_are_encrypted_anew_after_the_key_was_changed(file: Path, engine: Engine) -> None:
    row = {"connection": "marketing", "given": "x", "refresh_token": Cipher([OLD]).encrypt("secret")}
    with writing(engine) as connection:
        connection.execute(insert(credentials).values(row))
    for count in (1, 0):
        result = CliRunner().invoke(secrets, ["rotate", "--settings", str(file)])
        assert result.output == f"Encrypted {count} anew.\n"
    with reading(engine) as connection:
        stored = connection.scalar(credentials.select().with_only_columns(credentials.c.refresh_token))
    assert Cipher([NEW]).decrypt(str(stored)) == "secret"


def test_the_settings_name_the_keys_and_the_proxies(file: Path) -> None:
    settings = load_settings(file)
    assert (settings.secret_key, settings.previous_secret_keys) == (NEW, (OLD,))
    assert settings.trusted_proxies == ("10.0.0.5", "fd00::/8")
    assert NEW not in repr(settings)
    assert OLD not in repr(settings)
