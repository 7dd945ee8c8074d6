"""The HTTP face of the org: addresses, sessions, limits, and every refusal as Salesforce's JSON."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterable
from functools import cache
from typing import TYPE_CHECKING, Any

from werkzeug import Request, Response
from werkzeug.exceptions import MethodNotAllowed, NotFound
from werkzeug.routing import Map, Rule

from closedloop.sandbox.salesforce import collections, organisation, sobjects
from closedloop.sandbox.salesforce.bulk_query import QueryJobs
from closedloop.sandbox.salesforce.call import Answer, Call
from closedloop.sandbox.salesforce.composite import composite
from closedloop.sandbox.salesforce.faults import Faults
from closedloop.sandbox.salesforce.ingest import IngestJobs
from closedloop.sandbox.salesforce.jobs import Steering
from closedloop.sandbox.salesforce.oauth import Login, TokenEndpoint
from closedloop.sandbox.salesforce.org import Org
from closedloop.sandbox.salesforce.queries import Cursors
from closedloop.sandbox.salesforce.refusal import Refusal, not_found
from closedloop.sandbox.salesforce.replication import Replication
from closedloop.sandbox.salesforce.sessions import Sessions
from closedloop.sandbox.salesforce.soap import login as soap_login

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

# The address alone, or the address with the headers (reference: Client defects, URL length).
_LONGEST_HEAD = 16_384
_OLDEST, _NEWEST = 31, 68
_PUBLIC = frozenset({"token", "versions", "soap"})
# What a part of a composite request cannot be (REST API Developer Guide, "Composite").
_ALONE = _PUBLIC | {"userinfo", "composite", "query_jobs", "query_job", "query_results"}

_RULES: tuple[tuple[str, str, str], ...] = (
    ("token", "POST", "/services/oauth2/token"),
    ("soap", "POST", "/services/Soap/u/<version>"),
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
    ("updated", "GET", "/sobjects/<sobject>/updated"),
    ("deleted", "GET", "/sobjects/<sobject>/deleted"),
    ("record", "GET PATCH DELETE", "/sobjects/<sobject>/<id>"),
    ("by_key", "GET PATCH DELETE", "/sobjects/<sobject>/<field>/<value>"),
    ("composite", "POST", "/composite"),
    ("collection", "POST PATCH DELETE", "/composite/sobjects"),
    ("retrieve", "GET POST", "/composite/sobjects/<sobject>"),
    ("upsert", "PATCH", "/composite/sobjects/<sobject>/<field>"),
    ("query_jobs", "GET POST", "/jobs/query"),
    ("query_job", "GET PATCH DELETE", "/jobs/query/<job>"),
    ("query_results", "GET", "/jobs/query/<job>/results"),
    ("ingest_jobs", "GET POST", "/jobs/ingest"),
    ("ingest_job", "GET PATCH DELETE", "/jobs/ingest/<job>"),
    ("ingest_upload", "PUT", "/jobs/ingest/<job>/batches"),
    ("ingest_successful", "GET", "/jobs/ingest/<job>/successfulResults"),
    ("ingest_failed", "GET", "/jobs/ingest/<job>/failedResults"),
    ("ingest_unprocessed", "GET", "/jobs/ingest/<job>/unprocessedrecords"),
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

    def __init__(self, org: Org, sessions: Sessions, login: Login, url: Callable[[], str]) -> None:
        self.faults = Faults()
        self._org = org
        self._sessions = sessions
        identity = f"{org.organization_id}/{org.integration_user_id}"
        self._token = TokenEndpoint(sessions, login, identity=identity, clock=org.clock)
        self._url = url
        self.bulk = Steering()
        self.replication = Replication()
        cursors, queries, ingests = Cursors(), QueryJobs(self.bulk), IngestJobs(self.bulk)
        self._usage = organisation.Usage()
        self._endpoints: dict[str, Callable[[Call], Answer]] = {
            "token": self._issue,
            "soap": lambda call: soap_login(call, login, sessions),
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
            "updated": self.replication.updated,
            "deleted": self.replication.deleted,
            "record": sobjects.record,
            "by_key": sobjects.by_key,
            "composite": lambda call: composite(call, self._inner),
            "collection": collections.write,
            "retrieve": collections.retrieve,
            "upsert": collections.upsert,
            "query_jobs": queries.every,
            "query_job": queries.one,
            "query_results": queries.results,
            "ingest_jobs": ingests.every,
            "ingest_job": ingests.one,
            "ingest_upload": ingests.upload,
            "ingest_successful": ingests.successful,
            "ingest_failed": ingests.failed,
            "ingest_unprocessed": ingests.unprocessed,
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
            self._org.settle_open()
            fault = self.faults.take(request)
            with self._org.duplicates.consenting(request.headers.get("Sforce-Duplicate-Rule-Header", "")):
                answer = self._answer(request) if fault is None else fault
        return self._shown(answer, request)

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
        if name in _ALONE or name.startswith("ingest_"):
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

    def _shown(self, answer: Answer, request: Request) -> Response:
        content, kind = _content(answer)
        response = Response(content, status=answer.status, headers=dict(answer.headers))
        if answer.csv is not None and "gzip" in request.headers.get("Accept-Encoding", ""):
            # Results are always compressed (Bulk API 2.0 Guide, "Understanding Bulk API 2.0 Query").
            response.set_data(gzip.compress(content, compresslevel=1, mtime=0))
            response.content_encoding = "gzip"
        if kind is not None:
            response.content_type = kind
        response.headers["Sforce-Limit-Info"] = self._usage.header()
        response.date = self._org.clock()  # clients take the server's time from it
        return response


def _content(answer: Answer) -> tuple[bytes, str | None]:
    """The body, and what it is."""
    if answer.csv is not None:
        return answer.csv.encode(), "text/csv;charset=UTF-8"
    if answer.xml is not None:
        return answer.xml, "text/xml;charset=UTF-8"
    if answer.body is not None:
        return json.dumps(answer.body).encode(), "application/json;charset=UTF-8"
    return b"", None


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
