"""Bulk API 2.0 ingest jobs: records uploaded as CSV and written one by one, each with its own result.

Bulk API 2.0 and Bulk API Developer Guide, "Bulk API 2.0 Ingest", "Prepare CSV Files", "Valid CSV Record
Rows"; bodies and results as recorded. The records are written when the upload is declared complete; the
states that follow only show it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from closedloop.sandbox.salesforce.call import Answer, Call
from closedloop.sandbox.salesforce.jobs import (
    DELIMITERS,
    Job,
    Jobs,
    Steering,
    basics,
    no_entity,
    wanted_state,
    wrong_state,
)
from closedloop.sandbox.salesforce.loading import Loader, Sheet, UnreadableError, read_sheet
from closedloop.sandbox.salesforce.refusal import Refusal
from closedloop.sandbox.salesforce.schema import SObject

_OPERATIONS = ("insert", "update", "upsert", "delete")
_EMPTY = Sheet(head="", names=(), rows=())


@dataclass(slots=True, kw_only=True)
class _IngestJob(Job):
    external_id: str | None
    data: bytes = b""
    sheet: Sheet = _EMPTY
    done: list[list[str]] = field(default_factory=list)
    failed: list[list[str]] = field(default_factory=list)
    written: bool = False

    def results(self, first: str, rows: list[list[str]]) -> str:
        """Rows after a header whose own part stays as it was uploaded (recorded)."""
        joint = DELIMITERS[self.delimiter] if first else ""
        head = joint.join([first, self.sheet.head])
        return head + ("\r\n" if self.ending == "CRLF" else "\n") + self.text(rows)


class IngestJobs:
    """The endpoints under `jobs/ingest`."""

    def __init__(self, steering: Steering) -> None:
        self._steering = steering
        self._jobs: Jobs[_IngestJob] = Jobs()

    def every(self, call: Call) -> Answer:
        """GET: all jobs. POST: a new one."""
        if call.method == "GET":
            records = [_shown(job) for job in self._jobs.all()]
            return Answer(body={"done": True, "records": records, "nextRecordsUrl": None})
        job = _made(call)
        self._jobs.add(job)
        url = f"services/data/v{job.version}/jobs/ingest/{job.id}/batches"
        body = _created(job) | {"contentUrl": url, "lineEnding": job.ending}
        return Answer(body=body | {"columnDelimiter": job.delimiter})

    def one(self, call: Call) -> Answer:
        """GET: how it goes. PATCH: begin or abort it. DELETE: forget it."""
        if call.method == "DELETE":
            return self._jobs.delete(call)
        job = self._jobs.of(call)
        if call.method == "GET":
            job.poll()
            return Answer(body=_shown(job))
        state = wanted_state(call)
        if state not in ("UploadComplete", "Aborted") or job.state != "Open":
            raise wrong_state(job)
        job.state = state
        unreadable = _read(job)
        if state == "UploadComplete":
            self._begin(call, job, unreadable)
        return Answer(body=_created(job))

    def upload(self, call: Call) -> Answer:
        """PUT of the CSV, once."""
        job = self._jobs.of(call)
        if job.state != "Open" or job.data:
            raise wrong_state(job)
        data = call.request.get_data()
        if len(data) > self._steering.most_bytes:
            # The Guide names the limit, 100 MB of CSV; with which code it answers is not known.
            raise Refusal("EXCEEDED_MAX_SIZE_REQUEST", "The upload is larger than 100 MB.", status=413)
        job.data = data
        return Answer(status=201)

    def successful(self, call: Call) -> Answer:
        """The rows that were written."""
        job = self._over(call)
        return Answer(csv=job.results(_first(job, "sf__Created"), job.done))

    def failed(self, call: Call) -> Answer:
        """The rows that were refused, and why."""
        job = self._over(call)
        return Answer(csv=job.results(_first(job, "sf__Error"), job.failed))

    def unprocessed(self, call: Call) -> Answer:
        """The rows of a job that was aborted, or failed as a whole."""
        job = self._over(call)
        return Answer(csv=job.results("", [] if job.written else [list(row) for row in job.sheet.rows]))

    def _over(self, call: Call) -> _IngestJob:
        job = self._jobs.of(call)
        if not job.over:
            raise wrong_state(job)
        return job

    def _begin(self, call: Call, job: _IngestJob, unreadable: str | None) -> None:
        job.waits = self._steering.polls
        kind = call.org.known(job.sobject)
        wrong = unreadable or job.sheet.unfit(kind, job.operation, job.external_id)
        if wrong is not None:
            job.fail(wrong)
            return
        failure = self._steering.failure()
        if failure is not None:
            job.fail(failure)
            return
        loader = Loader(call=call, kind=kind, operation=job.operation, key=job.external_id or "Id")
        job.done, job.failed = loader.load(job.sheet)
        job.written = True


def _read(job: _IngestJob) -> str | None:
    """Reads the upload; says what is wrong with one that cannot be read."""
    try:
        job.sheet = read_sheet(job.data, delimiter=DELIMITERS[job.delimiter], ending=job.ending)
    except UnreadableError as error:
        return str(error)
    return None


def _made(call: Call) -> _IngestJob:
    body = call.body()
    kind = call.org.objects.find(str(body.get("object", "")))
    operation = body.get("operation")
    if kind is None or kind.setup:
        raise no_entity(body.get("object"))
    if operation == "hardDelete":
        message = "hardDelete operation requires special user profile permission"
        raise Refusal("FEATURENOTENABLED", message)
    if operation not in _OPERATIONS:
        # Unverified, as is the code of the line above; the words about a missing external id are known.
        raise Refusal("INVALIDJOB", f"Unable to find operation {operation}")
    key = _key(kind, body) if operation == "upsert" else None
    return _IngestJob(
        **basics(call, body), operation=operation, sobject=kind.name, state="Open", external_id=key
    )


def _key(kind: SObject, body: Mapping[str, Any]) -> str:
    name = body.get("externalIdFieldName")
    if not name:
        message = f"External ID was blank for {kind.name}. An External ID must be specified for upsert."
        raise Refusal("INVALIDJOB", message)
    found = kind.field(str(name))
    if found is None or not found.id_lookup:
        message = (
            f"Field name provided, {name} does not match an External ID, Salesforce Id, or indexed field for "
            f"{kind.name}"
        )
        raise Refusal("INVALIDJOB", message)
    return found.name


def _first(job: _IngestJob, what: str) -> str:
    return f'"sf__Id"{DELIMITERS[job.delimiter]}"{what}"'


def _created(job: _IngestJob) -> dict[str, Any]:
    key = {"externalIdFieldName": job.external_id} if job.external_id else {}
    return job.shown() | key | job.form()


def _shown(job: _IngestJob) -> dict[str, Any]:
    counts: dict[str, Any] = {
        "jobType": "V2Ingest",
        "lineEnding": job.ending,
        "columnDelimiter": job.delimiter,
        "numberRecordsProcessed": len(job.done) + len(job.failed) if job.over else 0,
        "numberRecordsFailed": len(job.failed) if job.over else 0,
        "retries": 0,
        "totalProcessingTime": 0,
        "apiActiveProcessingTime": 0,
        "apexProcessingTime": 0,
    }
    if job.state == "Failed":
        counts["errorMessage"] = job.error
    return _created(job) | counts
