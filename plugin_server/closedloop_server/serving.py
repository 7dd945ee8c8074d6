"""Serves the application with waitress from a thread, and stops without cutting an answer short."""

from __future__ import annotations

import socket
import threading
from typing import Any
from wsgiref.types import WSGIApplication

from waitress import wasyncore
from waitress.server import create_server

from closedloop.errors import SettingsError

THREADS = 8
_GRACE_SECONDS = 5.0
_LARGEST = 11_000_000
"""Bytes of any request. The views allow less, HubSpot's webhook the most of them."""


class HttpServer:
    """An HTTP server on one address, bound at once so that `url` is known; it answers after `start`."""

    def __init__(self, host: str, port: int) -> None:
        self._socket = _bound(host, port)
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._server: Any = None
        self.port: int = self._socket.getsockname()[1]
        shown = f"[{host}]" if ":" in host else host
        self.url = f"http://{shown}:{self.port}"

    def start(self, app: WSGIApplication) -> None:
        """Begins to answer."""
        self._server = create_server(
            app,
            sockets=[self._socket],
            threads=THREADS,
            ident=None,
            max_request_body_size=_LARGEST,
            clear_untrusted_proxy_headers=True,
        )
        self._thread = threading.Thread(target=self._run, name="http", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Finishes what is being answered and closes the socket. Safe to repeat."""
        if self._stopping.is_set():
            return
        self._stopping.set()
        if self._thread is None:
            self._socket.close()
            return
        self._server.pull_trigger()
        self._thread.join()

    def _run(self) -> None:
        # waitress' own run() ends with the process only, and close() from another thread takes the
        # descriptors away under select(). So it turns here once at a time, and closes here.
        connections = self._server._map  # noqa: SLF001 - the one handle that waitress gives on its connections
        while not self._stopping.is_set():
            wasyncore.loop(timeout=1, map=connections, count=1)
        self._server.task_dispatcher.shutdown(timeout=_GRACE_SECONDS)
        wasyncore.close_all(connections)


def _bound(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
    except OSError as exc:
        listener.close()
        raise SettingsError(
            f"cannot listen on {host}:{port}: {exc.strerror}. Choose another host or port",
            reason="cannot_listen",
        ) from exc
    return listener
