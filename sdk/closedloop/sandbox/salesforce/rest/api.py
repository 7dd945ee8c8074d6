"""The HTTP face of the org: sessions, limits, and every refusal as Salesforce's JSON."""

from __future__ import annotations

import gzip
import json
import time
from collections.abc import Callable, Iterable, Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING

import msgspec
from werkzeug import Request

from closedloop.sandbox.faults.effects import Act, Reply, Strike
from closedloop.sandbox.received import ReceivedLog, date_header, status_line
from closedloop.sandbox.routing import NoRouteError, Router, WrongMethodError, path_of
from closedloop.sandbox.salesforce.login.oauth import Login
from closedloop.sandbox.salesforce.login.sessions import Sessions
from closedloop.sandbox.salesforce.org import Org
from closedloop.sandbox.salesforce.refusal import Refusal, expired_session, not_found
from closedloop.sandbox.salesforce.rest import versions
from closedloop.sandbox.salesforce.rest.allowances import Usage
from closedloop.sandbox.salesforce.rest.call import Answer, Call
from closedloop.sandbox.salesforce.rest.compression import unpacked
from closedloop.sandbox.salesforce.rest.replies import answer_of
from closedloop.sandbox.salesforce.rest.route import Route, Services
from closedloop.sandbox.salesforce.rest.routes import routes

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

# The address alone, or the address with the headers (reference: Client defects, URL length).
_LONGEST_HEAD = 16_384
# Clients that know orgs by their names alone: sfdclib, salesforce-api.
_OWN_DOMAIN = ".my.salesforce.com"
_ENCODER = msgspec.json.Encoder(decimal_format="number")


class Api:
    """The WSGI application."""

    def __init__(self, org: Org, sessions: Sessions, login: Login, url: Callable[[], str]) -> None:
        self.faults = org.faults
        self.received = ReceivedLog()
        self.services = Services(org=org, sessions=sessions, login=login, url=url, inner=self._inner)
        self._org = org
        self._router: Router[Route] = Router()
        for route in routes(self.services):
            path = (
                route.path
                if route.path.startswith(("/services", "/id/", "/.well-known/"))
                else f"/services/data/v<version>{route.path}"
            )
            for method in route.methods.split():
                self._router.add(method, path, route)

    @property
    def usage(self) -> Usage:
        """How many calls were made, and may be made, a day."""
        return self.services.usage

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        started = time.perf_counter()
        request = Request(unpacked(environ))
        status = _too_long(environ)
        if status:
            answer = Answer(status=status, raw=f"<h1>{status}</h1>".encode(), kind="text/html")
        else:
            answer = self._answer(request)
        content, headers = self._shown(answer, request)
        start_response(status_line(answer.status), headers)
        self.received.note(request, at=self._org.clock(), status=answer.status, started=started)
        return [content]

    def _answer(self, request: Request) -> Answer:
        with self._org.lock:
            self._org.requests[request.method, request.path] += 1
            self._org.settle_open()
            strike = self.faults.met(request.environ)
            return self._handled(request) if strike is None else self._struck(strike, request)

    def _handled(self, request: Request) -> Answer:
        with self._org.duplicates.consenting(request.headers.get("Sforce-Duplicate-Rule-Header", "")):
            try:
                return self._carried_out(request)
            except Refusal as refusal:
                return _refused(refusal)

    def _struck(self, strike: Strike, request: Request) -> Answer:
        """The answer to a request that a fault strikes."""
        effect = strike.effect
        if isinstance(effect, Act):
            with effect.within(self, request, strike):
                return self._handled(request)
        if not isinstance(effect, Reply) or effect.done:
            answer = self._handled(request)
        if isinstance(effect, Reply):
            answer = answer_of(effect, request, usage=self.usage, handle=lambda: self._handled(request))
        return answer

    def _carried_out(self, request: Request) -> Answer:
        route, path = self._matched(request)
        if not route.public:
            self._let_in(request)
        return route.handler(self._call(request, path))

    def _inner(self, request: Request) -> Answer:
        """The answer to a part of a composite request, which costs no call of its own."""
        route, path = self._matched(request)
        if route.public or route.alone:
            raise not_found()
        return route.handler(self._call(request, path))

    def _call(self, request: Request, path: Mapping[str, str]) -> Call:
        return Call(org=self._org, url=self._url(request), request=request, path=path)

    def _url(self, request: Request) -> str:
        """Where the org is: at the address of an org, if the request came for one through a proxy."""
        host = request.host
        return f"https://{host}" if host.endswith(_OWN_DOMAIN) else self.services.url()

    def _matched(self, request: Request) -> tuple[Route, Mapping[str, str]]:
        try:
            route, path = self._router.match(request.method, path_of(request))
        except WrongMethodError as error:
            message = f"HTTP Method '{request.method}' not allowed. Allowed are {', '.join(error.allowed)}"
            raise Refusal("METHOD_NOT_ALLOWED", message, status=405) from None
        except NoRouteError:
            raise not_found() from None
        if "version" in path:
            versions.check(path["version"])
        return route, path

    def _let_in(self, request: Request) -> None:
        if not self.services.sessions.valid(request.headers.get("Authorization", "")):
            raise expired_session()
        self.usage.count()

    def _shown(self, answer: Answer, request: Request) -> tuple[bytes, list[tuple[str, str]]]:
        content, kind = _content(answer)
        headers = list(answer.headers.items())
        if answer.csv is not None and "gzip" in request.headers.get("Accept-Encoding", ""):
            # Results are always compressed (Bulk API 2.0 Guide, "Understanding Bulk API 2.0 Query").
            content = gzip.compress(content, compresslevel=1, mtime=0)
            headers.append(("Content-Encoding", "gzip"))
        if kind is not None:
            headers.append(("Content-Type", kind))
        if answer.status != HTTPStatus.NO_CONTENT:
            headers.append(("Content-Length", str(len(content))))
        headers.append(("Sforce-Limit-Info", self.usage.header()))
        headers.append(("Date", date_header(self._org.clock())))  # clients take the server's time from it
        return content, headers


def _content(answer: Answer) -> tuple[bytes, str | None]:
    """The body, and what it is."""
    if answer.raw is not None:
        return answer.raw, answer.kind
    if answer.csv is not None:
        return answer.csv.encode(), "text/csv;charset=UTF-8"
    if answer.body is not None:
        return _encoded(answer.body), "application/json;charset=UTF-8"
    return b"", None


def _encoded(body: object) -> bytes:
    try:
        return _ENCODER.encode(body)
    except UnicodeEncodeError:
        # A stranger's JSON may hold half a surrogate pair, which UTF-8 cannot: it stays an escape.
        return json.dumps(body).encode()


def _refused(refusal: Refusal) -> Answer:
    headers = {"WWW-Authenticate": "Token"} if refusal.status == HTTPStatus.UNAUTHORIZED else {}
    return Answer(status=refusal.status, body=refusal.as_answer(), headers=headers)


def _too_long(environ: WSGIEnvironment) -> int:
    """The status for an address, or an address with headers, that is too long; 0 for one that is not."""
    address = len(
        environ.get("REQUEST_URI") or environ.get("PATH_INFO", "") + environ.get("QUERY_STRING", "")
    )
    if address > _LONGEST_HEAD:
        return HTTPStatus.REQUEST_URI_TOO_LONG
    headers = sum(len(name) + len(value) for name, value in environ.items() if name.startswith("HTTP_"))
    return HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE if address + headers > _LONGEST_HEAD else 0
