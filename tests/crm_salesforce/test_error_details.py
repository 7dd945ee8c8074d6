"""What an error says beside its type: the fields, the record that is there already, the Bulk API's codes."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import pytest

from closedloop.crm.salesforce.answers import decoded, error_of, record_error
from closedloop.errors import DuplicateError, ValueRefusedError


def listed(code: str, message: str = "said") -> list[dict[str, str]]:
    return [{"errorCode": code, "message": message}]


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ([{"statusCode": "STRING_TOO_LONG", "message": "m", "fields": ["Name"]}], ("Name",)),
        ([{"statusCode": "REQUIRED_FIELD_MISSING", "message": "m", "fields": ["LastName", "Company"]},
          {"statusCode": "STRING_TOO_LONG", "message": "m", "fields": ["Company", "Why__c"]}],
         ("LastName", "Company", "Why__c")),
        ([{"statusCode": "STRING_TOO_LONG", "fields": None}], ()),
        ([{"statusCode": "STRING_TOO_LONG", "fields": [5, None, "jane@example.com", "Name"]}], ("Name",)),
        ([{"statusCode": "STRING_TOO_LONG", "fields": "Name"}], ()),
    ],
)  # fmt: skip
def test_a_refused_value_names_the_fields(body: Any, fields: tuple[str, ...]) -> None:
    found = record_error(body)
    assert isinstance(found, ValueRefusedError)
    assert found.fields == fields


def test_the_recorded_fields_are_read(corpus: Path) -> None:
    name = "batch_create_contacts_partial-but-allOrNone.json"
    body = json.loads((corpus / "salesforce" / "amp-labs" / name).read_text())
    assert [getattr(record_error(row["errors"]), "fields", None) for row in body] == [
        tuple(body[0]["errors"][0]["fields"]), None,
    ]  # fmt: skip
    assert body[0]["errors"][0]["fields"]


BULK_1 = (
    b'<error xmlns="http://www.force.com/2009/06/asyncapi/dataload"><exceptionCode>InvalidSessionId'
    b"</exceptionCode><exceptionMessage>Invalid session id</exceptionMessage></error>"
)


def duplicates(*records: Any) -> dict[str, Any]:
    """A duplicate rule's body, by the documentation of DuplicateResult."""
    matches = [{"matchConfidence": 100.0, "record": record} for record in records]
    result = {
        "entityType": "Lead",
        "matchEngine": "ExactMatchEngine",
        "matchRecords": matches,
        "size": len(matches),
    }
    return {
        "duplicateResult": {"allowSave": False, "duplicateRule": "Leads", "matchResults": [result]},
        "errorCode": "DUPLICATES_DETECTED",
        "message": "Use one of these records?",
    }


@pytest.mark.parametrize(
    ("body", "existing"),
    [
        (duplicates({"attributes": {"type": "Lead"}, "Id": "00Q000000000001"}), "00Q000000000001EAA"),
        (duplicates({"Id": "no id"}, {"Id": "00Q000000000002EAA"}), "00Q000000000002EAA"),
        (duplicates({}, None, "x"), None),
        (duplicates(), None),
        ({"duplicateResult": None, "errorCode": "DUPLICATES_DETECTED", "message": "m"}, None),
        ({"duplicateResult": {"matchResults": [5]}, "errorCode": "DUPLICATES_DETECTED"}, None),
        (
            listed(
                "DUPLICATE_VALUE",
                "duplicate value found: Key__c duplicates value on record with id: 003000000000001",
            )[0],
            "003000000000001AAA",
        ),
        (
            listed(
                "DUPLICATE_VALUE",
                "duplicate value found: <unknown> duplicates value on record with id: <unknown>",
            )[0],
            None,
        ),
        (listed("DUPLICATE_VALUE", "Already a campaign member.")[0], None),
    ],
)
def test_a_duplicate_names_the_record_that_is_there_already(body: Any, existing: str | None) -> None:
    for found in (error_of(400, [body]), error_of(400, body), record_error([body])):
        assert isinstance(found, DuplicateError)
        assert found.existing_id == existing
        assert pickle.loads(pickle.dumps(found)).existing_id == existing  # noqa: S301 - our own


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (BULK_1, "InvalidSessionId"),
        (b'{"exceptionCode":"ClientInputError","exceptionMessage":"m"}', "ClientInputError"),
        (b'[{"errorCode":"API_ERROR","message":"m"}]', "API_ERROR"),
        (b"<html><body>Down</body></html>", None),
        (
            b"<!DOCTYPE x [<!ENTITY e SYSTEM 'file:///etc/passwd'>]><x><exceptionCode>&e;</exceptionCode></x>",
            None,
        ),
        (b"\xff\xfe", None),
        (b"", None),
    ],
)
def test_errors_of_the_bulk_api_come_as_json_or_as_xml(body: bytes, code: str | None) -> None:
    assert error_of(400, decoded(body)).code == code
