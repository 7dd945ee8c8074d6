"""Whole answers, straight from their bytes: the same records as by way of decoded payloads, only sooner."""

from __future__ import annotations

import copy
import json
import pickle
import threading
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from closedloop.errors import AnswerError, NormaliseError
from closedloop.mapping import CrmMapping
from closedloop.mapping.compile import Careful
from closedloop.mapping.decode import UnreadableError, decode
from closedloop.mapping.page import Misfit, RecordPage
from closedloop.schema.records import Contact, Lead, Opportunity, Record
from closedloop.schema.vocabulary import CrmName, ObjectType

ROWS = {CrmName.SALESFORCE: "records", CrmName.HUBSPOT: "results"}
LEAD = "00Qak00000696HFEAY"


def page(mapping: CrmMapping, *rows: Any, **envelope: Any) -> bytes:
    return json.dumps({**envelope, ROWS[mapping.crm]: rows}).encode()


def lead(**fields: Any) -> dict[str, Any]:
    return {"attributes": {"type": "Lead", "url": f"/services/data/v62.0/sobjects/Lead/{LEAD}"}, **fields}


def eagerly(mapping: CrmMapping, of: ObjectType, body: bytes, source: str | None = None) -> list[Any]:
    """What becomes of each row by way of `normalise`: the record, or its refusal."""
    found: list[Any] = []
    for row in decode(body)[ROWS[mapping.crm]]:
        try:
            found.append(mapping.normalise(of, row, source))
        except NormaliseError as error:
            found.append((error.message, error.field, error.reason))
    return found


def told(page_: RecordPage) -> list[Any]:
    return [
        (row.error.message, row.error.field, row.error.reason) if isinstance(row, Misfit) else row
        for row in page_.rows
    ]


def assert_same(mapping: CrmMapping, of: ObjectType, body: bytes, source: str | None = None) -> RecordPage:
    """Twice, because the reader learns from a page what it cannot take for granted."""
    expected = eagerly(mapping, of, body, source)
    mapping._pages.clear()
    for _ in range(2):
        found = mapping.page(of, body, source)
        assert told(found) == expected
        for row, raw in zip(found.rows, decode(body)[ROWS[mapping.crm]], strict=True):
            assert row.raw == raw
        for row, other in zip(found.rows, expected, strict=True):
            assert repr(row) == repr(other) or isinstance(row, Misfit)
    return found


def assert_careful(mapping: CrmMapping, of: ObjectType, body: bytes) -> None:
    """The statements that call a converter for every value agree with those that take values in place."""
    careful = Careful(mapping.crm, mapping.specification(of))
    for row in decode(body)[ROWS[mapping.crm]]:
        try:
            expected: Any = careful.normalise(row)
        except NormaliseError as error:
            expected = (error.message, error.field, error.reason)
        assert [repr(expected)] == [repr(found) for found in eagerly(mapping, of, body)]


# The recorded bodies ------------------------------------------------------------------------------


def _lists(node: Any, name: str) -> list[list[Any]]:
    inner = node.values() if isinstance(node, Mapping) else node if isinstance(node, list) else ()
    found = [node[name]] if isinstance(node, Mapping) and isinstance(node.get(name), list) else []
    return found + [each for value in inner for each in _lists(value, name)]


@pytest.mark.parametrize("crm", CrmName)
def test_recorded_bodies_give_the_same_records_from_their_bytes(
    corpus: Path, crm: CrmName, salesforce_mapping: CrmMapping, hubspot: CrmMapping
) -> None:
    mapping = {CrmName.SALESFORCE: salesforce_mapping, CrmName.HUBSPOT: hubspot}[crm]
    records = 0
    for path in sorted((corpus / crm).rglob("*.json")):
        try:
            whole = decode(path.read_bytes())
        except UnreadableError:
            continue
        rows = _lists(whole, ROWS[crm])
        if isinstance(whole, Mapping):
            rows.append([whole])
        for each in rows:
            body = json.dumps({ROWS[crm]: each}, default=float).encode()
            for of in ObjectType:
                for source in mapping.sources(of):
                    records += len(assert_same(mapping, of, body, source).records)
    assert records > 5


# Bodies that others send --------------------------------------------------------------------------

