"""How long a lead may wait for sales, and whether one has waited too long.

A level says within which time something has to happen: a decision, the first change of the stage, or that
the lead leaves the stages in which it may not stay. Time runs day and night: there are no business hours.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from closedloop.schema.records import Lead

_CREATING = timedelta(minutes=1)
"""A CRM notes the first stage as a change, some moments after the lead itself."""


class Until(StrEnum):
    """What ends the waiting."""

    DECISION = "decision"  # sales accepts, recycles or disqualifies, or finds that there is nothing to decide
    STAGE_CHANGE = "stage_change"  # the lead leaves the stage in which it was made
    LEAVING = "leaving"  # the lead leaves the stages that the level names


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceLevel:
    """One promise: `within` which time. `stages` are those that may not last, however they are spelled."""

    name: str
    within: timedelta
    until: Until
    stages: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Deadline:
    """Since when a lead has waited under a level, by when that has to end, and when it did."""

    level: str
    started_at: datetime
    due_at: datetime
    ended_at: datetime | None = None

    def breached(self, now: datetime) -> bool:
        """Whether it was due before it ended."""
        return self.due_at < self.ended_at if self.ended_at else self.due_at <= now


def deadlines(
    levels: Iterable[ServiceLevel],
    lead: Lead,
    *,
    stage: Iterable[str] = (),
    decided_at: datetime | None = None,
) -> list[Deadline]:
    """The deadlines of a lead as its record says now; none for one that the CRM no longer has.

    `stage` are the names of the stage it stands in, spelled as in the levels. A deadline that ended is told
    only of a decision: of a change of stage a record keeps the last one alone, which need not be the first.
    """
    return [] if lead.deleted else list(_running(levels, lead, frozenset(stage), decided_at))


def _running(
    levels: Iterable[ServiceLevel], lead: Lead, stage: frozenset[str], decided_at: datetime | None
) -> Iterator[Deadline]:
    for level in levels:
        started_at = _started(level, lead, stage)
        if started_at is not None:
            ended = decided_at if level.until is Until.DECISION else None
            yield Deadline(
                level=level.name,
                started_at=started_at,
                due_at=started_at + level.within,
                ended_at=max(ended, started_at) if ended else None,
            )


def _started(level: ServiceLevel, lead: Lead, stage: frozenset[str]) -> datetime | None:
    match level.until:
        case Until.DECISION:
            return lead.created_at
        case Until.STAGE_CHANGE:
            return None if _has_moved(lead) else lead.created_at
        case Until.LEAVING:
            return (lead.stage_changed_at or lead.created_at) if stage & level.stages else None


def _has_moved(lead: Lead) -> bool:
    if lead.stage_changed_at is None or lead.created_at is None:
        return False
    return lead.stage_changed_at > lead.created_at + _CREATING
