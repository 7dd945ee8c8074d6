"""A batch of which a part is refused: the rest is carried out, and the answer is a 207 that names the part.

Which records HubSpot itself would refuse so is not known beforehand: the shape is that of recorded 207s.
"""

from __future__ import annotations

import io
import json
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from closedloop.sandbox.faults.collected import Collected
from closedloop.sandbox.faults.effects import Strike
from closedloop.sandbox.hubspot.errors import HubSpotError
from closedloop.sandbox.received import status_line

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_GONE = (
    "OBJECT_NOT_FOUND",
    "Could not get some objects, they may be deleted or not exist. Check that ids are valid.",
)
_INVALID = ("VALIDATION_ERROR", "The request could not be processed.")
_TRACE = "objectWriteTraceId"
_Inputs = list[dict[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class PartBatch:
    """Refuses each input with a chance of `share`; what is left out is that the record is gone, or cannot be
    made."""

    share: float = 0.5
    status: int = HTTPStatus.BAD_REQUEST
    code: str | None = None
    message: str | None = None

    def run(
        self, app: WSGIApplication, environ: WSGIEnvironment, start_response: StartResponse, strike: Strike
    ) -> Iterable[bytes]:
        """Carries out what is left of the batch, and answers with all of it."""
        body = _body(environ)
        inputs: list[Any] = body.get("inputs", [])
        refused = [n for n in range(len(inputs)) if strike.draw(f"input {n}") < self.share]
        if not refused or not all(isinstance(row, dict) for row in inputs):
            return app(environ, start_response)
        if _is_create(environ) and not all(_TRACE in row for row in inputs):
            return self._as_a_whole().send(start_response)
        left = [row for n, row in enumerate(inputs) if n not in refused]
        answer = Collected.of(app, _with(environ, {**body, "inputs": left}))
        return self._merged(answer, [inputs[n] for n in refused]).send(start_response)

    def _as_a_whole(self) -> Collected:
        """Without trace ids a batch is created as a whole, or not at all ("Multi-status errors")."""
        category, message = self._words(_INVALID)
        problem = HubSpotError(message, status=self.status, category=category)
        nothing = Collected(status="", headers=(), body=b"")
        return nothing.replaced(status=status_line(self.status), body=problem.body(str(uuid.uuid4())))

    def _merged(self, answer: Collected, refused: _Inputs) -> Collected:
        found = answer.json() if answer.body else {"results": []}
        if not isinstance(found, dict) or not answer.status.startswith("2"):
            return answer
        errors = [*found.get("errors", ()), *self._errors(refused)]
        merged = {**found, "status": "COMPLETE", "numErrors": len(errors), "errors": errors}
        return answer.replaced(status="207 Multi-Status", body=merged)

    def _errors(self, refused: _Inputs) -> Sequence[dict[str, Any]]:
        if all(_TRACE in row for row in refused):
            return [self._error(_INVALID, {_TRACE: [str(row[_TRACE])]}) for row in refused]
        ids = [str(row["id"]) for row in refused if "id" in row]
        return [self._error(_GONE, {"ids": ids} if ids else {})]

    def _error(self, usual: tuple[str, str], context: Mapping[str, Sequence[str]]) -> dict[str, Any]:
        category, message = self._words(usual)
        return {"status": "error", "category": category, "message": message, "context": context}

    def _words(self, usual: tuple[str, str]) -> tuple[str, str]:
        return self.code or usual[0], self.message or usual[1]


def _is_create(environ: WSGIEnvironment) -> bool:
    return bool(environ["PATH_INFO"].rstrip("/").endswith("/create"))


def _body(environ: WSGIEnvironment) -> dict[str, Any]:
    content = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    environ["wsgi.input"] = io.BytesIO(content)
    try:
        body = json.loads(content)
    except (ValueError, RecursionError):
        return {}
    return body if isinstance(body, dict) and isinstance(body.get("inputs"), list) else {}


def _with(environ: WSGIEnvironment, body: Mapping[str, Any]) -> WSGIEnvironment:
    content = json.dumps(body).encode()
    return {**environ, "wsgi.input": io.BytesIO(content), "CONTENT_LENGTH": str(len(content))}
