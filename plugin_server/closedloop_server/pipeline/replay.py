"""Works the past out anew when the rules it was worked out with have changed."""

from __future__ import annotations

from closedloop.schema.vocabulary import ObjectType
from closedloop_server.services import Services
from closedloop_server.store import credited, cursors, marks, records, stale
from closedloop_server.store.marks import Mark
from closedloop_server.store.rows import Key


def replay(services: Services) -> None:
    """Notes everything that a change of the mappings or of the attribution model concerns.

    New mappings may ask the CRMs for other fields, so all is read again; meanwhile the decisions are
    judged by the new reasons and stages. The ledger keeps what was known before.
    """
    with services.writing() as connection:
        if marks.differs(connection, Mark.MAPPINGS, services.mappings.version):
            for name in services.crms:
                cursors.forget(connection, name)
                for object_ in (ObjectType.LEAD, ObjectType.OPPORTUNITY):
                    stale.note(
                        connection, stale.Work.SUBJECT, records.keys_of_object(connection, name, object_)
                    )
        if marks.differs(connection, Mark.ATTRIBUTION, services.settings.attribution.value):
            campaigns = credited.every_campaign(connection)
            keys = [Key(each.connection, ObjectType.CAMPAIGN, each.id) for each in campaigns]
            stale.note(connection, stale.Work.PUBLISH, keys)
