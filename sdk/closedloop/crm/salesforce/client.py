"""The connection to one org: the only module that knows simple-salesforce.

The library says where an org's API is and how a request is signed. What it leaves to its users is done here
and in the modules beside: the token and its renewal (its own can repeat without end, loses headers and keeps
the old host), timeouts, retries, exact numbers, checked paths, usage, and errors by their code.
"""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from simple_salesforce.api import Salesforce

from closedloop.crm import retry
from closedloop.crm.budget import Budget, DailyBudget
from closedloop.crm.raw import Answer, checked_path
from closedloop.crm.results import Quota
from closedloop.crm.salesforce.answers import decoded, error_of, is_collection, nothing_happened
from closedloop.crm.salesforce.auth import tokens
from closedloop.crm.salesforce.credentials import SalesforceCredentials
from closedloop.crm.salesforce.questions import Questions
from closedloop.crm.salesforce.transport import Session, unsent
from closedloop.crm.tokens import Token
from closedloop.crm.wire import dumps, moment
from closedloop.errors import (
    AuthenticationError,
    RetryableError,
    UncertainError,
)

log = logging.getLogger(__name__)

TIMEOUTS = (5.0, 125.0)
"""Seconds to connect and to wait for an answer: Salesforce itself gives up on a query after 120."""
DEADLINE = 180.0
"""Seconds that a request may take with all its repetitions: one that runs into a timeout is tried again."""
_NAME = re.compile(r"[A-Za-z]\w*")
_USAGE = re.compile(r"(?<![\w-])api-usage=(\d+)/(\d+)")
_VERSION = re.compile(r"/services/data/v[\d.]+")
_REPEATABLE = frozenset({"GET", "HEAD", "PUT", "DELETE"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """How many API requests the org has used of those that it has per 24 hours."""

    used: int
    total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Request:
    method: str
    path: str
    params: Mapping[str, str] | None
    body: bytes | None
    headers: Mapping[str, str]


class Client(Questions):
    """Talks to one org. Threads may share it; `usage` and `server_time` are what the newest answer said."""

    def __init__(
        self,
        credentials: SalesforceCredentials,
        *,
        timeouts: tuple[float, float] = TIMEOUTS,
        deadline: float = DEADLINE,
        budget: Budget | None = None,
    ) -> None:
        self.usage: Usage | None = None
        self.server_time: datetime | None = None
        self.api_version = credentials.api_version
        self._deadline = deadline
        self._budget: Budget = budget or DailyBudget(credentials.daily_budget)
        self._session = Session(timeouts, self._note)
        self._tokens = tokens(credentials, self._post)
        self._login_url = credentials.login_url
        self._lock = threading.Lock()
        self._present: tuple[Token, Salesforce] | None = None

    # -- Any request

    def request(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        repeatable: bool | None = None,
    ) -> Answer:
        """Sends one request as often as it takes and is safe; see `crm.raw.Sender`.

        A path without a leading slash is below `/services/data/v<api_version>/`. An answer that is a list
        of per-record results is a success whatever its status.
        """
        content, kind = _content(body)
        request = _Request(
            method=method,
            path=checked_path(path),
            params=params,
            body=content,
            headers={**kind, **(headers or {})},
        )
        safe = method in _REPEATABLE if repeatable is None else repeatable
        return retry.call(lambda: self._once(request, safe=safe), deadline=self._deadline)

    @property
    def calls(self) -> int:
        """The API calls of this connection in the last 24 hours; those for tokens are not counted."""
        return self._budget.spent

    def close(self) -> None:
        """Ends the keep-alive connections; new ones are opened when they are needed."""
        self._session.close()

    @property
    def quota(self) -> Quota:
        """The org's allowance of API requests, as the newest answer counted it, and what is ours of it."""
        usage = self.usage
        return Quota(
            total=usage.total if usage else None,
            used=usage.used if usage else None,
            own=self.calls,
            budget=self._budget.calls,
        )

    # -- The one way out

    def _once(self, request: _Request, *, safe: bool) -> Answer:
        """One attempt; a token that expired is renewed once, and the request replayed once, as it was."""
        token = self._tokens.present()
        try:
            return self._answered(request, token, safe=safe)
        except AuthenticationError as error:
            if error.status != 401 or not self._tokens.renewable:
                raise
        return self._answered(request, self._tokens.present(rejected=token), safe=safe)

    def _answered(self, request: _Request, token: Token, *, safe: bool) -> Answer:
        self._budget.spend()
        try:
            return self._sent(request, self._library(token))
        except RetryableError as error:
            if safe or unsent(error) or nothing_happened(error):
                raise
            raise UncertainError(
                f"nobody knows whether Salesforce did it: look before sending it again ({error.message})",
                reason=error.reason,
                status=error.status,
                code=error.code,
                correlation_id=error.correlation_id,
            ) from error

    def _sent(self, request: _Request, library: Salesforce) -> Answer:
        absolute = request.path.startswith("/")
        answer = self._session.exchange(
            request.method,
            (f"https://{library.sf_instance}" if absolute else library.base_url) + request.path,
            headers={**request.headers, "Authorization": library.headers["Authorization"]},
            params=request.params,
            body=request.body,
        )
        log.debug("%s %s was answered with %d", request.method, _resource(request.path), answer.status)
        if answer.status < 300 or answer.status == 304:
            return answer
        body = decoded(answer.body)
        if is_collection(body):
            return answer  # some orgs answer 400 where every record failed
        raise error_of(answer.status, body, answer.headers)

    def _library(self, token: Token) -> Salesforce:
        """The client library's view of the org that takes this token, which may have moved with it."""
        with self._lock:
            if self._present is None or self._present[0] is not token:
                address = token.address or self._login_url
                self._session.reach(address)
                self._present = (
                    token,
                    Salesforce(
                        session_id=token.value,
                        instance=urlsplit(address).netloc,  # of a URL it would drop IPv6's brackets
                        session=self._session,
                        version=self.api_version,
                    ),
                )
            return self._present[1]

    def _post(
        self, url: str, body: Mapping[str, str] | bytes, headers: Mapping[str, str] | None = None
    ) -> Answer:
        answer = self._session.exchange("POST", url, headers=headers or {}, body=body)
        log.info("a token was asked for and the answer was %d", answer.status)
        return answer

    def _note(self, answer: Answer) -> None:
        """Reads `api-usage=18/5000; per-app-api-usage=17/250(appName=…)`, in either order, and the time."""
        if found := _USAGE.search(answer.headers.get("sforce-limit-info", "")):
            self.usage = Usage(used=int(found[1]), total=int(found[2]))
        self.server_time = moment(answer.headers.get("date")) or self.server_time


def _content(body: Any) -> tuple[bytes | None, dict[str, str]]:
    """The body as it is sent, and the headers that say what it is."""
    if body is None or isinstance(body, bytes):
        return body, {}
    return dumps(body), {"Content-Type": "application/json"}


def _resource(path: str) -> str:
    """The kind of thing a path is about: what follows may be a person's e-mail address."""
    named = _VERSION.sub("", path).strip("/").split("/")[:2]
    return "/".join(name for name in named if _NAME.fullmatch(name))
