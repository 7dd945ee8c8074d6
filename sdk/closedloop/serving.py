"""Turns a waitress server from a thread that can be stopped: the sandboxes' servers, and the real one."""

from __future__ import annotations

import threading
from typing import Any

from waitress import wasyncore

# How long a request that is being answered may still take when the server stops.
_GRACE_SECONDS = 5.0


class ServingThread:
    """Answers for a server that `waitress.server.create_server` made, from `start` to `stop`."""

    def __init__(self, server: Any, *, name: str) -> None:
        self._server = server
        self._stopping = threading.Event()
        self._woken = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Begins to answer."""
        self._thread.start()

    def stop(self) -> None:
        """Finishes what is being answered, closes every connection, and waits for the threads."""
        self._stopping.set()
        self._server.pull_trigger()
        self._woken.set()
        self._thread.join()

    def _run(self) -> None:
        # waitress' own run() ends only with the process; its close() from another thread pulls the
        # descriptors from under select(). So: one turn at a time, and the closing is done in here.
        connections = self._server._map  # noqa: SLF001 - the only handle waitress gives on its connections
        while not self._stopping.is_set():
            wasyncore.loop(timeout=1, use_poll=True, map=connections, count=1)
        # A busy loop sees the flag before the trigger was pulled; closing it first would make stop() write
        # to a descriptor that is closed, or by then somebody else's.
        self._woken.wait()
        self._server.task_dispatcher.shutdown(timeout=_GRACE_SECONDS)
        wasyncore.close_all(connections)
