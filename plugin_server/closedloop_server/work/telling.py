"""A turn of telling one CRM what its campaigns and people should show."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from closedloop_server.pipeline.belonging import check_target
from closedloop_server.pipeline.deliver import deliver, next_due
from closedloop_server.pipeline.refusals import mind_refusals
from closedloop_server.services import Services
from closedloop_server.store import telling
from closedloop_server.store.engine import reading
from closedloop_server.work.kinds import Work


def tell_crm(services: Services, work: Work, check: Callable[[], None]) -> datetime | None:
    """Tells everything that may be told now; returns when something may be told again."""
    with reading(services.engine) as connection:
        waits = telling.waiting(connection, [work.connection])
    if waits:
        check_target(services, work.connection)
    while deliver(services, work.connection):
        check()
    times = (mind_refusals(services, work.connection), next_due(services, work.connection))
    return min((time for time in times if time is not None), default=None)
