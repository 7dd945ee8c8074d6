"""A turn of telling one CRM what its campaigns and people should show."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from closedloop_server.pipeline.deliver import deliver
from closedloop_server.services import Services
from closedloop_server.store import feedback
from closedloop_server.store.engine import reading
from closedloop_server.work.kinds import Work


def tell_crm(services: Services, work: Work, check: Callable[[], None]) -> datetime | None:
    """Tells everything that may be told now; returns when something may be told again."""
    while deliver(services, work.connection):
        check()
    with reading(services.engine) as connection:
        return feedback.next_due(connection, work.connection)
