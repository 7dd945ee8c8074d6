"""Reads a fault plan from a YAML file or from plain values, and says what is wrong with one and where.

seed: 7
rules:
  - fault: rate_limit
    crm: hubspot
    path: /crm/v3/objects/*
    probability: 0.05
    retry_after: 1
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Never, TypeVar

from closedloop.errors import MappingError, SettingsError
from closedloop.mapping.document import nearest, read_document
from closedloop.sandbox.faults.amounts import count, flag, moment, offset, positive, seconds, share
from closedloop.sandbox.faults.rule import FaultPlan, Rule, When, Where
from closedloop.sandbox.faults.vocabulary import MEANINGS, POLICIES, SKEWED, Fault, Kind
from closedloop.schema.vocabulary import CrmName

_WHEN: Mapping[str, Callable[[Any], Any]] = {
    "probability": share,
    "every": positive,
    "skip": count,
    "times": positive,
    "from": moment,
    "until": moment,
}
_WHERE = ("method", "path", "object")
_COMMON = ("fault", "name", "crm", *_WHERE, *_WHEN)
_METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"})
_Word = TypeVar("_Word", bound=StrEnum)
_Place = tuple[str | int, ...]


def plan_of(given: FaultPlan | Mapping[str, Any] | str | Path) -> FaultPlan:
    """The plan in a YAML file, or in values of the same shape; SettingsError names the place of a mistake."""
    if isinstance(given, FaultPlan):
        return given
    if isinstance(given, Mapping):
        return _Reader(where=_dotted).plan(given)
    return _from_file(Path(given))


def rule_of(given: Rule | Mapping[str, Any], *, name: str = "rule") -> Rule:
    """One rule, of the same values as in a plan; `name` is for one that has none."""
    return given if isinstance(given, Rule) else _Reader(where=_dotted).rule(given, (), name)


def _from_file(path: Path) -> FaultPlan:
    try:
        content = path.read_bytes()
    except OSError as exc:
        raise SettingsError(
            f"the fault plan {path} cannot be read: {exc.strerror}", reason="unreadable_fault_plan"
        ) from exc
    try:
        document = read_document(str(path), content)
    except MappingError as exc:
        raise SettingsError(exc.message, reason="bad_fault_plan") from exc
    return _Reader(where=lambda place: f"{path}:{document.line(place)}: {_dotted(place)}").plan(document.data)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reader:
    where: Callable[[_Place], str]

    def plan(self, given: Mapping[str, Any]) -> FaultPlan:
        """The whole plan."""
        self._known(given, ("seed", "rules"), ())
        listed = given.get("rules") or []
        if not isinstance(listed, list | tuple):
            self._fail(("rules",), "must be a list of rules")
        rules = [self.rule(each, ("rules", n), f"rule {n + 1}") for n, each in enumerate(listed)]
        for place, rule in enumerate(rules):
            if rule.name in [other.name for other in rules[:place]]:
                self._fail(("rules", place), f"two rules are called {rule.name!r}: give them different names")
        return FaultPlan(seed=self._read(given, "seed", count, ()) or 0, rules=tuple(rules))

    def rule(self, given: Any, place: _Place, name: str) -> Rule:
        """One rule."""
        if not isinstance(given, Mapping):
            self._fail(place, "must be a mapping with a `fault`")
        if "fault" not in given:
            self._fail(place, f"names no `fault`{nearest('', Fault)}")
        fault = self._word(Fault, given, "fault", place)
        taken = [name for name in _COMMON if fault is not Fault.SLOW_INDEX or name not in _WHERE]
        self._known(given, (*taken, *MEANINGS[fault].settings), place, of=f" of {fault}")
        crm = self._crm(given, fault, place)
        return Rule(
            name=str(given.get("name") or name),
            fault=fault,
            settings=self._settings(given, fault, crm, place),
            crm=crm,
            where=self._where(given, fault, place),
            when=self._when(given, place),
        )

    def _crm(self, given: Mapping[str, Any], fault: Fault, place: _Place) -> CrmName | None:
        if given.get("crm") is None:
            return None
        crm = self._word(CrmName, given, "crm", place)
        if crm not in MEANINGS[fault].crms:
            self._fail((*place, "crm"), f"{crm.label} has no {fault}: leave the rule out")
        return crm

    def _where(self, given: Mapping[str, Any], fault: Fault, place: _Place) -> Where:
        methods = given.get("method") or []
        methods = [methods] if isinstance(methods, str) else methods
        if not MEANINGS[fault].about_requests and methods:
            self._fail((*place, "method"), f"{fault} is not about requests: leave the method out")
        for method in methods:
            if str(method).upper() not in _METHODS:
                self._fail((*place, "method"), f"{method!r} is no method{nearest(method, _METHODS)}")
        return Where(
            methods=frozenset(str(method).upper() for method in methods),
            path=str(given.get("path") or ""),
            object=str(given["object"]) if given.get("object") else None,
        )

    def _when(self, given: Mapping[str, Any], place: _Place) -> When:
        found = {name: self._read(given, name, read, place) for name, read in _WHEN.items()}
        known = {name: value for name, value in found.items() if value is not None}
        begins, ends = known.pop("from", None), known.pop("until", None)
        return When(**known, begins=begins, ends=ends)

    def _settings(
        self, given: Mapping[str, Any], fault: Fault, crm: CrmName | None, place: _Place
    ) -> dict[str, Any]:
        meaning = MEANINGS[fault]
        for name in sorted(meaning.required):
            if given.get(name) is None:
                self._fail(place, f"{fault} needs `{name}`: {meaning.settings[name]}")
        return {
            name: self._policy(given, crm, place)
            if kind is Kind.POLICY
            else self._read(given, name, _READERS[kind], place)
            for name, kind in meaning.settings.items()
            if given.get(name) is not None
        }

    def _policy(self, given: Mapping[str, Any], crm: CrmName | None, place: _Place) -> str:
        allowed = [name for of, names in POLICIES.items() if crm in (None, of) for name in names]
        if given["policy"] not in allowed:
            self._fail(
                (*place, "policy"), f"{given['policy']!r} is no limit{nearest(given['policy'], allowed)}"
            )
        return str(given["policy"])

    def _read(self, given: Mapping[str, Any], name: str, read: Callable[[Any], Any], place: _Place) -> Any:
        value = given.get(name)
        if value is None:
            return None
        try:
            return read(value)
        except ValueError as exc:
            self._fail((*place, name), f"must be {exc}, not {value!r}")

    def _word(self, words: type[_Word], given: Mapping[str, Any], name: str, place: _Place) -> _Word:
        try:
            return words(str(given[name]))
        except ValueError:
            self._fail((*place, name), f"{given[name]!r} is not known{nearest(given[name], words)}")

    def _known(self, given: Mapping[str, Any], names: Iterable[str], place: _Place, *, of: str = "") -> None:
        for name in given:
            if name not in names:
                self._fail((*place, str(name)), f"there is no such setting{of}{nearest(name, names)}")

    def _fail(self, place: _Place, message: str) -> Never:
        where = self.where(place)
        raise SettingsError(f"{where}: {message}" if where else message, reason="bad_fault_plan")


def _dotted(place: _Place) -> str:
    """The place as one writes it in Python: rules[2].path."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in place)
    return text.removeprefix(".") or "the fault plan"


def _text(value: Any) -> str:
    if isinstance(value, dict | list) or not str(value):
        raise ValueError(Kind.TEXT)
    return str(value)


def _status(least: int, kind: Kind) -> Callable[[Any], int]:
    def read(value: Any) -> int:
        status = count(value)
        if not least <= status <= 599:
            raise ValueError(kind)
        return status

    return read


def _skewed(value: Any) -> str:
    if value not in SKEWED:
        raise ValueError(Kind.SKEWED)
    return str(value)


_READERS: Mapping[Kind, Callable[[Any], Any]] = {
    Kind.SECONDS: seconds,
    Kind.SHARE: share,
    Kind.COUNT: positive,
    Kind.FLAG: flag,
    Kind.TEXT: _text,
    Kind.STATUS: _status(400, Kind.STATUS),
    Kind.PAGE_STATUS: _status(200, Kind.PAGE_STATUS),
    Kind.OFFSET: offset,
    Kind.SKEWED: _skewed,
}
