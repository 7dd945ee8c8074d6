"""A turn of reading one CRM: hints first, because behind them are decisions; then a poll, if it is time."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from closedloop_server.pipeline.belonging import check_organisation
from closedloop_server.pipeline.refresh import poll, refresh
from closedloop_server.services import Services
from closedloop_server.store import cursors, hints
from closedloop_server.store.engine import reading
from closedloop_server.work.kinds import Kind, Work

_LOOP = Work(Kind.LOOP)


def read_crm(services: Services, work: Work, check: Callable[[], None]) -> datetime | None:
    """Follows every hint that is due and polls when the poll is; returns when something is due next."""
    name = work.connection

    def follow_hints() -> None:
        while refresh(services, name):
            check()
            services.wake(_LOOP)

    def between_pages() -> None:
        check()
        services.wake(_LOOP)
        follow_hints()

    check_organisation(services, name)
    follow_hints()
    if _poll_is_due(services, name):
        poll(services, name, between=between_pages)
        services.wake(_LOOP)
    return _next(services, name)


def _poll_is_due(services: Services, name: str) -> bool:
    with reading(services.engine) as connection:
        return cursors.due(connection, name, now=services.clock())


def _next(services: Services, name: str) -> datetime | None:
    settle = timedelta(seconds=services.settings.settle_seconds)
    with reading(services.engine) as connection:
        times = (hints.next_due(connection, name, settle=settle), cursors.next_poll(connection, name))
    return min((time for time in times if time is not None), default=None)
