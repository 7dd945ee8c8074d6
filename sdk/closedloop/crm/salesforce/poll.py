"""Everything that changed since a cursor, oldest first: what no webhook told.

The first pages of all objects travel in two API requests, so that a poll that finds nothing costs two.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from closedloop.crm.base import Batch, Page
from closedloop.crm.salesforce.cursor import Cursor
from closedloop.crm.salesforce.read import Findings, Reader
from closedloop.crm.salesforce.soql import Question, select
from closedloop.crm.salesforce.walk import Rows, Walker
from closedloop.schema.vocabulary import ObjectType

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

_Firsts = Mapping[ObjectType, tuple[Rows, datetime]]


class Poll:
    """One poll of one org."""

    def __init__(self, reader: Reader, walker: Walker) -> None:
        self._reader = reader
        self._walker = walker

    def pages(self, text: str | None) -> Iterator[Page]:
        """The pages from the cursor on. The first holds the stages; there is always one."""
        cursor = Cursor.load(text)
        resumed = cursor.walking
        left = WALK[WALK.index(resumed) :] if resumed in WALK else WALK
        stages, firsts = self._firsts(cursor, left)
        told = cursor.dump()
        yield Page(batch=stages, cursor=told)
        for batch, after in self._walked(cursor, firsts):
            cursor = after
            if batch != Batch():
                told = cursor.dump()
                yield Page(batch=batch, cursor=told)
        if cursor.dump() != told:
            yield Page(batch=Batch(), cursor=cursor.dump())

    def sizes(self) -> dict[ObjectType, int]:
        """How many rows each object has that the user may see, the recycle bin's included."""
        walked = [
            (of, source) for of in WALK if (source := self._source(of)) and self._walker.can(of, source)
        ]
        answers = self._reader.ask(lambda: [self._count(of, source) for of, source in walked])
        counts = {
            of: next(iter(rows), {}).get("expr0") for (of, _), rows in zip(walked, answers, strict=True)
        }
        return {of: count for of, count in counts.items() if isinstance(count, int)}

    def _count(self, of: ObjectType, source: str) -> Question:
        return Question(
            select(["COUNT(Id)"], source), deleted="IsDeleted" in self._reader.columns(of, source)
        )

    def _walked(self, cursor: Cursor, firsts: _Firsts) -> Iterator[tuple[Batch, Cursor]]:
        for of, first in firsts.items():
            for rows, walk in self._walker.pages(of, self._source(of), cursor.of(of), first):
                cursor = cursor.after(of, walk)
                found = Findings()
                self._reader.absorb(of, rows, found)
                yield found.batch(), cursor

    def _firsts(self, cursor: Cursor, left: Sequence[ObjectType]) -> tuple[Batch, _Firsts]:
        """The stages, two short lists that are read whole, and the first page of every object."""
        stages = self._reader.sources(ObjectType.STAGE)
        walked = [of for of in left if self._source(of) and self._walker.can(of, self._source(of))]
        answers, asked_at = self._reader.ask_timed(
            lambda: [
                *(Question(select(self._reader.columns(ObjectType.STAGE, name), name)) for name in stages),
                *(self._walker.question(of, self._source(of), cursor.of(of).start) for of in walked),
            ]
        )
        found = Findings()
        for rows in answers[: len(stages)]:
            self._reader.absorb(ObjectType.STAGE, rows, found)
        firsts = ((rows, asked_at) for rows in answers[len(stages) :])
        return found.batch(), dict(zip(walked, firsts, strict=True))

    def _source(self, of: ObjectType) -> str:
        """The one object of the org that is ours; empty when it has none."""
        return next(iter(self._reader.sources(of)), "")
