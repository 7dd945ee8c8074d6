"""Calls HubSpot's API. The only module that imports `hubspot`, and none of its exceptions leaves it.

hubspot-api-client 12.0.0 brings the connections: its pool, certificates and name. Its methods are not used.
They know the numbered paths only and no campaigns, have no default timeout, raise another `ApiException` in
every package and let urllib3's through, retry no POST and no PATCH, print bodies while debugging, do not see
a renewed token, and their generated deserialiser is slow and drops fields. So every call goes out here:
under one deadline, with our errors, our retries and the token of the moment.
"""

from __future__ import annotations

import email.utils
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote, urlencode

import hubspot
import urllib3

from closedloop.crm import retry, wire
from closedloop.crm.budget import Budget, DailyBudget
from closedloop.crm.hubspot.answers import NOTHING_HAPPENED, Json, error_of
from closedloop.crm.hubspot.auth import tokens_of
from closedloop.crm.hubspot.calls import Calls
from closedloop.crm.hubspot.credentials import HubSpotCredentials
from closedloop.crm.hubspot.limiter import RollingLimit
from closedloop.crm.hubspot.paths import Paths
from closedloop.crm.hubspot.usage import Usage
from closedloop.crm.raw import Answer, checked_path
from closedloop.crm.results import Quota
from closedloop.crm.sockets import POOLS
from closedloop.crm.tokens import Token
from closedloop.errors import BadValueError, CrmError, RetryableError, UncertainError

TIMEOUT = (3.05, 30.0)
"""Seconds to connect, and between two bytes of the answer: the client library would wait for ever."""

_SAFE = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE"})
_READS = ("/search", "/batch/read")
_METHODS = _SAFE | {"POST", "PATCH"}
_NAME = re.compile(r"[\w!#$%&'*+.^`|~-]+", re.ASCII)
_TEXT = re.compile(r"[\t -~]*", re.ASCII)
_UNSENT = (urllib3.exceptions.ConnectTimeoutError, urllib3.exceptions.ProxyError)
"""A refused connection and a name that is not found are ConnectTimeoutErrors too, by urllib3's class tree."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Call:
    """One request but for its token, which is another one after a renewal."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes | None
    repeatable: bool
    searches: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class _Silence:
    """No answer came; `sent`: HubSpot may have got the request nevertheless."""

    error: RetryableError
    sent: bool


