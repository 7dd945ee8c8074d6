"""The HTTP face of the org: addresses, sessions, limits, and every refusal as Salesforce's JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from functools import cache
from typing import TYPE_CHECKING, Any

from werkzeug import Request, Response
from werkzeug.exceptions import MethodNotAllowed, NotFound
from werkzeug.routing import Map, Rule

from closedloop.sandbox.salesforce import collections, organisation, sobjects
from closedloop.sandbox.salesforce.call import Answer, Call
from closedloop.sandbox.salesforce.composite import composite
from closedloop.sandbox.salesforce.faults import Faults
from closedloop.sandbox.salesforce.oauth import Sessions, TokenEndpoint
from closedloop.sandbox.salesforce.org import Org
from closedloop.sandbox.salesforce.queries import Cursors
from closedloop.sandbox.salesforce.refusal import Refusal, not_found

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

# The address alone, or the address with the headers (reference: Client defects, URL length).
_LONGEST_HEAD = 16_384
_OLDEST, _NEWEST = 31, 68
_PUBLIC = frozenset({"token", "versions"})

_RULES: tuple[tuple[str, str, str], ...] = (
    ("token", "POST", "/services/oauth2/token"),
    ("userinfo", "GET POST", "/services/oauth2/userinfo"),
    ("versions", "GET", "/services/data"),
    ("resources", "GET", "/"),
    ("limits", "GET", "/limits"),
    ("record_count", "GET", "/limits/recordCount"),
    ("query", "GET", "/query"),
    ("query_all", "GET", "/queryAll"),
    ("more", "GET", "/query/<locator>"),
    ("more", "GET", "/queryAll/<locator>"),
    ("sobjects", "GET", "/sobjects"),
    ("sobject", "GET POST", "/sobjects/<sobject>"),
    ("describe", "GET", "/sobjects/<sobject>/describe"),
    ("record", "GET PATCH DELETE", "/sobjects/<sobject>/<id>"),
    ("by_key", "GET PATCH DELETE", "/sobjects/<sobject>/<field>/<value>"),
    ("composite", "POST", "/composite"),
    ("collection", "POST PATCH DELETE", "/composite/sobjects"),
    ("retrieve", "GET POST", "/composite/sobjects/<sobject>"),
    ("upsert", "PATCH", "/composite/sobjects/<sobject>/<field>"),
)


@cache
def _routes() -> Map:
    return Map(
        [
            Rule(
                path if path.startswith("/services") else f"/services/data/v<version>{path.rstrip('/')}",
                endpoint=name,
                methods=methods.split(),
            )
            for name, methods, path in _RULES
        ]
    )


class Api:
    """The WSGI application."""

    def __init__(self, org: Org, sessions: Sessions, token: TokenEndpoint, url: Callable[[], str]) -> None:
        self.faults = Faults()
        self._org = org
        self._sessions = sessions
        self._token = token
        self._url = url
        cursors = Cursors()
        self._usage = organisation.Usage()
        self._endpoints: dict[str, Callable[[Call], Answer]] = {
            "token": self._issue,
            "userinfo": organisation.userinfo,
            "versions": lambda _: Answer(body=organisation.versions(_OLDEST, _NEWEST)),
            "resources": organisation.resources,
            "limits": lambda _: Answer(body=self._usage.limits()),
            "record_count": organisation.record_count,
            "query": cursors.query,
            "query_all": cursors.query_all,
            "more": cursors.more,
            "sobjects": sobjects.every,
            "sobject": sobjects.table,
            "describe": sobjects.described,
            "record": sobjects.record,
            "by_key": sobjects.by_key,
            "composite": lambda call: composite(call, self._inner),
            "collection": collections.write,
            "retrieve": collections.retrieve,
            "upsert": collections.upsert,
        }

    @property
    def usage(self) -> organisation.Usage:
        """How many calls were made, and may be made, a day."""
        return self._usage

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        request = Request(environ)
        return self._respond(request)(environ, start_response)

    def _respond(self, request: Request) -> Response:
        status = _too_long(request)
        if status:
            return Response(f"<h1>{status}</h1>", status=status, mimetype="text/html")
        with self._org.lock:
            self._org.requests[request.method, request.path] += 1
            fault = self.faults.take(request)
            answer = self._answer(request) if fault is None else fault
        return self._json(answer)

    def _answer(self, request: Request) -> Answer:
        try:
            name, path = self._matched(request)
            if name not in _PUBLIC:
                self._let_in(request)
            return self._endpoints[name](self._call(request, path))
        except Refusal as refusal:
            return _refused(refusal)

    def _inner(self, request: Request) -> Answer:
        """The answer to a part of a composite request, which costs no call of its own."""
        name, path = self._matched(request)
        if name in _PUBLIC or name in ("userinfo", "composite"):
            raise not_found()
        return self._endpoints[name](self._call(request, path))

    def _call(self, request: Request, path: dict[str, Any]) -> Call:
        return Call(org=self._org, url=self._url(), request=request, path=path)

    def _matched(self, request: Request) -> tuple[str, dict[str, Any]]:
        adapter = _routes().bind("sandbox")
        try:
            name, path = adapter.match(request.path.rstrip("/"), method=request.method)
        except MethodNotAllowed as error:
            allowed = ", ".join(sorted(set(error.valid_methods or ()) - {"HEAD"}))
            message = f"HTTP Method '{request.method}' not allowed. Allowed are {allowed}"
            raise Refusal("METHOD_NOT_ALLOWED", message, status=405) from None
        except NotFound:
            raise not_found() from None
        if "version" in path and not _known_version(path["version"]):
            raise not_found()
        return name, dict(path)

    def _let_in(self, request: Request) -> None:
        if not self._sessions.valid(request.headers.get("Authorization", "")):
            raise Refusal("INVALID_SESSION_ID", "Session expired or invalid", status=401)
        self._usage.count()

    def _issue(self, call: Call) -> Answer:
        authorization = call.request.headers.get("Authorization", "")
        status, body = self._token.answer(call.request.form, authorization, call.url)
        return Answer(status=status, body=body)

    def _json(self, answer: Answer) -> Response:
        body = b"" if answer.body is None else json.dumps(answer.body).encode()
        response = Response(body, status=answer.status, headers=dict(answer.headers))
        if answer.body is not None:
            response.content_type = "application/json;charset=UTF-8"
        response.headers["Sforce-Limit-Info"] = self._usage.header()
        return response


def _refused(refusal: Refusal) -> Answer:
    headers = {"WWW-Authenticate": "Token"} if refusal.status == 401 else {}
    return Answer(status=refusal.status, body=refusal.as_answer(), headers=headers)


def _known_version(text: str) -> bool:
    number, _, rest = text.partition(".")
    return rest == "0" and number.isdigit() and _OLDEST <= int(number) <= _NEWEST


def _too_long(request: Request) -> int:
    address = len(request.environ.get("REQUEST_URI", request.full_path))
    if address > _LONGEST_HEAD:
        return 414
    headers = sum(len(name) + len(value) + 4 for name, value in request.headers)
    return 431 if address + headers > _LONGEST_HEAD else 0
