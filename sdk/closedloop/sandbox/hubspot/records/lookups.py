"""Where records lie by the values of a property, so that a search need not look at every one.

A lookup is a sorted picture of a moment, with the records that changed since beside it, which are looked at
one by one. So a write costs one entry in a set.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from closedloop.sandbox.hubspot.records.record import CrmObject
from closedloop.sandbox.hubspot.records.store import Store
from closedloop.sandbox.hubspot.settings.kinds import ObjectKind

Key = Callable[[str], Any]


class Span(NamedTuple):
    """The values that a filter takes, from `low` to `high`; None has no bound. Both ends are included unless
    `open` says that they are not."""

    low: Any = None
    high: Any = None
    open: bool = False


# Below this many records, looking at each is as quick.
_WORTH_IT = 500
# A picture is taken anew once this part of it is out of date.
_STALE = 0.05


class Lookup:
    """One property's values, sorted, with the records that have them; `changed` are the numbers of those that
    changed since the picture was taken, or are new."""

    def __init__(self, records: Iterator[CrmObject], name: str, key: Key) -> None:
        having = ((record.properties.get(name), record) for record in records)
        rows = sorted((key(value), record.number, record) for value, record in having if value is not None)
        self._keys = [row[0] for row in rows]
        self._records = [row[2] for row in rows]
        self.changed: set[int] = set()

    @property
    def stale(self) -> bool:
        """Whether so much changed that a new picture is due."""
        return len(self.changed) > max(_WORTH_IT, _STALE * len(self._keys))

    def count(self, spans: Sequence[Span]) -> int:
        """How many records the spans hold, at most."""
        places = (self._places(span) for span in spans)
        return len(self.changed) + sum(end - start for start, end in places)

    def records(self, spans: Sequence[Span]) -> list[CrmObject]:
        """The records within the spans that did not change, in the order of their values and ids."""
        found: list[CrmObject] = []
        for span in spans:
            start, end = self._places(span)
            found += self._records[start:end]
        return [r for r in found if r.number not in self.changed] if self.changed else found

    def _places(self, span: Span) -> tuple[int, int]:
        first, last = (bisect_right, bisect_left) if span.open else (bisect_left, bisect_right)
        start = 0 if span.low is None else first(self._keys, span.low)
        return start, max(start, len(self._keys) if span.high is None else last(self._keys, span.high))


class Lookups:
    """The lookups that searches have asked for so far, by object type and property."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._made: dict[ObjectKind, dict[str, Lookup]] = {}

    def touch(self, record: CrmObject) -> None:
        """Notes that a record changes or is new."""
        for lookup in self._made.get(record.kind, {}).values():
            lookup.changed.add(record.number)

    def of(self, kind: ObjectKind, name: str, key: Key) -> Lookup | None:
        """The lookup of a property; None where there are too few records for one."""
        if self._store.size(kind) < _WORTH_IT:
            return None
        made = self._made.setdefault(kind, {})
        if name not in made or made[name].stale:
            made[name] = Lookup(self._store.all(kind), name, key)
        return made[name]
