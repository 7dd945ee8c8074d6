"""Which reason code a raw reason becomes: the rules of reasons.yaml.

A rule's exact texts are compared as written, then in any case and spacing; then the patterns are searched
in the folded text. A text that patterns of several codes match is left unmapped: nothing is guessed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from closedloop.loop.dispositions import ReasonMatch
from closedloop.mapping.document import Document, Path
from closedloop.mapping.form import ReasonsForm, check
from closedloop.mapping.spelling import Spelling, fold
from closedloop.schema.vocabulary import Outcome, ReasonCode

# A rule that names no outcomes counts for all of these: a win has other reasons than a loss.
_USUAL = tuple(outcome for outcome in Outcome if outcome is not Outcome.WON)
# More of a note than this tells no more about the reason; it bounds the time a pattern may take.
_LONGEST = 1_000


@dataclass(frozen=True, slots=True)
class _Hit:
    code: ReasonCode
    rule: str
    start: int = 0
    end: int = 0


_UNMAPPED = _Hit(ReasonCode.UNMAPPED, "")


@dataclass(frozen=True, slots=True)
class _Pattern:
    pattern: re.Pattern[str]
    code: ReasonCode
    rule: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """The rules of a file; `exact` and `folded` are keyed by outcome and text."""

    exact: Mapping[tuple[Outcome, str], _Hit]
    folded: Mapping[tuple[Outcome, str], _Hit]
    patterns: Mapping[Outcome, tuple[_Pattern, ...]]
    ambiguous: tuple[re.Pattern[str], ...]
    spelling: Spelling


class Reasons:
    """The rules, ready to match. The latest answers are kept: reps pick from lists, and replays ask again."""

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._remembered = lru_cache(maxsize=20_000)(self._match)

    def match(self, raw: str | None, outcome: Outcome) -> ReasonMatch:
        """The code of a raw reason under an outcome, and the rule that gave it.

        Blank is `unspecified`, what no rule knows `unmapped`. Of a multi-select value, joined by `;`, the
        first gives the code and the others contribute.
        """
        return self._remembered((raw or "").strip(), outcome)

    def _match(self, text: str, outcome: Outcome) -> ReasonMatch:
        if not text:
            return ReasonMatch(code=ReasonCode.UNSPECIFIED)
        whole = self._known(text, outcome)
        if whole is not None:
            return _match([whole])
        parts = [part.strip() for part in text.split(";") if part.strip()]
        return _match([self._hit(part, outcome) for part in parts or [text]])

    def _known(self, text: str, outcome: Outcome) -> _Hit | None:
        return self._rules.exact.get((outcome, text)) or self._rules.folded.get((outcome, fold(text)))

    def _hit(self, text: str, outcome: Outcome) -> _Hit:
        folded = fold(text[:_LONGEST])
        repaired = self._rules.spelling.repair(folded)
        return (
            self._known(text, outcome)
            or self._by_pattern(folded, outcome)
            or self._rules.folded.get((outcome, repaired))
            or (self._by_pattern(repaired, outcome) if repaired != folded else None)
            or _UNMAPPED
        )

    def _by_pattern(self, text: str, outcome: Outcome) -> _Hit | None:
        """What the patterns say, `_UNMAPPED` when they contradict each other, None when none matches."""
        hits = _outermost(self._found(text, outcome))
        if not hits:
            return None
        unclear = len({hit.code for hit in hits}) > 1 or any(
            rule.search(text) for rule in self._rules.ambiguous
        )
        return _UNMAPPED if unclear else hits[0]

    def _found(self, text: str, outcome: Outcome) -> list[_Hit]:
        return [
            _Hit(pattern.code, pattern.rule, found.start(), found.end())
            for pattern in self._rules.patterns.get(outcome, ())
            for found in pattern.pattern.finditer(text)
            if found.end() > found.start()
        ]


def _outermost(hits: list[_Hit]) -> list[_Hit]:
    """The hits that no longer hit covers: `no budget holder` is about authority, not about budget."""
    return [hit for hit in hits if not any(_covers(other, hit) for other in hits)]


def _covers(outer: _Hit, inner: _Hit) -> bool:
    longer = outer.end - outer.start > inner.end - inner.start
    return longer and outer.start <= inner.start and inner.end <= outer.end


def _match(hits: list[_Hit]) -> ReasonMatch:
    first, *others = hits
    contributing = dict.fromkeys(hit.code for hit in others if hit.code is not first.code)
    return ReasonMatch(code=first.code, rule=first.rule, contributing=tuple(contributing))


def build_reasons(document: Document) -> Reasons:
    """The file's rules; MappingError with the line of what is wrong."""
    loaded = check(document, ReasonsForm)
    builder = _Builder(document)
    for place, rule in enumerate(loaded["rules"]):
        builder.add(rule, ("rules", place))
    ambiguous = (
        builder.pattern(text, ("ambiguous", place)) for place, text in enumerate(loaded.get("ambiguous", ()))
    )
    return Reasons(
        Rules(
            exact=builder.exact,
            folded={key: hit for key, hit in builder.folded.items() if hit is not None},
            patterns={outcome: tuple(patterns) for outcome, patterns in builder.patterns.items()},
            ambiguous=tuple(ambiguous),
            spelling=Spelling(loaded.get("words", ())),
        )
    )


