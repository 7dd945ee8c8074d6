"""Stores deliveries, those that come at the same time in one transaction.

What makes storing slow is the disk, which must have a delivery before it is acknowledged; it takes as long
for ten as for one. So whoever comes while a transaction is under way waits for its end, and the first of
those who wait then commits for all. There is no thread that has to be started, watched and stopped.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from threading import Lock

from closedloop.errors import DeliveryRefusedError
from closedloop_server.failure import where
from closedloop_server.services import Services
from closedloop_server.store import inbox
from closedloop_server.store.engine import writing
from closedloop_server.store.inbox import Arrival
from closedloop_server.work.kinds import Kind, Work

PATIENCE = 20.0
"""Seconds that a delivery waits for somebody else's transaction. HubSpot waits five for an answer."""

RETRY_AFTER = 10
"""Seconds after which the CRM may send a delivery again that could not be stored."""

log = logging.getLogger(__name__)


def _held() -> Lock:
    """A lock that whoever acquires it waits for: all that is needed of an event, which has more around it."""
    lock = Lock()
    lock.acquire()
    return lock


@dataclass(slots=True, eq=False)
class _Waiting:
    """A delivery to be stored. `new` is None until it is; `leads` says that its thread is to commit."""

    arrival: Arrival
    called: Lock = field(default_factory=_held)
    leads: bool = False
    new: bool | None = None


class SharedCommits:
    """Stores deliveries for any number of threads."""

    def __init__(self, services: Services, *, patience: float = PATIENCE) -> None:
        self._services = services
        self._patience = patience
        self._lock = Lock()
        self._queue: list[_Waiting] = []
        self._led = False

    def store(self, arrival: Arrival) -> bool:
        """Returns when the delivery is on the disk: whether it is new, or its bytes were there already.

        Raises a DeliveryRefusedError of status 503 when it could not be stored, or not in time.
        """
        waiting = self._join(arrival)
        if not waiting.leads:
            waiting.called.acquire(timeout=self._patience)
            self._leave(waiting)
        if waiting.leads:
            self._commit()
        if waiting.new is None:
            raise _not_stored()
        return waiting.new

    def _join(self, arrival: Arrival) -> _Waiting:
        waiting = _Waiting(arrival)
        with self._lock:
            self._queue.append(waiting)
            waiting.leads, self._led = not self._led, True
        return waiting

    def _leave(self, waiting: _Waiting) -> None:
        """Takes back what nobody has begun to commit; who was called to lead goes on."""
        with self._lock:
            if not waiting.leads and waiting in self._queue:
                self._queue.remove(waiting)

    def _commit(self) -> None:
        """Commits everything that waits, tells each how it went, and has the next one lead."""
        with self._lock:
            group, self._queue = self._queue, []
        try:
            self._write(group)
        finally:
            self._hand_over(group)
        if any(waiting.new for waiting in group):
            self._wake()

    def _write(self, group: list[_Waiting]) -> None:
        arrivals = [waiting.arrival for waiting in group]
        try:
            with writing(self._services.engine, urgent=True, single=True) as connection:
                new = inbox.keep_all(connection, arrivals)
        except Exception as error:  # noqa: BLE001 - whatever it is, nobody is told that it was stored
            log.error("%d deliveries were not stored: %s", len(group), where(error))  # noqa: TRY400 - no message
            return
        for waiting, each in zip(group, new, strict=True):
            waiting.new = each

    def _hand_over(self, group: list[_Waiting]) -> None:
        with self._lock:
            self._led = bool(self._queue)
            next_leader = self._queue[:1]
            for waiting in next_leader:
                waiting.leads = True
        # Whoever leads waits no more: its lock may be free already.
        for waiting in [*next_leader, *(each for each in group if not each.leads)]:
            waiting.called.release()

    def _wake(self) -> None:
        """Has the loop look, once for all that were stored together; a lost wake-up costs time alone."""
        try:
            self._services.wake(Work(Kind.LOOP))
        except Exception as error:  # noqa: BLE001 - what is stored is stored, and must be acknowledged
            log.warning("waking the loop failed: %s", where(error))


def _not_stored() -> DeliveryRefusedError:
    return DeliveryRefusedError(
        "the delivery could not be stored now: send it again later", status=503, reason="not_stored"
    )
