"""How the world's companies, people, campaigns and deals look in Salesforce's fields."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from closedloop.sandbox.world.model import Account, Attempt, Campaign, Person, Rep, Subject, Touch
from closedloop.sandbox.world.stages import OPPORTUNITY

LEAD_STATUSES = ("Disqualified", "Recycled")
"""The statuses that the customer added to Salesforce's own."""

ROLES = {
    "Decision maker": "Decision Maker",
    "Economic buyer": "Economic Buyer",
    "Champion": "Executive Sponsor",
    "Influencer": "Influencer",
    "User": "Business User",
}
_SUBTYPES = {"call": "Call", "email": "Email", "meeting": "Task"}

Fields = dict[str, Any]


def user(rep: Rep) -> Fields:
    """A rep."""
    return {
        "Username": rep.email,
        "Email": rep.email,
        "FirstName": rep.first_name,
        "LastName": rep.last_name,
        "Alias": rep.key[-8:],
    }


def queue(region: str) -> Fields:
    """A queue that owns the leads of a region until somebody takes them."""
    name = "".join(char if char.isalnum() else "_" for char in region).strip("_")
    return {"Name": f"Inbound {region}", "DeveloperName": f"Inbound_{name}", "Type": "Queue"}


def account(company: Account) -> Fields:
    """A company."""
    return {
        "Name": company.name,
        "Industry": company.industry,
        "BillingCountry": company.country,
        "NumberOfEmployees": company.employees,
        "AnnualRevenue": company.revenue,
        "Website": f"https://{company.domain}",
    }


def campaign(each: Campaign) -> Fields:
    """A campaign."""
    return {
        "Name": each.name,
        "Type": each.kind,
        "Status": "Planned" if each.planned else "Completed",
        "IsActive": not each.planned,
        "StartDate": each.starts.isoformat(),
        "EndDate": each.ends.isoformat(),
        "BudgetedCost": each.budget,
        "ActualCost": each.cost,
        "Description": each.notes,
    }


def contact(person: Person, account_id: str) -> Fields:
    """A person as a contact."""
    return _person(person) | {"AccountId": account_id}


def lead(person: Person, company: Account) -> Fields:
    """A person as a lead."""
    return _person(person) | {
        "Company": company.name,
        "Industry": company.industry,
        "Country": company.country,
    }


def _person(person: Person) -> Fields:
    return {
        "FirstName": person.first_name,
        "LastName": person.last_name,
        "Email": person.email,
        "Phone": person.phone,
        "Title": person.title,
        "LeadSource": person.source,
    }


def opportunity(subject: Subject) -> Fields:
    """The fields of a new opportunity that say what it is about."""
    fields: Fields = {
        "Name": subject.name,
        "StageName": OPPORTUNITY.first,
        "CloseDate": (subject.created_at + timedelta(days=120)).date().isoformat(),
    }
    return fields if subject.amount is None else fields | {"Amount": subject.amount}


def member(touch: Touch) -> Fields:
    """How somebody took part in a campaign."""
    return {"Status": "Responded" if touch.responded else "Sent"}


def task(attempt: Attempt, who: str, what: str | None, owner: str) -> Fields:
    """An attempt that is over."""
    fields: Fields = {
        "WhoId": who,
        "Subject": attempt.kind.capitalize(),
        "TaskSubtype": _SUBTYPES[attempt.kind],
        "Status": "Completed",
        "ActivityDate": attempt.at.date().isoformat(),
        "CompletedDateTime": attempt.at,
        "OwnerId": owner,
        **stamps(attempt.at, owner),
    }
    if what:
        fields["WhatId"] = what
    if attempt.kind == "call":
        fields |= {
            "CallType": "Outbound",
            "CallDisposition": "Connected" if attempt.connected else "No answer",
        }
    return fields


def stamps(at: datetime, by: str | None = None) -> Fields:
    """When and by whom a record was made."""
    return {"CreatedDate": at} if by is None else {"CreatedDate": at, "CreatedById": by}
