"""Explanations: where each field came from, by which rule, and what was lost on the way."""

from __future__ import annotations

import pickle
from collections.abc import Iterator, Mapping
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from closedloop.errors import NormaliseError
from closedloop.mapping import CrmMapping, Mappings
from closedloop.mapping.bodies import explain, normalise_body
from closedloop.mapping.explain import Explanation
from closedloop.schema.records import Money, Opportunity, Record
from closedloop.schema.vocabulary import CrmName, ObjectType, Outcome, ReasonCode, StageMeaning

_O = ObjectType
LEAD = "00Qak00000696HFEAY"


def of_lead(mapping: CrmMapping, **payload: Any) -> Explanation:
    return mapping.explain(mapping.normalise(_O.LEAD, {"Id": LEAD, **payload}))


def of_deal(
    mapping: CrmMapping, properties: Mapping[str, str], labels: Mapping[str, str] | None = None
) -> Explanation:
    payload = {"id": "1", "properties": properties, "labels": labels or {}}
    return mapping.explain(mapping.normalise(_O.OPPORTUNITY, payload))


def test_a_field_names_its_place_its_raw_value_and_its_rule(salesforce_mapping: CrmMapping) -> None:
    found = of_lead(salesforce_mapping, FirstName=" Ada ")["first_name"]
    assert (found.value, found.path, found.raw, found.rule) == ("Ada", "FirstName", " Ada ", "as text")
    assert (found.lossy, found.lost, found.writable) == (True, "blanks around the text", "yes")


@pytest.mark.parametrize(
    ("payload", "name", "expected"),
    [
        ({"Email": "a@example.com"}, "email", ("Email", "as an e-mail address", "")),
        ({"IsConverted": False}, "converted", ("IsConverted", "as true or false", "")),
        ({"OwnerId": "005ak00000696HF"}, "owner_id", ("OwnerId", "as an id", "")),
        ({"ConvertedDate": "2026-11-20"}, "converted_on", ("ConvertedDate", "as a day", "")),
        ({"ConvertedDate": "2026-11-20T00:00:00Z"}, "converted_on", ("ConvertedDate", "as a day", "")),
        ({"ConvertedDate": "2026-11-20T14:00:00Z"}, "converted_on",
         ("ConvertedDate", "as a day", "the time of day")),
        ({"CreatedDate": "2026-11-20T14:00:00.000+0000"}, "created_at",
         ("CreatedDate", "as a time in UTC", "")),
        ({"CreatedDate": "2026-11-20T14:00:00+02:00"}, "created_at",
         ("CreatedDate", "as a time in UTC", "the time zone it was written in")),
        ({"MobilePhone": "5"}, "phone", ("MobilePhone", "as text", "")),
        ({"Phone": "5", "MobilePhone": "5"}, "phone", ("Phone", "as text", "")),
        ({"Phone": "5", "MobilePhone": "6"}, "phone", ("Phone", "as text", "what `MobilePhone` holds")),
        ({"SystemModstamp": "2026-11-20T14:00:00Z", "LastModifiedDate": "2026-11-20T13:00:00Z"}, "updated_at",
         ("SystemModstamp", "as a time in UTC", "")),
        ({}, "title", (None, "nothing there", "")),
        ({}, "deleted", (None, "nothing there, so false", "")),
        ({}, "pipeline", (None, "not mapped", "")),
    ],
)  # fmt: skip
def test_the_rule_is_in_words(
    salesforce_mapping: CrmMapping, payload: dict[str, Any], name: str, expected: tuple[str | None, str, str]
) -> None:
    found = of_lead(salesforce_mapping, **payload)[name]
    assert (found.path, found.rule, found.lost) == expected


def test_only_fields_of_the_object_are_explained(salesforce_mapping: CrmMapping) -> None:
    with pytest.raises(KeyError):
        of_lead(salesforce_mapping)["lifecycle_stage"]


