"""One rule of a fault plan: which requests or events it is about, how often it strikes, and with what."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from fnmatch import translate
from functools import cached_property
from types import MappingProxyType
from typing import Any

from closedloop.sandbox.faults.vocabulary import Fault
from closedloop.schema.vocabulary import CrmName

Moment = float | datetime
"""A time: seconds from the start of the plan, or an aware datetime."""


@dataclass(frozen=True, kw_only=True)
class Where:
    """What a rule is about; what is not set does not matter.

    `path` is text that the path contains or, with a `*`, a pattern for all of it. For webhooks it is the kind
    of event, such as contact.propertyChange. `object` is the CRM's own name of it.
    """

    methods: frozenset[str] = frozenset()
    path: str = ""
    object: str | None = None

    def covers(self, method: str, path: str) -> bool:
        """Whether a request with this method and path is meant, its object aside."""
        if self.methods and method not in self.methods:
            return False
        pattern = self._pattern
        return self.path in path if pattern is None else pattern.match(path) is not None

    @cached_property
    def _pattern(self) -> re.Pattern[str] | None:
        return re.compile(translate(self.path)) if "*" in self.path else None


@dataclass(frozen=True, slots=True, kw_only=True)
class When:
    """How often a rule strikes, of the matches that it has.

    The first `skip` go well; then every `every`-th strikes, with `probability`, at most `times` times, not
    before `begins` and not from `ends` on.
    """

    probability: float = 1.0
    every: int = 1
    skip: int = 0
    times: int | None = None
    begins: Moment | None = None
    ends: Moment | None = None

    def is_open(self, now: datetime, started: datetime) -> bool:
        """Whether the rule strikes at this time at all."""
        begun = self.begins is None or now >= _moment(self.begins, started)
        return begun and (self.ends is None or now < _moment(self.ends, started))

    def turn(self, number: int) -> bool:
        """Whether it is the turn of the so manieth match, from 1."""
        return number > self.skip and (number - self.skip) % self.every == 0

    @property
    def windowed(self) -> bool:
        """Whether it has a beginning or an end."""
        return self.begins is not None or self.ends is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule as it was written. `crm` None: every CRM that knows the fault."""

    name: str
    fault: Fault
    settings: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    crm: CrmName | None = None
    where: Where = field(default_factory=Where)
    when: When = field(default_factory=When)


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultPlan:
    """A seed, and rules in the order in which they are asked."""

    seed: int = 0
    rules: tuple[Rule, ...] = ()


def _moment(moment: Moment, started: datetime) -> datetime:
    return moment if isinstance(moment, datetime) else started + timedelta(seconds=moment)
