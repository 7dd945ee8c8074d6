"""Jobs and batches of the Bulk API, the older of the two: their states, and how they describe themselves."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from closedloop.sandbox.salesforce.bulk.dataload import Tree
from closedloop.sandbox.salesforce.bulk.loading import Outcome
from closedloop.sandbox.salesforce.records.values import to_json
from closedloop.sandbox.salesforce.refusal import Refusal
from closedloop.sandbox.salesforce.schema.sobject import SObject

QUERIES = ("query", "queryAll")
_OVER = ("Completed", "Failed", "NotProcessed")


@dataclass(slots=True, kw_only=True)
class Batch:
    """One batch. `run` does its work, which happens when it has been asked about `waits` times.

    `outcomes` are those of its records; `results` the answers of a query, by the id of the result.
    """

    id: str
    job_id: str
    at: datetime
    request: bytes
    waits: int
    run: Callable[[Batch], None]
    state: str = "Queued"
    message: str | None = None
    processed: int = 0
    outcomes: list[Outcome] = field(default_factory=list)
    results: dict[str, Callable[[], bytes]] = field(default_factory=dict)

    @property
    def over(self) -> bool:
        """Whether nothing will happen to it any more."""
        return self.state in _OVER

    @property
    def failed(self) -> int:
        """How many of its records were refused."""
        return sum(outcome.refusal is not None for outcome in self.outcomes)

    def poll(self) -> None:
        """Somebody asks how it goes."""
        if self.over:
            return
        if self.waits > 0:
            self.waits -= 1
            self.state = "InProgress"
        else:
            self.work()

    def work(self) -> None:
        """Does it now."""
        self.state = "Completed"
        run, self.run = self.run, _done
        run(self)

    def fail(self, message: str) -> None:
        """It fails as a whole, and says why."""
        self.state, self.message = "Failed", message

    def shown(self) -> Tree:
        """The batchInfo."""
        return [
            ("id", self.id),
            ("jobId", self.job_id),
            ("state", self.state),
            ("stateMessage", self.message),
            ("createdDate", to_json(self.at)),
            ("systemModstamp", to_json(self.at)),
            ("numberRecordsProcessed", self.processed),
            ("numberRecordsFailed", self.failed),
            ("totalProcessingTime", 0),
            ("apiActiveProcessingTime", 0),
            ("apexProcessingTime", 0),
        ]


@dataclass(slots=True, kw_only=True)
class Job:
    """One job. `chunk` is the size of the chunks of a query that is split by ids, None without."""

    id: str
    operation: str
    kind: SObject
    user: str
    at: datetime
    version: str
    content_type: str
    concurrency: str
    external_id: str | None = None
    assignment_rule: str | None = None
    chunk: int | None = None
    chunk_from: str = ""
    fields: Mapping[str, str] = field(default_factory=dict)
    state: str = "Open"
    batches: dict[str, Batch] = field(default_factory=dict)

    @property
    def queries(self) -> bool:
        """Whether it reads."""
        return self.operation in QUERIES

    def move(self, state: str) -> None:
        """Closes or aborts it. Batches that did not begin are not processed then."""
        if state not in ("Closed", "Aborted"):
            raise Refusal("InvalidJobState", f"Invalid job state: {state}")
        if self.state != "Open" and (state, self.state) != ("Aborted", "Closed"):
            # As quoted in the tests of a connector in Java.
            verb = "Closing" if state == "Closed" else "Aborting"
            raise Refusal("InvalidJobState", f"{verb} already {self.state.lower()} Job not allowed")
        self.state = state
        for batch in self.batches.values():
            if state == "Aborted" and not batch.over:
                batch.state = "NotProcessed"

    def shown(self) -> Tree:
        """The jobInfo."""
        batches = list(self.batches.values())
        return [
            ("id", self.id),
            ("operation", self.operation),
            ("object", self.kind.name),
            ("createdById", self.user),
            ("createdDate", to_json(self.at)),
            ("systemModstamp", to_json(self.at)),
            ("state", self.state),
            ("externalIdFieldName", self.external_id),
            ("concurrencyMode", self.concurrency),
            ("contentType", self.content_type),
            *_counts(batches),
            ("numberRecordsProcessed", sum(batch.processed for batch in batches)),
            ("numberRetries", 0),
            ("apiVersion", float(self.version)),
            ("assignmentRuleId", self.assignment_rule),
            ("numberRecordsFailed", sum(batch.failed for batch in batches)),
            ("totalProcessingTime", 0),
            ("apiActiveProcessingTime", 0),
            ("apexProcessingTime", 0),
        ]

    def briefly(self) -> Mapping[str, Any]:
        """The job in a list (Bulk API 2.0 Guide, "Get Information About All Ingest Jobs")."""
        shown = {name: value for name, value in self.shown() if value is not None and "number" not in name}
        return {name: value for name, value in shown.items() if "Time" not in name} | {"jobType": "Classic"}


def _done(_: Batch) -> None:
    """The work of a batch that has done it: what that needed (the request, for one) is let go."""


def _counts(batches: list[Batch]) -> list[tuple[str, Any]]:
    states = [batch.state for batch in batches]
    shown = ("Queued", "InProgress", "Completed", "Failed")
    counts = [(f"numberBatches{state}", states.count(state)) for state in shown]
    return [*counts, ("numberBatchesTotal", len(batches))]
