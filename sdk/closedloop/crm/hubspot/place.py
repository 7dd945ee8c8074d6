"""Where the reading of one object's changes stands: the cursor of `changes`, as a JSON text."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from closedloop.crm.hubspot.cursor import mark_after
from closedloop.crm.hubspot.ids import is_record_id
from closedloop.crm.hubspot.payloads import instant, iso
from closedloop.errors import BadValueError, RefusedError
from closedloop.schema.vocabulary import ObjectType

_BEGINNING = datetime(2000, 1, 1, tzinfo=UTC)
"""Before anything that HubSpot has: its search takes no instant before the epoch."""

LIST, SEARCH, ARCHIVED = "list", "search", "archived"
"""The steps of a round: everything there is the first time, later what changed and then what was deleted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A place within a round of reading `object`, or between two rounds when `started` is None.

    `source` is what is being read, `step` how, `after` where that stands. `started` is HubSpot's time at the
    start of the round, `newest` the newest change seen in the source. `marks` say per source up to where
    everything was read, `seen` what there was of an object that is read whole: a digest by id.
    """

    object: ObjectType
    source: str = ""
    step: str = LIST
    after: str | None = None
    started: datetime | None = None
    newest: datetime | None = None
    marks: Mapping[str, datetime] = field(default_factory=dict)
    seen: Mapping[str, str] = field(default_factory=dict)

    def into(self, source: str, started: datetime) -> Place:
        """At the beginning of a source."""
        step = LIST if source not in self.marks else SEARCH
        return replace(self, source=source, step=step, after=None, started=started, newest=None)

    def further(self, after: str | None, newest: datetime | None) -> Place:
        """Behind a page of the same step."""
        seen = max((each for each in (self.newest, newest) if each is not None), default=None)
        return replace(self, after=after, newest=seen)

    def finished(self, overlap: timedelta) -> Place:
        """Behind the last page of a source. One without any change keeps its mark, if it has one; where
        there was nothing at all, the next round looks through everything again."""
        mark = mark_after(self.newest, self.started, overlap)
        return self if mark is None else replace(self, marks={**self.marks, self.source: mark})

    def text(self) -> str:
        """The place as a text."""
        told = {
            "object": self.object.value,
            "source": self.source if self.started else None,
            "step": self.step if self.started else None,
            "after": self.after,
            "started": iso(self.started) if self.started else None,
            "newest": iso(self.newest) if self.newest else None,
            "marks": {source: iso(mark) for source, mark in self.marks.items()},
            "seen": dict(self.seen),
        }
        return json.dumps({name: value for name, value in told.items() if value}, separators=(",", ":"))


def place_of(of: ObjectType, since: str | datetime | None, sources: tuple[str, ...]) -> Place:
    """The place that a cursor or an instant names; RefusedError for a text that is no cursor of the object's,
    BadValueError for an instant without a time zone."""
    if since is None:
        return Place(object=of)
    if isinstance(since, datetime):
        if since.utcoffset() is None:
            raise BadValueError("a naive datetime names no instant: give it a time zone", field="since")
        return Place(object=of, marks=dict.fromkeys(sources, max(since, _BEGINNING)))
    try:
        place = _place(of, json.loads(since))
    except (ValueError, TypeError, AttributeError, RecursionError):
        raise _bad(of) from None
    if place.started is not None and not _leads_on(place, sources):
        raise _bad(of)
    return place


def _leads_on(place: Place, sources: tuple[str, ...]) -> bool:
    """Whether a round can go on from there: `after` is the id behind which a search goes on."""
    if place.source not in sources or (place.step != LIST and place.source not in place.marks):
        return False
    return place.step != SEARCH or place.after is None or is_record_id(place.after)


def _place(of: ObjectType, told: Mapping[str, Any]) -> Place:
    if told.get("object") != of.value or told.get("step", LIST) not in {LIST, SEARCH, ARCHIVED}:
        raise ValueError
    return Place(
        object=of,
        source=_text(told.get("source")) or "",
        step=told.get("step", LIST),
        after=_text(told.get("after")),
        started=_moment(told.get("started")),
        newest=_moment(told.get("newest")),
        marks={source: _mark(mark) for source, mark in told.get("marks", {}).items()},
        seen={id_: str(digest) for id_, digest in told.get("seen", {}).items()},
    )


def _text(value: Any) -> str | None:
    if value is not None and not isinstance(value, str):
        raise TypeError
    return value


def _moment(value: Any) -> datetime | None:
    return None if value is None else _mark(value)


def _mark(value: Any) -> datetime:
    moment = instant(value)
    if moment is None:
        raise ValueError
    return moment


def _bad(of: ObjectType) -> RefusedError:
    return RefusedError(
        f"this is no cursor of HubSpot's {of}: pass on the `cursor` of a page of the same object's "
        f"changes, a datetime, or None to begin with everything",
        reason="bad_cursor",
    )
