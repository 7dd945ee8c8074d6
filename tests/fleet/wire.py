"""A wire that can be cut: what stands between a process and the database, or before the web processes."""

from __future__ import annotations

import itertools
import selectors
import socket
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from types import TracebackType
from typing import Self

Connect = Callable[[], socket.socket]


def to_port(port: int) -> Connect:
    """Connects to a port of this machine."""
    return lambda: socket.create_connection(("127.0.0.1", port), 10)


def to_unix_socket(path: str) -> Connect:
    """Connects to a socket in the file system."""

    def connect() -> socket.socket:
        made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        made.connect(path)
        return made

    return connect


class Wire:
    """Passes on what comes in at its port to one of the targets in turn, past those that do not answer.

    While it is cut, nothing gets through in either direction and nobody is told; when it is mended, all
    connections of before are broken, as they are when one end has given up.
    """

    def __init__(self, targets: Sequence[Connect]) -> None:
        self._targets = targets
        self._next = itertools.count()
        self._whole = threading.Event()
        self._whole.set()
        self._stopping = False
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port: int = self._listener.getsockname()[1]

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopping = True
        # Closing alone does not end the wait for the next connection.
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.mend()

    def cut(self) -> None:
        """Lets nothing through."""
        self._whole.clear()

    def mend(self) -> None:
        """Lets everything through again, over new connections."""
        with self._lock:
            found, self._open = self._open, set()
        for each in found:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        self._whole.set()

    def _accept(self) -> None:
        while not self._stopping:
            try:
                caller, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._pass_on, args=(caller,), daemon=True).start()

    def _pass_on(self, caller: socket.socket) -> None:
        with caller:
            self._whole.wait()
            target = self._reach()
            if target is None:
                return
            with target:
                self._note(caller, target)
                self._relay(caller, target)

    def _note(self, *ends: socket.socket) -> None:
        with self._lock:
            self._open = {each for each in self._open if each.fileno() >= 0} | {*ends}

    def _reach(self) -> socket.socket | None:
        first = next(self._next)
        for place in range(len(self._targets)):
            with suppress(OSError):
                return self._targets[(first + place) % len(self._targets)]()
        return None

    def _relay(self, caller: socket.socket, target: socket.socket) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(caller, selectors.EVENT_READ, target)
            selector.register(target, selectors.EVENT_READ, caller)
            with suppress(OSError):
                while True:
                    for key, _ in selector.select():
                        data = key.fileobj.recv(65_536)  # type: ignore[union-attr]  # only sockets are registered
                        self._whole.wait()
                        if not data:
                            return
                        key.data.sendall(data)
