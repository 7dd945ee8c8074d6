"""Sees to it that a connection's records are all of one organisation."""

from __future__ import annotations

import logging

from sqlalchemy import delete

from closedloop.errors import RefusedError
from closedloop.schema.vocabulary import CrmName, ObjectType
from closedloop_server.services import Services
from closedloop_server.settings import ConnectionSettings
from closedloop_server.store import cursors, records, stale, telling
from closedloop_server.store.engine import reading
from closedloop_server.store.tables import hints

log = logging.getLogger(__name__)

_SIGNIFICANT = {CrmName.SALESFORCE: 15}
"""Characters that tell organisations apart: Salesforce's last three only repeat the others' case."""


def check_organisation(services: Services, name: str) -> None:
    """Sees to it, before a connection is read, that what is stored of it is of the organisation that the
    settings say; RefusedError where the credentials belong to another one.

    Where the settings were changed, what is stored is taken to be deleted, and reading begins anew. The ids
    of both organisations may be the same, as in a refreshed Salesforce sandbox.
    """
    settings = services.connection(name)
    if settings is None:
        return
    meant = _verified(services, settings)
    if (stored := _stored(services, name)) != meant:
        _move(services, name, stored, meant)


def check_target(services: Services, name: str) -> None:
    """Sees to it, before a connection is told anything, that this was worked out for the organisation that
    it would go to; RefusedError where it was not."""
    settings = services.connection(name)
    if settings is None:
        return
    meant = _verified(services, settings)
    if (stored := _stored(services, name)) not in {None, meant}:
        raise RefusedError(
            f"what connections.{name} should be told is about the organisation {stored}, and it is now "
            f"connected to {meant}: it is told nothing before that one has been read",
            reason="other_organisation",
        )


def _verified(services: Services, settings: ConnectionSettings) -> str:
    """The organisation of the settings, to which the credentials belong too."""
    meant = _significant(settings, settings.organisation_id)
    found = _significant(settings, services.crms[settings.name].organisation().id)
    if found != meant:
        # Nobody can tell which of both is meant.
        raise RefusedError(
            f"the credentials of connections.{settings.name} belong to the organisation {found}, the "
            f"settings say {meant}: correct organisation_id or the credentials; best give another "
            "organisation a connection of its own",
            reason="other_organisation",
        )
    return meant


def _stored(services: Services, name: str) -> str | None:
    with reading(services.engine) as connection:
        return cursors.organisation(connection, name)


def _significant(settings: ConnectionSettings, organisation_id: str) -> str:
    return organisation_id[: _SIGNIFICANT.get(settings.crm)]


def _move(services: Services, name: str, stored: str | None, meant: str) -> None:
    with services.writing() as connection:
        if stored is not None:
            log.warning(
                "%s held the records of %s and is now connected to %s: reading it from the beginning",
                name,
                stored,
                meant,
            )
            now = services.clock()
            for object_ in ObjectType:
                keys = records.disown(connection, name, object_, now=now)
                stale.note(connection, stale.Work.CHANGED, keys, bulk=True)
            connection.execute(delete(hints).where(hints.c.connection == name))
            telling.forget(connection, name)
            cursors.forget(connection, name)
        cursors.belong(connection, name, meant)
