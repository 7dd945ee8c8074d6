"""Bulk API 2.0: jobs that write or query many records at once.

Bulk API 2.0 and Bulk API Developer Guide. A job costs the same few calls whatever its size: made, filled,
closed, looked at until it is done, and its results fetched. Results come in files of their own for what was
written, refused and not touched, in no particular order.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from closedloop.crm.salesforce import sheet
from closedloop.crm.salesforce.answers import record_error, told
from closedloop.crm.salesforce.ids import full_id
from closedloop.crm.salesforce.matches import Matches, refusal
from closedloop.crm.wire import loads
from closedloop.errors import AnswerError, CrmError, RefusedError, RetryableError, UncertainError

if TYPE_CHECKING:
    from closedloop.crm.raw import Answer
    from closedloop.crm.salesforce.client import Client

BULK_QUERY_FROM = 50_000
"""Records from which a query job is cheaper than pages: 25 pages of 2,000 against the job, a few looks at it
and two pages of results."""
BULK_WRITE_FROM = 2_001
"""Records from which an ingest job is cheaper than collections, and Salesforce's own advice: "any operation
that includes more than 2,000 records is a good candidate" (Developer Guide, "Introduction")."""
JOB_SECONDS = 3_600.0
"""How long a job may take before it is ended."""
MOST_BYTES = 100_000_000
"""Largest upload: 150 MB as Salesforce stores it, in Base64 (Developer Guide, "Upload Job Data")."""
RESULT_ROWS = 25_000
"""Rows of a query's results per request: what is in memory at a time."""

_PAGE = 2_000
_FIRST_NAP, _LONGEST_NAP = 1.0, 30.0
_OVER = frozenset({"JobComplete", "Failed", "Aborted"})
_CSV = {"Content-Type": "text/csv"}
_CSV_WANTED = {"Accept": "text/csv"}

Row = dict[str, Any]


class BulkError(RefusedError):
    """A job was refused, or failed as a whole; nothing of it was written unless results say so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What an ingest job does with an object of the org. `key` is the field that tells one record from
    another, empty if only all of them do, `exact` by its case too; `external_id` is the one that they are
    upserted by."""

    sobject: str
    operation: str
    key: str = ""
    external_id: str | None = None
    exact: bool = True

    @property
    def spec(self) -> dict[str, str]:
        """The body that makes the job."""
        spec = {"object": self.sobject, "operation": self.operation, "contentType": "CSV", "lineEnding": "LF"}
        return spec | ({"externalIdFieldName": self.external_id} if self.external_id else {})


@dataclass(slots=True)
class Loaded:
    """What became of the records of an ingest job, by their place in it: a row as collections would give
    it or an error. `untouched` are those that the job did not get to, and `why` it did not."""

    results: dict[int, Row | CrmError] = field(default_factory=dict)
    untouched: list[int] = field(default_factory=list)
    why: CrmError | None = None


