"""What sales has just decided is told first, however much bulk waits."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.server.conftest import Loop, Make
from tests.server.delivering.conftest import Teller, campaign, person

from closedloop.schema.records import Ref
from closedloop.schema.vocabulary import AttributionModel, ObjectType
from closedloop_server.pipeline.deliver import BATCH
from closedloop_server.pipeline.replay import replay

LIVE = "person|campaign_member|LIVE"


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_decision_overtakes_ten_thousand_bulk_values_that_wait(teller: Teller) -> None:
    teller.want(*(person(f"M{number:05}") for number in range(10_000)), bulk=True)
    teller.tell()
    assert len(teller.crm.told) == BATCH
    teller.want(person("LIVE"))
    teller.tell()
    assert teller.crm.told[BATCH:] == [LIVE]
    teller.tell()
    assert len(teller.crm.told) == 2 * BATCH + 1


def test_people_go_before_campaigns_and_the_oldest_first(teller: Teller) -> None:
    teller.want(campaign("C1", 1), bulk=True)
    teller.want(person("M9"), bulk=True)
    teller.want(campaign("C2", 1))
    teller.want(person("M3"))
    teller.loop.clock.pass_(seconds=1)
    teller.want(person("M1"))
    teller.tell_all()
    assert teller.crm.told == [
        *("person|campaign_member|M3", "person|campaign_member|M1", "campaign|C2"),
        *("person|campaign_member|M9", "campaign|C1"),
    ]


def test_a_decision_takes_the_bulk_value_of_its_target_to_the_front(teller: Teller) -> None:
    teller.want(person("M1"), person("LIVE"), bulk=True)
    teller.want(person("LIVE"))
    teller.tell()
    assert teller.crm.told == [LIVE]


def test_bulk_does_not_put_a_decision_back(teller: Teller) -> None:
    teller.want(person("LIVE", "decided"))
    teller.want(person("LIVE", "decided, and mapped anew"), person("M1"), bulk=True)
    teller.tell()
    assert teller.crm.told == [LIVE]


def test_bulk_after_a_decision_that_was_told_is_bulk_again(teller: Teller) -> None:
    teller.want(person("M1", "decided"))
    teller.tell()
    teller.want(person("M1", "mapped anew"), bulk=True)
    teller.want(person("LIVE"))
    teller.tell()
    assert teller.crm.told[1:] == [LIVE]


def test_another_attribution_model_makes_bulk(loop: Loop, salesforce: Make) -> None:
    loop.sales.put(salesforce.campaign("C1"))
    loop.sales.put(salesforce.lead("L1", "Unqualified", reason="Budget", email="ann@example.com"))
    loop.sales.put(salesforce.member("M1", "C1", lead_id="L1", responded=True))
    loop.poll()
    replay(loop.services)
    replay(
        replace(loop.services, settings=replace(loop.services.settings, attribution=AttributionModel.LAST))
    )
    assert {row["bulk"] for row in loop.rows("stale", work="publish")} == {True}


def test_a_first_reading_is_bulk_and_what_happens_after_it_is_not(loop: Loop, salesforce: Make) -> None:
    loop.sales.put(salesforce.campaign("C1"))
    for number, stage in ((1, "Unqualified"), (2, "Working")):
        loop.sales.put(salesforce.lead(f"L{number}", stage, reason="Budget"))
        loop.sales.put(salesforce.member(f"M{number}", "C1", lead_id=f"L{number}", responded=True))
    loop.poll()
    loop.clock.pass_(minutes=1)
    loop.sales.change(Ref(ObjectType.LEAD, "L2"), stage="Unqualified")
    loop.poll()
    priorities = {row["key"]: row["priority"] for row in loop.rows("desired", kind="person")}
    assert priorities == {"person|campaign_member|M1": 10, "person|campaign_member|M2": 0}
