"""`make torture`: every crash point of some worlds on both databases, then simulations, then fleets."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.fleet.run import run_fleet
from tests.postgresql import postgresql
from tests.simulation.run import simulate
from tests.torture.crew import DATABASES, PROCESSES, Found, run_all, signal_for_enough
from tests.torture.run import Outcome

CRASH_SEEDS = (1, 2)
SIMULATED_DAYS = 100
FLEET_DECISIONS = 40
FLEET_SECONDS = 60.0
TOLD_EVERY = 50
"""Points between two signs of life."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What came of one seed: `points` are the distinct places of death, the deaths and take-overs of a
    simulation, or the kills and outages of a fleet; `decisions` those of all its runs together."""

    kind: str
    database: str
    points: int
    decisions: int
    lost: int
    doubled: int
    seed: int


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs all points; the exit status is 1 when anything was lost or doubled."""
    given = _arguments(arguments)
    reports: dict[tuple[str, str, int], Report] = {}
    given.out.parent.mkdir(parents=True, exist_ok=True)

    def keep(report: Report) -> None:
        reports[report.kind, report.database, report.seed] = report
        given.out.write_text(json.dumps([asdict(each) for each in reports.values()], indent=2) + "\n")

    for report in _reports(given, keep):
        keep(report)
        sys.stdout.write(f"{json.dumps(asdict(report))}\n")
        sys.stdout.flush()
    return int(any(report.lost or report.doubled for report in reports.values()))


def _reports(given: argparse.Namespace, keep: Callable[[Report], None]) -> Iterator[Report]:
    for database in [given.database] if given.database else DATABASES:
        left = given.points
        for seed in given.seed or CRASH_SEEDS:
            report = _crashes(database, seed, given, left, keep)
            left = max(left - report.points, 0) if left is not None else None
            yield report
            if left == 0:
                break
    if given.at:
        return
    if given.database != "postgresql":
        with ProcessPoolExecutor(PROCESSES) as pool:
            yield from pool.map(_simulation, _seeds(given, given.simulations))
    if given.database != "sqlite":
        # One after the other: each is a number of processes.
        yield from map(_fleet, _seeds(given, given.fleets))


def _seeds(given: argparse.Namespace, most: int) -> Sequence[int]:
    return (given.seed or range(1, most + 1))[:most]


def _arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="make torture", description="Kills the server at every commit and call, on both databases."
    )
    parser.add_argument("--database", choices=[*DATABASES], help="only this one")
    parser.add_argument("--seed", type=int, action="append", help="a world to play; again for more (1 and 2)")
    parser.add_argument(
        "--every", type=int, default=1, metavar="K", help="only each K-th point of each world"
    )
    parser.add_argument(
        "--points", type=int, metavar="N", help="go on to what comes next after N points of a database"
    )
    parser.add_argument(
        "--at",
        action="append",
        default=[],
        metavar="POINT",
        help="this point, as a failure names it, and nothing else; again for more",
    )
    parser.add_argument("--simulations", type=int, default=20, metavar="N", help="how many seeds to simulate")
    parser.add_argument("--fleets", type=int, default=3, metavar="N", help="how many fleets to kill at")
    parser.add_argument("--out", type=Path, default=Path("build/torture.json"), metavar="FILE")
    return parser.parse_args(arguments)


def _crashes(
    database: str, seed: int, given: argparse.Namespace, most: int | None, keep: Callable[[Report], None]
) -> Report:
    """All points of a world, or `most` different ones. `keep` is handed what is known so far."""
    began, outcomes = time.monotonic(), list[Outcome]()
    report = _report(database, seed, outcomes)
    enough = signal_for_enough()
    for found in run_all(database, seed, points=given.at, every=given.every, enough=enough):
        _tell(database, seed, found)
        outcomes.append(found.outcome)
        report = _report(database, seed, outcomes)
        keep(report)
        if not len(outcomes) % TOLD_EVERY:
            _tell_how_far(report, time.monotonic() - began)
        if most is not None and report.points >= most:
            enough.set()
    return report


def _report(database: str, seed: int, outcomes: Sequence[Outcome]) -> Report:
    return Report(
        kind="crash",
        database=database,
        points=len({death for outcome in outcomes for death in outcome.deaths}),
        decisions=sum(outcome.decisions for outcome in outcomes),
        lost=sum(len(outcome.lost) for outcome in outcomes),
        doubled=sum(len(outcome.doubled) for outcome in outcomes),
        seed=seed,
    )


def _simulation(seed: int) -> Report:
    ended = simulate(seed, days=SIMULATED_DAYS)
    for what in (*ended.lost, *ended.doubled):
        sys.stderr.write(f"simulation, seed {seed}: {what}\n")
    return Report(
        kind="simulation",
        database="sqlite",
        points=ended.kills + ended.takeovers,
        decisions=ended.decisions,
        lost=len(ended.lost),
        doubled=len(ended.doubled),
        seed=seed,
    )


def _fleet(seed: int) -> Report:
    with postgresql() as server:
        ended = run_fleet(seed, decisions=FLEET_DECISIONS, url=server.create(), least=FLEET_SECONDS)
    for what in (*ended.lost, *ended.doubled):
        sys.stderr.write(f"fleet, seed {seed}: {what}\n")
    return Report(
        kind="fleet",
        database="postgresql",
        points=ended.points,
        decisions=ended.decisions,
        lost=len(ended.lost),
        doubled=len(ended.doubled),
        seed=seed,
    )


def _tell(database: str, seed: int, found: Found) -> None:
    """Says what went wrong, with all that it takes to see it again, and where nobody died."""
    if found.point and not found.outcome.deaths:
        sys.stderr.write(f"{database}, seed {seed}: the run did not come by the point {found.point!r}\n")
    for what in (*found.outcome.lost, *found.outcome.doubled):
        died = f"died at {found.outcome.deaths}" if found.outcome.deaths else "nobody died"
        sys.stderr.write(f"{database}, seed {seed}, point {found.point!r}, {died}: {what}\n")


def _tell_how_far(report: Report, seconds: float) -> None:
    sys.stderr.write(
        f"{report.database}, seed {report.seed}: {report.points} points, {report.lost} lost, "
        f"{report.doubled} doubled, {seconds:.0f} s\n"
    )
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
