"""The search index: what searches see of the portal, which may lag behind what it holds.

New and changed records take moments to reach HubSpot's search, and every other endpoint shows them at once
(HubSpot documentation, "CRM search", limits; issue 59 of hubspot-api-php). How long is not documented.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import chain

from closedloop.sandbox.hubspot.kinds import KINDS, ObjectKind
from closedloop.sandbox.hubspot.records import CrmObject
from closedloop.sandbox.hubspot.store import Store

# Seconds by which searches lag: the same for all records, or a function of the record's id.
Lag = float | Callable[[str], float]

# Changes that are closer together reach the index as one: a single call may change a record several times.
_TOGETHER = timedelta(milliseconds=20)


def random_lag(least: float, most: float, *, seed: int) -> Callable[[str], float]:
    """A lag between `least` and `most` seconds, different for every record, the same for the same seed."""
    return lambda record_id: random.Random(f"{seed}:{record_id}").uniform(least, most)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Old:
    """How searches see a record until a time: as it was before a change; None: not at all."""

    until: datetime
    seen: CrmObject | None


class SearchIndex:
    """What searches see. Whoever calls holds the portal's lock."""

    def __init__(self, store: Store, clock: Callable[[], datetime], lag: Callable[[], Lag]) -> None:
        self._lag = lag
        self._store = store
        self._clock = clock
        self._old: dict[ObjectKind, dict[str, list[_Old]]] = {kind: {} for kind in KINDS}

    def before(self, record: CrmObject, *, born: bool = False) -> None:
        """Notes how a record is before a change; call it ahead of every one."""
        lag = self._lag()
        seconds = lag(record.id) if callable(lag) else lag
        if seconds <= 0:
            return
        until = self._clock() + timedelta(seconds=seconds)
        states = self._old[record.kind].setdefault(record.id, [])
        if not states or until - states[-1].until > _TOGETHER:
            states.append(_Old(until=until, seen=None if born else _copy(record)))

    def all(self, kind: ObjectKind) -> Iterator[CrmObject]:
        """The records of an object type as searches see them now, oldest id first when nothing lags."""
        old = self._still_old(kind)
        if not old:
            return self._store.all(kind)
        fresh = (record for record in self._store.all(kind) if record.id not in old)
        return chain(fresh, (seen for seen in old.values() if seen and seen.archived_at is None))

    def _still_old(self, kind: ObjectKind) -> dict[str, CrmObject | None]:
        """The records that searches see as they were, and how; forgets what has become visible."""
        now, kept = self._clock(), {}
        for record_id, states in self._old[kind].items():
            if left := [state for state in states if state.until > now]:
                kept[record_id] = left
        self._old[kind] = kept
        return {record_id: states[0].seen for record_id, states in kept.items()}


def _copy(record: CrmObject) -> CrmObject:
    return replace(record, properties=dict(record.properties), history={})
