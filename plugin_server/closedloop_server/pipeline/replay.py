"""Works the past out anew when the rules it was worked out with have changed."""

from __future__ import annotations

from sqlalchemy import Connection

from closedloop.schema.vocabulary import ObjectType
from closedloop_server.services import Services
from closedloop_server.store import (
    credited,
    cursors,
    derived,
    ledger,
    marks,
    records,
    refused,
    stale,
    versions,
)
from closedloop_server.store.marks import Mark
from closedloop_server.store.rows import Key


def replay(services: Services) -> None:
    """Notes everything that a change of the mappings or of the attribution model concerns.

    New mappings may ask the CRMs for other fields, so all is read again; meanwhile the decisions are
    judged by the new reasons and stages. The ledger keeps what was known before.
    """
    with services.writing() as connection:
        versions.keep(connection, services.mappings, now=services.clock())
        if marks.differs(connection, Mark.MAPPINGS, services.mappings.version):
            for name in services.crms:
                cursors.forget(connection, name)
                refused.try_again(connection, name)
                _note_subjects(connection, name)
        if marks.differs(connection, Mark.ATTRIBUTION, services.settings.attribution.value):
            _note_campaigns(connection)


def repeat(services: Services) -> None:
    """Notes everything to be judged and published once more by the mappings that are in force, and sets right
    which entries hold."""
    with services.writing() as connection:
        ledger.stand_anew(connection)
        derived.set_aside(connection, now=services.clock())
        for name in services.crms:
            _note_subjects(connection, name)
        _note_campaigns(connection)
        stale.note(connection, stale.Work.PUBLISH, derived.everybody(connection), bulk=True)


def _note_subjects(connection: Connection, name: str) -> None:
    for object_ in (ObjectType.LEAD, ObjectType.OPPORTUNITY):
        keys = records.keys_of_object(connection, name, object_)
        stale.note(connection, stale.Work.SUBJECT, keys, bulk=True)


def _note_campaigns(connection: Connection) -> None:
    campaigns = credited.every_campaign(connection)
    keys = [Key(each.connection, ObjectType.CAMPAIGN, each.id) for each in campaigns]
    stale.note(connection, stale.Work.PUBLISH, keys, bulk=True)
