"""What is older than the settings keep it goes by itself; what is not, stays."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from closedloop.errors import SettingsError
from closedloop.schema.records import Ref
from closedloop.schema.vocabulary import ObjectType
from closedloop_server.commands.privacy import privacy
from closedloop_server.retention import RetentionSettings
from closedloop_server.settings import load_settings
from closedloop_server.store import audit, inbox, records
from closedloop_server.store.engine import open_engine, reading, writing
from closedloop_server.store.rows import Key
from closedloop_server.store.schema import upgrade
from closedloop_server.work.keeping import EVERY, clear_old, old_rows
from closedloop_server.work.kinds import Kind, Work

if TYPE_CHECKING:
    from tests.server.conftest import Loop, Make


def clear(loop: Loop) -> object:
    return clear_old(loop.services, Work(Kind.KEEP), lambda: None)


def fill(loop: Loop, hubspot: Make) -> None:
    loop.marketing.put(hubspot.contact("1", name="Ann Arbor", email="ann@example.com", raw={"x": "Ann"}))
    loop.marketing.put(hubspot.contact("2", name="Bob Stays"))
    with writing(loop.engine) as connection:
        inbox.keep(connection, "marketing", content_type="application/json", body=b"[]", now=loop.clock())
        audit.note(connection, who="Ada", action="x.do", now=loop.clock())
    loop.poll()
    loop.marketing.remove(Ref(ObjectType.CONTACT, "1"))
    loop.hint("marketing", Ref(ObjectType.CONTACT, "1"))
    loop.settle()


def state(loop: Loop) -> dict[str, bool]:
    """What is still there."""
    deliveries = loop.rows("inbox")
    return {
        "body": any(row["body"] for row in deliveries),
        "delivery": bool(deliveries),
        "deleted": "Ann" in repr(loop.rows("records", crm_id="1")),
        "audit": bool(loop.rows("audit")),
        "present": "Bob" in repr(loop.rows("records", crm_id="2")),
    }


@pytest.mark.parametrize(
    ("days", "gone"),
    [
        (1, set()),
        (13, set()),
        (15, {"body"}),
        (91, {"body", "delivery", "deleted"}),
        (731, {"body", "delivery", "deleted", "audit"}),
    ],
)
def test_everything_goes_when_it_is_as_old_as_the_settings_say(
    loop: Loop, hubspot: Make, days: int, gone: set[str]
) -> None:
    fill(loop, hubspot)
    loop.clock.pass_(days=days)
    clear(loop)
    assert {name for name, there in state(loop).items() if not there} == gone


def test_a_record_that_the_crm_restores_is_whole_again(loop: Loop, hubspot: Make) -> None:
    fill(loop, hubspot)
    loop.clock.pass_(days=91)
    clear(loop)
    loop.marketing.put(hubspot.contact("1", name="Ann Arbor"))
    loop.hint("marketing", Ref(ObjectType.CONTACT, "1"))
    loop.settle()
    assert state(loop)["deleted"], "Ann is there again"


def test_it_is_done_a_few_times_a_day_and_remembered_over_a_restart(loop: Loop, hubspot: Make) -> None:
    fill(loop, hubspot)
    start = loop.clock()
    assert clear(loop) == start + EVERY
    loop.clock.pass_(hours=1)
    assert clear(loop) == start + EVERY, "it is not done again before"
    loop.clock.pass_(hours=6)
    assert clear(loop) == loop.clock() + EVERY


def test_a_long_clearing_goes_portion_by_portion_and_can_be_stopped(loop: Loop) -> None:
    with writing(loop.engine) as connection:
        for number in range(450):
            audit.note(connection, who="Ada", action="x.do", target=str(number), now=loop.clock())
    loop.clock.pass_(days=731)
    left: list[int] = []

    def check() -> None:
        left.append(len(loop.rows("audit")))
        if left[-1] == 250:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        clear_old(loop.services, Work(Kind.KEEP), check)
    assert left[-2:] == [450, 250]
    clear(loop)
    assert loop.rows("audit") == []


def test_what_would_go_is_counted_beforehand(loop: Loop, hubspot: Make) -> None:
    fill(loop, hubspot)
    loop.clock.pass_(days=100)
    with reading(loop.engine) as connection:
        found = {
            rule.name: count for rule, count in old_rows(connection, RetentionSettings(), now=loop.clock())
        }
    assert found == {"delivery bodies": 1, "deliveries": 1, "deleted records": 1, "audit": 0}


def test_a_delivery_that_nobody_has_read_is_kept_however_old(loop: Loop) -> None:
    with writing(loop.engine) as connection:
        inbox.keep(connection, "marketing", content_type="application/json", body=b"[]", now=loop.clock())
    loop.clock.pass_(days=1000)
    clear(loop)
    assert state(loop)["body"]


@pytest.fixture
def settings_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A settings file, and a database with Ann in it."""
    monkeypatch.setenv("TOKEN", "t")
    path = tmp_path / "closedloop.toml"
    path.write_text(
        'public_url = "https://x.example"\n[retention]\naudit_days = 60\n[connections.marketing]\n'
        'crm = "hubspot"\norganisation_id = "1"\naccess_token = {env = "TOKEN"}\n'
    )
    return path


