"""Fields that are computed whenever they are read: names, roll-ups, what a stage says of an opportunity."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal
from functools import partial
from typing import Any

from closedloop.sandbox.salesforce.records.derive_catalogue import CATALOGUE, Derivation
from closedloop.sandbox.salesforce.records.hierarchy import family
from closedloop.sandbox.salesforce.records.tables import Row, Tables
from closedloop.sandbox.salesforce.schema.sobject import SObject

_NONE: Mapping[str, Derivation] = {}
_NOBODY = Row()
_FORECAST = {"Best Case": "BestCase", "Commit": "Forecast"}


def stage_of(tables: Tables, opportunity: Row) -> Row | None:
    """The OpportunityStage row that the opportunity stands in; None for a stage nobody defined."""
    return tables.first_by("OpportunityStage", "ApiName").get(opportunity.get("StageName"))


def member_status(tables: Tables, member: Row) -> Row | None:
    """The campaign's definition of the status that the member has."""
    statuses = tables.where("CampaignMemberStatus", "CampaignId", member["CampaignId"])
    return next((s for s in statuses if s["Label"] == member.get("Status")), None)


def _person_name(_: Tables, row: Row) -> str:
    return " ".join(part for part in (row.get("FirstName"), row.get("LastName")) if part)


def _address(prefix: str) -> Derivation:
    names = ("City", "Country", "GeocodeAccuracy", "Latitude", "Longitude", "PostalCode", "State", "Street")
    parts = {prefix + name: name[0].lower() + name[1:] for name in names}

    def address(_: Tables, row: Row) -> dict[str, Any] | None:
        if row.keys().isdisjoint(parts):
            return None
        values = {part: row.get(name) for name, part in parts.items()}
        return values if any(v is not None for v in values.values()) else None

    return address


def _location(stem: str) -> Derivation:
    def location(_: Tables, row: Row) -> dict[str, Any] | None:
        values = {name.lower(): row.get(f"{stem}__{name}__s") for name in ("Latitude", "Longitude")}
        return values if any(v is not None for v in values.values()) else None

    return location


def _of_stage(field: str, otherwise: Any) -> Derivation:
    def value(tables: Tables, row: Row) -> Any:
        stage = stage_of(tables, row)
        return otherwise if stage is None else stage.get(field)

    return value


def _forecast_category(_: Tables, row: Row) -> str | None:
    name = row.get("ForecastCategoryName")
    return None if name is None else _FORECAST.get(name, name)


def _expected_revenue(_: Tables, row: Row) -> Decimal | None:
    amount, probability = row.get("Amount"), row.get("Probability")
    return None if amount is None or probability is None else amount * probability / 100


