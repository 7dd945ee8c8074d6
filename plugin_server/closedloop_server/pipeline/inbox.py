"""Reads the stored deliveries into hints.

Many are read in one transaction: a flood, the same ones again, or one object's hundred changes come down to
which objects may have changed.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection
from sqlalchemy.exc import DataError, IntegrityError

from closedloop.crm.base import Hints
from closedloop.crm.hubspot import events as hubspot
from closedloop.crm.salesforce import events as salesforce
from closedloop.errors import ClosedLoopError
from closedloop.schema.records import Ref
from closedloop.schema.vocabulary import CrmName
from closedloop_server.failure import where
from closedloop_server.pipeline.erase import erase
from closedloop_server.services import Services
from closedloop_server.settings import ConnectionSettings
from closedloop_server.store import erasures, hints, inbox, leases
from closedloop_server.store.engine import reading
from closedloop_server.store.inbox import Delivery, Emptied, Outcome
from closedloop_server.store.rows import Key
from closedloop_server.work.kinds import Kind, Work

BATCH = 100
_MOST_BYTES = 20_000_000
"""Of bodies in memory at a time; a single delivery has at most half of it."""
_MOST_OBJECTS = 300
"""Objects, each counted once, that one transaction notes: on SQLite the webhooks wait until it ends."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Read:
    """A delivery and what it says, or why it says nothing."""

    delivery: Delivery
    hints: Hints
    error: str | None = None

    @property
    def outcome(self) -> Outcome:
        return Outcome(
            id=self.delivery.id,
            hints=len(set(self.hints.refs)),
            ignored=self.hints.ignored,
            error=self.error,
        )


def read_inbox(services: Services) -> int:
    """Reads some of the deliveries that wait; returns how many there were.

    One that cannot be read is kept with the reason, and does not hold up the others.
    """
    with reading(services.engine) as connection:
        waiting = inbox.unread(connection, limit=BATCH, most_bytes=_MOST_BYTES)
    for portion in _portions([_read(services, delivery) for delivery in waiting]):
        _note(services, portion)
    return len(waiting)


def _portions(batch: Sequence[_Read]) -> Iterator[list[_Read]]:
    """The deliveries in as few portions as possible, each at least one and about not too many objects."""
    portion: list[_Read] = []
    objects: set[tuple[str, Ref]] = set()
    for each in batch:
        its = {(each.delivery.connection, ref) for ref in each.hints.refs}
        if portion and len(objects | its) > _MOST_OBJECTS:
            yield portion
            portion, objects = [], set()
        portion.append(each)
        objects |= its
    if portion:
        yield portion


def _note(services: Services, batch: Sequence[_Read]) -> None:
    """Writes down what the deliveries say, all together; where that fails over what is in one, each alone."""
    try:
        with services.writing() as connection:
            _write(services, connection, batch)
    except (DataError, IntegrityError, ValueError) as error:
        if len(batch) > 1:
            for each in batch:
                _note(services, [each])
        else:
            _give_up(services, batch[0].delivery, error)


def _give_up(services: Services, delivery: Delivery, error: Exception) -> None:
    told = f"unreadable: what it says cannot be noted ({type(error).__name__})"
    log.warning("delivery %d to %s: noting it failed with %s", delivery.id, delivery.connection, where(error))
    with services.writing() as connection:
        inbox.mark_read(connection, [Outcome(id=delivery.id, error=told)], now=services.clock())


def _write(services: Services, connection: Connection, batch: Sequence[_Read]) -> None:
    now = services.clock()
    changed: dict[str, set[Ref]] = defaultdict(set)
    erased: dict[str, set[Ref]] = defaultdict(set)
    for each in batch:
        changed[each.delivery.connection].update(each.hints.refs)
        erased[each.delivery.connection].update(each.hints.erase)
    if any(erased.values()):
        # First of all locks. Whoever reads a CRM would otherwise write over what is erased meanwhile.
        leases.pause(connection, [Work(Kind.READ, name) for name in services.crms])
    for name, refs in sorted(changed.items()):
        hints.note(connection, name, refs, now=now)
    inbox.mark_read(connection, [each.outcome for each in batch], now=now)
    for name, people in sorted(erased.items()):
        erase(connection, name, people, reasons=services.mappings.reasons.match, now=now)
    inbox.empty(connection, _about_erased(connection, batch), why=Emptied.PRIVACY, now=now)


def _about_erased(connection: Connection, batch: Sequence[_Read]) -> list[int]:
    """The deliveries about people who were erased, or what is about them alone: events and messages come
    late, and say again what is kept no more."""
    if not erasures.any_at_all(connection):
        return []
    about = {each.delivery.id: _named(each) for each in batch}
    erased = erasures.among(connection, set().union(*about.values()))
    return [id_ for id_, named in about.items() if named & erased]


def _named(read: _Read) -> set[Key]:
    return {Key(read.delivery.connection, ref.object, ref.id) for ref in read.hints.refs}


def _read(services: Services, delivery: Delivery) -> _Read:
    settings = services.connection(delivery.connection)
    if settings is None:
        gone = "no_connection: the settings have no connection of this name any more"
        return _Read(delivery, Hints(), gone)
    try:
        return _Read(delivery, hints_of(services, settings, delivery.body))
    except ClosedLoopError as exc:
        return _Read(delivery, Hints(), f"{exc.reason}: {exc.message}")
    except Exception as exc:  # noqa: BLE001 - whatever a body does to its reader, the next must be read
        failed = type(exc).__name__
        log.warning("delivery %d to %s: its reader failed with %s", delivery.id, settings.name, failed)
        return _Read(delivery, Hints(), f"unreadable: the reader failed with {failed}")


def hints_of(services: Services, settings: ConnectionSettings, body: bytes) -> Hints:
    """What a delivery to a connection points at; DeliveryRefusedError when it is none."""
    return _READERS[settings.crm](services, settings, body)


def _from_salesforce(services: Services, settings: ConnectionSettings, body: bytes) -> Hints:
    return salesforce.to_hints(salesforce.parse(body), services.mappings.crm(settings.crm))


def _from_hubspot(services: Services, settings: ConnectionSettings, body: bytes) -> Hints:
    return hubspot.to_hints(
        hubspot.parse(body),
        services.mappings.crm(settings.crm),
        portal_id=settings.organisation_id,
        app_id=settings.app_id,
    )


_READERS: Mapping[CrmName, Callable[[Services, ConnectionSettings, bytes], Hints]] = {
    CrmName.SALESFORCE: _from_salesforce,
    CrmName.HUBSPOT: _from_hubspot,
}
