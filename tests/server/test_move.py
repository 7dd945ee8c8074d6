"""From a SQLite file to PostgreSQL by one command: everything or nothing, and nobody is told twice."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner
from sqlalchemy import Engine, insert, select, text

from closedloop.schema.records import Ref
from closedloop.schema.vocabulary import ObjectType
from closedloop_server.commands import move as move_command
from closedloop_server.commands.move import move, move_to
from closedloop_server.store import copying
from closedloop_server.store.copying import CopyError
from closedloop_server.store.engine import open_engine, reading, writing
from closedloop_server.store.tables import cursors, ledger, metadata

if TYPE_CHECKING:
    from tests.server.conftest import Loop, Make

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)

LEAD = Ref(ObjectType.LEAD, "L1")


@pytest.fixture
def target(postgresql_server: Any) -> Iterator[str]:
    """An empty database."""
    url: str = postgresql_server.create()
    yield url
    postgresql_server.drop(url)


@pytest.fixture
def told(loop: Loop, salesforce: Make) -> Loop:
    """A company of which everything was told, and whose server was stopped."""
    for number in range(5):
        lead = f"L{number}"
        loop.sales.put(salesforce.lead(lead, "Unqualified", name="Ann", stage_changed_at=loop.clock()))
        loop.sales.put(salesforce.member(f"M{number}", "C1", lead_id=lead))
    loop.poll()
    assert loop.sales.shown
    with writing(loop.engine) as connection:
        # As a version has stored it that did not refuse such a text.
        connection.exec_driver_sql("UPDATE records SET name = 'Ann' || char(0) WHERE name = 'Ann'")
    loop.engine.dispose()
    return loop


def source(loop: Loop) -> str:
    return str(loop.engine.url)


def moved(loop: Loop, engine: Engine) -> Loop:
    """The same company, with the server on the other database."""
    return replace(loop, services=replace(loop.services, engine=engine))


def digest(loop: Loop) -> str:
    assert loop.engine.url.database
    return hashlib.sha256(Path(loop.engine.url.database).read_bytes()).hexdigest()


def test_the_loop_goes_on_there_and_tells_nobody_twice(told: Loop, target: str) -> None:
    rows: dict[str, int] = {}
    before, said = told.snapshot(), list(told.sales.told)
    told.engine.dispose()
    move_to(source(told), target, copied=rows.__setitem__)
    assert rows["ledger"] == 5
    engine = open_engine(target)
    there = moved(told, engine)
    assert {name: len(each) for name, each in there.snapshot().items()} == {
        name: len(each) for name, each in before.items()
    }
    there.poll()
    assert there.sales.told == said
    there.clock.pass_(minutes=1)
    there.sales.change(LEAD, stage="Working", stage_changed_at=there.clock())
    there.poll()
    assert len(there.rows("ledger")) == 6  # numbered after those that were copied
    assert there.sales.told != said
    engine.dispose()


def test_the_file_stays_as_it_is(told: Loop, target: str) -> None:
    before = digest(told)
    move_to(source(told), target)
    assert digest(told) == before


def test_a_file_that_somebody_has_open_is_not_moved(told: Loop, target: str) -> None:
    with reading(told.engine) as connection:
        connection.execute(select(cursors)).all()
        with pytest.raises(CopyError, match="stop the server") as caught:
            move_to(source(told), target)
    assert caught.value.reason == "in_use"


def test_a_database_with_data_in_it_is_no_target(told: Loop, target: str) -> None:
    move_to(source(told), target)
    with pytest.raises(CopyError, match="ledger") as caught:
        move_to(source(told), target)
    assert caught.value.reason == "not_empty"


def test_an_older_file_is_brought_up_to_date_first(told: Loop, target: str) -> None:
    with writing(told.engine) as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '0002'"))
    told.engine.dispose()
    with pytest.raises(CopyError, match="closedloop database upgrade") as caught:
        move_to(source(told), target)
    assert caught.value.reason == "other_version"


def test_nothing_is_kept_when_a_row_goes_missing(
    told: Loop, target: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def less(source: Any, target: Any, table: Any) -> copying.Sum:
        done = copy(source, target, table)
        return done + copying.Sum(1, 1) if table is ledger else done

    copy = copying._copy
    monkeypatch.setattr(copying, "_copy", less)
    with pytest.raises(CopyError, match="ledger") as caught:
        move_to(source(told), target)
    assert caught.value.reason == "copy_differs"
    engine = open_engine(target)
    with reading(engine) as connection:
        assert copying.occupied(connection) == []
    engine.dispose()


def test_every_table_is_copied_however_large(
    told: Loop, target: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copying, "PORTION", 7)
    with writing(told.engine) as connection:
        connection.execute(insert(cursors), [{"connection": f"c{number}"} for number in range(50)])
    told.engine.dispose()
    rows: dict[str, int] = {}
    move_to(source(told), target, copied=rows.__setitem__)
    assert set(rows) == set(metadata.tables)
    assert rows["cursors"] == 52


@pytest.mark.parametrize("url", ["sqlite:///other.db", "mysql://host/name", "loop"])
def test_only_postgresql_is_a_target(told: Loop, url: str) -> None:
    with pytest.raises(CopyError, match="expected postgresql://") as caught:
        move_to(source(told), url)
    assert caught.value.reason == "no_target"


def test_the_command_says_what_it_moved_and_what_to_do_next(
    told: Loop, target: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SALES_TOKEN", "t")
    monkeypatch.setenv("APP_SECRET", "k" * 48)
    assert told.engine.url.database
    shutil.copy(told.engine.url.database, tmp_path / "closedloop.db")
    settings = tmp_path / "closedloop.toml"
    settings.write_text(
        'public_url = "https://loop.example.com"\n[connections.sales]\ncrm = "salesforce"\n'
        'organisation_id = "00D5g000004ABCD"\nlogin_url = "http://127.0.0.1:1"\n'
        'access_token = {env = "SALES_TOKEN"}\n'
    )
    result = CliRunner().invoke(
        move, ["--settings", str(settings)], env={"CLOSEDLOOP_MOVE_TO": target}, catch_exceptions=False
    )
    assert result.exit_code == 0, result.output
    assert "        5 ledger\n" in result.output
    assert "closedloop.secret-key" in result.output
    again = CliRunner().invoke(move, ["--settings", str(settings), "--to", target])
    assert again.exit_code == 1
    assert "holds data already" in again.output
    settings.write_text(
        f'database = "{target}"\nsecret_key = {{env = "APP_SECRET"}}\n' + settings.read_text()
    )
    nothing = CliRunner().invoke(move, ["--settings", str(settings), "--to", target])
    assert nothing.exit_code == 1
    assert "nothing to move" in nothing.output


def test_an_error_of_the_database_quotes_no_row(
    told: Loop, target: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A text too long for its column, which SQLite does not mind."""
    with writing(told.engine) as connection:
        connection.execute(insert(cursors).values(connection="ann@example.com" * 20))
    told.engine.dispose()
    with pytest.raises(Exception, match="too long") as caught:
        move_command.move_to(source(told), target)
    assert "ann@example.com" not in str(caught.value)
