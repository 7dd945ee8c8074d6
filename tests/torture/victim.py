"""The process that is killed: a whole server, as `closedloop serve` runs it, on a clock that can leap."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from unittest.mock import patch

from tests.torture.clock import Offset, SharedClock
from tests.torture.points import CrashPoints

from closedloop.crm import retry
from closedloop_server.runtime import Runtime
from closedloop_server.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Orders:
    """What a server is started with; `die_at` is the number of the crash point, None for none."""

    settings: Settings
    offset: Offset
    epitaph: Path
    die_at: int | None = None


def serve(orders: Orders, parent: Connection) -> None:
    """Runs a server until the parent says stop, or until it dies. Nobody waits between two tries."""
    logging.disable(logging.CRITICAL)
    with (
        retry.without_waiting(),
        patch("closedloop_server.pipeline.backoff._FIRST", 0.02),
        patch("closedloop_server.pipeline.backoff._LONGEST", 0.2),
    ):
        runtime = Runtime(orders.settings, clock=SharedClock(orders.offset))
        CrashPoints(orders.die_at, orders.epitaph).watch(runtime.services.engine)
        with runtime:
            parent.send(True)
            while (asked := parent.recv()) != "stop":
                if asked == "poll":
                    runtime.poll_now()
                parent.send(runtime.idle())
        parent.send(True)
