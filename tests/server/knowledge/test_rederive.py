"""Everything derived once more by other mappings: what would change, and that nothing does unasked."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner, Result

from closedloop.loop.attribution import CampaignKey
from closedloop.mapping import Mappings, load_mappings
from closedloop.schema.vocabulary import AttributionModel, CrmName, ObjectType, Outcome, ReasonCode
from closedloop_server.commands import rederive as rederive_command
from closedloop_server.commands.rederive import command as rederive_
from closedloop_server.pipeline.rederive import Rederivation, rederive
from closedloop_server.services import Services
from closedloop_server.store.engine import reading, writing
from closedloop_server.store.rows import Key
from closedloop_server.store.tables import credits_, desired
from closedloop_server.verify import command as verifying
from closedloop_server.verify import verify

if TYPE_CHECKING:
    from tests.server.knowledge.conftest import History

C1 = CampaignKey("sales", "C1")
NO_BUDGET = (Outcome.DISQUALIFIED, ReasonCode.NO_BUDGET)
UNREACHED = (Outcome.DISQUALIFIED, ReasonCode.UNABLE_TO_REACH)


def rederived(history: History, mappings: Mappings) -> Rederivation:
    with reading(history.loop.engine) as connection:
        return rederive(
            connection,
            mappings,
            present=history.services.mappings,
            names=history.services.crms,
            model=AttributionModel.LINEAR,
        )


@pytest.fixture
def told(history: History) -> History:
    """Two leads without a budget, one of them in no campaign; and one that chose somebody else."""
    history.rejected(1)
    history.tell(history.make.lead("L2", "Unqualified", reason="No budget"))
    history.rejected(3, reason="Competitor")
    return history


def test_the_present_mappings_change_nothing(told: History) -> None:
    found = rederived(told, told.services.mappings)
    assert (found.judged, found.changes, found.reasons, found.credits) == (3, (), {}, {})


def test_other_mappings_show_what_would_differ_and_nothing_is_written(
    told: History, other_mappings: Mappings
) -> None:
    before = told.loop.snapshot()
    found = rederived(told, other_mappings)
    assert told.loop.snapshot() == before
    assert found.judged == 3
    assert [change.subject.id for change in found.changes] == ["L1", "L2"]
    assert found.reasons == {NO_BUDGET: (2, 0), UNREACHED: (0, 2)}
    one, none = Decimal(1), Decimal(0)
    assert found.credits == {
        (C1, *NO_BUDGET): (one, none),
        (None, *NO_BUDGET): (one, none),
        (C1, *UNREACHED): (none, one),
        (None, *UNREACHED): (none, one),
    }


def test_a_version_that_was_used_before_judges_as_it_did(told: History, other_mappings: Mappings) -> None:
    told.judge_by(other_mappings)
    told.follow()
    found = rederived(told, load_mappings())
    assert found.reasons == {NO_BUDGET: (0, 2), UNREACHED: (2, 0)}
    told.judge_by(load_mappings())
    told.follow()
    assert rederived(told, other_mappings).reasons == {NO_BUDGET: (2, 0), UNREACHED: (0, 2)}
    assert [row["reason"] for row in told.loop.rows("ledger", crm_id="L1")] == [
        "no_budget",
        "unable_to_reach",
        "no_budget",
    ]


def test_a_field_that_other_mappings_read_elsewhere_is_read_from_the_payload(history: History) -> None:
    """The shipped mapping reads a reason where the others read another field of the same answer."""
    shipped = history.services.mappings
    payload = {
        "attributes": {"type": "Opportunity"},
        "Id": "006xx0000000001AAA",
        "StageName": "Closed Lost",
        "Loss_Reason__c": "No budget",
        "Why_Not__c": "Competitor",
    }
    elsewhere = shipped.overlaid(
        "salesforce", {"objects": {"opportunity": {"fields": {"lost_reason": "Why_Not__c"}}}}
    )
    record = shipped.crm(CrmName.SALESFORCE).normalise(ObjectType.OPPORTUNITY, payload)
    history.tell(record)
    found = rederived(history, elsewhere)
    assert [
        (change.before and change.before.reason, change.after and change.after.reason)
        for change in found.changes
    ] == [(history.loop.rows("ledger")[0]["reason"], ReasonCode.COMPETITOR)]


def test_what_other_mappings_cannot_read_is_named_and_judged_as_it_is(history: History) -> None:
    shipped = history.services.mappings
    payload = {"attributes": {"type": "Lead"}, "Id": "00Qxx0000000001AAA", "Status": "Unqualified"}
    record = shipped.crm(CrmName.SALESFORCE).normalise(ObjectType.LEAD, payload)
    history.tell(record)
    files = dict(shipped.files)
    broken = shipped.overlaid("salesforce", {"objects": {"lead": {"fields": {"converted": "Status"}}}})
    assert files["salesforce.yaml"] != broken.files["salesforce.yaml"]
    found = rederived(history, broken)
    assert found.unreadable == {Key("sales", ObjectType.LEAD, record.id)}
    assert found.changes == ()


class Commands:
    """The commands, on the settings of a history."""

    def __init__(self, history: History) -> None:
        self.services = history.services

    def run(self, command: Any, *arguments: str) -> Result:
        return CliRunner().invoke(command, [*arguments, "--settings", "closedloop.toml"])


@pytest.fixture
def commands(told: History, monkeypatch: pytest.MonkeyPatch) -> Commands:
    made = Commands(told)

    def opened(_: Path) -> Any:
        return _handing_over(made.services)

    monkeypatch.setattr(rederive_command, "open_services", opened)
    monkeypatch.setattr(verifying, "open_services", opened)
    return made


class _handing_over:  # noqa: N801 - reads as the function that it stands for
    def __init__(self, services: Services) -> None:
        self.services = services

    def __enter__(self) -> Services:
        return self.services

    def __exit__(self, *_: object) -> None:
        return None


def test_the_command_shows_counts_campaigns_and_records(
    commands: Commands, other_mappings: Mappings, tmp_path: Path
) -> None:
    folder = _folder(tmp_path, other_mappings)
    result = commands.run(rederive_, "--mappings", str(folder), "--list", "1")
    assert result.exit_code == 0
    assert f"Judged 3 leads and deals by version {other_mappings.version[:12]}" in result.output
    assert "Disqualified, No budget\t2\t0" in result.output
    assert "sales:C1, Disqualified, Unable to reach\t0\t1" in result.output
    assert "sales lead L1: Disqualified, No budget -> Disqualified, Unable to reach" in result.output
    assert "… and 1 more: --list 2 shows them all" in result.output


def _folder(tmp_path: Path, mappings: Mappings) -> Path:
    folder = tmp_path / "mappings"
    folder.mkdir()
    for name, text in mappings.files.items():
        (folder / name).write_bytes(text.encode())
    return folder


def test_the_command_says_that_nothing_would_change(commands: Commands) -> None:
    result = commands.run(rederive_)
    assert result.exit_code == 0
    assert "Nothing would change." in result.output


def test_an_older_version_is_saved_as_it_was(commands: Commands, tmp_path: Path) -> None:
    version = commands.services.mappings.version
    result = commands.run(rederive_, "--version", version[:8], "--save", str(tmp_path / "old"))
    assert result.exit_code == 0
    assert load_mappings(tmp_path / "old").version == version


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--version", "nothing"), "no versions of the mappings begin with 'nothing'"),
        (("--version", "a", "--mappings", "."), "not both"),
        (("--mappings", "empty"), "maps nothing"),
    ],
    ids=["unknown version", "both", "no mapping"],
)
def test_what_cannot_be_judged_by_is_refused(
    commands: Commands, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "other.yaml").write_text("a: b\n")
    result = commands.run(rederive_, *arguments)
    assert result.exit_code != 0
    assert said in result.output


def test_only_the_mappings_of_the_settings_are_applied(
    commands: Commands, told: History, other_mappings: Mappings, tmp_path: Path
) -> None:
    folder = _folder(tmp_path, other_mappings)
    refused = commands.run(rederive_, "--mappings", str(folder), "--apply")
    assert refused.exit_code == 1
    assert "mappings_directory" in refused.output
    assert told.loop.rows("stale") == []
    commands.services = told.loop.services = replace(told.services, mappings=other_mappings)
    applied = commands.run(rederive_, "--apply")
    assert applied.exit_code == 0, applied.output
    told.follow()
    entries = [(row["crm_id"], row["entry"], row["reason"]) for row in told.loop.rows("ledger")]
    assert entries == [
        ("L1", 1, "no_budget"),
        ("L2", 1, "no_budget"),
        ("L3", 1, "competitor"),
        ("L1", 2, "unable_to_reach"),
        ("L2", 2, "unable_to_reach"),
    ]
    assert verify(told.services) == []


def test_applying_repairs_what_verifying_finds(commands: Commands, told: History) -> None:
    with writing(told.loop.engine) as connection:
        connection.execute(credits_.update().values(share=Decimal("0.5")))
        connection.execute(desired.delete())
    found = commands.run(verifying.command)
    assert found.exit_code == 1
    assert "credits: entry 1: its first credit sums to 0.5, expected 1" in found.output
    assert "findings; `closedloop rederive --apply`" in found.output
    assert commands.run(rederive_, "--apply").exit_code == 0
    told.follow()
    assert verify(told.services) == []
    agreed = commands.run(verifying.command)
    assert (agreed.exit_code, agreed.output) == (0, "Everything agrees.\n")
