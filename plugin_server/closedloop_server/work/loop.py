"""A turn of the loop: from deliveries and changed records to what the campaigns should show."""

from __future__ import annotations

from collections.abc import Callable

from closedloop_server.pipeline.derive import derive
from closedloop_server.pipeline.expand import expand
from closedloop_server.pipeline.inbox import read_inbox
from closedloop_server.pipeline.publish import publish
from closedloop_server.services import Services
from closedloop_server.subscriptions.breaches import notice
from closedloop_server.work.kinds import Work, all_work

SHARE = 20
"""How many batches of one step are done before the next step has its turn."""


def turn_the_loop(services: Services, work: Work, check: Callable[[], None]) -> None:
    """Reads the inbox, then works out what follows, until nothing is left. Who is woken finds the work in
    the tables."""
    others = [each for each in all_work(services.crms) if each != work]
    while _round(services, check):
        services.wake(*others)


def _round(services: Services, check: Callable[[], None]) -> int:
    """Takes every step, each until it is done or had its share: a flood before one must not starve
    those behind it, and what comes in small portions is worked out together."""
    done = 0
    for step in (read_inbox, expand, derive, publish, notice):
        for _ in range(SHARE):
            check()
            count = step(services)
            done += count
            if not count:
                break
    return done
