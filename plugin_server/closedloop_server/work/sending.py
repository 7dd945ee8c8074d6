"""A turn of telling others: what is due is sent, and it is seen whether the CRMs can be told."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from closedloop_server.services import Services
from closedloop_server.store.engine import reading
from closedloop_server.subscriptions import forgetting, sendings, troubles
from closedloop_server.subscriptions.sending import Sender, caller
from closedloop_server.work.kinds import Work


def send(services: Services, work: Work, check: Callable[[], None]) -> datetime | None:  # noqa: ARG001 - as every turn
    """Sends everything that may be sent now; returns when there is something to do again."""

    def between() -> None:
        check()
        troubles.watch(services)

    troubles.watch(services)
    with Sender(services, caller(services)) as sender:
        sender.send(between)
    forgetting.forget_old(services, check)
    with reading(services.engine) as connection:
        next_due = sendings.next_due(connection)
    watched = services.clock() + troubles.EVERY
    return min(next_due, watched) if next_due else watched
