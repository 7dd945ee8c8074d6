"""How far changes have been read: the text that their reader keeps between two readings.

Rows appear in Salesforce when they are committed, with an earlier SystemModstamp (Object Reference, "System
Fields"; reference: Read consistency). A walk in the order SystemModstamp, Id may therefore pass an instant
whose rows are not all there yet. So a finished walk vouches for no more than the time at which it *began*, by
Salesforce's clock, less the overlap: what was to be committed with an earlier stamp was there by
then, and every page was read later. When its newest row is older still, nothing behind that row was missed.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from closedloop.crm.salesforce.ids import full_id
from closedloop.errors import RefusedError
from closedloop.schema.vocabulary import ObjectType

OVERLAP = timedelta(minutes=5)
"""How long after its stamp a row may still appear: set more where transactions of yours take longer."""
_VERSION = 2

T = TypeVar("T")


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A place in the order SystemModstamp, Id; without an id: before every row of that stamp."""

    stamp: datetime
    id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Walk:
    """How far the rows of one object of the org were read.

    All rows up to `known` have been read for good, and the delete log up to `logged`. While a walk is under
    way, `began` is when by Salesforce's clock its first page was asked for, and `at` the last row of its
    newest page.
    """

    known: Place | None = None
    logged: datetime | None = None
    began: datetime | None = None
    at: Place | None = None

    @property
    def start(self) -> Place | None:
        """Where to go on; None: at the beginning."""
        return self.at or self.known

    def within(self, last: Place, began: datetime) -> Walk:
        """After a page that ended with `last`, with more to come; `began` counts only for the first page."""
        return replace(self, at=last, began=self.began or began)

    def behind(self, last: Place | None, began: datetime, overlap: timedelta) -> Walk:
        """After the last page of a walk, which ended with `last` if it held anything."""
        newest = last or self.start
        sure = Place((self.began or began) - overlap)
        return Walk(known=None if newest is None else min(newest, sure), logged=self.logged)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cursor:
    """The walks of all objects of a poll; at most one of them is under way."""

    walks: Mapping[ObjectType, Walk] = field(default_factory=dict)

    @property
    def walking(self) -> ObjectType | None:
        """The object within whose walk the poll stands."""
        return next((of for of, walk in self.walks.items() if walk.at), None)

    def of(self, of: ObjectType) -> Walk:
        """The walk of an object; a new one for one that was never walked."""
        return self.walks.get(of, Walk())

    def after(self, of: ObjectType, walk: Walk) -> Cursor:
        """The cursor with this walk of an object."""
        return Cursor(walks={**self.walks, of: walk})

    def dump(self) -> str:
        """The text to keep."""
        walks = {of: _dumped(walk) for of, walk in self.walks.items() if walk != Walk()}
        return json.dumps({"version": _VERSION, "walks": walks})

    @classmethod
    def load(cls, text: str | None) -> Cursor:
        """The cursor of such a text; the beginning for None. RefusedError for a text that is none."""
        return cls() if text is None else loaded(text, cls._of)

    @classmethod
    def _of(cls, body: Mapping[str, Any]) -> Cursor:
        if body["version"] == 1:
            return cls._of_version_1(body)
        _check_version(body)
        return cls(walks={ObjectType(of): _walk(walk) for of, walk in body["walks"].items()})

    @classmethod
    def _of_version_1(cls, body: Mapping[str, Any]) -> Cursor:
        """Of a text kept since 0.1: its marks vouched for too much where a walk had taken long, so all of
        them, and an interrupted walk too, are read again from the overlap on."""
        marks = {ObjectType(of): _place(mark["newest"]) for of, mark in body["marks"].items()}
        return cls(walks={of: Walk(known=Place(newest.stamp - OVERLAP)) for of, newest in marks.items()})


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectCursor:
    """How far the changes of one object of ours were read: a walk per object of the org that holds it.

    `seen` are the ids of what is read whole each time, where a deletion shows by an id's absence alone.
    """

    object: ObjectType
    walks: Mapping[str, Walk] = field(default_factory=dict)
    seen: tuple[str, ...] = ()

    def of(self, source: str) -> Walk:
        """The walk of an object of the org."""
        return self.walks.get(source, Walk())

    def after(self, source: str, walk: Walk) -> ObjectCursor:
        """The cursor with this walk of an object of the org."""
        return replace(self, walks={**self.walks, source: walk})

    def dump(self) -> str:
        """The text to keep."""
        walks = {source: _dumped(walk) for source, walk in self.walks.items()}
        body = {"version": _VERSION, "object": self.object.value, "walks": walks}
        return json.dumps(body | ({"seen": self.seen} if self.seen else {}))

    @classmethod
    def load(cls, text: str, of: ObjectType) -> ObjectCursor:
        """The cursor of such a text; RefusedError for a text that is none, or another object's."""

        def read(body: Mapping[str, Any]) -> ObjectCursor:
            _check_version(body)
            if body["object"] != of:
                raise ValueError(body["object"])
            walks = {str(source): _walk(walk) for source, walk in body["walks"].items()}
            return cls(object=of, walks=walks, seen=tuple(str(each) for each in body.get("seen", ())))

        return loaded(text, read)


def loaded(text: str, read: Callable[[Mapping[str, Any]], T]) -> T:
    """What `read` makes of the text's JSON; RefusedError where it cannot."""
    try:
        return read(json.loads(text))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError, OverflowError) as exc:
        raise RefusedError(
            "the cursor is not one of this object's: pass the text unchanged, or None to start over",
            reason="bad_cursor",
        ) from exc


def _check_version(body: Mapping[str, Any]) -> None:
    if body["version"] != _VERSION:
        raise ValueError(body["version"])


def _dumped(walk: Walk) -> dict[str, Any]:
    parts = {
        "known": _pair(walk.known),
        "logged": walk.logged.isoformat() if walk.logged else None,
        "began": walk.began.isoformat() if walk.began else None,
        "at": _pair(walk.at),
    }
    return {name: part for name, part in parts.items() if part is not None}


def _pair(place: Place | None) -> list[str] | None:
    return [place.stamp.isoformat(), place.id] if place else None


def _walk(body: Mapping[str, Any]) -> Walk:
    return Walk(
        known=_place(body["known"]) if "known" in body else None,
        logged=_instant(body["logged"]) if "logged" in body else None,
        began=_instant(body["began"]) if "began" in body else None,
        at=_place(body["at"]) if "at" in body else None,
    )


def _place(pair: list[str]) -> Place:
    return Place(_instant(pair[0]), full_id(pair[1]) if pair[1] else "")


def _instant(text: str) -> datetime:
    found = datetime.fromisoformat(text)
    if found.utcoffset() is None:
        raise ValueError("a naive instant")
    return found.astimezone(UTC)
