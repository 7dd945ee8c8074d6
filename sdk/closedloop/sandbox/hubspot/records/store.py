"""Where the portal's records lie: by object type and id, with the ids that merges left behind."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from itertools import count, islice
from uuid import UUID, uuid5

from closedloop.sandbox.hubspot.records.record import CrmObject
from closedloop.sandbox.hubspot.settings.kinds import CAMPAIGNS, ObjectKind

# Any constant serves: the GUIDs only have to differ from each other and look like GUIDs.
_GUIDS = UUID("5b0e3c44-0c7e-4c0c-9d2f-6a2f4f5f9a10")
_FIRST_ID = 20_000_000_001


class Store:
    """The records, in the order of their ids. Not thread-safe: the portal holds its lock around every use."""

    def __init__(self) -> None:
        self._records: defaultdict[ObjectKind, dict[str, CrmObject]] = defaultdict(dict)
        # Every id that there ever was, in order: where a page starts is found without looking at each.
        self._order: defaultdict[ObjectKind, list[int]] = defaultdict(list)
        self._merged: dict[tuple[ObjectKind, str], str] = {}
        # The same the other way round: every id that leads to a record.
        self._led: dict[tuple[ObjectKind, str], list[str]] = {}
        self._guids: dict[str, CrmObject] = {}
        self._unique: dict[tuple[ObjectKind, str], dict[str, str]] = {}
        self._ids = count(_FIRST_ID)

    def new(self, kind: ObjectKind, at: datetime) -> CrmObject:
        """A record with an id of its own, stored but still without values."""
        number = next(self._ids)
        made = CrmObject(kind=kind, number=number, id=str(number), created_at=at, updated_at=at)
        self._records[kind][made.id] = made
        self._order[kind].append(number)
        if kind is CAMPAIGNS:
            made.guid = str(uuid5(_GUIDS, made.id))
            self._guids[made.guid] = made
        return made

    def find(self, kind: ObjectKind, record_id: str) -> CrmObject | None:
        """The live record with this id, or the one that it was merged into."""
        found = self._records[kind].get(self._merged.get((kind, record_id), record_id))
        return None if found is None or found.archived_at else found

    def archived(self, kind: ObjectKind, record_id: str) -> CrmObject | None:
        """The archived record with this id."""
        found = self._records[kind].get(record_id)
        return found if found and found.archived_at else None

    def campaign(self, guid: str) -> CrmObject | None:
        """The live campaign with this GUID."""
        found = self._guids.get(guid)
        return None if found is None or found.archived_at else found

    def all(self, kind: ObjectKind, *, archived: bool = False) -> Iterator[CrmObject]:
        """The live records, or the archived ones, oldest id first."""
        return (r for r in self._records[kind].values() if (r.archived_at is not None) == archived)

    def size(self, kind: ObjectKind) -> int:
        """How many records there are of a kind, archived ones included."""
        return len(self._records[kind])

    def numbered(self, kind: ObjectKind, number: int) -> CrmObject | None:
        """The live record whose own id is this number."""
        found = self._records[kind].get(str(number))
        return None if found is None or found.archived_at else found

    def page(self, kind: ObjectKind, start: int, size: int, *, archived: bool) -> list[CrmObject]:
        """So many live or archived records from an id on, in the order of their ids."""
        order, records = self._order[kind], self._records[kind]
        numbers = islice(order, bisect_left(order, start), None)
        found = (record for number in numbers if (record := records.get(str(number))) is not None)
        return list(islice((r for r in found if (r.archived_at is not None) == archived), size))

    def find_by(self, kind: ObjectKind, name: str, value: str) -> CrmObject | None:
        """The live record that has this value in a unique property; e-mail addresses in any case, those that
        a merge left as further ones included."""
        key = (kind, name)
        if key not in self._unique:
            records = self.all(kind)
            self._unique[key] = {text: r.id for r in records for text in _held(r.properties, name)}
        return self.find(kind, self._unique[key].get(value.lower() if name == "email" else value, ""))

    def reindex(self, record: CrmObject, before: Mapping[str, str]) -> None:
        """Makes a changed record findable by the unique values that it has now."""
        for (kind, name), ids in self._unique.items():
            if kind is record.kind and (held := _held(record.properties, name)) != _held(before, name):
                _free(ids, _held(before, name), record)
                ids.update(dict.fromkeys(held, record.id))

    def release(self, record: CrmObject) -> None:
        """Frees the unique values of a record that is no more."""
        for (kind, name), ids in self._unique.items():
            if kind is record.kind:
                _free(ids, _held(record.properties, name), record)

    def merge(self, kind: ObjectKind, kept: CrmObject, gone: CrmObject) -> None:
        """Takes a record out; its id, and every id that had led to it, leads to the other one."""
        del self._records[kind][gone.id]
        led = [gone.id, *self._led.pop((kind, gone.id), ())]
        self._merged |= {(kind, old): kept.id for old in led}
        self._led.setdefault((kind, kept.id), []).extend(led)

    def drop(self, record: CrmObject) -> None:
        """Takes a record out for good, as a privacy deletion does."""
        self._records[record.kind].pop(record.id, None)


def _held(values: Mapping[str, str], name: str) -> list[str]:
    """What a record is found by in a unique property: a contact by its further e-mail addresses as well."""
    held = [values[name]] if name in values else []
    if name == "email" and (more := values.get("hs_additional_emails")):
        held.extend(more.split(";"))
    return held


def _free(ids: dict[str, str], held: Iterable[str], record: CrmObject) -> None:
    for value in held:
        if ids.get(value) == record.id:
            del ids[value]
