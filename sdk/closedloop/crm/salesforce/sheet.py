"""CSV as Bulk API 2.0 takes it and gives it.

Bulk API 2.0 and Bulk API Developer Guide, "Prepare CSV Files": an empty value leaves a field as it is, `#N/A`
empties it, dates are ISO 8601. Columns come in the order in which the records first name them, always the
same for the same records.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from decimal import Decimal
from typing import Any

from closedloop.errors import AnswerError

NULL = "#N/A"
ENCODING = "utf-8"

Record = Mapping[str, Any]


def columns_of(records: Iterable[Record]) -> tuple[str, ...]:
    """Every field that one of the records has."""
    return tuple(dict.fromkeys(name for record in records for name in record))


def fits(record: Record) -> bool:
    """Whether CSV can say all that the record holds: not a text that means "empty" there."""
    return NULL not in {value.strip() for value in record.values() if isinstance(value, str)}


def sheets(records: Sequence[Record], *, most_bytes: int) -> Iterator[tuple[tuple[str, ...], int, bytes]]:
    """The records as uploads of at most `most_bytes` each: its columns, how many records, and the CSV."""
    columns = columns_of(records)
    head = _line(columns)
    lines, size = [head], len(head)
    for record in records:
        line = _line([text(record[name]) if name in record else "" for name in columns])
        if size + len(line) > most_bytes and len(lines) > 1:
            yield columns, len(lines) - 1, b"".join(lines)
            lines, size = [head], len(head)
        lines.append(line)
        size += len(line)
    if len(lines) > 1:
        yield columns, len(lines) - 1, b"".join(lines)


def text(value: Any) -> str:
    """The value as one of CSV; what clears a field is `#N/A`."""
    if value is None or value == "":
        return NULL
    if isinstance(value, bool):
        return "true" if value else "false"
    return format(value, "f") if isinstance(value, Decimal) else str(value)


def rows(body: bytes) -> Iterator[list[str]]:
    """The lines of a CSV body as they are needed; a value may hold line breaks, and be of any length.
    AnswerError for what is no CSV."""
    csv.field_size_limit(max(csv.field_size_limit(), len(body)))
    stream = io.TextIOWrapper(io.BytesIO(body), encoding=f"{ENCODING}-sig", newline="")
    # Raised outside of a handler: the decoder's error, which would be its context, holds the body.
    with suppress(UnicodeDecodeError, csv.Error):
        yield from (row for row in csv.reader(stream) if row)
        return
    raise AnswerError("expected CSV: this is not Salesforce's API", reason="not_the_api")


def payload(
    columns: Sequence[str], row: Sequence[str], sobject: str, types: Mapping[str, str]
) -> dict[str, Any]:
    """The record in a row of a query, as REST would give it: typed, with `attributes`, and with the records
    that `Owner.Name` leads to as objects. `types` are describe's by column."""
    record: dict[str, Any] = {"attributes": {"type": sobject}}
    for column, value in zip(columns, row, strict=False):
        at, steps = record, column.split(".")
        for step in steps[:-1]:
            at = at.setdefault(step, {})
        at[steps[-1]] = _typed(types.get(column, ""), value)
    return record


def _typed(type_: str, value: str) -> Any:
    if value == "":
        return None
    if type_ == "boolean":
        return value.lower() == "true"
    with suppress(ArithmeticError, ValueError):  # what is no number is for the mapping to refuse
        if type_ == "int":
            return int(Decimal(value))
        return Decimal(value) if type_ in _NUMBERS else value
    return value


_NUMBERS = frozenset({"double", "currency", "percent"})


def _line(values: Sequence[str]) -> bytes:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerow(values)
    return out.getvalue().encode(ENCODING)
