"""Whole bodies beyond the recorded ones: every shape of a page, and anything a stranger can send."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from closedloop.errors import ClosedLoopError, NormaliseError
from closedloop.mapping.bodies import normalise, normalise_body
from closedloop.schema.records import Contact, ContactRole, Lead
from closedloop.schema.vocabulary import CrmName, ObjectType

SF, HS = CrmName.SALESFORCE, CrmName.HUBSPOT
LEAD = {
    "attributes": {"type": "Lead", "url": "/services/data/v62.0/sobjects/Lead/00Qak00000696HFEAY"},
    "Id": "00Qak00000696HFEAY",
}
CONTACT = {
    "id": "501",
    "properties": {"lastmodifieddate": "2026-01-01T00:00:00Z"},
    "createdAt": "2026-01-01T00:00:00Z",
}
SOAP = (
    '<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">'
    "<e:Body>{}</e:Body></e:Envelope>"
)


def next_page(path: str) -> dict[str, Any]:
    return {"next": {"link": f"https://api.hubapi.com{path}"}}


def tally(crm: CrmName, body: Any) -> dict[str, int]:
    found = normalise_body(crm, body)
    counts = Counter(str(record.object) for record in found.records)
    for refused in found.refused:
        counts[refused.reason] += refused.count
    return dict(counts)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (LEAD, {"lead": 1}),
        ([LEAD, None, LEAD], {"lead": 2}),
        ({"totalSize": 1, "done": True, "records": [LEAD]}, {"lead": 1}),
        ({"totalSize": 0, "done": True, "records": []}, {"no_records": 1}),
        (
            {
                "compositeResponse": [
                    {"body": LEAD, "httpStatusCode": 200},
                    {"body": [{"errorCode": "X", "message": ""}]},
                ]
            },
            {"lead": 1, "error_answer": 1},
        ),
        (
            {
                "hasErrors": False,
                "results": [{"statusCode": 200, "result": {"records": [LEAD], "done": True}}],
            },
            {"lead": 1},
        ),
        ({"graphs": [{"graphResponse": {"compositeResponse": [{"body": LEAD}]}}]}, {"lead": 1}),
        ({"searchRecords": [LEAD]}, {"lead": 1}),
        (
            {"objectDescribe": {"keyPrefix": "00Q", "name": "Lead"}, "recentItems": [LEAD]},
            {"not_our_object": 1, "lead": 1},
        ),
        ({"Id": "00Qak00000696HFEAY", "Status": "New"}, {"lead": 1}),
        ({"Id": "00Qak00000696HFEAY"}, {"not_our_object": 1}),
        (
            {"allOrNone": True, "records": [LEAD, {"attributes": {"type": "Lead"}}]},
            {"partial_record": 1, "missing_id": 1},
        ),
        ({"ids": ["00Qak00000696HFEAY"], "latestDateCovered": "x"}, {"partial_record": 1}),
        ({"error": "invalid_grant", "error_description": "expired"}, {"error_answer": 1}),
        ({"errorCode": "UNKNOWN_EXCEPTION", "message": "x"}, {"error_answer": 1}),
        ({"exceptionCode": "InvalidBatch", "exceptionMessage": "x"}, {"error_answer": 1}),
        ({"attributes": {"type": "AggregateResult"}, "expr0": 10}, {"not_our_object": 1}),
        ({"attributes": {"type": "Lead"}, "LastName": "L"}, {"missing_id": 1}),
        ({"attributes": {"type": "Lead"}, "Id": "003ak000003dQCGAA2"}, {"wrong_prefix": 1}),
        ({"attributes": {"type": 5}, "Id": "003ak000003dQCGAA2"}, {"not_our_object": 1}),
        (
            {
                "ChangeEventHeader": {
                    "entityName": "Lead",
                    "changeType": "CREATE",
                    "recordIds": ["00Qak00000696HFEAY", "00Qak00000696HGEAY"],
                }
            },
            {"lead": 2},
        ),
        (
            {
                "schema": "x",
                "payload": {
                    "ChangeEventHeader": {
                        "entityName": "Lead",
                        "changeType": "DELETE",
                        "recordIds": ["00Qak00000696HFEAY"],
                    }
                },
            },
            {"partial_record": 1},
        ),
        ({"ChangeEventHeader": {"entityName": "Order", "changeType": "CREATE"}}, {"not_our_object": 1}),
        (
            {"ChangeEventHeader": {"entityName": "Lead", "changeType": "CREATE", "recordIds": ["00Q*"]}},
            {"bad_id": 1},
        ),
        (
            {"ChangeEventHeader": {"entityName": "Lead", "changeType": "GAP_CREATE", "recordIds": ["00Q*"]}},
            {"partial_record": 1},
        ),
        ('"Id","LastName"\n"00Qak00000696HFEAY","L"\n"003ak000003dQCGAA2","C"\n', {"lead": 1, "contact": 1}),
        ('"Id","Name"\n"a025700000OPgOjAAL","D"\n', {"not_our_object": 1}),
        ('"Name","Status"\n"a","b"\n', {"missing_id": 1}),
        ("sf__Id,sf__Created,Name\n00Qak00000696HFEAY,true,a\n", {"write_result": 1}),
        (SOAP.format("<e:Fault><faultcode>sf:INVALID_LOGIN</faultcode></e:Fault>"), {"error_answer": 1}),
        (
            SOAP.format(
                '<records xsi:type="s:Lead"><Id>00Qak00000696HF</Id><City xsi:nil="true"/></records>'
            ),
            {"lead": 1},
        ),
        (SOAP.format('<sObject xsi:type="s:Lead"/>'), {"missing_id": 1}),
        (
            "<jobInfo xmlns='http://www.force.com/2009/06/asyncapi/dataload'><id>7</id></jobInfo>",
            {"not_our_object": 1},
        ),
        ("<!DOCTYPE a [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><a>&x;</a>", {"xml_doctype": 1}),
        ("<a><b></a>", {"bad_xml": 1}),
        ('<?xml version="1.0" encoding="ISO-8859-1"?><a>é</a>', {"not_our_object": 1}),
        ("<html><body>Down</body></html>", {"html": 1}),
        ("<!doctype html><html></html>", {"html": 1}),
        ("", {"empty_body": 1}),
        (b"\xff\xfe\x00", {"bad_encoding": 1}),
        (b"\xe9", {"bad_encoding": 1}),
        ('{"a": ', {"bad_json": 1}),
        ('{"a": NaN}', {"bad_json": 1}),
        ('{"a": 1' + "0" * 5000 + "}", {"not_our_object": 1}),
        ("[" * 100_000, {"bad_json": 1}),
        ("[" * 100 + "]" * 100, {"too_deep": 1}),
        ("Internal Server Error", {"not_a_body": 1}),
        ("null", {"not_our_object": 1}),
        (None, {"not_our_object": 1}),
    ],
)
def test_salesforce_bodies_of_every_shape(body: Any, expected: dict[str, int]) -> None:
    assert tally(SF, body) == expected
    if isinstance(body, dict | list):
        assert tally(SF, json.dumps(body).encode("utf-16")) == expected


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (CONTACT, {"contact": 1}),
        ({"results": [CONTACT], "paging": {}}, {"contact": 1}),
        ({"results": []}, {"no_records": 1}),
        ({"status": "COMPLETE", "results": [{**CONTACT, "new": True}]}, {"contact": 1}),
        ({**CONTACT, "url": "https://app.hubspot.com/contacts/1/record/0-3/501"}, {"opportunity": 1}),
        ({**CONTACT, "url": "https://app.hubspot.com/contacts/1/record/0-5/501"}, {"not_our_object": 1}),
        ({**CONTACT, "objectTypeId": "0-136"}, {"lead": 1}),
        ({**CONTACT, "properties": {"hs_lead_name": "x", "hs_lastmodifieddate": "1"}}, {"lead": 1}),
        ({**CONTACT, "properties": {"dealname": "x"}}, {"opportunity": 1}),
        ({**CONTACT, "properties": {"domain": "x"}}, {"account": 1}),
        ({**CONTACT, "properties": {"subject": "x"}}, {"not_our_object": 1}),
        ({**CONTACT, "id": None}, {"missing_id": 1}),
        ({"inputs": [{"properties": {"email": "a@example.com"}}]}, {"missing_id": 1}),
        ({"inputs": [{"id": "5", "properties": {"lastmodifieddate": "x"}}]}, {"partial_record": 1}),
        (
            {
                "results": [{**CONTACT, "properties": {}}],
                "paging": next_page("/crm/v3/objects/deals?after=1"),
            },
            {"opportunity": 1},
        ),
        (
            {
                "results": [{**CONTACT, "properties": {}}],
                "paging": next_page("/crm/objects/2026-09/leads?after=1"),
            },
            {"lead": 1},
        ),
        (
            {"results": [{**CONTACT, "properties": {}}], "paging": {"next": {"link": "http://[bad"}}},
            {"not_our_object": 1},
        ),
        (
            {
                "id": "430318c4-abb7-4bf7-a75e-9c5fa8f475a6",
                "properties": {},
                "createdAt": "2026-01-01T00:00:00Z",
            },
            {"campaign": 1},
        ),
        (
            {
                "id": "5",
                "userId": 6,
                "email": "a@example.com",
                "firstName": "A",
                "lastName": "B",
                "archived": False,
            },
            {"user": 1},
        ),
        (
            {"campaignGuid": "430318c4-abb7-4bf7-a75e-9c5fa8f475a6", "contactId": "5", "reports": []},
            {"campaign_member": 1},
        ),
        ({"dealId": "7", "contactId": "5"}, {"contact_role": 1}),
        (
            {
                "id": "p",
                "label": "P",
                "objectType": "leads",
                "stages": [{"id": "s", "label": "New", "metadata": {}}],
            },
            {"stage": 1},
        ),
        (
            {
                "id": "p",
                "label": "P",
                "stages": [{"id": "s", "label": "New", "metadata": {"ticketState": "OPEN"}}, "x"],
            },
            {"unknown_pipeline": 1},
        ),
        (
            [{"eventId": 1, "subscriptionType": "deal.propertyChange", "objectId": 5, "portalId": 1}],
            {"partial_record": 1},
        ),
        ({"message": "Rate limit", "status": "error", "errorType": "RATE_LIMIT"}, {"error_answer": 1}),
        ({"results": [{"from": {"id": "5"}, "to": [{"toObjectId": 6}]}]}, {"not_our_object": 1}),
        ("<html></html>", {"html": 1}),
        ("<a/>", {"not_our_object": 1}),
        ("a,b\n1,2\n", {"not_our_object": 1}),
        ({}, {"not_our_object": 1}),
    ],
)
def test_hubspot_bodies_of_every_shape(body: Any, expected: dict[str, int]) -> None:
    assert tally(HS, body) == expected


def test_a_compound_name_and_address_are_taken_apart() -> None:
    event = {
        "ChangeEventHeader": {
            "entityName": "Contact",
            "changeType": "CREATE",
            "recordIds": ["003ak000003dQCGAA2"],
        },
        "Name": {"FirstName": "Ada", "LastName": "Lovelace", "Salutation": "Ms."},
        "MailingAddress": {"City": "London", "Country": "UK"},
        "CreatedDate": 1712693965000,
    }
    contact = normalise_body(SF, event).records[0]
    assert isinstance(contact, Contact)
    assert (contact.name, contact.first_name, contact.country) == ("Ada Lovelace", "Ada", "UK")
    assert contact.raw == event


def test_parents_that_a_query_walks_to_are_records_too() -> None:
    parent = {
        "attributes": {
            "type": "Opportunity",
            "url": "/services/data/v62.0/sobjects/Opportunity/006ak00000OQ4RxAAL",
        }
    }
    role = {
        "attributes": {"type": "OpportunityContactRole"},
        "Id": "00Kak00000OQ4RxAAL",
        "ContactId": "003ak000003dQCGAA2",
    }
    found = normalise_body(SF, {**parent, "OpportunityContactRoles": {"records": [role]}}).records
    assert [str(record.object) for record in found] == ["opportunity", "contact_role"]
    assert isinstance(found[1], ContactRole)
    assert found[1].opportunity_id == "006ak00000OQ4RxAAL"


def test_an_amount_in_a_body_keeps_every_digit() -> None:
    body = (
        '{"attributes": {"type": "Opportunity"}, "Id": "006ak00000OQ4RxAAL", "Amount": 1234567890123456.78}'
    )
    found = normalise_body(SF, body).records[0]
    assert str(getattr(found, "amount").amount) == "1234567890123456.78"  # noqa: B009 - typed as a Record


def test_one_bad_row_does_not_hold_up_the_others() -> None:
    bad = {**LEAD, "Email": "x"}
    found = normalise_body(SF, {"records": [bad, LEAD]})
    assert [type(record) for record in found.records] == [Lead]
    refused = found.refused[0]
    assert (refused.reason, refused.field, refused.object, refused.id) == (
        "bad_email",
        "email",
        ObjectType.LEAD,
        LEAD["Id"],
    )


KEYS = (
    *("attributes", "type", "url", "Id", "id", "properties", "records", "results", "stages"),
    *("label", "paging", "next", "link", "metadata", "ChangeEventHeader", "recordIds", "entityName"),
    *(
        "changeType",
        "Name",
        "createdAt",
        "objectType",
        "success",
        "fields",
        "from",
        "to",
        "associations",
        "reports",
        "campaignGuid",
    ),
)
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(KEYS) | st.text(),
            inner | st.sampled_from(["Lead", "00Qak00000696HFEAY", "CREATE", "deals", "501", "Opportunity"]),
            max_size=6,
        )
    ),
    max_leaves=25,
)


@given(st.sampled_from(CrmName), ANY_JSON)
def test_any_json_ends_in_records_or_reasons(crm: CrmName, body: Any) -> None:
    found = normalise_body(crm, body)
    assert found.records or found.refused


@given(st.sampled_from(CrmName), st.binary() | st.text())
def test_any_bytes_end_in_records_or_reasons(crm: CrmName, body: bytes | str) -> None:
    found = normalise_body(crm, body)
    assert found.records or found.refused


@given(st.sampled_from(CrmName), st.sampled_from(ObjectType), ANY_JSON)
def test_any_payload_ends_in_a_record_or_in_our_error(
    crm: CrmName, object_type: ObjectType, payload: Any
) -> None:
    try:
        record = normalise(crm, object_type, payload)
    except ClosedLoopError as exc:
        assert isinstance(exc, NormaliseError)  # noqa: PT017 - both ends are fine; anything else fails the test
    else:
        assert record.object is object_type


@pytest.mark.parametrize("id_", [[], {}, [[]], {"a": 1}, True, 1.5])
def test_an_id_that_is_no_id_is_a_reason_too(id_: Any) -> None:
    body = {"id": id_, "properties": {"dealname": "A deal", "dealstage": "closedlost"}}
    found = normalise_body(CrmName.HUBSPOT, body)
    assert found.records == ()
    assert len(found.refused) == 1
