"""A sandbox org that several tests only read, without a server in between."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from werkzeug.test import Client

from closedloop.sandbox.salesforce import SalesforceSandbox

NOW = datetime(2026, 11, 20, 14, 3, 7, tzinfo=UTC)


@dataclass
class World:
    """A sandbox that is only read, and the ids of its records by name."""

    sandbox: SalesforceSandbox
    ids: dict[str, str] = field(default_factory=dict)

    def get(self, path: str, **options: Any) -> Any:
        headers = {"Authorization": f"Bearer {self.sandbox.access_token}"} | options.pop("headers", {})
        return Client(self.sandbox.api).get(f"/services/data/v62.0{path}", headers=headers, **options)

    def query(self, soql: str) -> Any:
        answer = self.get("/query", query_string={"q": soql})
        assert answer.status_code == 200, answer.text
        return answer.get_json()

    def records(self, soql: str) -> list[dict[str, Any]]:
        return [
            {name: value for name, value in row.items() if name != "attributes"}
            for row in self.query(soql)["records"]
        ]


def filled() -> World:
    """A sandbox with some records of most kinds, and 450 contacts of one account."""
    sandbox = SalesforceSandbox(clock=lambda: NOW)
    world = World(sandbox)
    insert, ids = sandbox.org.insert, world.ids
    berlin = {"BillingCity": "Berlin", "BillingLatitude": 52.52, "BillingLongitude": 13.405}
    ids["acme"] = insert("Account", {"Name": "Acme", "Type": "Prospect", "Phone": "1", **berlin})
    ids["beta"] = insert("Account", {"Name": "Beta", "BillingCity": "Paris"})
    ids["jane"] = insert("Contact", {"LastName": "Doe", "FirstName": "Jane", "AccountId": ids["acme"]})
    ids["lead"] = insert("Lead", {"LastName": "Lead", "Company": "Acme Corp"})
    ids["deal"] = insert(
        "Opportunity",
        {
            "Name": "Deal",
            "StageName": "Prospecting",
            "Amount": "12500.50",
            "CloseDate": "2026-12-31",
            "AccountId": ids["acme"],
        },
        at=datetime(2026, 2, 9, 17, 30, tzinfo=UTC),
    )
    for subject, who, what in (("A", "jane", "acme"), ("B", "lead", None), ("C", None, "deal")):
        fields = {"Subject": subject, "DurationInMinutes": 30, "ActivityDateTime": "2026-11-07T07:00:00Z"}
        parents = {"WhoId": who and ids[who], "WhatId": what and ids[what]}
        ids[subject] = insert("Event", fields | parents)
    for number in range(450):
        insert("Contact", {"LastName": f"C{number:03}", "AccountId": ids["beta"]})
    return world
