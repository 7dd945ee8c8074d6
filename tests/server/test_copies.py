"""A deal that HubSpot's Salesforce sync copied from an opportunity must not count twice."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from closedloop.schema.records import LinkedId, Ref
from closedloop.schema.vocabulary import CrmName, ObjectType

if TYPE_CHECKING:
    from tests.server.conftest import Loop, Make

OPPORTUNITY = ObjectType.OPPORTUNITY


@pytest.fixture
def copied(loop: Loop, salesforce: Make, hubspot: Make) -> Loop:
    """An opportunity lost in Salesforce, and HubSpot's copy of it."""
    link = LinkedId(crm=CrmName.SALESFORCE, object=OPPORTUNITY, id="O1")
    loop.sales.put(salesforce.opportunity("O1", "Closed Lost", lost_reason="Price"))
    loop.marketing.put(hubspot.opportunity("71", "closedlost", closed=True, won=False, linked_ids=(link,)))
    loop.poll()
    return loop


def decided(loop: Loop) -> list[tuple[str, str]]:
    return sorted((row["connection"], row["outcome"]) for row in loop.rows("standings"))


def test_only_the_opportunity_itself_is_a_decision(copied: Loop) -> None:
    assert decided(copied) == [("sales", "lost")]


def test_a_copy_stands_for_itself_once_its_opportunity_is_deleted(copied: Loop) -> None:
    copied.sales.remove(Ref(OPPORTUNITY, "O1"))
    copied.hint("sales", Ref(OPPORTUNITY, "O1"))
    copied.settle()
    assert decided(copied) == [("marketing", "lost"), ("sales", "reopened")]


def test_a_deal_that_was_counted_is_taken_back_when_its_opportunity_appears(
    loop: Loop, salesforce: Make, hubspot: Make
) -> None:
    link = LinkedId(crm=CrmName.SALESFORCE, object=OPPORTUNITY, id="O1")
    loop.marketing.put(hubspot.opportunity("71", "closedlost", closed=True, won=False, linked_ids=(link,)))
    loop.poll()
    assert decided(loop) == [("marketing", "lost")]
    loop.sales.put(salesforce.opportunity("O1", "Closed Won"))
    loop.poll()
    assert decided(loop) == [("marketing", "reopened"), ("sales", "won")]
