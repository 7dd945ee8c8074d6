"""The portal as a WSGI application: who calls, how often, what fails, and the headers of every answer."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Iterable
from http import HTTPStatus
from typing import Any
from wsgiref.types import StartResponse, WSGIEnvironment

import msgspec
from werkzeug import Request

from closedloop.sandbox.faults.effects import Act, Reply
from closedloop.sandbox.hubspot.access.limits import RateLimitError
from closedloop.sandbox.hubspot.access.scopes import check as check_scopes
from closedloop.sandbox.hubspot.access.tokens import Access, Caller, CallerKind
from closedloop.sandbox.hubspot.errors import HubSpotError
from closedloop.sandbox.hubspot.portal import Portal
from closedloop.sandbox.hubspot.records.record import Origin
from closedloop.sandbox.hubspot.rest.asking import Answer, Call, Redirect
from closedloop.sandbox.hubspot.rest.routes import route
from closedloop.sandbox.received import ReceivedLog, date_header, status_line

_Reply = tuple[int, Any, dict[str, str]]


class PortalApp:
    """Answers HTTP requests to one portal. Each is handled under the portal's lock."""

    def __init__(self, portal: Portal, access: Access) -> None:
        self.portal = portal
        self.access = access
        self.received = ReceivedLog()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        started = time.perf_counter()
        request, correlation_id = Request(environ), str(uuid.uuid4())
        with self.portal.lock:
            self.portal.requests[request.method, request.path] += 1
            status, body, more = self._met(request, correlation_id)
            now = self.portal.clock()
        content, kind = _content(body)
        headers = [*more.items(), ("X-HubSpot-Correlation-Id", correlation_id)]
        # Clients learn the time from the answers: it has to be the portal's.
        headers.append(("Date", date_header(now)))
        if kind is not None:
            headers.append(("Content-Type", kind))
        if status != HTTPStatus.NO_CONTENT:
            headers.append(("Content-Length", str(len(content))))
        start_response(status_line(status), headers)
        self.received.note(request, at=now, status=status, started=started)
        return [content]

    def _met(self, request: Request, correlation_id: str) -> _Reply:
        """The answer, unless a fault strikes the request."""
        strike = self.portal.faults.met(request.environ)
        effect = None if strike is None else strike.effect
        if strike is not None and isinstance(effect, Act):
            with effect.within(self, request, strike):
                return self._answer(request, correlation_id)
        if not isinstance(effect, Reply):
            return self._answer(request, correlation_id)
        if effect.done:
            self._answer(request, correlation_id)
        body = effect.body(correlation_id) if callable(effect.body) else effect.body
        return effect.status, body, dict(effect.headers)

    def _answer(self, request: Request, correlation_id: str) -> _Reply:
        if request.path.startswith("/oauth/"):
            status, body = self._carried_out(request, correlation_id)
            return (
                (status, None, {"Location": body.url}) if isinstance(body, Redirect) else (status, body, {})
            )
        try:
            caller = self._caller(request)
        except HubSpotError as problem:
            return problem.status, problem.body(correlation_id), {}
        if caller.kind is CallerKind.DEVELOPER:
            return *self._carried_out(request, correlation_id), {}
        return self._limited(request, correlation_id, caller)

    def _caller(self, request: Request) -> Caller:
        """Who calls: the developer's key is good for the app's webhooks only."""
        webhooks = request.path.startswith(("/webhooks/", "/app-webhooks/"))
        key = request.args.get("hapikey") if webhooks else None
        return self.access.caller(request.headers.get("Authorization", ""), key)

    def _limited(self, request: Request, correlation_id: str, caller: Caller) -> _Reply:
        """The answer with its rate-limit headers, which a search's has not."""
        limits, search = self.portal.limits, request.path.endswith("/search")
        wait = {}
        try:
            limits.admit(caller, search=search, associations="/associations/" in request.path)
            status, body = self._carried_out(request, correlation_id, caller)
        except RateLimitError as problem:
            status, body = problem.status, problem.body(correlation_id)
            wait = {} if limits.retry_after is None else {"Retry-After": str(limits.retry_after)}
        return status, body, wait | ({} if search else limits.headers(caller))

    def _carried_out(self, request: Request, correlation_id: str, caller: Caller | None = None) -> Answer:
        portal = self.portal
        try:
            handler, path = route(request)
            if caller is not None and caller.scopes is not None:
                check_scopes(caller.scopes, portal.kinds, request.method, request.path)
            call = Call(
                portal=portal,
                access=self.access,
                request=request,
                path=path,
                at=portal.clock(),
                origin=Origin.app(portal.app_id),
            )
            return handler(call)
        except HubSpotError as problem:
            return problem.status, problem.body(correlation_id)


def _content(body: Any) -> tuple[bytes, str | None]:
    """The body, and what it is."""
    if body is None:
        return b"", None
    if isinstance(body, str):
        return body.encode(), "text/html;charset=utf-8"
    return _encoded(body), "application/json;charset=utf-8"


def _encoded(body: Any) -> bytes:
    try:
        return msgspec.json.encode(body)
    except UnicodeEncodeError:
        # A stranger's JSON may hold half a surrogate pair, which UTF-8 cannot.
        return json.dumps(body, ensure_ascii=False).encode(errors="replace")
