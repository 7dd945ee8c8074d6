"""A rule at work: what it is asked about, and how it counts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from closedloop.sandbox.faults.chance import Chance
from closedloop.sandbox.faults.effects import Effect
from closedloop.sandbox.faults.rule import When, Where


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What may be struck: a request, an event, a change. `about` gives the names of its objects."""

    method: str
    path: str
    about: Callable[[], frozenset[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Struck:
    """One thing that went wrong: when, by which rule, to what. `number` counts the rule's matches from 1."""

    at: datetime
    rule: str
    fault: str
    method: str
    path: str
    number: int


@dataclass(slots=True, kw_only=True)
class Armed:
    """A rule that counts. `left` is how often it still strikes."""

    name: str
    fault: str
    where: Where
    when: When
    effect: Effect
    chance: Chance
    started: datetime
    fits: Callable[[Asked], bool] = lambda _: True
    object: str | None = None
    matched: int = 0
    struck: int = 0

    @property
    def spent(self) -> bool:
        """Whether it has struck as often as it may."""
        return self.when.times is not None and self.struck >= self.when.times

    def meets(self, asked: Asked) -> bool:
        """Whether it is about this at all."""
        if not self.where.covers(asked.method, asked.path) or not self.fits(asked):
            return False
        return self.object is None or self.object in asked.about()

    def turn(self, now: Callable[[], datetime]) -> bool:
        """Counts a match; whether the rule strikes it."""
        self.matched += 1
        when = self.when
        if self.spent or not when.turn(self.matched):
            return False
        if when.windowed and not when.is_open(now(), self.started):
            return False
        return when.probability >= 1 or self.chance.at(self.matched) < when.probability
