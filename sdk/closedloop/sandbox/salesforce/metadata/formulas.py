"""The formulas in a flow's entry conditions, as far as they are about the record and its change.

Help, "Formula Operators and Functions"; Flow Builder, "Resource Formula Considerations" ($Record and
$Record__Prior).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from closedloop.sandbox.salesforce.records.values import to_json


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """A write: the value of a field after it, and before it; for a new record there is no before."""

    now: Callable[[str], Any]
    before: Callable[[str], Any] | None

    def changed(self, field: str) -> bool:
        """Whether the write changed the field."""
        return self.before is not None and self.now(field) != self.before(field)


Formula = Callable[[Moment], Any]


class FormulaError(ValueError):
    """The text is no formula, or one that is not known here."""


def formula(text: str) -> Formula:
    """What the formula gives for a write. Raises FormulaError."""
    reader = _Reader(text)
    try:
        found = reader.either()
    except RecursionError:
        raise FormulaError("The formula is too deep.") from None
    reader.end()
    return found


_TOKEN = re.compile(
    r"""\s*(?:(?P<number>\d+(?:\.\d+)?)|(?P<text>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')"""
    r"""|(?P<reference>\{!\s*\$Record(?:__Prior)?\.\w+\s*\}|\$Record(?:__Prior)?\.\w+)"""
    r"""|(?P<name>[A-Za-z]\w*)|(?P<sign><>|!=|<=|>=|==|&&|\|\||[=<>(),!&+-]))"""
)
_FIELD = re.compile(r"\$Record(__Prior)?\.(\w+)")
_CONSTANTS = {"TRUE": True, "FALSE": False, "NULL": None}


class _Reader:
    def __init__(self, text: str) -> None:
        self._tokens = list(_tokens(text))
        self._place = 0

    def either(self) -> Formula:
        parts = [self._both()]
        while self._takes("||"):
            parts.append(self._both())
        return parts[0] if len(parts) == 1 else _or(parts)

    def end(self) -> None:
        if self._place < len(self._tokens):
            raise FormulaError(f"Syntax error. Found '{self._tokens[self._place][1]}'")

    def _both(self) -> Formula:
        parts = [self._compared()]
        while self._takes("&&"):
            parts.append(self._compared())
        return parts[0] if len(parts) == 1 else _and(parts)

    def _compared(self) -> Formula:
        left = self._single()
        sign = next((s for s in _COMPARISONS if self._takes(s)), None)
        if sign is None:
            return left
        right, compare = self._single(), _COMPARISONS[sign]
        return lambda moment: compare(_plain(left(moment)), _plain(right(moment)))

    def _single(self) -> Formula:
        kind, text = self._next()
        if kind == "number":
            return _constant(Decimal(text))
        if kind == "text":
            return _constant(re.sub(r"\\(.)", r"\1", text[1:-1]))
        if kind == "reference":
            return _reference(text)
        if kind == "name":
            return self._named(text)
        return self._signed(text)

    def _signed(self, sign: str) -> Formula:
        if sign == "(":
            inner = self.either()
            self._expect(")")
            return inner
        if sign == "!":
            return _not([self._single()])
        if sign == "-":
            inner = self._single()
            return lambda moment: -Decimal(_plain(inner(moment)) or 0)
        raise FormulaError(f"Syntax error. Found '{sign}'")

    def _named(self, name: str) -> Formula:
        upper = name.upper()
        if not self._takes("("):
            if upper not in _CONSTANTS:
                raise FormulaError(f"Field {name} does not exist. Check spelling.")
            return _constant(_CONSTANTS[upper])
        arguments: list[Formula] = []
        while not self._takes(")"):
            if arguments:
                self._expect(",")
            arguments.append(self.either())
        if upper not in _FUNCTIONS:
            raise FormulaError(f"Unknown function {upper}. Check spelling.")
        least, build = _FUNCTIONS[upper]
        if len(arguments) < least:
            message = f"Incorrect number of parameters for function '{upper}()'. Expected {least}"
            raise FormulaError(f"{message}, received {len(arguments)}")
        return build(arguments)

    def _next(self) -> tuple[str, str]:
        if self._place >= len(self._tokens):
            raise FormulaError("Syntax error. Missing expression at the end")
        self._place += 1
        return self._tokens[self._place - 1]

    def _takes(self, sign: str) -> bool:
        there = self._place < len(self._tokens) and self._tokens[self._place] == ("sign", sign)
        self._place += there
        return there

    def _expect(self, sign: str) -> None:
        if not self._takes(sign):
            raise FormulaError(f"Syntax error. Missing '{sign}'")


def _tokens(text: str) -> Sequence[tuple[str, str]]:
    found, place, end = [], 0, len(text.rstrip())
    while place < end:
        match = _TOKEN.match(text, place)
        if match is None or match.lastgroup is None:
            raise FormulaError(f"Syntax error. Found '{text[place:].strip()[:1]}'")
        found.append((match.lastgroup, match[match.lastgroup]))
        place = match.end()
    return found


class _Reference:
    """A field of the record; ISCHANGED and PRIORVALUE want to know which."""

    def __init__(self, field: str, *, prior: bool) -> None:
        self.field = field
        self._prior = prior

    def __call__(self, moment: Moment) -> Any:
        if not self._prior:
            return moment.now(self.field)
        return None if moment.before is None else moment.before(self.field)


def _reference(text: str) -> Formula:
    prior, field = _FIELD.findall(text)[0]
    return _Reference(field, prior=bool(prior))


def _constant(value: Any) -> Formula:
    return lambda _: value


def _or(parts: Sequence[Formula]) -> Formula:
    return lambda moment: any(part(moment) for part in parts)


def _and(parts: Sequence[Formula]) -> Formula:
    return lambda moment: all(part(moment) for part in parts)


def _not(parts: Sequence[Formula]) -> Formula:
    return lambda moment: not parts[0](moment)


def _is_changed(parts: Sequence[Formula]) -> Formula:
    field = _field(parts[0], "ISCHANGED")
    return lambda moment: moment.changed(field)


def _prior_value(parts: Sequence[Formula]) -> Formula:
    field = _field(parts[0], "PRIORVALUE")
    return lambda moment: (moment.before or moment.now)(field)


def _field(part: Formula, function: str) -> str:
    if not isinstance(part, _Reference):
        raise FormulaError(f"Incorrect parameter type for function '{function}()'. Expected Field Reference")
    return part.field


def _is_new(_: Sequence[Formula]) -> Formula:
    return lambda moment: moment.before is None


def _is_blank(parts: Sequence[Formula]) -> Formula:
    return lambda moment: parts[0](moment) in (None, "")


def _if(parts: Sequence[Formula]) -> Formula:
    return lambda moment: parts[1](moment) if parts[0](moment) else parts[2](moment)


def _equal(parts: Sequence[Formula]) -> Formula:
    return lambda moment: _plain(parts[0](moment)) == _plain(parts[1](moment))


def _text(parts: Sequence[Formula]) -> Formula:
    return lambda moment: _shown(parts[0](moment))


def _words(change: Callable[[str], str]) -> Callable[[Sequence[Formula]], Formula]:
    return lambda parts: lambda moment: change(_shown(parts[0](moment)))


def _found(test: Callable[[str, str], bool]) -> Callable[[Sequence[Formula]], Formula]:
    return lambda parts: lambda moment: test(_shown(parts[0](moment)), _shown(parts[1](moment)))


def _shown(value: Any) -> str:
    return "" if value is None else str(to_json(value))


def _plain(value: Any) -> Any:
    """Numbers of every kind compare with each other; blank text is null."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return Decimal(str(value))
    return None if value == "" else value


def _ordered(test: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    def compare(left: Any, right: Any) -> bool:
        try:
            return left is not None and right is not None and test(left, right)
        except TypeError:
            return False

    return compare


_COMPARISONS: Mapping[str, Callable[[Any, Any], bool]] = {
    "==": lambda left, right: bool(left == right),
    "=": lambda left, right: bool(left == right),
    "<>": lambda left, right: bool(left != right),
    "!=": lambda left, right: bool(left != right),
    "<=": _ordered(lambda left, right: bool(left <= right)),
    ">=": _ordered(lambda left, right: bool(left >= right)),
    "<": _ordered(lambda left, right: bool(left < right)),
    ">": _ordered(lambda left, right: bool(left > right)),
}
_FUNCTIONS: Mapping[str, tuple[int, Callable[[Sequence[Formula]], Formula]]] = {
    "AND": (1, _and),
    "BEGINS": (2, _found(str.startswith)),
    "CONTAINS": (2, _found(str.__contains__)),
    "IF": (3, _if),
    "INCLUDES": (2, _found(lambda values, value: value in values.split(";"))),
    "ISBLANK": (1, _is_blank),
    "ISCHANGED": (1, _is_changed),
    "ISNEW": (0, _is_new),
    "ISNULL": (1, _is_blank),
    "ISPICKVAL": (2, _equal),
    "LOWER": (1, _words(str.lower)),
    "NOT": (1, _not),
    "OR": (1, _or),
    "PRIORVALUE": (1, _prior_value),
    "TEXT": (1, _text),
    "TRIM": (1, _words(str.strip)),
    "UPPER": (1, _words(str.upper)),
}
