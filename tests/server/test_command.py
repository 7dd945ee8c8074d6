"""The commands, as an operator types them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import urllib.request
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner

from closedloop_server.access import Role, check_token
from closedloop_server.access.command import token
from closedloop_server.settings import load_settings
from closedloop_server.store.engine import open_engine, reading

NOW = datetime(2026, 11, 2, tzinfo=UTC)


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A settings file whose CRM nobody answers for."""
    monkeypatch.setenv("SALES_TOKEN", "t")
    path = tmp_path / "closedloop.toml"
    path.write_text(
        'public_url = "http://127.0.0.1:1"\nport = 0\n[connections.sales]\ncrm = "salesforce"\n'
        'organisation_id = "00D5g000004ABCD"\nlogin_url = "http://127.0.0.1:1"\n'
        'access_token = {env = "SALES_TOKEN"}\n'
    )
    return path


def run(*arguments: str) -> str:
    result = CliRunner().invoke(token, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def test_a_token_opens_until_it_is_revoked(settings: Path) -> None:
    made = run("create", "Mia in marketing", "--role", "admin", "--settings", str(settings)).strip()
    engine = open_engine(load_settings(settings).database_url)
    with reading(engine) as connection:
        found = check_token(connection, made, now=datetime.now(UTC))
    assert found is not None
    assert found.role is Role.ADMIN
    listed = run("list", "--settings", str(settings))
    assert listed.startswith("Mia in marketing\tadmin\t")
    assert made not in listed
    assert run("revoke", "Mia in marketing", "--settings", str(settings)) == "Revoked 1.\n"
    with reading(engine) as connection:
        assert check_token(connection, made, now=datetime.now(UTC)) is None
    engine.dispose()
    assert "revoked" in run("list", "--settings", str(settings))


def test_the_token_itself_is_nowhere_in_the_database(settings: Path) -> None:
    made = run("create", "x", "--settings", str(settings)).strip()
    files = list(settings.parent.glob("closedloop.db*"))
    assert files
    assert not [file for file in files if made.encode() in file.read_bytes()]


def test_revoking_nobody_says_how_to_find_out_who_there_is(settings: Path) -> None:
    result = CliRunner().invoke(token, ["revoke", "nobody", "--settings", str(settings)])
    assert result.exit_code == 1
    assert "closedloop token list" in result.output


def test_the_server_starts_answers_and_ends_on_a_signal(settings: Path) -> None:
    """A process of its own, because a signal is for a process."""
    program = "from closedloop_server.commands.serve import serve; serve()"
    command = [sys.executable, "-u", "-c", program, "--settings", str(settings)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, env={**os.environ}) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line.startswith("Closed Loop listens on http://127.0.0.1:"), process.communicate()
        with urllib.request.urlopen(f"{line.split()[-1]}/healthz") as answer:  # noqa: S310 - our own server
            assert answer.status == 200
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert "Stopping" in out
    assert "Traceback" not in err
