"""Reads the CSV of a job and writes records one by one, each with its own outcome."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from closedloop.sandbox.salesforce.org import Org
from closedloop.sandbox.salesforce.records import references
from closedloop.sandbox.salesforce.records.values import stored
from closedloop.sandbox.salesforce.refusal import Refusal
from closedloop.sandbox.salesforce.rest import writes
from closedloop.sandbox.salesforce.rest.call import Call
from closedloop.sandbox.salesforce.rest.writes import Result
from closedloop.sandbox.salesforce.schema.sobject import Field, SObject

# Guide, "Valid CSV Record Rows": an empty value leaves the field alone, this one empties it.
_NULL = "#N/A"
# Rows that are written, and compared for repeated keys, together (Stack Exchange 296121).
_CHUNK = 200


class UnreadableError(Exception):
    """The job fails as a whole; the text is its errorMessage."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """An uploaded CSV: its first line as it is, the names in it, and the rows."""

    head: str
    names: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def records(self, org: Org, kind: SObject) -> list[dict[str, Any]]:
        """A record for every row, with the columns that say something."""
        columns = [_column(org, kind, name) for name in self.names]
        return [_record(kind, columns, row) for row in self.rows]

    def given_ids(self) -> list[str]:
        """The id that every row has; empty where it has none."""
        places = [place for place, name in enumerate(self.names) if name.lower() == "id"]
        return [row[places[0]] if places else "" for row in self.rows]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one record: its id and whether it was made, or why it was refused."""

    id: str = ""
    created: bool = False
    refusal: Refusal | None = None

    @property
    def error(self) -> str:
        """The refusal as results in CSV tell it; empty where there is none."""
        if self.refusal is None:
            return ""
        fields = ",".join(self.refusal.fields or [])
        return f"{self.refusal.code}:{self.refusal.message}:{fields + ' ' if fields else ''}--"


def unfit(org: Org, kind: SObject, names: Sequence[str], operation: str, key: str | None) -> str | None:
    """What is wrong with the columns: one that the object lacks, or none that finds the record."""
    needed = ["Id"] if operation in ("update", "delete", "hardDelete") else [key] if key else []
    lower = {name.lower() for name in names}
    unknown = [n for n in names if kind.field(n) is None and references.column(org, kind, n) is None]
    unknown += [name for name in needed if name.lower() not in lower]
    return f"InvalidBatch : Field name not found : {unknown[0]}" if unknown else None


def key_field(kind: SObject, name: object) -> tuple[str | None, str]:
    """The field by which an upsert finds records; None, and why, where it is none."""
    if not name:
        return None, f"External ID was blank for {kind.name}. An External ID must be specified for upsert."
    found = kind.field(str(name))
    if found is None or not found.id_lookup:
        return None, (
            f"Field name provided, {name} does not match an External ID, Salesforce Id, or indexed field for "
            f"{kind.name}"
        )
    return found.name, ""


def read_sheet(data: bytes, *, delimiter: str, ending: str | None) -> Sheet:
    """The CSV; lines that do not end as the job says (None says nothing) make it unreadable."""
    try:
        text = data.decode()
    except UnicodeDecodeError:
        raise UnreadableError("InvalidBatch : Invalid UTF-8 in the CSV content") from None
    if text.startswith('\ufeff"'):
        # A byte order mark is taken for text, in which no quote may stand.
        raise UnreadableError(_UNESCAPED)
    head = text.split("\n", 1)[0]
    if ending and head and "\n" in text and head.endswith("\r") != (ending == "CRLF"):
        message = f"LineEnding is invalid on user data. Current LineEnding setting is {ending}"
        raise UnreadableError(f"ClientInputError : {message}")
    names, rows = _lines(text, delimiter)
    return Sheet(head=head.rstrip("\r"), names=names, rows=rows)


# As reported of files with quotes within values, and of those that begin with a byte order mark.
_UNESCAPED = (
    "InvalidBatch : Failed to parse CSV. Found unescaped quote. A value with quote should be within a quote"
)


