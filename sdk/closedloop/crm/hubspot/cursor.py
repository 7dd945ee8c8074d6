"""Where a poll stands: a plain string that is stored after every page and read back to go on."""

from __future__ import annotations

import base64
import binascii
import json
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from closedloop.crm.hubspot.payloads import instant, iso

ARCHIVED = "archived"

PHASES = ("stages", "users", "campaigns", "account", "contact", "members", "lead", "opportunity", ARCHIVED)
"""In this order, so that what a record points to is there before it; what was deleted comes last."""

OVERLAP = timedelta(minutes=5)
"""How far behind HubSpot's search index may be: "may take a few moments" (its documentation)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cursor:
    """`after` is where the phase stands, `started` HubSpot's time at the start of this poll, `newest` the
    newest change that the phase has seen. `marks` says per object up to where everything was read,
    `campaigns` which campaigns there were, `members_after` whose members were read last."""

    phase: str = PHASES[0]
    after: str | None = None
    started: datetime | None = None
    newest: datetime | None = None
    marks: Mapping[str, datetime] = field(default_factory=dict)
    campaigns: tuple[str, ...] = ()
    members_after: str | None = None

    def further(self, after: str | None, newest: datetime | None) -> Cursor:
        """After a page of an object's phase that is followed by another, or by none."""
        seen = max((each for each in (self.newest, newest) if each is not None), default=None)
        moved = replace(self, after=after, newest=seen)
        return moved if after is not None else moved.finished()

    def next_phase(self) -> Cursor:
        """At the beginning of the following phase; after the last one, of the next poll."""
        following = PHASES.index(self.phase) + 1
        if following == len(PHASES):
            return replace(self, phase=PHASES[0], after=None, newest=None, started=None)
        return replace(self, phase=PHASES[following], after=None, newest=None)

    def finished(self) -> Cursor:
        """After an object's phase."""
        mark = mark_after(self.newest, self.started)
        if mark is None:
            return self.next_phase()
        return replace(self, marks={**self.marks, self.phase: mark}).next_phase()

    def text(self) -> str:
        """The cursor as a string."""
        told = {
            "phase": self.phase,
            "after": self.after,
            "started": iso(self.started) if self.started else None,
            "newest": iso(self.newest) if self.newest else None,
            "marks": {name: iso(mark) for name, mark in self.marks.items()},
            "campaigns": _packed(self.campaigns),
            "members_after": self.members_after,
        }
        return json.dumps({name: value for name, value in told.items() if value}, separators=(",", ":"))


def mark_after(
    newest: datetime | None, started: datetime | None, overlap: timedelta = OVERLAP
) -> datetime | None:
    """Up to where everything has been seen once all is read that was there at the start: up to the newest
    change, but not within the overlap before the start, where changes may have been missing from the index.
    None when nothing is known."""
    return None if newest is None or started is None else min(newest, started - overlap)


def cursor_of(text: str | None) -> Cursor:
    """The cursor that the string holds; a new one for None and for what is no cursor, because reading
    everything again does no harm and reading on from a wrong place does."""
    if text is None:
        return Cursor()
    try:
        told = json.loads(text)
        return _cursor(told)
    except (ValueError, TypeError, AttributeError, RecursionError):
        return Cursor()


def _cursor(told: Mapping[str, Any]) -> Cursor:
    phase = told.get("phase")
    if phase not in PHASES:
        raise ValueError
    marks = {str(name): instant(mark) for name, mark in told.get("marks", {}).items()}
    return Cursor(
        phase=phase,
        after=told.get("after"),
        started=instant(told.get("started")),
        newest=instant(told.get("newest")),
        marks={name: mark for name, mark in marks.items() if mark is not None},
        campaigns=_unpacked(told.get("campaigns", "")),
        members_after=told.get("members_after"),
    )


def _packed(guids: Iterable[str]) -> str:
    """22 characters a GUID instead of 39: a portal has up to thousands of campaigns, a poll of pages."""
    return base64.b64encode(b"".join(uuid.UUID(guid).bytes for guid in guids)).decode()


def _unpacked(text: str) -> tuple[str, ...]:
    try:
        joined = base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise ValueError from error
    return tuple(str(uuid.UUID(bytes=joined[at : at + 16])) for at in range(0, len(joined), 16))
