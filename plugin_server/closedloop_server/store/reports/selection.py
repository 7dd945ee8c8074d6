"""Which campaigns and which decisions a report is about, as conditions on the tables."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import ColumnElement, or_, select

from closedloop.loop.attribution import CampaignKey, Cause
from closedloop.schema.vocabulary import AttributionModel, ObjectType, Outcome, ReasonCode
from closedloop_server.store.reports.known import Known
from closedloop_server.store.tables import ledger, records

NO_CAMPAIGN = ""
"""The campaign id of the unattributed part."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """The campaigns wanted: one of them, those of a connection, those whose name holds `text`."""

    campaign: CampaignKey | None = None
    connection: str | None = None
    text: str | None = None

    @property
    def narrows(self) -> bool:
        """Whether it leaves any campaign out."""
        return bool(self.campaign or self.connection or self.text)


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionFilter:
    """The decisions wanted. `credited` False: the unattributed parts only; None: those as well. `as_of` asks
    for what was known at an earlier time, that instant included."""

    model: AttributionModel
    search: Search = field(default_factory=Search)
    credited: bool | None = None
    cause: Cause | None = None
    outcome: Outcome | None = None
    reason: ReasonCode | None = None
    raw_reason: str | None = None
    source: str | None = None
    """The connection that the decision came from; the campaign may be in another one."""
    as_of: datetime | None = None


def searched(
    search: Search, connection: ColumnElement[str], crm_id: ColumnElement[str]
) -> list[ColumnElement[bool]]:
    """The conditions that leave only the campaigns wanted; the columns say where a campaign is named."""
    conditions: list[ColumnElement[bool]] = []
    if search.campaign is not None:
        conditions += [connection == search.campaign.connection, crm_id == search.campaign.id]
    if search.connection is not None:
        conditions.append(connection == search.connection)
    if search.text is not None:
        conditions.append(_named(search.text, connection, crm_id))
    return conditions


def _named(text: str, connection: ColumnElement[str], crm_id: ColumnElement[str]) -> ColumnElement[bool]:
    campaign = records.alias("named")
    named = select(campaign.c.crm_id).where(
        campaign.c.object == ObjectType.CAMPAIGN.value,
        campaign.c.connection == connection,
        campaign.c.crm_id == crm_id,
        campaign.c.name.icontains(text, autoescape=True),
    )
    return or_(crm_id == text, named.exists())


def filtered(wanted: DecisionFilter, known: Known) -> list[ColumnElement[bool]]:
    """The conditions on `known.credited` that leave only the decisions wanted."""
    credits_ = known.credits.c
    conditions = [credits_.model == wanted.model.value]
    conditions += searched(wanted.search, credits_.campaign_connection, credits_.campaign_id)
    if wanted.credited is not None:
        blank = credits_.campaign_id == NO_CAMPAIGN
        conditions.append(~blank if wanted.credited else blank)
    exact = (
        (credits_.cause, wanted.cause),
        (ledger.c.outcome, wanted.outcome),
        (ledger.c.reason, wanted.reason),
        (ledger.c.raw_reason, wanted.raw_reason),
        (ledger.c.connection, wanted.source),
    )
    return conditions + [column == value for column, value in exact if value is not None]
