"""What goes wrong on the way between a client and a server: silence, cut connections, half an answer."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Never

from waitress.channel import ClientDisconnected, HTTPChannel
from waitress.task import WSGITask

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_SOCKET = "closedloop.socket"
_PAGE = b"<!DOCTYPE html><html><head><title>Maintenance</title></head><body>Back soon.</body></html>"
# Lingering for no time makes close() send a reset instead of an orderly end.
_RESET = struct.pack("ii", 1, 0)


class Disturbance(StrEnum):
    """What happens to a request instead of being answered as usual."""

    SILENCE = "silence"
    """It is taken and never answered; nothing is done."""
    RESET = "reset"
    """The connection is cut before anything is done."""
    LOST = "lost"
    """It is done, and then the connection is cut: the caller cannot know."""
    TRUNCATED = "truncated"
    """It is done, and the answer ends in the middle of its body."""
    DRIPPING = "dripping"
    """It is done, and the body comes byte by byte, with `seconds` between them."""
    DELAYED = "delayed"
    """It is done, and answered after `seconds`."""
    PAGE = "page"
    """It is answered with an HTML page and status 200, as by a proxy; nothing is done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Planned:
    what: Disturbance
    path: str
    method: str | None
    seconds: float

    def strikes(self, environ: WSGIEnvironment) -> bool:
        return self.path in environ["PATH_INFO"] and self.method in (None, environ["REQUEST_METHOD"])


class Disturbances:
    """What goes wrong next with a server's answers, in the order it was asked for."""

    def __init__(self) -> None:
        self._planned: list[_Planned] = []
        self._lock = threading.Lock()
        self._over = threading.Event()

    def plan(
        self,
        what: Disturbance,
        *,
        times: int = 1,
        path: str = "",
        method: str | None = None,
        seconds: float = 0.05,
    ) -> None:
        """Disturbs the next `times` requests whose path contains `path`."""
        with self._lock:
            self._planned += [_Planned(what=what, path=path, method=method, seconds=seconds)] * times

    def end(self) -> None:
        """Wakes everything that waits: the server stops."""
        self._over.set()

    def around(self, app: WSGIApplication) -> WSGIApplication:
        """The application with these disturbances in front of it."""

        def disturbed(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
            planned = self._take(environ)
            if planned is None:
                return app(environ, start_response)
            return self._disturbed(planned, app, environ, start_response)

        return disturbed

    def _take(self, environ: WSGIEnvironment) -> _Planned | None:
        with self._lock:
            found = next((p for p in self._planned if p.strikes(environ)), None)
            if found is not None:
                self._planned.remove(found)
        return found

    def _disturbed(
        self, planned: _Planned, app: WSGIApplication, environ: WSGIEnvironment, start_response: StartResponse
    ) -> Iterable[bytes]:
        match planned.what:
            case Disturbance.SILENCE:
                self._over.wait()
                hang_up(environ)
            case Disturbance.RESET:
                hang_up(environ)
            case Disturbance.PAGE:
                start_response("200 OK", [("Content-Type", "text/html"), ("Content-Length", str(len(_PAGE)))])
                return [_PAGE]
        body = _answered(app, environ, start_response)
        match planned.what:
            case Disturbance.LOST:
                hang_up(environ)
            case Disturbance.TRUNCATED:
                return [body[: len(body) // 2]]
            case Disturbance.DRIPPING:
                return self._drip(body, planned.seconds)
        self._over.wait(planned.seconds)
        return [body]

    def _drip(self, body: bytes, seconds: float) -> Iterator[bytes]:
        for place in range(len(body)):
            yield body[place : place + 1]
            if self._over.wait(seconds):
                return


def hang_up(environ: WSGIEnvironment) -> Never:
    """Cuts the connection of the request that is being answered."""
    connection: socket.socket = environ[_SOCKET]
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    raise ClientDisconnected


def _answered(app: WSGIApplication, environ: WSGIEnvironment, start_response: StartResponse) -> bytes:
    answer = app(environ, start_response)
    try:
        return b"".join(answer)
    finally:
        close: Callable[[], None] | None = getattr(answer, "close", None)
        if close is not None:
            close()


class _Task(WSGITask):  # type: ignore[misc]  # waitress has no types
    def get_environment(self) -> dict[str, Any]:
        environ: dict[str, Any] = super().get_environment()
        environ[_SOCKET] = self.channel.socket
        return environ


class Channel(HTTPChannel):  # type: ignore[misc]  # waitress has no types
    """A connection whose application can get at the socket."""

    task_class = _Task