NOT_PAGES: list[tuple[bytes, str]] = [
    (b"", "empty"),
    (b"<html><body>Down for maintenance</body></html>", "HTML"),
    (b"{}", "records"),
    (b"[]", "records"),
    (b'{"records": null}', "records"),
    (b'{"records": {}}', "records"),
    (b'{"records": [', "cut off"),
    (b'{"records": [{"Id": "00Qak00000696HFEAY"', "cut off"),
    (b'{"records": [{"Id": "00Qak00000696HFEAY"}]} x', "cut off"),
    (b'{"records": [{"Id": NaN}]}', "cut off"),
    (b'{"records": [{"Id": "00Qak00000696HFEAY", "x": "\xff"}]}', "UTF-8"),
    (b'{"records": [{"Id": "00Qak00000696HFEAY", "x": "\x01"}]}', "cut off"),
]


@pytest.mark.parametrize(("body", "said"), NOT_PAGES)
def test_what_is_no_page_is_an_answer_error(salesforce_mapping: CrmMapping, body: bytes, said: str) -> None:
    with pytest.raises(AnswerError) as caught:
        salesforce_mapping.page(ObjectType.LEAD, body)
    assert said in caught.value.message
    assert caught.value.__context__ is None  # the decoder's error holds the whole body


SALESFORCE_ROWS: list[tuple[str, str]] = [
    (
        "an ordinary lead",
        '{"Id":"%s","Name":"Ada","IsConverted":false,"CreatedDate":"2026-01-02T03:04:05.000+0000"}',
    ),
    ("a row without anything", "{}"),
    ("null instead of a row", "null"),
    ("a list instead of a row", "[1, 2]"),
    ("a text instead of a row", '"Lead"'),
    ("an id of 15 characters", '{"Id":"00Qak00000696HF"}'),
    (
        "the id in the url alone",
        '{"attributes":{"type":"Lead","url":"/services/data/v62.0/sobjects/Lead/%s"}}',
    ),
    ("another object", '{"attributes":{"type":"Account"},"Id":"%s"}'),
    ("the object's name in another case", '{"attributes":{"type":"LEAD"},"Id":"%s"}'),
    ("attributes that are none", '{"attributes":5,"Id":"%s"}'),
    ("a type that is none", '{"attributes":{"type":5},"Id":"%s"}'),
    ("an id of another object", '{"Id":"003ak000003dQCGAA2"}'),
    ("an id with a slash", '{"Id":"//evil/x"}'),
    ("a number as text", '{"Id":"%s","Phone":491701234567}'),
    ("a big number as text", '{"Id":"%s","Phone":123456789012345678901234567890}'),
    ("a huge number", '{"Id":"%s","Phone":1' + "0" * 5000 + "}"),
    ("a huge number nobody reads", '{"Id":"%s","X":1' + "0" * 5000 + "}"),
    ("an exponent beyond Decimal", '{"Id":"%s","X":1e99999999999999999999}'),
    ("1e400", '{"Id":"%s","Phone":1e400}'),
    ("an object as text", '{"Id":"%s","Name":{"FirstName":"Ada"}}'),
    ("NUL", '{"Id":"%s","Name":"a\\u0000b"}'),
    ("NUL that nobody reads", '{"Id":"%s","X":"a\\u0000b"}'),
    ("a backslash before u0000", '{"Id":"%s","Name":"a\\\\u0000b"}'),
    ("a lone surrogate", '{"Id":"%s","Name":"a\\ud800b"}'),
    ("a lone surrogate nobody reads", '{"Id":"%s","X":"a\\udc00"}'),
    ("a pair of surrogates", '{"Id":"%s","Name":"\\ud83d\\ude00"}'),
    ("letters beyond ASCII", '{"Id":"%s","Name":"Zo\u00eb \u4e2d\u6587"}'),
    ("blanks", '{"Id":"%s","Name":" \\t ","Title":"\\u00a0x ","Company":""}'),
    ("a key twice", '{"Id":5,"Id":"%s","Name":"first","Name":"second"}'),
    ("a key in escapes", '{"\\u0049d":"%s","N\\u0061me":"Ada"}'),
    ("attributes twice", '{"attributes":5,"attributes":{"type":"Lead"},"Id":"%s"}'),
    ("a naive time", '{"Id":"%s","CreatedDate":"2026-01-02T03:04:05"}'),
    ("another zone", '{"Id":"%s","CreatedDate":"2026-01-02T03:04:05+05:30"}'),
    ("a small t and z", '{"Id":"%s","CreatedDate":"2026-01-02t03:04:05z"}'),
    ("nanoseconds, rounded down", '{"Id":"%s","CreatedDate":"2026-01-02T03:04:05.123456499Z"}'),
    ("nanoseconds, rounded up", '{"Id":"%s","CreatedDate":"2026-01-02T03:04:59.999999500Z"}'),
    ("the end of time, rounded up", '{"Id":"%s","CreatedDate":"9999-12-31T23:59:59.9999999Z"}'),
    ("the end of time in another zone", '{"Id":"%s","CreatedDate":"9999-12-31T23:59:59-05:00"}'),
    ("milliseconds as a time", '{"Id":"%s","CreatedDate":1767322800000,"SystemModstamp":"1767322800000"}'),
    ("a day as a time", '{"Id":"%s","CreatedDate":"2026-01-02"}'),
    ("a blank time", '{"Id":"%s","CreatedDate":""}'),
    ("a time as a day", '{"Id":"%s","ConvertedDate":"2026-01-02T23:30:00-05:00"}'),
    ("a week as a day", '{"Id":"%s","ConvertedDate":"2026-W01-1"}'),
    ("no day", '{"Id":"%s","ConvertedDate":"2026-02-30"}'),
    ("a flag as text", '{"Id":"%s","IsConverted":"TRUE"}'),
    ("a flag as a number", '{"Id":"%s","IsConverted":1}'),
    ("no flag", '{"Id":"%s","IsConverted":"yes"}'),
    ("a list as a flag", '{"Id":"%s","IsConverted":[]}'),
]


