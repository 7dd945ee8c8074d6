"""Decides what goes wrong: rules from a plan, and failures that were asked for one by one."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from closedloop.errors import SettingsError
from closedloop.sandbox.faults.armed import Armed, Asked, Struck
from closedloop.sandbox.faults.chance import Chance
from closedloop.sandbox.faults.effects import ON_THE_WAY, Delay, Effect, Lagging, Phase, Sent, Strike
from closedloop.sandbox.faults.rule import FaultPlan, Rule, When, Where
from closedloop.sandbox.faults.standard import standard_effect
from closedloop.sandbox.faults.vocabulary import MEANINGS, POLICIES, Fault
from closedloop.schema.vocabulary import CrmName

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

_KEPT = 1000
_Event = TypeVar("_Event")

PlanLike = FaultPlan | Mapping[str, Any] | str | Path
"""A plan, the values of one, or the path of a YAML file with one."""


class Faults:
    """What goes wrong in one sandbox. Every method may be called at any time, from any thread.

    `log` holds what went wrong lately, the newest last. `active` are the phases that have rules at all, and
    `on_the_way` says whether any is outside the application: whoever serves asks no further where none is.
    """

    crm: ClassVar[CrmName | None] = None

    def __init__(self, clock: Callable[[], datetime] | None = None) -> None:
        self.active: frozenset[Phase] = frozenset()
        self.on_the_way = False
        self.clock = clock or (lambda: datetime.now(UTC))
        self._lock = threading.Lock()
        self._plan = FaultPlan()
        self._asked_for: list[Armed] = []
        self._rules: list[Armed] = []
        self._log: deque[Struck] = deque(maxlen=_KEPT)

    @property
    def plan(self) -> FaultPlan:
        """The present rules and their seed, as they were given."""
        return self._plan

    @property
    def log(self) -> tuple[Struck, ...]:
        """What went wrong, the latest thousand, oldest first."""
        with self._lock:
            return tuple(self._log)

    @property
    def counts(self) -> dict[str, tuple[int, int]]:
        """How many matches each rule of the plan had, and how many of them it struck."""
        with self._lock:
            return {armed.name: (armed.matched, armed.struck) for armed in self._rules}

    def use(self, plan: PlanLike) -> None:
        """Follows another plan from now on, its counts at nought; SettingsError says what is wrong."""
        from closedloop.sandbox.faults.reading import plan_of  # noqa: PLC0415 - the mapping package is large

        self._follow(plan_of(plan))

    def add_rule(self, rule: Rule | Mapping[str, Any]) -> None:
        """Adds a rule behind the others, which go on counting."""
        from closedloop.sandbox.faults.reading import rule_of  # noqa: PLC0415 - as in `use`

        read = rule_of(rule, name=f"rule {len(self._plan.rules) + 1}")
        if read.name in [other.name for other in self._plan.rules]:
            raise SettingsError(
                f"there is a rule called {read.name!r}: remove it first", reason="bad_fault_plan"
            )
        armed = self._armed((read,), self._plan.seed)
        with self._lock:
            self._plan = FaultPlan(seed=self._plan.seed, rules=(*self._plan.rules, read))
            self._rules += armed
            self._note_phases()

    def remove_rule(self, name: str) -> None:
        """Takes a rule out; SettingsError where there is none of that name."""
        kept = tuple(rule for rule in self._plan.rules if rule.name != name)
        if len(kept) == len(self._plan.rules):
            raise SettingsError(f"there is no rule called {name!r}", reason="unknown_rule")
        with self._lock:
            self._plan = FaultPlan(seed=self._plan.seed, rules=kept)
            self._rules = [armed for armed in self._rules if armed.name != name]
            self._note_phases()

    def clear(self) -> None:
        """Lets everything go well again: no rules, nothing asked for. The log stays."""
        with self._lock:
            self._plan, self._rules, self._asked_for = FaultPlan(), [], []
            self._note_phases()

    def ask_for(
        self, effect: Effect, *, fault: str, times: int = 1, path: str = "", method: str | None = None
    ) -> None:
        """Strikes the next `times` requests whose path contains `path`, before any rule does."""
        armed = Armed(
            name="asked for",
            fault=fault,
            where=Where(methods=frozenset({method} if method else ()), path=path),
            when=When(times=times),
            effect=effect,
            chance=Chance(0, fault),
            started=self.clock(),
        )
        with self._lock:
            self._asked_for.append(armed)
            self._note_phases()

    def take(self, phase: Phase, asked: Asked) -> Strike | None:
        """The first strike of a phase, if anything strikes; every rule that matches counts the match."""
        return next(iter(self._take(phase, asked, most=1)), None)

    def delays(self, asked: Asked) -> list[tuple[Delay, float]]:
        """Every delay that strikes, with its seconds."""
        return [
            (strike.effect, strike.seconds(strike.effect.seconds))
            for strike in self._take(Phase.DELAY, asked, most=None)
            if isinstance(strike.effect, Delay)
        ]

    def sent(self, event: _Event, asked: Asked) -> list[tuple[float, _Event]]:
        """An event as often as it goes out, each time with the seconds that it waits before."""
        strike = self.take(Phase.EVENT, asked) if Phase.EVENT in self.active else None
        if strike is None or not isinstance(strike.effect, Sent):
            return [(0.0, event)]
        return [(strike.seconds(strike.effect.seconds), event)] * strike.effect.copies

    def lag(self, asked: Asked) -> float:
        """The seconds by which searches see a change late."""
        strike = self.take(Phase.INDEX, asked) if Phase.INDEX in self.active else None
        if strike is None or not isinstance(strike.effect, Lagging):
            return 0.0
        return strike.seconds(strike.effect.seconds)

    def effect_of(self, rule: Rule) -> Effect:
        """What a rule does here; a CRM's own faults say what they add."""
        return standard_effect(rule)

    def fits(self, fault: Fault, asked: Asked) -> bool:  # noqa: ARG002 - for those who know a CRM
        """Whether a fault can happen to such a request at all."""
        return True

    def object_of(self, rule: Rule) -> str | None:
        """The object that a request has to be about."""
        return rule.where.object

    def name_of(self, object_name: str) -> str:
        """How `Asked.about` spells an object."""
        return object_name.lower()

    def objects_in(self, environ: WSGIEnvironment) -> frozenset[str]:  # noqa: ARG002 - as above
        """The objects that a request is about."""
        return frozenset()

    def asked(self, environ: WSGIEnvironment) -> Asked:
        """A request as the rules see it."""
        return Asked(
            method=environ["REQUEST_METHOD"],
            path=environ["PATH_INFO"],
            about=lambda: self.objects_in(environ),
        )

    def met(self, environ: WSGIEnvironment) -> Strike | None:
        """What strikes a request inside the application."""
        return self.take(Phase.ANSWER, self.asked(environ)) if Phase.ANSWER in self.active else None

    def _follow(self, plan: FaultPlan) -> None:
        armed = self._armed(plan.rules, plan.seed)
        with self._lock:
            self._plan, self._rules = plan, armed
            self._note_phases()

    def _armed(self, rules: Iterable[Rule], seed: int) -> list[Armed]:
        return [self._arm(rule, seed) for rule in rules if self._concerns(rule)]

    def _concerns(self, rule: Rule) -> bool:
        # A rule that names another CRM's limit means that CRM.
        policies = POLICIES[self.crm] if self.crm else ()
        return (
            rule.crm in (None, self.crm)
            and self.crm in MEANINGS[rule.fault].crms
            and rule.settings.get("policy") in (None, *policies)
        )

    def _arm(self, rule: Rule, seed: int) -> Armed:
        about = self.object_of(rule)
        return Armed(
            name=rule.name,
            fault=rule.fault,
            where=rule.where,
            when=rule.when,
            effect=self.effect_of(rule),
            chance=Chance(seed, rule.name),
            started=self.clock(),
            fits=partial(self.fits, rule.fault),
            object=None if about is None else self.name_of(about),
        )

    def _take(self, phase: Phase, asked: Asked, *, most: int | None) -> list[Strike]:
        if phase not in self.active:
            return []
        found: list[Strike] = []
        with self._lock:
            for armed in (*self._asked_for, *self._rules):
                if armed.effect.phase is not phase or not armed.meets(asked):
                    continue
                if armed.turn(self.clock) and len(found) != most:
                    found.append(self._strike(armed, asked))
            if found:
                self._drop_spent()
        return found

    def _strike(self, armed: Armed, asked: Asked) -> Strike:
        armed.struck += 1
        self._log.append(
            Struck(
                at=self.clock(),
                rule=armed.name,
                fault=armed.fault,
                method=asked.method,
                path=asked.path,
                number=armed.matched,
            )
        )
        return Strike(armed.effect, armed.chance, armed.matched)

    def _drop_spent(self) -> None:
        left = [armed for armed in self._asked_for if not armed.spent]
        if len(left) < len(self._asked_for):
            self._asked_for = left
            self._note_phases()

    def _note_phases(self) -> None:
        self.active = frozenset(armed.effect.phase for armed in (*self._asked_for, *self._rules))
        self.on_the_way = not ON_THE_WAY.isdisjoint(self.active)


__all__ = ["Asked", "Fault", "Faults", "PlanLike", "Struck"]
