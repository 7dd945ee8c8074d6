"""The portal as a WSGI application: routes, authentication, and the headers of every answer."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from functools import cache
from typing import Any
from wsgiref.types import StartResponse, WSGIEnvironment

from werkzeug import Request, Response
from werkzeug.exceptions import HTTPException, MethodNotAllowed
from werkzeug.routing import Map, Rule

from closedloop.sandbox.hubspot import rest_associations as associations
from closedloop.sandbox.hubspot import rest_batches as batches
from closedloop.sandbox.hubspot import rest_campaigns as campaigns
from closedloop.sandbox.hubspot import rest_objects as objects
from closedloop.sandbox.hubspot import rest_settings as settings
from closedloop.sandbox.hubspot.asking import Answer, Call
from closedloop.sandbox.hubspot.errors import HubSpotError, expired, not_found, unauthorised
from closedloop.sandbox.hubspot.faults import Fault
from closedloop.sandbox.hubspot.portal import Portal
from closedloop.sandbox.hubspot.records import Origin, stamp

Handler = Callable[[Call], Answer]

# Every area's path, as it was numbered and as it is dated since March 2026. The numbered ones are
# unsupported from 2027, which is not switched off.
_AREAS = {
    "objects": ("/crm/v3/objects", "/crm/objects/2026-03", "/crm/objects/2026-09"),
    "links": ("/crm/v4/objects", "/crm/objects/2026-03", "/crm/objects/2026-09"),
    "link lists": ("/crm/v4/objects",),
    "associations": ("/crm/v4/associations", "/crm/associations/2026-03", "/crm/associations/2026-09"),
    "properties": ("/crm/v3/properties", "/crm/properties/2026-03", "/crm/properties/2026-09"),
    "pipelines": ("/crm/v3/pipelines", "/crm/pipelines/2026-03", "/crm/pipelines/2026-09"),
    "owners": ("/crm/v3/owners", "/crm/owners/2026-03", "/crm/owners/2026-09"),
    "campaigns": ("/marketing/v3/campaigns", "/marketing/campaigns/2026-03", "/marketing/campaigns/2026-09"),
    "account": ("/account-info/v3", "/account-info/2026-03", "/account-info/2026-09"),
}

_ROUTES: tuple[tuple[str, str, str, Handler], ...] = (
    ("GET", "objects", "/<type>", objects.list_objects),
    ("POST", "objects", "/<type>", objects.create_object),
    ("POST", "objects", "/<type>/search", objects.search_objects),
    ("POST", "objects", "/<type>/merge", objects.merge_objects),
    ("POST", "objects", "/<type>/gdpr-delete", objects.forget_contact),
    ("POST", "objects", "/<type>/batch/read", batches.read_batch),
    ("POST", "objects", "/<type>/batch/create", batches.create_batch),
    ("POST", "objects", "/<type>/batch/update", batches.update_batch),
    ("POST", "objects", "/<type>/batch/upsert", batches.upsert_batch),
    ("POST", "objects", "/<type>/batch/archive", batches.archive_batch),
    ("GET", "objects", "/<type>/<id>", objects.get_object),
    ("PATCH", "objects", "/<type>/<id>", objects.update_object),
    ("DELETE", "objects", "/<type>/<id>", objects.archive_object),
    ("GET", "link lists", "/<type>/<id>/associations/<to>", associations.list_associations),
    (
        "PUT",
        "links",
        "/<type>/<id>/associations/default/<to>/<to_id>",
        associations.put_default_association,
    ),
    ("PUT", "links", "/<type>/<id>/associations/<to>/<to_id>", associations.put_association),
    ("DELETE", "links", "/<type>/<id>/associations/<to>/<to_id>", associations.delete_association),
    ("POST", "associations", "/<from>/<to>/batch/read", associations.read_associations),
    ("POST", "associations", "/<from>/<to>/batch/create", associations.create_associations),
    (
        "POST",
        "associations",
        "/<from>/<to>/batch/associate/default",
        associations.create_default_associations,
    ),
    ("POST", "associations", "/<from>/<to>/batch/archive", associations.archive_associations),
    ("POST", "associations", "/<from>/<to>/batch/labels/archive", associations.archive_labels),
    ("GET", "associations", "/<from>/<to>/labels", associations.list_labels),
    ("POST", "associations", "/<from>/<to>/labels", associations.create_label),
    ("GET", "properties", "/<type>", settings.list_properties),
    ("POST", "properties", "/<type>", settings.create_property),
    ("POST", "properties", "/<type>/batch/read", settings.read_properties),
    ("POST", "properties", "/<type>/batch/create", settings.create_properties),
    ("GET", "properties", "/<type>/groups", settings.list_groups),
    ("POST", "properties", "/<type>/groups", settings.create_group),
    ("GET", "properties", "/<type>/groups/<name>", settings.get_group),
    ("GET", "properties", "/<type>/<name>", settings.get_property),
    ("PATCH", "properties", "/<type>/<name>", settings.update_property),
    ("DELETE", "properties", "/<type>/<name>", settings.archive_property),
    ("GET", "pipelines", "/<type>", settings.list_pipelines),
    ("GET", "pipelines", "/<type>/<pipeline>", settings.get_pipeline),
    ("GET", "pipelines", "/<type>/<pipeline>/stages", settings.list_stages),
    ("GET", "owners", "", settings.list_owners),
    ("GET", "owners", "/<id>", settings.get_owner),
    ("GET", "campaigns", "", campaigns.list_campaigns),
    ("POST", "campaigns", "", campaigns.create_campaign),
    ("POST", "campaigns", "/batch/create", campaigns.create_campaigns),
    ("POST", "campaigns", "/batch/read", campaigns.read_campaigns),
    ("POST", "campaigns", "/batch/update", campaigns.update_campaigns),
    ("POST", "campaigns", "/batch/archive", campaigns.archive_campaigns),
    ("GET", "campaigns", "/<guid>", campaigns.get_campaign),
    ("PATCH", "campaigns", "/<guid>", campaigns.update_campaign),
    ("DELETE", "campaigns", "/<guid>", campaigns.delete_campaign),
    ("GET", "campaigns", "/<guid>/reports/contacts/<contact_type>", campaigns.report_contacts),
    ("GET", "account", "/details", settings.account_details),
)

# A private app's limits in a Professional portal, as HubSpot documents them. Nothing is refused here:
# `portal.faults` does that to order.
_DAILY, _BURST, _WINDOW_MILLISECONDS = 650_000, 190, 10_000


@cache
def _routes() -> Map:
    """The routes of every portal; compiling them takes a tenth of a second, so it happens once."""
    return Map(list(_rules()), strict_slashes=False, merge_slashes=False)


def _rules() -> Iterator[Rule]:
    for method, area, rest, handler in _ROUTES:
        for prefix in _AREAS[area]:
            yield Rule(prefix + rest, methods=[method], endpoint=handler)


class PortalApp:
    """Answers HTTP requests to one portal. Each is handled under the portal's lock."""

    def __init__(self, portal: Portal, token: str) -> None:
        self._portal = portal
        self._token = token
        self._expired: dict[str, datetime] = {}
        self._used = 0

    def renew_token(self, token: str) -> None:
        """Makes another token the valid one; the old one is expired from now on."""
        self._expired[self._token] = self._portal.clock()
        self._token = token

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        request = Request(environ)
        return self._respond(request)(environ, start_response)

    def _respond(self, request: Request) -> Response:
        correlation_id = str(uuid.uuid4())
        with self._portal.lock:
            self._portal.requests[request.method, request.path] += 1
            fault = self._portal.faults.take(request.method, request.path)
            status, body, headers = self._answer(request, correlation_id) if fault is None else _failed(fault)
            response = _response(status, body)
            response.headers.update({"X-HubSpot-Correlation-Id": correlation_id, **headers})
            return response

    def _answer(self, request: Request, correlation_id: str) -> tuple[int, Any, dict[str, str]]:
        try:
            self._authenticate(request)
            status, body = self._dispatch(request)
        except HubSpotError as problem:
            status, body = problem.status, problem.body(correlation_id)
        return status, body, {} if request.path.endswith("/search") else self._limits()

    def _dispatch(self, request: Request) -> Answer:
        try:
            handler, path = _routes().bind_to_environ(request.environ).match()
        except MethodNotAllowed:
            raise HubSpotError("Method Not Allowed", status=405, category=None) from None
        except HTTPException:
            raise not_found() from None
        portal = self._portal
        call = Call(
            portal=portal,
            request=request,
            path=path,
            at=portal.clock(),
            origin=Origin.app(portal.app_id),
        )
        answer: Answer = handler(call)
        return answer

    def _authenticate(self, request: Request) -> None:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme == "Bearer" and token in self._expired:
            at = self._expired[token]
            raise expired(stamp(at), int((self._portal.clock() - at).total_seconds()))
        if scheme != "Bearer" or token != self._token:
            raise unauthorised()

    def _limits(self) -> dict[str, str]:
        """The rate-limit headers, which every answer has but a search's."""
        self._used += 1
        return {
            "X-HubSpot-RateLimit-Daily": str(_DAILY),
            "X-HubSpot-RateLimit-Daily-Remaining": str(max(0, _DAILY - self._used)),
            "X-HubSpot-RateLimit-Interval-Milliseconds": str(_WINDOW_MILLISECONDS),
            "X-HubSpot-RateLimit-Max": str(_BURST),
            "X-HubSpot-RateLimit-Remaining": str(_BURST - 1 - self._used % _BURST),
        }


def _failed(fault: Fault) -> tuple[int, Any, dict[str, str]]:
    return fault.status, fault.body, dict(fault.headers)


def _response(status: int, body: Any) -> Response:
    if body is None:
        return Response(status=status)
    if isinstance(body, str):
        return Response(body, status=status, content_type="text/html;charset=utf-8")
    # A stranger's JSON may hold half a surrogate pair, which UTF-8 cannot.
    text = json.dumps(body, ensure_ascii=False).encode(errors="replace")
    return Response(text, status=status, content_type="application/json;charset=utf-8")
