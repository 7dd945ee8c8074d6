"""The campaign that the CRM itself names for a lead or an opportunity."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from sqlalchemy import Connection

from closedloop.loop.attribution import CampaignKey
from closedloop.schema.records import Lead, Opportunity, Record
from closedloop.schema.vocabulary import CrmName, ObjectType
from closedloop_server.store import records
from closedloop_server.store.rows import Key


def primary_campaigns(connection: Connection, subjects: Mapping[Key, Record]) -> dict[Key, CampaignKey]:
    """The primary campaign of each of these subjects that has one.

    A HubSpot lead names it by the numeric object id, where everything else about HubSpot's campaigns goes
    by the GUID. A number that no campaign has is left out: nothing could be written to it.
    """
    named = {
        key: (record.crm, record.campaign_id)
        for key, record in subjects.items()
        if isinstance(record, Lead | Opportunity) and record.campaign_id
    }
    numbers: dict[str, set[str]] = defaultdict(set)
    for key, (crm, id_) in named.items():
        if crm is CrmName.HUBSPOT:
            numbers[key.connection].add(id_)
    guids = {
        (name, number): key.id
        for name, found in numbers.items()
        for number, key in records.by_other_id(connection, name, ObjectType.CAMPAIGN, found).items()
    }
    return {
        key: CampaignKey(key.connection, id_)
        for key, (crm, told) in named.items()
        for id_ in [guids.get((key.connection, told)) if crm is CrmName.HUBSPOT else told]
        if id_
    }
