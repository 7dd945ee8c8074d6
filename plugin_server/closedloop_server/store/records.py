"""What the CRMs hold, as last read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Executable, delete, func, select

from closedloop.crm.base import Refusal
from closedloop.schema.records import Record
from closedloop.schema.schemas import dump, load
from closedloop.schema.vocabulary import ObjectType
from closedloop_server.store.rows import (
    Key,
    among_keys,
    bound_key,
    chunks,
    is_among_keys,
    is_bound_key,
    key_of,
    key_values,
    upsert,
)
from closedloop_server.store.tables import records, refusals

_UNREAD = frozenset({"raw", "updated_at"})
"""What says nothing about the object itself: a record that differs only here has not changed for us."""

_LONGEST_ADDRESS = 320
"""64 characters before the @ and 255 after it. https://www.rfc-editor.org/rfc/rfc3696#section-3"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """A record as it stands in the table."""

    key: Key
    updated_at: datetime | None
    read_at: datetime
    deleted: bool
    erased: bool
    other_id: str | None
    data: Mapping[str, Any]


def stored(connection: Connection, keys: Iterable[Key]) -> dict[Key, Stored]:
    """What is there of these objects, deleted ones included."""
    found = {}
    for values in among_keys(keys):
        for row in connection.execute(_STORED, values):
            key = key_of(row)
            found[key] = Stored(
                key=key,
                updated_at=row.updated_at,
                read_at=row.read_at,
                deleted=row.deleted,
                erased=row.erased,
                other_id=row.other_id,
                data=row.data,
            )
    return found


def fetch(connection: Connection, keys: Iterable[Key]) -> dict[Key, Record]:
    """The records of these objects; `deleted` says whether the CRM still has them."""
    return {key: _record(row.data, deleted=row.deleted) for key, row in stored(connection, keys).items()}


def of_object(connection: Connection, name: str, object_: ObjectType) -> list[Record]:
    """Every record of one object in one connection; meant for the small ones, such as stages."""
    query = select(records.c.data, records.c.deleted).where(
        records.c.connection == name, records.c.object == object_.value
    )
    return [_record(row.data, deleted=row.deleted) for row in connection.execute(query)]


def keys_of_object(connection: Connection, name: str, object_: ObjectType) -> list[Key]:
    """Every key of one object in one connection."""
    query = select(records.c.crm_id).where(records.c.connection == name, records.c.object == object_.value)
    return [Key(name, object_, id_) for id_ in connection.scalars(query)]


def unread_since(
    connection: Connection, name: str, object_: ObjectType, since: datetime
) -> Iterator[list[Key]]:
    """The keys of one object in one connection that are not deleted and were read before that time, in
    lists of a bounded length."""
    last = ""
    while True:
        query = (
            select(records.c.crm_id)
            .where(
                records.c.connection == name,
                records.c.object == object_.value,
                records.c.crm_id > last,
                records.c.read_at < since,
                records.c.deleted.is_(False),
                records.c.erased.is_(False),
            )
            .order_by(records.c.crm_id)
            .limit(1_000)
        )
        found = [Key(name, object_, id_) for id_ in connection.scalars(query)]
        if not found:
            return
        yield found
        last = found[-1].id


def by_other_id(connection: Connection, name: str, object_: ObjectType, ids: Iterable[str]) -> dict[str, Key]:
    """The keys of the objects that the CRM also knows under these second ids."""
    found = {}
    for chunk in chunks(sorted(set(ids))):
        query = select(records.c.other_id, records.c.crm_id).where(
            records.c.connection == name,
            records.c.object == object_.value,
            records.c.other_id.in_(chunk),
        )
        found.update({row.other_id: Key(name, object_, row.crm_id) for row in connection.execute(query)})
    return found


def emails(connection: Connection, keys: Iterable[Key]) -> dict[Key, str]:
    """The e-mail addresses, in lower case, of those of these people who have one."""
    return {
        key_of(row): row.email for values in among_keys(keys) for row in connection.execute(_EMAILS, values)
    }


def with_emails(connection: Connection, addresses: Iterable[str]) -> dict[str, list[Key]]:
    """Everything that is not deleted and has one of these e-mail addresses, in lower case."""
    found: dict[str, list[Key]] = {}
    for chunk in chunks(sorted(set(addresses))):
        query = select(*_KEY, records.c.email).where(records.c.email.in_(chunk), records.c.deleted.is_(False))
        for row in connection.execute(query):
            found.setdefault(row.email, []).append(key_of(row))
    return found


def ever_with_email(connection: Connection, address: str) -> list[Key]:
    """Everything with this e-mail address, whatever its case, what is deleted included."""
    query = select(*_KEY).where(records.c.email == address.strip().lower())
    return [key_of(row) for row in connection.execute(query)]


def deleted(connection: Connection, keys: Iterable[Key]) -> set[Key]:
    """Those of these objects that the CRM no longer has."""
    return _standing(connection, keys, _DELETED)


def erased(connection: Connection, keys: Iterable[Key]) -> set[Key]:
    """Those of these people whom the CRM deleted for their privacy."""
    return _standing(connection, keys, _ERASED)


def present(connection: Connection, keys: Iterable[Key]) -> set[Key]:
    """Those of these objects that are known and not deleted."""
    return _standing(connection, keys, _PRESENT)


def _standing(connection: Connection, keys: Iterable[Key], which: Executable) -> set[Key]:
    return {key_of(row) for values in among_keys(keys) for row in connection.execute(which, values)}


_KEY = (records.c.connection, records.c.object, records.c.crm_id)
_AMONG = is_among_keys(records)

