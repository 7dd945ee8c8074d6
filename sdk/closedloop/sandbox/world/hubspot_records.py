"""How the world's companies, people, campaigns and deals look in HubSpot's properties."""

from __future__ import annotations

from datetime import datetime, timedelta

from closedloop.sandbox.world.model import Account, Attempt, Campaign, Person, Subject
from closedloop.sandbox.world.names import HUBSPOT_SOURCES
from closedloop.sandbox.world.stages import line_of
from closedloop.schema.vocabulary import ObjectType

# The GUIDs of two default call outcomes (HubSpot documentation, "Calls").
_CONNECTED, _NO_ANSWER = "f240bbac-87c9-4f6e-bf70-924b57d47db7", "73a0d17f-1163-4015-bdd5-ec830791da20"

Properties = dict[str, str]


def company(account: Account, salesforce_id: str) -> Properties:
    """A company, as HubSpot's sync keeps it."""
    return {
        "name": account.name,
        "domain": account.domain,
        "industry": account.industry,
        "country": account.country,
        "numberofemployees": str(account.employees),
        "annualrevenue": str(account.revenue),
        "salesforceaccountid": salesforce_id,
    }


def contact(person: Person, account: Account) -> Properties:
    """A person."""
    return {
        "email": person.hubspot_email,
        "firstname": person.first_name,
        "lastname": person.last_name,
        "phone": person.phone,
        "jobtitle": person.title,
        "company": account.name,
        "country": account.country,
        "lifecyclestage": "lead",
        "hs_analytics_source": HUBSPOT_SOURCES[person.source],
    }


def campaign(each: Campaign) -> Properties:
    """A campaign."""
    return {
        "hs_name": each.name,
        "hs_start_date": each.starts.isoformat(),
        "hs_end_date": each.ends.isoformat(),
        "hs_campaign_status": "planned" if each.planned else "completed",
        "hs_utm": each.utm,
        "hs_notes": each.notes,
    }


def subject(each: Subject, owner: str) -> Properties:
    """A new lead or deal."""
    line = line_of(each)
    properties = {line.stage: line.first, "hubspot_owner_id": owner}
    if each.object is ObjectType.LEAD:
        return properties | {"hs_lead_name": each.name, "hs_lead_type": "NEW_BUSINESS"}
    properties |= {"dealname": each.name, "pipeline": line.pipeline}
    return properties if each.amount is None else properties | {"amount": str(each.amount)}


def engagement(attempt: Attempt, owner: str) -> tuple[str, Properties]:
    """An attempt that is over, with its object type."""
    told = {"hs_timestamp": _stamp(attempt.at), "hubspot_owner_id": owner}
    if attempt.kind == "email":
        status = {"hs_email_direction": "EMAIL", "hs_email_status": "SENT"}
        return "emails", told | {"hs_email_subject": "Following up"} | status
    if attempt.kind == "meeting":
        ends = _stamp(attempt.at + timedelta(minutes=30))
        times = {"hs_meeting_start_time": told["hs_timestamp"], "hs_meeting_end_time": ends}
        outcome = "COMPLETED" if attempt.connected else "NO_SHOW"
        return "meetings", told | times | {"hs_meeting_title": "Introduction", "hs_meeting_outcome": outcome}
    call = {"hs_call_title": "Call", "hs_call_direction": "OUTBOUND", "hs_call_status": "COMPLETED"}
    return "calls", told | call | {"hs_call_disposition": _CONNECTED if attempt.connected else _NO_ANSWER}


def _stamp(at: datetime) -> str:
    """A time as HubSpot writes it."""
    return f"{at:%Y-%m-%dT%H:%M:%S}.000Z"