@pytest.mark.parametrize(
    "row", [row for _, row in SALESFORCE_ROWS], ids=[name for name, _ in SALESFORCE_ROWS]
)
def test_a_row_is_read_from_bytes_as_from_a_payload(salesforce_mapping: CrmMapping, row: str) -> None:
    rows = ",".join([row, SALESFORCE_ROWS[0][1]]).replace("%s", LEAD)
    assert_same(salesforce_mapping, ObjectType.LEAD, f'{{"records":[{rows}]}}'.encode())


AMOUNTS = [
    *("0", "-0", "0.0", "-0.0", "1", "-1", "12.50", "1200.10", "1e3", "1E-3", "1e400", "-1e400", "0.0000001"),
    *("0.000001", "123456789012345678901234567890", "1234567890123456789012345678901", "0.1", "1.10"),
    *(
        '"12.50"',
        '"1_000"',
        '" 12 "',
        '"NaN"',
        '"-Infinity"',
        '""',
        '"1e3"',
        '"0.0000001"',
        '".5"',
        '"5."',
        '"."',
    ),
    *('"1234567890123456789012345678901"', '"0.1234567890123456789012345678901"'),
    *('"\\u0661"', '"+1"', '"-1"', '"1000000.00"', "true", "[]", "{}", "null", '"1,5"'),
]


@pytest.mark.parametrize("currency", ['"EUR"', '"eur"', '" EUR "', '""', "null", "5", '"EURO"', "[]", "{}"])
@pytest.mark.parametrize("amount", AMOUNTS)
def test_an_amount_is_exact_from_bytes(salesforce_mapping: CrmMapping, amount: str, currency: str) -> None:
    row = '{"Id":"006ak00000OQ4RxAAL","Amount":%s,"Probability":%s,"CurrencyIsoCode":%s}'
    body = '{"records":[%s]}' % (row % (amount, amount, currency))
    assert_same(salesforce_mapping, ObjectType.OPPORTUNITY, body.encode())
    assert_careful(salesforce_mapping, ObjectType.OPPORTUNITY, body.encode())


@pytest.mark.parametrize("amount", AMOUNTS)
def test_a_deals_amount_is_exact_from_bytes(hubspot: CrmMapping, amount: str) -> None:
    row = '{"id":"1","properties":{"amount":%s,"hs_deal_stage_probability":%s,"deal_currency_code":"EUR"}}'
    body = '{"results":[%s]}' % (row % (amount, amount))
    assert_same(hubspot, ObjectType.OPPORTUNITY, body.encode())
    assert_careful(hubspot, ObjectType.OPPORTUNITY, body.encode())


