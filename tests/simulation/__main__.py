"""Plays one seed, or many, and tells how each ended: `python -m tests.simulation --seed 11 --days 20`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from tests.simulation.run import simulate


def main(arguments: Sequence[str] | None = None) -> int:
    """Plays what was asked for; the exit status is 1 when anything was lost or doubled."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation")
    parser.add_argument("--seed", type=int, default=1, help="the first seed")
    parser.add_argument("--seeds", type=int, default=1, help="how many, one after the other")
    parser.add_argument("--days", type=int, default=20, help="how many days each")
    given = parser.parse_args(arguments)
    wrong = 0
    for seed in range(given.seed, given.seed + given.seeds):
        ended = simulate(seed, days=given.days)
        wrong += len(ended.lost) + len(ended.doubled)
        sys.stdout.write(
            f"seed {seed}: {ended.days} days, {ended.decisions} decisions, {ended.kills} kills, "
            f"{ended.takeovers} take-overs, {len(ended.lost)} lost, {len(ended.doubled)} doubled\n"
        )
        for what in (*ended.lost, *ended.doubled):
            sys.stdout.write(f"  {what}\n")
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
