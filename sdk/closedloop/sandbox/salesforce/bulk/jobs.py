"""What both kinds of Bulk API 2.0 jobs have in common: their life, their bodies, how a test steers them.

Bulk API 2.0 and Bulk API Developer Guide; the bodies are those of recorded jobs (reference: Error and result
bodies). The codes of refusals that nobody recorded are marked where they are made.
"""

from __future__ import annotations

import base64
import binascii
import csv
import io
import re
from collections import OrderedDict
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

from closedloop.sandbox.salesforce.ids import long_id, new_id
from closedloop.sandbox.salesforce.org import Org
from closedloop.sandbox.salesforce.records.values import seconds, to_json
from closedloop.sandbox.salesforce.refusal import Refusal, not_found
from closedloop.sandbox.salesforce.rest.call import Answer, Call

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
_JOBS_A_PAGE = 1000


class Steering:
    """How jobs go. `polls` is how often a job answers InProgress before it is done; `page` is how many rows
    one set of query results has at most; `most_bytes` is the largest upload; `hard_delete` is the permission
    to delete records for good."""

    def __init__(self) -> None:
        self.polls = 0
        self.page = _PAGE
        self.most_bytes = _LONGEST_UPLOAD
        self.hard_delete = False
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
    work: Callable[[], None] | None = None
    """What is still to be done; it is done when the job is polled for the first time."""

    def poll(self) -> None:
        """Somebody asks how it goes."""
        if self.state not in ("UploadComplete", "InProgress"):
            return
        self.finish()
        self.state = "InProgress" if self.waits > 0 else self.outcome
        self.waits -= 1

    def start(self, work: Callable[[], None], waits: int) -> None:
        """Lets the job begin. One that nobody needs to poll is done at once, and shows it when asked."""
        self.work, self.waits = work, waits
        if not waits:
            self.finish()

    def finish(self) -> None:
        """Does what is still to be done."""
        work, self.work = self.work, None
        if work is not None:
            work()

    def abort(self) -> None:
        """Ends it; what was not done stays undone."""
        if self.over:
            # In these words in the Guide, "Abort a Query Job".
            state = "Completed" if self.state == "JobComplete" else self.state
            raise Refusal("INVALIDJOBSTATE", f"Aborting already {state} Job not allowed")
        self.work = None
        self.state = "Aborted"

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
        """The rows as CSV in the job's own format."""
        return to_text(rows, delimiter=self.delimiter, ending=self.ending)


