"""Queries as text. Everything put into one is an API name from a describe, an id that was checked, an
instant, or a text of a user's as an escaped literal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from itertools import islice
from typing import TypeVar

from closedloop.crm.salesforce.ids import full_id
from closedloop.errors import BadValueError
from closedloop.schema.records import utc

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Question:
    """One SOQL query; `deleted`: the rows in the recycle bin are asked for too."""

    soql: str
    deleted: bool = False

    @property
    def resource(self) -> str:
        """The REST resource that answers it."""
        return "queryAll" if self.deleted else "query"


def select(
    fields: Sequence[str], source: str, *, where: str = "", order: str = "", limit: int | None = None
) -> str:
    """`SELECT … FROM …` with the clauses given."""
    query = f"SELECT {', '.join(fields)} FROM {source}"  # noqa: S608 - API names only, see above
    query += f" WHERE {where}" if where else ""
    query += f" ORDER BY {order}" if order else ""
    return query + (f" LIMIT {limit}" if limit is not None else "")


def one_of(field: str, ids: Iterable[str]) -> str:
    """`field IN (…)` for ids; each costs 21 characters, so keep to 200 of them."""
    return f"{field} IN ({','.join(quoted(value) for value in ids)})"


def since(stamp: datetime, record_id: str = "") -> str:
    """The rows from `stamp` on, or those behind `record_id` in the order SystemModstamp, Id: no two rows
    with the same stamp are lost or read twice at the edge of a page."""
    at = instant(stamp)
    if not record_id:
        return f"SystemModstamp >= {at}"
    return f"(SystemModstamp > {at} OR (SystemModstamp = {at} AND Id > {quoted(record_id)}))"


def quoted(record_id: str) -> str:
    """The id as a literal."""
    return f"'{full_id(record_id)}'"


def literal(value: str | int | Decimal) -> str:
    """A text or number as a literal; in a text everything is escaped that could end it (SOQL and SOSL
    Reference, "Quoted String Escape Sequences")."""
    if not isinstance(value, str):
        return format(Decimal(value), "f")
    return "'" + "".join(_ESCAPES.get(letter, letter) for letter in value) + "'"


_ESCAPES = {
    "\\": "\\\\",
    "'": "\\'",
    '"': '\\"',
    "\n": "\\n",
    "\r": "\\r",
    "\t": "\\t",
    "\b": "\\b",
    "\f": "\\f",
}


def instant(stamp: datetime) -> str:
    """The instant as a literal in UTC; `Z` and not `+00:00`, whose plus sign a URL would lose. BadValueError
    for a naive datetime, which names none."""
    try:
        at = utc(stamp)
    except (ValueError, OverflowError) as exc:
        raise BadValueError(
            "no instant: give an aware datetime, such as datetime.now(UTC)", reason="naive_datetime"
        ) from exc
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def chunks(values: Iterable[T], size: int) -> Iterator[list[T]]:
    """The values in lists of at most `size`."""
    rest = iter(values)
    while chunk := list(islice(rest, size)):
        yield chunk
