"""Bulk API 2.0 query jobs: a query that runs by itself, and its results as CSV in parts.

Bulk API 2.0 and Bulk API Developer Guide, "Bulk API 2.0 Query". The rows are those of the moment the job was
made.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from closedloop.sandbox.salesforce.bulk.jobs import (
    Job,
    Jobs,
    Listed,
    Steering,
    bad_locator,
    basics,
    locator,
    one_of,
    same_version,
    start_of,
    wanted_state,
    wrong_state,
)
from closedloop.sandbox.salesforce.org import Org
from closedloop.sandbox.salesforce.records.tables import Row
from closedloop.sandbox.salesforce.records.values import to_json, zulu
from closedloop.sandbox.salesforce.refusal import Refusal
from closedloop.sandbox.salesforce.rest.allowances import Usage
from closedloop.sandbox.salesforce.rest.call import Answer, Call
from closedloop.sandbox.salesforce.soql import aggregate, query
from closedloop.sandbox.salesforce.soql.columns import Scope
from closedloop.sandbox.salesforce.soql.syntax import Column, Path, Query

_OPERATIONS = ("query", "queryAll")
# Guide, "Get Parallel Results for a Query Job".
_PARTS = 5
_Read = Callable[[Row], Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """What a query found, as columns: the names of them, how each is read from a row, and the rows."""

    sobject: str
    header: list[str]
    reads: list[_Read]
    rows: list[Row]

    def lines(self, rows: Iterable[Row]) -> Iterator[list[Any]]:
        """The names, and then the values of the rows."""
        yield self.header
        for row in rows:
            yield [to_csv(read(row)) for read in self.reads]


@dataclass(slots=True, kw_only=True)
class _QueryJob(Job):
    table: Table

    def page(self, start: int, size: int) -> str:
        return self.text(self.table.lines(self.table.rows[start : start + size]))


class QueryJobs:
    """The endpoints under `jobs/query`."""

    def __init__(self, steering: Steering, usage: Usage, others: Callable[[], Iterable[Listed]]) -> None:
        self._steering = steering
        self._usage = usage
        self._jobs: Jobs[_QueryJob] = Jobs(others)

    def every(self, call: Call) -> Answer:
        """GET: all jobs. POST: a new one."""
        if call.method == "GET":
            return self._jobs.page(call, _briefly)
        return Answer(body=_created(self._made(call)))

    def one(self, call: Call) -> Answer:
        """GET: how it goes. PATCH: abort it. DELETE: forget it."""
        if call.method == "DELETE":
            return self._jobs.delete(call)
        job = self._jobs.of(call)
        if call.method == "GET":
            job.poll()
            return Answer(body=_shown(job))
        if wanted_state(call) != "Aborted":
            raise wrong_state(job)
        job.abort()
        return Answer(body=_created(job))

    def results(self, call: Call) -> Answer:
        """GET of one part of the results; the header Sforce-Locator leads to the next, or says null."""
        job = self._complete(call)
        start, size = start_of(call.argument("locator")), self._size(call.argument("maxRecords"))
        if start > len(job.table.rows):
            raise bad_locator()
        end = min(start + size, len(job.table.rows))
        headers = {
            "Sforce-NumberOfRecords": str(end - start),
            "Sforce-Locator": "null" if end >= len(job.table.rows) else locator(end),
        }
        return Answer(csv=job.page(start, size), headers=headers)

    def pages(self, call: Call) -> Answer:
        """GET of the addresses of up to five parts, to be fetched at the same time."""
        job = self._complete(call)
        base = f"/services/data/v{job.version}/jobs/query/{job.id}"
        starts = range(start_of(call.argument("locator")), max(1, len(job.table.rows)), self._steering.page)
        urls = [{"resultUrl": f"{base}/results?locator={locator(s)}"} for s in starts[:_PARTS]]
        body: dict[str, Any] = {"resultPages": urls, "done": len(starts) <= _PARTS}
        if not body["done"]:
            body["nextRecordsUrl"] = f"{base}/resultPages?locator={locator(starts[_PARTS])}"
        return Answer(body=body)

    def _complete(self, call: Call) -> _QueryJob:
        job = self._jobs.of(call)
        if job.state != "JobComplete":
            raise wrong_state(job)
        same_version(call, job)
        return job

    def _made(self, call: Call) -> _QueryJob:
        body = call.body()
        one_of(body, "operation", _OPERATIONS, needed=True)
        if not isinstance(body.get("query"), str):
            # What Salesforce says of a job without a query is not known.
            raise Refusal("INVALIDJOB", "InvalidJob : A query is required.")
        found = table(call.org, body["query"], deleted=body["operation"] == "queryAll")
        job = _QueryJob(
            **basics(call, body),
            operation=body["operation"],
            sobject=found.sobject,
            state="UploadComplete",
            waits=self._steering.polls,
            table=found,
        )
        failure = self._steering.failure()
        if failure is not None:
            job.fail(failure)
        self._jobs.add(job)
        self._usage.query_jobs += 1
        return job

    def _size(self, most: str | None) -> int:
        wanted = int(most) if most is not None and most.isdecimal() else self._steering.page
        return max(1, min(wanted, self._steering.page))


def table(org: Org, text: str, *, deleted: bool) -> Table:
    """The answer to a query of single fields; others are refused."""
    asked, scope, rows = query.rows(org, text, deleted=deleted, check=_check)
    header, reads = _columns(asked, scope)
    return Table(sobject=scope.kind.name, header=header, reads=reads, rows=rows)


def to_csv(value: Any) -> Any:
    """The value in CSV: dates and times in ISO 8601 with Z, true and false, nothing for null."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    return zulu(value) if isinstance(value, datetime) else to_json(value)


