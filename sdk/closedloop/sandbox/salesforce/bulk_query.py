"""Bulk API 2.0 query jobs: a query that runs by itself, and its results as CSV in parts.

Bulk API 2.0 and Bulk API Developer Guide, "Bulk API 2.0 Query". The rows are those of the moment the job was
made.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from closedloop.sandbox.salesforce import aggregate, query
from closedloop.sandbox.salesforce.call import Answer, Call
from closedloop.sandbox.salesforce.columns import Scope
from closedloop.sandbox.salesforce.jobs import Job, Jobs, Steering, basics, wanted_state, wrong_state
from closedloop.sandbox.salesforce.refusal import Refusal
from closedloop.sandbox.salesforce.syntax import Column, Path, Query
from closedloop.sandbox.salesforce.tables import Row
from closedloop.sandbox.salesforce.values import to_json, zulu

_OPERATIONS = ("query", "queryAll")
_Read = Callable[[Row], Any]


@dataclass(slots=True, kw_only=True)
class _QueryJob(Job):
    header: list[str] = field(default_factory=list)
    reads: list[_Read] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)

    def page(self, start: int, size: int) -> str:
        chosen = self.rows[start : start + size]
        values = ([to_csv(read(row)) for read in self.reads] for row in chosen)
        return self.text([self.header, *values])


class QueryJobs:
    """The endpoints under `jobs/query`."""

    def __init__(self, steering: Steering) -> None:
        self._steering = steering
        self._jobs: Jobs[_QueryJob] = Jobs()

    def every(self, call: Call) -> Answer:
        """GET: all jobs. POST: a new one."""
        if call.method == "GET":
            records = [_shown(job) for job in self._jobs.all()]
            return Answer(body={"done": True, "records": records, "nextRecordsUrl": None})
        return Answer(body=_created(self._made(call)))

    def one(self, call: Call) -> Answer:
        """GET: how it goes. PATCH: abort it. DELETE: forget it."""
        if call.method == "DELETE":
            return self._jobs.delete(call)
        job = self._jobs.of(call)
        if call.method == "GET":
            job.poll()
            return Answer(body=_shown(job))
        if wanted_state(call) != "Aborted" or job.over:
            raise wrong_state(job)
        job.state = "Aborted"
        return Answer(body=_created(job))

    def results(self, call: Call) -> Answer:
        """GET of one part of the results; the header Sforce-Locator leads to the next, or says null."""
        job = self._jobs.of(call)
        if job.state != "JobComplete":
            raise wrong_state(job)
        start, size = _start(call.argument("locator")), self._size(call.argument("maxRecords"))
        if start > len(job.rows):
            raise _bad_locator()
        end = min(start + size, len(job.rows))
        headers = {
            "Sforce-NumberOfRecords": str(end - start),
            "Sforce-Locator": "null" if end >= len(job.rows) else _locator(end),
        }
        return Answer(csv=job.page(start, size), headers=headers)

    def _made(self, call: Call) -> _QueryJob:
        body = call.body()
        if body.get("operation") not in _OPERATIONS or not isinstance(body.get("query"), str):
            # What Salesforce says of a job without them is not known.
            raise Refusal("INVALIDJOB", "operation (query, queryAll) and query are required.")
        deleted = body["operation"] == "queryAll"
        asked, scope, rows = query.rows(call.org, body["query"], deleted=deleted, check=_check)
        header, reads = _columns(asked, scope)
        job = _QueryJob(
            **basics(call, body),
            operation=body["operation"],
            sobject=scope.kind.name,
            state="UploadComplete",
            waits=self._steering.polls,
            header=header,
            reads=reads,
            rows=rows,
        )
        failure = self._steering.failure()
        if failure is not None:
            job.fail(failure)
        self._jobs.add(job)
        return job

    def _size(self, most: str | None) -> int:
        wanted = int(most) if most is not None and most.isdecimal() else self._steering.page
        return max(1, min(wanted, self._steering.page))


def to_csv(value: Any) -> Any:
    """The value in CSV: dates and times in ISO 8601 with Z, true and false, nothing for null."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    return zulu(value) if isinstance(value, datetime) else to_json(value)


def _check(asked: Query) -> None:
    if asked.group or asked.offset or not all(_single(column) for column in asked.columns):
        raise _unsupported("Aggregate Relationships")


def _single(column: Column | Query) -> bool:
    return isinstance(column, Column) and not aggregate.is_aggregate(column.expression)


def _unsupported(what: str) -> Refusal:
    # Recorded of compound data: API_ERROR, "… not supported in Bulk Query"; of aggregates and of child
    # queries the message alone is known, and that newer versions say "Bulk V2 Query with CSV content type".
    # OFFSET is refused (Guide, "SOQL Considerations"), in words that nobody has written down.
    return Refusal("API_ERROR", f"{what} not supported in Bulk Query")


def _columns(asked: Query, scope: Scope) -> tuple[list[str], list[_Read]]:
    header: list[str] = []
    reads: list[_Read] = []
    for column in asked.columns:
        if not isinstance(column, Column) or not isinstance(column.expression, Path):
            raise _unsupported("Functions")
        bound = scope.bind(column.expression)
        if bound.field.type == "address":
            raise _unsupported("Selecting compound data")
        header.append(".".join([*(step.relationship or "" for step in bound.steps), bound.field.name]))
        reads.append(bound.reader())
    return header, reads


def _created(job: _QueryJob) -> dict[str, Any]:
    return job.shown() | job.form() | {"lineEnding": job.ending, "columnDelimiter": job.delimiter}


def _shown(job: _QueryJob) -> dict[str, Any]:
    counts: dict[str, Any] = {"retries": 0, "totalProcessingTime": 0}
    if job.state == "JobComplete":
        counts["numberRecordsProcessed"] = len(job.rows)
    if job.state == "Failed":
        counts |= {"numberRecordsProcessed": 0, "errorMessage": job.error}
    return job.shown() | job.form() | {"jobType": "V2Query"} | _created(job) | counts


def _locator(start: int) -> str:
    # The Guide's example, MTAwMDA, is 10000 in Base64. It is opaque to clients.
    return base64.urlsafe_b64encode(str(start).encode()).decode().rstrip("=")


def _start(locator: str | None) -> int:
    if locator is None:
        return 0
    try:
        number = base64.urlsafe_b64decode(locator + "=" * (-len(locator) % 4)).decode()
    except (binascii.Error, ValueError):
        raise _bad_locator() from None
    if not number.isdecimal():
        raise _bad_locator()
    return int(number)


def _bad_locator() -> Refusal:
    # The Guide does not say what a wrong locator is answered with.
    return Refusal("INVALID_QUERY_LOCATOR", "invalid query locator")