def test_every_place_that_was_looked_at_is_told(salesforce_mapping: CrmMapping) -> None:
    found = of_lead(salesforce_mapping, Phone=" ", MobilePhone="5")["phone"]
    assert [(each.path, each.outcome, each.raw) for each in found.tried] == [
        ("Phone", "blank", " "),
        ("MobilePhone", "used", "5"),
    ]
    assert [each.outcome for each in of_lead(salesforce_mapping, Phone="5")["phone"].tried] == [
        "used",
        "not needed",
    ]


def test_an_id_of_another_object_is_told_apart_from_nothing(salesforce_mapping: CrmMapping) -> None:
    payload = {"attributes": {"type": "Task"}, "Id": "00Tak00000696HFAAY", "WhoId": "003ak00000696HFAAY"}
    found = salesforce_mapping.explain(salesforce_mapping.normalise(_O.ACTIVITY, payload))
    assert (found.source, found["contact_id"].path) == ("Task", "WhoId")
    assert found["lead_id"].path is None
    assert found["lead_id"].lost == "the id, which names another object"
    assert [each.outcome for each in found["lead_id"].tried] == ["skipped"]


@pytest.mark.parametrize(
    ("properties", "labels", "name", "expected"),
    [
        ({"amount": "9"}, {}, "amount",
         ("properties.amount", "the currency, which the payload does not say")),
        ({"amount": "9", "deal_currency_code": "EUR"}, {}, "amount", ("properties.amount", "")),
        ({"closedate": "2026-11-20T14:03:00.000Z"}, {}, "close_date",
         ("properties.closedate", "the time of day")),
        ({"closedate": "2026-11-20"}, {}, "close_date", ("properties.closedate", "")),
        ({"closed_lost_reason": "27"}, {"closed_lost_reason": "Price"}, "lost_reason",
         ("labels.closed_lost_reason", "")),
        ({"closed_lost_reason": "Price"}, {}, "lost_reason", ("properties.closed_lost_reason", "")),
        ({"hs_is_closed": "true"}, {}, "closed", ("properties.hs_is_closed", "")),
    ],
)  # fmt: skip
def test_hubspots_properties_and_labels_are_told_apart(
    hubspot: CrmMapping,
    properties: dict[str, str],
    labels: dict[str, str],
    name: str,
    expected: tuple[str, str],
) -> None:
    found = of_deal(hubspot, properties, labels)[name]
    assert (found.path, found.lost) == expected


def test_joins_tables_and_fixed_values_say_so(hubspot: CrmMapping) -> None:
    member = {
        "campaignGuid": "430318c4-abb7-4bf7-a75e-9c5fa8f475a6",
        "contactId": "5",
        "reports": ["contactFirstTouch", "influencedContacts"],
    }
    found = hubspot.explain(hubspot.normalise(_O.CAMPAIGN_MEMBER, member))
    assert found["id"].rule == "joined with `/`: campaignGuid, contactId"
    assert [each.outcome for each in found["id"].tried] == ["used", "used"]
    assert (found["position"].rule, found["position"].lost) == (
        "by the table under `values`",
        "which of several words it was",
    )
    call = hubspot.normalise(
        _O.ACTIVITY, {"id": "1", "properties": {"hs_call_title": "x", "hs_call_status": "BUSY"}}
    )
    explained = hubspot.explain(call)
    assert (explained.source, explained["kind"].rule, explained["kind"].value) == (
        "calls",
        "always the same",
        "Call",
    )
    assert explained["completed"].rule == "by `otherwise`: the table does not list it"
    assert explained["completed"].lost == "which word it was: the table does not list it"
    task = hubspot.normalise(
        _O.ACTIVITY, {"id": "1", "properties": {"hs_task_subject": "x", "hs_task_type": "CALL"}}
    )
    assert hubspot.explain(task)["kind"].rule == "as it is"