def _fiscal_quarter(_: Tables, row: Row) -> int:
    return int((row["CloseDate"].month + 2) // 3)


def _primary_contact(tables: Tables, row: Row) -> str | None:
    roles = tables.where("OpportunityContactRole", "OpportunityId", row["Id"])
    return next((role["ContactId"] for role in roles if role["IsPrimary"]), None)


def _task_account(tables: Tables, row: Row) -> str | None:
    what = row.get("WhatId") or ""
    if what.startswith("001"):
        return str(what)
    owner = tables.get("Opportunity", what) or tables.get("Contact", row.get("WhoId") or "")
    return owner.get("AccountId") if owner else None


def _task_is_closed(tables: Tables, row: Row) -> bool:
    status = tables.first_by("TaskStatus", "ApiName").get(row["Status"])
    return bool(status and status["IsClosed"])


def _event_end(_: Tables, row: Row) -> date | None:
    end = row.get("EndDateTime")
    return None if end is None else end.date()


def _person(tables: Tables, member: Row) -> Row:
    contact = tables.get("Contact", member.get("ContactId") or "")
    return contact or tables.get("Lead", member.get("LeadId") or "") or _NOBODY


def _of_person(lead_field: str, contact_field: str = "") -> Derivation:
    def value(tables: Tables, member: Row) -> Any:
        field = contact_field if member.get("ContactId") and contact_field else lead_field
        return _person(tables, member).get(field)

    return value


def _company(tables: Tables, member: Row) -> Any:
    person = _person(tables, member)
    account = tables.get("Account", person.get("AccountId") or "")
    return account["Name"] if account else person.get("Company")


def _has_responded(tables: Tables, member: Row) -> bool:
    status = member_status(tables, member)
    return bool(status and status["HasResponded"])


def _members(tables: Tables, campaign: Row) -> list[Row]:
    return tables.where("CampaignMember", "CampaignId", campaign["Id"])


def _converted(tables: Tables, member: Row) -> bool:
    lead = tables.get("Lead", member.get("LeadId") or "")
    return bool(lead and lead["IsConverted"])


def _leads(tables: Tables, campaign: Row) -> int:
    return sum(bool(m.get("LeadId")) and not _converted(tables, m) for m in _members(tables, campaign))


def _converted_leads(tables: Tables, campaign: Row) -> int:
    return sum(_converted(tables, m) for m in _members(tables, campaign))


def _contacts(tables: Tables, campaign: Row) -> int:
    return sum(bool(m.get("ContactId")) for m in _members(tables, campaign))


def _responses(tables: Tables, campaign: Row) -> int:
    return sum(_has_responded(tables, m) for m in _members(tables, campaign))


def _opportunities(tables: Tables, campaign: Row) -> list[Row]:
    # Counted by primary campaign source, not by who is a member (reference: Campaign and members).
    return tables.where("Opportunity", "CampaignId", campaign["Id"])


def _won(tables: Tables, campaign: Row) -> list[Row]:
    is_won = _of_stage("IsWon", otherwise=False)
    return [o for o in _opportunities(tables, campaign) if is_won(tables, o)]


def _amount(opportunities: list[Row]) -> Decimal:
    return sum((o["Amount"] for o in opportunities if o.get("Amount") is not None), Decimal(0))


_ROLLUPS: Mapping[str, Derivation] = {
    "NumberOfLeads": _leads,
    "NumberOfConvertedLeads": _converted_leads,
    "NumberOfContacts": _contacts,
    "NumberOfResponses": _responses,
    "NumberOfOpportunities": lambda tables, row: len(_opportunities(tables, row)),
    "NumberOfWonOpportunities": lambda tables, row: len(_won(tables, row)),
    "AmountAllOpportunities": lambda tables, row: _amount(_opportunities(tables, row)),
    "AmountWonOpportunities": lambda tables, row: _amount(_won(tables, row)),
}


def _summed(field: str) -> Derivation:
    """The sum of a field over a campaign and those below it."""
    return lambda tables, row: sum(
        (c[field] or Decimal(0) for c in family(tables, "Campaign", row)), Decimal(0)
    )


def _hierarchy(rollup: Derivation) -> Derivation:
    return lambda tables, row: sum(rollup(tables, member) for member in family(tables, "Campaign", row))


_SUMMED = ("BudgetedCost", "ActualCost", "ExpectedRevenue", "NumberSent")
_COPIED = (
    "Salutation",
    "FirstName",
    "LastName",
    "Title",
    "Email",
    "Phone",
    "Fax",
    "MobilePhone",
    "Description",
    "LeadSource",
)

DERIVED: Mapping[str, Mapping[str, Derivation]] = {
    **CATALOGUE,
    "Account": {"BillingAddress": _address("Billing"), "ShippingAddress": _address("Shipping")},
    "Contact": {
        "Name": _person_name,
        "OtherAddress": _address("Other"),
        "MailingAddress": _address("Mailing"),
    },
    "Lead": {"Name": _person_name, "Address": _address("")},
    "Individual": {"Name": _person_name},
    "User": {"Name": _person_name, "Address": _address("")},
    "Organization": {"Address": _address("")},
    "Opportunity": {
        "ExpectedRevenue": _expected_revenue,
        "IsClosed": _of_stage("IsClosed", otherwise=False),
        "IsWon": _of_stage("IsWon", otherwise=False),
        "ForecastCategory": _forecast_category,
        "FiscalQuarter": _fiscal_quarter,
        "FiscalYear": lambda _, row: row["CloseDate"].year,
        "Fiscal": lambda tables, row: f"{row['CloseDate'].year} {_fiscal_quarter(tables, row)}",
        "ContactId": _primary_contact,
    },
    "OpportunityStage": {"ForecastCategory": _forecast_category},
    "Task": {"AccountId": _task_account, "IsClosed": _task_is_closed},
    "Event": {"AccountId": _task_account, "EndDate": _event_end},
    "Campaign": {
        **{f"Hierarchy{name}": _summed(name) for name in _SUMMED},
        **_ROLLUPS,
        **{f"Hierarchy{name}": _hierarchy(r) for name, r in _ROLLUPS.items()},
    },
    "CampaignMember": {
        **{name: _of_person(name) for name in _COPIED},
        **{p: _of_person(p, f"Mailing{p}") for p in ("Street", "City", "State", "PostalCode", "Country")},
        "HasResponded": _has_responded,
        "Name": lambda tables, row: _person_name(tables, _person(tables, row)),
        "CompanyOrAccount": _company,
        "Type": lambda _, row: "Contact" if row.get("ContactId") else "Lead",
        "LeadOrContactId": lambda _, row: row.get("ContactId") or row.get("LeadId"),
        "LeadOrContactOwnerId": _of_person("OwnerId"),
    },
}
"""For each object, how its derived fields are computed."""


def _derivation(tables: Tables, sobject: str, field: str) -> Derivation | None:
    found = DERIVED.get(sobject, _NONE).get(field)
    if found is None and field.endswith("__c") and tables.objects[sobject].fields[field].type == "location":
        return _location(field.removesuffix("__c"))
    return found


def value(tables: Tables, sobject: str, row: Row, field: str) -> Any:
    """The field's value, kept or computed."""
    derivation = _derivation(tables, sobject, field)
    return row.get(field) if derivation is None else derivation(tables, row)


def computed(tables: Tables, kind: SObject, row: Row) -> dict[str, Any]:
    """The fields of the row that are computed."""
    given = DERIVED.get(kind.name, _NONE)
    values = {name: given[name](tables, row) for name in given if name in kind.fields}
    if kind.locations:
        values |= {name: value(tables, kind.name, row, name) for name in kind.locations}
    return values


def reader(tables: Tables, sobject: str, field: str) -> Callable[[Row], Any]:
    """How the field is read from many rows."""
    derivation = _derivation(tables, sobject, field)
    if derivation is None:
        return lambda row: row.get(field)
    return partial(derivation, tables)
