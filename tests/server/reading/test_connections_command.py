"""`closedloop connections`, as an operator types it while the server runs."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import Engine

from closedloop.schema.vocabulary import ObjectType
from closedloop_server.commands.connections import connections
from closedloop_server.settings import load_settings
from closedloop_server.store import audit, cursors, readings
from closedloop_server.store.engine import open_engine, reading, writing
from closedloop_server.store.readings import State

NOW = datetime(2026, 11, 2, 9, tzinfo=UTC)


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A settings file with one connection."""
    monkeypatch.setenv("SALES_TOKEN", "t")
    file = tmp_path / "closedloop.toml"
    file.write_text(
        'public_url = "http://127.0.0.1:1"\n[connections.sales]\ncrm = "salesforce"\n'
        'organisation_id = "00D5g000004ABCD"\nlogin_url = "http://127.0.0.1:1"\n'
        'access_token = {env = "SALES_TOKEN"}\n'
    )
    return file


def run(path: Path, *arguments: str) -> Result:
    return CliRunner().invoke(connections, [*arguments, "--settings", str(path)])


def state(path: Path) -> State:
    engine = open_engine(load_settings(path).database_url)
    with reading(engine) as connection:
        found = readings.progress(connection, "sales").state
    engine.dispose()
    return found


def read_some(engine: Engine) -> None:
    """Half of the leads have come in."""
    with writing(engine) as connection:
        place = cursors.begin(connection, "sales", now=NOW)
        cursors.expect(connection, "sales", {ObjectType.LEAD: 5_000, ObjectType.ACCOUNT: 1_000})
        brought = {ObjectType.LEAD: 2_000, ObjectType.ACCOUNT: 1_000}
        cursors.advance(connection, "sales", "{}", round=place.round, brought=brought, now=NOW)
        cursors.fail(connection, "sales", "unreachable: no connection")


def test_a_connection_that_was_never_read_says_so(path: Path) -> None:
    result = run(path)
    assert (result.exit_code, result.output) == (0, "sales: not read yet\n")


def test_the_list_says_how_far_each_connection_is(path: Path) -> None:
    run(path)
    engine = open_engine(load_settings(path).database_url)
    read_some(engine)
    engine.dispose()
    assert run(path).output == (
        "sales: back-filling\n"
        "  back-fill begun 2026-11-02 09:00:00 UTC, 50% done\n"
        "  account 1,000 of 1,000, lead 2,000 of 5,000\n"
        "  last page 2026-11-02 09:00:00 UTC\n"
        "  last error: unreachable: no connection\n"
    )


def test_pausing_and_resuming(path: Path) -> None:
    assert run(path, "pause", "sales").output == "sales is paused.\n"
    assert run(path, "pause", "sales").output == "sales was paused already.\n"
    assert state(path) is State.PAUSED
    assert run(path).output.startswith("sales: paused by ")
    assert run(path, "resume", "sales").output == "sales goes on within seconds.\n"
    assert run(path, "resume", "sales").output == "sales was not paused.\n"
    assert state(path) is State.NEVER


def test_beginning_anew(path: Path) -> None:
    run(path)
    engine = open_engine(load_settings(path).database_url)
    read_some(engine)
    engine.dispose()
    assert run(path, "again", "sales").output == "sales is read from the beginning.\n"
    assert state(path) is State.NEVER
    run(path, "pause", "sales")
    assert run(path, "again", "sales").output == "sales is read from the beginning once it is resumed.\n"
    assert state(path) is State.PAUSED


@pytest.mark.parametrize("command", ["pause", "resume", "again"])
def test_a_name_that_is_no_connection_is_refused(path: Path, command: str) -> None:
    result = run(path, command, "slaes")
    assert result.exit_code == 1
    assert "no connection is called 'slaes'; there are sales" in result.output


def test_what_is_held_or_begun_anew_is_written_down(path: Path) -> None:
    for verb in ("pause", "pause", "resume", "resume", "again"):
        assert run(path, verb, "sales").exit_code == 0
    engine = open_engine(load_settings(path).database_url)
    with reading(engine) as connection:
        told = [(entry.action, entry.target) for entry in audit.entries(connection, limit=9)]
    engine.dispose()
    assert told == [
        ("connection.read_again", "sales"),
        ("connection.resume", "sales"),
        ("connection.pause", "sales"),
    ]
