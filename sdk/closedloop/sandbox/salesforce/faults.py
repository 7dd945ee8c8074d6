"""Failures that a test asks for: the next answers are these instead of the real ones."""

from __future__ import annotations

import threading
from dataclasses import dataclass

from werkzeug import Request

from closedloop.sandbox.salesforce.call import Answer
from closedloop.sandbox.salesforce.refusal import Refusal


@dataclass(frozen=True, slots=True, kw_only=True)
class _Fault:
    answer: Answer
    path: str
    method: str | None

    def strikes(self, request: Request) -> bool:
        return self.path in request.path and self.method in (None, request.method)


class Faults:
    """What goes wrong next, in the order it was asked for."""

    def __init__(self) -> None:
        self._planned: list[_Fault] = []
        self._lock = threading.Lock()

    def plan(self, refusal: Refusal, *, times: int = 1, path: str = "", method: str | None = None) -> None:
        """The next `times` requests whose path contains `path` are refused so, and do nothing."""
        answer = Answer(status=refusal.status, body=refusal.as_answer())
        with self._lock:
            self._planned += [_Fault(answer=answer, path=path, method=method)] * times

    def take(self, request: Request) -> Answer | None:
        """The fault that strikes this request, which is then used up."""
        with self._lock:
            fault = next((f for f in self._planned if f.strikes(request)), None)
            if fault is not None:
                self._planned.remove(fault)
        return None if fault is None else fault.answer
