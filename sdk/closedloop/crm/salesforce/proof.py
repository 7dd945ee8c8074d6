"""Proves what became of records whose creation was not answered, by a field that no two records share."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from closedloop.crm.salesforce.describes import Describes, Field
from closedloop.crm.salesforce.ids import full_id
from closedloop.crm.salesforce.parcels import Parcel
from closedloop.crm.salesforce.read import Reader
from closedloop.crm.salesforce.soql import Question, literal, select
from closedloop.schema.records import utc

_LONGEST_LIST = 4_000
"""Characters of values per query: in a URL they may take three times as many, of at most 16,384."""
_COARSE = timedelta(seconds=2)
"""CreatedDate and the Date header are whole seconds."""


class Proof:
    """Looks for records in one org."""

    def __init__(self, reader: Reader, describes: Describes) -> None:
        self._reader = reader
        self._describes = describes

    def field(self, parcel: Parcel) -> Field | None:
        """The unique field that the record has a value in, if it has."""
        described = self._describes.get(parcel.source)
        fields = (described.field(name) for name in parcel.fields) if described else iter(())
        return next((f for f in fields if f and f.unique and parcel.fields[f.name] not in (None, "")), None)

    def created(self, source: str, parcels: Sequence[Parcel], *, within: float) -> dict[int, dict[str, Any]]:
        """The answers, by place, for those of the parcels that are there and were created within so many
        seconds; one that was there before would have been refused."""
        by_field: dict[str, list[Parcel]] = {}
        for parcel in parcels:
            if (field := self.field(parcel)) is not None:
                by_field.setdefault(field.name, []).append(parcel)
        found: dict[int, dict[str, Any]] = {}
        for name, mine in by_field.items():
            there = self._there(source, name, [parcel.fields[name] for parcel in mine], within)
            for parcel in mine:
                record_id = there.get(_plain(parcel.fields[name]))
                if record_id is not None:
                    found[parcel.place] = {"id": record_id, "success": True, "errors": []}
        return found

    def _there(self, source: str, name: str, values: Sequence[Any], within: float) -> dict[str, str]:
        """The ids of the records with these values, by value, that are new."""
        columns = ("Id", "CreatedDate", name)
        questions = [
            Question(select(columns, source, where=f"{name} IN ({','.join(part)})"))
            for part in _lists([literal(value) for value in values])
        ]
        answers, asked_at = self._reader.ask_timed(lambda: questions)
        rows = [row for answer in answers for row in answer]
        since = asked_at - timedelta(seconds=within) - _COARSE
        return {
            _plain(row[name]): full_id(row["Id"])
            for row in rows
            if utc(datetime.fromisoformat(row["CreatedDate"])) >= since
        }


def _plain(value: Any) -> str:
    return str(value).casefold()


def _lists(literals: Sequence[str]) -> Iterator[list[str]]:
    """The literals in lists that a query can hold."""
    part: list[str] = []
    for each in literals:
        if part and sum(map(len, part)) + len(each) > _LONGEST_LIST:
            yield part
            part = []
        part.append(each)
    if part:
        yield part
