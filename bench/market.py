"""A market in both sandboxes on which the loop is measured: leads of campaigns, for sales to decide about."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from closedloop.crm.hubspot import HubSpotCredentials, HubSpotCrm
from closedloop.crm.hubspot.install import apply
from closedloop.crm.salesforce import SalesforceCredentials
from closedloop.mapping import load_mappings
from closedloop.sandbox.hubspot import HubSpotSandbox, Past
from closedloop.sandbox.salesforce import SalesforceSandbox
from closedloop.schema.records import Ref
from closedloop.schema.vocabulary import CrmName, ObjectType
from closedloop_server.services import connect_all
from closedloop_server.settings import ConnectionSettings, Settings

CAMPAIGNS = 20
"""In each CRM."""

SALES, MARKETING = "sales", "marketing"
PATH_SECRET = "the-secret-part-of-the-address"  # noqa: S105 - of a server on the loopback interface
_REASON = "No budget"
_LONG_AGO = datetime.now(UTC) - timedelta(days=30)


@dataclass(frozen=True, kw_only=True)
class Market:
    """Both sandboxes with an open lead per person, and the settings of a server connected to them."""

    salesforce: SalesforceSandbox
    hubspot: HubSpotSandbox
    settings: Settings
    leads: dict[str, list[str]]
    campaigns: dict[str, list[str]]

    def refs(self, name: str) -> list[Ref]:
        """The leads of a connection."""
        return [Ref(ObjectType.LEAD, each) for each in self.leads[name]]

    def decide(self, name: str, lead: str) -> None:
        """A rep disqualifies a lead, with a reason."""
        if name == SALES:
            decided = {"Status": "Closed - Not Converted", "Disqualified_Reason__c": _REASON}
            self.salesforce.org.update("Lead", lead, decided)
        else:
            decided = {
                "hs_pipeline_stage": "unqualified-stage-id",
                "hs_lead_disqualification_note": _REASON,
            }
            self.hubspot.portal.update("leads", lead, decided)

    def shown(self, name: str) -> float:
        """How many rejections the campaigns of a connection show."""
        if name == SALES:
            rows = self.salesforce.org.rows("Campaign")
            return sum(float(row["Closed_Loop_Disqualified__c"] or 0) for row in rows)
        told = (self.hubspot.portal.campaign(each)["properties"] for each in self.campaigns[name])
        return sum(float(each.get("closed_loop_disqualified") or 0) for each in told)


@contextmanager
def market(people: int, *, settle_seconds: float = 0.0, domain: str = "example.com") -> Iterator[Market]:
    """A market of so many people, half of them in each CRM; no call takes longer than it has to. Two markets
    beside each other need a domain each: the same address is the same person."""
    with (
        SalesforceSandbox() as salesforce,
        HubSpotSandbox() as hubspot,
        tempfile.TemporaryDirectory() as folder,
    ):
        settings = _settings(salesforce, hubspot, Path(folder), settle_seconds)
        portal_side = connect_all(settings, load_mappings())[MARKETING]
        if isinstance(portal_side, HubSpotCrm):
            apply(portal_side)
        theirs, ours = (
            _fill_salesforce(salesforce, people - people // 2),
            _fill_hubspot(hubspot, people // 2, domain),
        )
        yield Market(
            salesforce=salesforce,
            hubspot=hubspot,
            settings=settings,
            leads={SALES: theirs[1], MARKETING: ours[1]},
            campaigns={SALES: theirs[0], MARKETING: ours[0]},
        )


def _fill_salesforce(sandbox: SalesforceSandbox, count: int) -> tuple[list[str], list[str]]:
    org = sandbox.org
    campaigns = [org.insert("Campaign", {"Name": f"Campaign {number}"}) for number in range(CAMPAIGNS)]
    people = [
        {"LastName": f"Lead {number}", "Company": f"Company {number}", "Status": "Working - Contacted"}
        for number in range(count)
    ]
    leads = org.load("Lead", people)
    org.load(
        "CampaignMember",
        [{"CampaignId": campaigns[number % CAMPAIGNS], "LeadId": lead} for number, lead in enumerate(leads)],
    )
    return campaigns, leads


def _fill_hubspot(sandbox: HubSpotSandbox, count: int, domain: str) -> tuple[list[str], list[str]]:
    portal = sandbox.portal
    campaigns = [
        portal.create_campaign({"hs_name": f"Campaign {number}"}, at=_LONG_AGO) for number in range(CAMPAIGNS)
    ]
    people = [Past(properties={"email": f"person{number}@{domain}"}, at=_LONG_AGO) for number in range(count)]
    contacts = portal.load("contacts", people)
    for number, contact in enumerate(contacts):
        portal.touch(campaigns[number % CAMPAIGNS], contact, _LONG_AGO)
    handed_over = [
        Past(properties={"hs_lead_name": "Lead"}, at=_LONG_AGO, associations=[("contacts", contact)])
        for contact in contacts
    ]
    return campaigns, portal.load("leads", handed_over)


def _settings(
    salesforce: SalesforceSandbox, hubspot: HubSpotSandbox, folder: Path, settle_seconds: float
) -> Settings:
    return Settings(
        database_url=f"sqlite:///{folder / 'loop.db'}",
        secret_key="only for this measurement",  # noqa: S106 - it signs nobody's session
        connections=(
            ConnectionSettings(
                name=SALES,
                crm=CrmName.SALESFORCE,
                organisation_id=salesforce.organization_id,
                credentials=SalesforceCredentials(
                    login_url=salesforce.url,
                    client_id=salesforce.client_id,
                    client_secret=salesforce.client_secret,
                    currency="EUR",
                ),
                webhook_secrets=(PATH_SECRET,),
            ),
            ConnectionSettings(
                name=MARKETING,
                crm=CrmName.HUBSPOT,
                organisation_id=str(hubspot.portal_id),
                credentials=HubSpotCredentials(access_token=hubspot.access_token, base_url=hubspot.url),
                webhook_secrets=(hubspot.client_secret,),
                app_id=str(hubspot.app_id),
            ),
        ),
        poll_seconds=86_400.0,
        settle_seconds=settle_seconds,
        port=0,
    )
