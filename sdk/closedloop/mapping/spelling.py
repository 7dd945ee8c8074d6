"""Text as the rules see it, and slips of the pen repaired in the words that rules look for."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache

_APOSTROPHES = re.compile("['’‘`´]")
_SHORTHANDS = (
    (re.compile(r"\bw/o\b"), "without"),
    (re.compile(r"\bw/"), "with "),
    (re.compile(r"[$€£]+"), " money "),
    (re.compile(r"#"), " number "),
)
_BETWEEN = re.compile(r"[\W_]+")

# A misspelt word keeps its first letter and most of its length; short words are too close to others.
_SHORTEST = 5
_LONG = 9


def fold(text: str) -> str:
    """The text in lower case, without apostrophes, one blank for any run of other signs."""
    plain = _APOSTROPHES.sub("", unicodedata.normalize("NFKC", text)).casefold()
    for pattern, spelled_out in _SHORTHANDS:
        plain = pattern.sub(spelled_out, plain)
    return _BETWEEN.sub(" ", plain).strip()


class Spelling:
    """Repairs words that miss a known one by a letter or two."""

    def __init__(self, words: Iterable[str]) -> None:
        self._words = dict.fromkeys(word.casefold() for word in words)  # of two as near, the first
        self._repaired = lru_cache(maxsize=10_000)(self._repair)

    def repair(self, folded: str) -> str:
        """The folded text with every slip repaired."""
        return " ".join(self._repaired(word) for word in folded.split())

    def _repair(self, word: str) -> str:
        if word in self._words or not _SHORTEST <= len(word) <= 20:
            return word
        near = [(distance(word, known), known) for known in self._words if _alike(word, known)]
        near = [(far, known) for far, known in near if far <= (2 if len(known) >= _LONG else 1)]
        return min(near, key=lambda found: found[0], default=(0, word))[1]


def _alike(word: str, known: str) -> bool:
    return known[0] == word[0] and abs(len(known) - len(word)) <= 2


def distance(left: str, right: str) -> int:
    """How many letters must be added, dropped, changed or swapped with their neighbour."""
    before: list[int] = []
    last = list(range(len(right) + 1))
    for row, letter in enumerate(left, 1):
        now = [row]
        for column, other in enumerate(right, 1):
            cost = min(last[column] + 1, now[column - 1] + 1, last[column - 1] + (letter != other))
            if row > 1 and column > 1 and letter == right[column - 2] and left[row - 2] == other:
                cost = min(cost, before[column - 2] + 1)
            now.append(cost)
        before, last = last, now
    return last[-1]
