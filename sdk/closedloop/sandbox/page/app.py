"""The page as a WSGI application: server-rendered, for a browser on this machine only."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

from werkzeug import Request, Response
from werkzeug.utils import redirect

from closedloop.sandbox.hubspot import HubSpotSandbox
from closedloop.sandbox.page.hubspot import HubSpotSide
from closedloop.sandbox.page.salesforce import SalesforceSide
from closedloop.sandbox.page.side import RefusedError, Side
from closedloop.sandbox.routing import NoRouteError, Router, WrongMethodError, path_of
from closedloop.sandbox.salesforce import SalesforceSandbox

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment
    from jinja2 import Environment

_SIZE = 50
_LATEST = 100
_CAMPAIGNS = 6
_KINDS_OF_FILE = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}
# No script but ours, and no other site may show the page or send its forms.
_HEADERS = {
    "Content-Security-Policy": "default-src 'self'; frame-ancestors 'none'; form-action 'self'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}
_LOCAL = frozenset({"127.0.0.1", "localhost", "::1"})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Visit:
    request: Request
    path: dict[str, str]
    side: Side | None = None


class SandboxPage:
    """Shows the sandboxes that it is given, one or both."""

    def __init__(
        self, *, salesforce: SalesforceSandbox | None = None, hubspot: HubSpotSandbox | None = None
    ) -> None:
        self._sides: list[Side] = []
        if salesforce is not None:
            self._sides.append(SalesforceSide(salesforce))
        if hubspot is not None:
            self._sides.append(HubSpotSide(hubspot))
        self._router: Router[Any] = Router()
        for method, path, handler in (
            ("GET", "/", self._overview),
            ("GET", "/static/<file>", self._file),
            ("GET", "/requests", self._requests),
            ("GET", "/webhooks", self._webhooks),
            ("GET", "/<crm>/<kind>", self._list),
            ("GET", "/<crm>/<kind>/<id>", self._record),
            ("POST", "/<crm>/<kind>/<id>/<form>", self._act),
        ):
            self._router.add(method, path, handler)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        response = self._answer(Request(environ))
        response.headers.update(_HEADERS)
        return response(environ, start_response)

    def _answer(self, request: Request) -> Response:
        if not _from_here(request):
            return Response("This page answers only to a browser on this machine.", status=403)
        try:
            handler, path = self._router.match(request.method, path_of(request))
        except NoRouteError:
            return self._missing(request)
        except WrongMethodError as wrong:
            return Response("Method not allowed.", status=405, headers={"Allow": ", ".join(wrong.allowed)})
        side = next((side for side in self._sides if side.key == path.get("crm")), None)
        if "crm" in path and side is None:
            return self._missing(request)
        response: Response = handler(_Visit(request=request, path=dict(path), side=side))
        return response

    def _overview(self, visit: _Visit) -> Response:
        fed_back = [(side, each) for side in self._sides for each in side.fed_back()]
        fed_back.sort(key=lambda pair: pair[1].at, reverse=True)
        return self._page(
            "overview.html",
            visit,
            kinds={side.key: side.kinds() for side in self._sides},
            fed_back=fed_back[:_CAMPAIGNS],
            told=any(side.tells for side in self._sides),
        )

    def _list(self, visit: _Visit) -> Response:
        find, start = visit.request.args.get("find", ""), _whole(visit.request.args.get("start"))
        kind, side = visit.path["kind"], visit.side
        listing = side.records(kind, start=start, size=_SIZE, find=find) if side else None
        if side is None or listing is None:
            return self._missing(visit.request)
        return self._page(
            "records.html",
            visit,
            kind=kind,
            listing=listing,
            find=find,
            start=start,
            earlier=f"?{urlencode({'find': find, 'start': max(0, start - _SIZE)})}" if start else "",
            later=f"?{urlencode({'find': find, 'start': start + _SIZE})}" if listing.more else "",
        )

    def _record(self, visit: _Visit) -> Response:
        return self._shown(visit, done="saved" in visit.request.args, problem="")

    def _shown(self, visit: _Visit, *, done: bool, problem: str) -> Response:
        kind, side = visit.path["kind"], visit.side
        record = side.record(kind, visit.path["id"]) if side else None
        if record is None:
            return self._missing(visit.request)
        response = self._page("record.html", visit, kind=kind, record=record, done=done, problem=problem)
        response.status_code = 400 if problem else 200
        return response

    def _act(self, visit: _Visit) -> Response:
        kind, record_id, side = visit.path["kind"], visit.path["id"], visit.side
        if side is None or side.record(kind, record_id) is None:
            return self._missing(visit.request)
        try:
            side.act(kind, record_id, visit.path["form"], visit.request.form.to_dict())
        except RefusedError as refused:
            return self._shown(visit, done=False, problem=str(refused))
        return redirect(f"/{side.key}/{kind}/{record_id}?saved=1", code=303, Response=Response)

    def _requests(self, visit: _Visit) -> Response:
        received = [(side, each) for side in self._sides for each in side.received.latest(_LATEST)]
        received.sort(key=lambda pair: pair[1].at, reverse=True)
        return self._page("requests.html", visit, received=received[:_LATEST])

    def _webhooks(self, visit: _Visit) -> Response:
        sent = [(side, each) for side in self._sides for each in side.sent()]
        sent.sort(key=lambda pair: pair[1].at, reverse=True)
        return self._page("webhooks.html", visit, sent=sent[:_LATEST])

    def _file(self, visit: _Visit) -> Response:
        name = visit.path["file"]
        kind = _KINDS_OF_FILE.get(name.rpartition(".")[2])
        found = files("closedloop.sandbox.page") / "static" / name
        if kind is None or "/" in name or not found.is_file():
            return self._missing(visit.request)
        return Response(found.read_bytes(), mimetype=kind)

    def _missing(self, request: Request) -> Response:
        response = self._page("missing.html", _Visit(request=request, path={}))
        response.status_code = 404
        return response

    @cached_property
    def _templates(self) -> Environment:
        from jinja2 import Environment, PackageLoader, StrictUndefined  # noqa: PLC0415 - for who looks

        return Environment(
            loader=PackageLoader("closedloop.sandbox.page"), autoescape=True, undefined=StrictUndefined
        )

    def _page(self, template: str, visit: _Visit, **values: Any) -> Response:
        text = self._templates.get_template(template).render(
            sides=self._sides, side=visit.side, here=visit.request.path, **values
        )
        return Response(text, mimetype="text/html")


def _from_here(request: Request) -> bool:
    """Whether the browser asks this machine, and a form is this page's own: other sites may try both."""
    origin = request.headers.get("Origin")
    own = urlsplit(f"//{request.host}").hostname in _LOCAL
    return own and (origin is None or urlsplit(origin).netloc == request.host)


def _whole(text: str | None) -> int:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 10 else 0
