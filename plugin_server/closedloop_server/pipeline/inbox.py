"""Reads the stored deliveries into hints."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping

from closedloop.crm.base import Hints
from closedloop.crm.hubspot import events as hubspot
from closedloop.crm.salesforce import events as salesforce
from closedloop.errors import ClosedLoopError
from closedloop.schema.vocabulary import CrmName
from closedloop_server.pipeline.erase import erase
from closedloop_server.services import Services
from closedloop_server.settings import ConnectionSettings
from closedloop_server.store import hints, inbox
from closedloop_server.store.engine import reading
from closedloop_server.store.inbox import Delivery

BATCH = 100

log = logging.getLogger(__name__)


def read_inbox(services: Services) -> int:
    """Reads some of the deliveries that wait; returns how many there were.

    One that cannot be read is kept with the reason, and does not hold up those behind it.
    """
    with reading(services.engine) as connection:
        waiting = inbox.unread(connection, limit=BATCH)
    for delivery in waiting:
        _read(services, delivery)
    return len(waiting)


def _read(services: Services, delivery: Delivery) -> None:
    found, error = _hints(services, delivery)
    with services.writing() as connection:
        now = services.clock()
        count = hints.note(connection, delivery.connection, found.refs, now=now)
        inbox.mark_read(connection, delivery, now=now, hints=count, ignored=found.ignored, error=error)
        erase(connection, delivery.connection, found.erase, now=now)


def _hints(services: Services, delivery: Delivery) -> tuple[Hints, str | None]:
    settings = services.connection(delivery.connection)
    if settings is None:
        return Hints(), "no_connection: the settings have no connection of this name any more"
    try:
        return hints_of(services, settings, delivery.body), None
    except ClosedLoopError as exc:
        return Hints(), f"{exc.reason}: {exc.message}"
    except Exception as exc:  # noqa: BLE001 - whatever a body does to its reader, the next must be read
        log.warning(
            "delivery %d to %s: its reader failed with %s", delivery.id, settings.name, type(exc).__name__
        )
        return Hints(), f"unreadable: the reader failed with {type(exc).__name__}"


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
