"""Reads an object of ours: by ids, or all there is of it.

By ids, collections bring 2,000 records a request, with null for those that are not there; only about these is
the recycle bin asked.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any

from closedloop.crm.base import Refusal
from closedloop.crm.results import ReadResult
from closedloop.crm.salesforce.bulk import Bulk
from closedloop.crm.salesforce.credentials import BulkUse
from closedloop.crm.salesforce.describes import Describes
from closedloop.crm.salesforce.ids import full_id
from closedloop.crm.salesforce.read import Reader, row_id
from closedloop.crm.salesforce.scan import Page, Scan
from closedloop.crm.salesforce.soql import Question, chunks, one_of, select
from closedloop.crm.wire import loads
from closedloop.errors import AnswerError, ClosedLoopError, GoneError, MergedError, UnsupportedError
from closedloop.mapping.ids import PREFIXES
from closedloop.schema.records import Record
from closedloop.schema.vocabulary import ObjectType

if TYPE_CHECKING:
    from closedloop.crm.salesforce.client import Client

Row = Mapping[str, Any]

_RETRIEVED = 2_000
"""Ids per request (REST API Developer Guide, "Get Records With a Request Body Using sObject Collections")."""
_PER_QUERY = 200


class Fetch:
    """Reads from one org."""

    def __init__(
        self, client: Client, reader: Reader, describes: Describes, bulk: Bulk, *, use: BulkUse
    ) -> None:
        self._client = client
        self._reader = reader
        self._describes = describes
        self._scan = Scan(client, reader, describes, bulk, use=use)

    def sources(self, of: ObjectType) -> tuple[str, ...]:
        """The org's objects that hold ours; UnsupportedError when it has none."""
        found = self._reader.sources(of)
        if not found:
            raise UnsupportedError(
                f"the org has no object for {of}, or hides it from the integration user: check the mapping "
                f"and the permission set",
                reason="no_such_object",
            )
        return found

    def by_source(self, of: ObjectType, ids: Iterable[str]) -> dict[str, str]:
        """The org's object that each record of these ids belongs to: a Task or an Event, say."""
        sources = self.sources(of)
        known = {PREFIXES.get(name): name for name in sources}
        return {each: known.get(each[:3], sources[0]) for each in ids}

    # By ids

    def read(
        self, of: ObjectType, ids: Sequence[str], fields: frozenset[str] | None = None
    ) -> list[ReadResult[Record]]:
        """One result per id, in order; of these fields of ours only, if given."""
        if of is ObjectType.STAGE:
            found = self._stages()
        else:
            found = {}
            sources = self.by_source(of, ids)
            for source, group in groupby(sorted(ids, key=sources.__getitem__), key=sources.__getitem__):
                found |= self._read(of, source, list(group), fields)
        return [_result(of, each, found.get(each)) for each in ids]

    def fates(self, source: str, ids: Sequence[str]) -> dict[str, GoneError]:
        """What became of those of the records that are no more. Costs nothing where ids are none."""
        names = ("Id", "IsDeleted", "MasterRecordId")
        columns = [name for name in names if self._describes.has(source, name)]
        questions = [
            Question(select(columns, source, where=one_of("Id", part)), deleted=True)
            for part in chunks(ids, _PER_QUERY)
        ]
        rows = {row_id(row): row for answer in self._client.query(questions) for row in answer}
        fates = {each: _fate(rows.get(each)) for each in ids}
        return {each: error for each, error in fates.items() if error is not None}

    def _read(
        self, of: ObjectType, source: str, ids: Sequence[str], fields: frozenset[str] | None
    ) -> dict[str, Record | ClosedLoopError]:
        came = self._reader.afresh(lambda: self._rows(of, source, ids, fields))
        here = {each: row for each, row in came.items() if not row.get("IsDeleted")}
        found: dict[str, Record | ClosedLoopError] = {}
        for each, row in here.items():
            record = self._reader.record(of, row)
            found[each] = record.error if isinstance(record, Refusal) else record
        lacking = [each for each in ids if each not in here]
        return found | (self.fates(source, lacking) if lacking else {})

    def _rows(
        self, of: ObjectType, source: str, ids: Sequence[str], fields: frozenset[str] | None
    ) -> dict[str, Row]:
        """The rows that came, by id. Collections take no fields of other records, such as Owner.Name."""
        columns = self._reader.columns(of, source, fields)
        if any("." in name for name in columns):
            parts = chunks(ids, _PER_QUERY)
            asked = [Question(select(columns, source, where=one_of("Id", part))) for part in parts]
            rows: list[Row] = [row for answer in self._client.query(asked) for row in answer]
        else:
            rows = [row for part in chunks(ids, _RETRIEVED) for row in self._retrieved(source, part, columns)]
        return {row_id(row): row for row in rows}

    def _retrieved(self, source: str, ids: Sequence[str], columns: Sequence[str]) -> list[Row]:
        body = {"ids": list(ids), "fields": list(columns)}
        answer = loads(
            self._client.request("POST", f"composite/sobjects/{source}", body=body, repeatable=True).body
        )
        if not isinstance(answer, list) or not all(row is None or isinstance(row, dict) for row in answer):
            raise AnswerError(
                "expected a list of records: this is not Salesforce's API", reason="not_the_api"
            )
        return [row for row in answer if row]

    def _stages(self) -> dict[str, Record | ClosedLoopError]:
        stages = (each for page in self.scan(ObjectType.STAGE) for each in page)
        return {stage.id: stage for stage in stages if not isinstance(stage, Refusal)}

    def scan(self, of: ObjectType) -> Iterator[Page]:
        """All of an object, page by page."""
        for source in self.sources(of):
            yield from self._scan.pages(of, source)


def checked_prefix(sources: Sequence[str], record_id: str) -> bool:
    """Whether the id can be one of these objects' by what it begins with, as far as that is known."""
    known = {PREFIXES.get(source) for source in sources}
    return None in known or record_id[:3] in known


def _result(of: ObjectType, record_id: str, found: Record | ClosedLoopError | None) -> ReadResult[Record]:
    if found is None:
        found = GoneError(f"there is no {of} of this id, or it is hidden", reason="not_found")
    if isinstance(found, Record):
        return ReadResult(id=record_id, record=found)
    return ReadResult(id=record_id, error=found)


def _fate(row: Row | None) -> GoneError | None:
    """The error of a record that is deleted, was merged or never existed; None for one that is there."""
    if row is None:
        return GoneError("it does not exist, or the integration user may not see it", reason="not_found")
    if not row.get("IsDeleted"):
        return None
    if not row.get("MasterRecordId"):
        return GoneError("the record was deleted", reason="deleted")
    survivor = full_id(row["MasterRecordId"])
    return MergedError("the record was merged into the one that `merged_into` names", merged_into=survivor)
