"""Indexes over rows: which of them have a value, and which come first."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping
from operator import itemgetter
from typing import Any

from closedloop.sandbox.salesforce.schema.sobject import Field

# Who changed a record is asked too rarely, and changes too often, to be worth an index.
_NOT_INDEXED = frozenset({"CreatedById", "LastModifiedById"})
# With more changes than this, sorting anew is quicker than putting each where it belongs.
_FEW = 200


class Row(dict[str, Any]):
    """A row by field name. It holds nothing for a field that is null: reading that gives None."""

    __slots__ = ()

    def __missing__(self, name: str) -> None:
        return None

    def __or__(self, other: Mapping[str, Any]) -> Row:  # type: ignore[override]
        changed = Row(self)
        changed.update(other)
        return changed


def compact(row: Mapping[str, Any]) -> Row:
    """The row without what is null."""
    return Row({name: value for name, value in row.items() if value is not None})


class Values:
    """The ids of the rows that have a value, without regard to case, in the order in which they got it.

    Most values belong to one row: its id stands there alone, without a collection around it.
    """

    __slots__ = ("_ids",)

    def __init__(self) -> None:
        self._ids: dict[Any, str | dict[str, None]] = {}

    def of(self, value: Any) -> Iterable[str]:
        """The ids of the rows that have it."""
        found = self._ids.get(folded(value), ())
        return (found,) if isinstance(found, str) else found

    def change(self, record_id: str, old: Any, new: Any) -> None:
        """Notes that the row's value is another one; None is no value."""
        if old == new:
            return
        if old is not None:
            self._leave(folded(old), record_id)
        if new is not None:
            self._join(folded(new), record_id)

    def _join(self, key: Any, record_id: str) -> None:
        found = self._ids.setdefault(key, record_id)
        if isinstance(found, dict):
            found[record_id] = None
        elif found != record_id:
            self._ids[key] = {found: None, record_id: None}

    def _leave(self, key: Any, record_id: str) -> None:
        found = self._ids.get(key)
        if isinstance(found, dict) and len(found) > 1:
            found.pop(record_id, None)
        else:
            self._ids.pop(key, None)


class Order:
    """The rows of an object by one field and by Id, sorted when they are asked for."""

    __slots__ = ("_field", "_keys", "_pending", "_rows")

    def __init__(self, field: str, rows: Iterable[Row]) -> None:
        self._field = field
        self._rows: list[Row] = []
        self._keys: list[Any] = []
        self._pending: list[tuple[Row | None, Row | None]] = []
        self._sort(rows)

    def change(self, old: Row | None, new: Row | None) -> None:
        """Notes that a row is another one; None is no row."""
        self._pending.append((old, new))

    def sorted(self, rows: Iterable[Row]) -> tuple[list[Any], list[Row]]:
        """The field's values and the rows, in order. Not to be changed. `rows` are all there are."""
        if len(self._pending) > _FEW:
            self._sort(rows)
        for old, new in self._pending:
            self._take(old)
            self._place(new)
        self._pending.clear()
        return self._keys, self._rows

    def _sort(self, rows: Iterable[Row]) -> None:
        self._rows = sorted(rows, key=itemgetter(self._field, "Id"))
        self._keys = [row[self._field] for row in self._rows]
        self._pending.clear()

    def _place(self, row: Row | None) -> None:
        if row is not None:
            at = self._find(row)
            self._keys.insert(at, row[self._field])
            self._rows.insert(at, row)

    def _take(self, row: Row | None) -> None:
        if row is not None:
            at = self._find(row)
            del self._keys[at], self._rows[at]

    def _find(self, row: Row) -> int:
        key = row[self._field]
        at = bisect_left(self._keys, key)
        while at < len(self._keys) and self._keys[at] == key and self._rows[at]["Id"] < row["Id"]:
            at += 1
        return at


def is_indexed(field: Field) -> bool:
    """Whether rows are found by the field's value without looking at each of them."""
    if field.derived or field.type == "id" or field.name in _NOT_INDEXED:
        return False
    return field.type == "reference" or field.id_lookup


def folded(value: Any) -> Any:
    """The value without regard to case; text that has no capitals is itself, and takes no room of its own."""
    if not isinstance(value, str):
        return value
    small = value.casefold()
    return value if small == value else small


def alive(rows: Iterable[Row], *, deleted: bool) -> Iterator[Row]:
    """The rows that are not in the recycle bin, or all."""
    return (row for row in rows if deleted or not row.get("IsDeleted"))
