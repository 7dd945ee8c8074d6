"""Serves the application with waitress from a thread, and stops without cutting an answer short."""

from __future__ import annotations

import logging
import socket
import sys
from wsgiref.types import WSGIApplication

from waitress.server import create_server

from closedloop.errors import SettingsError
from closedloop.serving import ServingThread
from closedloop_server.strict_http import make_strict

THREADS = 8
_LARGEST = 11_000_000
"""Bytes of any request's body. The views allow less, HubSpot's webhook the most of them."""
_LARGEST_HEAD = 32_768
"""Bytes of the first line and all headers together."""
_CONNECTIONS = 500
_SILENCE = 30
"""Seconds without a byte after which a connection is closed."""
_SWITCH_INTERVAL = 0.0005
"""Seconds after which Python has another thread go on, 0.005 by default. A request gives the interpreter up
at every piece that it receives and at every word with the database, and waits so long to get it back for each
thread that is at work: with busy workers in this process the default made answers four times as slow."""


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
        sys.setswitchinterval(_SWITCH_INTERVAL)
        # It warns of every request that waits for a thread, which is what ten senders at once make of eight.
        logging.getLogger("waitress.queue").setLevel(logging.ERROR)
        server = create_server(
            app,
            sockets=[self._socket],
            threads=THREADS,
            ident=None,
            max_request_body_size=_LARGEST,
            max_request_header_size=_LARGEST_HEAD,
            connection_limit=_CONNECTIONS,
            channel_timeout=_SILENCE,
            cleanup_interval=5,
            recv_bytes=65_536,  # a delivery in one piece or two: each piece is a turn of the thread for all
            asyncore_use_poll=True,  # select() cannot watch the descriptors above 1024
            # Kept for `access.client_address`, which believes them from the settings' proxies alone.
            clear_untrusted_proxy_headers=False,
        )
        make_strict(server)
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
