"""Chance that comes out the same every time: from a seed, a name and a number, and from nothing else."""

from __future__ import annotations

import math
from dataclasses import dataclass
from hashlib import blake2b

_WHOLE = 2.0**64


@dataclass(frozen=True, slots=True)
class Chance:
    """The chances of one rule. What other rules meet does not change them."""

    seed: int
    name: str

    def at(self, number: int, purpose: str = "") -> float:
        """A number from 0 up to 1, for the rule's so manieth match; another one for each purpose."""
        drawn = blake2b(f"{self.seed}\0{self.name}\0{number}\0{purpose}".encode(), digest_size=8).digest()
        return int.from_bytes(drawn) / _WHOLE


@dataclass(frozen=True, slots=True, kw_only=True)
class Seconds:
    """A time that varies: evenly between two, or, with a `spread`, log-normally around the median `least`.

    `spread` is the standard deviation of the logarithm: with 0.5 one time in six is longer than 1.6 medians.
    """

    least: float
    most: float
    spread: float = 0.0

    @classmethod
    def of(cls, seconds: float) -> Seconds:
        """Always the same time."""
        return cls(least=seconds, most=seconds)

    def at(self, chance: float) -> float:
        """The time that a chance from 0 to 1 leads to."""
        if self.spread:
            from statistics import NormalDist  # noqa: PLC0415 - slow to import

            # The very ends have no value in a normal distribution.
            return self.least * math.exp(self.spread * NormalDist().inv_cdf(min(max(chance, 1e-9), 1 - 1e-9)))
        return self.least + (self.most - self.least) * chance
