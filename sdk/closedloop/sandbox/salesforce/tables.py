"""The rows of the org, with indexes on references and external ids, and an undo journal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from operator import itemgetter
from typing import Any

from closedloop.sandbox.salesforce.objects import Objects
from closedloop.sandbox.salesforce.schema import Field

Row = dict[str, Any]
Entry = tuple[str, str, Row | None]
"""A write to undo: the object, the id, and the row as it was; None where it is new."""
_Index = dict[Any, dict[str, None]]


class Tables:
    """Rows by object and id. A row is never changed in place: it is replaced, so that it can be put back."""

    def __init__(self, objects: Objects) -> None:
        self.objects = objects
        self._rows: dict[str, dict[str, Row]] = {kind.name: {} for kind in objects}
        self._journal: list[Entry] = []
        self._writes: Counter[str] = Counter()
        self._firsts: dict[tuple[str, str], tuple[int, Mapping[Any, Row]]] = {}
        self._orders: dict[tuple[str, str], tuple[int, list[Any], list[Row]]] = {}
        self._indexes: dict[str, dict[str, _Index]] = {
            kind.name: {f.name: {} for f in kind.fields.values() if _indexed(f)} for kind in objects
        }

    def get(self, sobject: str, record_id: str) -> Row | None:
        """The row, deleted or not."""
        return self._rows[sobject].get(record_id)

    def rows(self, sobject: str, *, deleted: bool = False) -> Iterator[Row]:
        """The rows in the order they were made; the deleted ones only where asked for."""
        return (row for row in list(self._rows[sobject].values()) if deleted or not row.get("IsDeleted"))

    def where(self, sobject: str, field: str, value: Any, *, deleted: bool = False) -> list[Row]:
        """The rows whose indexed field has the value; text is compared without regard to case."""
        ids = self._indexes[sobject][field].get(_key(value), ())
        found = [self._rows[sobject][i] for i in ids]
        return [row for row in found if deleted or not row.get("IsDeleted")]

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
        known = self._orders.get((sobject, field))
        if known is None or known[0] != self._writes[sobject]:
            rows = sorted(self._rows[sobject].values(), key=itemgetter(field, "Id"))
            known = self._writes[sobject], [row[field] for row in rows], rows
            self._orders[sobject, field] = known
        return known[1], known[2]

    def put(self, sobject: str, row: Row) -> None:
        """Adds the row, or replaces the one of the same id."""
        old = self._rows[sobject].get(row["Id"])
        self._journal.append((sobject, row["Id"], old))
        self._replace(sobject, row["Id"], old, row)

    def mark(self) -> int:
        """A point to roll back to."""
        return len(self._journal)

    def rollback(self, mark: int) -> None:
        """Undoes everything since the mark."""
        while len(self._journal) > mark:
            sobject, record_id, old = self._journal.pop()
            self._replace(sobject, record_id, self._rows[sobject][record_id], old)

    def commit(self) -> list[Entry]:
        """Forgets how to undo; returns what was to be undone."""
        journal, self._journal = self._journal, []
        return journal

    def take_back(self) -> list[tuple[str, Row]]:
        """Undoes everything since the last commit; returns the rows as they were left."""
        left = {(sobject, record_id): None for sobject, record_id, _ in self._journal}
        rows = [(sobject, self._rows[sobject][record_id]) for sobject, record_id in left]
        self.rollback(0)
        return rows

    def drop(self, sobject: str, record_id: str) -> None:
        """Removes the row for good; this cannot be undone."""
        self._replace(sobject, record_id, self._rows[sobject][record_id], None)

    def _replace(self, sobject: str, record_id: str, old: Row | None, new: Row | None) -> None:
        self._writes[sobject] += 1
        for field, index in self._indexes[sobject].items():
            _reindex(index, record_id, old and old.get(field), new and new.get(field))
        if new is None:
            del self._rows[sobject][record_id]
        else:
            self._rows[sobject][record_id] = new


def _indexed(field: Field) -> bool:
    return not field.derived and field.type != "id" and (field.type == "reference" or field.id_lookup)


def _reindex(index: _Index, record_id: str, old: Any, new: Any) -> None:
    if old == new:
        return
    if old is not None:
        index[_key(old)].pop(record_id, None)
    if new is not None:
        index.setdefault(_key(new), {})[record_id] = None


def _key(value: Any) -> Any:
    # An id carries its case in its suffix, so folding it loses nothing.
    return value.casefold() if isinstance(value, str) else value
