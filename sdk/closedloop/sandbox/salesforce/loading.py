"""Reads the CSV of an ingest job and writes its rows."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from typing import Any

from closedloop.sandbox.salesforce import writes
from closedloop.sandbox.salesforce.call import Call
from closedloop.sandbox.salesforce.refusal import Refusal
from closedloop.sandbox.salesforce.schema import SObject
from closedloop.sandbox.salesforce.values import stored
from closedloop.sandbox.salesforce.writes import Result

# Guide, "Valid CSV Record Rows": an empty value leaves the field alone, this one empties it.
_NULL = "#N/A"
# Rows that are written, and compared for repeated keys, together (Stack Exchange 296121).
_CHUNK = 200
_Lines = list[list[str]]


class UnreadableError(Exception):
    """The job fails as a whole; the text is its errorMessage."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """An uploaded CSV: its first line as it is, the names in it, and the rows."""

    head: str
    names: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def unfit(self, kind: SObject, operation: str, key: str | None) -> str | None:
        """What is wrong with its columns: one that the object lacks, or none that finds the record."""
        needed = ["Id"] if operation in ("update", "delete") else [key] if key else []
        lower = {name.lower() for name in self.names}
        unknown = [name for name in self.names if kind.field(name) is None]
        unknown += [name for name in needed if name.lower() not in lower]
        return f"InvalidBatch : Field name not found : {unknown[0]}" if unknown else None


def read_sheet(data: bytes, *, delimiter: str, ending: str) -> Sheet:
    """The CSV; lines that do not end as the job says make it unreadable."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise UnreadableError("InvalidBatch : Invalid UTF-8 in the CSV content") from None
    head = text.split("\n", 1)[0]
    if head and "\n" in text and head.endswith("\r") != (ending == "CRLF"):
        message = f"LineEnding is invalid on user data. Current LineEnding setting is {ending}"
        raise UnreadableError(f"ClientInputError : {message}")
    lines = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))
    if not lines:
        raise UnreadableError("InvalidBatch : The CSV content has no header")
    names, rows = tuple(lines[0]), [tuple(line) for line in lines[1:] if line]
    if any(len(row) != len(names) for row in rows):
        raise UnreadableError("InvalidBatch : A row has more or fewer columns than the header")
    return Sheet(head=head.rstrip("\r"), names=names, rows=tuple(rows))


@dataclass(frozen=True, slots=True, kw_only=True)
class Loader:
    """Writes the rows of one job."""

    call: Call
    kind: SObject
    operation: str
    key: str

    def load(self, sheet: Sheet) -> tuple[_Lines, _Lines]:
        """Writes every row by itself; returns the lines of the successful and of the failed results."""
        done: _Lines = []
        failed: _Lines = []
        for start in range(0, len(sheet.rows), _CHUNK):
            chunk = sheet.rows[start : start + _CHUNK]
            pairs = [dict(zip(sheet.names, row, strict=True)) for row in chunk]
            several = writes.repeated(pairs, self.key)
            for row in chunk:
                try:
                    with self.call.org.transaction():
                        result = self._write(_record(self.kind, sheet.names, row), several)
                except Refusal as refusal:
                    failed.append([_given_id(sheet, row), _error(refusal), *row])
                else:
                    created = result.get("created", self.operation == "insert")
                    done.append([result["id"], "true" if created else "false", *row])
        return done, failed

    def _write(self, record: dict[str, Any], several: frozenset[str]) -> Result:
        if self.operation == "insert":
            return writes.create(self.call, record)
        if self.operation == "update":
            return writes.update(self.call, record, several)
        if self.operation == "delete":
            return writes.delete(self.call, record.get("Id"))
        return writes.upsert(self.call, self.kind, self.kind.fields[self.key], record, several)


def _record(kind: SObject, names: tuple[str, ...], row: tuple[str, ...]) -> dict[str, Any]:
    record: dict[str, Any] = {"attributes": {"type": kind.name}}
    for place, (name, text) in enumerate(zip(names, row, strict=True)):
        field = kind.field(name)
        if field is None or text == "":
            continue
        value = None if text == _NULL else text
        if field.name != "Id":
            try:
                stored(field, value)
            except Refusal as refusal:
                raise _unreadable(refusal, field.name, field.type, place, text) from None
        record[field.name] = value
    return record


def _unreadable(refusal: Refusal, name: str, kind: str, place: int, text: str) -> Refusal:
    """Recorded of a date; other values that are none of their type are taken to be told alike."""
    if refusal.code != "JSON_PARSER_ERROR":
        return refusal
    shown = {"datetime": "dateTime", "currency": "double", "percent": "double"}.get(kind, kind)
    message = (
        f"Failed to deserialize field at col {place}. Due to, '{text}' is not a valid value for the type "
        f"xsd:{shown}"
    )
    return Refusal("INVALID_FIELD", message, fields=[name])


def _given_id(sheet: Sheet, row: tuple[str, ...]) -> str:
    return next((v for name, v in zip(sheet.names, row, strict=True) if name.lower() == "id"), "")


def _error(refusal: Refusal) -> str:
    fields = ",".join(refusal.fields or [])
    return f"{refusal.code}:{refusal.message}:{fields + ' ' if fields else ''}--"