HUBSPOT_ROWS: list[tuple[str, str]] = [
    ("an ordinary deal", '{"id":"1","properties":{"dealname":"x","closedate":"2026-01-02T00:00:00Z"}}'),
    ("no properties", '{"id":"1"}'),
    ("properties that are none", '{"id":"1","properties":null}'),
    ("properties that are a list", '{"id":"1","properties":[]}'),
    ("properties twice", '{"id":"1","properties":5,"properties":{"dealname":"x"}}'),
    ("an id that is a number", '{"id":1}'),
    ("an id that is negative", '{"id":-1}'),
    ("an id that is too long", '{"id":"123456789012345678901"}'),
    ("an id in other digits", '{"id":"\u0661\u0662"}'),
    ("a day", '{"id":"1","properties":{"closedate":"2026-01-02"}}'),
    ("a blank day", '{"id":"1","properties":{"closedate":""}}'),
    ("flags", '{"id":"1","archived":true,"properties":{"hs_is_closed":"true","hs_is_closed_won":"FALSE"}}'),
    ("no associations", '{"id":"1","associations":{"companies":{"results":[]}}}'),
    ("an association", '{"id":"1","associations":{"companies":{"results":[{"id":"7"},{"id":"8"}]}}}'),
    ("associations that are none", '{"id":"1","associations":{"companies":{"results":5}}}'),
    ("an association that is none", '{"id":"1","associations":{"companies":{"results":[null]}}}'),
    ("a bad one behind the first", '{"id":"1","associations":{"companies":{"results":[{"id":"7"},5]}}}'),
    (
        "a history",
        """{"id":"1","propertiesWithHistory":{"dealstage":
            [{"timestamp":"2026-01-02T03:04:05.678Z","updatedByUserId":12345}]}}""",
    ),
    ("a link", '{"id":"1","properties":{"hs_salesforceopportunityid":"006ak00000OQ4Rx"}}'),
    ("a bad link", '{"id":"1","properties":{"hs_salesforceopportunityid":"x"}}'),
]


@pytest.mark.parametrize("row", [row for _, row in HUBSPOT_ROWS], ids=[name for name, _ in HUBSPOT_ROWS])
def test_a_deal_is_read_from_bytes_as_from_a_payload(hubspot: CrmMapping, row: str) -> None:
    assert_same(hubspot, ObjectType.OPPORTUNITY, f'{{"results":[{row},{HUBSPOT_ROWS[0][1]}]}}'.encode())


def test_each_source_of_an_object_reads_its_own_pages(
    salesforce_mapping: CrmMapping, hubspot: CrmMapping
) -> None:
    task = {"attributes": {"type": "Task"}, "Id": "00Tak000003dQCGAA2", "Subject": "Call", "WhoId": LEAD}
    event = {"attributes": {"type": "Event"}, "Id": "00Uak000003dQCGAA2", "Subject": "Visit"}
    body = page(salesforce_mapping, task, event)
    for source in (None, "Task", "Event"):
        found = assert_same(salesforce_mapping, ObjectType.ACTIVITY, body, source)
        assert [row.kind for row in found.records] == [None, "Event"]  # type: ignore[attr-defined]
    untitled = page(hubspot, {"id": "5", "properties": {"hs_email_subject": None}})
    (email,) = assert_same(hubspot, ObjectType.ACTIVITY, untitled, "emails").records
    assert email.kind == "Email"  # type: ignore[attr-defined]


def test_a_source_that_is_not_mapped_is_refused(salesforce_mapping: CrmMapping) -> None:
    with pytest.raises(NormaliseError) as caught:
        salesforce_mapping.page(ObjectType.LEAD, b'{"records":[]}', "Prospect__c")
    assert caught.value.reason == "not_mapped"


def test_stages_get_their_meaning(salesforce_mapping: CrmMapping) -> None:
    row = {
        "attributes": {"type": "OpportunityStage"},
        "ApiName": "Closed Lost",
        "IsClosed": True,
        "IsWon": False,
    }
    found = assert_same(salesforce_mapping, ObjectType.STAGE, page(salesforce_mapping, row))
    assert found.records[0].meaning == "lost"  # type: ignore[attr-defined]


def test_the_envelope_says_where_the_next_page_is(
    salesforce_mapping: CrmMapping, hubspot: CrmMapping
) -> None:
    body = page(salesforce_mapping, totalSize=1, done=False, nextRecordsUrl="/q/1", unknown=1)
    said = {"totalSize": 1, "done": False, "nextRecordsUrl": "/q/1"}
    assert salesforce_mapping.page(ObjectType.LEAD, body).envelope == said
    assert salesforce_mapping.page(ObjectType.STAGE, body).envelope == said
    paging = {"next": {"after": "394", "link": "https://…"}}
    assert hubspot.page(ObjectType.CONTACT, page(hubspot, paging=paging)).envelope == {"paging": paging}
    assert hubspot.page(ObjectType.CONTACT, page(hubspot, paging={})).envelope == {"paging": {}}
    assert hubspot.page(ObjectType.CONTACT, page(hubspot)).envelope == {}


