"""The rows of the org, with indexes on references and external ids, and an undo journal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from closedloop.sandbox.salesforce.records.indexes import Order, Row, Values, alive, compact, is_indexed
from closedloop.sandbox.salesforce.schema.objects import Objects
from closedloop.sandbox.salesforce.schema.sobject import SObject

__all__ = ["Entry", "Row", "Tables"]

Entry = tuple[str, str, Row | None]
"""A write to undo: the object, the id, and the row as it was; None where it is new."""


class Tables:
    """Rows by object and id. A row is never changed in place: it is replaced, so that it can be put back."""

    def __init__(self, objects: Objects) -> None:
        self.objects = objects
        self._rows: dict[str, dict[str, Row]] = {}
        self._journal: list[Entry] = []
        self._writes: Counter[str] = Counter()
        self._counts: Counter[tuple[str, str]] = Counter()
        self._firsts: dict[tuple[str, str], tuple[int, Mapping[Any, Row]]] = {}
        self._orders: dict[str, dict[str, Order]] = {}
        self._indexes: dict[str, dict[str, Values]] = {}
        self._made: dict[str, tuple[Callable[[], Any], Callable[[], Iterable[Row]]]] = {}
        self._made_of: dict[str, Any] = {}
        for kind in objects:
            self._make_room(kind)

    def follow(self, kind: SObject, state: Callable[[], Any], rows: Callable[[], Iterable[Row]]) -> None:
        """Adds an object whose rows are made when they are read, and anew when the state is another one."""
        self.adopt(kind)
        self._made[kind.name] = state, rows

    def _make(self, sobject: str) -> None:
        state, rows = self._made[sobject]
        now = state()
        if self._made_of.get(sobject) is not now:
            self._made_of[sobject] = now
            self._rows[sobject] = {row["Id"]: row for row in rows()}
            self._orders.pop(sobject, None)
            self._writes[sobject] += 1

    def adopt(self, kind: SObject) -> None:
        """Makes room for an object that is new, or has other fields than before; cannot be undone."""
        self.objects.put(kind)
        self._make_room(kind)

    def _make_room(self, kind: SObject) -> None:
        rows = self._rows.setdefault(kind.name, {})
        known = self._indexes.get(kind.name, {})
        wanted = [f.name for f in kind.fields.values() if is_indexed(f)]
        self._indexes[kind.name] = {name: known.get(name) or Values() for name in wanted}
        for name in wanted:
            if name not in known:
                for row in rows.values():
                    self._indexes[kind.name][name].change(row["Id"], None, row.get(name))

    def discard(self, kind: SObject) -> None:
        """Forgets an object with all its rows; cannot be undone."""
        self.objects.drop(kind.name)
        self._orders.pop(kind.name, None)
        del self._rows[kind.name], self._indexes[kind.name]

    def writes(self, sobject: str) -> int:
        """How often a row of the object was written: what is kept about them holds until this changes."""
        return self._writes[sobject]

    def count(self, sobject: str) -> int:
        """How many rows the object has, deleted ones too."""
        if sobject in self._made:
            self._make(sobject)
        return len(self._rows[sobject])

    def get(self, sobject: str, record_id: str) -> Row | None:
        """The row, deleted or not."""
        if sobject in self._made:
            self._make(sobject)
        return self._rows[sobject].get(record_id)

    def rows(self, sobject: str, *, deleted: bool = False) -> Iterator[Row]:
        """The rows in the order they were made; the deleted ones only where asked for."""
        if sobject in self._made:
            self._make(sobject)
        return alive(list(self._rows[sobject].values()), deleted=deleted)

    def scan(self, sobject: str) -> Iterable[Row]:
        """The rows in the order they were made, deleted ones too; only for as long as nobody writes."""
        if sobject in self._made:
            self._make(sobject)
        return self._rows[sobject].values()

    def where(self, sobject: str, field: str, value: Any, *, deleted: bool = False) -> list[Row]:
        """The rows whose indexed field has the value; text is compared without regard to case."""
        rows = self._rows[sobject]
        found = [rows[i] for i in self._indexes[sobject][field].of(value)]
        return list(alive(found, deleted=deleted))

    def indexed(self, sobject: str, field: str) -> bool:
        """Whether `where` can answer for the field."""
        return field in self._indexes[sobject]

    def first_by(self, sobject: str, field: str) -> Mapping[Any, Row]:
        """For each value of the field, the first row made that has it and is not deleted."""
        known = self._firsts.get((sobject, field))
        if known is None or known[0] != self._writes[sobject]:
            found = {row[field]: row for row in reversed(list(self.rows(sobject)))}
            known = self._firsts[sobject, field] = self._writes[sobject], found
        return known[1]

    def ordered(self, sobject: str, field: str) -> tuple[list[Any], list[Row]]:
        """The rows by that field and by Id, deleted ones too, with the field's values. Not to be changed."""
        if sobject in self._made:
            self._make(sobject)
        known = self._orders.setdefault(sobject, {})
        rows = self._rows[sobject].values()
        if field not in known:
            known[field] = Order(field, rows)
        return known[field].sorted(rows)

    def put(self, sobject: str, row: Mapping[str, Any]) -> None:
        """Adds the row, or replaces the one of the same id."""
        old = self._rows[sobject].get(row["Id"])
        self._journal.append((sobject, row["Id"], old))
        self._replace(sobject, row["Id"], old, compact(row))

    def add(self, sobject: str, row: Row) -> None:
        """Adds a new row that is compact; this cannot be undone."""
        self._replace(sobject, row["Id"], None, row)

    def remove(self, sobject: str, record_id: str) -> None:
        """Takes the row out of an object that has no recycle bin."""
        old = self._rows[sobject][record_id]
        self._journal.append((sobject, record_id, old))
        self._replace(sobject, record_id, old, None)

    def count_up(self, sobject: str, field: str) -> int:
        """The next number of an AutoNumber field; numbers of what was undone are not given again."""
        self._counts[sobject, field] += 1
        return self._counts[sobject, field]

    def mark(self) -> int:
        """A point to roll back to."""
        return len(self._journal)

    def rollback(self, mark: int) -> None:
        """Undoes everything since the mark."""
        while len(self._journal) > mark:
            sobject, record_id, old = self._journal.pop()
            self._replace(sobject, record_id, self._rows[sobject].get(record_id), old)

    def commit(self) -> list[Entry]:
        """Forgets how to undo; returns what was to be undone."""
        journal, self._journal = self._journal, []
        return journal

    def take_back(self) -> list[tuple[str, Row]]:
        """Undoes everything since the last commit; returns the rows as they were left."""
        left = {(sobject, record_id): None for sobject, record_id, _ in self._journal}
        found = ((sobject, self._rows[sobject].get(record_id)) for sobject, record_id in left)
        rows = [(sobject, row) for sobject, row in found if row is not None]
        self.rollback(0)
        return rows

    def drop(self, sobject: str, record_id: str) -> None:
        """Removes the row for good; this cannot be undone."""
        self._replace(sobject, record_id, self._rows[sobject][record_id], None)

    def _replace(self, sobject: str, record_id: str, old: Row | None, new: Row | None) -> None:
        self._writes[sobject] += 1
        for field, index in self._indexes[sobject].items():
            before, after = old and old.get(field), new and new.get(field)
            if before is not after:
                index.change(record_id, before, after)
        for order in self._orders.get(sobject, _NO_ORDERS).values():
            order.change(old, new)
        if new is None:
            self._rows[sobject].pop(record_id, None)
        else:
            self._rows[sobject][record_id] = new


_NO_ORDERS: Mapping[str, Order] = {}
