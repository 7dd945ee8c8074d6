"""One measured figure, and how it is taken."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A figure over `n` records; `baseline` is what it is held against, in the same unit."""

    name: str
    value: float
    unit: str
    baseline: float | None = None
    ratio: float | None = None
    n: int = 1


def race(runners: Mapping[str, Callable[[], Any]], *, rounds: int) -> dict[str, float]:
    """The median seconds of each runner. They take turns, so that a slow moment of the machine meets all.

    The first round is a warm-up. The garbage collector rests while they run, and what one made is
    thrown away outside the measured time.
    """
    took: dict[str, list[float]] = {name: [] for name in runners}
    gc.collect()
    gc.disable()
    try:
        for number in range(rounds + 1):
            for name, run in runners.items():
                began = time.perf_counter()
                made = run()
                seconds = time.perf_counter() - began
                del made
                if number:
                    took[name].append(seconds)
    finally:
        gc.enable()
    return {name: statistics.median(each) for name, each in took.items()}


def versus(
    name: str, runners: Mapping[str, Callable[[], Any]], *, n: int, rounds: int, ours: str = "ours"
) -> Figure:
    """The microseconds per record that we take and that the other takes, and their ratio: ours goes below."""
    took = race(runners, rounds=rounds)
    (other,) = (seconds for runner, seconds in took.items() if runner != ours)
    return Figure(
        name=name,
        value=took[ours] / n * 1e6,
        unit="us/record",
        baseline=other / n * 1e6,
        ratio=other / took[ours],
        n=n,
    )