def run(*arguments: str, ok: bool = True) -> str:
    result = CliRunner().invoke(privacy, arguments)
    assert (result.exit_code == 0) is ok, result.output
    return result.output


def person(settings_file: Path, hubspot: Make) -> Any:
    engine = open_engine(load_settings(settings_file).database_url)
    upgrade(engine)
    now = datetime.now(UTC) - timedelta(days=1)
    ann = hubspot.contact("1", name="Ann Arbor", email="ann@example.com", updated_at=now)
    with writing(engine) as connection:
        records.save(connection, {Key("marketing", ObjectType.CONTACT, "1"): ann}, now=now)
    return engine


def test_the_commands_show_erase_and_count(settings_file: Path, hubspot: Make) -> None:
    engine = person(settings_file, hubspot)
    file = ("--settings", str(settings_file))
    shown = json.loads(run("show", "--email", "ANN@example.com", *file))
    assert shown["held"]["records"][0]["name"] == "Ann Arbor"
    named = ("--connection", "marketing", "--contact", "1")
    assert "add --apply" in run("erase", *named, *file)
    assert "Ann" in run("show", *named, *file)
    assert "Erased marketing:contact:1" in run("erase", *named, "--apply", *file)
    told = run("show", *named, *file)
    assert json.loads(told)["erased"]
    assert "Ann" not in told
    assert "audit\tkept 60 days\t0 older" in run("retention", *file)
    with reading(engine) as connection:
        actions = {entry.action for entry in audit.entries(connection, limit=20)}
    assert actions == {"privacy.show", "privacy.erase"}
    engine.dispose()


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("--contact", "1"),
        ("--connection", "marketing"),
        ("--connection", "nobody", "--contact", "1"),
        ("--connection", "marketing", "--contact", "1", "--lead", "2"),
        ("--email", "nobody@example.com"),
        ("--email", "ann@example.com", "--connection", "marketing"),
    ],
    ids=" ".join,
)
def test_whoever_names_nobody_or_too_many_is_told_so(
    settings_file: Path, hubspot: Make, arguments: tuple[str, ...]
) -> None:
    person(settings_file, hubspot).dispose()
    run("erase", *arguments, "--settings", str(settings_file), ok=False)


@pytest.mark.parametrize("line", ["audit_days = 1", "deliveries_days = 0", "other = 3", 'audit_days = "60"'])
def test_a_retention_that_makes_no_sense_is_refused(settings_file: Path, line: str) -> None:
    settings_file.write_text(settings_file.read_text().replace("audit_days = 60", line))
    with pytest.raises(SettingsError, match="retention"):
        load_settings(settings_file)


def test_what_the_settings_say_is_kept(settings_file: Path) -> None:
    assert load_settings(settings_file).retention == replace(RetentionSettings(), audit_days=60)
