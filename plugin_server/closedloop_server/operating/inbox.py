"""The deliveries that the CRMs sent: having some of them read once more."""

from __future__ import annotations

from dataclasses import fields
from datetime import datetime
from typing import Any

from closedloop_server.services import Services
from closedloop_server.store import audit, deliveries
from closedloop_server.store.deliveries import Selection
from closedloop_server.store.engine import writing
from closedloop_server.work.kinds import Kind, Work


def replay(services: Services, selection: Selection, *, who: str) -> int:
    """Has the deliveries of a selection read once more; returns how many. In portions, so that those that
    come in meanwhile need not wait."""
    now, total = services.clock(), 0
    while True:
        with writing(services.engine) as connection:
            count = deliveries.replay(connection, selection, now=now)
            if count and not total:
                _note(connection, selection, who=who, now=now)
        if not count:
            break
        total += count
        services.wake(Work(Kind.LOOP))
    return total


def _note(connection: Any, selection: Selection, *, who: str, now: datetime) -> None:
    details = {
        each.name: str(value)
        for each in fields(selection)
        if (value := getattr(selection, each.name)) is not None
    }
    audit.note(
        connection,
        who=who,
        action="inbox.replay",
        target=selection.connection or "",
        details=details,
        now=now,
    )
