"""Which object a word means: ours, or the CRM's own, in any case."""

from __future__ import annotations

import pytest

import closedloop
from closedloop.errors import UnsupportedError
from closedloop.mapping import Mappings
from closedloop.schema.vocabulary import CrmName, ObjectType

_O = ObjectType


@pytest.mark.parametrize(
    ("crm", "name", "of", "source"),
    [
        ("salesforce", "Lead", _O.LEAD, "Lead"),
        ("salesforce", "lead", _O.LEAD, "Lead"),
        ("salesforce", _O.OPPORTUNITY, _O.OPPORTUNITY, "Opportunity"),
        ("salesforce", "CampaignMember", _O.CAMPAIGN_MEMBER, "CampaignMember"),
        ("salesforce", "campaign_member", _O.CAMPAIGN_MEMBER, "CampaignMember"),
        ("salesforce", "activity", _O.ACTIVITY, "Task"),
        ("salesforce", "event", _O.ACTIVITY, "Event"),
        ("hubspot", "Opportunity", _O.OPPORTUNITY, "deals"),
        ("hubspot", "Deal", _O.OPPORTUNITY, "deals"),
        ("hubspot", "0-136", _O.LEAD, "leads"),
        ("hubspot", "activity", _O.ACTIVITY, "calls"),
        ("hubspot", "Task", _O.ACTIVITY, "tasks"),
    ],
)
def test_a_word_names_an_object_and_its_source(
    mappings: Mappings, crm: str, name: str, of: ObjectType, source: str
) -> None:
    assert mappings.crm(crm).named(name) == (of, source)


@pytest.mark.parametrize(
    ("crm", "name", "said"),
    [
        ("salesforce", "leed", "Salesforce has no such object here; did you mean `lead`?"),
        ("hubspot", "", "HubSpot has no such object here. Allowed: account, activity"),
        ("hubspot", None, "HubSpot has no such object here"),
    ],
)
def test_any_other_word_is_refused(mappings: Mappings, crm: str, name: str, said: str) -> None:
    with pytest.raises(UnsupportedError) as caught:
        mappings.crm(crm).named(name)
    assert said in str(caught.value)
    assert caught.value.reason == "unknown_object"


def test_a_payload_may_be_named_by_our_word_in_any_case() -> None:
    deal = closedloop.normalise("hubspot", "Opportunity", {"id": "1"})
    assert (deal.crm, deal.object) == (CrmName.HUBSPOT, _O.OPPORTUNITY)
