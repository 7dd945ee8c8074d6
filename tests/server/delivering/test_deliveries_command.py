"""`closedloop deliveries`: what an admin sees and can do at the command line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from tests.server.delivering.conftest import Teller, person

from closedloop.loop.feedback import Delivery, DeliveryResult
from closedloop_server.commands.deliveries import deliveries
from closedloop_server.services import now
from closedloop_server.store import deliverers, overrides
from closedloop_server.store.engine import writing

# What is proved here lies before the tables, and is the same on every database.
pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)

KEY = "person|campaign_member|M1"

Run = Callable[..., Result]


@pytest.fixture
def run(teller: Teller, tmp_path: Path) -> Run:
    path = tmp_path / "closedloop.toml"
    url = teller.loop.engine.url.render_as_string(hide_password=False)
    path.write_text(
        f"""
public_url = "https://loop.example.com"
database = "{url}"
secret_key = {{file = "key"}}

[connections.sales]
crm = "salesforce"
organisation_id = "00D5g000004ABCDEA4"
login_url = "https://example.my.salesforce.com"
access_token = {{file = "key"}}
daily_budget = 5000
""",
        encoding="utf-8",
    )
    (tmp_path / "key").write_text("a-key-of-at-least-so-many-characters", encoding="utf-8")
    return lambda *args: CliRunner().invoke(deliveries, [*args, "--settings", str(path)])


@pytest.fixture
def refusing(teller: Teller) -> Teller:
    for id_ in ("M1", "M2"):
        key = f"person|campaign_member|{id_}"
        teller.crm.fates[key] = DeliveryResult(
            key=key, delivery=Delivery.REFUSED, code="STRING_TOO_LONG", message="the field is too short"
        )
    teller.want(person("M1"), person("M2", "about Ann"), person("M3"))
    teller.tell_all()
    return teller


def test_the_list_says_what_waits_what_was_refused_and_what_is_spent(run: Run, refusing: Teller) -> None:
    refusing.want(person("M4"))
    result = run("list")
    assert result.exit_code == 0, result.output
    assert result.output.startswith("sales: 1 value waits, 0 of 5000 calls in 24 hours\n")
    assert "refused: 2 of person since" in result.output
    assert "STRING_TOO_LONG: the field is too short" in result.output


def test_the_list_says_what_fails_and_what_bulk_waits_for(run: Run, teller: Teller) -> None:
    teller.want(person("M1"))
    with writing(teller.loop.engine) as connection:
        deliverers.next_number(connection, "sales")
        deliverers.failed(
            connection, "sales", code="INVALID_SESSION_ID", message="no", denied=True, now=now()
        )
        deliverers.hold_bulk(connection, "sales", until=now().replace(year=2099))
    output = run("list").output
    assert "INVALID_SESSION_ID: no" in output
    assert "bulk work waits until 2099" in output


def test_the_list_names_what_was_changed_by_hand_without_the_values(run: Run, refusing: Teller) -> None:
    call = refusing.row("delivered", "person|campaign_member|M3")["call"]
    with writing(refusing.loop.engine) as connection:
        found = {"person|campaign_member|M3": (call, {"note": "about Ann"})}
        overrides.note(connection, "sales", found, now=refusing.loop.clock())
    output = run("list", "--connection", "sales").output
    assert "changed by hand: person|campaign_member|M3" in output
    assert "note" in output
    assert "Ann" not in output


@pytest.mark.parametrize(
    ("args", "count"),
    [
        ((), "2 values are"),
        ((KEY,), "1 value is"),
        (("--code", "STRING_TOO_LONG", "--connection", "sales"), "2 values are"),
    ],
    ids=["all", "one", "code"],
)
def test_refused_values_are_told_again(run: Run, refusing: Teller, args: tuple[str, ...], count: str) -> None:
    result = run("retry", *args)
    assert result.output == f"{count} told again.\n"
    refusing.crm.fates.clear()
    assert refusing.tell_all() == int(count[0])
    (entry,) = refusing.loop.rows("audit", action="delivery.try_again")
    assert (entry["who"], entry["target"]) == ("command line", "sales")


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("--code", "UNKNOWN"), "nothing of the kind is refused"),
        (("--connection", "marketing"), "no connection is called 'marketing'"),
    ],
    ids=["code", "connection"],
)
def test_what_there_is_not_is_told(run: Run, refusing: Teller, args: tuple[str, ...], said: str) -> None:
    result = run("retry", *args)
    assert result.exit_code == 1
    assert said in result.output
    assert refusing.tell_all() == 0
