"""What stands between the braces of FIND: words, wildcards, phrases, AND, OR and AND NOT.

SOQL and SOSL Reference, "FIND {SearchQuery}". Words beside each other must all be there, AND NOT binds closer
than AND, and AND closer than OR. A word is found as a whole and without regard to case; `*` stands for any
letters in the middle or at the end, `?` for one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from closedloop.sandbox.salesforce.refusal import Refusal
from closedloop.sandbox.salesforce.soql.literals import glob

_WORD = re.compile(r"\w+")
_PIECE = re.compile(
    r'\s+|(?P<quoted>"(?:[^"\\]|\\.)*")|(?P<mark>[()])|(?P<text>(?:\\.|[^\s()"\\])+)|.', re.DOTALL
)
_SHORTEST = 2


@dataclass(frozen=True, slots=True)
class Phrase:
    """Words that stand one after the other; most are one word alone."""

    patterns: tuple[re.Pattern[str], ...]
    words: tuple[str, ...]

    def found(self, texts: Iterable[Sequence[str]]) -> bool:
        """Whether one of the texts, each a list of words, has them."""
        return any(self._in(text) for text in texts)

    def _in(self, text: Sequence[str]) -> bool:
        last = len(text) - len(self.patterns)
        return any(
            all(p.fullmatch(text[start + n]) for n, p in enumerate(self.patterns))
            for start in range(last + 1)
        )


@dataclass(frozen=True, slots=True)
class AllOf:
    terms: tuple[Term, ...]

    def found(self, texts: list[list[str]]) -> bool:
        """Whether every term is found."""
        return all(term.found(texts) for term in self.terms)


@dataclass(frozen=True, slots=True)
class AnyOf:
    terms: tuple[Term, ...]

    def found(self, texts: list[list[str]]) -> bool:
        """Whether one of the terms is found."""
        return any(term.found(texts) for term in self.terms)


@dataclass(frozen=True, slots=True)
class Without:
    """The first, where the second is not found."""

    term: Term
    unwanted: Term

    def found(self, texts: list[list[str]]) -> bool:
        """Whether the one is found and the other not."""
        return self.term.found(texts) and not self.unwanted.found(texts)


Term = Phrase | AllOf | AnyOf | Without


def words(text: str) -> list[str]:
    """The words of a text, in small letters."""
    return _WORD.findall(text.casefold())


def parse_term(text: str) -> Term:
    """The term; one that is too short or has no word is refused."""
    if len(text.strip().strip('*?"')) < _SHORTEST:
        # The words are those of the search of records that pages use (its recorded errors).
        raise Refusal("INVALID_SEARCH", f"search term must be longer than one character: {text.strip()}")
    pieces = [piece for match in _PIECE.finditer(text) if (piece := (match.lastgroup or "", match[0]))[0]]
    reader = _Reader(pieces)
    term = reader.any_of()
    if term is None or reader.left:
        raise no_term()
    return term


def no_term() -> Refusal:
    """The refusal of a search without a term."""
    return Refusal("MALFORMED_SEARCH", "No search term found. The search term must be enclosed in braces.")


class _Reader:
    def __init__(self, pieces: list[tuple[str, str]]) -> None:
        self._pieces = pieces
        self._at = 0

    @property
    def left(self) -> bool:
        return self._at < len(self._pieces)

    def any_of(self) -> Term | None:
        found = [self._all_of()]
        while self._taken("OR"):
            found.append(self._all_of())
        terms = tuple(term for term in found if term is not None)
        return terms[0] if len(terms) == 1 else AnyOf(terms) if terms else None

    def _all_of(self) -> Term | None:
        found: list[Term] = []
        while self.left and not self._next("OR") and not self._next(")"):
            self._taken("AND")
            negated = bool(found) and self._taken("NOT")
            term = self._one()
            if term is not None:
                found[:] = [Without(_joined(found), term)] if negated else [*found, term]
        return _joined(found) if found else None

    def _one(self) -> Term | None:
        if self._taken("("):
            inner = self.any_of()
            if not self._taken(")"):
                raise no_term()
            return inner
        if not self.left:
            return None
        kind, text = self._pieces[self._at]
        self._at += 1
        return _phrase(text[1:-1] if kind == "quoted" else text)

    def _next(self, text: str) -> bool:
        return self.left and self._pieces[self._at][1].upper() == text

    def _taken(self, text: str) -> bool:
        if not self._next(text):
            return False
        self._at += 1
        return True


def _joined(terms: list[Term]) -> Term:
    return terms[0] if len(terms) == 1 else AllOf(tuple(terms))


def _phrase(text: str) -> Phrase | None:
    """The words of the text; None where it has none. An escaped wildcard is no letter of a word."""
    plain = re.sub(r"\\(.)", lambda m: " " if m[1] in "*?" else m[1], text.casefold())
    parts = re.findall(r"[\w*?]+", plain)
    parts = [part for part in parts if part.strip("*?")]
    if not parts:
        return None
    return Phrase(tuple(re.compile(_regex(part)) for part in parts), tuple(parts))


def _regex(part: str) -> str:
    # A wildcard cannot begin a word.
    pieces = re.sub(r"\*+", "*", part.lstrip("*?")).split("*")
    return glob(["".join(r"\w" if c == "?" else re.escape(c) for c in piece) for piece in pieces], r"\w")
