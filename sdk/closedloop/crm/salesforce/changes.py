"""What changed in an object since a cursor: its records, deletions and merges.

A deletion shows in the recycle bin, a merge by the survivor's id there. What was emptied from the bin
meanwhile is in the delete log, which reaches back 15 days (REST API Developer Guide, "sObject Get Deleted").
It is asked when a walk begins, and what it names is looked at once more, because the log may also name
records that are in the bin or were restored. Not reported are: what was emptied longer ago than the log
reaches, or before it was purged, and records that only sharing made visible, which changes no stamp.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from closedloop.crm.base import Refusal
from closedloop.crm.results import ChangePage, Deletion
from closedloop.crm.salesforce.cursor import ObjectCursor, Place, Walk
from closedloop.crm.salesforce.fetch import Fetch
from closedloop.crm.salesforce.ids import full_id
from closedloop.crm.salesforce.read import Reader, row_id
from closedloop.crm.salesforce.soql import instant
from closedloop.crm.salesforce.walk import Rows, Walker
from closedloop.crm.wire import loads
from closedloop.errors import AnswerError, BadValueError, RefusedError, UnsupportedError
from closedloop.schema.records import Record, Ref, utc
from closedloop.schema.vocabulary import ObjectType

if TYPE_CHECKING:
    from closedloop.crm.salesforce.client import Client

log = logging.getLogger(__name__)

_LOG_REACH = timedelta(days=15) - timedelta(hours=1)
"""How far back the delete log is asked: an hour less than it goes."""
_LEAST_SPAN = timedelta(minutes=2)
"""The start must precede the end by more than a minute, whose seconds are ignored (SOAP API Developer Guide,
"getDeleted()")."""

Page = ChangePage[Record]


class Changes:
    """Reads the changes of one org."""

    def __init__(
        self, client: Client, reader: Reader, fetch: Fetch, walker: Walker, *, overlap: timedelta
    ) -> None:
        self._client = client
        self._reader = reader
        self._fetch = fetch
        self._walker = walker
        self._overlap = overlap

    def changed(self, of: ObjectType, since: str | datetime | None) -> Iterator[Page]:
        """The pages since then, at least one."""
        cursor = self._cursor(of, since)
        if of is ObjectType.STAGE:
            return iter([self._whole(of, cursor)])
        return self._walked(of, cursor)

    def _cursor(self, of: ObjectType, since: str | datetime | None) -> ObjectCursor:
        if since is None:
            return ObjectCursor(object=of)
        if isinstance(since, str):
            return ObjectCursor.load(since, of)
        try:
            start = Place(utc(since) - self._overlap)
        except (ValueError, OverflowError) as exc:
            raise BadValueError(
                "since is no instant: give an aware datetime, such as datetime.now(UTC)",
                field="since",
                reason="naive_datetime",
            ) from exc
        walks = dict.fromkeys(self._fetch.sources(of), Walk(known=start))
        return ObjectCursor(object=of, walks={} if of is ObjectType.STAGE else walks)

    def _whole(self, of: ObjectType, cursor: ObjectCursor) -> Page:
        """All of an object that is short and says nothing of changes, and what is there no more."""
        everything = [each for page in self._fetch.scan(of) for each in page]
        records = tuple(each for each in everything if not isinstance(each, Refusal))
        refused = tuple(each for each in everything if isinstance(each, Refusal))
        seen = tuple(record.id for record in records)
        gone = [Deletion(ref=Ref(of, each)) for each in cursor.seen if each not in seen]
        after = ObjectCursor(object=of, seen=seen)
        return ChangePage(records=records, deleted=tuple(gone), refused=refused, cursor=after.dump())

    def _walked(self, of: ObjectType, cursor: ObjectCursor) -> Iterator[Page]:
        """The objects of the org one after the other; the one whose walk is under way goes on first."""
        sources = sorted(self._fetch.sources(of), key=lambda source: cursor.of(source).at is None)
        for place, source in enumerate(sources):
            for rows, emptied, walk in self._steps(of, source, cursor.of(source)):
                cursor = cursor.after(source, walk)
                page = self._page(of, rows, emptied, cursor.dump())
                if page.records or page.deleted or page.refused or place == len(sources) - 1:
                    yield page

    def _steps(self, of: ObjectType, source: str, walk: Walk) -> Iterator[tuple[Rows, list[Deletion], Walk]]:
        """The pages of one object of the org, each with what the delete log adds and the walk after it.

        A new walk asks the log first: it also says since when transactions have been running that nobody can
        see yet, and no walk vouches for more than the time before.
        """
        if not self._walker.can(of, source):
            raise UnsupportedError(f"{source} does not say when its rows changed", reason="no_changes")
        if walk.at is None and "IsDeleted" in self._reader.columns(of, source):
            logged = self._logged(source, walk)
            rows, began = self._walker.page(of, source, walk.start)
            emptied = self._emptied(of, source, logged.ids, rows)
            first = rows, min(began, logged.sure + self._overlap)
            walk = replace(walk, logged=logged.sure)
        else:
            first, emptied = None, []
        for rows, after in self._walker.pages(of, source, walk, first):
            yield rows, emptied, after
            emptied = []

    def _page(self, of: ObjectType, rows: Rows, emptied: Sequence[Deletion], cursor: str) -> Page:
        records: list[Record] = []
        refused: list[Refusal] = []
        deleted: list[Deletion] = []
        for row in rows:
            if row.get("IsDeleted"):
                deleted.append(_deletion(of, row))
            elif isinstance(found := self._reader.record(of, row), Refusal):
                refused.append(found)
            else:
                records.append(found)
        return ChangePage(
            records=tuple(records), deleted=(*deleted, *emptied), refused=tuple(refused), cursor=cursor
        )

    def _emptied(self, of: ObjectType, source: str, logged: Sequence[str], rows: Rows) -> list[Deletion]:
        """Those of the deletions in the log that are in the bin no more."""
        seen = {row_id(row) for row in rows}
        ids = [each for each in logged if each not in seen]
        fates = self._fetch.fates(source, ids) if ids else {}
        return [Deletion(ref=Ref(of, each)) for each, fate in fates.items() if fate.reason == "not_found"]

    def _logged(self, source: str, walk: Walk) -> _Log:
        """What the delete log holds since the last walk asked it."""
        now = self._reader.server_now()
        since = walk.logged or (walk.known.stamp if walk.known else now)
        start = min(max(since, now - _LOG_REACH), now - _LEAST_SPAN)
        params = {"start": instant(start), "end": instant(now)}
        try:
            answer = loads(self._client.request("GET", f"sobjects/{source}/deleted/", params=params).body)
        except RefusedError as error:
            log.warning("the delete log of %s cannot be read from %s on: %s", source, start, error)
            return _Log(ids=(), sure=now)
        return _log(answer, now)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Log:
    """The ids of deleted records, and the time up to which nothing that began earlier is unfinished."""

    ids: tuple[str, ...]
    sure: datetime


def _deletion(of: ObjectType, row: Mapping[str, Any]) -> Deletion:
    master = row.get("MasterRecordId")
    return Deletion(ref=Ref(of, row_id(row)), merged_into=full_id(master) if master else None)


def _log(answer: Any, now: datetime) -> _Log:
    try:
        ids = tuple(full_id(record["id"]) for record in answer["deletedRecords"])
        covered = answer.get("latestDateCovered")
        sure = min(now, utc(datetime.fromisoformat(covered))) if covered else now
    except (KeyError, TypeError, ValueError) as exc:
        raise AnswerError(
            "expected deletedRecords: this is not the answer of Salesforce's API", reason="not_the_api"
        ) from exc
    return _Log(ids=ids, sure=sure)
