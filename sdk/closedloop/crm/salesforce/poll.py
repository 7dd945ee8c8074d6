"""Everything that changed since a cursor, oldest first: what no webhook told.

The first pages of all objects travel in two API requests, so that a poll that finds nothing costs
two. The recycle bin is read along: a deletion moves SystemModstamp like any other change.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from closedloop.crm.base import Batch, Page
from closedloop.crm.salesforce.cursor import Cursor, Place
from closedloop.crm.salesforce.read import Findings, Reader, row_id
from closedloop.crm.salesforce.soql import Question, select, since
from closedloop.errors import AnswerError
from closedloop.schema.records import utc
from closedloop.schema.vocabulary import ObjectType

PAGE_SIZE = 2_000
"""Rows per page: Salesforce's own largest."""

WALK = (
    ObjectType.USER,
    ObjectType.ACCOUNT,
    ObjectType.CAMPAIGN,
    ObjectType.CONTACT,
    ObjectType.LEAD,
    ObjectType.CAMPAIGN_MEMBER,
    ObjectType.CONTACT_ROLE,
    ObjectType.OPPORTUNITY,
)
"""The order in which objects are read: what is named comes before what names it, where it can."""

Rows = Sequence[Mapping[str, Any]]


class Poll:
    """One poll of one org."""

    def __init__(self, reader: Reader, *, page_size: int = PAGE_SIZE, clock: Callable[[], datetime]) -> None:
        self._reader = reader
        self._page_size = page_size
        self._clock = clock

    def pages(self, text: str | None) -> Iterator[Page]:
        """The pages from the cursor on. The first holds the stages; there is always one."""
        cursor, began_at = Cursor.load(text), self._clock()
        resumed = cursor.walking
        left = WALK[WALK.index(resumed) :] if resumed in WALK else WALK
        stages, firsts = self._firsts(cursor, left)
        told = cursor.dump()
        yield Page(batch=stages, cursor=told)
        for of in left:
            whole = None if of is resumed else began_at
            for batch, after in self._object(of, cursor, firsts.get(of), whole):
                cursor = after
                if batch != Batch():
                    told = cursor.dump()
                    yield Page(batch=batch, cursor=told)
        if cursor.dump() != told:
            yield Page(batch=Batch(), cursor=cursor.dump())

    def _firsts(self, cursor: Cursor, left: Sequence[ObjectType]) -> tuple[Batch, dict[ObjectType, Rows]]:
        """The stages, two short lists that are read whole, and the first page of every object."""
        stages = self._reader.sources(ObjectType.STAGE)
        walked = [of for of in left if "SystemModstamp" in self._columns(of)]
        answers = self._reader.ask(
            lambda: [
                *(Question(select(self._reader.columns(ObjectType.STAGE, name), name)) for name in stages),
                *(self._question(of, cursor.start(of)) for of in walked),
            ]
        )
        found = Findings()
        for rows in answers[: len(stages)]:
            self._reader.absorb(ObjectType.STAGE, rows, found)
        return found.batch(), dict(zip(walked, answers[len(stages) :], strict=True))

    def _object(
        self, of: ObjectType, cursor: Cursor, rows: Rows | None, began_at: datetime | None
    ) -> Iterator[tuple[Batch, Cursor]]:
        """The pages of one object, each with the cursor after it; none when the org has no such object."""
        last: Place | None = cursor.at if of is cursor.walking else None
        while rows is not None:
            found = Findings()
            self._reader.absorb(of, rows, found)
            last = _place(rows[-1]) if rows else last
            if last is None or len(rows) < self._page_size:
                yield found.batch(), cursor.behind(of, last, began_at=began_at, now=self._clock())
                return
            cursor = cursor.within(of, last)
            yield found.batch(), cursor
            rows = self._next(of, last)

    def _next(self, of: ObjectType, last: Place) -> Rows:
        return self._reader.ask(lambda: [self._question(of, last)])[0]

    def _question(self, of: ObjectType, start: Place | None) -> Question:
        columns = self._columns(of)
        where = since(start.stamp, start.id) if start else ""
        source = self._reader.sources(of)[0]
        order = "SystemModstamp, Id"
        soql = select(columns, source, where=where, order=order, limit=self._page_size)
        return Question(soql, deleted="IsDeleted" in columns)

    def _columns(self, of: ObjectType) -> tuple[str, ...]:
        """The fields of the one object of the org that is ours; none when it has none."""
        source = next(iter(self._reader.sources(of)), None)
        return self._reader.columns(of, source) if source else ()


def _place(row: Mapping[str, Any]) -> Place:
    """The row's place in the walk; REST writes the zone as `+0000`."""
    try:
        stamp = utc(datetime.fromisoformat(row["SystemModstamp"]))
    except (KeyError, TypeError, ValueError) as exc:
        raise AnswerError(
            "a row has no SystemModstamp: this is not the answer of Salesforce's API", reason="not_the_api"
        ) from exc
    return Place(stamp, row_id(row))
