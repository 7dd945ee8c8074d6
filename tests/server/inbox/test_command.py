"""`closedloop inbox`, as an operator types it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from closedloop_server.commands.inbox import inbox as command
from closedloop_server.commands.serve import open_database
from closedloop_server.store import deliveries, inbox
from closedloop_server.store.deliveries import Kept, Selection
from closedloop_server.store.engine import reading, writing
from closedloop_server.store.inbox import Emptied, Outcome

NOW = datetime(2026, 11, 2, 9, tzinfo=UTC)


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SALES_TOKEN", "t")
    path = tmp_path / "closedloop.toml"
    path.write_text(
        'public_url = "http://127.0.0.1:1"\nport = 0\n[connections.sales]\ncrm = "salesforce"\n'
        'organisation_id = "00D5g000004ABCD"\nlogin_url = "http://127.0.0.1:1"\n'
        'access_token = {env = "SALES_TOKEN"}\n'
    )
    return path


@pytest.fixture(autouse=True)
def three(settings: Path) -> None:
    """Three deliveries: the first was read, the second is unreadable, the third waits."""
    with open_database(settings) as engine, writing(engine) as connection:
        for hour in range(3):
            inbox.keep(
                connection,
                "sales",
                content_type="text/xml",
                body=b"<body>%d</body>" % hour,
                now=NOW + timedelta(hours=hour),
            )
        inbox.mark_read(connection, [Outcome(id=1, hints=4), Outcome(id=2, error="not_xml: x")], now=NOW)


def run(settings: Path, *arguments: str) -> Result:
    return CliRunner().invoke(command, [*arguments, "--settings", str(settings)], catch_exceptions=False)


def kept(settings: Path) -> list[Kept]:
    with open_database(settings) as engine, reading(engine) as connection:
        return deliveries.listed(connection, Selection())


def test_the_list_says_what_became_of_each(settings: Path) -> None:
    lines = run(settings, "list").output.splitlines()
    assert [line.split("\t")[0] for line in lines] == ["3", "2", "1"]
    assert lines[0] == "3\t2026-11-02T11:00:00Z\tsales\twaiting\t-\t14"
    assert lines[1].endswith("unreadable\t0\t14\tnot_xml: x")
    assert lines[2] == "1\t2026-11-02T09:00:00Z\tsales\tread\t4\t14"


@pytest.mark.parametrize(
    ("options", "numbers"),
    [
        (("--state", "unreadable"), ["2"]),
        (("--connection", "marketing"), []),
        (("--since", "2026-11-02T10:00"), ["3", "2"]),
        (("--since", "2026-11-02T11:00+01:00", "--until", "2026-11-02T11:00"), ["2"]),
        (("--limit", "1"), ["3"]),
    ],
    ids=["state", "connection", "since", "zones", "limit"],
)
def test_the_list_is_narrowed(settings: Path, options: tuple[str, ...], numbers: list[str]) -> None:
    lines = run(settings, "list", *options).output.splitlines()
    assert [line.split("\t")[0] for line in lines] == numbers


def test_one_is_shown_without_its_body_unless_that_is_asked_for(settings: Path) -> None:
    told = run(settings, "show", "2").output
    assert "state       unreadable at 2026-11-02T09:00:00+00:00" in told
    assert "error       not_xml: x" in told
    assert "<body>" not in told
    assert run(settings, "show", "2", "--body").stdout_bytes == b"<body>1</body>"


def test_one_that_was_emptied_says_when_and_why(settings: Path) -> None:
    with open_database(settings) as engine, writing(engine) as connection:
        inbox.empty(connection, [1], why=Emptied.RETENTION, now=NOW)
    assert "emptied at 2026-11-02T09:00:00+00:00 (retention)" in run(settings, "show", "1").output
    body = run(settings, "show", "1", "--body")
    assert body.exit_code == 1
    assert "(retention)" in body.output
    again = run(settings, "replay", "1")
    assert again.exit_code == 1
    assert "their bodies were emptied" in again.output


@pytest.mark.parametrize(
    ("arguments", "replayed"),
    [
        (("1",), [1]),
        (("1-3",), [2, 1]),
        (("--state", "unreadable"), [2]),
        (("--until", "2026-11-02T09:30"), [1]),
    ],
    ids=["one", "range", "state", "time"],
)
def test_some_are_read_once_more(settings: Path, arguments: tuple[str, ...], replayed: list[int]) -> None:
    told = run(settings, "replay", *arguments)
    assert told.exit_code == 0, told.output
    assert told.output.startswith(f"{len(replayed)} deliver")
    assert [each.id for each in kept(settings) if each.replays] == replayed
    assert {each.state.value for each in kept(settings) if each.replays} == {"waiting"}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("replay",), "say which"),
        (("replay", "1-x"), "neither a number nor a range"),
        (("replay", "--since", "yesterday"), "is no time such as"),
        (("replay", "3"), "they wait to be read"),
        (("show", "99"), "there is no delivery 99"),
        (("list", "--state", "lost"), "'lost' is not one of"),
    ],
    ids=["nothing", "range", "time", "waiting", "unknown", "state"],
)
def test_what_cannot_be_done_is_said(settings: Path, arguments: tuple[str, ...], said: str) -> None:
    result = run(settings, *arguments)
    assert result.exit_code in {1, 2}
    assert said in result.output
    assert not any(each.replays for each in kept(settings))
