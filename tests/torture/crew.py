"""Processes that share the crash points of one world between them, each with databases of its own."""

from __future__ import annotations

import multiprocessing
import random
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Event
from pathlib import Path
from queue import Empty
from typing import TypeAlias

from tests.torture.databases import postgresql_databases, sqlite_files
from tests.torture.run import Database, Outcome, run

DATABASES: dict[str, Callable[[], AbstractContextManager[Database]]] = {
    "sqlite": sqlite_files,
    "postgresql": postgresql_databases,
}
DECISIONS = 6
PROCESSES = 2

_FORKS = multiprocessing.get_context("fork")


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """Crash points of one world, each in a run of its own."""

    database: str
    seed: int
    points: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What came of the run that was to die at this crash point, or at none."""

    point: str | None
    outcome: Outcome


Results: TypeAlias = "Queue[Found | None]"


def signal_for_enough() -> Event:
    """What is set by whoever has seen enough."""
    return _FORKS.Event()


def run_all(database: str, seed: int, *, points: Sequence[str], every: int, enough: Event) -> Iterator[Found]:
    """These crash points of a world, or else every K-th of all, as they are done; those under way when it is
    enough come too. Which there are shows a run without a death, which comes first."""
    if not points:
        with ProcessPoolExecutor(1, mp_context=_FORKS) as pool:
            survey = pool.submit(look_around, database, seed).result()
        yield survey
        points = list(survey.outcome.passed[::every])
        # A crew that is stopped has been everywhere in the world.
        random.Random(seed).shuffle(points)
    yield from _all_done(
        [Job(database=database, seed=seed, points=points[first::PROCESSES]) for first in range(PROCESSES)],
        enough,
    )


def look_around(database: str, seed: int) -> Found:
    """The run of a world in which nobody dies: it tells which crash points there are."""
    with DATABASES[database]() as databases, tempfile.TemporaryDirectory() as folder:
        return _run(None, seed, databases, Path(folder))


def _all_done(jobs: Sequence[Job], enough: Event) -> Iterator[Found]:
    results: Results = _FORKS.Queue()
    crew = [_FORKS.Process(target=_work, args=(job, results, enough)) for job in jobs]
    for member in crew:
        member.start()
    try:
        for _ in crew:
            yield from iter(lambda: _next(results, crew), None)
    finally:
        enough.set()
        for member in crew:
            member.join()
    if any(member.exitcode for member in crew):
        raise RuntimeError("a process of the crew has failed: see above")


def _next(results: Results, crew: Sequence[BaseProcess]) -> Found | None:
    while True:
        try:
            return results.get(timeout=10)
        except Empty:
            if not any(member.is_alive() for member in crew):
                raise RuntimeError("the crew has ended without a word") from None


def _work(job: Job, results: Results, enough: Event) -> None:
    try:
        with DATABASES[job.database]() as databases, tempfile.TemporaryDirectory() as folder:
            for point in job.points:
                if enough.is_set():
                    break
                results.put(_run(point, job.seed, databases, Path(folder)))
    finally:
        results.put(None)


def _run(point: str | None, seed: int, databases: Database, folder: Path) -> Found:
    outcome = run(seed=seed, decisions=DECISIONS, die_at=point, database=databases, folder=folder)
    return Found(point=point, outcome=outcome)
