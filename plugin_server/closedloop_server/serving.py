"""Serves the application with waitress from a thread, and stops without cutting an answer short."""

from __future__ import annotations

import socket
from wsgiref.types import WSGIApplication

from waitress.server import create_server

from closedloop.errors import SettingsError
from closedloop.serving import ServingThread

THREADS = 8
_LARGEST = 11_000_000
"""Bytes of any request. The views allow less, HubSpot's webhook the most of them."""


class HttpServer:
    """An HTTP server on one address, bound at once so that `url` is known; it answers after `start`."""

    def __init__(self, host: str, port: int) -> None:
        self._socket = _bound(host, port)
        self._stopped = False
        self._serving: ServingThread | None = None
        self.port: int = self._socket.getsockname()[1]
        shown = f"[{host}]" if ":" in host else host
        self.url = f"http://{shown}:{self.port}"

    def start(self, app: WSGIApplication) -> None:
        """Begins to answer."""
        server = create_server(
            app,
            sockets=[self._socket],
            threads=THREADS,
            ident=None,
            max_request_body_size=_LARGEST,
            clear_untrusted_proxy_headers=True,
        )
        self._serving = ServingThread(server, name="http")
        self._serving.start()

    def stop(self) -> None:
        """Finishes what is being answered and closes the socket. Safe to repeat."""
        if self._stopped:
            return
        self._stopped = True
        if self._serving is None:
            self._socket.close()
        else:
            self._serving.stop()


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
