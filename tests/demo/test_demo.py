"""The demo from end to end: what the CRMs' own records say in the end is the truth about the world."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from closedloop.sandbox.world import World
from closedloop.schema.vocabulary import DECIDED, OUTCOME_LABELS, AttributionModel
from closedloop_server.demo import command
from closedloop_server.demo.clock import DemoClock
from closedloop_server.demo.command import demo
from closedloop_server.demo.compare import Mismatch
from closedloop_server.demo.progress import ProgressLine
from closedloop_server.demo.result import Result
from closedloop_server.demo.run import Progress, run
from closedloop_server.demo.scene import Scene

START = datetime.now(UTC) - timedelta(days=20)
DECISIONS = 36


def seed_of_a_portal(*, properties: bool) -> int:
    """The first seed whose portal allows campaign properties, or does not."""
    return next(
        seed
        for seed in range(1, 50)
        if World.from_seed(seed, decisions=1).campaign_properties_allowed is properties
    )


@pytest.mark.parametrize(
    ("properties", "model"),
    [(True, AttributionModel.PRIMARY), (False, AttributionModel.LINEAR)],
    ids=["properties", "notes"],
)
def test_every_record_in_both_crms_says_what_is_true(properties: bool, model: AttributionModel) -> None:
    world = World.from_seed(seed_of_a_portal(properties=properties), decisions=DECISIONS, start=START)
    with Scene(world=world, model=model, port=0, clock=DemoClock(world.start)) as scene:
        result = run(scene, ProgressLine(io.StringIO()))
    assert result.mismatches == ()
    books = result.books
    assert books.waiting == 0
    assert books.refused == 0
    assert books.delivered + books.unattributed + result.superseded == DECISIONS
    assert result.read_back == books.delivered > DECISIONS / 2


def test_webhooks_alone_bring_every_decision_to_the_campaigns(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only memberships that come later, of which no CRM tells by itself, have to wait for a poll."""
    world = World.from_seed(9, decisions=DECISIONS, start=START)
    with Scene(world=world, model=AttributionModel.FIRST, port=0, clock=DemoClock(world.start)) as scene:
        monkeypatch.setattr(scene.runtime, "poll_now", lambda: None)
        result = run(scene, ProgressLine(io.StringIO()))
    counts = {OUTCOME_LABELS[outcome] for outcome in DECIDED} | {"reasons", "decisions accounted for"}
    assert [mismatch for mismatch in result.mismatches if mismatch.what in counts] == []
    assert result.read_back > DECISIONS / 2


def test_the_command_writes_only_json_to_standard_output_and_ends_well() -> None:
    ran = CliRunner().invoke(demo, ["--once", "--seed", "5", "--decisions", "8", "--json", "-"])
    assert ran.exit_code == 0, ran.output
    told = json.loads(ran.stdout)
    assert (told["seed"], told["decisions"], told["mismatches"], told["mismatch_details"]) == (5, 8, 0, [])
    assert told["delivered"] + told["unattributed"] + told["superseded"] == 8
    assert {campaign["crm"] for campaign in told["campaigns"]} == {"salesforce", "hubspot"}
    assert "decisions played: 8/8" in ran.stderr
    assert "0 mismatches" in ran.stderr


def test_the_command_ends_with_1_when_a_record_says_something_else(monkeypatch: pytest.MonkeyPatch) -> None:
    def run_wrong(scene: Scene, progress: Progress) -> Result:
        stray = Mismatch(where="campaign X", what="Won", expected="1", found="2")
        return replace(run(scene, progress), mismatches=(stray,))

    monkeypatch.setattr(command, "run", run_wrong)
    ran = CliRunner().invoke(demo, ["--once", "--decisions", "3"])
    assert ran.exit_code == 1
    assert "MISMATCH  campaign X: Won\n          expected 1\n          found    2" in ran.output


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--json", "/nowhere/at/all.json"], "cannot write /nowhere/at/all.json"),
        (["--decisions", "0"], "0 is not in the range"),
        (["--model", "best"], "'best' is not one of"),
        (["--port", "70000"], "70000 is not in the range"),
        (["--seed", "one"], "'one' is not a valid integer"),
    ],
)
def test_bad_options_are_refused_before_anything_runs(arguments: list[str], complaint: str) -> None:
    ran = CliRunner().invoke(demo, ["--once", *arguments])
    assert ran.exit_code == 2
    assert complaint in ran.stderr
    assert "reading both CRMs" not in ran.output


def test_a_folder_is_no_file_for_the_result(tmp_path: Path) -> None:
    ran = CliRunner().invoke(demo, ["--once", "--json", str(tmp_path)])
    assert ran.exit_code == 2
    assert "cannot write" in ran.stderr


def test_sigterm_ends_the_demo_like_ctrl_c_and_nothing_is_left_behind(tmp_path: Path) -> None:
    program = [sys.executable, "-c", "from closedloop.cli import main; main()", "demo", "--decisions", "3"]
    environment = {**os.environ, "TMPDIR": str(tmp_path), "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(
        program, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as running:
        assert running.stdout is not None
        assert running.stderr is not None
        for line in running.stdout:
            if line.startswith("Ctrl-C"):
                break
        assert list(tmp_path.iterdir())
        running.terminate()
        running.wait(30)
        assert "Traceback" not in running.stderr.read()
    assert running.returncode == 0
    assert list(tmp_path.iterdir()) == []


def test_the_clock_goes_forward_and_never_back() -> None:
    clock = DemoClock(START)
    first = clock()
    assert first >= START
    clock.advance_to(START + timedelta(days=2))
    assert clock() >= START + timedelta(days=2)
    clock.advance_to(START)
    assert clock() >= START + timedelta(days=2)


def test_progress_into_a_file_is_a_line_every_tenth() -> None:
    out = io.StringIO()
    progress = ProgressLine(out)
    for done in range(201):
        progress("decisions played", done, 200)
    lines = out.getvalue().splitlines()
    assert len(lines) == 11
    assert lines[-1] == "decisions played: 200/200"
