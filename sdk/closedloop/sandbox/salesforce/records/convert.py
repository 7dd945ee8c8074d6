"""Lead conversion: an account, a contact, perhaps an opportunity, and what moves over to them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from closedloop.sandbox.salesforce.records import effects
from closedloop.sandbox.salesforce.records.tables import Row
from closedloop.sandbox.salesforce.refusal import Refusal

if TYPE_CHECKING:
    from closedloop.sandbox.salesforce.org import Org

# Help, "Lead Conversion Field Mapping": what the standard mapping carries over.
_TO_ACCOUNT = {"Name": "Company", "Industry": "Industry", "AnnualRevenue": "AnnualRevenue"} | {
    "NumberOfEmployees": "NumberOfEmployees",
    "Phone": "Phone",
    "Website": "Website",
    "OwnerId": "OwnerId",
    "BillingStreet": "Street",
    "BillingCity": "City",
    "BillingState": "State",
    "BillingPostalCode": "PostalCode",
    "BillingCountry": "Country",
}
_TO_CONTACT = {
    name: name
    for name in (
        "Salutation",
        "FirstName",
        "LastName",
        "Title",
        "Phone",
        "MobilePhone",
        "Fax",
        "Email",
        "LeadSource",
        "Description",
        "OwnerId",
    )
} | {f"Mailing{part}": part for part in ("Street", "City", "State", "PostalCode", "Country")}


@dataclass(frozen=True, slots=True, kw_only=True)
class Converted:
    """What became of a lead."""

    account_id: str
    contact_id: str
    opportunity_id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Into:
    """Into what a lead is converted: records that there are, who owns new ones, the status of the lead."""

    account_id: str | None = None
    contact_id: str | None = None
    opportunity_id: str | None = None
    owner_id: str | None = None
    status: str | None = None
    overwrite_source: bool = False


NEW_RECORDS = Into()
"""An account and a contact are made of the lead."""


def convert(
    org: Org, lead_id: str, *, opportunity: Mapping[str, Any] | None, into: Into, at: datetime, by: str
) -> Converted:
    """Converts the lead; refuses one that was converted before."""
    lead = org.free(org.tables.objects["Lead"], lead_id)
    if lead["IsConverted"]:
        raise Refusal("CANNOT_UPDATE_CONVERTED_LEAD", "cannot reference converted lead", fields=[])
    if into.contact_id and not into.account_id:
        raise Refusal("REQUIRED_FIELD_MISSING", "an account is required with a contact", fields=["accountId"])
    owner = into.owner_id or (lead["OwnerId"] if lead["OwnerId"].startswith("005") else by)
    made = _Making(org=org, at=at, by=by, owner=owner)
    account_id = made.account(lead, into)
    contact_id = made.contact(lead, into, account_id)
    opportunity_id = into.opportunity_id
    if opportunity is not None and opportunity_id is None:
        fields = _opportunity(org, lead, at) | {"OwnerId": owner} | dict(opportunity)
        fields |= {"AccountId": account_id, "ContactId": contact_id}
        opportunity_id = org.insert("Opportunity", fields, at=at, by=by)
    converted = Converted(account_id=account_id, contact_id=contact_id, opportunity_id=opportunity_id)
    _move(org, lead, contact_id, at, by)
    _close(org, lead, converted, into.status, at, by)
    return converted


@dataclass(frozen=True, slots=True, kw_only=True)
class _Making:
    """Makes the account and the contact, or fills what is empty in those that are named.

    SOAP API Developer Guide, convertLead(): "only empty fields in the target object are overwritten".
    """

    org: Org
    at: datetime
    by: str
    owner: str

    def account(self, lead: Row, into: Into) -> str:
        fields = _carried(lead, _TO_ACCOUNT) | {"OwnerId": self.owner}
        if into.account_id is None:
            return self.org.insert("Account", fields, at=self.at, by=self.by)
        return self._filled("Account", into.account_id, fields, {})

    def contact(self, lead: Row, into: Into, account_id: str) -> str:
        fields = _carried(lead, _TO_CONTACT) | {"OwnerId": self.owner, "AccountId": account_id}
        if into.contact_id is None:
            return self.org.insert("Contact", fields, at=self.at, by=self.by)
        source = {"LeadSource": lead["LeadSource"]} if into.overwrite_source else {}
        return self._filled("Contact", into.contact_id, fields, source)

    def _filled(
        self, sobject: str, record_id: str, fields: Mapping[str, Any], over: Mapping[str, Any]
    ) -> str:
        row = self.org.alive(self.org.tables.objects[sobject], record_id)
        empty = {name: value for name, value in fields.items() if row.get(name) is None}
        self.org.update(sobject, record_id, {**empty, **over}, at=self.at, by=self.by)
        return str(row["Id"])


def _carried(lead: Row, mapping: Mapping[str, str]) -> dict[str, Any]:
    return {theirs: lead[ours] for theirs, ours in mapping.items() if lead[ours] is not None}


def _opportunity(org: Org, lead: Row, at: datetime) -> dict[str, Any]:
    members = org.tables.where("CampaignMember", "LeadId", lead["Id"])
    # The campaign most recently associated, responded or not (reference: Campaign and members).
    latest = max(members, key=lambda m: (m["CreatedDate"], m["Id"]), default=None)
    stages = sorted(org.tables.rows("OpportunityStage"), key=lambda s: s["SortOrder"])
    return {
        "Name": f"{lead['Company']}-",
        "StageName": stages[0]["ApiName"],
        "CloseDate": _end_of_quarter(at.date()),
        "LeadSource": lead["LeadSource"],
        "CampaignId": latest["CampaignId"] if latest else None,
    }


def _end_of_quarter(day: date) -> date:
    last_month = (day.month + 2) // 3 * 3
    after = date(day.year + last_month // 12, last_month % 12 + 1, 1)
    return after - timedelta(days=1)


def _move(org: Org, lead: Row, contact_id: str, at: datetime, by: str) -> None:
    # The member keeps its id and its LeadId, and names the contact from now on; where the contact is a member
    # of the campaign already, its own row stays (Help, "Lead Conversion": campaign members).
    campaigns = {m["CampaignId"] for m in org.tables.where("CampaignMember", "ContactId", contact_id)}
    for member in org.tables.where("CampaignMember", "LeadId", lead["Id"]):
        if member["CampaignId"] in campaigns:
            org.bin(org.tables.objects["CampaignMember"], member, effects.stamps(at, by))
            continue
        org.write(org.tables.objects["CampaignMember"], member, {"ContactId": contact_id}, at, by)
    for kind in ("Task", "Event"):
        for activity in org.tables.where(kind, "WhoId", lead["Id"]):
            org.write(org.tables.objects[kind], activity, {"WhoId": contact_id}, at, by)


def _close(org: Org, lead: Row, converted: Converted, status: str | None, at: datetime, by: str) -> None:  # noqa: PLR0917  one change
    statuses = [s["ApiName"] for s in org.tables.rows("LeadStatus") if s["IsConverted"]]
    changed = {
        "Status": status or statuses[0],
        "IsConverted": True,
        "ConvertedDate": at.date(),
        "ConvertedAccountId": converted.account_id,
        "ConvertedContactId": converted.contact_id,
        "ConvertedOpportunityId": converted.opportunity_id,
    }
    org.write(org.tables.objects["Lead"], lead, changed, at, by)
    closed = org.alive(org.tables.objects["Lead"], lead["Id"])
    org.history.happened(org.tables.objects["Lead"], closed, "leadConverted")
