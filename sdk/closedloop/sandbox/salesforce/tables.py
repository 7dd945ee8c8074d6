"""The rows of the org, with indexes on references and external ids, and an undo journal."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from closedloop.sandbox.salesforce.objects import Objects
from closedloop.sandbox.salesforce.schema import Field

Row = dict[str, Any]
_Index = dict[Any, dict[str, None]]


class Tables:
    """Rows by object and id. A row is never changed in place: it is replaced, so that it can be put back."""

    def __init__(self, objects: Objects) -> None:
        self.objects = objects
        self._rows: dict[str, dict[str, Row]] = {kind.name: {} for kind in objects}
        self._journal: list[tuple[str, str, Row | None]] = []
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

    def commit(self) -> None:
        """Forgets how to undo."""
        self._journal.clear()

    def _replace(self, sobject: str, record_id: str, old: Row | None, new: Row | None) -> None:
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
