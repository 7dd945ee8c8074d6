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
    """Compares the organisation that a connection's credentials belong to with the one in the settings, and
    with the one whose records are stored.

    Other credentials than the settings say are refused, with a RefusedError: nobody can tell which of both
    is meant. Where the settings were changed, what is stored is of another organisation: it is taken to be
    deleted, and reading begins anew. The ids of both may be the same, as in a refreshed Salesforce sandbox.
    """
    settings = services.connection(name)
    if settings is None:
        return
    meant = _significant(settings, settings.organisation_id)
    found = _significant(settings, services.crms[name].organisation().id)
    if found != meant:
        raise RefusedError(
            f"the credentials of connections.{name} belong to the organisation {found}, the settings say "
            f"{meant}: correct organisation_id or the credentials; best give another organisation a "
            "connection of its own",
            reason="other_organisation",
        )
    with reading(services.engine) as connection:
        stored = cursors.organisation(connection, name)
    if stored != meant:
        _move(services, name, stored, meant)


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