_DELETED = select(*_KEY).where(_AMONG, records.c.deleted.is_(True))
_ERASED = select(*_KEY).where(_AMONG, records.c.erased.is_(True))
_PRESENT = select(*_KEY).where(_AMONG, records.c.deleted.is_(False))
_EMAILS = select(*_KEY, records.c.email).where(_AMONG, records.c.email.is_not(None))
_STORED = select(
    *_KEY,
    records.c.updated_at,
    records.c.read_at,
    records.c.deleted,
    records.c.erased,
    records.c.other_id,
    records.c.data,
).where(_AMONG)

_REVIVED = records.update().where(_AMONG).values(deleted=False)

_ACCEPTED = delete(refusals).where(is_among_keys(refusals))


def save(
    connection: Connection,
    found: Mapping[Key, Record],
    *,
    now: datetime,
    dumped: Mapping[Key, Mapping[str, Any]] | None = None,
) -> None:
    """Writes the records over what is there, and forgets that they were ever refused; `dumped` are the same,
    where somebody has dumped them already."""
    data = dumped if dumped is not None else {key: dump(record) for key, record in found.items()}
    upsert(connection, records, [_row(key, record, data[key], now) for key, record in found.items()])
    for values in among_keys(found):
        connection.execute(_ACCEPTED, values)


def mark_deleted(connection: Connection, gone: Sequence[Key], *, now: datetime) -> None:
    """Notes that the CRM no longer has these objects; what they were stays."""
    if gone:
        marked = [bound_key(key) for key in gone]
        values = {"deleted": True, "read_at": now}
        connection.execute(records.update().where(is_bound_key(records)).values(values), marked)


def disown(connection: Connection, name: str, object_: ObjectType, *, now: datetime) -> list[Key]:
    """Takes every record of one object in one connection to be deleted, until an answer brings it again,
    however old it says the record is; returns their keys."""
    mine = (records.c.connection == name, records.c.object == object_.value, records.c.deleted.is_(False))
    keys = [Key(name, object_, id_) for id_ in connection.scalars(select(records.c.crm_id).where(*mine))]
    gone = {"deleted": True, "updated_at": None, "read_at": now}
    connection.execute(records.update().where(*mine).values(gone))
    return keys


def erase(connection: Connection, people: Mapping[Key, Record], *, now: datetime) -> None:
    """Writes what may be kept of these people over what is there, and marks them for good."""
    rows = [{**_row(key, record, dump(record), now), "erased": True} for key, record in people.items()]
    upsert(connection, records, rows, keep=("deleted", "updated_at"))


def rewrite(connection: Connection, found: Mapping[Key, Record], *, now: datetime) -> None:
    """Writes these records over what is there, as if they had been read when it was."""
    upsert(
        connection,
        records,
        [_row(key, record, dump(record), now) for key, record in found.items()],
        keep=("deleted", "updated_at", "read_at"),
    )


def long_deleted(connection: Connection, before: datetime, *, limit: int) -> dict[Key, Record]:
    """Some of the records that the CRM deleted before that time and whose words are still there."""
    query = select(*_KEY, records.c.data).where(*_long_gone(before)).order_by(records.c.read_at).limit(limit)
    return {key_of(row): _record(row.data, deleted=True) for row in connection.execute(query)}


def count_long_deleted(connection: Connection, before: datetime) -> int:
    """How many such records there are."""
    return connection.scalar(select(func.count()).select_from(records).where(*_long_gone(before))) or 0


def _long_gone(before: datetime) -> tuple[ColumnElement[bool], ...]:
    return (
        records.c.deleted.is_(True),
        records.c.erased.is_(False),
        records.c.read_at < before,
        records.c.emptied_at.is_(None),
    )


def empty(connection: Connection, found: Mapping[Key, Record], *, now: datetime) -> None:
    """Writes what is left of these records over what is there, and remembers that the rest was taken out."""
    rows = [{**_row(key, record, dump(record), now), "emptied_at": now} for key, record in found.items()]
    upsert(connection, records, rows, keep=("deleted", "updated_at", "read_at"))


def revive(connection: Connection, keys: Iterable[Key]) -> None:
    """Takes these objects to be present again."""
    for values in among_keys(keys):
        connection.execute(_REVIVED, values)


def refuse(connection: Connection, name: str, refused: Iterable[Refusal], *, now: datetime) -> None:
    """Keeps why payloads of the connection `name` could not become records."""
    rows = [
        {
            **key_values(Key(name, refusal.ref.object, refusal.ref.id)),
            "reason": refusal.error.reason,
            "message": refusal.error.message,
            "seen_at": now,
        }
        for refusal in refused
    ]
    upsert(connection, refusals, rows)


def same(before: Stored, dumped: Mapping[str, Any], *, deleted: bool) -> bool:
    """Whether a record that was dumped as this says what is stored already, apart from when the CRM last
    touched it."""
    return before.deleted == deleted and _content(before.data) == _content(dumped)


def _content(data: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in data.items() if name not in _UNREAD}


def _row(key: Key, record: Record, data: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    email = getattr(record, "email", None)
    return {
        **key_values(key),
        "other_id": record.other_id,
        "name": getattr(record, "name", None),
        "email": _address(email),
        "updated_at": record.updated_at,
        "read_at": now,
        "deleted": record.deleted,
        "emptied_at": None,
        "data": data,
    }


def _address(email: str | None) -> str | None:
    """What a person is found by; nobody by what is too long for an address, and for an index."""
    address = email.strip().lower() if email else ""
    return address if 0 < len(address) <= _LONGEST_ADDRESS else None


def _record(data: Mapping[str, Any], *, deleted: bool) -> Record:
    record = load(data["object"], data)
    return record if record.deleted == deleted else replace(record, deleted=deleted)
