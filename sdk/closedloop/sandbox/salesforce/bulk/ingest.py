"""Bulk API 2.0 ingest jobs: records uploaded as CSV and written one by one, each with its own result.

Bulk API 2.0 and Bulk API Developer Guide, "Bulk API 2.0 Ingest", "Prepare CSV Files", "Valid CSV Record
Rows"; bodies and results as recorded. The records are written when the upload is declared complete, or, where
the job has to be polled several times, at the first of them: aborting it before leaves nothing written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from closedloop.sandbox.salesforce.bulk.jobs import (
    DELIMITERS,
    Job,
    Jobs,
    Listed,
    Steering,
    basics,
    check_hard_delete,
    no_entity,
    one_of,
    wanted_state,
    wrong_state,
)
from closedloop.sandbox.salesforce.bulk.loading import (
    Loader,
    Sheet,
    UnreadableError,
    key_field,
    read_sheet,
    unfit,
)
from closedloop.sandbox.salesforce.refusal import Refusal
from closedloop.sandbox.salesforce.rest.allowances import Usage
from closedloop.sandbox.salesforce.rest.call import Answer, Call
from closedloop.sandbox.salesforce.rest.json_body import object_in
from closedloop.sandbox.salesforce.schema.sobject import SObject

_OPERATIONS = ("insert", "update", "upsert", "delete", "hardDelete")
_EMPTY = Sheet(head="", names=(), rows=())
# Guide, "Walkthrough for Bulk Insert with a Multipart Request".
_MOST_CHARACTERS = 100_000
# Guide, "How Requests Are Processed": the rows of a batch, which count towards the daily ones.
_ROWS_A_BATCH = 10_000


@dataclass(slots=True, kw_only=True)
class _IngestJob(Job):
    external_id: str | None
    assignment_rule: str | None = None
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

    def __init__(self, steering: Steering, usage: Usage, others: Callable[[], Iterable[Listed]]) -> None:
        self._steering = steering
        self._usage = usage
        self._jobs: Jobs[_IngestJob] = Jobs(others)

    def every(self, call: Call) -> Answer:
        """GET: all jobs. POST: a new one, or one with its upload in the same request."""
        if call.method == "GET":
            return self._jobs.page(call, _briefly)
        if call.request.mimetype == "multipart/form-data":
            return self._complete(call)
        job = self._made(call, call.body())
        url = f"services/data/v{job.version}/jobs/ingest/{job.id}/batches"
        body = _created(job) | {"contentUrl": url, "lineEnding": job.ending}
        return Answer(body=body | {"columnDelimiter": job.delimiter})

    def one(self, call: Call) -> Answer:
        """GET: how it goes. PATCH: begin or abort it. DELETE: forget it."""
        if call.method == "DELETE":
            return self._jobs.delete(call, waiting=True)
        job = self._jobs.of(call)
        if call.method == "GET":
            job.poll()
            return Answer(body=_shown(job))
        state = wanted_state(call)
        if state == "Aborted":
            job.abort()
            if job.data:
                _read(job)
        elif state != "UploadComplete" or job.state != "Open":
            raise wrong_state(job)
        else:
            self._begin(call, job)
        return Answer(body=_created(job))

    def upload(self, call: Call) -> Answer:
        """PUT of the CSV, once."""
        job = self._jobs.of(call)
        if job.state != "Open":
            raise wrong_state(job)
        if job.data:
            # In these words, with their slip, in a walkthrough of real answers.
            message = (
                f"Found multipe contents for job: <{job.id[:15]}>, please 'Close' / 'Abort' / 'Delete' the "
                "current Job then create a new Job and make sure you only do 'PUT' once on a given Job."
            )
            raise Refusal("BULK_API_ERROR", message)
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

    def _complete(self, call: Call) -> Answer:
        """A job of two parts, `job` (JSON) and `content` (CSV), which begins at once."""
        parts = _parts(call)
        described, content = parts["job"], parts["content"]
        if len(content.decode("utf-8", "replace")) > _MOST_CHARACTERS:
            message = f"The content of a multipart request has at most {_MOST_CHARACTERS} characters."
            raise Refusal("EXCEEDED_MAX_SIZE_REQUEST", message, status=413)
        job = self._made(call, object_in(described))
        job.data = content
        self._begin(call, job)
        url = f"services/data/v{job.version}/jobs/ingest/{job.id}/batches"
        more = {"contentUrl": url, "lineEnding": job.ending, "columnDelimiter": job.delimiter}
        return Answer(body=_created(job) | more)

    def _made(self, call: Call, body: Mapping[str, Any]) -> _IngestJob:
        kind = _kind(call, body)
        one_of(body, "operation", _OPERATIONS, needed=True)
        operation = body["operation"]
        if operation == "hardDelete":
            check_hard_delete(call.org, self._steering, "FEATURENOTENABLED")
        key, wrong = key_field(kind, body.get("externalIdFieldName"))
        if operation == "upsert" and key is None:
            raise Refusal("INVALIDJOB", f"InvalidJob : {wrong}")
        job = _IngestJob(
            **basics(call, body),
            operation=operation,
            sobject=kind.name,
            state="Open",
            external_id=key if operation == "upsert" else None,
            assignment_rule=body.get("assignmentRuleId") or None,
        )
        self._jobs.add(job)
        return job

    def _begin(self, call: Call, job: _IngestJob) -> None:
        job.state = "UploadComplete"
        unreadable = _read(job)
        kind = call.org.known(job.sobject)
        wrong = unreadable or unfit(call.org, kind, job.sheet.names, job.operation, job.external_id)
        wrong = wrong or self._steering.failure()
        self._usage.count_batch(max(1, -(-len(job.sheet.rows) // _ROWS_A_BATCH)))
        if wrong is not None:
            job.fail(wrong)
            job.waits = self._steering.polls
            return
        # Later on only the org and the user of the call are needed; the path alone is not the whole request.
        kept = replace(call, path={"version": job.version})
        job.start(lambda: _write(kept, job, kind), self._steering.polls)


def _parts(call: Call) -> Mapping[str, bytes]:
    parts = {name: text.encode() for name, text in call.request.form.items()}
    for name, file in call.request.files.items():
        parts[name] = file.read()
        file.close()
    missing = {"job", "content"} - set(parts)
    if missing:
        raise Refusal("INVALIDJOB", f"InvalidJob : A multipart request needs a part called {min(missing)}.")
    return parts


def _write(call: Call, job: _IngestJob, kind: SObject) -> None:
    key, sheet = job.external_id or "Id", job.sheet
    loader = Loader(call=call, kind=kind, operation=job.operation, key=key, names=sheet.names)
    outcomes = loader.load(sheet.records(call.org, kind))
    for outcome, row, given in zip(outcomes, sheet.rows, sheet.given_ids(), strict=True):
        if outcome.refusal is None:
            job.done.append([outcome.id, "true" if outcome.created else "false", *row])
        else:
            job.failed.append([given, outcome.error, *row])
    job.written = True


def _read(job: _IngestJob) -> str | None:
    """Reads the upload; says what is wrong with one that cannot be read."""
    try:
        job.sheet = read_sheet(job.data, delimiter=DELIMITERS[job.delimiter], ending=job.ending)
    except UnreadableError as error:
        return str(error)
    finally:
        # The rows are kept; the upload as it was is not needed any more.
        job.data = b""
    return None


def _kind(call: Call, body: Mapping[str, Any]) -> SObject:
    name = body.get("object")
    kind = call.org.objects.find(str(name or ""))
    if kind is None:
        raise Refusal("INVALIDJOB", f"InvalidJob : Unable to find object: {name or ''}")
    if kind.setup:
        raise no_entity(name)
    return kind


def _first(job: _IngestJob, what: str) -> str:
    return f'"sf__Id"{DELIMITERS[job.delimiter]}"{what}"'


def _created(job: _IngestJob) -> dict[str, Any]:
    key = {"externalIdFieldName": job.external_id} if job.external_id else {}
    rule = {"assignmentRuleId": job.assignment_rule} if job.assignment_rule else {}
    return job.shown() | key | rule | job.form()


def _briefly(job: _IngestJob) -> dict[str, Any]:
    """The job in a list, without its counts (Guide, "Get Information About All Ingest Jobs")."""
    more = {"jobType": "V2Ingest", "lineEnding": job.ending, "columnDelimiter": job.delimiter}
    return _created(job) | more


def _shown(job: _IngestJob) -> dict[str, Any]:
    counts: dict[str, Any] = {
        "numberRecordsProcessed": len(job.done) + len(job.failed) if job.over else 0,
        "numberRecordsFailed": len(job.failed) if job.over else 0,
        "retries": 0,
        "totalProcessingTime": 0,
        "apiActiveProcessingTime": 0,
        "apexProcessingTime": 0,
    }
    if job.state == "Failed":
        counts["errorMessage"] = job.error
    return _briefly(job) | counts
