"""The same against the sandboxes, which speak the CRMs' own protocols: what was told, changed and missing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import pytest
from tests.server.conftest import Loop
from tests.server.delivering.conftest import read_

from closedloop.crm.hubspot import HubSpotCredentials, HubSpotCrm, install
from closedloop.crm.retry import without_waiting
from closedloop.crm.salesforce import SalesforceCredentials, SalesforceCrm
from closedloop.loop.feedback import Feedback, PersonFeedback
from closedloop.mapping import load_mappings
from closedloop.sandbox.hubspot import HubSpotSandbox
from closedloop.sandbox.salesforce import SalesforceSandbox
from closedloop.schema.records import Ref
from closedloop.schema.vocabulary import ObjectType, Outcome, ReasonCode
from closedloop_server.pipeline.deliver import deliver
from closedloop_server.pipeline.refresh import refresh
from closedloop_server.pipeline.refusals import LOOKS, mind_refusals
from closedloop_server.services import Services
from closedloop_server.store import feedback, overrides, refused
from closedloop_server.store.engine import writing

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)

DECIDED_AT = datetime(2026, 11, 2, 8, 59, 59, 123_456, tzinfo=UTC)


@dataclass
class Connected:
    """A connection on a sandbox, with one person to tell about, and what somebody there may do."""

    loop: Loop
    name: str
    crm: Any
    target: Ref
    edit: Callable[[str], None]
    describe_anew: Callable[[], None]

    @property
    def services(self) -> Services:
        return replace(self.loop.services, crms={self.name: self.crm})

    def tell(self, note: str) -> None:
        value: Feedback = PersonFeedback(
            target=self.target,
            outcome=Outcome.DISQUALIFIED,
            reason=ReasonCode.NO_BUDGET,
            note=note,
            decided_at=DECIDED_AT,
            decided_by="Rita Rep",
        )
        with writing(self.loop.engine) as connection:
            feedback.desire(connection, self.name, [value], now=self.loop.clock())
        while deliver(self.services, self.name):
            pass

    def look(self) -> list[dict[str, str]]:
        """Reads the target again; returns what was noticed."""
        self.loop.clock.pass_(minutes=1)
        self.loop.hint(self.name, self.target)
        self.loop.clock.pass_(minutes=1)
        assert refresh(self.services, self.name) == 1
        return [dict(each.shows) for each in read_(self.loop, overrides.listed, [self.name])]


@pytest.fixture
def in_salesforce(loop: Loop) -> Iterator[Connected]:
    with SalesforceSandbox() as sandbox, without_waiting():
        org = sandbox.org
        campaign = org.insert("Campaign", {"Name": "Autumn"})
        person = org.insert("Lead", {"LastName": "Doe", "Company": "Acme"})
        member = org.insert("CampaignMember", {"CampaignId": campaign, "LeadId": person})
        given = SalesforceCredentials(
            login_url=sandbox.url, client_id=sandbox.client_id, client_secret=sandbox.client_secret
        )
        crm = SalesforceCrm(given, load_mappings())
        yield Connected(
            loop,
            "sales",
            crm,
            Ref(ObjectType.CAMPAIGN_MEMBER, member),
            lambda note: org.update("CampaignMember", member, {"Closed_Loop_Note__c": note}),
            crm.describes.forget,
        )


@pytest.fixture
def in_hubspot(loop: Loop) -> Iterator[Connected]:
    with HubSpotSandbox() as sandbox, without_waiting():
        portal = sandbox.portal
        contact = portal.create("contacts", {"email": "ada@example.com"})
        given = HubSpotCredentials(access_token=sandbox.access_token, base_url=sandbox.url)
        crm = HubSpotCrm(given, load_mappings())
        yield Connected(
            loop,
            "marketing",
            crm,
            Ref(ObjectType.CONTACT, contact),
            lambda note: portal.update("contacts", contact, {"closed_loop_note": note}),
            crm.definitions.forget,
        )


@pytest.fixture(params=["salesforce", "hubspot"])
def connected(request: pytest.FixtureRequest, loop: Loop) -> Connected:
    found: Connected = request.getfixturevalue(f"in_{request.param}")
    if isinstance(found.crm, HubSpotCrm):
        install.apply(found.crm)
    return found


def test_our_own_write_is_not_taken_for_somebodys_and_somebodys_is_noticed(connected: Connected) -> None:
    connected.tell("No money until May  ")
    assert connected.look() == []
    connected.edit("Call her in June")
    assert connected.look() == [{"note": "Call her in June"}]
    assert deliver(connected.services, connected.name) == 0
    connected.tell("Lost to a competitor")
    assert connected.look() == []


def test_what_was_refused_for_want_of_properties_is_told_when_they_are_made(in_hubspot: Connected) -> None:
    in_hubspot.tell("No money until May")
    (missing,) = read_(in_hubspot.loop, refused.listed, ["marketing"])
    assert missing.code == "PROPERTY_DOESNT_EXIST"
    mind_refusals(in_hubspot.services, "marketing")
    install.apply(in_hubspot.crm)
    in_hubspot.describe_anew()
    in_hubspot.loop.clock.pass_(seconds=LOOKS.total_seconds())
    mind_refusals(in_hubspot.services, "marketing")
    assert deliver(in_hubspot.services, "marketing") == 1
    assert read_(in_hubspot.loop, refused.listed, ["marketing"]) == []
    assert in_hubspot.look() == []
