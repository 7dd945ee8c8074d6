"""Lead conversion: an account, a contact, perhaps an opportunity, and what moves over to them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from closedloop.sandbox.salesforce.refusal import Refusal
from closedloop.sandbox.salesforce.tables import Row

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


def convert(
    org: Org, lead_id: str, *, opportunity: Mapping[str, Any] | None, at: datetime, by: str
) -> Converted:
    """Converts the lead; refuses one that was converted before."""
    lead = org.alive(org.objects["Lead"], lead_id)
    if lead["IsConverted"]:
        raise Refusal("CANNOT_UPDATE_CONVERTED_LEAD", "cannot reference converted lead", fields=[])
    owner = lead["OwnerId"] if lead["OwnerId"].startswith("005") else by
    account = _carried(lead, _TO_ACCOUNT) | {"OwnerId": owner}
    account_id = org.insert("Account", account, at=at, by=by)
    contact = _carried(lead, _TO_CONTACT) | {"OwnerId": owner, "AccountId": account_id}
    contact_id = org.insert("Contact", contact, at=at, by=by)
    opportunity_id = None
    if opportunity is not None:
        fields = _opportunity(org, lead, at) | {"OwnerId": owner} | dict(opportunity)
        fields |= {"AccountId": account_id, "ContactId": contact_id}
        opportunity_id = org.insert("Opportunity", fields, at=at, by=by)
    converted = Converted(account_id=account_id, contact_id=contact_id, opportunity_id=opportunity_id)
    _move(org, lead, contact_id, at, by)
    _close(org, lead, converted, at, by)
    return converted


def _carried(lead: Row, mapping: Mapping[str, str]) -> Row:
    return {theirs: lead[ours] for theirs, ours in mapping.items() if lead[ours] is not None}


def _opportunity(org: Org, lead: Row, at: datetime) -> Row:
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
    # The member keeps its id and its LeadId, and names the contact from now on.
    for member in org.tables.where("CampaignMember", "LeadId", lead["Id"]):
        org.write(org.objects["CampaignMember"], member, {"ContactId": contact_id}, at, by)
    for kind in ("Task", "Event"):
        for activity in org.tables.where(kind, "WhoId", lead["Id"]):
            org.write(org.objects[kind], activity, {"WhoId": contact_id}, at, by)


def _close(org: Org, lead: Row, converted: Converted, at: datetime, by: str) -> None:
    statuses = [s["ApiName"] for s in org.tables.rows("LeadStatus") if s["IsConverted"]]
    changed = {
        "Status": statuses[0],
        "IsConverted": True,
        "ConvertedDate": at.date(),
        "ConvertedAccountId": converted.account_id,
        "ConvertedContactId": converted.contact_id,
        "ConvertedOpportunityId": converted.opportunity_id,
    }
    org.write(org.objects["Lead"], lead, changed, at, by)
