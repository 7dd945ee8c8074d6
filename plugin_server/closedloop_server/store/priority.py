"""What is told first when much waits: what was just decided before bulk, people before campaigns."""

from __future__ import annotations

from closedloop.loop.feedback import FeedbackKind

BULK = 10
"""From here on it is bulk: a first reading of years, other mappings, another attribution model."""

NEVER = 2 * BULK
"""No value waits so far back."""

_PLACE = {FeedbackKind.PERSON: 0, FeedbackKind.CAMPAIGN: 1, FeedbackKind.REASON: 2}


def of(kind: FeedbackKind, *, bulk: bool) -> int:
    """The place of a value in the queue; the smallest goes first."""
    return _PLACE[kind] + (BULK if bulk else 0)


def is_bulk(priority: int) -> bool:
    """Whether a value of this priority is bulk."""
    return priority >= BULK
