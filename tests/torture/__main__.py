"""`make torture`: every crash point of some worlds on both databases, then simulations, then fleets."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.fleet.run import run_fleet
from tests.postgresql import postgresql
from tests.simulation.run import simulate
from tests.torture.databases import postgresql_databases, sqlite_files
from tests.torture.run import Database, Outcome, run

DATABASES: dict[str, Callable[[], AbstractContextManager[Database]]] = {
    "sqlite": sqlite_files,
    "postgresql": postgresql_databases,
}
DECISIONS = 6
CRASH_SEEDS = (1, 2)
SIMULATED_DAYS = 100
FLEET_DECISIONS = 40
FLEET_SECONDS = 60.0
PROCESSES = 2


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """Crash points of one world, each in a run of its own: `first`, `first + step`, … to the last one."""

    database: str
    seed: int
    first: int
    step: int


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs all points; the exit status is 1 when anything was lost or doubled."""
    given = _arguments(arguments)
    reports: list[Report] = []
    given.out.parent.mkdir(parents=True, exist_ok=True)
    for report in _reports(given):
        reports.append(report)
        sys.stdout.write(f"{json.dumps(asdict(report))}\n")
        sys.stdout.flush()
        given.out.write_text(json.dumps([asdict(each) for each in reports], indent=2) + "\n")
    return int(any(report.lost or report.doubled for report in reports))


def _reports(given: argparse.Namespace) -> Iterator[Report]:
    for database in [given.database] if given.database else DATABASES:
        for seed in given.seed or CRASH_SEEDS:
            yield _crashes(database, seed, given.every)
    if given.database != "postgresql":
        with ProcessPoolExecutor(PROCESSES) as pool:
            yield from pool.map(_simulation, given.seed or range(1, given.simulations + 1))
    if given.database != "sqlite":
        # One after the other: each is a number of processes.
        yield from map(_fleet, given.seed or range(1, given.fleets + 1))


def _arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="make torture", description="Kills the server at every commit and call, on both databases."
    )
    parser.add_argument("--database", choices=[*DATABASES], help="only this one")
    parser.add_argument("--seed", type=int, action="append", help="a world to play; again for more (1 and 2)")
    parser.add_argument(
        "--every", type=int, default=1, metavar="K", help="only each K-th point of each world"
    )
    parser.add_argument("--simulations", type=int, default=20, metavar="N", help="how many seeds to simulate")
    parser.add_argument("--fleets", type=int, default=3, metavar="N", help="how many fleets to kill at")
    parser.add_argument("--out", type=Path, default=Path("build/torture.json"), metavar="FILE")
    return parser.parse_args(arguments)


def _crashes(database: str, seed: int, every: int) -> Report:
    """Two processes share the points of one world between them."""
    jobs = [
        Job(database=database, seed=seed, first=first * every, step=PROCESSES * every)
        for first in range(1, PROCESSES + 1)
    ]
    with ProcessPoolExecutor(PROCESSES) as pool:
        outcomes = [outcome for found in pool.map(_outcomes, jobs) for outcome in found]
    return Report(
        kind="crash",
        database=database,
        points=len({death for outcome in outcomes for death in outcome.deaths}),
        decisions=sum(outcome.decisions for outcome in outcomes),
        lost=sum(len(outcome.lost) for outcome in outcomes),
        doubled=sum(len(outcome.doubled) for outcome in outcomes),
        seed=seed,
    )


def _outcomes(job: Job) -> list[Outcome]:
    return [*_run_all(job)]


def _run_all(job: Job) -> Iterator[Outcome]:
    """Goes on until the run is over before its point is reached: then there are no more."""
    with DATABASES[job.database]() as databases, tempfile.TemporaryDirectory() as folder:
        point = job.first
        while True:
            outcome = run(
                seed=job.seed, decisions=DECISIONS, die_at=point, database=databases, folder=Path(folder)
            )
            if not outcome.deaths:
                return
            _tell(job, point, outcome)
            yield outcome
            point += job.step


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


def _tell(job: Job, point: int, outcome: Outcome) -> None:
    """Says what went wrong, with all that it takes to see it again."""
    for what in (*outcome.lost, *outcome.doubled):
        sys.stderr.write(f"{job.database}, seed {job.seed}, point {point} {outcome.deaths}: {what}\n")


if __name__ == "__main__":
    sys.exit(main())
