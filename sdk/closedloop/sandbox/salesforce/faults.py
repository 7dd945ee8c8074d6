"""What can go wrong with an org: the faults of a plan in Salesforce's words, and refusals to order."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, TypeVar

from closedloop.sandbox.faults.effects import Act, Effect, Reply, Strike
from closedloop.sandbox.faults.engine import Asked, Faults
from closedloop.sandbox.faults.rule import Rule
from closedloop.sandbox.faults.vocabulary import POLICIES, Fault
from closedloop.sandbox.salesforce.records.late import locked
from closedloop.sandbox.salesforce.refusal import Refusal, expired_session
from closedloop.sandbox.salesforce.rest.asked import objects_in
from closedloop.schema.vocabulary import CrmName

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment
    from werkzeug import Request

    from closedloop.sandbox.salesforce.rest.api import Api

_UNKNOWN = (
    "An unexpected error occurred. Please include this ErrorId if you contact support: "
    "1452464078-314667 (-1173371248)"
)
# The words of Salesforce's own failures: issue 821 of restforce/restforce (500), the tests of
# rudderlabs/rudder-transformer (503); "Status Codes and Error Responses" (REST API Developer Guide).
_BY_STATUS: Mapping[int, tuple[str, str]] = {
    HTTPStatus.BAD_REQUEST: ("QUERY_TIMEOUT", "Your query request was running for too long."),
    HTTPStatus.FORBIDDEN: ("REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded."),
    HTTPStatus.NOT_FOUND: ("NOT_FOUND", "The requested resource does not exist"),
    HTTPStatus.INTERNAL_SERVER_ERROR: ("UNKNOWN_EXCEPTION", _UNKNOWN),
    HTTPStatus.SERVICE_UNAVAILABLE: ("SERVER_UNAVAILABLE", "Server Unavailable"),
}
_LIMITS = {
    "TotalRequests": "TotalRequests Limit exceeded.",
    "ConcurrentRequests": "ConcurrentRequests (Concurrent API Requests) Limit exceeded.",
}
_BATCHES = ("/composite", "/jobs/ingest", "/services/async")
_Notification = TypeVar("_Notification")
_OF_CALLERS = frozenset(
    {Fault.TOKEN_EXPIRED, Fault.TOKEN_REVOKED, Fault.RATE_LIMIT, Fault.QUOTA_EXHAUSTED, Fault.LOCKED}
)


class SalesforceFaults(Faults):
    """What goes wrong in one org."""

    crm = CrmName.SALESFORCE
    _batch: _StruckBatch | None = None

    def refuse(self, refusal: Refusal, *, times: int = 1, path: str = "", method: str | None = None) -> None:
        """The next `times` requests whose path contains `path` are refused so, and do nothing."""
        self.ask_for(_reply(refusal, {}), fault=refusal.code, times=times, path=path, method=method)

    def objects_in(self, environ: WSGIEnvironment) -> frozenset[str]:
        """The objects that a request is about."""
        return objects_in(environ)

    def object_of(self, rule: Rule) -> str | None:
        """The object that a request has to be about; of a batch, each record is looked at instead."""
        return None if rule.fault is Fault.PARTIAL_BATCH else rule.where.object

    def before_write(self, sobject: str) -> None:
        """Refuses a record of the batch that is struck at present, by chance; other writes pass."""
        if self._batch is not None:
            self._batch.check(sobject)

    def messages(self, notification: _Notification, sobject: str) -> list[tuple[float, _Notification]]:
        """An outbound message's notification as often as it is sent, with the seconds that each waits."""
        asked = Asked(method="", path=sobject, about=lambda: frozenset({sobject.lower()}))
        return self.sent(notification, asked)

    def effect_of(self, rule: Rule) -> Effect:
        """What a rule does in an org."""
        if rule.fault is Fault.PARTIAL_BATCH:
            return Act(within=lambda _, __, strike: self._partly(rule, strike))
        own = _EFFECTS.get(rule.fault)
        return super().effect_of(rule) if own is None else own(rule.settings)

    def fits(self, fault: Fault, asked: Asked) -> bool:
        """Whether the fault can happen to such a request: tokens end only where one is used."""
        if fault is Fault.PARTIAL_BATCH:
            return asked.method != "GET" and any(part in asked.path for part in _BATCHES)
        return fault not in _OF_CALLERS or "/oauth2/token" not in asked.path

    @contextmanager
    def _partly(self, rule: Rule, strike: Strike) -> Iterator[None]:
        given, about = rule.settings, rule.where.object
        # The org's lock is held: no other request writes meanwhile.
        self._batch = _StruckBatch(
            strike=strike,
            share=given.get("share", 0.5),
            refusal=_error({"status": HTTPStatus.BAD_REQUEST, **given}) if "code" in given else locked(),
            sobject=None if about is None else self.name_of(about),
        )
        try:
            yield
        finally:
            self._batch = None


