"""What a type checker is told; mypy strict runs over this file, and pytest sees that it imports."""

from __future__ import annotations

from collections.abc import Iterator
from typing import assert_type

import closedloop
from closedloop.crm.hubspot import HubSpotCrm
from closedloop.crm.resource import Resource
from closedloop.crm.results import ChangePage, ReadResult, WriteResult
from closedloop.crm.salesforce import SalesforceCrm
from closedloop.schema.records import Campaign, Contact, Lead, Record


def check(name: str) -> None:
    """Never called: only its types matter."""
    salesforce, hubspot = closedloop.connect("salesforce"), closedloop.connect("hubspot")
    assert_type(salesforce, SalesforceCrm)
    assert_type(hubspot, HubSpotCrm)
    assert_type(closedloop.connect(name), SalesforceCrm | HubSpotCrm)
    assert_type(salesforce.leads, Resource[Lead])
    assert_type(hubspot.campaigns.get("1"), Campaign)
    assert_type(salesforce.contacts.list(), Iterator[Contact])
    assert_type(hubspot.leads.changes(), Iterator[ChangePage[Lead]])
    assert_type(hubspot.leads.get_many(["1"]), list[ReadResult[Lead]])
    assert_type(hubspot.contacts.create_many([{"email": "a@example.com"}]), list[WriteResult])
    assert_type(salesforce.contacts.create(hubspot.contacts.get("1")), WriteResult)
    assert_type(closedloop.normalise("salesforce", "lead", {}), Record)


def test_the_types_are_those_of_the_library() -> None:
    assert callable(check)
