"""Numbers drawn from a seed: the same on every Python, and quick."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Generic, TypeVar

T = TypeVar("T")
SECOND = timedelta(seconds=1)
"""Multiplied: a quarter of the time that making another timedelta takes."""


class Weights(Generic[T]):
    """Values of which some come more often than others."""

    def __init__(self, weights: Mapping[T, int]) -> None:
        self.values = tuple(weights)
        self.all = tuple([value for value, weight in weights.items() for _ in range(weight)])
        """Each value as often as it weighs."""


class Draw(random.Random):
    """Draws from a seed's own stream. Only `random()` is asked, whose numbers Python promises to keep."""

    def chance(self, chance: float) -> bool:
        """Whether something of that probability happens."""
        return self.random() < chance

    def pick(self, items: Sequence[T]) -> T:
        """One of the items."""
        return items[int(self.random() * len(items))]

    def between(self, low: int, high: int) -> int:
        """A whole number from `low` to `high`, both included."""
        return low + int(self.random() * (high - low + 1))

    def seconds(self, low: int, high: int) -> timedelta:
        """A time from `low` to `high` seconds, both included."""
        return SECOND * (low + int(self.random() * (high - low + 1)))

    def weighted(self, weights: Weights[T]) -> T:
        """One of the values, by its weight."""
        return weights.all[int(self.random() * len(weights.all))]

    def some(self, items: Sequence[T], count: int) -> list[T]:
        """So many different ones of the items, in a drawn order."""
        left = list(items)
        return [left.pop(int(self.random() * len(left))) for _ in range(min(count, len(left)))]

    def mix(self, items: Sequence[T]) -> list[T]:
        """All of the items in a drawn order."""
        return self.some(items, len(items))

    def lapse(self, *, days: float = 0, hours: float = 0) -> timedelta:
        """A time like the usual one, in whole seconds: mostly between a half and one and a half of it, at
        times much longer."""
        part = self.random()
        usual = days * 86400 + hours * 3600
        return SECOND * int(usual * (0.4 + part) * (3 if part > 0.88 else 1))


def stream(seed: int, part: str) -> Draw:
    """Numbers of its own for each part of a world, so that a change in one leaves the others as they were."""
    return Draw(f"{seed}/{part}")