@dataclass(slots=True, kw_only=True)
class _StruckBatch:
    """Refuses the records of one request, each with the same chance; `sobject` in lower case."""

    strike: Strike
    share: float
    refusal: Refusal
    sobject: str | None
    seen: int = 0

    def check(self, sobject: str) -> None:
        if self.sobject not in (None, sobject.lower()):
            return
        self.seen += 1
        if self.strike.draw(f"record {self.seen}") < self.share:
            raise self.refusal


def _reply(refusal: Refusal, given: Mapping[str, Any]) -> Reply:
    headers = {"WWW-Authenticate": "Token"} if refusal.status == HTTPStatus.UNAUTHORIZED else {}
    if "retry_after" in given:
        headers["Retry-After"] = str(given["retry_after"])
    return Reply(status=refusal.status, body=refusal, headers=headers, done=bool(given.get("done")))


def _error(given: Mapping[str, Any]) -> Refusal:
    """The refusal that a rule describes; what it leaves out is Salesforce's usual one of that status."""
    status = given["status"]
    code, message = _BY_STATUS.get(status, ("UNKNOWN_EXCEPTION", _UNKNOWN))
    code = given.get("code", code)
    if code == "UNABLE_TO_LOCK_ROW":
        return locked()
    return Refusal(code, given.get("message", message if "code" not in given else code), status=status)


def _limit(policy: str | None) -> Refusal:
    name = policy if policy in _LIMITS else POLICIES[CrmName.SALESFORCE][0]
    return Refusal("REQUEST_LIMIT_EXCEEDED", _LIMITS[name], status=HTTPStatus.FORBIDDEN)


@contextmanager
def _revoked(api: Api, request: Request, _: Strike) -> Iterator[None]:
    api.services.sessions.end(request.headers.get("Authorization", "").partition(" ")[2].strip())
    yield


@contextmanager
def _exhausted(api: Api, _: Request, __: Strike) -> Iterator[None]:
    api.usage.used = max(api.usage.used, api.usage.daily)
    yield


_EFFECTS: Mapping[Fault, Callable[[Mapping[str, Any]], Effect]] = {
    Fault.ERROR: lambda given: _reply(_error(given), given),
    Fault.RATE_LIMIT: lambda given: _reply(_limit(given.get("policy")), given),
    Fault.LOCKED: lambda given: _reply(locked(), given),
    Fault.UNAVAILABLE: lambda given: _reply(_error({"status": HTTPStatus.SERVICE_UNAVAILABLE}), given),
    Fault.SERVER_ERROR: lambda given: _reply(_error({"status": HTTPStatus.INTERNAL_SERVER_ERROR}), given),
    Fault.TOKEN_EXPIRED: lambda given: _reply(expired_session(), given),
    Fault.TOKEN_REVOKED: lambda _: Act(within=_revoked),
    Fault.QUOTA_EXHAUSTED: lambda _: Act(within=_exhausted),
}
