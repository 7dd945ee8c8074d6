"""What is in an org on its first day: users, and the standard stages of both pipelines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal

from closedloop.sandbox.salesforce.tables import Row

ADMIN: Row = {
    "Username": "admin@example.com",
    "FirstName": "Ada",
    "LastName": "Admin",
    "Email": "admin@example.com",
    "Alias": "aadmin",
}
INTEGRATION_USER: Row = {
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
# The statuses of a recorded Lead describe.
_STATUSES = ("Open - Not Contacted", "Working - Contacted", "Closed - Converted", "Closed - Not Converted")


def standard_rows(currencies: Sequence[str]) -> Iterator[tuple[str, Row]]:
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
