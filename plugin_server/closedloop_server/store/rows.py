"""What every table's functions share: writing rows over what is there, and long lists in pieces."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import islice
from typing import Any, TypeVar

from sqlalchemy import (
    ColumnElement,
    Connection,
    Delete,
    Insert,
    Table,
    and_,
    bindparam,
    delete,
    insert,
    literal_column,
)
from sqlalchemy.dialects import postgresql, sqlite

from closedloop.schema.records import Ref
from closedloop.schema.vocabulary import ObjectType
from closedloop_server.store.inserting import insert_rows

CHUNK = 500
"""Values in one statement. SQLite takes 32,766 parameters, PostgreSQL 65,535; the plans stay good below."""

_NAMES = ("connection", "object", "crm_id")

T = TypeVar("T")


@dataclass(frozen=True, slots=True, order=True)
class Key:
    """One object among all connections."""

    connection: str
    object: ObjectType
    id: str

    @property
    def ref(self) -> Ref:
        """Its address within its CRM."""
        return Ref(self.object, self.id)


def chunks(values: Iterable[T], size: int = CHUNK) -> Iterator[list[T]]:
    """The values in lists of at most `size`."""
    rest = iter(values)
    while chunk := list(islice(rest, size)):
        yield chunk


def by_object(keys: Iterable[Key]) -> Iterator[tuple[str, ObjectType, list[str]]]:
    """The keys as connection, object and at most CHUNK ids, each id once."""
    ids: dict[tuple[str, ObjectType], set[str]] = defaultdict(set)
    for key in keys:
        ids[key.connection, key.object].add(key.id)
    for (connection, object_), found in sorted(ids.items()):
        for chunk in chunks(sorted(found)):
            yield connection, object_, chunk


def is_among_keys(table: Table, prefix: str = "") -> ColumnElement[bool]:
    """Selects the rows of the keys that come with each execution: see `among_keys`.

    `prefix` chooses the columns: "" for connection, object, crm_id; "to_" and "person_" for the others. A
    statement that is put together once is several times quicker than one for every execution.
    """
    connection, object_, id_ = key_columns(table, prefix)
    return and_(
        connection == bindparam("among_connection"),
        object_ == bindparam("among_object"),
        id_.in_(bindparam("among_ids", expanding=True)),
    )


def among_keys(keys: Iterable[Key]) -> Iterator[dict[str, Any]]:
    """The values for `is_among_keys`, few enough for a statement each."""
    for name, kind, ids in by_object(keys):
        yield {"among_connection": name, "among_object": kind.value, "among_ids": ids}


def key_columns(
    table: Table, prefix: str = ""
) -> tuple[ColumnElement[str], ColumnElement[str], ColumnElement[str]]:
    """The three columns that hold a key."""
    columns = table.c
    return (
        columns[f"{prefix}connection"],
        columns[f"{prefix}object"],
        columns[f"{prefix}id" if prefix else "crm_id"],
    )


def key_of(row: Any, prefix: str = "") -> Key:
    """The key in a row."""
    id_ = f"{prefix}id" if prefix else "crm_id"
    object_ = _OBJECTS[getattr(row, f"{prefix}object")]
    return Key(getattr(row, f"{prefix}connection"), object_, getattr(row, id_))


_OBJECTS = {each.value: each for each in ObjectType}
"""Looking one up is several times quicker than making it, and keys are made by the thousand."""


def key_values(key: Key, prefix: str = "") -> dict[str, str]:
    """The key as columns of a row."""
    return {
        f"{prefix}connection": key.connection,
        f"{prefix}object": key.object.value,
        f"{prefix}id" if prefix else "crm_id": key.id,
    }


def is_bound_key(table: Table) -> ColumnElement[bool]:
    """Selects one row by its key, whose values come with each execution: see `bound_key`."""
    return and_(
        *(column == bindparam(f"of_{name}") for name, column in zip(_NAMES, key_columns(table), strict=True))
    )


def bound_key(key: Key) -> dict[str, str]:
    """The values for `is_bound_key`."""
    return {f"of_{name}": value for name, value in key_values(key).items()}


def delete_noted(connection: Connection, table: Table, seen: Sequence[tuple[Key, int]], **same: str) -> None:
    """Deletes the rows of these keys that were noted as often as was seen, and no more since. `same` are
    values that all of them have in other columns."""
    bound = {f"same_{name}": value for name, value in same.items()}
    if connection.dialect.name == "sqlite":
        for values in _among_noted(seen):
            connection.execute(_deleting_among(table, tuple(same)), values | bound)
    elif seen:
        # One after the other, in the order of all writers: one statement for many takes them in any.
        each = [{**bound_key(key), **bound, "seen": noted} for key, noted in sorted(seen)]
        connection.execute(_deleting_each(table, tuple(same)), each)


def _among_noted(seen: Iterable[tuple[Key, int]]) -> Iterator[dict[str, Any]]:
    """Most objects were noted once, so that these are few."""
    keys: dict[int, list[Key]] = defaultdict(list)
    for key, noted in seen:
        keys[noted].append(key)
    for noted, those in sorted(keys.items()):
        for values in among_keys(those):
            yield {**values, "seen": noted}


@cache
def _deleting_among(table: Table, same: tuple[str, ...]) -> Delete:
    return delete(table).where(is_among_keys(table), *_is_noted(table, same))


@cache
def _deleting_each(table: Table, same: tuple[str, ...]) -> Delete:
    return delete(table).where(is_bound_key(table), *_is_noted(table, same))


def _is_noted(table: Table, same: tuple[str, ...]) -> list[ColumnElement[bool]]:
    fixed = [table.c[name] == bindparam(f"same_{name}") for name in same]
    return [*fixed, table.c.noted == bindparam("seen")]


def upsert(
    connection: Connection,
    table: Table,
    rows: Sequence[Mapping[str, Any]],
    *,
    keep: Sequence[str] = (),
    grow: str | None = None,
) -> None:
    """Inserts the rows, or writes them over those with the same primary key.

    The columns in `keep` stay as they are in a row that is there already; `grow` goes up by one.
    """
    if not rows:
        return
    overwritten = tuple(name for name in rows[0] if name not in {*_primary(table), *keep, grow})
    # In one order everywhere: two writers that take the same rows in different orders can deadlock.
    primary = _primary(table)
    ordered = sorted(rows, key=lambda row: [str(row[name]) for name in primary])
    insert_rows(connection, _upserting(connection.dialect.name, table, overwritten, grow), ordered)


def insert_new(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> int:
    """Inserts the rows that no other is there for with the same values in a unique key; how many that were.

    Sort the rows by that key: two writers that insert the same rows in different orders can deadlock. A row
    that another process is inserting at this moment is waited for: what its transaction leaves, counts.
    """
    if not rows:
        return 0
    return insert_rows(connection, _inserting_new(connection.dialect.name, table), rows)


def insert_all(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Inserts the rows, none of which is there."""
    if rows:
        insert_rows(connection, _inserting(table), rows)


@cache
def _inserting(table: Table) -> Insert:
    return insert(table).inline()


@cache
def _inserting_new(dialect: str, table: Table) -> Insert:
    inserting = postgresql.insert if dialect == "postgresql" else sqlite.insert
    # Inline: nobody asks for the new id, so that the database need not send it back.
    return inserting(table).inline().on_conflict_do_nothing().execution_options(preserve_rowcount=True)


@cache
def _primary(table: Table) -> list[str]:
    return [column.name for column in table.primary_key]


@cache
def _upserting(dialect: str, table: Table, overwritten: tuple[str, ...], grow: str | None) -> Insert:
    statement = (postgresql.insert if dialect == "postgresql" else sqlite.insert)(table)
    changed: dict[str, Any] = {name: statement.excluded[name] for name in overwritten}
    if grow:
        changed[grow] = table.c[grow] + literal_column("1")
    return statement.on_conflict_do_update(index_elements=_primary(table), set_=changed)
