"""Reads again what a CRM may have changed: the objects that hints name, and all that a poll finds."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import nullcontext
from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import Connection

from closedloop.crm.base import Batch, Page, Refusal
from closedloop.crm.budget import BULK_SHARE_SPENT, bulk_work
from closedloop.errors import CrmError, NormaliseError, RetryableError
from closedloop.schema.records import Ref
from closedloop.schema.vocabulary import CrmName
from closedloop_server.pipeline import overrides
from closedloop_server.pipeline.arrivals import Arrival, portions, take_in
from closedloop_server.pipeline.backoff import BULK_LOOKS, again_at
from closedloop_server.pipeline.storable import only_storable
from closedloop_server.pipeline.unseen import note_unseen
from closedloop_server.services import Services
from closedloop_server.store import cursors, hints
from closedloop_server.store.cursors import GivenUpError, Place
from closedloop_server.store.engine import reading
from closedloop_server.store.hints import Hint

log = logging.getLogger(__name__)

BATCH = 1_000
"""Hints that are followed together: with so many, Salesforce's composite requests (five queries of 200 ids)
and HubSpot's reads of associations (1,000 ids) are full."""


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
    asked_at = services.clock()
    told = overrides.last_number(services, name)
    try:
        batch = only_storable(services.crms[name].refresh(refs))
        again = overrides.notice(services, name, batch.records, as_of=told)
    except CrmError as error:
        _postpone(services, due, error)
        raise
    arrival = Arrival(name=name, batch=_complete(batch, refs), asked=frozenset(refs), asked_at=asked_at)
    _store(services, arrival, _striking(services, name, due, again))
    return len(due)


def poll(services: Services, name: str, *, between: Callable[[], object] = lambda: None) -> int:
    """Takes in everything that changed in a CRM since the last poll; returns how many objects changed.

    The first one takes in all there is. The place that was reached is kept with each page, and the next poll
    goes on there: after a crash, an error, a pause, or when `between`, which runs after each page, raises.
    Raises the CrmError when the CRM did not answer, after noting it. When only bulk work's share of the
    budget is spent, the rest of the back-fill waits, and hints are followed as before.
    """
    with services.writing() as connection:
        place = cursors.begin(connection, name, now=services.clock())
    try:
        if place.cursor is None:
            _expect(services, name)
        return _take_pages(services, name, place, between)
    except CrmError as error:
        put_off = error.reason == BULK_SHARE_SPENT
        with services.writing() as connection:
            cursors.fail(connection, name, f"{error.reason}: {error.message}")
            if put_off:
                cursors.put_off(connection, name, place, until=services.clock() + BULK_LOOKS)
        if put_off:
            return 0  # the hints are followed meanwhile: the rest of the budget is for them
        raise
    except GivenUpError:
        return 0  # the new reading is due


def _take_pages(services: Services, name: str, place: Place, between: Callable[[], object]) -> int:
    changed = 0
    asked_at = services.clock()
    told = overrides.last_number(services, name)
    for page in _pages(services, name, place):
        again = overrides.notice(services, name, page.batch.records, as_of=told)
        # Salesforce's first pages were all asked for when the poll began, however late they come out.
        arrival = Arrival(name=name, batch=page.batch, asked_at=asked_at, bulk=place.since is not None)
        goes_on: list[bool] = []
        changed += _store(services, arrival, _advancing(services, name, place, page, goes_on, again=again))
        if not all(goes_on):
            return changed
        between()
    _finish(services, name, place)
    return changed


def _pages(services: Services, name: str, place: Place) -> Iterator[Page]:
    """The pages of a poll; those of the reading from the beginning are bulk, and what happens between them
    is not."""
    pages = services.crms[name].poll(place.cursor)
    while True:
        with bulk_work() if place.since is not None else nullcontext():
            page = next(pages, None)
        if page is None:
            return
        yield replace(page, batch=only_storable(page.batch))


def _striking(
    services: Services, name: str, followed: list[Hint], again: Mapping[Ref, datetime]
) -> Callable[[Connection], None]:
    """Removes the hints that were followed, and has what could not be compared read again."""

    def strike(connection: Connection) -> None:
        hints.strike(connection, followed)
        hints.look_again(connection, name, again, now=services.clock())

    return strike


def _advancing(
    services: Services,
    name: str,
    place: Place,
    page: Page,
    goes_on: list[bool],
    *,
    again: Mapping[Ref, datetime],
) -> Callable[[Connection], None]:
    """Keeps the place behind the page, and notes whether the poll may go on."""
    batch = page.batch
    brought = Counter(record.object for record in batch.records)
    brought += Counter(refusal.ref.object for refusal in batch.refused) + Counter(
        r.object for r in batch.gone
    )

    def advance(connection: Connection) -> None:
        now = services.clock()
        goes_on.append(
            cursors.advance(connection, name, page.cursor, round=place.round, brought=brought, now=now)
        )
        hints.look_again(connection, name, again, now=now)

    return advance


def _finish(services: Services, name: str, place: Place) -> None:
    """Notes the end of a poll. At the end of the reading from the beginning, what it did not bring is looked
    for by its id: it was deleted while nobody read, or moved out of sight."""
    with services.writing() as connection:
        now = services.clock()
        later = now + timedelta(seconds=services.settings.poll_seconds)
        complete = cursors.finish(connection, name, place, now=now, next_at=later)
        if complete and place.since is not None:
            note_unseen(connection, name, since=place.since, now=now)


def _expect(services: Services, name: str) -> None:
    """Keeps how much there is to read, if the CRM can say: a large org may take too long to count."""
    try:
        sizes = services.crms[name].sizes()
    except CrmError as error:
        log.info("%s does not say how much there is to read: %s", name, error.reason)
        return
    with services.writing() as connection:
        cursors.expect(connection, name, sizes)


def _store(services: Services, arrival: Arrival, last: Callable[[Connection], None]) -> int:
    """Stores the arrival; `last` happens together with its last portion."""
    changed = 0
    for part, is_last in _with_last(portions(arrival)):
        with services.writing() as connection:
            changed += take_in(
                connection,
                part,
                installed(services),
                reasons=services.mappings.reasons.match,
                now=services.clock(),
            )
            if is_last:
                last(connection)
    return changed


def _with_last(parts: Iterator[Arrival]) -> Iterator[tuple[Arrival, bool]]:
    each = next(parts)
    for following in parts:
        yield each, False
        each = following
    yield each, True


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
