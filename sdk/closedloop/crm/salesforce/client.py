"""The connection to one org: the only module that knows simple-salesforce, whose errors end here.

What the library leaves to its users is done here: the token and its renewal (its own renewal can repeat
without end and loses headers), timeouts, retries, exact numbers, checked ids and continuation addresses,
and errors by their code. Everything sent is safe to repeat: queries, updates by id, upserts by external id.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from typing import Any, TypeVar
from urllib.parse import quote

import requests
from simple_salesforce.api import Salesforce
from simple_salesforce.exceptions import SalesforceError

from closedloop.crm import retry
from closedloop.crm.salesforce.answers import error_of, is_collection
from closedloop.crm.salesforce.credentials import SalesforceCredentials, checked_origin
from closedloop.crm.salesforce.soql import Question
from closedloop.crm.salesforce.transport import Session, decoded
from closedloop.errors import AnswerError, AuthenticationError, GoneError, RetryableError, SettingsError

T = TypeVar("T")
Row = dict[str, Any]

TIMEOUTS = (5.0, 125.0)
"""Seconds to connect and to wait for an answer: Salesforce itself gives up on a query after 120."""
_LONGEST_URL = 2_000  # what Salesforce recommends (Help 000386264); a longer query travels in a composite
_QUERIES_PER_COMPOSITE = 5  # of the 25 subrequests, no more than 5 may be queries
_NEXT = re.compile(r"/services/data/v\d+\.\d/query(?:All)?/[\w-]+")
_NAME = re.compile(r"[A-Za-z]\w*")
_USAGE = re.compile(r"(?<![\w-])api-usage=(\d+)/(\d+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """How many API requests the org has used of those that it has per 24 hours."""

    used: int
    total: int


class Client:
    """Talks to one org. Threads may share it; `usage` is what the newest answer said."""

    def __init__(
        self, credentials: SalesforceCredentials, *, timeouts: tuple[float, float] = TIMEOUTS
    ) -> None:
        self.usage: Usage | None = None
        self._credentials = credentials
        self._session = Session(timeouts, self._note_usage)
        self._lock = threading.Lock()
        self._salesforce: Salesforce | None = None

    def get(self, path: str) -> Any:
        """The decoded answer of a GET on a path below the API version; None for an empty one."""
        return self._send(lambda salesforce: salesforce.restful(path))

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
            return [self._send(partial(_single, question=questions[0]))]
        answers: list[list[Row]] = []
        for start in range(0, len(questions), _QUERIES_PER_COMPOSITE):
            part = questions[start : start + _QUERIES_PER_COMPOSITE]
            answers += self._send(partial(_composite, questions=part))
        return answers

    def update(self, records: Sequence[Row]) -> list[Row]:
        """Writes up to 200 records by their `id`; one result each, in order."""
        return self._collection("composite/sobjects", records)

    def upsert(self, sobject: str, key: str, records: Sequence[Row]) -> list[Row]:
        """Writes up to 200 records of an object by the external id field `key`; one result each, in order."""
        return self._collection(f"composite/sobjects/{sobject}/{key}", records)

    def _collection(self, path: str, records: Sequence[Row]) -> list[Row]:
        body = json.dumps({"allOrNone": False, "records": list(records)})
        answer = self._send(lambda salesforce: salesforce.restful(path, method="PATCH", data=body))
        if answer is None or not is_collection(answer) or len(answer) != len(records):
            raise _unexpected("one result per record")
        return list(answer)

    def _send(self, send: Callable[[Salesforce], T]) -> T:
        return retry.call(lambda: self._once(send))

    def _once(self, send: Callable[[Salesforce], T]) -> T:
        """One attempt; a token that expired is renewed once, and the request replayed once."""
        salesforce = self._connected()
        try:
            return _ours(lambda: send(salesforce))
        except AuthenticationError as error:
            if error.status != 401 or not self._credentials.renewable:
                raise
        return _ours(lambda: send(self._connected(stale=salesforce)))

    def _connected(self, *, stale: Salesforce | None = None) -> Salesforce:
        """The present connection; a new one if `stale` still is it. Of many threads only one renews."""
        with self._lock:
            if self._salesforce is None or self._salesforce is stale:
                self._salesforce = _ours(lambda: self._connect(renew=stale is not None))
            return self._salesforce

    def _connect(self, *, renew: bool) -> Salesforce:
        """A connection with the given token, or with one of our own fetching: also after a change of host."""
        credentials = self._credentials
        if credentials.access_token and not renew:
            token, instance = credentials.access_token, credentials.login_url
        else:
            token, instance = self._token()
        self._session.reach(instance)
        return Salesforce(
            session_id=token,
            instance_url=instance,
            session=self._session,
            version=self._credentials.api_version,
            parse_float=Decimal,
            object_pairs_hook=dict,
        )

    def _token(self) -> tuple[str, str]:
        """A new access token and the address it is for, by the OAuth client-credentials flow."""
        response = self._session.post(
            f"{self._credentials.login_url}/services/oauth2/token",
            data={
                "grant_type": "client_credentials",
                "client_id": self._credentials.client_id,
                "client_secret": self._credentials.client_secret,
            },
        )
        body = decoded(response)
        if response.status_code != 200:
            raise error_of(response.status_code, body)
        token, instance = (
            body.get(key) if isinstance(body, dict) else None for key in ("access_token", "instance_url")
        )
        if not (isinstance(token, str) and token and isinstance(instance, str)):
            raise _unexpected("access_token and instance_url")
        try:
            return token, checked_origin(instance, "instance_url")
        except SettingsError as exc:
            raise AnswerError(
                f"Salesforce sent an unusable address: {exc.message}", reason="bad_instance"
            ) from exc

    def _note_usage(self, header: str) -> None:
        """Reads `api-usage=18/5000; per-app-api-usage=17/250(appName=…)`, in either order."""
        if found := _USAGE.search(header):
            self.usage = Usage(used=int(found[1]), total=int(found[2]))


def _ours(send: Callable[[], T]) -> T:
    """What `send` returns; errors of the library, of the network and of decoding become ours."""
    try:
        return send()
    except SalesforceError as exc:
        body: Any = exc.content
        if is_collection(body):
            return body  # type: ignore[no-any-return]  # some orgs answer 400 where every record failed
        raise error_of(exc.status, body) from exc
    except (requests.exceptions.JSONDecodeError, json.JSONDecodeError, UnicodeDecodeError, TypeError) as exc:
        raise _unexpected("JSON") from exc
    except requests.RequestException as exc:
        # The text of these errors holds addresses with whole queries in them: name the kind only.
        raise RetryableError(
            f"no answer from Salesforce ({type(exc).__name__}): check the network and login_url",
            reason="no_answer",
        ) from exc


def _single(salesforce: Salesforce, question: Question) -> list[Row]:
    return _rows(salesforce, salesforce.query(question.soql, include_deleted=question.deleted))


def _composite(salesforce: Salesforce, questions: Sequence[Question]) -> list[list[Row]]:
    root = f"/services/data/v{salesforce.sf_version}"
    requested = [
        {"method": "GET", "url": f"{root}/{asked.resource}?q={quote(asked.soql)}", "referenceId": f"q{place}"}
        for place, asked in enumerate(questions)
    ]
    answer = salesforce.restful("composite", method="POST", data=json.dumps({"compositeRequest": requested}))
    parts = {
        part.get("referenceId"): part for part in _shaped(answer, "compositeResponse")["compositeResponse"]
    }
    return [_rows(salesforce, _part(parts.get(f"q{place}"))) for place in range(len(questions))]


def _part(part: Mapping[str, Any] | None) -> Any:
    """The body of one subrequest; its error if it failed."""
    if part is None:
        raise _unexpected("an answer to every subrequest")
    if part.get("httpStatusCode") != 200:
        raise error_of(int(part.get("httpStatusCode") or 0), part.get("body"))
    return part.get("body")


def _rows(salesforce: Salesforce, answer: Any) -> list[Row]:
    """The rows of a query and of all its continuations."""
    rows: list[Row] = []
    while True:
        page = _shaped(answer, "records")["records"]
        if not all(isinstance(row, dict) for row in page):
            raise _unexpected("objects as records")
        rows += page
        following = answer.get("nextRecordsUrl")
        if answer.get("done", True) or not following:
            return rows
        if not _NEXT.fullmatch(str(following)):  # it is appended to the host: anything else may leave it
            raise _unexpected("a continuation below /services/data")
        answer = salesforce.query_more(following, identifier_is_url=True)


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
