"""What both kinds of Bulk API 2.0 jobs have in common: their life, their bodies, how a test steers them.

Bulk API 2.0 and Bulk API Developer Guide; the bodies are those of recorded jobs (reference: Error and result
bodies). The codes of refusals that nobody recorded are marked where they are made.
"""

from __future__ import annotations

import csv
import io
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

from closedloop.sandbox.salesforce.call import Answer, Call
from closedloop.sandbox.salesforce.ids import new_id
from closedloop.sandbox.salesforce.refusal import Refusal, not_found
from closedloop.sandbox.salesforce.values import seconds, to_json

DELIMITERS: Mapping[str, str] = {
    "BACKQUOTE": "`",
    "CARET": "^",
    "COMMA": ",",
    "PIPE": "|",
    "SEMICOLON": ";",
    "TAB": "\t",
}
ENDINGS: Mapping[str, str] = {"LF": "\n", "CRLF": "\r\n"}
_LONGEST_UPLOAD = 100 * 1024 * 1024
_PAGE = 50_000


class Steering:
    """How jobs go. `polls` is how often a job answers InProgress before it is done; `page` is how many rows
    one set of query results has at most; `most_bytes` is the largest upload."""

    def __init__(self) -> None:
        self.polls = 0
        self.page = _PAGE
        self.most_bytes = _LONGEST_UPLOAD
        self._failures: list[str] = []

    def fail(self, message: str) -> None:
        """The next job that is started fails as a whole, with this errorMessage."""
        self._failures.append(message)

    def failure(self) -> str | None:
        """The message of the failure planned next, which is then used up."""
        return self._failures.pop(0) if self._failures else None


@dataclass(slots=True, kw_only=True)
class Job:
    """One job. `waits` counts the polls until it shows what became of it."""

    id: str
    operation: str
    sobject: str
    user: str
    at: datetime
    version: str
    state: str
    delimiter: str
    ending: str
    waits: int = 0
    outcome: str = "JobComplete"
    error: str | None = None

    def poll(self) -> None:
        """Somebody asks how it goes."""
        if self.state not in ("UploadComplete", "InProgress"):
            return
        self.state = "InProgress" if self.waits > 0 else self.outcome
        self.waits -= 1

    @property
    def over(self) -> bool:
        """Whether nothing will happen to it any more."""
        return self.state in ("JobComplete", "Failed", "Aborted")

    def shown(self) -> dict[str, Any]:
        """Its description, as far as both kinds of jobs and all answers share it."""
        return {
            "id": self.id,
            "operation": self.operation,
            "object": self.sobject,
            "createdById": self.user,
            "createdDate": to_json(self.at),
            "systemModstamp": to_json(self.at),
            "state": self.state,
        }

    def form(self) -> dict[str, Any]:
        """The rest of it that both share."""
        return {"concurrencyMode": "Parallel", "contentType": "CSV", "apiVersion": float(self.version)}

    def fail(self, message: str) -> None:
        """Lets it fail as a whole, once it has been polled enough."""
        self.outcome, self.error = "Failed", message

    def text(self, rows: Iterable[Sequence[Any]]) -> str:
        """The rows as CSV in the job's own format, every value in quotes (the Guide's examples)."""
        out = io.StringIO()
        writer = csv.writer(
            out,
            delimiter=DELIMITERS[self.delimiter],
            lineterminator=ENDINGS[self.ending],
            quoting=csv.QUOTE_ALL,
        )
        writer.writerows(rows)
        return out.getvalue()


_Kind = TypeVar("_Kind", bound=Job)


class Jobs(Generic[_Kind]):
    """The jobs of one kind, by id."""

    def __init__(self) -> None:
        self._jobs: OrderedDict[str, _Kind] = OrderedDict()

    def add(self, job: _Kind) -> None:
        """Keeps a new job."""
        self._jobs[job.id] = job

    def of(self, call: Call) -> _Kind:
        """The job named in the address."""
        job = self._jobs.get(call.path["job"])
        if job is None:
            raise not_found()
        return job

    def all(self) -> list[_Kind]:
        """Every job, the oldest first."""
        return list(self._jobs.values())

    def delete(self, call: Call) -> Answer:
        """DELETE of a job that is over."""
        job = self.of(call)
        if not job.over:
            raise wrong_state(job)
        del self._jobs[job.id]
        return Answer(status=204)


def basics(call: Call, body: Mapping[str, Any]) -> dict[str, Any]:
    """What every new job has, from the request that makes it."""
    delimiter, ending = body.get("columnDelimiter", "COMMA"), body.get("lineEnding", "LF")
    if delimiter not in DELIMITERS or ending not in ENDINGS or body.get("contentType", "CSV") != "CSV":
        # The words of the real refusal are not known.
        raise Refusal("INVALIDJOB", "Jobs are CSV, with a known columnDelimiter and lineEnding.")
    return {
        "id": new_id("750", call.org.number()),
        "user": call.user,
        "at": seconds(call.org.clock()),
        "version": call.version,
        "delimiter": delimiter,
        "ending": ending,
    }


def wanted_state(call: Call) -> str:
    """The state that a PATCH asks for."""
    return str(call.body().get("state", ""))


def wrong_state(job: Job) -> Refusal:
    """The job cannot do that in its state.

    Unverified: the code is the Bulk API's InvalidJobState in the capitals of 2.0, the words are our own.
    """
    return Refusal("INVALIDJOBSTATE", f"The job is {job.state}: this cannot be done to it now.")


def no_entity(name: object) -> Refusal:
    """The object is unknown, or not for the Bulk API; in the words that clients of it look for."""
    return Refusal("INVALIDENTITY", f"Entity '{name}' is not supported by the Bulk API.")
