"""The answer of a WSGI application, held back so that something can be done about it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Collected:
    """Status line, headers and body."""

    status: str
    headers: Headers
    body: bytes

    @classmethod
    def of(cls, app: WSGIApplication, environ: WSGIEnvironment) -> Self:
        """What the application answers."""
        begun: list[tuple[str, Headers]] = []

        def start(status: str, headers: Iterable[tuple[str, str]], *_: object) -> Callable[[bytes], object]:
            begun.append((status, tuple(headers)))
            return lambda _: None

        answer = app(environ, start)
        try:
            body = b"".join(answer)
        finally:
            close: Callable[[], None] | None = getattr(answer, "close", None)
            if close is not None:
                close()
        status, headers = begun[-1]
        return cls(status=status, headers=headers, body=body)

    def json(self) -> Any:
        """The body as JSON; None where it is none."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None

    def with_header(self, name: str, value: str) -> Self:
        """The same with one header set."""
        kept = tuple(pair for pair in self.headers if pair[0].lower() != name.lower())
        return replace(self, headers=(*kept, (name, value)))

    def header(self, name: str) -> str | None:
        """A header's value."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)

    def replaced(self, *, status: str, body: Mapping[str, Any]) -> Self:
        """The same answer with another status and a JSON body."""
        content = json.dumps(body).encode()
        again = replace(self, status=status, body=content).with_header("Content-Length", str(len(content)))
        return again.with_header("Content-Type", "application/json;charset=utf-8")

    def send(self, start_response: StartResponse) -> list[bytes]:
        """Answers with it."""
        start_response(self.status, list(self.headers))
        return [self.body]
