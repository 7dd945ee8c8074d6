"""Reads all there is of an object, page by page.

By query pages of 2,000, in the order of the ids, so that reading can go on behind the last one when the query
has expired. What is large comes by a Bulk 2.0 query behind the first page.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from closedloop.crm.base import Refusal
from closedloop.crm.salesforce.bulk import BULK_QUERY_FROM, Bulk, BulkError
from closedloop.crm.salesforce.credentials import BulkUse
from closedloop.crm.salesforce.describes import Describes
from closedloop.crm.salesforce.read import Reader, row_id
from closedloop.crm.salesforce.soql import quoted, select
from closedloop.errors import AnswerError, CrmError
from closedloop.mapping.page import Misfit
from closedloop.schema.records import Record, Stage
from closedloop.schema.vocabulary import ObjectType

if TYPE_CHECKING:
    from closedloop.crm.raw import Answer
    from closedloop.crm.salesforce.client import Client

Page = Sequence[Record | Refusal]


@dataclass(frozen=True, slots=True)
class _Leaf:
    """A page of a query: what it holds, the last id on it, and how many rows come behind it."""

    page: Page
    last: str
    left: int


class Scan:
    """Reads the objects of one org from end to end."""

    def __init__(
        self, client: Client, reader: Reader, describes: Describes, bulk: Bulk, *, use: BulkUse
    ) -> None:
        self._client = client
        self._reader = reader
        self._describes = describes
        self._bulk = bulk
        self._use = use

    def pages(self, of: ObjectType, source: str) -> Iterator[Page]:
        """All of an object of the org: by pages, and what is behind the first by a job if it is much."""
        last, use = "", BulkUse.NEVER if of is ObjectType.STAGE else self._use
        if use is not BulkUse.ALWAYS:
            for leaf in self._paged(of, source, last):
                yield leaf.page
                last = leaf.last
                if leaf.left >= BULK_QUERY_FROM and use is BulkUse.AUTO:
                    break
            else:
                return
        try:
            yield from self._by_bulk(of, source, last)
        except BulkError:
            if use is BulkUse.ALWAYS:
                raise
        else:
            return
        yield from (leaf.page for leaf in self._paged(of, source, last))

    def _paged(self, of: ObjectType, source: str, last: str) -> Iterator[_Leaf]:
        """The pages of all behind an id. When the reader took too long and the query expired, another one
        goes on."""
        while True:
            try:
                for leaf in self._by_query(of, source, last):
                    yield leaf
                    last = leaf.last
            except CrmError as error:
                if error.code != "INVALID_QUERY_LOCATOR":
                    raise
            else:
                return

    def _by_query(self, of: ObjectType, source: str, last: str) -> Iterator[_Leaf]:
        def first() -> Answer:
            return self._client.request("GET", "query/", params={"q": self._soql(of, source, last)})

        answer, seen = self._reader.afresh(first), 0
        while True:
            rows, said = self._reader.page(of, source, answer.body)
            seen += len(rows)
            last = _id_of(rows[-1]) if rows else last
            yield _Leaf([self._reader.priced(of, row) for row in rows], last, _total(said) - seen)
            if said.get("done", True):
                return
            answer = self._client.request("GET", _locator(said))

    def _by_bulk(self, of: ObjectType, source: str, last: str) -> Iterator[Page]:
        columns = self._reader.columns(of, source)
        soql = select(columns, source, where=f"Id > {quoted(last)}" if last else "")
        types = {name: field.type for name in columns if (field := self._describes.at(source, name))}
        for rows in self._bulk.query(soql, source, types):
            yield [self._reader.record(of, row) for row in rows]

    def _soql(self, of: ObjectType, source: str, last: str) -> str:
        where = f"Id > {quoted(last)}" if last else ""
        return select(self._reader.columns(of, source), source, where=where, order="Id")


def _id_of(row: Record | Misfit) -> str:
    """The row's own id; a stage of ours goes by its name."""
    return row_id(row.raw) if isinstance(row, Misfit | Stage) else row.id


def _total(said: Mapping[str, Any]) -> int:
    total = said.get("totalSize", 0)
    if isinstance(total, int):
        return total
    raise AnswerError("expected a number as totalSize: this is not Salesforce's API", reason="not_the_api")


def _locator(page: Mapping[str, Any]) -> str:
    """The last step of `nextRecordsUrl`, put below our own API version: it cannot lead off the host."""
    step = str(page.get("nextRecordsUrl", "")).rpartition("/")[2]
    if not step.replace("-", "").isalnum():
        raise AnswerError("expected a continuation below /services/data", reason="not_the_api")
    return f"query/{step}"
