"""What is in an org on its first day: users, and the standard stages of both pipelines."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

ADMIN: Mapping[str, Any] = {
    "Username": "admin@example.com",
    "FirstName": "Ada",
    "LastName": "Admin",
    "Email": "admin@example.com",
    "Alias": "aadmin",
}
INTEGRATION_USER: Mapping[str, Any] = {
    "Username": "integration@example.com",
    "FirstName": "Closed Loop",
    "LastName": "Integration",
    "Email": "integration@example.com",
    "Alias": "closedl",
}

# The stages of a recorded Opportunity describe, with Salesforce's default probabilities and categories.
_STAGES = (
    ("Prospecting", 10, "Pipeline"),
    ("Qualification", 10, "Pipeline"),
    ("Needs Analysis", 20, "Pipeline"),
    ("Value Proposition", 50, "Pipeline"),
    ("Id. Decision Makers", 60, "Pipeline"),
    ("Perception Analysis", 70, "Pipeline"),
    ("Proposal/Price Quote", 75, "Pipeline"),
    ("Negotiation/Review", 90, "Pipeline"),
    ("Closed Won", 100, "Closed"),
    ("Closed Lost", 0, "Omitted"),
)
# Help, "Campaign Influence": the model that every org has, and whose records Salesforce keeps itself.
_DEFAULT_MODEL = {
    "DeveloperName": "Primary_Campaign_Source",
    "MasterLabel": "Primary Campaign Source Model",
    "IsActive": True,
    "IsDefaultModel": True,
    "IsModelLocked": True,
    "ModelType": "1",
    "RecordPreference": "AllRecords",
}
# Help, "Task Fields": the statuses of a new org, and which of them close the task.
_TASK_STATUSES = (
    ("Not Started", False),
    ("In Progress", False),
    ("Completed", True),
    ("Waiting on someone else", False),
    ("Deferred", False),
)
# The statuses of a recorded Lead describe.
_STATUSES = ("Open - Not Contacted", "Working - Contacted", "Closed - Converted", "Closed - Not Converted")


LICENSE: Mapping[str, Any] = {
    "LicenseDefinitionKey": "SFDC",
    "TotalLicenses": 10,
    "Status": "Active",
    "UsedLicenses": 2,
    "Name": "Salesforce",
    "MasterLabel": "Salesforce",
}
_ALL_PERMISSIONS = dict.fromkeys(
    (
        "PermissionsModifyAllData",
        "PermissionsViewAllData",
        "PermissionsApiEnabled",
        "PermissionsCustomizeApplication",
    ),
    True,
)
_SOME_PERMISSIONS = {"PermissionsApiEnabled": True}
# The profiles of users with a Salesforce license (Help, "Standard Profiles").
PROFILES: Mapping[str, Mapping[str, bool]] = {
    "System Administrator": _ALL_PERMISSIONS,
    "Standard User": _SOME_PERMISSIONS,
    "Marketing User": _SOME_PERMISSIONS,
    "Contract Manager": _SOME_PERMISSIONS,
    "Solution Manager": _SOME_PERMISSIONS,
    "Read Only": _SOME_PERMISSIONS,
    "Minimum Access - Salesforce": {},
}
"""What each of the standard profiles may do."""


def standard_rows(currencies: Sequence[str]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The stage and currency rows of a new org, each with its object's name."""
    for code in currencies:
        corporate = code == currencies[0]
        rate = {"ConversionRate": Decimal(1), "DecimalPlaces": 2, "IsActive": True, "IsCorporate": corporate}
        yield "CurrencyType", {"IsoCode": code} | rate
    for order, (name, probability, forecast) in enumerate(_STAGES, start=1):
        yield (
            "OpportunityStage",
            {
                "MasterLabel": name,
                "ApiName": name,
                "SortOrder": order,
                "IsClosed": name.startswith("Closed"),
                "IsWon": name == "Closed Won",
                "ForecastCategoryName": forecast,
                "DefaultProbability": Decimal(probability),
            },
        )
    for order, (name, closed) in enumerate(_TASK_STATUSES, start=1):
        status = {"MasterLabel": name, "ApiName": name, "SortOrder": order, "IsDefault": order == 1}
        yield "TaskStatus", status | {"IsClosed": closed}
    for order, name in enumerate(("High", "Normal", "Low"), start=1):
        priority = {"MasterLabel": name, "ApiName": name, "SortOrder": order, "IsDefault": name == "Normal"}
        yield "TaskPriority", priority | {"IsHighPriority": name == "High"}
    yield "CampaignInfluenceModel", _DEFAULT_MODEL
    yield "Pricebook2", {"Name": "Standard Price Book", "IsStandard": True, "IsActive": True}
    for order, name in enumerate(_STATUSES, start=1):
        yield (
            "LeadStatus",
            {
                "MasterLabel": name,
                "ApiName": name,
                "SortOrder": order,
                "IsDefault": order == 1,
                "IsConverted": name == "Closed - Converted",
            },
        )
