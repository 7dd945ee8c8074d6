"""The endpoints of the Bulk API, the older of the two, under `/services/async/<version>/job`.

Bulk API Developer Guide, "Bulk API"; the codes of refusals are those of its chapter "Errors", their words,
where nobody quotes them, our own.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from closedloop.sandbox.salesforce.bulk import dataload, dataload_batches, dataload_queries
from closedloop.sandbox.salesforce.bulk.dataload_jobs import QUERIES, Batch, Job
from closedloop.sandbox.salesforce.bulk.jobs import Listed, check_hard_delete
from closedloop.sandbox.salesforce.bulk.loading import UnreadableError, key_field, read_sheet
from closedloop.sandbox.salesforce.ids import long_id, new_id
from closedloop.sandbox.salesforce.records.values import seconds
from closedloop.sandbox.salesforce.refusal import Refusal
from closedloop.sandbox.salesforce.rest.call import Answer, Call
from closedloop.sandbox.salesforce.rest.route import Route, Services
from closedloop.sandbox.salesforce.rest.versions import known
from closedloop.sandbox.salesforce.schema.sobject import SObject

_WRITES = ("insert", "update", "upsert", "delete", "hardDelete")
# Clients in Python send the places in these lists instead of the words.
_MODES = ("Parallel", "Serial")
_FORMS = ("CSV", "JSON", "XML")
_KINDS = {"CSV": "text/csv", "JSON": "application/json", "XML": "application/xml"}

_Handler = Callable[[Call], Answer]


class DataloadJobs:
    """The jobs, and what is done to them."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._jobs: OrderedDict[str, Job] = OrderedDict()

    def routes(self) -> Iterator[Route]:
        """Where each endpoint is."""
        job = "/services/async/<api>/job"
        batch = f"{job}/<job>/batch"
        for methods, path, handler in (
            ("POST", job, self.create),
            ("GET POST", f"{job}/<job>", self.one),
            ("POST", f"{job}/<job>/spec", self.spec),
            ("GET POST", batch, self.batches),
            ("GET", f"{batch}/<batch>", self.batch),
            ("GET", f"{batch}/<batch>/request", self.request),
            ("GET", f"{batch}/<batch>/result", self.results),
            ("GET", f"{batch}/<batch>/result/<result>", self.result),
        ):
            yield Route(methods=methods, path=path, handler=partial(self._answer, handler), public=True)

    def listed(self) -> Iterator[Listed]:
        """The jobs, as Bulk API 2.0 lists them among its own."""
        for job in self._jobs.values():
            yield Listed(record=job.briefly(), chunked=job.chunk is not None)

    def create(self, call: Call) -> Answer:
        """POST: a new job."""
        job = self._made(call, dataload.job_info(call.request))
        self._jobs[job.id] = job
        location = f"/services/async/{job.version}/job/{job.id}"
        return self._shown(call, job, status=201, location=location)

    def one(self, call: Call) -> Answer:
        """GET: how it goes. POST: close or abort it."""
        job = self._job(call)
        if call.method == "GET":
            for batch in job.batches.values():
                batch.poll()
        else:
            job.move(str(dataload.job_info(call.request).get("state", "")))
        return self._shown(call, job)

    def spec(self, call: Call) -> Answer:
        """POST of a CSV that says which column of the batches is which field."""
        job = self._job(call)
        try:
            sheet = read_sheet(dataload.content(call.request), delimiter=",", ending=None)
        except UnreadableError as error:
            code, _, message = str(error).partition(" : ")
            raise Refusal(code, message) from None
        rows = [dict(zip(sheet.names, row, strict=True)) for row in sheet.rows]
        job.fields = {row.get("Csv Header", ""): row.get("Salesforce Field", "") for row in rows}
        return Answer(status=201)

    def batches(self, call: Call) -> Answer:
        """GET: all of the job. POST: a new one."""
        job = self._job(call)
        if call.method == "POST":
            return self._add(call, job)
        for batch in job.batches.values():
            batch.poll()
        shown = [batch.shown() for batch in job.batches.values()]
        return dataload.listing("batchInfoList", "batchInfo", shown, as_json=job.content_type == "JSON")

    def batch(self, call: Call) -> Answer:
        """GET: how one batch goes."""
        job, batch = self._batch(call)
        batch.poll()
        return dataload.answer("batchInfo", batch.shown(), as_json=job.content_type == "JSON")

    def request(self, call: Call) -> Answer:
        """GET of what was sent as the batch."""
        job, batch = self._batch(call)
        return Answer(raw=batch.request, kind=_KINDS[job.content_type])

    def results(self, call: Call) -> Answer:
        """GET: of records what became of them, of a query the ids of its results."""
        job, batch = self._done(call)
        if not job.queries:
            return Answer(raw=dataload_batches.results(job, batch), kind=_KINDS[job.content_type])
        if job.content_type == "JSON":
            return Answer(raw=dataload.to_json(list(batch.results)), kind=_KINDS["JSON"])
        ids = [("result", name) for name in batch.results]
        return Answer(raw=dataload.document("result-list", ids), kind=_KINDS["XML"])

    def result(self, call: Call) -> Answer:
        """GET of one result of a query."""
        job, batch = self._done(call)
        render = batch.results.get(call.path["result"][:15])
        if render is None:
            raise Refusal("InvalidBatch", f"Unable to find result: {call.path['result']}")
        return Answer(raw=render(), kind=_KINDS[job.content_type])

    def _answer(self, handler: _Handler, call: Call) -> Answer:
        try:
            self._let_in(call)
            return handler(call)
        except Refusal as refusal:
            return dataload.refused(refusal, as_json=dataload.in_json(call.request))

    def _let_in(self, call: Call) -> None:
        if not known(call.path["api"]):
            raise Refusal("InvalidVersion", f"Invalid API version: {call.path['api']}")
        if not self._services.sessions.holds(call.request.headers.get("X-SFDC-Session", "")):
            raise Refusal("InvalidSessionId", "Invalid session id")
        try:
            self._services.usage.count()
        except Refusal as refusal:
            raise Refusal("ExceededQuota", refusal.message) from None

    def _made(self, call: Call, given: Mapping[str, Any]) -> Job:
        operation, form = str(given.get("operation", "")), str(given.get("contentType") or "XML")
        if operation not in (*QUERIES, *_WRITES):
            raise Refusal("InvalidJob", f"Unable to find operation {operation}")
        if form not in _FORMS:
            raise Refusal("InvalidJob", f"Content type {form} is not supported by the sandbox.")
        if operation == "hardDelete":
            check_hard_delete(call.org, self._services.bulk, "FeatureNotEnabled")
        kind = _kind(call, str(given.get("object", "")), operation)
        chunk = dataload_queries.chunk_of(call.request.headers.get("Sforce-Enable-PKChunking"))
        return Job(
            id=new_id("750", call.org.number()),
            operation=operation,
            kind=kind,
            user=call.user,
            at=seconds(call.org.clock()),
            version=call.path["api"],
            content_type=form,
            concurrency=_mode(given.get("concurrencyMode")),
            external_id=_key(kind, given) if operation == "upsert" else None,
            assignment_rule=given.get("assignmentRuleId") or None,
            chunk=None if chunk is None or operation not in QUERIES else chunk[0],
            chunk_from="" if chunk is None else chunk[1],
        )

    def _add(self, call: Call, job: Job) -> Answer:
        if job.state != "Open":
            raise Refusal("InvalidJobState", f"The job is {job.state}: it takes no further batch.")
        usage = self._services.usage
        if usage.batches >= usage.daily_batches:
            raise Refusal("ExceededQuota", "ApiBatchItems Limit exceeded.")
        data = dataload.content(call.request)
        if not data.strip():
            raise Refusal("ClientInputError", "The batch is empty.")
        if len(data) > dataload_batches.MOST_BYTES:
            raise Refusal("ClientInputError", "A batch is at most 10 MB large.")
        batch = self._new_batch(call, job, data)
        location = f"/services/async/{job.version}/job/{job.id}/batch/{batch.id}"
        as_json = job.content_type == "JSON"
        return dataload.answer("batchInfo", batch.shown(), as_json=as_json, status=201, location=location)

    def _new_batch(self, call: Call, job: Job, data: bytes) -> Batch:
        # Later on only the org and the user of the call are needed, and the request is gone.
        kept = replace(call, path={"version": job.version})
        if not job.queries:
            return self._queued(kept, job, data, lambda batch: dataload_batches.write(kept, job, batch))
        text = data.decode("utf-8", "replace")
        if dataload_queries.divides(job):
            return self._queued(kept, job, data, lambda batch: self._divide(kept, job, batch, text))
        return self._queued(kept, job, data, partial(dataload_queries.read, kept, job, text=text))

    def _queued(self, call: Call, job: Job, data: bytes, run: Callable[[Batch], None]) -> Batch:
        batch = Batch(
            id=new_id("751", call.org.number()),
            job_id=job.id,
            at=seconds(call.org.clock()),
            request=data,
            waits=self._services.bulk.polls,
            run=self._failing(run),
        )
        job.batches[batch.id] = batch
        self._services.usage.count_batch()
        if not batch.waits:
            batch.work()
            return replace(batch, state="Queued", message=None, processed=0, outcomes=[])
        return batch

    def _failing(self, run: Callable[[Batch], None]) -> Callable[[Batch], None]:
        def work(batch: Batch) -> None:
            failure = self._services.bulk.failure()
            if failure is None:
                run(batch)
            else:
                batch.fail(failure)

        return work

    def _divide(self, call: Call, job: Job, batch: Batch, text: str) -> None:
        batch.state = "NotProcessed"
        for low, high in dataload_queries.chunks(call.org, job):
            run = partial(dataload_queries.read, call, job, text=text, low=low, high=high)
            self._queued(call, job, dataload_queries.bounded(text, low, high).encode(), run)

    def _job(self, call: Call) -> Job:
        job = self._jobs.get(long_id(call.path["job"]) or "")
        if job is None:
            raise Refusal("InvalidJob", f"Unable to find job: {call.path['job']}")
        return job

    def _batch(self, call: Call) -> tuple[Job, Batch]:
        job = self._job(call)
        batch = job.batches.get(long_id(call.path["batch"]) or "")
        if batch is None:
            raise Refusal("InvalidBatch", f"Unable to find batch: {call.path['batch']}")
        return job, batch

    def _done(self, call: Call) -> tuple[Job, Batch]:
        job, batch = self._batch(call)
        if not batch.over:
            raise Refusal("InvalidBatch", "Batch not completed")
        if batch.state != "Completed":
            raise Refusal("InvalidBatch", "Records not processed")
        return job, batch

    def _shown(self, call: Call, job: Job, *, status: int = 200, location: str = "") -> Answer:
        as_json = dataload.in_json(call.request)
        return dataload.answer("jobInfo", job.shown(), as_json=as_json, status=status, location=location)


def _key(kind: SObject, given: Mapping[str, Any]) -> str:
    found, wrong = key_field(kind, given.get("externalIdFieldName"))
    if found is None:
        raise Refusal("InvalidJob", wrong)
    return found


def _kind(call: Call, name: str, operation: str) -> SObject:
    kind = call.org.objects.find(name)
    if kind is None:
        raise Refusal("InvalidJob", f"Unable to find object: {name}")
    if kind.setup and operation not in QUERIES:
        raise Refusal("InvalidEntity", f"Entity '{kind.name}' is not supported by the Bulk API.")
    return kind


def _mode(given: Any) -> str:
    if given in (None, ""):
        return _MODES[0]
    mode = _MODES[given] if type(given) is int and given in (0, 1) else given
    if mode not in _MODES:
        raise Refusal("InvalidJob", f"Invalid concurrencyMode: {given}")
    return str(mode)