def test_custom_fields_and_linked_ids_are_explained_too(hubspot: CrmMapping) -> None:
    payload = {"id": "1", "properties": {"hs_pipeline_stage_category": "QUALIFIED"}}
    found = hubspot.explain(hubspot.normalise(_O.LEAD, payload))["custom.stage_category"]
    assert (found.value, found.path) == ("QUALIFIED", "properties.hs_pipeline_stage_category")
    contact = {"id": "1", "properties": {"salesforceleadid": LEAD}}
    links = hubspot.explain(hubspot.normalise(_O.CONTACT, contact))
    assert links["linked_ids.salesforce.lead"].value == LEAD
    assert links["linked_ids.salesforce.contact"].path is None


@pytest.mark.parametrize(
    ("said", "meaning", "outcome", "code"),
    [
        (("Disqualified", "No budget"), "disqualified", "disqualified", "no_budget"),
        (("Disqualified", "Duplicate"), "disqualified", "no_action", "duplicate"),
        (("Recycled", "Bad timing"), "recycled", "recycled", "bad_timing"),
        (("Disqualified", "Zorp"), "disqualified", "disqualified", "unmapped"),
        (("New", "No budget"), "open", None, "no_budget"),
        (("Zorp", None), "unknown", None, None),
    ],
)  # fmt: skip
def test_a_leads_reason_names_the_rule_that_mapped_it(
    salesforce_mapping: CrmMapping,
    said: tuple[str, str | None],
    meaning: str,
    outcome: str | None,
    code: str | None,
) -> None:
    found = of_lead(salesforce_mapping, Status=said[0], Disqualified_Reason__c=said[1])
    assert found.meaning == meaning
    assert (found.decision.outcome if found.decision else None) == outcome
    assert found["reason"].code == code
    known = code not in {None, ReasonCode.UNMAPPED}
    assert found["reason"].code_rule.startswith("reasons.yaml:") is known


@pytest.mark.parametrize(
    ("properties", "meaning", "outcome"),
    [
        ({"hs_is_closed": "true", "hs_is_closed_won": "true"}, StageMeaning.WON, Outcome.WON),
        ({"hs_is_closed": "true", "hs_is_closed_won": "false"}, StageMeaning.LOST, Outcome.LOST),
        ({"hs_is_closed": "false"}, StageMeaning.OPEN, None),
        ({}, StageMeaning.UNKNOWN, None),
    ],
)
def test_a_deals_reasons_are_mapped_under_their_outcomes(
    hubspot: CrmMapping, properties: dict[str, str], meaning: StageMeaning, outcome: Outcome | None
) -> None:
    found = of_deal(hubspot, {"closed_won_reason": "Price", "closed_lost_reason": "Price", **properties})
    assert found.meaning is meaning
    assert (found.decision.outcome if found.decision else None) is outcome
    assert (found["won_reason"].code, found["lost_reason"].code) == (ReasonCode.WON_PRICE, ReasonCode.PRICE)


def test_what_was_set_after_reading_says_so(hubspot: CrmMapping) -> None:
    deal = hubspot.normalise(_O.OPPORTUNITY, {"id": "1", "properties": {"amount": "9", "dealname": "x"}})
    assert isinstance(deal, Opportunity)
    priced = replace(deal, amount=Money(amount=Decimal(9), currency="EUR"), name="y")
    found = hubspot.explain(priced)
    assert found["amount"].rule.endswith("; the currency is the organisation's own")
    assert found["name"].rule == "as text; said around the payload, or set later"


def test_a_record_without_its_payload_says_so(salesforce_mapping: CrmMapping) -> None:
    lead = replace(salesforce_mapping.normalise(_O.LEAD, {"Id": LEAD, "Email": "a@example.com"}), raw={})
    found = salesforce_mapping.explain(lead)["email"]
    assert (found.value, found.path) == ("a@example.com", None)
    assert found.rule == "nothing there; the record has no payload"


@pytest.mark.parametrize("source", ["calls", "emails", "meetings", "tasks", "notes"])
def test_an_activity_without_a_subject_is_explained_as_what_it_is(hubspot: CrmMapping, source: str) -> None:
    payload = {"id": "1", "properties": {"hs_timestamp": "2026-11-20T14:03:00Z", "hs_task_type": "TODO"}}
    found = hubspot.explain(hubspot.normalise(_O.ACTIVITY, payload, source))
    assert found.source == source
    assert not any("set later" in each.rule for each in found)