def _lines(text: str, delimiter: str) -> tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]:
    try:
        lines = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True))
    except csv.Error:
        raise UnreadableError(_UNESCAPED) from None
    if not lines:
        raise UnreadableError("InvalidBatch : The CSV content has no header")
    names, rows = tuple(lines[0]), tuple(tuple(line) for line in lines[1:] if line)
    if any(len(row) != len(names) for row in rows):
        raise UnreadableError("InvalidBatch : A row has more or fewer columns than the header")
    return names, rows


@dataclass(frozen=True, slots=True, kw_only=True)
class Loader:
    """Writes the records of one job. `names` are the columns that they were read from."""

    call: Call
    kind: SObject
    operation: str
    key: str = "Id"
    names: tuple[str, ...] = ()

    def load(self, records: Sequence[dict[str, Any]]) -> Iterator[Outcome]:
        """Writes every record by itself."""
        for start in range(0, len(records), _CHUNK):
            chunk = records[start : start + _CHUNK]
            several = writes.repeated(chunk, self.key)
            for record in chunk:
                yield self._outcome(record, several)

    def _outcome(self, record: dict[str, Any], several: frozenset[str]) -> Outcome:
        try:
            with self.call.org.transaction():
                result = self._write({"attributes": {"type": self.kind.name}, **record}, several)
        except Refusal as refusal:
            return Outcome(refusal=self._told(record, refusal))
        if self.operation == "hardDelete":
            self.call.org.tables.drop(self.kind.name, result["id"])
        return Outcome(id=result["id"], created=result.get("created", self.operation == "insert"))

    def _told(self, record: Mapping[str, Any], refusal: Refusal) -> Refusal:
        """The refusal as a job tells it: of a value of a wrong type, in which column that stands."""
        if refusal.code != "JSON_PARSER_ERROR":
            return refusal
        for name, value in record.items():
            field = self.kind.field(name)
            if field is not None and not _fits(field, value):
                return _unreadable(field, self._place(name, record), value)
        return refusal

    def _place(self, name: str, record: Mapping[str, Any]) -> int:
        names = [n.lower() for n in self.names or record]
        return names.index(name.lower()) if name.lower() in names else 0

    def _write(self, record: dict[str, Any], several: frozenset[str]) -> Result:
        if self.operation == "insert":
            return writes.create(self.call, record)
        if self.operation == "update":
            return writes.update(self.call, record, several)
        if self.operation in ("delete", "hardDelete"):
            return writes.delete(self.call, record.get("Id"))
        return writes.upsert(self.call, self.kind, self.kind.fields[self.key], record, several)


_Column = tuple[str, tuple[str, str] | None]
"""The name in the record, and the object and field of the parent where the column is a reference."""


def _column(org: Org, kind: SObject, name: str) -> _Column:
    field = kind.field(name)
    if field is not None:
        return field.name, None
    found = references.column(org, kind, name)
    if found is None:
        return name, None
    relationship = kind.fields[found[0]].relationship
    return str(relationship), (found[1], found[2])


def _record(kind: SObject, columns: Sequence[_Column], row: Sequence[str]) -> dict[str, Any]:
    record: dict[str, Any] = {}
    for (name, parent), text in zip(columns, row, strict=True):
        if text == "":
            continue
        if parent is None:
            record[name] = None if text == _NULL else text
        elif text == _NULL:
            record[kind.relationships[name.lower()].name] = None
        else:
            record[name] = {"attributes": {"type": parent[0]}, parent[1]: text}
    return record


def _fits(field: Field, value: Any) -> bool:
    try:
        stored(field, value)
    except Refusal as refusal:
        return refusal.code != "JSON_PARSER_ERROR"
    return True


def _unreadable(field: Field, place: int, value: Any) -> Refusal:
    """Recorded of a date; other values that are none of their type are taken to be told alike."""
    shown = {"datetime": "dateTime", "currency": "double", "percent": "double"}.get(field.type, field.type)
    message = (
        f"Failed to deserialize field at col {place}. Due to, '{value}' is not a valid value for the type "
        f"xsd:{shown}"
    )
    return Refusal("INVALID_FIELD", message, fields=[field.name])
