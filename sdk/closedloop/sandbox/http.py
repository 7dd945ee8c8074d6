"""Serves a WSGI application on 127.0.0.1 from a thread, and stops without leaving a socket open."""

from __future__ import annotations

import socket
import weakref
from types import TracebackType
from typing import TYPE_CHECKING, Self
from urllib.parse import urlsplit
from wsgiref.types import WSGIApplication

from waitress.server import create_server

from closedloop.sandbox.disturbance import Channel, Disturbances
from closedloop.sandbox.faults.engine import Faults
from closedloop.serving import ServingThread

if TYPE_CHECKING:
    # It takes cryptography, which is slow to import and not needed without.
    from closedloop.sandbox.tls import Certificate

_LARGEST_BODY = 2**28


class LocalServer:
    """A threaded HTTP/1.1 server on the loopback interface.

    The port is bound at once, so that `url` is known before `start`; nobody is answered until then.
    Use it as a context manager, or call `stop` in the end, started or not. It does not start twice.
    `disturbances` are what goes wrong with its answers on their way, `faults` the rules for that. With a
    `certificate` the port speaks HTTPS.
    """

    def __init__(
        self,
        app: WSGIApplication,
        *,
        port: int = 0,
        threads: int = 8,
        faults: Faults | None = None,
        certificate: Certificate | None = None,
    ) -> None:
        self.disturbances = Disturbances(faults or Faults())
        self._app = self.disturbances.around(app)
        self._threads = threads
        self._stopped = False
        self._serving: ServingThread | None = None
        self._socket = _bound(0 if certificate else port)
        outside = _bound(port) if certificate else self._socket
        # One that is thrown away without ever having been started or stopped leaves no socket either.
        weakref.finalize(self, self._socket.close)
        weakref.finalize(self, outside.close)
        self.port: int = outside.getsockname()[1]
        self.url = f"{'https' if certificate else 'http'}://127.0.0.1:{self.port}"
        inside = self._socket.getsockname()[1]
        self._decrypting = certificate.decrypting(outside, to_port=inside) if certificate else None

    def start(self) -> None:
        """Begins to answer; returns once connections are accepted."""
        if self._serving is not None or self._stopped:
            raise RuntimeError("this server was started before: make a new one")
        server = create_server(
            self._app,
            sockets=[self._socket],
            threads=self._threads,
            ident="closedloop-sandbox",
            # Addresses in the answers begin as the caller's do.
            url_scheme=urlsplit(self.url).scheme,
            # Large bodies stay in memory: the files they went to otherwise are left open.
            inbuf_overflow=_LARGEST_BODY,
            outbuf_overflow=_LARGEST_BODY,
        )
        server.channel_class = Channel
        self._serving = ServingThread(server, name=f"http-{self.port}")
        self._serving.start()
        if self._decrypting is not None:
            self._decrypting.start()

    def stop(self) -> None:
        """Finishes what is being answered, closes every connection, waits for the threads. Safe to repeat."""
        if self._stopped:
            return
        self._stopped = True
        self.disturbances.end()
        if self._decrypting is not None:
            self._decrypting.stop()
        if self._serving is None:
            self._socket.close()
        else:
            self._serving.stop()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def _bound(port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
    except OSError:
        listener.close()
        raise
    return listener
