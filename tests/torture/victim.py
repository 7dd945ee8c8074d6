"""The process that is killed: a whole server, as `closedloop serve` runs it, on a clock that can leap."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from unittest.mock import patch

from tests.torture.clock import Offset, SharedClock
from tests.torture.points import CrashPoints

from closedloop.crm import retry
from closedloop.mapping import load_mappings
from closedloop_server.runtime import Runtime
from closedloop_server.settings import Settings

MAPPINGS = load_mappings()
"""Compiled once, before the process forks."""

PATIENCE = 120.0
"""Seconds in which a server has to come to rest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Orders:
    """What a server is started with; `die_at` is the name of the crash point, None for none."""

    settings: Settings
    offset: Offset
    epitaph: Path
    die_at: str | None = None


def serve(orders: Orders, parent: Connection) -> None:
    """Runs a server until the parent says stop, or until it dies. Nobody waits between two tries.

    Answers `rest` when it has nothing left to do, with whether it came to that; `poll` at once, and `stop`
    with the names of the points that it has passed.
    """
    logging.disable(logging.CRITICAL)
    with (
        retry.without_waiting(),
        patch("closedloop_server.pipeline.backoff._FIRST", 0.02),
        patch("closedloop_server.pipeline.backoff._LONGEST", 0.2),
        patch("closedloop_server.runtime.load_mappings", lambda _: MAPPINGS),
    ):
        runtime = Runtime(orders.settings, clock=SharedClock(orders.offset))
        points = CrashPoints(orders.die_at, orders.epitaph)
        points.watch(runtime.services.engine)
        with runtime:
            parent.send(True)
            while (asked := parent.recv()) != "stop":
                if asked == "poll":
                    runtime.poll_now()
                    parent.send(True)
                else:
                    parent.send(_comes_to_rest(runtime, points))
        parent.send(points.passed)


def _comes_to_rest(runtime: Runtime, points: CrashPoints) -> bool:
    """Waits until there is nothing left to do, and looks in pauses alone: the workers need the machine."""
    deadline = time.monotonic() + PATIENCE
    while not (idle := runtime.idle()) and time.monotonic() < deadline:
        points.wait_for_pause(1.0)
    return idle
