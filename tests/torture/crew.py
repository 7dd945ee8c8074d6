"""Processes that share the crash points of one world between them, each with databases of its own."""

from __future__ import annotations

import multiprocessing
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from itertools import count
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

ROUNDS = (0, 4, 2, 6, 1, 5, 3, 7)
"""Each round takes one of eight points: a run that is stopped has been everywhere in the world."""

_FORKS = multiprocessing.get_context("fork")


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """Crash points of one world, each in a run of its own: `first`, `first + step`, … to the last one."""

    database: str
    seed: int
    first: int
    step: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What came of the run that was to die at its crash point number `point`."""

    point: int
    outcome: Outcome


Results: TypeAlias = "Queue[Found | None]"


def signal_for_enough() -> Event:
    """What is set by whoever has seen enough."""
    return _FORKS.Event()


def run_all(database: str, seed: int, *, every: int, enough: Event) -> Iterator[Found]:
    """Every K-th crash point of a world, as they are done; those under way when it is enough come too."""
    results: Results = _FORKS.Queue()
    jobs = [
        Job(database=database, seed=seed, first=first * every, step=PROCESSES * every)
        for first in range(1, PROCESSES + 1)
    ]
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
        for found in _outcomes(job, enough):
            results.put(found)
    finally:
        results.put(None)


def _outcomes(job: Job, enough: Event) -> Iterator[Found]:
    """Each round goes on until a run is over before its point is reached: then there are no more."""
    with DATABASES[job.database]() as databases, tempfile.TemporaryDirectory() as folder:
        for first in ROUNDS:
            for point in count(job.first + first * job.step, len(ROUNDS) * job.step):
                if enough.is_set():
                    return
                outcome = run(
                    seed=job.seed, decisions=DECISIONS, die_at=point, database=databases, folder=Path(folder)
                )
                if outcome.deaths or outcome.lost or outcome.doubled:
                    yield Found(point=point, outcome=outcome)
                if not outcome.deaths:
                    break
