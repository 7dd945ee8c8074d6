"""How far a poll has read: the text that its caller keeps between two polls.

Rows appear in Salesforce when they are committed, with an earlier SystemModstamp, so each poll starts
some minutes before the newest row it knows. Once that row has been the newest for as long, and the
minutes before it were read again, all of them are known and are not read a third time.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from closedloop.errors import RefusedError
from closedloop.schema.vocabulary import ObjectType

OVERLAP = timedelta(minutes=5)
_VERSION = 1


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A place in the order SystemModstamp, Id; without an id: before every row of that stamp."""

    stamp: datetime
    id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """The newest row known of one object, by our clock since when, and whether all before it are known."""

    newest: Place
    noted_at: datetime
    settled: bool = False

    @property
    def start(self) -> Place:
        """Where the next walk of this object starts."""
        return self.newest if self.settled else Place(self.newest.stamp - OVERLAP)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cursor:
    """The marks of all objects, and where the present walk stands if it was interrupted."""

    marks: Mapping[ObjectType, Mark] = field(default_factory=dict)
    walking: ObjectType | None = None
    at: Place | None = None

    def start(self, of: ObjectType) -> Place | None:
        """Where to go on with an object; None: at its beginning."""
        if of is self.walking and self.at is not None:
            return self.at
        mark = self.marks.get(of)
        return mark.start if mark else None

    def within(self, of: ObjectType, last: Place) -> Cursor:
        """After a page that ended with `last`, with more to come."""
        return replace(self, walking=of, at=last)

    def behind(
        self, of: ObjectType, last: Place | None, *, began_at: datetime | None, now: datetime
    ) -> Cursor:
        """After the last page of an object; `last` is the last row of the walk, if it met any.

        `began_at` is when the walk of this object began; None for one that was interrupted since.
        """
        known = self.marks.get(of)
        if last is None or (known is not None and last <= known.newest):
            calm = known is not None and began_at is not None and began_at - known.noted_at >= OVERLAP
            mark = replace(known, settled=known.settled or calm) if known else None
        else:
            mark = Mark(newest=last, noted_at=now)
        marks = {**self.marks, of: mark} if mark else self.marks
        return Cursor(marks=marks)

    def dump(self) -> str:
        """The text to keep."""
        at = {"walking": self.walking, "at": _pair(self.at)} if self.walking and self.at else {}
        marks = {
            of: {"newest": _pair(mark.newest), "noted_at": mark.noted_at.isoformat(), "settled": mark.settled}
            for of, mark in self.marks.items()
        }
        return json.dumps({"version": _VERSION, "marks": marks, **at})

    @classmethod
    def load(cls, text: str | None) -> Cursor:
        """The cursor of such a text; the beginning for None. RefusedError for a text that is none."""
        if text is None:
            return cls()
        try:
            return cls._of(json.loads(text))
        except (ValueError, TypeError, KeyError, AttributeError) as exc:
            raise RefusedError(
                "the cursor is not one of poll's: pass the text unchanged, or None to start over",
                reason="bad_cursor",
            ) from exc

    @classmethod
    def _of(cls, body: Mapping[str, Any]) -> Cursor:
        if body["version"] != _VERSION:
            raise ValueError(body["version"])
        marks = {ObjectType(of): _mark(mark) for of, mark in body["marks"].items()}
        if "walking" not in body:
            return cls(marks=marks)
        return cls(marks=marks, walking=ObjectType(body["walking"]), at=_place(body["at"]))


def _pair(place: Place | None) -> list[str] | None:
    return [place.stamp.isoformat(), place.id] if place else None


def _place(pair: list[str]) -> Place:
    stamp = datetime.fromisoformat(pair[0])
    if stamp.utcoffset() is None:
        raise ValueError("a naive instant")
    return Place(stamp, str(pair[1]))


def _mark(body: Mapping[str, Any]) -> Mark:
    noted_at = datetime.fromisoformat(body["noted_at"])
    if noted_at.utcoffset() is None:
        raise ValueError("a naive instant")
    return Mark(newest=_place(body["newest"]), noted_at=noted_at, settled=body["settled"] is True)
