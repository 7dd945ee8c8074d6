"""The processes of a fleet: what `closedloop serve` and `closedloop worker` run, on a clock that can leap."""

from __future__ import annotations

import logging
import os
import signal
from dataclasses import dataclass, field
from multiprocessing.process import BaseProcess
from threading import Event
from unittest.mock import patch

from tests.torture.clock import Offset, SharedClock
from tests.torture.forks import FORKS

from closedloop.crm import retry
from closedloop.mapping import load_mappings
from closedloop_server.runtime import Runtime, Workers, work_until
from closedloop_server.settings import Settings

MAPPINGS = load_mappings()
"""Compiled once, before the processes fork."""


@dataclass(kw_only=True)
class Member:
    """A process of the fleet, started anew whenever it was killed. A web process has a port of its own."""

    settings: Settings
    offset: Offset
    web: bool = False
    deaths: int = 0
    _process: BaseProcess | None = field(default=None, init=False)

    def start(self) -> None:
        """Starts the process; returns at once."""
        arguments = (self.settings, self.offset, self.web)
        self._process = FORKS.Process(target=live, args=arguments, daemon=True)
        self._process.start()

    def kill(self) -> None:
        """Ends the process as a power cut would, and starts another in its place."""
        if self._process is not None and self._process.pid is not None:
            os.kill(self._process.pid, signal.SIGKILL)
            self._process.join()
            self.deaths += 1
        self.start()

    def stop(self) -> None:
        """Asks the process to end, and waits for it."""
        if self._process is not None:
            self._process.terminate()
            self._process.join(40)
            if self._process.is_alive():
                self._process.kill()
                self._process.join()


def live(settings: Settings, offset: Offset, web: bool) -> None:
    """Runs until the process is asked to end. Nobody waits between two tries."""
    if "CLOSEDLOOP_FLEET_LOG" in os.environ:
        logging.basicConfig(
            format=f"%(asctime)s {'web' if web else 'worker'} %(process)d %(name)s %(message)s"
        )
    else:
        logging.disable(logging.CRITICAL)
    ended = Event()
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    with (
        retry.without_waiting(),
        patch("closedloop_server.pipeline.backoff._FIRST", 0.02),
        patch("closedloop_server.pipeline.backoff._LONGEST", 0.2),
        patch("closedloop_server.runtime.load_mappings", lambda _: MAPPINGS),
    ):
        (_serve if web else _work)(settings, SharedClock(offset), ended)


def _serve(settings: Settings, clock: SharedClock, ended: Event) -> None:
    with Runtime(settings, clock=clock, workers=Workers.ELSEWHERE):
        ended.wait()


def _work(settings: Settings, clock: SharedClock, ended: Event) -> None:
    work_until(ended, settings, clock=clock)
