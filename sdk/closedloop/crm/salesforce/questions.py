"""What the adapter asks an org again and again: rows, descriptions, and whether its writes went well."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, TypeVar
from urllib.parse import quote

from closedloop.crm import retry
from closedloop.crm.raw import Sender
from closedloop.crm.salesforce.answers import error_of, is_collection
from closedloop.crm.salesforce.soql import Question
from closedloop.crm.wire import loads
from closedloop.errors import AnswerError, GoneError, QuotaError, RefusedError, RetryableError

T = TypeVar("T")
Row = dict[str, Any]

_LONGEST_URL = 2_000  # what Salesforce recommends (Help 000386264); a longer query travels in a composite
_QUERIES_PER_COMPOSITE = 5  # of the 25 subrequests, no more than 5 may be queries
_QUERY_DEADLINE = 600.0
"""Seconds that all pages of a query may take; each of its requests has a deadline of its own."""
_NEXT = re.compile(r"/services/data/v\d+\.\d/query(?:All)?/[\w-]+")
_NAME = re.compile(r"[A-Za-z]\w*")


class Questions(Sender):
    """Asks by means of `request`, which a connection gives."""

    api_version: str

    def get(self, path: str) -> Any:
        """The decoded answer of a GET on a path below the API version; None for an empty one."""
        return loads(self.request("GET", path).body)

    def describe(self, sobject: str) -> Row | None:
        """What the org says about an object; None when it has no such object, or shows us none."""
        if not _NAME.fullmatch(sobject):
            raise ValueError(f"{sobject!r} is no API name of an object")
        try:
            answer = self.get(f"sobjects/{sobject}/describe")
        except GoneError:
            return None
        return _shaped(answer, "fields")

    def query(self, questions: Sequence[Question]) -> list[list[Row]]:
        """All rows of each query, in order; several queries, or a long one, cost one API request per five."""
        if len(questions) == 1 and len(quote(questions[0].soql)) <= _LONGEST_URL:
            return _anew(lambda: [self._single(questions[0])])
        answers: list[list[Row]] = []
        for start in range(0, len(questions), _QUERIES_PER_COMPOSITE):
            answers += _anew(partial(self._composite, questions[start : start + _QUERIES_PER_COMPOSITE]))
        return answers

    def update(self, records: Sequence[Row]) -> list[Row]:
        """Writes up to 200 records by their `id`; one result each, in order."""
        return self._collection("composite/sobjects", records)

    def upsert(self, sobject: str, key: str, records: Sequence[Row]) -> list[Row]:
        """Writes up to 200 records of an object by the external id field `key`; one result each, in order."""
        return self._collection(f"composite/sobjects/{sobject}/{key}", records)

    def _collection(self, path: str, records: Sequence[Row]) -> list[Row]:
        body = {"allOrNone": False, "records": list(records)}
        answer = loads(self.request("PATCH", path, body=body, repeatable=True).body)
        if not is_collection(answer) or len(answer) != len(records):
            raise _unexpected("one result per record")
        return list(answer)

    def _single(self, asked: Question) -> list[Row]:
        answer = self.request("GET", f"{asked.resource}/", params={"q": asked.soql})
        return self._rows(loads(answer.body))

    def _composite(self, questions: Sequence[Question]) -> list[list[Row]]:
        root = f"/services/data/v{self.api_version}"
        requested = [
            {
                "method": "GET",
                "url": f"{root}/{asked.resource}?q={quote(asked.soql)}",
                "referenceId": f"q{place}",
            }
            for place, asked in enumerate(questions)
        ]
        answer = self.request("POST", "composite", body={"compositeRequest": requested}, repeatable=True)
        parts = {
            part.get("referenceId"): part
            for part in _shaped(loads(answer.body), "compositeResponse")["compositeResponse"]
            if isinstance(part, dict)
        }
        return [self._rows(_part(parts.get(f"q{place}"))) for place in range(len(questions))]

    def _rows(self, answer: Any) -> list[Row]:
        """The rows of a query and of all its continuations."""
        rows: list[Row] = []
        while True:
            page = _shaped(answer, "records")["records"]
            if not all(isinstance(row, dict) for row in page):
                raise _unexpected("objects as records")
            rows += page
            following = answer.get("nextRecordsUrl")
            if answer.get("done", True):
                return rows
            if not _NEXT.fullmatch(str(following)):  # it is appended to the host: anything else may leave it
                raise _unexpected("a continuation below /services/data")
            answer = self._continued(str(following))

    def _continued(self, following: str) -> Any:
        try:
            return self.get(following)
        except RefusedError as error:
            if error.reason == "query_expired":
                raise _InterruptedError(error.message, reason=error.reason, code=error.code) from error
            raise


class _InterruptedError(RetryableError):
    """A query that has to be asked anew from its beginning."""


def _anew(ask: Callable[[], T]) -> T:
    """What `ask` finds; requests are repeated by `request`, and here only what takes more than one."""
    return retry.call(ask, retry_on=_InterruptedError, attempts=3, deadline=_QUERY_DEADLINE)


def _part(part: Mapping[str, Any] | None) -> Any:
    """The body of one subrequest; its error if it failed."""
    if part is None:
        raise _unexpected("an answer to every subrequest")
    status = part.get("httpStatusCode")
    if status == 200:
        return part.get("body")
    error = error_of(status if isinstance(status, int) else 0, part.get("body"))
    if isinstance(error, RetryableError) and not isinstance(error, QuotaError):
        raise _InterruptedError(error.message, reason=error.reason, status=error.status, code=error.code)
    raise error


def _shaped(answer: Any, key: str) -> Row:
    """The answer, if it is an object with a list under `key`."""
    if isinstance(answer, dict) and isinstance(answer.get(key), list):
        return answer
    raise _unexpected(f"an object with {key}")


def _unexpected(expected: str) -> AnswerError:
    return AnswerError(
        f"this is not the answer of Salesforce's API: expected {expected}; check login_url and any proxy",
        reason="not_the_api",
    )
