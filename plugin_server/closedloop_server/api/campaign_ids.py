"""From the campaign id in a URL to the campaign."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection

from closedloop.loop.attribution import CampaignKey
from closedloop.schema.vocabulary import AttributionModel
from closedloop_server.api.problems import RequestError
from closedloop_server.store.reports import CampaignReport, Search, campaign_keys, campaign_reports


def find_campaign(
    connection: Connection, text: str, model: AttributionModel, *, as_of: datetime | None = None
) -> CampaignReport:
    """The report of the campaign that `<connection>:<CRM id>` or a bare CRM id names."""
    name, colon, crm_id = text.rpartition(":")
    key = CampaignKey(name, crm_id) if colon else _only(connection, text)
    return report(connection, key, model, as_of=as_of)


def report(
    connection: Connection, key: CampaignKey, model: AttributionModel, *, as_of: datetime | None = None
) -> CampaignReport:
    """The report of one campaign, as is known now or was at an earlier time."""
    # PostgreSQL refuses a query with a NUL in it; no id has one.
    if "\0" in key.connection + key.id:
        raise _unknown()
    found = campaign_reports(connection, model, Search(campaign=key), as_of=as_of)
    if not found:
        raise _unknown()
    return found[0]


def _only(connection: Connection, crm_id: str) -> CampaignKey:
    found = () if "\0" in crm_id else campaign_keys(connection, crm_id)
    if not found:
        raise _unknown()
    if len(found) > 1:
        names = ", ".join(key.connection for key in found)
        raise RequestError(
            f"this CRM id is known in several connections ({names}): say which, as <connection>:<CRM id>",
            status=409,
            reason="ambiguous_campaign",
        )
    return found[0]


def _unknown() -> RequestError:
    return RequestError(
        "there is no such campaign: expected <connection>:<CRM id> as in `GET /api/v1/campaigns`;"
        " a campaign is known once it was read from its CRM",
        status=404,
        reason="unknown_campaign",
    )
