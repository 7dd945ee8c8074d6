"""The places at which a process can die: before and after every commit and every call to the outside."""

from __future__ import annotations

import os
import re
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import urllib3
from sqlalchemy import Connection, Engine, event

from closedloop_server.store.engine import SINGLE

_IDS = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}|[0-9][A-Za-z0-9-]{5,}|[0-9]+")
_OURS = "closedloop_server"

PAUSE = 0.02
"""Seconds without a commit or a call after which it is worth a look whether there is nothing left to do."""


class CrashPoints:
    """Names the points that this process passes, and ends it at one of them as a power cut would.

    A point's name says where it is, and in brackets which pass of that place it is: threads reach the same
    place in another order each time, so that a number alone would stand for another place in every run. The
    name is written to `epitaph` first. Nothing else is told: what a dying process could still say, a real
    one could not.
    """

    def __init__(self, die_at: str | None, epitaph: Path) -> None:
        self._die_at = die_at
        self._epitaph = epitaph
        self.passed: list[str] = []
        self._places: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._moving = threading.Event()

    def watch(self, engine: Engine) -> None:
        """Names the commits of this engine, and every HTTP request that this process makes."""
        # Not an event: there is none for the moment after a commit.
        dialect: Any = engine.dialect
        dialect.do_commit = self._around(dialect.do_commit, lambda *_: f"commit of {_step()}")
        event.listen(engine, "before_cursor_execute", self._before_statement)
        pool: Any = urllib3.HTTPConnectionPool
        pool.urlopen = self._around(pool.urlopen, _call)

    def wait_for_pause(self, most: float) -> None:
        """Returns when points were passed and then none for a moment, or after `most` seconds without one."""
        self._moving.wait(most)
        while self._moving.is_set():
            self._moving.clear()
            time.sleep(PAUSE)

    def _around(self, function: Callable[..., Any], place: Callable[..., str]) -> Callable[..., Any]:
        def watched(*args: Any, **kwargs: Any) -> Any:
            where = place(*args, **kwargs)
            self._pass(f"before {where}")
            result = function(*args, **kwargs)
            self._pass(f"after {where}")
            return result

        return watched

    def _before_statement(self, connection: Connection, *_: Any) -> None:
        """A statement that SQLite commits by itself is over before anybody says commit."""
        if connection.dialect.name == "sqlite" and connection.get_execution_options().get(SINGLE, False):
            self._pass(f"before the statement of {_step()}")

    def _pass(self, where: str) -> None:
        with self._lock:
            self._places[where] += 1
            point = f"{where} ({self._places[where]})"
            self.passed.append(point)
            if point == self._die_at:
                self._epitaph.write_text(point)
                os.kill(os.getpid(), signal.SIGKILL)
        self._moving.set()


def _step() -> str:
    """The function of ours that commits, without the context managers in between."""
    frame = sys._getframe(1)
    while frame.f_back is not None:
        frame = frame.f_back
        name = frame.f_globals.get("__name__", "")
        if name.startswith(_OURS) and not name.startswith((f"{_OURS}.store.engine", f"{_OURS}.services")):
            return f"{name.removeprefix(f'{_OURS}.')}.{frame.f_code.co_name}"
    return "somebody else"


def _call(_: Any, method: str, url: str, *__: Any, **___: Any) -> str:
    return f"{method} {_IDS.sub('…', url.partition('?')[0])}"
