"""What goes wrong on the way between a client and a server: silence, cut connections, half an answer."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from email.utils import format_datetime, parsedate_to_datetime
from typing import TYPE_CHECKING, Never, cast

from waitress.channel import ClientDisconnected

from closedloop.sandbox.faults.clock import skewed
from closedloop.sandbox.faults.collected import Collected
from closedloop.sandbox.faults.effects import Disturbance, Phase, Strike
from closedloop.sandbox.faults.engine import Faults
from closedloop.sandbox.received import status_line

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

    from closedloop.sandbox.faults.effects import Cut, Rewritten, Skew

SOCKET = "closedloop.socket"
"""Where the server leaves the connection of the request in the WSGI environment."""

_PAGE = b"<!DOCTYPE html><html><head><title>Maintenance</title></head><body>Back soon.</body></html>"
# Lingering for no time makes close() send a reset instead of an orderly end.
_RESET = struct.pack("ii", 1, 0)
_LOOK_AGAIN = 0.05
_Act = Callable[[Strike, "WSGIApplication", "WSGIEnvironment", "StartResponse"], Iterable[bytes]]


class Way:
    """The way to one application, and what `faults` do to who goes it."""

    def __init__(self, faults: Faults) -> None:
        self._faults = faults
        self._over = threading.Event()

    def end(self) -> None:
        """Wakes everything that waits: the server stops."""
        self._over.set()

    def around(self, app: WSGIApplication) -> WSGIApplication:
        """The application with the faults in front of it."""
        faults = self._faults
        partly = self._at(Phase.BATCH, app, _carried_out_in_part)
        skewed = self._at(Phase.CLOCK, partly, _at_another_time)
        struck = self._delayed(self._at(Phase.WIRE, skewed, self._disturbed))

        def gate(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
            return (struck if faults.on_the_way else app)(environ, start_response)

        return gate

    def _at(self, phase: Phase, app: WSGIApplication, act: _Act) -> WSGIApplication:
        """The application with the faults of one phase in front of it."""

        def struck(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
            strike = self._faults.take(phase, self._faults.asked(environ))
            if strike is None:
                return app(environ, start_response)
            return act(strike, app, environ, start_response)

        return struck

    def _delayed(self, app: WSGIApplication) -> WSGIApplication:
        def delayed(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
            delays = self._faults.delays(self._faults.asked(environ))
            self._wait(sum(seconds for delay, seconds in delays if delay.before))
            answer = app(environ, start_response)
            # The server sends nothing before it is given the body.
            self._wait(sum(seconds for delay, seconds in delays if not delay.before))
            return answer

        return delayed

    def _disturbed(
        self, strike: Strike, app: WSGIApplication, environ: WSGIEnvironment, start_response: StartResponse
    ) -> Iterable[bytes]:
        cut = cast("Cut", strike.effect)
        match cut.what:
            case Disturbance.SILENCE:
                self._be_silent(environ, strike.seconds(cut.seconds))
            case Disturbance.RESET:
                hang_up(environ)
            case Disturbance.PAGE:
                return _page(cut.status, start_response)
        answer = Collected.of(app, environ)
        match cut.what:
            case Disturbance.UNANSWERED:
                self._be_silent(environ, strike.seconds(cut.seconds))
            case Disturbance.LOST:
                hang_up(environ)
            case Disturbance.PAGE_AFTER:
                return _page(cut.status, start_response)
        start_response(answer.status, list(answer.headers))
        match cut.what:
            case Disturbance.TRUNCATED:
                return [answer.body[: len(answer.body) // 2]]
            case Disturbance.DRIPPING:
                return self._drip(answer.body, strike.seconds(cut.seconds))
        self._wait(strike.seconds(cut.seconds))
        return [answer.body]

    def _be_silent(self, environ: WSGIEnvironment, seconds: float) -> Never:
        """Says nothing until the client gives up; then, or after so long, the thread is needed again."""
        left = seconds
        while left > 0 and not self._over.wait(min(left, _LOOK_AGAIN)) and not _has_gone(environ):
            left -= _LOOK_AGAIN
        hang_up(environ)

    def _drip(self, body: bytes, seconds: float) -> Iterator[bytes]:
        for place in range(len(body)):
            yield body[place : place + 1]
            if self._over.wait(seconds):
                return

    def _wait(self, seconds: float) -> None:
        if seconds > 0:
            self._over.wait(seconds)


def hang_up(environ: WSGIEnvironment) -> Never:
    """Cuts the connection of the request that is being answered."""
    connection: socket.socket = environ[SOCKET]
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    raise ClientDisconnected


def _has_gone(environ: WSGIEnvironment) -> bool:
    """Whether the client has closed its end."""
    connection: socket.socket = environ[SOCKET]
    try:
        return connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) == b""
    except (BlockingIOError, InterruptedError):
        return False
    except OSError:
        return True


def _page(status: int, start_response: StartResponse) -> list[bytes]:
    start_response(status_line(status), [("Content-Type", "text/html"), ("Content-Length", str(len(_PAGE)))])
    return [_PAGE]


def _carried_out_in_part(
    strike: Strike, app: WSGIApplication, environ: WSGIEnvironment, start_response: StartResponse
) -> Iterable[bytes]:
    return cast("Rewritten", strike.effect).run(app, environ, start_response, strike)


def _at_another_time(
    strike: Strike, app: WSGIApplication, environ: WSGIEnvironment, start_response: StartResponse
) -> Iterable[bytes]:
    skew = cast("Skew", strike.effect)
    if skew.shows_in == "date":
        return _dated(Collected.of(app, environ), skew.seconds).send(start_response)
    with skewed(skew.seconds):
        answer = Collected.of(app, environ)
    if skew.shows_in == "records":
        answer = _dated(answer, -skew.seconds)
    return answer.send(start_response)


def _dated(answer: Collected, seconds: float) -> Collected:
    date = answer.header("Date")
    if date is None:
        return answer
    moved = parsedate_to_datetime(date) + timedelta(seconds=seconds)
    return answer.with_header("Date", format_datetime(moved, usegmt=True))
