"""The search index: what searches see of the portal, which may lag behind what it holds.

New and changed records take moments to reach HubSpot's search, and every other endpoint shows them at once
(HubSpot documentation, "CRM search", limits; issue 59 of hubspot-api-php). How long is not documented.
"""

from __future__ import annotations

import random
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from operator import attrgetter
from typing import TYPE_CHECKING, NamedTuple

from closedloop.sandbox.hubspot.records.lookups import Lookups
from closedloop.sandbox.hubspot.records.record import CrmObject
from closedloop.sandbox.hubspot.records.store import Store
from closedloop.sandbox.hubspot.settings.kinds import ObjectKind

if TYPE_CHECKING:
    from closedloop.sandbox.hubspot.records.filters import Filter, Test

# Seconds by which searches lag: the same for all records, or a function of the record's id.
Lag = float | Callable[[str], float]

# Changes that are closer together reach the index as one: a single call may change a record several times.
_TOGETHER = timedelta(milliseconds=20)
# So many searches' results are kept for their further pages.
_REMEMBERED = 8


def random_lag(least: float, most: float, *, seed: int) -> Callable[[str], float]:
    """A lag between `least` and `most` seconds, different for every record, the same for the same seed."""
    return lambda record_id: random.Random(f"{seed}:{record_id}").uniform(least, most)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Old:
    """How searches see a record until a time: as it was before a change; None: not at all."""

    until: datetime
    seen: CrmObject | None


class Found(NamedTuple):
    """What a search found: in the order of ids, or `by` a property and then by ids; "": in none."""

    records: list[CrmObject]
    by: str = "hs_object_id"

    def in_order(self) -> list[CrmObject]:
        """The records in the order of their ids."""
        return self.records if self.by == "hs_object_id" else sorted(self.records, key=_NUMBER)


_NUMBER = attrgetter("number")


class SearchIndex:
    """What searches see. Whoever calls holds the portal's lock."""

    def __init__(self, store: Store, clock: Callable[[], datetime], lag: Callable[[], Lag]) -> None:
        self._lag = lag
        self._store = store
        self._clock = clock
        self._old: dict[ObjectKind, dict[str, list[_Old]]] = {}
        self._lookups = Lookups(store)
        self._found: OrderedDict[str, tuple[int, list[CrmObject]]] = OrderedDict()
        self._version = 0

    def before(self, record: CrmObject, *, born: bool = False, at_once: bool = False) -> None:
        """Notes how a record is before a change; call it ahead of each. `at_once`: searches see it now."""
        self._version += 1
        self._lookups.touch(record)
        lag = 0 if at_once else self._lag()
        seconds = lag(record.id) if callable(lag) else lag
        if seconds <= 0:
            return
        until = self._clock() + timedelta(seconds=seconds)
        states = self._old.setdefault(record.kind, {}).setdefault(record.id, [])
        if not states or until - states[-1].until > _TOGETHER:
            states.append(_Old(until=until, seen=None if born else _copy(record)))

    def found(self, kind: ObjectKind, groups: Sequence[Sequence[Filter]]) -> Found:
        """The records that pass all filters of any group, as searches see them now."""
        old = self._still_old(kind)
        looked_up = None if old else self._looked_up(kind, groups)
        if looked_up is not None:
            return looked_up
        test = _any([_all([each.test for each in group]) for group in groups])
        hits = list(filter(test, (r for r in self._store.all(kind) if r.id not in old)))
        if late := list(filter(test, (r for r in old.values() if r and r.archived_at is None))):
            hits = sorted(hits + late, key=_NUMBER)
        return Found(hits)

    def remembered(
        self, kind: ObjectKind, question: str, search: Callable[[], list[CrmObject]]
    ) -> list[CrmObject]:
        """What a search found, kept for its further pages until the portal changes."""
        if self._still_old(kind):
            return search()
        key = f"{kind.type_id} {question}"
        version, _ = self._found.get(key, (-1, []))
        if version != self._version:
            self._found[key] = self._version, search()
            self._found.move_to_end(key)
            while len(self._found) > _REMEMBERED:
                self._found.popitem(last=False)
        return self._found[key][1]

    def _looked_up(self, kind: ObjectKind, groups: Sequence[Sequence[Filter]]) -> Found | None:
        """The records that pass, found without looking at each; None where a group has no filter for that."""
        found = [self._of_group(kind, group) for group in groups]
        if not found or None in found:
            return None
        if len(found) == 1:
            return found[0]
        every = {record.number: record for each in found if each for record in each.records}
        return Found([every[number] for number in sorted(every)])

    def _of_group(self, kind: ObjectKind, group: Sequence[Filter]) -> Found | None:
        named: list[frozenset[str]] = [each.ids for each in group if each.ids is not None]
        test = _all([each.test for each in group])
        if named:
            numbers = sorted(map(int, frozenset.intersection(*named)))
            return Found(list(filter(test, self._numbered(kind, numbers))))
        spanned = ((each, self._lookups.of(kind, each.name, each.key)) for each in group if each.spans)
        counted = [(lookup.count(each.spans or ()), each, lookup) for each, lookup in spanned if lookup]
        if not counted:
            return None
        _, narrowest, lookup = min(counted, key=lambda row: row[0])
        rest = [each.test for each in group if each is not narrowest or not each.exact]
        records = lookup.records(narrowest.spans or ())
        hits = list(filter(_all(rest), records)) if rest else records
        changed = list(filter(test, self._numbered(kind, sorted(lookup.changed))))
        in_order = not changed and len(narrowest.spans or ()) == 1
        return Found(hits + changed, by=narrowest.name if in_order else "")

    def _numbered(self, kind: ObjectKind, numbers: Iterable[int]) -> Iterator[CrmObject]:
        return (r for number in numbers if (r := self._store.numbered(kind, number)) is not None)

    def _still_old(self, kind: ObjectKind) -> dict[str, CrmObject | None]:
        """The records that searches see as they were, and how; forgets what has become visible."""
        if not self._old.get(kind):
            return {}
        now, kept = self._clock(), {}
        for record_id, states in self._old[kind].items():
            if left := [state for state in states if state.until > now]:
                kept[record_id] = left
        self._old[kind] = kept
        return {record_id: states[0].seen for record_id, states in kept.items()}


def _all(tests: list[Test]) -> Test:
    """One test that stands for all; the usual case of a single one costs no more than that one."""
    return tests[0] if len(tests) == 1 else lambda r: all(test(r) for test in tests)


def _any(tests: list[Test]) -> Test | None:
    """One test that any of them passes; None, which every record passes, when there are none."""
    if not tests:
        return None
    return tests[0] if len(tests) == 1 else lambda r: any(test(r) for test in tests)


def _copy(record: CrmObject) -> CrmObject:
    return replace(record, properties=dict(record.properties), changes=[])
