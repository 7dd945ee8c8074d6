"""Whatever happens in which order: the end is what a fresh installation finds, and the CRMs show it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.simulation.run import Simulation, simulate

SEEDS = (2,)
FOUND = {
    1: "a worker stood still after its mark, and then began a call with all of its time",
    11: "a worker that was taken for dead wrote what it had in hand after its successor had written",
    13: "the same, over a row that had lost its decisions",
    18: "the same, over a campaign member",
}
"""Seeds that failed once, and what for. What a seed plays has changed since: now requests travel, and what we
write changes the record. tests/server/delivering/test_marks.py and test_overrides.py hold each mend."""


@pytest.mark.parametrize("seed", SEEDS)
def test_nothing_is_lost_and_nothing_is_doubled(seed: int) -> None:
    ended = simulate(seed, days=8)
    assert ended.lost == ()
    assert ended.doubled == ()
    assert min(ended.decisions, ended.kills, ended.takeovers) > 0


@pytest.mark.parametrize("seed", FOUND)
def test_what_was_found_once_stays_mended(seed: int) -> None:
    ended = simulate(seed, days=6)
    assert ended.lost == ()
    assert ended.doubled == ()


def test_a_seed_plays_the_same_again_in_another_process() -> None:
    program = "from tests.simulation.run import simulate; print(simulate(5, days=4).trace)"
    traces = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "PYTHONHASHSEED": number},
            cwd=Path(__file__).parents[2],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for number in ("1", "2")
    }
    assert traces == {simulate(5, days=4).trace + "\n"}


def test_the_comparison_sees_what_was_lost(tmp_path: Path) -> None:
    """A worker that never looks must not pass for one that has done its work."""
    simulation = Simulation(seed=1, folder=tmp_path)
    with simulation.running():
        for _ in range(60):
            simulation.people.act()
            simulation.pass_time(minutes=1)
        assert any(found.startswith("standing: missing") for found in simulation.lost())
