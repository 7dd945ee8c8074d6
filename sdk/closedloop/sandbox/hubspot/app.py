"""The portal as a WSGI application: who calls, how often, what fails, and the headers of every answer."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable
from typing import Any
from wsgiref.types import StartResponse, WSGIEnvironment

import msgspec
from werkzeug import Request, Response
from werkzeug.http import http_date

from closedloop.sandbox.hubspot.access import Access
from closedloop.sandbox.hubspot.asking import Answer, Call
from closedloop.sandbox.hubspot.errors import HubSpotError
from closedloop.sandbox.hubspot.faults import Fault
from closedloop.sandbox.hubspot.limits import RateLimitError
from closedloop.sandbox.hubspot.portal import Portal
from closedloop.sandbox.hubspot.records import Origin
from closedloop.sandbox.hubspot.routes import route

_Reply = tuple[int, Any, dict[str, str]]


class PortalApp:
    """Answers HTTP requests to one portal. Each is handled under the portal's lock."""

    def __init__(self, portal: Portal, access: Access) -> None:
        self._portal = portal
        self._access = access

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        return self._respond(Request(environ))(environ, start_response)

    def _respond(self, request: Request) -> Response:
        correlation_id = str(uuid.uuid4())
        with self._portal.lock:
            self._portal.requests[request.method, request.path] += 1
            fault = self._portal.faults.take(request.method, request.path)
            status, body, headers = self._answer(request, correlation_id) if fault is None else _failed(fault)
            # Clients learn the time from the answers: it has to be the portal's.
            headers["Date"] = http_date(self._portal.clock())
        response = _response(status, body)
        response.headers.update({"X-HubSpot-Correlation-Id": correlation_id, **headers})
        return response

    def _answer(self, request: Request, correlation_id: str) -> _Reply:
        if request.path.startswith("/oauth/"):
            status, body = self._carried_out(request, correlation_id)
            return status, body, {}
        try:
            oauth = self._access.check(request.headers.get("Authorization", ""))
        except HubSpotError as problem:
            return problem.status, problem.body(correlation_id), {}
        return self._limited(request, correlation_id, oauth=oauth)

    def _limited(self, request: Request, correlation_id: str, *, oauth: bool) -> _Reply:
        """The answer with its rate-limit headers, which a search's has not."""
        limits, search = self._portal.limits, request.path.endswith("/search")
        wait = {}
        try:
            limits.admit(search=search, oauth=oauth)
            status, body = self._carried_out(request, correlation_id)
        except RateLimitError as problem:
            status, body = problem.status, problem.body(correlation_id)
            wait = {} if limits.retry_after is None else {"Retry-After": str(limits.retry_after)}
        return status, body, wait | ({} if search else limits.headers(oauth=oauth))

    def _carried_out(self, request: Request, correlation_id: str) -> Answer:
        portal = self._portal
        try:
            handler, path = route(request)
            call = Call(
                portal=portal,
                access=self._access,
                request=request,
                path=path,
                at=portal.clock(),
                origin=Origin.app(portal.app_id),
            )
            return handler(call)
        except HubSpotError as problem:
            return problem.status, problem.body(correlation_id)


def _failed(fault: Fault) -> _Reply:
    return fault.status, fault.body, dict(fault.headers)


def _response(status: int, body: Any) -> Response:
    if body is None:
        return Response(status=status)
    if isinstance(body, str):
        return Response(body, status=status, content_type="text/html;charset=utf-8")
    return Response(_encoded(body), status=status, content_type="application/json;charset=utf-8")


def _encoded(body: Any) -> bytes:
    try:
        return msgspec.json.encode(body)
    except UnicodeEncodeError:
        # A stranger's JSON may hold half a surrogate pair, which UTF-8 cannot.
        return json.dumps(body, ensure_ascii=False).encode(errors="replace")
