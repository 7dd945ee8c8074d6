"""Which field of ours an org's own field is likely meant for, by its name and its label."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

_REASON = re.compile(
    r"\b(loss|lost|lose|win|won|disqualif\w*|unqualif\w*|dq|reject\w*|closed?|recycl\w*)\b.*\breasons?\b"
    r"|\breasons?\b.*\b(loss|lost|win|won|disqualif\w*|unqualif\w*|reject\w*|closed?|recycl\w*)\b"
)
_NOTE = re.compile(r"\b(details?|notes?|comments?|explanation|description|other)\b")
_UTM = re.compile(r"\butm (source|medium|campaign|term|content)\b")
_COMPETITOR = re.compile(r"\b(competitors?|lost to)\b")
_GAP = re.compile(r"[\W_]+|(?<=[a-z])(?=[A-Z])")


def likely(name: str, label: str) -> Iterator[tuple[str, int]]:
    """The fields of ours that a field's name and label speak of, and how clearly each."""
    words = _words(name, label)
    utm = next((found for text in words if (found := _UTM.search(text))), None)
    if utm:
        yield f"utm.{utm[1]}", 50
    reasons = [text for text in words if _REASON.search(text)]
    if reasons:
        both = 10 * len(reasons)
        yield from _which_reason(" ".join(reasons), 20 + both)
    elif any(_COMPETITOR.search(text) for text in words):
        yield "competitor", 30


def _words(name: str, label: str) -> Sequence[str]:
    """The name and the label as words in lower case."""
    texts = (name.removesuffix("__c"), label)
    return [" ".join(_GAP.sub(" ", text).lower().split()) for text in texts]


def _which_reason(text: str, rank: int) -> Iterator[tuple[str, int]]:
    if _NOTE.search(text):
        yield "reason_note", rank
        return
    won, lost = bool(re.search(r"\b(win|won)\b", text)), bool(re.search(r"\b(loss|lost|lose)\b", text))
    yield "reason", rank
    if won or not lost:
        yield "won_reason", rank - (0 if won else 15)
    if lost or not won:
        yield "lost_reason", rank - (0 if lost else 5)
