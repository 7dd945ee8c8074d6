"""Serves a WSGI application on 127.0.0.1 from a thread, and stops without leaving a socket open."""

from __future__ import annotations

import socket
import threading
import weakref
from types import TracebackType
from typing import Any, Self
from wsgiref.types import WSGIApplication

from waitress import wasyncore
from waitress.server import create_server

# How long a request that is being answered may still take when the server stops.
_GRACE_SECONDS = 5.0


class LocalServer:
    """A threaded HTTP/1.1 server on the loopback interface.

    The port is bound at once, so that `url` is known before `start`; nobody is answered until then.
    Use it as a context manager, or call `stop` in the end, started or not. It does not start twice.
    """

    def __init__(self, app: WSGIApplication, *, port: int = 0, threads: int = 8) -> None:
        self._app = app
        self._threads = threads
        self._stopping = threading.Event()
        self._woken = threading.Event()
        self._thread: threading.Thread | None = None
        self._server: Any = None
        self._socket = _bound(port)
        # One that is thrown away without ever having been started or stopped leaves no socket either.
        weakref.finalize(self, self._socket.close)
        self.port: int = self._socket.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Begins to answer; returns once connections are accepted."""
        if self._thread is not None or self._stopping.is_set():
            raise RuntimeError("this server was started before: make a new one")
        self._server = create_server(
            self._app, sockets=[self._socket], threads=self._threads, ident="closedloop-sandbox"
        )
        self._thread = threading.Thread(target=self._run, name=f"http-{self.port}", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Finishes what is being answered, closes every connection, waits for the threads. Safe to repeat."""
        if self._stopping.is_set():
            return
        self._stopping.set()
        if self._thread is None:
            self._socket.close()
            return
        self._server.pull_trigger()
        self._woken.set()
        self._thread.join()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _run(self) -> None:
        # waitress' own run() ends only with the process; its close() from another thread pulls the
        # descriptors from under select(). So: one turn at a time, and the closing is done in here.
        connections = self._server._map  # noqa: SLF001  the only handle waitress gives on its connections
        while not self._stopping.is_set():
            wasyncore.loop(timeout=1, map=connections, count=1)
        # A busy loop sees the flag before the trigger was pulled; closing it first would make stop() write
        # to a descriptor that is closed, or by then somebody else's.
        self._woken.wait()
        self._server.task_dispatcher.shutdown(timeout=_GRACE_SECONDS)
        wasyncore.close_all(connections)


def _bound(port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
    except OSError:
        listener.close()
        raise
    return listener
