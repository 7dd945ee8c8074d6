"""Work that belongs to one worker until another one takes it."""

from __future__ import annotations

import os
import socket
import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy.exc import SQLAlchemyError

from closedloop.errors import ClosedLoopError, RetryableError
from closedloop_server.failure import where
from closedloop_server.pipeline.backoff import again_at
from closedloop_server.services import Services
from closedloop_server.store import leases
from closedloop_server.store.engine import is_away, reading, writing
from closedloop_server.store.leases import Lease, SupersededError
from closedloop_server.work.kinds import Work
from closedloop_server.work.turns import Turn

SOON = timedelta(seconds=2)
"""When a turn is taken again that failed through no fault of its own."""


def worker_name() -> str:
    """A name for this process that no other has: the machine, the process, and what chance adds."""
    return f"{socket.gethostname()[:50]}/{os.getpid()}/{uuid.uuid4().hex[:8]}"


class Stopped(Exception):  # noqa: N818 - no error: it ends a long turn early
    """The worker is asked to stop."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why a turn failed, how many did in a row, and when the next one is taken."""

    failures: int
    error: str
    until: datetime


def failure(error: Exception, before: int, now: datetime) -> Failure:
    """What to make of a turn's error after `before` turns that failed."""
    if isinstance(error, ClosedLoopError):
        told = f"{error.reason}: {error.message}"
    else:
        told = f"{'no_database' if is_away(error) else 'unexpected'}: {where(error)}"
    if is_away(error) or isinstance(error, SupersededError):
        return Failure(failures=before, error=told, until=now + SOON)
    retry_after = error.retry_after if isinstance(error, RetryableError) else None
    until = again_at(now, before + 1, retry_after)
    return Failure(failures=before + 1, error=told, until=until)


class OwnedWork:
    """Takes turns of one piece of work, which is taken over before the first, and again after it was lost.

    How the turns fare is noted with the lease, where everybody sees it.
    """

    def __init__(self, services: Services, work: Work, *, holder: str, check: Callable[[], None]) -> None:
        self._services = services
        self._work = work
        self._holder = holder
        self._check = check
        self._turn: Turn | None = None
        self._failures = 0

    def look(self) -> Lease | None:
        """How the work fared so far, whoever did it."""
        with reading(self._services.engine) as connection:
            lease = leases.fetch(connection, self._work)
        self._failures = lease.failures if lease else 0
        return lease

    def take_turn(self) -> datetime | None:
        """Does all there is to do now; SupersededError when another worker has taken the work meanwhile."""
        if self._turn is None:
            self._turn = self._taken()
        try:
            again = self._turn.take()
        except Stopped:
            raise
        except SupersededError:
            self._turn = None
            raise
        except Exception as error:
            self._note(failure(error, self._failures, self._services.clock()))
            raise
        if self._failures:
            self._failures = 0
            with writing(self._services.engine) as connection:
                leases.release(connection, [self._work])
        return again

    def _note(self, failed: Failure) -> None:
        if failed.failures == self._failures:
            return
        self._failures = failed.failures
        with suppress(SQLAlchemyError), writing(self._services.engine) as connection:
            leases.fail(
                connection, self._work, failures=failed.failures, error=failed.error, until=failed.until
            )

    def _taken(self) -> Turn:
        with writing(self._services.engine) as connection:
            number = leases.take(connection, self._work, holder=self._holder, now=self._services.clock())
        fenced = replace(
            self._services,
            fence=lambda connection: leases.check(connection, self._work, number),
            lease=number,
        )
        return Turn(fenced, self._work, self._check)
