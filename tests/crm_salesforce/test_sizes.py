"""How much there is to read, for those who wait for it."""

from __future__ import annotations

from typing import Any

from closedloop.crm.salesforce import SalesforceCrm
from closedloop.schema.vocabulary import ObjectType


def test_the_sizes_are_those_of_everything_that_a_poll_walks(org: Any, crm: SalesforceCrm) -> None:
    lead = org.insert("Lead", {"LastName": "Lovelace", "Company": "Analytical Engines"})
    org.insert("Lead", {"LastName": "Babbage", "Company": "Analytical Engines"})
    org.delete("Lead", lead)
    org.insert("Campaign", {"Name": "Spring"})
    sizes = crm.sizes()
    assert (sizes[ObjectType.LEAD], sizes[ObjectType.CAMPAIGN], sizes[ObjectType.ACCOUNT]) == (2, 1, 0)
    brought = [record for page in crm.poll(None) for record in page.batch.records]
    assert sizes[ObjectType.USER] == len([each for each in brought if each.object is ObjectType.USER])