def _check(asked: Query) -> None:
    if asked.group or asked.offset or not all(_single(column) for column in asked.columns):
        raise unsupported("Aggregate Relationships")


def _single(column: object) -> bool:
    return isinstance(column, Column) and not aggregate.is_aggregate(column.expression)


def unsupported(what: str) -> Refusal:
    """No bulk query may have that."""
    # Recorded of compound data: API_ERROR, "… not supported in Bulk Query"; of aggregates and of child
    # queries the message alone is known, and that newer versions say "Bulk V2 Query with CSV content type".
    # OFFSET is refused (Guide, "SOQL Considerations"), in words that nobody has written down.
    return Refusal("API_ERROR", f"{what} not supported in Bulk Query")


def _columns(asked: Query, scope: Scope) -> tuple[list[str], list[_Read]]:
    header: list[str] = []
    reads: list[_Read] = []
    for column in asked.columns:
        if not isinstance(column, Column) or not isinstance(column.expression, Path):
            raise unsupported("Functions")
        bound = scope.bind(column.expression)
        if bound.field.type == "address":
            raise unsupported("Selecting compound data")
        header.append(".".join([*(step.relationship or "" for step in bound.steps), bound.field.name]))
        reads.append(bound.reader())
    return header, reads


def _created(job: _QueryJob) -> dict[str, Any]:
    return job.shown() | job.form() | {"lineEnding": job.ending, "columnDelimiter": job.delimiter}


def _briefly(job: _QueryJob) -> dict[str, Any]:
    """The job in a list."""
    return job.shown() | job.form() | {"jobType": "V2Query"} | _created(job)


def _shown(job: _QueryJob) -> dict[str, Any]:
    counts: dict[str, Any] = {"retries": 0, "totalProcessingTime": 0}
    if job.state == "JobComplete":
        counts["numberRecordsProcessed"] = len(job.table.rows)
    if job.state == "Failed":
        counts |= {"numberRecordsProcessed": 0, "errorMessage": job.error}
    # Guide, "Get Information About a Query Job"; there is nothing to be split here.
    return _briefly(job) | counts | {"isPkChunkingSupported": False}
