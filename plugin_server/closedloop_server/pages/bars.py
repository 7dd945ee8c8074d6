"""Bars, as numbers for an SVG: the pages have no scripts and no inline styles."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from closedloop.schema.vocabulary import DECIDED, Outcome

WIDTH = Decimal(100)
_GAP = Decimal("0.4")
_THINNEST = Decimal("0.8")


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """One outcome's part of a bar that is 100 wide."""

    outcome: Outcome
    credit: Decimal
    start: Decimal
    width: Decimal


def segments(credits_: Mapping[Outcome, Decimal]) -> tuple[Segment, ...]:
    """The parts of a stacked bar; what is there at all is wide enough to be seen."""
    present = [outcome for outcome in DECIDED if credits_[outcome]]
    if not present:
        return ()
    total = sum((credits_[outcome] for outcome in present), Decimal(0))
    room = WIDTH - _GAP * (len(present) - 1) - _THINNEST * len(present)
    made: list[Segment] = []
    start = Decimal(0)
    for outcome in present:
        width = (_THINNEST + room * credits_[outcome] / total).quantize(Decimal("0.001"))
        made.append(Segment(outcome=outcome, credit=credits_[outcome], start=start, width=width))
        start += width + _GAP
    return tuple(made)


def part(credit: Decimal, most: Decimal) -> Decimal:
    """How long a single bar is, when the longest one is 100."""
    return (WIDTH * credit / most).quantize(Decimal("0.1")) if most else Decimal(0)
