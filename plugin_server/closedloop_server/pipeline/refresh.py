"""Reads again what a CRM may have changed: the objects that hints name, and all that a poll finds."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import timedelta

from closedloop.crm.base import Batch, Refusal
from closedloop.errors import CrmError, NormaliseError, RetryableError
from closedloop.schema.records import Ref
from closedloop.schema.vocabulary import CrmName
from closedloop_server.pipeline.arrivals import Arrival, take_in
from closedloop_server.pipeline.backoff import again_at
from closedloop_server.services import Services
from closedloop_server.store import cursors, hints
from closedloop_server.store.engine import reading
from closedloop_server.store.hints import Hint

BATCH = 200


def refresh(services: Services, name: str) -> int:
    """Follows some of a connection's hints that are due; returns how many.

    Raises the CrmError when the CRM did not answer, after noting on the hints when to try again.
    """
    with reading(services.engine) as connection:
        due = hints.due(
            connection,
            name,
            now=services.clock(),
            settle=timedelta(seconds=services.settings.settle_seconds),
            limit=BATCH,
        )
    if not due:
        return 0
    refs = [hint.key.ref for hint in due]
    try:
        batch = services.crms[name].refresh(refs)
    except CrmError as error:
        _postpone(services, due, error)
        raise
    arrival = Arrival(name=name, batch=_complete(batch, refs), asked=frozenset(refs))
    with services.writing() as connection:
        take_in(connection, arrival, installed(services), now=services.clock())
        hints.strike(connection, due)
    return len(due)


def poll(services: Services, name: str, *, between: Callable[[], object] = lambda: None) -> int:
    """Takes in everything that changed in a CRM since the last poll; returns how many objects changed.

    The place that was reached is kept with each page. `between` runs after each page; when it raises, the
    next poll goes on from there. Raises the CrmError when the CRM did not answer, after noting it.
    """
    with reading(services.engine) as connection:
        cursor, asked = cursors.fetch(connection, name), cursors.asked(connection, name)
    changed = 0
    try:
        for page in services.crms[name].poll(cursor):
            with services.writing() as connection:
                arrival = Arrival(name=name, batch=page.batch)
                changed += take_in(connection, arrival, installed(services), now=services.clock())
                cursors.advance(connection, name, page.cursor)
            between()
    except CrmError as error:
        with services.writing() as connection:
            cursors.fail(connection, name, f"{error.reason}: {error.message}")
        raise
    with services.writing() as connection:
        now = services.clock()
        later = now + timedelta(seconds=services.settings.poll_seconds)
        cursors.finish(connection, name, asked=asked, now=now, next_at=later)
    return changed


def installed(services: Services) -> dict[CrmName, list[str]]:
    """The names of the connections of each CRM."""
    names: dict[CrmName, list[str]] = {}
    for each in services.settings.connections:
        names.setdefault(each.crm, []).append(each.name)
    return names


def _postpone(services: Services, due: list[Hint], error: CrmError) -> None:
    now = services.clock()
    retry_after = error.retry_after if isinstance(error, RetryableError) else None
    until = again_at(now, due[0].attempts + 1, retry_after)
    with services.writing() as connection:
        hints.postpone(connection, due, until=until, error=f"{error.reason}: {error.message}")


def _complete(batch: Batch, refs: Iterable[Ref]) -> Batch:
    """The batch with a refusal for everything asked that it says nothing about: nothing is lost silently."""
    told = {record.ref for record in batch.records}
    told |= {Ref(record.object, record.other_id) for record in batch.records if record.other_id}
    told |= {*batch.gone, *(refusal.ref for refusal in batch.refused)}
    silent = tuple(
        Refusal(ref=ref, error=NormaliseError("the CRM's answer does not mention it", reason="no_answer"))
        for ref in refs
        if ref not in told
    )
    return Batch(records=batch.records, gone=batch.gone, refused=batch.refused + silent)