def test_a_value_mapped_whole_and_in_parts_is_still_read(mappings: Any) -> None:
    custom = {"owner": {"from": "Owner", "type": "list"}, "owner_name": "Owner.Name"}
    overlay = {"objects": {"lead": {"custom": custom}}}
    mapping = mappings.overlaid(CrmName.SALESFORCE, overlay).crm(CrmName.SALESFORCE)
    assert_same(mapping, ObjectType.LEAD, page(mapping, lead(Id=LEAD), lead(Id=LEAD, Owner={"Name": "Ada"})))


# The payload ---------------------------------------------------------------------------------------


@pytest.fixture
def raw(salesforce_mapping: CrmMapping) -> Mapping[str, Any]:
    body = b'{"records":[{"Id":"%s","Amount":1.10},{"Id":"%s"}]}' % (LEAD.encode(), LEAD.encode())
    found: Mapping[str, Any] = salesforce_mapping.page(ObjectType.LEAD, body).records[0].raw
    return found


EXPECTED = {"Id": LEAD, "Amount": Decimal("1.10")}


def test_the_payload_is_the_decoded_row(raw: Mapping[str, Any]) -> None:
    assert raw == EXPECTED
    assert [raw] == [EXPECTED]
    assert raw["Id"] == LEAD
    assert (list(raw), len(raw), "Id" in raw, raw.get("x"), repr(raw)) == (
        ["Id", "Amount"],
        2,
        True,
        None,
        repr(EXPECTED),
    )
    with pytest.raises(KeyError):
        raw["x"]
    with pytest.raises(TypeError):
        raw["Id"] = "x"  # type: ignore[index]


@pytest.mark.parametrize("looked_at", [False, True])
def test_the_payload_survives_pickling_and_copying(raw: Mapping[str, Any], looked_at: bool) -> None:
    if looked_at:
        assert len(raw) == 2
    packed = pickle.dumps(raw)
    assert len(packed) < 300
    assert pickle.loads(packed) == EXPECTED  # noqa: S301 - our own bytes
    assert copy.deepcopy(raw) == EXPECTED


def test_a_whole_record_survives_pickling(salesforce_mapping: CrmMapping) -> None:
    (record,) = salesforce_mapping.page(
        ObjectType.LEAD, page(salesforce_mapping, lead(Id=LEAD, Name="Ada"))
    ).records
    again: Record = pickle.loads(pickle.dumps(record))  # noqa: S301 - our own bytes
    assert type(again) is Lead
    assert (again, again.raw) == (record, record.raw)


def test_threads_may_look_at_one_payload_at_once(salesforce_mapping: CrmMapping) -> None:
    body = page(salesforce_mapping, *(lead(Id=LEAD, Name=f"n{number}") for number in range(200)))
    records = salesforce_mapping.page(ObjectType.LEAD, body).records
    seen: list[list[str]] = []

    def look() -> None:
        seen.append([record.raw["Name"] for record in records])

    threads = [threading.Thread(target=look) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == [[f"n{number}" for number in range(200)]] * 4


def test_a_payload_that_was_looked_at_lets_go_of_the_page(raw: Mapping[str, Any]) -> None:
    assert raw.page is not None  # type: ignore[attr-defined]
    assert raw["Id"] == LEAD
    assert raw.page is None  # type: ignore[attr-defined]


# Records that were filled slot by slot ------------------------------------------------------------


def test_a_record_is_as_frozen_as_one_that_was_constructed(
    salesforce_mapping: CrmMapping, hubspot: CrmMapping
) -> None:
    (record,) = hubspot.page(
        ObjectType.CONTACT, page(hubspot, {"id": "1", "properties": {"email": "a@b.c"}})
    ).records
    assert type(record) is Contact
    with pytest.raises(AttributeError):
        record.email = "x"  # type: ignore[misc]
    with pytest.raises(AttributeError):
        del record.id
    (deal,) = salesforce_mapping.page(
        ObjectType.OPPORTUNITY, page(salesforce_mapping, {"Id": "006ak00000OQ4RxAAL", "Amount": 5.5})
    ).records
    assert isinstance(deal, Opportunity)
    assert deal.amount is not None
    with pytest.raises(AttributeError):
        deal.amount.currency = "USD"  # type: ignore[misc]
    assert hash(deal.ref) == hash(copy.copy(deal).ref)
