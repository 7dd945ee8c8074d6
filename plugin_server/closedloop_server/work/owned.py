"""Work that belongs to one worker until another one takes it."""

from __future__ import annotations

import os
import socket
import uuid
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from closedloop_server.services import Services
from closedloop_server.store import leases
from closedloop_server.store.engine import writing
from closedloop_server.store.leases import SupersededError
from closedloop_server.work.kinds import Work
from closedloop_server.work.turns import Turn


def worker_name() -> str:
    """A name for this process that no other has: the machine, the process, and what chance adds."""
    return f"{socket.gethostname()[:50]}/{os.getpid()}/{uuid.uuid4().hex[:8]}"


class OwnedWork:
    """Takes turns of one piece of work, which is taken over before the first, and again after it was lost."""

    def __init__(self, services: Services, work: Work, *, holder: str, check: Callable[[], None]) -> None:
        self._services = services
        self._work = work
        self._holder = holder
        self._check = check
        self._turn: Turn | None = None

    def take_turn(self) -> datetime | None:
        """Does all there is to do now; SupersededError when another worker has taken the work meanwhile."""
        if self._turn is None:
            self._turn = self._taken()
        try:
            return self._turn.take()
        except SupersededError:
            self._turn = None
            raise

    def _taken(self) -> Turn:
        with writing(self._services.engine) as connection:
            number = leases.take(connection, self._work, holder=self._holder, now=self._services.clock())
        fenced = replace(
            self._services, fence=lambda connection: leases.check(connection, self._work, number)
        )
        return Turn(fenced, self._work, self._check)
