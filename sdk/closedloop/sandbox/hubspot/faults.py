"""What can go wrong with a portal: the faults of a plan in HubSpot's words, and failures to order.

What goes wrong on an answer's way, such as a connection that is cut, can be ordered from
`HubSpotSandbox.disturbances`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from closedloop.sandbox.faults.effects import Act, Effect, Phase, Reply, Rewritten, Strike
from closedloop.sandbox.faults.engine import Asked, Faults
from closedloop.sandbox.faults.rule import Rule
from closedloop.sandbox.faults.vocabulary import POLICIES, Fault
from closedloop.sandbox.hubspot.access.limits import RateLimitError
from closedloop.sandbox.hubspot.errors import HubSpotError, expired
from closedloop.sandbox.hubspot.records.record import stamp
from closedloop.sandbox.hubspot.rest.asked import name_of, objects_in
from closedloop.sandbox.hubspot.rest.part_batches import PartBatch
from closedloop.schema.vocabulary import CrmName

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment
    from werkzeug import Request

    from closedloop.sandbox.hubspot.rest.app import PortalApp

# A 500 has these words (issue 25 of jpetrucciani/hubspot3; the Content-Length of 100 in issue 111 of
# HubSpot/hubspot-api-python fits them). Of 423 and 477 only the status is documented ("Error handling").
_WORDS: Mapping[int, str] = {
    HTTPStatus.INTERNAL_SERVER_ERROR: "internal error",
    HTTPStatus.LOCKED: "The resource is locked. Please try again.",
    477: "Migration in progress",
}
_CLOUDFLARE = frozenset({502, 504, 520, 521, 522, 523, 524, 525, 526, 530})
"""What comes from the proxy in front of HubSpot, as a page and not as JSON."""
_OF_CALLERS = frozenset({Fault.TOKEN_EXPIRED, Fault.TOKEN_REVOKED, Fault.RATE_LIMIT, Fault.QUOTA_EXHAUSTED})


class HubSpotFaults(Faults):
    """What goes wrong in one portal."""

    crm = CrmName.HUBSPOT

    def add(
        self,
        status: int,
        *,
        path: str = "",
        method: str | None = None,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        times: int = 1,
    ) -> None:
        """Makes the next `times` calls fail; `body` is JSON, or text such as a gateway's HTML page."""
        reply = Reply(status=status, body=body, headers=headers or {})
        self.ask_for(reply, fault=str(status), times=times, path=path, method=method)

    def rate_limit(self, policy: str = "TEN_SECONDLY_ROLLING", **more: Any) -> None:
        """Makes calls fail with 429; the policy may also be SECONDLY or DAILY."""
        self.add(429, body=RateLimitError(policy).body, **more)

    def objects_in(self, environ: WSGIEnvironment) -> frozenset[str]:
        """The objects that a request is about."""
        return objects_in(environ["PATH_INFO"])

    def deliveries(self, event: dict[str, Any]) -> list[tuple[float, dict[str, Any]]]:
        """A webhook event as often as it is sent, with the seconds that each waits."""
        kind = str(event.get("subscriptionType", ""))
        about = name_of(str(event.get("objectTypeId") or kind.partition(".")[0]))
        return self.sent(event, Asked(method="", path=kind, about=lambda: frozenset({about})))

    @property
    def slowness(self) -> float | Callable[[str], float]:
        """By how much searches lag behind because of a rule: nothing, or a function of the record's id."""
        return self._slowness if Phase.INDEX in self.active else 0.0

    def effect_of(self, rule: Rule) -> Effect:
        """What a rule does in a portal."""
        if rule.fault is Fault.TOKEN_EXPIRED:
            return _reply(HTTPStatus.UNAUTHORIZED, rule.settings, body=self._expired)
        own = _EFFECTS.get(rule.fault)
        return super().effect_of(rule) if own is None else own(rule.settings)

    def fits(self, fault: Fault, asked: Asked) -> bool:
        """Whether the fault can happen to such a request: tokens end only where one is used."""
        if fault is Fault.PARTIAL_BATCH:
            return asked.method == "POST" and "/batch/" in asked.path
        return fault not in _OF_CALLERS or not asked.path.startswith("/oauth/")

    def name_of(self, object_name: str) -> str:
        """How `Asked.about` spells an object: in the plural."""
        return name_of(object_name)

    def _slowness(self, record_id: str) -> float:
        return self.lag(Asked(method="", path=record_id, about=frozenset))

    def _expired(self, correlation_id: str) -> dict[str, Any]:
        return expired(stamp(self.clock() - timedelta(seconds=1)), 1).body(correlation_id)


def _reply(status: int, given: Mapping[str, Any], *, body: Any = None) -> Reply:
    headers = {"Retry-After": str(given["retry_after"])} if "retry_after" in given else {}
    return Reply(
        status=status, body=body or _body(status, given), headers=headers, done=bool(given.get("done"))
    )


def _body(status: int, given: Mapping[str, Any]) -> Any:
    if status in _CLOUDFLARE and "code" not in given:
        return f"<html><head><title>{status}</title></head><body><h1>{status}</h1></body></html>"
    message = given.get("message", _WORDS.get(status, "The request could not be processed."))
    return HubSpotError(message, status=status, category=given.get("code")).body


def _limit(given: Mapping[str, Any]) -> Reply:
    policy = given.get("policy", POLICIES[CrmName.HUBSPOT][0])
    return _reply(HTTPStatus.TOO_MANY_REQUESTS, given, body=RateLimitError(policy).body)


@contextmanager
def _revoked(app: PortalApp, request: Request, _: Strike) -> Iterator[None]:
    app.access.end(request.headers.get("Authorization", "").partition(" ")[2])
    yield


@contextmanager
def _exhausted(app: PortalApp, _: Request, __: Strike) -> Iterator[None]:
    app.portal.limits.exhaust()
    yield


_EFFECTS: Mapping[Fault, Callable[[Mapping[str, Any]], Effect]] = {
    Fault.ERROR: lambda given: _reply(given["status"], given),
    Fault.RATE_LIMIT: _limit,
    Fault.LOCKED: lambda given: _reply(HTTPStatus.LOCKED, given),
    Fault.UNAVAILABLE: lambda given: _reply(HTTPStatus.SERVICE_UNAVAILABLE, given),
    Fault.SERVER_ERROR: lambda given: _reply(HTTPStatus.INTERNAL_SERVER_ERROR, given),
    Fault.TOKEN_REVOKED: lambda _: Act(within=_revoked),
    Fault.QUOTA_EXHAUSTED: lambda _: Act(within=_exhausted),
    Fault.PARTIAL_BATCH: lambda given: Rewritten(run=PartBatch(**given).run),
}
