"""Every example runs as it is shipped, and says what it promises."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"

SAYS = {
    "carry_people_over.py": "HubSpot shows Meyer as Head of purchasing",
    "campaign_reasons.py": "the rep said: ",
    "check_installation.py": "make by hand, on 0-35: closed_loop_accepted",
    "normalise_a_payload.py": "dropped for: No budget",
    "read_both_crms.py": "campaign_member",
}


def test_every_example_is_run_here() -> None:
    assert {path.name for path in EXAMPLES.glob("*.py")} == set(SAYS)


@pytest.mark.parametrize(("example", "said"), SAYS.items())
def test_the_example_runs_and_says(example: str, said: str) -> None:
    done = subprocess.run(
        [sys.executable, str(EXAMPLES / example)], check=False, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert said in done.stdout