def test_a_record_that_an_overlay_reads_is_explained_by_it(mappings: Mappings) -> None:
    mine = mappings.overlaid(CrmName.SALESFORCE, {"objects": {"lead": {"fields": {"reason": "Why__c"}}}})
    crm = mine.crm(CrmName.SALESFORCE)
    lead = crm.normalise(_O.LEAD, {"Id": LEAD, "Why__c": "Price"})
    assert (crm.explain(lead)["reason"].path, crm.explain(lead)["reason"].rule) == ("Why__c", "as text")
    assert "set later" in explain(lead)["reason"].rule
    assert explain(lead, mappings=mine)["reason"].path == "Why__c"


def test_a_record_of_the_other_crm_is_refused(salesforce_mapping: CrmMapping, hubspot: CrmMapping) -> None:
    deal = hubspot.normalise(_O.OPPORTUNITY, {"id": "1"})
    with pytest.raises(NormaliseError) as caught:
        salesforce_mapping.explain(deal)
    assert caught.value.reason == "wrong_record"
    assert explain(deal).crm is CrmName.HUBSPOT


def test_an_overlay_explains_itself(mappings: Mappings) -> None:
    mine = mappings.overlaid(CrmName.SALESFORCE, {"objects": {"lead": {"fields": {"reason": "Why_Not__c"}}}})
    lead = mine.crm(CrmName.SALESFORCE).normalise(_O.LEAD, {"Id": LEAD, "Why_Not__c": "Price"})
    assert explain(lead, mappings=mine)["reason"].path == "Why_Not__c"


def test_it_prints_as_a_table(salesforce_mapping: CrmMapping) -> None:
    text = str(
        of_lead(salesforce_mapping, Status="Disqualified", Disqualified_Reason__c="No budget", Title="x" * 99)
    )
    lines = text.splitlines()
    assert lines[0] == f"lead {LEAD} from Salesforce Lead"
    assert lines[1].split() == ["field", "value", "from", "rule", "writable"]
    assert len({line.index("  ") > 0 for line in lines[2:-1]}) == 1
    assert any("reason no_budget (reasons.yaml:" in line for line in lines)
    assert lines[-1].startswith("stage means disqualified: disqualified, reason no_budget (reasons.yaml:")
    assert "x" * 43 + "…" in text
    assert "pipeline" not in text


def test_it_is_a_plain_value_whose_repr_tells_nothing(salesforce_mapping: CrmMapping) -> None:
    found = of_lead(salesforce_mapping, Email="ada@example.com", Disqualified_Reason__c="secret")
    assert pickle.loads(pickle.dumps(found)) == found  # noqa: S301 - our own
    assert "ada@" not in repr(found)
    assert "secret" not in repr(found)
    assert [each.name for each in found] == [each.name for each in found.fields]


def test_everything_recorded_can_be_explained(corpus: Path, mappings: Mappings) -> None:
    seen = 0
    for crm, record in recorded(corpus):
        found = mappings.crm(crm).explain(record)
        assert found.ref == record.ref
        for each in found:
            if "around the payload" in each.rule:  # Salesforce's compound addresses
                assert each.name == "country"
            elif "the payload alone" in each.rule:  # a change event's header and a subquery's parent name ids
                assert "Id" not in record.raw or record.object is _O.CONTACT_ROLE
            elif each.value not in {None, False} and each.rule not in {"not mapped", "always the same"}:
                assert each.path or each.rule.startswith(("joined", "from", "nothing there, so")), each.name
        seen += 1
    assert seen > 100


def recorded(corpus: Path) -> Iterator[tuple[CrmName, Record]]:
    for crm in CrmName:
        for path in sorted((corpus / crm).rglob("*.json")) + sorted((corpus / crm).rglob("*.xml")):
            for record in normalise_body(crm, path.read_bytes()).records:
                yield crm, record
