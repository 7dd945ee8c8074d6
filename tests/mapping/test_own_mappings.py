"""What an admin can write: types, tables, joins, custom fields, feedback fields of the org's own."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from closedloop.errors import NormaliseError
from closedloop.loop.feedback import FeedbackKind
from closedloop.mapping import CrmMapping, Mappings
from closedloop.mapping.bodies import normalise
from closedloop.schema.records import Lead, Money, Record, Stage
from closedloop.schema.vocabulary import CrmName, ObjectType

Own = Callable[[str, str], Mappings]

HEAD = "version: 1\ncrm: salesforce\nobjects:\n  lead:\n    source: Lead\n    fields:\n      id: Id\n"
LEAD = "00Qak00000696HFEAY"


def lead(own: Own, lines: str, **payload: Any) -> Record:
    mappings = own("salesforce.yaml", HEAD + lines)
    return normalise("salesforce", "lead", {"Id": LEAD, **payload}, mappings=mappings)


@pytest.mark.parametrize(
    ("entry", "sent", "expected"),
    [
        ("X__c", " text ", "text"),
        ("{from: X__c, type: string}", 5, "5"),
        ("{from: X__c, type: id}", LEAD[:15], LEAD),
        ("{from: X__c, type: email}", "a@example.com", "a@example.com"),
        ("{from: X__c, type: bool}", "1", True),
        ("{from: X__c, type: int}", "1.0", 1),
        ("{from: X__c, type: decimal}", "1.50", Decimal("1.50")),
        ("{from: X__c, type: money, currency: CurrencyIsoCode}", 9, Money(amount=Decimal(9), currency="EUR")),
        ("{from: X__c, type: money}", 9, Money(amount=Decimal(9))),
        ("{from: X__c, type: date}", "2026-11-20", date(2026, 11, 20)),
        ("{from: X__c, type: datetime}", 0, datetime(1970, 1, 1, tzinfo=UTC)),
        ("{from: X__c, type: list}", "a;b", ("a", "b")),
        ("{from: [Y__c, X__c]}", "second", "second"),
        ("{from: X__c, values: {Hot: A, cold: B}}", "hot", "A"),
        ("{from: X__c, values: {Hot: A}}", "warm", "warm"),
        ("{from: X__c, values: {Hot: A}, otherwise: Z}", "warm", "Z"),
        ("{from: X__c, values: {Hot: A}, otherwise: Z}", None, None),
        ("{from: X__c, starts_with: 00Q}", "003", None),
        ("{always: fixed}", "ignored", "fixed"),
        ("{join: [X__c, Y__c, Id], with: ' '}", "a", f"a {LEAD}"),
        ("Owner.Name", None, "Ada"),
        ("Owner.Profile.Name", None, "Sales"),
    ],
)
def test_a_custom_field_has_any_type(own: Own, entry: str, sent: Any, expected: Any) -> None:
    found = lead(
        own,
        f"    custom:\n      ours: {entry}\n",
        X__c=sent,
        CurrencyIsoCode="EUR",
        Owner={"Name": "Ada", "Profile": {"Name": "Sales"}},
    )
    assert found.custom == {"ours": expected}


def test_a_custom_field_that_fails_names_itself(own: Own) -> None:
    with pytest.raises(NormaliseError) as caught:
        lead(own, "    custom:\n      ours: {from: X__c, type: int}\n", X__c="many")
    assert (caught.value.field, caught.value.reason) == ("ours", "bad_number")


def test_a_table_that_does_not_list_a_word_refuses_it_where_text_cannot_stand(own: Own) -> None:
    line = "    custom:\n      ours: {from: X__c, type: bool, values: {Hot: true, Cold: false}}\n"
    assert lead(own, line, X__c="cold").custom == {"ours": False}
    with pytest.raises(NormaliseError) as caught:
        lead(own, line, X__c="warm")
    assert (caught.value.field, caught.value.reason) == ("ours", "unknown_value")


def test_a_field_may_hold_one_of_our_own_words(own: Own) -> None:
    text = (
        "version: 1\ncrm: salesforce\nobjects:\n  stage:\n    source: Phase__c\n"
        "    fields: {id: {from: Id, type: string}, of: Of__c, name: Name}\n"
    )
    mappings = own("salesforce.yaml", text)
    stage = normalise("salesforce", "stage", {"Id": "1", "Of__c": "Lead", "Name": "New"}, mappings=mappings)
    assert isinstance(stage, Stage)
    assert stage.of is ObjectType.LEAD
    with pytest.raises(NormaliseError):
        normalise("salesforce", "stage", {"Id": "1", "Of__c": "Order", "Name": "New"}, mappings=mappings)


def test_a_custom_name_is_only_ever_a_name(own: Own) -> None:
    name = "x'}); raise SystemExit #"
    assert lead(own, f'    custom:\n      "{name}": X__c\n', X__c="1").custom == {name: "1"}


def test_a_key_prefix_that_looks_like_a_number_stays_text(own: Own) -> None:
    found = lead(own, "      campaign_id: {from: X__c, starts_with: 701}\n", X__c="7019H00000H1RMDQA3")
    assert isinstance(found, Lead)
    assert found.campaign_id == "7019H00000H1RMDQA3"


def test_utm_parameters_come_from_the_orgs_own_fields(own: Own) -> None:
    lines = "      utm.source: S__c\n      utm.campaign: C__c\n"
    found = lead(own, lines, S__c="web", C__c=None)
    assert isinstance(found, Lead)
    assert found.utm is not None
    assert (found.utm.source, found.utm.campaign) == ("web", None)
    empty = lead(own, lines)
    assert isinstance(empty, Lead)
    assert empty.utm is None


def test_a_parent_that_is_missing_is_blank(own: Own) -> None:
    found = lead(own, "    custom:\n      owner: Owner.Name\n", Owner=None)
    assert found.custom == {"owner": None}


def test_an_object_that_is_not_mapped_says_so(own: Own) -> None:
    mapping = own("salesforce.yaml", HEAD).crm(CrmName.SALESFORCE)
    with pytest.raises(NormaliseError) as caught:
        mapping.normalise(ObjectType.CONTACT, {"Id": "003ak000003dQCGAA2"})
    assert caught.value.reason == "not_mapped"
    with pytest.raises(NormaliseError):
        mapping.source(ObjectType.CONTACT)
    assert mapping.sources(ObjectType.CONTACT) == ()
    assert mapping.feedback(FeedbackKind.PERSON) is None


@pytest.mark.parametrize(
    ("kind", "source", "key", "pair"),
    [
        (FeedbackKind.PERSON, "CampaignMember", None, ("raw_reason", "Closed_Loop_Reason_Detail__c")),
        (FeedbackKind.CAMPAIGN, "Campaign", None, ("no_action", "Closed_Loop_No_Action__c")),
        (
            FeedbackKind.REASON,
            "Closed_Loop_Campaign_Reason__c",
            "Closed_Loop_Key__c",
            ("campaign", "Campaign__c"),
        ),
    ],
)
def test_salesforce_has_a_place_for_every_feedback(
    salesforce_mapping: CrmMapping, kind: FeedbackKind, source: str, key: str | None, pair: tuple[str, str]
) -> None:
    target = salesforce_mapping.feedback(kind)
    assert target is not None
    assert (target.source, target.key) == (source, key)
    assert pair in target.fields.items()


def test_hubspot_has_no_place_for_rows_per_reason(hubspot: CrmMapping) -> None:
    person, campaign = hubspot.feedback(FeedbackKind.PERSON), hubspot.feedback(FeedbackKind.CAMPAIGN)
    assert person is not None
    assert campaign is not None
    assert (person.source, person.fields["decided_at"]) == ("contacts", "closed_loop_decided_at")
    assert (campaign.source, campaign.fields["top_reasons"]) == ("campaigns", "closed_loop_top_reasons")
    assert hubspot.feedback(FeedbackKind.REASON) is None


def test_an_org_may_name_the_feedback_fields_itself(own: Own) -> None:
    text = HEAD + "feedback:\n  person:\n    source: CampaignMember\n    fields: {reason: Why__c}\n"
    target = own("salesforce.yaml", text).crm(CrmName.SALESFORCE).feedback(FeedbackKind.PERSON)
    assert target is not None
    assert target.fields == {"reason": "Why__c"}
