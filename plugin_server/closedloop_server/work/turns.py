"""A turn of each kind of work: all there is to do now, and when to look again.

What a turn does it finds in the tables. Whoever takes turns (a thread of this process, a job on another
machine) hands nothing over, and may lose a turn at any time: the next one goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from closedloop_server.services import Services
from closedloop_server.work.keeping import clear_old
from closedloop_server.work.kinds import Kind, Work
from closedloop_server.work.loop import turn_the_loop
from closedloop_server.work.reading import read_crm
from closedloop_server.work.sending import send
from closedloop_server.work.telling import tell_crm


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn. `services` writes only while the work is this worker's; `check` ends a long turn early by
    raising Stopped."""

    services: Services
    work: Work
    check: Callable[[], None]

    def take(self) -> datetime | None:
        """Does all there is to do now; returns when to look again, if that is known."""
        return _TURNS[self.work.kind](self.services, self.work, self.check)


_TURNS: Mapping[Kind, Callable[[Services, Work, Callable[[], None]], datetime | None]] = {
    Kind.LOOP: turn_the_loop,
    Kind.READ: read_crm,
    Kind.TELL: tell_crm,
    Kind.SEND: send,
    Kind.KEEP: clear_old,
}
