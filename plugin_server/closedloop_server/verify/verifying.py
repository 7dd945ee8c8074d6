"""Runs every check on one state of the database."""

from __future__ import annotations

from closedloop_server.services import Services
from closedloop_server.store.engine import reading
from closedloop_server.verify import books, entries, rederived, shown
from closedloop_server.verify.finding import Finding


def verify(services: Services) -> list[Finding]:
    """Everything that is not as it must be, best nothing.

    A lead or an opportunity that waits to be judged again, or a campaign or person whose values wait to be
    worked out, is not compared: the next turn of the loop changes it.
    """
    with reading(services.engine) as connection:
        waiting = rederived.waiting(connection)
        return sorted(
            [
                *entries.check(connection),
                *books.check(connection),
                *rederived.check(connection, services, waiting),
                *shown.check(connection, services, waiting),
            ]
        )