class HubSpotClient(Calls):
    """A portal's API as plain methods that give JSON. Threads may share it."""

    def __init__(
        self,
        credentials: HubSpotCredentials,
        *,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
        budget: Budget | None = None,
    ) -> None:
        super().__init__(Paths(credentials.api_version))
        self._url = credentials.base_url.rstrip("/")
        # retry=False: its retries would multiply ours. It never gets the token: see `_authorised`.
        library = hubspot.HubSpot(host=self._url, base_url=self._url, retry=False)
        api = library.crm.objects.basic_api.api_client
        self._user_agent = str(api.user_agent)
        self._pool: urllib3.PoolManager = api.rest_client.pool_manager
        self._pool.pool_classes_by_scheme = dict(POOLS)
        self._tokens = tokens_of(credentials, self._fetch_token, clock=clock)
        self._budget: Budget = budget or DailyBudget(credentials.daily_budget, clock=clock)
        self._usage = Usage()
        self._calls = RollingLimit(credentials.call_limit, seconds=10, clock=clock, sleep=sleep)
        self._searches = RollingLimit(credentials.search_limit, seconds=1, clock=clock, sleep=sleep)
        self._clock = clock
        self._answered = 0.0
        self.server_time: datetime | None = None

    @property
    def quota(self) -> Quota:
        """How many calls are allowed and used, as the last answers said; OAuth apps are not told."""
        return self._usage.quota(self._budget)

    def time_at_least(self) -> datetime | None:
        """HubSpot's time now, or a moment before: that of its last answer, and what has passed since."""
        told = self.server_time
        return None if told is None else told + timedelta(seconds=self._clock() - self._answered)

    def close(self) -> None:
        """Ends the keep-alive connections; the next call opens new ones."""
        self._pool.clear()

    def account(self) -> Json:
        """The portal's id, currency and time zone."""
        told = super().account()
        self._usage.settle(told)
        return told

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
        """Sends one request, as often as it takes and is safe; see `closedloop.crm.raw.Sender`.

        Searches and batch reads are safe whatever `repeatable` says: they only read.
        """
        if method not in _METHODS:
            raise BadValueError(f"{method!r} is no HTTP method of HubSpot's API", field="method")
        if not checked_path(path).startswith("/"):
            raise BadValueError("a path of HubSpot's begins with a slash: /crm/v3/objects/…", field="path")
        reads = method == "POST" and path.endswith(_READS)
        call = _Call(
            method=method,
            target=f"{self._url}{path}{_query(params)}",
            headers=_headers(headers, self._user_agent),
            body=body if isinstance(body, bytes) or body is None else wire.dumps(body),
            repeatable=reads or (method in _SAFE if repeatable is None else repeatable),
            searches=method == "POST" and path.endswith("/search"),
        )
        return self._repeated(call)

    # -- The one way out

    def _repeated(self, call: _Call) -> Answer:
        rejected: list[Token] = []

        def once() -> Answer:
            return self._told(call, self._authorised(call, rejected))

        return retry.call(once)

    def _authorised(self, call: _Call, rejected: list[Token]) -> Answer | _Silence:
        """What comes back; after a 401 with a new token, if there can be one, but once for a call."""
        token = self._tokens.present(rejected=rejected[0] if rejected else None)
        outcome = self._sent(call, token)
        refused = isinstance(outcome, Answer) and outcome.status == 401
        if refused and self._tokens.renewable and not rejected:
            rejected.append(token)
            outcome = self._sent(call, self._tokens.present(rejected=token))
        return outcome

    def _sent(self, call: _Call, token: Token) -> Answer | _Silence:
        if call.searches:
            self._searches.wait(most=retry.remaining(float("inf")))
        self._calls.wait(most=retry.remaining(float("inf")))
        self._budget.spend()
        headers = {**call.headers, "Authorization": f"Bearer {token.value}"}
        outcome = self._exchanged(call.method, call.target, headers, call.body)
        if isinstance(outcome, Answer):
            self._usage.note(outcome.headers)
        return outcome

    def _fetch_token(self, form: Mapping[str, str]) -> Answer:
        """Asks for a token: without one, uncounted by HubSpot's limits, and repeated by whoever needs it."""
        headers = {
            "Accept": "application/json",
            "Content-Type": "application/x-www-form-urlencoded",
            "User-Agent": self._user_agent,
        }
        target = f"{self._url}{self._paths.of('token')}"
        outcome = self._exchanged("POST", target, headers, urlencode(form).encode())
        if isinstance(outcome, _Silence):
            raise outcome.error
        if not 200 <= outcome.status < 300:
            raise error_of(outcome.status, outcome.headers, outcome.body)
        return outcome

    def _told(self, call: _Call, outcome: Answer | _Silence) -> Answer:
        """The answer, if it is a success; else the error that it is. Errors are raised here, outside of
        every handler: those of the transport hold URLs and headers."""
        if isinstance(outcome, Answer) and 200 <= outcome.status < 300:
            return outcome
        if isinstance(outcome, _Silence):
            error: CrmError = outcome.error
            proven = not outcome.sent
        else:
            resets_at = self._usage.resets_at
            error = error_of(outcome.status, outcome.headers, outcome.body, resets_at=resets_at)
            proven = outcome.status in NOTHING_HAPPENED
        if isinstance(error, RetryableError) and not proven and not call.repeatable:
            error = _uncertain(error)
        raise error

    def _exchanged(
        self, method: str, target: str, headers: Mapping[str, str], body: bytes | None
    ) -> Answer | _Silence:
        """One request and what came back. `crm.sockets` keeps reading it within the call's deadline."""
        connect, read = (retry.remaining(most) for most in TIMEOUT)
        if connect <= 0 or read <= 0:
            return _Silence(error=_late(), sent=False)
        try:
            response = self._pool.urlopen(
                method,
                target,
                redirect=False,
                retries=False,
                body=body,
                headers=dict(headers),
                timeout=urllib3.Timeout(connect=connect, read=read),
            )
        except urllib3.exceptions.HTTPError as failure:
            return _Silence(error=_no_answer(failure), sent=not isinstance(failure, _UNSENT))
        self._note_time(response.headers.get("Date"))
        told = {name.lower(): value for name, value in response.headers.items()}
        return Answer(status=response.status, headers=told, body=response.data)

    def _note_time(self, header: str | None) -> None:
        try:
            self.server_time = email.utils.parsedate_to_datetime(header or "").astimezone(UTC)
            self._answered = self._clock()
        except (ValueError, OverflowError):
            return


def _query(params: Mapping[str, str] | None) -> str:
    if not params:
        return ""
    try:
        return "?" + urlencode(params, quote_via=quote, safe=",")
    except UnicodeEncodeError:
        raise BadValueError("a parameter is not text that can be sent", field="params") from None


def _headers(given: Mapping[str, str] | None, user_agent: str) -> dict[str, str]:
    """The headers to send, each under one spelling: none can be sent twice, and no line break comes in."""
    headers = {"Accept": "application/json", "Content-Type": "application/json", "User-Agent": user_agent}
    for name, value in (given or {}).items():
        if not _NAME.fullmatch(name) or not _TEXT.fullmatch(value):
            raise BadValueError("a header is not a plain name with ASCII text", field="headers")
        headers[name.title()] = value
    return headers


def _no_answer(failure: urllib3.exceptions.HTTPError) -> RetryableError:
    refused = isinstance(failure, urllib3.exceptions.NewConnectionError)
    if isinstance(failure, urllib3.exceptions.TimeoutError) and not refused:
        return _late()
    return RetryableError(
        f"HubSpot cannot be reached ({type(failure).__name__}): check the network and the base URL",
        reason="no_connection",
    )


def _late() -> RetryableError:
    return RetryableError("HubSpot did not answer in time", reason="timeout")


def _uncertain(error: RetryableError) -> UncertainError:
    return UncertainError(
        f"HubSpot may or may not have done what was sent ({error.status or error.reason}), and doing it "
        "twice would do harm: look there before it is sent again",
        reason="uncertain",
        status=error.status,
        code=error.code,
        correlation_id=error.correlation_id,
    )