_Kind = TypeVar("_Kind", bound=Job)


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A job as it is listed; `chunked` are those that split their queries because they were asked to."""

    record: Mapping[str, Any]
    chunked: bool = False

    def chosen(self, call: Call) -> bool:
        """Whether the parameters of the request choose it."""
        wanted, mode = call.argument("jobType"), call.argument("concurrencyMode")
        return (
            wanted in (None, self.record["jobType"])
            and (mode is None or mode.lower() == self.record["concurrencyMode"].lower())
            and (self.chunked or call.argument("isPkChunkingEnabled") != "true")
        )


class Jobs(Generic[_Kind]):
    """The jobs of one kind, by id. `others` are those of the older Bulk API, which are listed as well."""

    def __init__(self, others: Callable[[], Iterable[Listed]] = tuple) -> None:
        self._others = others
        self._jobs: OrderedDict[str, _Kind] = OrderedDict()

    def add(self, job: _Kind) -> None:
        """Keeps a new job."""
        self._jobs[job.id] = job

    def of(self, call: Call) -> _Kind:
        """The job named in the address."""
        job = self._jobs.get(long_id(call.path["job"]) or "")
        if job is None:
            raise not_found()
        return job

    def page(self, call: Call, shown: Callable[[_Kind], dict[str, Any]]) -> Answer:
        """The jobs that the parameters choose, up to 1,000 of them (Guide, "Get Information About All …")."""
        listed = [Listed(record=shown(job)) for job in self._jobs.values()]
        records = [job.record for job in (*listed, *self._others()) if job.chosen(call)]
        start = start_of(call.argument("queryLocator"))
        end = start + _JOBS_A_PAGE
        more = f"{call.request.path}?queryLocator={locator(end)}" if end < len(records) else None
        return Answer(body={"done": more is None, "records": records[start:end], "nextRecordsUrl": more})

    def delete(self, call: Call, *, waiting: bool = False) -> Answer:
        """DELETE of a job that is over, or, where `waiting` jobs can be deleted, that did not begin."""
        job = self.of(call)
        if not job.over and not (waiting and job.state == "UploadComplete"):
            raise wrong_state(job)
        del self._jobs[job.id]
        return Answer(status=204)


def to_text(rows: Iterable[Sequence[Any]], *, delimiter: str = "COMMA", ending: str = "LF") -> str:
    """The rows as CSV, every value in quotes (the Guide's examples)."""
    out = io.StringIO()
    csv.writer(
        out, delimiter=DELIMITERS[delimiter], lineterminator=ENDINGS[ending], quoting=csv.QUOTE_ALL
    ).writerows(rows)
    return out.getvalue()


def basics(call: Call, body: Mapping[str, Any]) -> dict[str, Any]:
    """What every new job has, from the request that makes it."""
    for name, values in (
        ("contentType", ("CSV",)),
        ("columnDelimiter", DELIMITERS),
        ("lineEnding", ENDINGS),
        ("concurrencyMode", ("Parallel",)),
    ):
        one_of(body, name, values)
    return {
        "id": new_id("750", call.org.number()),
        "user": call.user,
        "at": seconds(call.org.clock()),
        "version": call.version,
        "delimiter": body.get("columnDelimiter") or "COMMA",
        "ending": body.get("lineEnding") or "LF",
    }


def one_of(body: Mapping[str, Any], name: str, values: Container[str], *, needed: bool = False) -> None:
    """Refuses a property that has none of its values (as quoted in a walkthrough of real answers)."""
    value = body.get(name)
    if (value is not None or needed) and (not isinstance(value, str) or value not in values):
        shown = "" if value is None else value
        raise Refusal("API_ERROR", f"Invalid value: '{shown}' supplied for property: '{name}'")


def locator(start: int) -> str:
    """What leads to the rows from there on: the Guide's example, MTAwMDA, is 10000 in Base64."""
    return base64.urlsafe_b64encode(str(start).encode()).decode().rstrip("=")


def start_of(given: str | None) -> int:
    """Where the rows of a locator begin."""
    if given is None:
        return 0
    try:
        number = base64.urlsafe_b64decode(given + "=" * (-len(given) % 4)).decode()
    except (binascii.Error, ValueError):
        raise bad_locator() from None
    if not re.fullmatch("[0-9]{1,15}", number):
        raise bad_locator()
    return int(number)


def bad_locator() -> Refusal:
    """The Guide does not say what a wrong locator is answered with."""
    return Refusal("INVALID_QUERY_LOCATOR", "invalid query locator")


def same_version(call: Call, job: Job) -> None:
    """Results are fetched with the version of the job (Guide, "Get Results for a Query Job": status 409)."""
    if call.version != job.version:
        message = f"The API version of the request ({call.version}) is not that of the job ({job.version})."
        raise Refusal("INVALIDVERSION", message, status=409)


def wanted_state(call: Call) -> str:
    """The state that a PATCH asks for."""
    return str(call.body().get("state", ""))


def wrong_state(job: Job) -> Refusal:
    """The job cannot do that in its state.

    Unverified: the code is the Bulk API's InvalidJobState in the capitals of 2.0, the words are our own.
    """
    return Refusal("INVALIDJOBSTATE", f"The job is {job.state}: this cannot be done to it now.")


def no_entity(name: object) -> Refusal:
    """The object is not for the Bulk API; in the words that clients of it look for."""
    return Refusal("INVALIDENTITY", f"Entity '{name}' is not supported by the Bulk API.")


def check_hard_delete(org: Org, steering: Steering, code: str) -> None:
    """Refuses hardDelete to a user who lacks the permission, in the words that clients look for.

    A permission set grants it ("Bulk API Hard Delete"; CumulusCI makes one for it).
    """
    held = org.tables.where("PermissionSetAssignment", "AssigneeId", org.integration_user_id)
    sets = (org.tables.get("PermissionSet", row["PermissionSetId"] or "") for row in held)
    if steering.hard_delete or any(one and one["PermissionsBulkApiHardDelete"] for one in sets):
        return
    message = (
        "hardDelete operation requires special user profile permission, please contact your system "
        "administrator"
    )
    raise Refusal(code, message)
