"""The results of an ingest job: which record a row is about, and what its error says."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterator, Sequence
from typing import Any

from closedloop.crm.salesforce import sheet

Row = dict[str, Any]


class Matches:
    """Finds the record that a row of results is about.

    Results echo the row as it was uploaded, in any order. The key field tells the records apart where there
    is one: the id, or the external id. Of created records all fields together do; those that have everything
    in common are as good as one another, so that any of them may have the row's id or error.
    """

    def __init__(
        self, columns: Sequence[str], records: Sequence[Row], *, key: str, first: int, exact: bool = True
    ) -> None:
        self._exact = exact
        self._columns = (key,) if key else tuple(columns)
        self._waiting: dict[tuple[str, ...], deque[int]] = defaultdict(deque)
        for place, record in enumerate(records, start=first):
            values = [sheet.text(record[name]) if name in record else "" for name in self._columns]
            self._waiting[self._identity(values)].append(place)

    def found(self, body: bytes) -> Iterator[tuple[int, dict[str, str]]]:
        """The place of each row's record, and the row; a row that no record can be found for is left out."""
        lines = sheet.rows(body)
        header = next(lines, [])
        for line in lines:
            row = dict(zip(header, line, strict=False))
            lower = {name.lower(): value for name, value in row.items()}
            waiting = self._waiting.get(
                self._identity([lower.get(name.lower(), "") for name in self._columns])
            )
            if waiting:
                yield waiting.popleft(), row

    def take_left(self) -> list[int]:
        """The places of the records that no row was found for; there are none any more then."""
        left = sorted(place for places in self._waiting.values() for place in places)
        self._waiting.clear()
        return left

    def _identity(self, values: Sequence[str]) -> tuple[str, ...]:
        """The values without what a way through CSV may change: breaks of lines, and space around."""
        plain = [value.replace("\r\n", "\n").replace("\r", "\n").strip() for value in values]
        return tuple(plain) if self._exact else tuple(value.casefold() for value in plain)


def refusal(said: str) -> Row:
    """`CODE:message:fields --`, as recorded, in the form that collections have."""
    code, _, rest = said.partition(":")
    message, _, fields = rest.removesuffix(" --").rstrip().rpartition(":")
    names = [name.strip() for name in fields.split(",") if name.strip() and name.strip() != "--"]
    return {"statusCode": code.strip(), "message": message or rest, "fields": names}
