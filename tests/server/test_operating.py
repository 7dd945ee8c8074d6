"""Where the database is named, and the commands of whoever runs it, as they are typed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from closedloop.errors import SettingsError
from closedloop_server.app import create_app
from closedloop_server.commands.database import database
from closedloop_server.commands.serve import who_works
from closedloop_server.commands.worker import worker
from closedloop_server.runtime import Workers, make_services
from closedloop_server.settings import load_settings
from closedloop_server.store import postgresql

PASSWORD = "s3cret-of-the-database"


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SALES_TOKEN", "t")
    monkeypatch.setenv("APP_SECRET", "k" * 48)
    monkeypatch.delenv("DATABASE_URL", raising=False)


@pytest.fixture
def url(postgresql_server: Any) -> Iterator[str]:
    made: str = postgresql_server.create()
    yield made
    postgresql_server.drop(made)


def written(folder: Path, *first: str) -> Path:
    path = folder / "closedloop.toml"
    lines = (
        *first,
        'public_url = "http://127.0.0.1:1"',
        'secret_key = {env = "APP_SECRET"}',
        "port = 0",
        "[connections.sales]",
        'crm = "salesforce"',
        'organisation_id = "00D5g000004ABCD"',
        'login_url = "http://127.0.0.1:1"',
        'access_token = {env = "SALES_TOKEN"}',
    )
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+psycopg"])
def test_the_driver_is_ours_to_choose(tmp_path: Path, scheme: str) -> None:
    settings = load_settings(written(tmp_path, f'database = "{scheme}://loop@db/loop"'))
    assert settings.database_url == "postgresql+psycopg://loop@db/loop"


def test_the_environment_names_the_database_where_the_file_does_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", f"postgres://loop:{PASSWORD}@db/loop")
    assert load_settings(written(tmp_path)).database_url == f"postgresql+psycopg://loop:{PASSWORD}@db/loop"
    assert load_settings(written(tmp_path, 'database = "other.db"')).database_url.startswith("sqlite:///")


def test_a_url_with_a_password_is_only_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOOP_DATABASE", f"postgresql://loop:{PASSWORD}@db/loop")
    settings = load_settings(written(tmp_path, 'database = {env = "LOOP_DATABASE"}'))
    assert PASSWORD in settings.database_url
    assert PASSWORD not in repr(settings)


@pytest.mark.parametrize(
    "line",
    [
        f'database = "postgresql://loop:{PASSWORD}@db/loop"',
        f'database = {{env = "LOOP_DATABASE", plain = "{PASSWORD}"}}',
        'database = {env = "LOOP_DATABASE"}',
    ],
    ids=["written down", "too much", "no URL"],
)
def test_no_error_message_tells_a_password(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str
) -> None:
    monkeypatch.setenv("LOOP_DATABASE", f"postgresql://loop:{PASSWORD}@db:port/loop")
    with pytest.raises(SettingsError, match="database") as caught:
        load_settings(written(tmp_path, line))
    assert PASSWORD not in str(caught.value)


def test_without_its_libraries_postgresql_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgresql, "find_spec", lambda _: None)
    with pytest.raises(SettingsError, match=r"pip install 'closedloop\[postgresql\]'") as caught:
        load_settings(written(tmp_path, 'database = "postgresql://loop@db/loop"'))
    assert caught.value.reason == "missing_library"


@pytest.mark.parametrize(
    ("line", "asked", "expected"),
    [
        ('database = "loop.db"', False, Workers.THREADS),
        ('database = "loop.db"', True, Workers.THREADS),
        ('database = "postgresql://loop@db/loop"', False, Workers.ELSEWHERE),
        ('database = "postgresql://loop@db/loop"', True, Workers.JOBS),
    ],
    ids=["sqlite", "sqlite, asked", "postgresql", "postgresql, asked"],
)
def test_who_does_the_work_follows_from_the_database(
    tmp_path: Path, line: str, asked: bool, expected: Workers
) -> None:
    assert who_works(load_settings(written(tmp_path, line)), asked=asked) is expected


def test_a_request_while_the_database_is_away_is_told_when_to_come_again(tmp_path: Path) -> None:
    settings = load_settings(written(tmp_path, f'database = "postgresql://loop@/loop?host={tmp_path}"'))
    services, _ = make_services(settings, workers=Workers.ELSEWHERE, crms={})
    answer = (
        create_app(services).test_client().get("/api/v1/campaigns", headers={"Authorization": "Bearer t"})
    )
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) > 0
    services.engine.dispose()


def test_on_sqlite_a_worker_says_why_there_is_none(tmp_path: Path) -> None:
    result = CliRunner().invoke(worker, ["--settings", str(written(tmp_path))])
    assert result.exit_code == 1
    assert "closedloop move --to postgresql" in result.output


def test_a_worker_ends_when_it_is_asked_to(tmp_path: Path, url: str) -> None:
    environment = {**os.environ, "DATABASE_URL": url}
    command = [sys.executable, "-c", "from closedloop.cli import main; main()", "worker"]
    process = subprocess.Popen(
        [*command, "--settings", str(written(tmp_path))],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "Working.\n"
        process.send_signal(signal.SIGTERM)
        told, log = process.communicate(timeout=60)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 0, log
    assert told == "Stopped after what was being done.\n"


def test_the_tables_are_brought_to_a_version_and_back(tmp_path: Path) -> None:
    path = str(written(tmp_path))

    def run(*arguments: str) -> str:
        result = CliRunner().invoke(database, [*arguments, "--settings", path])
        return f"{result.exit_code} {result.output}"

    assert "base (there are none)" in run("status")
    assert run("upgrade").startswith("0 The tables have the version 0")
    assert "That is what this program needs" in run("status")
    assert run("downgrade", "0002", "--yes") == "0 The tables have the version 0002.\n"
    assert "closedloop database upgrade" in run("status")
    assert "this program knows base" in run("downgrade", "0815", "--yes")