class Bulk:
    """The jobs of one org."""

    def __init__(
        self,
        client: Client,
        *,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
        job_seconds: float = JOB_SECONDS,
        most_bytes: int = MOST_BYTES,
    ) -> None:
        self._client = client
        self._sleep = sleep
        self._clock = clock
        self._job_seconds = job_seconds
        self._most_bytes = most_bytes

    # Queries

    def query(self, soql: str, sobject: str, types: Mapping[str, str]) -> Iterator[Sequence[Row]]:
        """The rows of a query, page by page, as REST would give them. `types` are describe's by column, in
        the query's order. BulkError when there can be no such job, or it fails."""
        job = self._made("jobs/query", {"operation": "query", "query": soql})
        state = self._awaited(f"jobs/query/{job}")
        if state["state"] != "JobComplete":
            raise _failed(state)
        locator = ""
        while locator != "null":
            params = {"maxRecords": str(RESULT_ROWS)} | ({"locator": locator} if locator else {})
            answer = self._client.request(
                "GET", f"jobs/query/{job}/results", params=params, headers=_CSV_WANTED
            )
            locator = answer.headers.get("sforce-locator") or "null"
            seen = 0
            for page in _pages(answer, sobject, types):
                seen += len(page)
                yield page
            if answer.headers.get("sforce-numberofrecords", str(seen)) != str(seen):
                raise AnswerError("the results of a bulk job are cut off", reason="cut_off")

    # Writes

    def ingest(self, load: Load, records: Sequence[Row]) -> Loaded:
        """Writes the records, in as many jobs as they are too large for."""
        loaded, start = Loaded(), 0
        for columns, count, content in sheet.sheets(records, most_bytes=self._most_bytes):
            matches = Matches(
                columns, records[start : start + count], key=load.key, exact=load.exact, first=start
            )
            if loaded.why is None:
                self._ingest(load, content, matches, loaded)
            loaded.untouched += matches.take_left()
            start += count
        return loaded

    def _ingest(self, load: Load, content: bytes, matches: Matches, loaded: Loaded) -> None:
        """One job. What it certainly did not write is left in `matches`, with the reason in `loaded.why`."""
        try:
            path = self._filled(load.spec, content)
        except UncertainError as error:  # but certain it is: a job that was not closed does nothing
            loaded.why = RetryableError(error.message, reason="upload_lost", status=error.status)
            return
        except CrmError as error:
            loaded.why = error
            return
        try:
            self._closed(path)
            self._gather(path, self._awaited(path), matches, loaded)
        except BulkError as error:
            loaded.why = error
        except CrmError as error:
            loaded.why = error
            loaded.results |= {place: _unknown(error.reason) for place in matches.take_left()}

    def _filled(self, spec: Mapping[str, str], content: bytes) -> str:
        """The path of a job that holds the CSV. An upload whose answer is lost cannot be repeated (one PUT a
        job), so the job is left behind, and a new one filled."""
        path = f"jobs/ingest/{self._made('jobs/ingest', spec)}"
        try:
            self._upload(path, content)
        except UncertainError:
            self._abort(path)
            path = f"jobs/ingest/{self._made('jobs/ingest', spec)}"
            self._upload(path, content)
        return path

    def _upload(self, path: str, content: bytes) -> None:
        self._client.request("PUT", f"{path}/batches", body=content, headers=_CSV, repeatable=False)

    def _closed(self, path: str) -> None:
        """Lets the job begin. Saying so twice does no harm: then it has begun, and is no longer open."""
        try:
            self._client.request("PATCH", path, body={"state": "UploadComplete"}, repeatable=True)
        except RefusedError as error:
            if self._state(path)["state"] == "Open":
                raise BulkError(error.message, reason=error.reason, code=error.code) from error

    def _gather(self, path: str, state: Row, matches: Matches, loaded: Loaded) -> None:
        """Fetches those of the three files of results that hold anything."""
        done, failed = _count(state, "numberRecordsProcessed"), _count(state, "numberRecordsFailed")
        if done > failed:
            for place, row in matches.found(self._results(path, "successfulResults")):
                created = row.get("sf__Created", "").lower() == "true"
                found: Row = {"id": row.get("sf__Id"), "success": True, "created": created, "errors": []}
                loaded.results[place] = found
        if failed:
            for place, row in matches.found(self._results(path, "failedResults")):
                loaded.results[place] = record_error([refusal(row.get("sf__Error", ""))])
        if state["state"] != "JobComplete":
            loaded.why = _failed(state)
            loaded.untouched += [
                place for place, _ in matches.found(self._results(path, "unprocessedrecords"))
            ]
            if state["state"] == "Failed" and not done:
                return
        loaded.results |= {place: _unknown(state["state"]) for place in matches.take_left()}

    def _results(self, path: str, which: str) -> bytes:
        """A file of results; nothing from a job that has none, such as one that was ended a moment ago."""
        try:
            return self._client.request("GET", f"{path}/{which}/", headers=_CSV_WANTED).body
        except RefusedError:
            return b""

    # Any job

    def _made(self, path: str, spec: Mapping[str, str]) -> str:
        """The id of a new job. One whose answer is lost is empty and does nothing: another may be made."""
        try:
            answer = self._client.request("POST", path, body=dict(spec), repeatable=True)
        except RefusedError as error:
            raise BulkError(
                error.message, reason=error.reason, status=error.status, code=error.code
            ) from error
        try:
            return full_id(_shown(answer).get("id"))
        except ValueError as exc:
            raise AnswerError(
                "expected the id of a job: this is not Salesforce's API", reason="not_the_api"
            ) from exc

    def _awaited(self, path: str) -> Row:
        """The job's state when it is over. One that takes too long is aborted."""
        ends_at, nap = self._clock() + self._job_seconds, _FIRST_NAP
        while (state := self._state(path))["state"] not in _OVER:
            if self._clock() >= ends_at:
                self._abort(path)
                return {**self._state(path), "state": "TooLong"}
            self._sleep(nap)
            nap = min(nap * 2, _LONGEST_NAP)
        return state

    def _state(self, path: str) -> Row:
        return _shown(self._client.request("GET", path))

    def _abort(self, path: str) -> None:
        """Ends a job; one that is over already cannot be, which is just as well."""
        try:
            self._client.request("PATCH", path, body={"state": "Aborted"}, repeatable=True)
        except RefusedError:
            return


def _pages(answer: Answer, sobject: str, types: Mapping[str, str]) -> Iterator[list[Row]]:
    columns, page = list(types), list[Row]()
    known = {name.lower(): name for name in columns}
    for place, line in enumerate(sheet.rows(answer.body)):
        # Before version 50.0 columns come in an order of their own ("Get Results for a Query Job").
        if place == 0 and {name.lower() for name in line} == set(known):
            columns = [known[name.lower()] for name in line]
            continue
        if len(line) != len(columns):
            raise AnswerError(
                "expected a value per column: the job's results are cut off, or not Salesforce's",
                reason="not_the_api",
            )
        page.append(sheet.payload(columns, line, sobject, types))
        if len(page) == _PAGE:
            yield page
            page = []
    if page:
        yield page


def _shown(answer: Answer) -> Row:
    body = loads(answer.body)
    if isinstance(body, dict) and isinstance(body.get("state"), str):
        return body
    raise AnswerError("expected a job: this is not Salesforce's API", reason="not_the_api")


def _count(state: Mapping[str, Any], name: str) -> int:
    count = state.get(name) or 0
    if isinstance(count, int):
        return count
    raise AnswerError(f"expected a number as {name}: this is not Salesforce's API", reason="not_the_api")


def _failed(state: Mapping[str, Any]) -> CrmError:
    words = told(str(state.get("errorMessage") or "")) or "no reason given"
    match state["state"]:
        case "TooLong":
            return RetryableError("the bulk job took too long and was ended", reason="bulk_too_long")
        case "Aborted":
            return RefusedError("somebody ended the bulk job in Salesforce", reason="bulk_aborted")
        case _:
            return BulkError(f"the bulk job failed as a whole: {words}", reason="bulk_failed")


def _unknown(why: str) -> CrmError:
    return UncertainError(
        f"the bulk job ({why}) says nothing about this record: look in the CRM before sending it again",
        reason="no_result",
    )
