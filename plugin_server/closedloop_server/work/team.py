"""Whoever does the work, as a server sees them: threads of its own, or jobs for whichever process is free."""

from __future__ import annotations

import threading
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from closedloop.errors import SettingsError
from closedloop_server.services import Services
from closedloop_server.store import leases
from closedloop_server.store.engine import reading
from closedloop_server.work.kinds import Work
from closedloop_server.work.threads import WorkerState
from closedloop_server.work.waker import Waker

if TYPE_CHECKING:
    from closedloop_server.work.jobs import JobWorker


class Team(Protocol):
    """Does the work, or has it done."""

    def start(self) -> None:
        """Begins."""

    def stop(self, patience: float) -> None:
        """Ends after what is being done, or after so many seconds."""

    def wake(self, *works: Work) -> None:
        """Has these looked at soon; from any thread, and at once back."""

    def hurry(self, *works: Work) -> None:
        """Has these looked at now, whatever failed before."""

    def states(self) -> tuple[WorkerState, ...]:
        """How every piece of work fares."""


def elsewhere(services: Services) -> Team:
    """The workers of other processes."""
    return _JobTeam(services, None)


def sharing(services: Services, concurrency: int | None = None) -> Team:
    """This process and the workers of others, which take turns of whatever is free."""
    return _JobTeam(services, concurrency or 0)


class _JobTeam:
    """Defers jobs; takes them too unless `concurrency` is None. 0 stands for as many as there is work."""

    def __init__(self, services: Services, concurrency: int | None) -> None:
        if services.engine.dialect.name != "postgresql":
            raise SettingsError(
                "workers in processes of their own need PostgreSQL: on SQLite one process answers and works. "
                "Run `closedloop serve` alone, or move the data with `closedloop move --to postgresql://…`",
                reason="needs_postgresql",
            )
        from closedloop_server.work.jobs import Jobs, JobWorker  # noqa: PLC0415 - an extra

        self._services = services
        self._jobs = Jobs(services.settings.database_url)
        self._waker = Waker(self._jobs.defer, clock=services.clock)
        self._worker: JobWorker | None = None
        self._thread: threading.Thread | None = None
        if concurrency is not None:
            self._worker = JobWorker(services, wake_at=self._wake_at, concurrency=concurrency or None)
            self._thread = threading.Thread(target=self._worker.run, name="jobs", daemon=True)

    def start(self) -> None:
        self._waker.start()
        if self._thread is not None:
            self._thread.start()

    def stop(self, patience: float) -> None:
        if self._worker is not None and self._thread is not None:
            self._worker.stop()
            self._thread.join(patience)
        self._waker.stop()
        self._jobs.close()

    def wake(self, *works: Work) -> None:
        self._waker.wake(*works)

    def hurry(self, *works: Work) -> None:
        self._waker.wake(*works)

    def states(self) -> tuple[WorkerState, ...]:
        with reading(self._services.engine) as connection:
            found = leases.every(connection)
        return tuple(
            WorkerState(
                name=str(each.work),
                turns=each.number,
                failures=each.failures,
                error=each.error,
                held_until=each.held_until,
            )
            for each in found
        )

    def _wake_at(self, at: datetime, work: Work) -> None:
        self._waker.wake_at(at, work)
