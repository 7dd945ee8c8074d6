"""Changes the faults of running sandboxes from outside the process: `/faults`, beside the page.

GET     what the plans are doing: counts and log of each sandbox
PUT     a plan as JSON, which both follow from now on; 400 says what is wrong with it
DELETE  everything goes well again
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from werkzeug import Request, Response

from closedloop.errors import SettingsError
from closedloop.sandbox.faults.engine import Faults

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

PATH = "/faults"
_LOCAL = frozenset({"127.0.0.1", "localhost", "[::1]"})


class FaultControl:
    """A WSGI application that answers at `/faults`, and leaves everything else to another."""

    def __init__(self, inner: WSGIApplication, faults: Mapping[str, Faults]) -> None:
        self._inner = inner
        self._faults = faults

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if environ["PATH_INFO"] != PATH:
            return self._inner(environ, start_response)
        return self._answer(Request(environ))(environ, start_response)

    def _answer(self, request: Request) -> Response:
        # A site that gave its name this machine's address must not get at the plans.
        if request.host.rpartition(":")[0] not in _LOCAL:
            return _refused("This answers only to programs on this machine.", HTTPStatus.FORBIDDEN)
        match request.method:
            case "GET":
                return _json(self._state())
            case "PUT":
                return self._put(request)
            case "DELETE":
                for faults in self._faults.values():
                    faults.clear()
                return Response(status=HTTPStatus.NO_CONTENT)
        return _refused("Use GET, PUT or DELETE.", HTTPStatus.METHOD_NOT_ALLOWED)

    def _put(self, request: Request) -> Response:
        from closedloop.sandbox.faults.reading import plan_of  # noqa: PLC0415 - as in `Faults.use`

        given = request.get_json(force=True, silent=True)
        if not isinstance(given, dict):
            return _refused("The body must be a plan as a JSON object.", HTTPStatus.BAD_REQUEST)
        try:
            plan = plan_of(given)
        except SettingsError as error:
            return _refused(error.message, HTTPStatus.BAD_REQUEST)
        for faults in self._faults.values():
            faults.use(plan)
        return _json(self._state())

    def _state(self) -> dict[str, Any]:
        return {name: _state_of(faults) for name, faults in self._faults.items()}


def _state_of(faults: Faults) -> dict[str, Any]:
    counts = {
        name: {"matched": matched, "struck": struck} for name, (matched, struck) in faults.counts.items()
    }
    log = [asdict(entry) | {"at": entry.at.isoformat()} for entry in faults.log]
    return {"seed": faults.plan.seed, "rules": counts, "log": log}


def _json(body: object, status: HTTPStatus = HTTPStatus.OK) -> Response:
    return Response(json.dumps(body), status=status, content_type="application/json")


def _refused(message: str, status: HTTPStatus) -> Response:
    return _json({"error": message}, status)
