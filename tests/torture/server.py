"""A server in a process of its own, which may die at any time and is started again."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass, field, replace
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from tests.torture.forks import FORKS
from tests.torture.victim import PATIENCE, Orders, serve


class HungError(Exception):
    """The server is alive, and does not come to rest."""


@dataclass(kw_only=True)
class MortalServer:
    """Starts the server with `orders`; when it has died, it is started again, to live on."""

    orders: Orders
    deaths: list[str] = field(default_factory=list)
    _process: BaseProcess | None = None
    _pipe: Connection | None = None

    def start(self) -> None:
        """Starts the process; returns when it answers, or has died."""
        self._pipe, theirs = FORKS.Pipe()
        self._process = FORKS.Process(target=serve, args=(self.orders, theirs), daemon=True)
        self._process.start()
        theirs.close()
        self._hear()

    def rest(self) -> None:
        """Returns when the server has nothing left to do, however often it dies before."""
        deadline = time.monotonic() + PATIENCE
        while not self.ask("rest"):
            if time.monotonic() > deadline:
                raise HungError("the server does not come to rest")

    def poll(self) -> None:
        """Has everything polled; a server that dies before it is noted is asked again."""
        while not self.ask("poll"):
            pass

    def ask(self, what: str) -> Any:
        """The server's answer; None when it died over it, and was started again."""
        if self._pipe is not None:
            with suppress(BrokenPipeError):
                self._pipe.send(what)
        return self._hear()

    def stop(self) -> tuple[str, ...]:
        """Ends the process; returns the points that it has passed."""
        if self._process is None:
            return ()
        passed = self.ask("stop") if self._process.is_alive() else None
        self._process.join(PATIENCE)
        return tuple(passed or ())

    def _hear(self) -> Any:
        if self._pipe is None or self._process is None:
            raise RuntimeError("start the server first")
        try:
            if not self._pipe.poll(2 * PATIENCE):
                self._process.kill()
                self._process.join()
                raise HungError("the server does not answer")
            return self._pipe.recv()
        except (EOFError, ConnectionResetError):
            self._process.join()
            self.deaths.append(_epitaph(self.orders.epitaph))
            self.orders = replace(self.orders, die_at=None)
            self.start()
            return None


def _epitaph(path: Path) -> str:
    return path.read_text() if path.exists() else "it died by itself"
