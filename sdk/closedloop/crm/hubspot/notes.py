"""The block of text that stands for our campaign properties where a portal cannot have them.

It stands in the campaign's notes (`hs_notes`), after the marketer's own text, and is replaced in place:
what the marketer wrote before and after it stays byte for byte.
"""

from __future__ import annotations

import re
from itertools import pairwise

START = (
    "--- Closed Loop: what sales did with this campaign's people "
    "(rewritten automatically; write above this line) ---"
)
END = "--- End of Closed Loop ---"

_GAP = "\n\n"
"""Between the marketer's text and a block that is added to it."""

_OURS = re.compile(
    r"(Accepted|Recycled|Disqualified|No action|Won|Lost): -?[0-9.]+"
    r"|(Won|Lost) amount: .*"
    r"|Reasons:"
    r"|- [^:]+: -?[0-9.]+"
    r"|Attribution: .*"
)
"""A line of a block. Needed only where the end of one is missing."""

_LINE = re.compile(r"\r\n|\n|\r")


def replaced(notes: str, lines: list[str]) -> str:
    """The notes with the block of these lines in them: the same notes if they show it already."""
    block = "\n".join([START, *lines, END])
    spans = _spans(notes)
    if not spans:
        return f"{notes}{_GAP}{block}" if notes else block
    (start, end), *others = spans
    if not others and _LINE.sub("\n", notes[start:end]) == block:
        return notes  # shown already; HubSpot's editor may have changed the line ends
    return notes[:start] + block + _without(notes, others, end)


def removed(notes: str) -> str:
    """The notes without any block: what the marketer wrote."""
    spans = _spans(notes)
    if not spans:
        return notes
    start, end = spans[0]
    before, after = notes[:start], _without(notes, spans[1:], end)
    return before.removesuffix(_GAP) if not after else before + after


def _without(notes: str, spans: list[tuple[int, int]], at: int) -> str:
    """The text from `at` on, without the spans."""
    kept: list[str] = []
    for start, end in spans:
        kept.append(notes[at:start])
        at = end
    return "".join([*kept, notes[at:]])


def _spans(notes: str) -> list[tuple[int, int]]:
    """Where blocks stand. One that lost its last line ends with the last line that reads like ours."""
    starts = [found.start() for found in re.finditer(re.escape(START), notes)]
    spans: list[tuple[int, int]] = []
    for start, following in pairwise([*starts, len(notes)]):
        end = notes.find(END, start, following)
        spans.append((start, end + len(END) if end >= 0 else _torn_end(notes, start + len(START), following)))
    return spans


def _torn_end(notes: str, at: int, limit: int) -> int:
    """Where a block without its last line ends, behind `at`."""
    end = at
    while found := _LINE.match(notes, end, limit):
        stop = _LINE.search(notes, found.end(), limit)
        line_end = stop.start() if stop else limit
        if not _OURS.fullmatch(notes, found.end(), line_end):
            break
        end = line_end
    return end
