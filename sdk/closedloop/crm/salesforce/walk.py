"""Reads the rows of an object of the org in the order in which they changed, from where the last walk ended.

Each page is a query of its own behind the last row of the page before: a row that changes meanwhile moves
behind and comes later, rows with the same stamp are told apart by their id, and how long the reader takes
between two pages does not matter. The recycle bin is read along: a deletion moves SystemModstamp like any
other change.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from closedloop.crm.salesforce.cursor import OVERLAP, Place, Walk
from closedloop.crm.salesforce.read import Reader, row_id
from closedloop.crm.salesforce.soql import Question, select, since
from closedloop.errors import AnswerError
from closedloop.schema.records import utc
from closedloop.schema.vocabulary import ObjectType

PAGE_SIZE = 2_000
"""Rows per page: Salesforce's own largest."""

Rows = Sequence[Mapping[str, Any]]


class Walker:
    """Walks the objects of one org."""

    def __init__(self, reader: Reader, *, page_size: int = PAGE_SIZE, overlap: timedelta = OVERLAP) -> None:
        self._reader = reader
        self._page_size = page_size
        self._overlap = overlap

    def can(self, of: ObjectType, source: str) -> bool:
        """Whether the object of the org says when its rows changed."""
        return "SystemModstamp" in self._reader.columns(of, source)

    def question(self, of: ObjectType, source: str, start: Place | None) -> Question:
        """The query for the next page."""
        columns = self._reader.columns(of, source)
        where = since(start.stamp, start.id) if start else ""
        soql = select(columns, source, where=where, order="SystemModstamp, Id", limit=self._page_size)
        return Question(soql, deleted="IsDeleted" in columns)

    def pages(
        self, of: ObjectType, source: str, walk: Walk, first: tuple[Rows, datetime] | None = None
    ) -> Iterator[tuple[Rows, Walk]]:
        """The pages that are left, at least one, each with the walk after it; `first` is the first page, if
        it is there already, and when it was asked for."""
        rows, began = first or self.page(of, source, walk.start)
        while len(rows) >= self._page_size:
            last = _place(rows[-1])
            walk = walk.within(last, began)
            yield rows, walk
            rows, began = self.page(of, source, last)
        yield rows, walk.behind(_place(rows[-1]) if rows else None, began, self._overlap)

    def page(self, of: ObjectType, source: str, start: Place | None) -> tuple[Rows, datetime]:
        """One page, and when it was asked for by Salesforce's clock."""
        (rows,), asked_at = self._reader.ask_timed(lambda: [self.question(of, source, start)])
        return rows, asked_at


def _place(row: Mapping[str, Any]) -> Place:
    """The row's place in the walk; REST writes the zone as `+0000`."""
    try:
        stamp = utc(datetime.fromisoformat(row["SystemModstamp"]))
    except (KeyError, TypeError, ValueError) as exc:
        raise AnswerError(
            "a row has no SystemModstamp: this is not the answer of Salesforce's API", reason="not_the_api"
        ) from exc
    return Place(stamp, row_id(row))