class _Builder:
    """Collects the rules of a file."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.exact: dict[tuple[Outcome, str], _Hit] = {}
        # None: two codes share the folded text, so only the exact one counts.
        self.folded: dict[tuple[Outcome, str], _Hit | None] = {}
        self.patterns: dict[Outcome, list[_Pattern]] = {}
        self._lines: dict[tuple[Outcome, str], Path] = {}

    def add(self, rule: Mapping[str, Any], at: Path) -> None:
        """Adds one rule."""
        if not rule.get("exact") and not rule.get("patterns"):
            raise self.document.error(at, "the rule matches nothing: give it `exact` texts or `patterns`")
        code = ReasonCode(rule["reason"])
        outcomes = [Outcome(name) for name in rule.get("outcomes") or _USUAL]
        for path, text in self._texts(rule.get("exact", ()), (*at, "exact")):
            self._add_exact(outcomes, text, _Hit(code, self._name(path)), path)
        for path, text in self._texts(rule.get("patterns", ()), (*at, "patterns")):
            pattern = _Pattern(self.pattern(text, path), code, self._name(path))
            self._add_pattern(outcomes, text, pattern, path)

    @staticmethod
    def _texts(texts: Iterable[str], at: Path) -> Iterator[tuple[Path, str]]:
        return (((*at, place), text.strip()) for place, text in enumerate(texts))

    def _name(self, path: Path) -> str:
        return f"{self.document.file}:{self.document.line(path)}"

    def _add_exact(self, outcomes: list[Outcome], text: str, hit: _Hit, path: Path) -> None:
        if not text:
            raise self.document.error(path, "a blank reason is `unspecified` by itself: remove this line")
        for outcome in outcomes:
            self._claim(outcome, text, path)
            self.exact[outcome, text] = hit
            if not fold(text):  # signs alone fold to nothing, and so do others
                continue
            known = self.folded.setdefault((outcome, fold(text)), hit)
            if known is not None and known.code is not hit.code:
                self.folded[outcome, fold(text)] = None

    def _add_pattern(self, outcomes: list[Outcome], text: str, pattern: _Pattern, path: Path) -> None:
        for outcome in outcomes:
            self._claim(outcome, f"/{text}/", path)
            self.patterns.setdefault(outcome, []).append(pattern)

    def _claim(self, outcome: Outcome, text: str, path: Path) -> None:
        first = self._lines.setdefault((outcome, text), path)
        if first != path:
            line = self.document.line(first)
            raise self.document.error(
                path, f"`{text.strip('/')}` has a rule for {outcome} already, on line {line}"
            )

    def pattern(self, text: str, path: Path) -> re.Pattern[str]:
        """The compiled pattern."""
        try:
            pattern = re.compile(text)
        except (re.error, RecursionError, OverflowError) as exc:
            raise self.document.error(path, f"`{text}` is not a regular expression: {exc}") from None
        if pattern.search(""):
            raise self.document.error(path, f"`{text}` matches an empty text, and so every reason: narrow it")
        return pattern
